"""Adjudications: a person decides where answers, reviews or gold do not settle a task."""

import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.permissions import can
from audit.services.events import record_event
from common.errors import Conflict, Invalid, NotFound
from quality.choices import AdjudicationWhy, LabelBy
from quality.core.time_rules import MAX_RAW
from quality.models import Adjudication, Judgment, Review
from quality.services.gold import doubt_gold, gold_decided
from quality.services.rightness import Value, checked_answer, value_of
from quality.services.verdicts import Verdict, carry_out
from routing.models import Task
from routing.services.seats import lock_task
from workforce.choices import PoolKind
from workforce.models import Annotator, AnnotatorSkill

DECIDE = "adjudications.decide"
DECIDED = gettext_noop("decided by adjudication")


def may_adjudicate(user: User, adjudication: Adjudication) -> bool:
    """Tell whether a user may decide: a quality lead, or own staff of the level that is asked for.

    Nobody decides about a task that they answered or reviewed, by whichever account.
    """
    if touched(user, adjudication.task_id):
        return False
    if can(user, DECIDE):
        return True
    # Who is measured must not learn which tasks are gold.
    return adjudication.why != AdjudicationWhy.GOLD and _is_expert(user, adjudication.task)


def touched(user: User, task_id: int) -> bool:
    """Tell whether a user has answered or reviewed a task, as any account of the same person."""
    own = Annotator.objects.filter(user=user).first()
    if own is None:
        return False
    mine = Q(annotator=own)
    if own.person_id is not None:
        mine |= Q(annotator__person=own.person_id)
    reviewed = Q(reviewer=own)
    if own.person_id is not None:
        reviewed |= Q(reviewer__person=own.person_id)
    return (
        Judgment.objects.filter(mine, task=task_id).exists()
        or Review.objects.filter(reviewed, task=task_id).exists()
    )


def _is_expert(user: User, task: Task) -> bool:
    level = task.project.adjudication_level
    if level is None or not can(user, "own_work.do"):
        return False
    return AnnotatorSkill.objects.filter(
        annotator__user=user,
        annotator__status="active",
        annotator__pool__kind=PoolKind.IN_HOUSE,
        skill=task.task_type.skill_id,
        state="verified",
        level__gte=level,
    ).exists()


def queue(user: User) -> QuerySet[Adjudication]:
    """Return the open adjudications that a user may decide, the most urgent first."""
    rows = (
        Adjudication.objects.filter(decided_at__isnull=True, cancelled_at__isnull=True)
        .select_related("task__project", "task__task_type")
        .order_by("urgency", "pk")
    )
    own = Annotator.objects.filter(user=user).first()
    if own is not None:
        mine = Q(task__judgments__annotator=own) | Q(task__reviews__reviewer=own)
        if own.person_id is not None:
            mine |= Q(task__judgments__annotator__person=own.person_id)
            mine |= Q(task__reviews__reviewer__person=own.person_id)
        rows = rows.exclude(pk__in=Adjudication.objects.filter(mine).values("pk"))
    if can(user, DECIDE):
        return rows
    if own is None or own.pool.kind != PoolKind.IN_HOUSE or not can(user, "own_work.do"):
        return rows.none()
    allowed = Q(pk__in=[])
    for skill, level in AnnotatorSkill.objects.filter(annotator=own, state="verified").values_list(
        "skill_id", "level"
    ):
        allowed |= Q(task__task_type__skill=skill, task__project__adjudication_level__lte=level)
    return rows.filter(allowed).exclude(why=AdjudicationWhy.GOLD)


@dataclass(frozen=True)
class Side:
    """One answer on the sheet of an adjudication, without whose it is.

    name : A, B, C …; votes : how many gave it; judgment_id : of the first who did
    """

    name: str
    value: Value
    votes: int
    judgment_id: int
    reviews: tuple[str, ...]


