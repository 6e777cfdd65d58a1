"""What became of answers to work: accepted, rejected, or not decided yet.

An answer is accepted when a label of its task and attempt was, and no check rejected the answer;
losing a vote is no rejection. A label that was recalled, or ended since its lot or answer was
rejected, is none; one that ended because the guideline changed was accepted all the same.
"""

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from quality.choices import ReviewOutcome, ReviewState
from quality.models import Adjudication, Judgment, Label, RelabelTask, Review


def with_fate(rows: QuerySet[Judgment], now: datetime) -> QuerySet[Any]:
    """Annotate judgments with `was_accepted` and `was_rejected` as of a time, never both."""
    of_task = {"task": OuterRef("task"), "attempt": OuterRef("assignment__attempt")}
    changed = RelabelTask.objects.filter(label=OuterRef("pk"), reopened_at__lte=now)
    labels = Label.objects.filter(**of_task, accepted_at__lte=now).filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=now) | Exists(changed)
    )
    bad = Review.objects.filter(
        state=ReviewState.DONE,
        outcome__in=(ReviewOutcome.FIX, ReviewOutcome.REJECT),
        decided_at__lte=now,
    )
    # An audit looks at the label: it rejects the answers that say the same.
    audited = bad.filter(accepted__task=OuterRef("task")).filter(
        Q(accepted__judgment=OuterRef("pk"))
        | Q(accepted__attempt=OuterRef("assignment__attempt"), accepted__value=OuterRef("label"))
        & ~Q(accepted__value="")
    )
    upheld = Adjudication.objects.filter(winner=OuterRef("pk"), decided_at__lte=now)
    rejected = (Q(Exists(bad.filter(judgment=OuterRef("pk")))) | Q(Exists(audited))) & ~Q(
        Exists(upheld)
    )
    return rows.annotate(was_accepted=Q(Exists(labels)) & ~rejected, was_rejected=rejected)
