"""Which label is taken for which, by a truth that is chosen and stated.

*Gold*: answers to gold that was asked unseen, or came in with a file. *Random reviews*: answers
whose review was drawn at random, against what it found. *Adjudicated*: answers to tasks that a
person decided; these are the hard ones, and say nothing of how often anybody errs.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, When
from django.utils.translation import gettext_lazy as _l

from accounts.models import User
from accounts.permissions import can, require
from common.errors import NotFound
from quality.choices import ReviewOutcome, ReviewState, ReviewWhy
from quality.core.confusion import Confusion, confusion
from quality.models import Adjudication, Judgment, Label, Review
from quality.reports.ratings import VIEW
from quality.services.truths import gold_in_force
from routing.choices import Metric, Purpose
from routing.models import Project, TaskType
from workforce.models import Annotator

# source → (title, permission that opens the tasks behind a count: they would tell gold from work)
SOURCES = {
    "gold": (_l("gold"), "gold.view"),
    "reviews": (_l("random quality reviews"), "reviews.view"),
    "adjudicated": (_l("adjudicated answers"), "adjudications.view"),
}
BATCH = 10_000
ROWS = ("task_id", "task", "project", "annotator", "at", "true", "given")


@dataclass(frozen=True)
class Asked:
    """Which answers are asked for: to one task type, given in [since, until]."""

    task_type: TaskType
    source: str
    since: datetime
    until: datetime
    project: Project | None = None
    annotator: Annotator | None = None


def confused(asked: Asked, *, acting_user: User) -> Confusion:
    """Return the confusion of the answers that are asked for.

    Raises
    ------
    NotFound
        If there is no such source.
    """
    require(acting_user, VIEW)
    return confusion((true, given, n) for (true, given), n in _counted(asked).items())


def confused_table(asked: Asked, *, acting_user: User) -> pd.DataFrame:
    """Return every pair of labels (true, given, answers) that was met, the most frequent first."""
    require(acting_user, VIEW)
    rows = [(true, given, n) for (true, given), n in _counted(asked).items()]
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    return pd.DataFrame(rows, columns=["true", "given", "answers"])


def _counted(asked: Asked) -> Counter[tuple[str, str]]:
    rows = _truths(asked).values_list("task_id", "annotator_id", "truth", "label")
    last: dict[tuple[int, int], tuple[str, str]] = {}
    # In order of attempts: the last answer of each counts.
    for task, annotator, truth, label in rows.iterator(BATCH):
        last[task, annotator] = (truth, label)
    return Counter(last.values())


def confused_rows(asked: Asked, true: str, given: str, *, acting_user: User) -> pd.DataFrame:
    """Return ROWS of the answers behind one count, newest first.

    true, given : labels; who may see the counts may not always see the tasks (SOURCES).
    """
    require(acting_user, VIEW)
    if asked.source not in SOURCES:
        raise NotFound(what="source")
    require(acting_user, SOURCES[asked.source][1])
    rows = _truths(asked).values_list(
        "task_id",
        "annotator_id",
        "task__external_id",
        "task__project__name",
        "annotator__name",
        "submitted_at",
        "truth",
        "label",
    )
    last: dict[tuple[int, int], tuple[Any, ...]] = {}
    for task, annotator, *values in rows.iterator(BATCH):
        last[task, annotator] = (task, *values)
    found = [row for row in last.values() if row[5:7] == (true, given)]
    found.sort(key=lambda row: (row[4], row[0]), reverse=True)
    return pd.DataFrame(found, columns=list(ROWS))


def may_open(user: User, source: str) -> bool:
    """Tell whether the user may see which tasks stand behind the counts of a source."""
    return can(user, SOURCES[source][1])


def kinds_of_work() -> QuerySet[TaskType]:
    """Return the task types whose answers are labels."""
    return TaskType.objects.filter(metric=Metric.EXACT).order_by("name")


def usual_kind(annotator: Annotator | None = None) -> TaskType | None:
    """Return the kind of work that was answered last (by somebody), else the first there is."""
    rows = Judgment.objects.filter(task__task_type__metric=Metric.EXACT).exclude(label="")
    if annotator is not None:
        rows = rows.filter(annotator=annotator)
    last = rows.order_by("-pk").values("task__task_type")[:1]
    return TaskType.objects.filter(pk__in=last).first() or kinds_of_work().first()


def _truths(asked: Asked) -> QuerySet[Any]:
    """Return the answers with a label and the `truth` of their task, in order of attempts."""
    if asked.source not in SOURCES:
        raise NotFound(what="source")
    rows = Judgment.objects.filter(
        task__task_type=asked.task_type,
        submitted_at__gte=asked.since,
        submitted_at__lte=asked.until,
    ).exclude(label="")
    if asked.project is not None:
        rows = rows.filter(task__project=asked.project)
    if asked.annotator is not None:
        rows = rows.filter(annotator=asked.annotator)
    read = {"gold": _gold, "reviews": _reviewed, "adjudicated": _adjudicated}[asked.source]
    found: QuerySet[Any] = read(rows, asked.until)
    return (
        found.exclude(truth="").exclude(truth=None).order_by("task_id", "annotator_id", "attempt")
    )


def _gold(rows: QuerySet[Judgment], at: datetime) -> QuerySet[Judgment]:
    unseen = Q(assignment__isnull=True) | Q(assignment__purpose=Purpose.GOLD)
    gold = gold_in_force(at).filter(task=OuterRef("task")).values("label")[:1]
    return rows.filter(unseen).annotate(truth=Subquery(gold))


def _reviewed(rows: QuerySet[Judgment], at: datetime) -> QuerySet[Judgment]:
    """A fix says what is right; of a rejection the label that the task was given afterwards."""
    done = Review.objects.filter(
        judgment=OuterRef("pk"),
        state=ReviewState.DONE,
        why=ReviewWhy.RANDOM,
        number=1,
        decided_at__lte=at,
    )
    label = Label.objects.filter(task=OuterRef("task"), accepted_at__lte=at).filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=at)
    )
    reviewed = rows.annotate(
        outcome=Subquery(done.values("outcome")[:1]),
        fixed=Subquery(done.values("label")[:1]),
        accepted=Subquery(label.values("value")[:1]),
    )
    return (
        reviewed.filter(outcome__isnull=False)
        .annotate(
            truth=Case(
                When(outcome=ReviewOutcome.ACCEPT, then=F("label")),
                When(outcome=ReviewOutcome.FIX, then=F("fixed")),
                default=F("accepted"),
                output_field=CharField(),
            )
        )
        .exclude(outcome=ReviewOutcome.REJECT, truth=F("label"))
    )


def _adjudicated(rows: QuerySet[Judgment], at: datetime) -> QuerySet[Judgment]:
    decided = Adjudication.objects.filter(
        task=OuterRef("task"), decided_at__lte=at, cancelled_at__isnull=True
    ).order_by("-decided_at", "-pk")
    return rows.annotate(truth=Subquery(decided.values("label")[:1]))
