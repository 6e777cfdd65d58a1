"""Taking tasks out of work and bringing them back: cancel, recall, rework.

Quality owns labels and judgments: it calls these inside the transaction in which it ends a label or
rejects an answer.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import digest_of, record_event
from common.errors import Invalid
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, TaskState
from routing.errors import WrongState
from routing.models import Assignment, Task
from routing.services.assignments import end_for
from routing.services.locks import hold_seats
from routing.services.seats import close_seats, in_force, lock_task
from routing.services.task_states import move_tasks

STOP = "tasks.stop"
IN_WORK = (TaskState.OPEN, TaskState.HELD, TaskState.ANSWERED, TaskState.REWORK)


@transaction.atomic
def reopen(task: Task, *, reason: str, acting_user: User, now: datetime) -> Task:
    """Have a task worked anew: attempt + 1, its seats free, live work on it withdrawn.

    From held or answered (a review rejected it), accepted (a guideline changed, an audit rejected
    its lot) or recalled. The caller has checked the permission, ends the label in force and tells
    in its own event why.

    Raises
    ------
    WrongState
        If the task is none of these.
    """
    row = lock_task(task.pk)
    if row.state not in (
        TaskState.HELD,
        TaskState.ANSWERED,
        TaskState.ACCEPTED,
        TaskState.RECALLED,
    ):
        raise WrongState(task=row.external_id, state=row.get_state_display())
    live = Assignment.objects.filter(task=row, state__in=LIVE_ASSIGNMENTS)
    for assignment in live.select_related("task", "annotator"):
        end_for(
            assignment, AssignmentState.WITHDRAWN, reason=reason, acting_user=acting_user, now=now
        )
    Task.objects.filter(pk=row.pk).update(attempt=F("attempt") + 1)
    in_force([row.pk]).update(taken=0, opened=1)
    move_tasks(
        [row.pk],
        from_state=row.state,
        to_state=TaskState.REWORK,
        reason=reason,
        acting_user=acting_user,
        now=now,
    )
    record_event(
        "task.reopened",
        acting_user=acting_user,
        now=now,
        subject="task",
        subject_id=row.public_id,
        attempt=row.attempt + 1,
    )
    row.refresh_from_db()
    return row


@transaction.atomic
def cancel_tasks(
    tasks: Sequence[Task], *, reason: str, acting_user: User, now: datetime
) -> list[int]:
    """Take tasks that are not accepted out of work; returns the ids that were cancelled.

    Live assignments are withdrawn; answers stay. Cancelling twice changes nothing.
    """
    require(acting_user, STOP)
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
    ids = sorted({task.pk for task in tasks})
    hold_seats(Task.objects.filter(pk__in=ids).values_list("project_id", flat=True).distinct())
    close_seats(ids)
    live = Assignment.objects.filter(task_id__in=ids, state__in=LIVE_ASSIGNMENTS).order_by("pk")
    for assignment in live.select_related("task", "annotator"):
        end_for(
            assignment, AssignmentState.WITHDRAWN, reason=reason, acting_user=acting_user, now=now
        )
    moved: list[int] = []
    for state in IN_WORK:
        moved += move_tasks(
            ids,
            from_state=state,
            to_state=TaskState.CANCELLED,
            reason=reason,
            acting_user=acting_user,
            now=now,
        )
    if moved:
        public = Task.objects.filter(pk__in=moved).values_list("public_id", flat=True)
        record_event(
            "task.cancelled",
            acting_user=acting_user,
            now=now,
            count=len(moved),
            digest=digest_of(public),
        )
    return sorted(moved)


@transaction.atomic
def recall_tasks(
    tasks: Sequence[Task], *, reason: str, acting_user: User, now: datetime
) -> list[int]:
    """Mark accepted tasks as recalled by the platform they came from; returns their ids.

    The caller ends their labels in the same transaction.
    """
    require(acting_user, STOP)
    moved = move_tasks(
        [task.pk for task in tasks],
        from_state=TaskState.ACCEPTED,
        to_state=TaskState.RECALLED,
        reason=reason,
        acting_user=acting_user,
        now=now,
    )
    if moved:
        public = Task.objects.filter(pk__in=moved).values_list("public_id", flat=True)
        record_event(
            "task.recalled",
            acting_user=acting_user,
            now=now,
            count=len(moved),
            digest=digest_of(public),
        )
    return moved
