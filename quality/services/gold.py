"""The gold manager: tasks whose right answer is known and that are asked unseen.

Gold is made from an adjudicated answer or by an expert, and retired. Where a review or an
adjudication of a gold task says something else, the gold is in doubt: an alarm is raised, and a
person adjudicates which of them is right.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Conflict, Invalid
from common.words import said
from quality.choices import (
    AdjudicationWhy,
    AlarmKind,
    GoldSource,
    ReviewOutcome,
    ReviewState,
)
from quality.models import Adjudication, GoldAnswer, Review
from quality.services.adjudications import open_adjudication
from quality.services.alarms import Subject, open_alarm, watcher
from quality.services.rightness import Value, checked_answer, is_right, value_of
from routing.choices import TaskState
from routing.models import Task
from routing.services.seats import lock_task

MANAGE = "gold.manage"
NO_GOLD = (TaskState.CANCELLED, TaskState.RECALLED)


def gold_of(task_id: int) -> GoldAnswer | None:
    """Return the gold answer of a task that is in force, if there is one."""
    return GoldAnswer.objects.filter(task=task_id, retired_at__isnull=True).first()


def gold_value(gold: GoldAnswer) -> Value:
    """Return what a gold answer says; imported ones have a label only."""
    return Value(gold.label if gold.answer is None else gold.answer, gold.label)


def make_gold(task: Task, *, answer: Any, acting_user: User, now: datetime) -> GoldAnswer:
    """Make a task gold by an expert's entry; the same answer again is the same gold.

    Raises
    ------
    Invalid, BadAnswer
        If there is no answer, or it breaks the schema of the task's type.
    Conflict
        If the task has another gold answer in force, or was taken out of work.
    """
    require(acting_user, MANAGE)
    if answer is None or answer in ("", [], {}):
        raise Invalid(_("Gold says what the right answer is."), field="answer", rule="required")
    checked = checked_answer(task, answer)
    value = Value(checked.answer, checked.label)
    return _make(task, value, GoldSource.EXPERT, None, acting_user=acting_user, now=now)


def make_gold_from(adjudication: Adjudication, *, acting_user: User, now: datetime) -> GoldAnswer:
    """Make a task gold by what was adjudicated.

    Raises
    ------
    Conflict
        If it is not decided, or the task has another gold answer in force.
    """
    require(acting_user, MANAGE)
    if adjudication.decided_at is None:
        raise Conflict(_("This is not decided yet."))
    value = Value(adjudication.answer, adjudication.label)
    return _make(
        adjudication.task,
        value,
        GoldSource.ADJUDICATION,
        adjudication,
        acting_user=acting_user,
        now=now,
    )


def make_gold_from_review(review: Review, *, acting_user: User, now: datetime) -> GoldAnswer:
    """Make a task gold by what a quality review held right.

    Raises
    ------
    Conflict
        If it is not decided or says only what is wrong, another review of the same answer says
        something else or is under way, or the task has another gold answer in force.
    """
    require(acting_user, MANAGE)
    row = review.judgment or review.accepted
    if review.outcome == ReviewOutcome.FIX:
        value = Value(review.answer, review.label)
    elif review.outcome == ReviewOutcome.ACCEPT and row is not None:
        value = value_of(row)
    else:
        raise Conflict(_("This review does not say what is right."))
    same = Q(judgment=review.judgment_id) if review.judgment_id else Q(accepted=review.accepted_id)
    others = Review.objects.filter(same).exclude(pk=review.pk).exclude(state=ReviewState.CANCELLED)
    for other in others:
        if other.outcome != review.outcome or (
            other.outcome == ReviewOutcome.FIX
            and not is_right(review.task.task_type, value, Value(other.answer, other.label))
        ):
            raise Conflict(_("Another review of the same answer does not say the same."))
    return _make(
        review.task, value, GoldSource.REVIEW, None, review, acting_user=acting_user, now=now
    )


def _make(
    task: Task,
    value: Value,
    source: str,
    adjudication: Adjudication | None,
    review: Review | None = None,
    *,
    acting_user: User,
    now: datetime,
) -> GoldAnswer:
    if task.state in NO_GOLD:
        raise Conflict(_("The task was taken out of work."))
    held = gold_of(task.pk)
    if held is not None:
        if gold_value(held) == value:
            return held
        raise Conflict(_("The task has a gold answer in force: retire it first."))
    gold = GoldAnswer(
        task=task,
        label=value.label,
        answer=value.answer,
        source=source,
        adjudication=adjudication,
        review=review,
        set_by=acting_user,
        set_at=now,
    )
    gold._history_user = acting_user  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            gold.save()
            record_event(
                "gold.made",
                acting_user=acting_user,
                now=now,
                subject="task",
                subject_id=task.public_id,
                source=source,
            )
    except IntegrityError as error:
        raise Conflict(_("The task has a gold answer in force: retire it first.")) from error
    return gold


@transaction.atomic
def retire_gold(gold: GoldAnswer, *, reason: str, acting_user: User, now: datetime) -> GoldAnswer:
    """Ask a gold task no more, and score nobody by it from now on. Twice is once.

    Raises
    ------
    Invalid
        If no reason is given.
    """
    require(acting_user, MANAGE)
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
    return _retire(gold, reason.strip(), acting_user=acting_user, now=now)


def _retire(gold: GoldAnswer, reason: str, *, acting_user: User, now: datetime) -> GoldAnswer:
    row = GoldAnswer.objects.select_for_update(of=("self",)).select_related("task").get(pk=gold.pk)
    if row.retired_at is not None:
        return row
    # A clock that went back must not retire gold before it was made.
    row.retired_at, row.retire_reason = max(now, row.set_at), reason[:300]
    row._history_user = acting_user  # type: ignore[attr-defined]
    row.save(update_fields=["retired_at", "retire_reason"])
    record_event(
        "gold.retired",
        acting_user=acting_user,
        now=now,
        subject="task",
        subject_id=row.task.public_id,
        note=reason,
    )
    return row


def doubt_gold(
    task: Task, value: Value, *, urgency: int = 0, acting_user: User, now: datetime
) -> Adjudication | None:
    """Put gold in doubt where a check says something else; None where gold agrees or is none.

    Part of the transaction of the check. The alarm and the adjudication are the house's own.
    """
    gold = gold_of(task.pk)
    if gold is None or is_right(task.task_type, gold_value(gold), value):
        return None
    open_alarm(
        AlarmKind.GOLD,
        Subject(task=task.pk, project=task.project_id, task_type=task.task_type_id),
        text=said("a check says something else than the gold answer of this task"),
        acting_user=watcher(),
        now=now,
    )
    return open_adjudication(
        task, why=AdjudicationWhy.GOLD, urgency=urgency, acting_user=watcher(), now=now
    )


@transaction.atomic
def question_gold(
    gold: GoldAnswer, *, reason: str, acting_user: User, now: datetime
) -> Adjudication:
    """Have a person decide whether a gold answer is right: it is asked no more until then.

    Raises
    ------
    Invalid
        If no reason is given.
    Conflict
        If it is retired.
    """
    require(acting_user, MANAGE)
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
    task = lock_task(gold.task_id)
    held = gold_of(task.pk)
    if held is None or held.pk != gold.pk:
        raise Conflict(_("This gold answer is retired."))
    row = open_adjudication(task, why=AdjudicationWhy.GOLD, acting_user=acting_user, now=now)
    record_event(
        "gold.questioned",
        acting_user=acting_user,
        now=now,
        subject="task",
        subject_id=task.public_id,
        note=reason.strip(),
        adjudication=str(row.public_id),
    )
    return row


def gold_decided(
    adjudication: Adjudication, value: Value, *, acting_user: User, now: datetime
) -> None:
    """Carry out what was adjudicated of gold in doubt: it stands, or gives way to what is right."""
    gold = gold_of(adjudication.task_id)
    task = adjudication.task
    if gold is None or is_right(task.task_type, gold_value(gold), value):
        return
    _retire(gold, _("contradicted by adjudication"), acting_user=acting_user, now=now)
    _make(task, value, GoldSource.ADJUDICATION, adjudication, acting_user=acting_user, now=now)
