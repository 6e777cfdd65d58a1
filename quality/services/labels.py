"""Labels: the accepted values of tasks. Accepting one, and ending it when its task is taken back.

Reviews and adjudications call `accept_label`; whoever takes a task back calls one of `recall`,
`cancel` and `rework`, which end the label in force, call open checks off, and tell routing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services.events import record_event
from common.errors import Invalid
from quality.choices import LabelBy, ReviewState
from quality.errors import NotWanted
from quality.models import Adjudication, Judgment, Label, Review
from routing.choices import TaskState
from routing.models import Task
from routing.services.seats import close_seats, lock_task
from routing.services.task_states import move_task
from routing.services.task_work import cancel_tasks, recall_tasks, reopen

BATCH = 1_000


def accept_label(
    task: Task,
    *,
    answer: Any,
    value: str,
    by: str,
    probability: float | None = None,
    judgment: Judgment | None = None,
    review: Review | None = None,
    adjudication: Adjudication | None = None,
    acting_user: User,
    now: datetime,
) -> Label:
    """Accept the value of a task and move the task to accepted; the caller's transaction.

    The caller has checked the permission. The same value accepted twice by the same review,
    adjudication or judgment is one label.

    Parameters
    ----------
    by : LabelBy; a review or an adjudication is named with it

    Raises
    ------
    NotWanted
        If the task was accepted otherwise, cancelled, recalled, or is worked anew.
    """
    row = lock_task(task.pk)
    before = Label.objects.filter(task=row, ended_at__isnull=True).first()
    if before is not None and _same(before, by, judgment, review, adjudication):
        return before
    steps = row.steps
    if row.state == TaskState.HELD:
        close_seats([row.pk])
        steps = move_task(
            row.pk,
            steps=steps,
            from_state=TaskState.HELD,
            to_state=TaskState.ANSWERED,
            acting_user=acting_user,
            now=now,
        )
    elif row.state != TaskState.ANSWERED:
        raise NotWanted(state=row.get_state_display())
    move_task(
        row.pk,
        steps=steps,
        from_state=TaskState.ANSWERED,
        to_state=TaskState.ACCEPTED,
        acting_user=acting_user,
        now=now,
    )
    label = Label.objects.create(
        task=row,
        attempt=row.attempt,
        answer=answer,
        value=value,
        probability=probability,
        by=by,
        judgment=judgment,
        review=review,
        adjudication=adjudication,
        accepted_at=now,
    )
    record_event(
        "label.accepted",
        acting_user=acting_user,
        now=now,
        subject="task",
        subject_id=row.public_id,
        label=str(label.public_id),
        by=by,
    )
    return label


def _same(
    label: Label,
    by: str,
    judgment: Judgment | None,
    review: Review | None,
    adjudication: Adjudication | None,
) -> bool:
    made = {
        LabelBy.REVIEW: (label.review_id, review),
        LabelBy.ADJUDICATION: (label.adjudication_id, adjudication),
    }
    held, given = made.get(LabelBy(by), (label.judgment_id, judgment))
    return label.by == by and given is not None and held == given.pk


@transaction.atomic
def recall(tasks: Sequence[Task], *, reason: str, acting_user: User, now: datetime) -> list[int]:
    """Take accepted tasks back because their platform did; returns the ids that were recalled.

    Their labels end and reviews that are not done are called off; answers stay, and nobody owes
    work on them. Recalled twice is recalled once.

    Raises
    ------
    Invalid
        If no reason is given.
    """
    _check_reason(reason)
    moved = recall_tasks(tasks, reason=reason, acting_user=acting_user, now=now)
    end_labels(moved, now=now)
    call_off_checks(moved, now=now)
    return moved


@transaction.atomic
def cancel(tasks: Sequence[Task], *, reason: str, acting_user: User, now: datetime) -> list[int]:
    """Take tasks that are not accepted out of work; returns the ids that were cancelled."""
    _check_reason(reason)
    moved = cancel_tasks(tasks, reason=reason, acting_user=acting_user, now=now)
    call_off_checks(moved, now=now)
    return moved


@transaction.atomic
def rework(task: Task, *, reason: str, acting_user: User, now: datetime) -> Task:
    """Have a task worked anew: its label ends, open checks are called off, its seats are free.

    The caller has checked the permission: a review rejected the answer, an audit its lot, or a
    guideline changed.
    """
    _check_reason(reason)
    row = reopen(task, reason=reason, acting_user=acting_user, now=now)
    end_labels([row.pk], now=now)
    call_off_checks([row.pk], now=now)
    return row


def end_labels(task_ids: Sequence[int], *, now: datetime) -> int:
    """End the labels in force of tasks; returns how many. The caller's transaction and event."""
    ended = 0
    for start in range(0, len(task_ids), BATCH):
        some = task_ids[start : start + BATCH]
        # A clock that went back must not end a label before it began.
        ended += Label.objects.filter(task__in=some, ended_at__isnull=True).update(
            ended_at=Greatest(now, F("accepted_at"))
        )
    return ended


def call_off_checks(task_ids: Sequence[int], *, now: datetime) -> None:
    """Call off reviews that are not done and adjudications that are not decided."""
    for start in range(0, len(task_ids), BATCH):
        some = task_ids[start : start + BATCH]
        open_reviews = (ReviewState.PENDING, ReviewState.TAKEN)
        Review.objects.filter(task__in=some, state__in=open_reviews).update(
            state=ReviewState.CANCELLED
        )
        Adjudication.objects.filter(
            task__in=some, decided_at__isnull=True, cancelled_at__isnull=True
        ).update(cancelled_at=now)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