def sheet(adjudication: Adjudication) -> list[Side]:
    """Return the different answers of the attempt, side by side in an order that tells nothing.

    The order is shuffled by the adjudication's public id, so that it stays while one looks.
    """
    rows = list(
        Judgment.objects.filter(task=adjudication.task_id)
        .select_related("assignment")
        .prefetch_related("reviews")
        .order_by("submitted_at", "pk")
    )
    last: dict[int, Judgment] = {row.annotator_id: row for row in rows}
    groups: dict[str, list[Judgment]] = {}
    for row in last.values():
        groups.setdefault(row.label or repr(row.answer), []).append(row)
    found = list(groups.values())
    random.Random(str(adjudication.public_id)).shuffle(found)
    return [
        Side(
            name=_letter(number),
            value=value_of(rows[0]),
            votes=len(rows),
            judgment_id=rows[0].pk,
            reviews=tuple(
                str(review.get_outcome_display())
                for row in rows
                for review in row.reviews.all()
                if review.outcome
            ),
        )
        for number, rows in enumerate(found)
    ]


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else str(number + 1)


@transaction.atomic
def decide_adjudication(
    adjudication: Adjudication,
    *,
    winner: Judgment | None = None,
    answer: Any = None,
    reason: str,
    raw_seconds: float | None = None,
    acting_user: User,
    now: datetime,
) -> Adjudication:
    """Decide what is right: one of the answers (`winner`), or another one; with the reason.

    Decided again with the same answer by the same person, nothing changes.

    Raises
    ------
    NotFound
        If the user may not decide it: as if there were none.
    Invalid, BadAnswer
        If neither or both are given, the winner is no answer to this task, or a reason is missing.
    Conflict
        If it is decided otherwise, or was called off.
    """
    task = lock_task(adjudication.task_id)
    row = (
        Adjudication.objects.select_for_update(of=("self",))
        .select_related("task__project", "task__task_type", "task__guideline")
        .get(pk=adjudication.pk)
    )
    if not may_adjudicate(acting_user, row):
        raise NotFound(what=_("adjudication"))
    value = _value(row.task, winner, answer)
    reason = reason.strip()
    if not reason:
        raise Invalid(_("Say why this is right."), field="reason", rule="required")
    if row.decided_at is not None:
        if (row.answer, row.decided_by_id) == (value.answer, acting_user.pk):
            return row
        raise Conflict(_("This is decided already."))
    if row.cancelled_at is not None:
        raise Conflict(_("This was called off."))
    if raw_seconds is not None and not 0 <= raw_seconds <= MAX_RAW:
        raise Invalid(_("Seconds are a number."), field="raw_seconds", rule="number")
    row.winner, row.answer, row.label = winner, value.answer, value.label
    row.reason, row.decided_by, row.decided_at = reason, acting_user, now
    row.raw_seconds = raw_seconds
    row.save(
        update_fields=[
            "winner",
            "answer",
            "label",
            "reason",
            "decided_by",
            "decided_at",
            "raw_seconds",
        ]
    )
    record_event(
        "adjudication.decided",
        acting_user=acting_user,
        now=now,
        subject="adjudication",
        subject_id=row.public_id,
        note=reason,
        winner=str(winner.public_id) if winner is not None else None,
        why=row.why,
    )
    by: dict[str, Any] = {"acting_user": acting_user, "now": now}
    if row.why == AdjudicationWhy.GOLD:
        gold_decided(row, value, **by)
    else:
        doubt_gold(task, value, urgency=row.urgency, **by)
    verdict = Verdict(value, LabelBy.ADJUDICATION, judgment=winner, adjudication=row)
    carry_out(task, verdict, reason=DECIDED, **by)
    return row


def _value(task: Task, winner: Judgment | None, answer: Any) -> Value:
    if (winner is None) == (answer is None):
        raise Invalid(
            _("Choose one of the answers, or give another one."), field="answer", rule="one_of"
        )
    if winner is not None:
        if winner.task_id != task.pk:
            raise Invalid(_("This is no answer to this task."), field="winner", rule="of_the_task")
        return value_of(winner)
    checked = checked_answer(task, answer)
    return Value(checked.answer, checked.label)
