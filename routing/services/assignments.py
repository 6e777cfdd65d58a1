"""The steps of assignments, one service each: every change with its actor, reason and time.

An annotator takes the steps of their own work, a manager those of anybody's. Two writers cannot
both win: a step is taken from the state that was read, and its number is unique. What ends an
assignment without an answer gives its seat back in the same transaction.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import can, require
from accounts.services.users import system_user
from audit.services.events import digest_of, record_event
from common.errors import Invalid
from routing.choices import (
    ASSIGNMENT_TRANSITIONS,
    LIVE_ASSIGNMENTS,
    SEATED_ASSIGNMENTS,
    AssignmentState,
    Purpose,
    SkipReason,
    SkipTo,
    TaskState,
)
from routing.errors import NotLive, NotYours, SeatGone
from routing.models import Assignment, AssignmentStep, Task
from routing.services.locks import hold_seats
from routing.services.seats import free_seat, free_seats, lock_task, take_seat
from routing.services.task_states import move_tasks
from workforce.models import Annotator

MANAGE = "assignments.manage"
WANTS_ANSWERS = (TaskState.OPEN, TaskState.HELD, TaskState.REWORK)
SWEEP = 500  # leases of a transaction
KEEPER = "system.leases"
LATE = "submitted after the lease ran out"


def check_worker(user_id: int | None, acting_user: User) -> None:
    """Let somebody act for the annotator of a login: the annotator, or who manages assignments.

    Raises
    ------
    NotYours
        If the work is somebody else's: it looks as if there were none.
    Forbidden
        If the user's roles allow neither.
    """
    if user_id is not None and user_id == acting_user.pk:
        require(acting_user, "own_work.do")
    elif not can(acting_user, MANAGE):
        if can(acting_user, "own_work.do"):
            raise NotYours
        require(acting_user, MANAGE)


@transaction.atomic
def start(assignment: Assignment, *, acting_user: User, now: datetime) -> Assignment:
    """Begin work on a reserved task; beginning twice changes nothing.

    Raises
    ------
    NotLive
        If the assignment is over, or its lease.
    """
    _begin(assignment, acting_user)
    row = _locked(assignment)
    if row.state == AssignmentState.IN_PROGRESS and row.lease_until > now:
        return row
    _check_lease(row, now)
    lease = now + timedelta(minutes=row.task.project.lease_minutes)
    _step(
        row,
        AssignmentState.IN_PROGRESS,
        acting_user=acting_user,
        now=now,
        started_at=now,
        lease_until=max(lease, row.lease_until),
    )
    return row


@transaction.atomic
def heartbeat(assignment: Assignment, *, acting_user: User, now: datetime) -> Assignment:
    """Renew the lease of an assignment in hand; no event is written.

    Raises
    ------
    NotLive
        If the assignment is over, or its lease.
    """
    _check_own(assignment, acting_user)
    row = _locked(assignment)
    _check_lease(row, now)
    lease = now + timedelta(minutes=row.task.project.lease_minutes)
    row.lease_until = max(lease, row.lease_until)
    row.save(update_fields=["lease_until"])
    return row


@transaction.atomic
def release(
    assignment: Assignment, *, reason: str = "", acting_user: User, now: datetime
) -> Assignment:
    """Give a task back unanswered; giving it back twice changes nothing."""
    return _give_up(assignment, AssignmentState.RELEASED, reason, acting_user=acting_user, now=now)


@transaction.atomic
def withdraw(
    assignment: Assignment, *, reason: str, acting_user: User, now: datetime
) -> Assignment:
    """Take a task away from its annotator, with the reason; taking it twice changes nothing."""
    require(acting_user, MANAGE)
    if not reason.strip():
        raise Invalid(_("Say why it is taken away."), field="reason", rule="required")
    return _give_up(assignment, AssignmentState.WITHDRAWN, reason, acting_user=acting_user, now=now)


@transaction.atomic
def skip(
    assignment: Assignment,
    *,
    reason: str,
    note: str = "",
    acting_user: User,
    now: datetime,
) -> Assignment:
    """Skip a task with a reason; the project says where it goes.

    Back to others (its skipper never gets this attempt again), to the end of one's own queue (it
    stays in hand), or to the project's lead.

    Raises
    ------
    NotLive
        If the assignment is over, or its lease.
    Invalid
        If the reason is none of SkipReason.
    """
    if reason not in SkipReason.values:
        raise Invalid(_("Say why: there is no such reason."), field="reason", rule="known")
    _begin(assignment, acting_user)
    row = _locked(assignment)
    _check_lease(row, now)
    project = row.task.project
    if project.skip_to == SkipTo.SELF:
        row.deferred_at, row.skip_reason, row.reason = now, reason, note[:300]
        row.save(update_fields=["deferred_at", "skip_reason", "reason"])
        _tell(row, "assignment.deferred", acting_user, now, why=reason)
        return row
    _step(
        row,
        AssignmentState.SKIPPED,
        reason=note,
        acting_user=acting_user,
        now=now,
        skip_reason=reason,
    )
    _free(row, acting_user=acting_user, now=now)
    return row


@transaction.atomic
def submit_assignment(assignment: Assignment, *, acting_user: User, now: datetime) -> Assignment:
    """Move an assignment to submitted; quality calls it inside the transaction of the judgment.

    After the lease ran out the answer is still taken if the seat is free: nobody else has taken it,
    and the task still wants this attempt's answer.

    Raises
    ------
    NotLive
        If it is submitted, skipped, released or withdrawn.
    SeatGone
        If it expired and the task is not free any more.
    """
    _begin(assignment, acting_user)
    row = _locked(assignment)
    if row.state == AssignmentState.EXPIRED:
        _retake(row, acting_user=acting_user, now=now)
    elif row.state not in LIVE_ASSIGNMENTS:
        raise NotLive(state=row.get_state_display())
    _step(row, AssignmentState.SUBMITTED, acting_user=acting_user, now=now)
    return row


def expire_leases(*, limit: int = SWEEP, acting_user: User, now: datetime) -> int:
    """End the leases that ran out and give their seats back; returns how many.

    Nothing depends on when it runs: claims do the same for what they need.
    """
    require(acting_user, "leases.expire")
    done = 0
    while True:
        with transaction.atomic():
            ended = _expire_some(min(limit, SWEEP), acting_user=acting_user, now=now)
        done += ended
        if ended < SWEEP or done >= limit:
            return done


def expire_for(project_ids: Sequence[int], *, now: datetime) -> None:
    """End the leases that ran out in projects whose seats a claim holds."""
    due = _overdue(now).filter(task__project_id__in=project_ids).order_by("lease_until")
    ids = list(due.values_list("pk", flat=True)[:SWEEP])
    if ids:
        _expire(ids, acting_user=system_user(KEEPER), now=now)


def _overdue(now: datetime) -> QuerySet[Assignment]:
    return Assignment.objects.filter(state__in=LIVE_ASSIGNMENTS, lease_until__lte=now)


def _expire_some(limit: int, *, acting_user: User, now: datetime) -> int:
    due = _overdue(now).order_by("lease_until")
    found = dict(due.values_list("pk", "task__project_id")[:limit])
    if not found:
        return 0
    hold_seats(found.values())
    return _expire(list(found), acting_user=acting_user, now=now)


def _expire(ids: Sequence[int], *, acting_user: User, now: datetime) -> int:
    rows = list(
        _overdue(now)
        .filter(pk__in=ids)
        .select_related("task")
        .order_by("pk")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
    )
    _end_all(rows, AssignmentState.EXPIRED, acting_user=acting_user, now=now)
    return len(rows)


@transaction.atomic
def end_many(
    assignments: Iterable[Assignment],
    to_state: str,
    *,
    reason: str,
    acting_user: User,
    now: datetime,
) -> int:
    """Take tasks away from whoever has them in hand, or give them back for them; returns how many.

    to_state : withdrawn or released. Those that are over already stay as they are.

    Raises
    ------
    Invalid
        If no reason is given.
    """
    require(acting_user, MANAGE)
    if to_state not in (AssignmentState.WITHDRAWN, AssignmentState.RELEASED):
        raise ValueError(f"nobody ends work as {to_state}")
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
    ids = sorted({row.pk for row in assignments})
    of = Assignment.objects.filter(pk__in=ids)
    hold_seats(of.order_by().values_list("task__project_id", flat=True).distinct())
    rows = list(
        of.filter(state__in=LIVE_ASSIGNMENTS)
        .select_related("task")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    _end_all(rows, to_state, reason=reason.strip(), acting_user=acting_user, now=now)
    return len(rows)


def _end_all(
    rows: Sequence[Assignment],
    to_state: str,
    *,
    reason: str = "",
    acting_user: User,
    now: datetime,
) -> None:
    """End live assignments that are locked and give their seats back, with one event for all."""
    if not rows:
        return
    AssignmentStep.objects.bulk_create(
        AssignmentStep(
            assignment=row,
            sequence=row.steps + 1,
            from_state=row.state,
            to_state=to_state,
            actor=acting_user,
            reason=reason[:300],
            at=now,
        )
        for row in rows
    )
    Assignment.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=to_state, steps=F("steps") + 1, ended_at=now, reason=reason[:300]
    )
    freed = Counter(row.task_id for row in rows if _takes_seat(row))
    free_seats(freed, acting_user=acting_user, now=now)
    record_event(
        f"assignment.{to_state}",
        acting_user=acting_user,
        now=now,
        count=len(rows),
        digest=digest_of(row.public_id for row in rows),
    )


def end_for(
    row: Assignment, to_state: str, *, reason: str, acting_user: User, now: datetime
) -> None:
    """End a live assignment because of what happened to its task; its seat is the caller's care.

    The caller holds the seats of the project and has checked the permission.
    """
    _step(row, to_state, reason=reason, acting_user=acting_user, now=now)


def _begin(assignment: Assignment, acting_user: User) -> None:
    """Check who acts, and hold the seats of the project: before anything else is read."""
    _check_own(assignment, acting_user)
    task = Task.objects.only("project_id").get(pk=assignment.task_id)
    hold_seats([task.project_id])


def _check_own(assignment: Assignment, acting_user: User) -> None:
    annotator = Annotator.objects.only("user_id").get(pk=assignment.annotator_id)
    check_worker(annotator.user_id, acting_user)


def _locked(assignment: Assignment) -> Assignment:
    return (
        Assignment.objects.select_related("task__project", "annotator")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=assignment.pk)
    )


def _check_lease(row: Assignment, now: datetime) -> None:
    """Refuse an assignment that is over: by its state, or by its lease though nobody swept it."""
    if row.state not in LIVE_ASSIGNMENTS:
        raise NotLive(state=row.get_state_display())
    if row.lease_until <= now:
        raise NotLive(state=AssignmentState.EXPIRED.label)


def _give_up(
    assignment: Assignment, to_state: str, reason: str, *, acting_user: User, now: datetime
) -> Assignment:
    _begin(assignment, acting_user)
    row = _locked(assignment)
    if row.state == to_state:
        return row
    if row.state not in LIVE_ASSIGNMENTS:
        raise NotLive(state=row.get_state_display())
    _step(row, to_state, reason=reason, acting_user=acting_user, now=now)
    _free(row, acting_user=acting_user, now=now)
    return row


def _retake(row: Assignment, *, acting_user: User, now: datetime) -> None:
    """Take the seat of an expired assignment again, or refuse."""
    task = lock_task(row.task_id)
    again = Assignment.objects.filter(
        task=task, human=row.human, attempt=row.attempt, state__in=SEATED_ASSIGNMENTS
    )
    if task.attempt != row.attempt or again.exists():
        raise SeatGone
    if row.purpose == Purpose.LABEL:
        if task.state not in WANTS_ANSWERS or not take_seat(task.pk):
            raise SeatGone
        if task.state != TaskState.HELD:
            move_tasks(
                [task.pk],
                from_state=task.state,
                to_state=TaskState.HELD,
                acting_user=acting_user,
                now=now,
            )
    _step(
        row,
        AssignmentState.IN_PROGRESS,
        reason=LATE,
        acting_user=acting_user,
        now=now,
    )


def _step(
    row: Assignment,
    to_state: str,
    *,
    reason: str = "",
    acting_user: User,
    now: datetime,
    **values: Any,
) -> None:
    """Take one step: its row, then the state by compare-and-swap, then the event."""
    if to_state not in ASSIGNMENT_TRANSITIONS[row.state]:
        raise ValueError(f"no assignment goes from {row.state} to {to_state}")
    AssignmentStep.objects.create(
        assignment=row,
        sequence=row.steps + 1,
        from_state=row.state,
        to_state=to_state,
        actor=acting_user,
        reason=reason[:300],
        at=now,
    )
    changes = {
        "ended_at": None if to_state in LIVE_ASSIGNMENTS else now,
        **({"reason": reason[:300]} if reason and to_state not in LIVE_ASSIGNMENTS else {}),
        **values,
    }
    moved = Assignment.objects.filter(pk=row.pk, state=row.state, steps=row.steps).update(
        state=to_state, steps=F("steps") + 1, **changes
    )
    if not moved:
        raise NotLive(state=row.get_state_display())
    row.state, row.steps = to_state, row.steps + 1
    for name, value in changes.items():
        setattr(row, name, value)
    _tell(row, f"assignment.{to_state}", acting_user, now)


def _tell(row: Assignment, kind: str, acting_user: User, now: datetime, **data: Any) -> None:
    record_event(
        kind,
        acting_user=acting_user,
        now=now,
        subject="assignment",
        subject_id=row.public_id,
        task=str(row.task.public_id),
        annotator=str(row.annotator.public_id),
        **data,
    )


def _takes_seat(row: Assignment) -> bool:
    return row.purpose == Purpose.LABEL and row.attempt == row.task.attempt


def _free(row: Assignment, *, acting_user: User, now: datetime) -> None:
    """Give the seat of an ended assignment back: labels have one."""
    if _takes_seat(row):
        free_seat(row.task_id, acting_user=acting_user, now=now)


__all__ = [
    "check_worker",
    "end_for",
    "end_many",
    "expire_leases",
    "heartbeat",
    "release",
    "skip",
    "start",
    "submit_assignment",
    "withdraw",
]
