"""Seats of tasks: how many answers may be given, and who has taken one.

A seat stands in the placement of the run in force: opened so far, taken by live and submitted label
assignments. Whoever changes one is inside a transaction and holds the seats of the task's project
(`hold_seats`); rows are locked in the order placement, then task, so that nobody waits in a ring.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from accounts.models import User
from audit.services.events import record_event
from common.sql import rows
from routing.choices import SEATED_ASSIGNMENTS, Purpose, TaskState
from routing.models import Assignment, Placement, Project, Task
from routing.services.locks import hold_seats
from routing.services.task_states import move_tasks


def in_force(task_ids: Iterable[int]) -> QuerySet[Placement]:
    """Return the placements of tasks in the runs in force of their projects."""
    run = Project.objects.filter(tasks=OuterRef("task_id")).values("current_run_id")
    return Placement.objects.filter(task_id__in=list(task_ids), run_id=Subquery(run[:1]))


def lock_task(task_id: int) -> Task:
    """Lock a task with its seats and return it as it is: what settling and reviews begin with."""
    task = Task.objects.get(pk=task_id)
    hold_seats([task.project_id])
    list(in_force([task_id]).select_for_update(no_key=True).values_list("pk", flat=True))
    return Task.objects.select_for_update(no_key=True).get(pk=task_id)


def open_seat(task: Task, *, acting_user: User, now: datetime) -> bool:
    """Open one more seat of a task, up to the answers asked; True if one was opened.

    The caller is inside the transaction that found that another answer is wanted, and has checked
    the permission for it. A task that counted as answered is held again.
    """
    _inside()
    hold_seats([task.project_id])
    opened = in_force([task.pk]).filter(opened__lt=F("asked")).update(opened=F("opened") + 1)
    if not opened:
        return False
    move_tasks(
        [task.pk],
        from_state=TaskState.ANSWERED,
        to_state=TaskState.HELD,
        acting_user=acting_user,
        now=now,
    )
    record_event(
        "task.seat_opened",
        acting_user=acting_user,
        now=now,
        subject="task",
        subject_id=task.public_id,
    )
    return True


def open_next(placement_id: int) -> bool:
    """Open one more seat of a placement that is locked, up to the answers asked.

    As `open_seat` within a submission, which moves the task and tells of it in its own event.
    """
    return bool(
        rows(
            "UPDATE routing_placement SET opened = opened + 1 "
            "WHERE id = %s AND opened < asked RETURNING id",
            [placement_id],
        )
    )


def close_seats(task_ids: Iterable[int]) -> None:
    """Leave open no seat that nobody has taken: no more answers are wanted."""
    _inside()
    in_force(task_ids).filter(taken__lt=F("opened")).update(opened=F("taken"))


def take_seat(task_id: int) -> bool:
    """Take a free seat of a task; False if there is none."""
    _inside()
    free = in_force([task_id]).filter(taken__lt=F("opened"))
    return bool(free.update(taken=F("taken") + 1))


def free_seat(task_id: int, *, acting_user: User, now: datetime) -> None:
    """Give a seat back (see `free_seats`)."""
    free_seats({task_id: 1}, acting_user=acting_user, now=now)


def free_seats(counts: Mapping[int, int], *, acting_user: User, now: datetime) -> None:
    """Give seats back, so many of each task, by its id.

    A task that nobody holds or has answered any more is open again; one that is worked anew goes
    back to rework: it keeps its attempt.
    """
    _inside()
    # In one order, whoever does it: two who give seats back never wait in a ring.
    locked = in_force(counts).select_for_update(no_key=True).order_by("pk")
    by_count: dict[int, list[int]] = {}
    for task_id in locked.values_list("task_id", flat=True):
        by_count.setdefault(counts[task_id], []).append(task_id)
    for count, task_ids in by_count.items():
        in_force(task_ids).filter(taken__gte=count).update(taken=F("taken") - count)
    others = Assignment.objects.filter(
        task_id__in=counts,
        purpose=Purpose.LABEL,
        state__in=SEATED_ASSIGNMENTS,
        attempt=F("task__attempt"),
    )
    left = set(counts) - set(others.values_list("task_id", flat=True))
    attempts = dict(Task.objects.filter(pk__in=left).values_list("pk", "attempt"))
    for to_state, first in ((TaskState.OPEN, True), (TaskState.REWORK, False)):
        move_tasks(
            [task_id for task_id, attempt in attempts.items() if (attempt == 1) == first],
            from_state=TaskState.HELD,
            to_state=to_state,
            acting_user=acting_user,
            now=now,
        )


def _inside() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("seats change inside the transaction of what it is for")
