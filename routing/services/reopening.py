"""Having many tasks worked anew at once, and taking that back while nobody has answered.

The set-based brother of `task_work.reopen`: accepted tasks become open, so that the next run routes
them and their placement in force serves them until then; others go to rework, where their placement
is carried over. The caller's transaction, permission and event.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Case, F, PositiveSmallIntegerField, Value, When
from django.db.models.functions import Greatest, Least

from accounts.models import User
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, Purpose, TaskState
from routing.models import Assignment, Task
from routing.services.assignments import end_for
from routing.services.locks import hold_seats
from routing.services.seats import free_seat, in_force
from routing.services.task_states import move_tasks


@dataclass(frozen=True)
class Was:
    """A task as it was: state, attempt, guideline version, and its seats in the run in force."""

    state: str
    attempt: int
    guideline: int | None
    seats: tuple[int, int, int] | None = None


def lock_tasks(project_id: int, task_ids: Sequence[int]) -> dict[int, Was]:
    """Lock tasks of a project with their seats; return them as they are."""
    hold_seats([project_id])
    placements = in_force(task_ids).select_for_update(no_key=True).order_by("pk")
    seats = {
        task: (run, taken, opened)
        for task, run, taken, opened in placements.values_list(
            "task_id", "run_id", "taken", "opened"
        )
    }
    rows = Task.objects.select_for_update(no_key=True).filter(
        pk__in=task_ids, project_id=project_id
    )
    return {
        task: Was(state, attempt, guideline, seats.get(task))
        for task, state, attempt, guideline in rows.order_by("pk").values_list(
            "pk", "state", "attempt", "guideline_id"
        )
    }


def reopen_tasks(
    tasks: Mapping[int, Was],
    *,
    guideline: int | None = None,
    reason: str,
    acting_user: User,
    now: datetime,
) -> None:
    """Have locked tasks worked anew: attempt + 1, their seats free.

    Under a guideline version, or the one that each stands under (None).
    """
    ids = sorted(tasks)
    _end_live(ids, reason, acting_user=acting_user, now=now)
    version = F("guideline") if guideline is None else guideline
    Task.objects.filter(pk__in=ids).update(attempt=F("attempt") + 1, guideline=version)
    in_force(ids).update(taken=0, opened=1)
    for state in (TaskState.HELD, TaskState.ANSWERED, TaskState.ACCEPTED):
        move_tasks(
            [task for task, was in tasks.items() if was.state == state],
            from_state=state,
            to_state=TaskState.OPEN if state == TaskState.ACCEPTED else TaskState.REWORK,
            reason=reason,
            acting_user=acting_user,
            now=now,
        )


def take_reopening_back(
    tasks: Mapping[int, Was], *, reason: str, acting_user: User, now: datetime
) -> None:
    """Put locked tasks back as they were before they were reopened; live work on them ends.

    The caller has seen that nobody has answered them since.
    """
    ids = sorted(tasks)
    if not ids:
        return
    _end_live(ids, reason, give_back=True, acting_user=acting_user, now=now)
    for state in (TaskState.ACCEPTED, TaskState.ANSWERED, TaskState.HELD):
        some = [task for task, was in tasks.items() if was.state == state]
        for step in _way_back(state):
            for before in (TaskState.OPEN, TaskState.REWORK, TaskState.ANSWERED):
                if before != step and step in _NEXT[before]:
                    move_tasks(
                        some,
                        from_state=before,
                        to_state=step,
                        reason=reason,
                        acting_user=acting_user,
                        now=now,
                    )
    versions = [When(pk=task, then=Value(was.guideline)) for task, was in tasks.items()]
    Task.objects.filter(pk__in=ids).update(
        attempt=F("attempt") - 1, guideline=Case(*versions, output_field=BigIntegerField())
    )
    _restore_seats(tasks)


# The steps that lead back, see `_way_back`.
_NEXT = {
    TaskState.OPEN: (TaskState.ANSWERED,),
    TaskState.REWORK: (TaskState.ANSWERED, TaskState.HELD),
    TaskState.ANSWERED: (TaskState.ACCEPTED,),
}


def _way_back(state: str) -> tuple[str, ...]:
    if state == TaskState.ACCEPTED:
        return TaskState.ANSWERED, TaskState.ACCEPTED
    return (state,)


def _end_live(
    ids: Sequence[int],
    reason: str,
    *,
    give_back: bool = False,
    acting_user: User,
    now: datetime,
) -> None:
    live = Assignment.objects.filter(task_id__in=ids, state__in=LIVE_ASSIGNMENTS)
    for row in live.select_related("task", "annotator").order_by("task_id", "pk"):
        end_for(row, AssignmentState.WITHDRAWN, reason=reason, acting_user=acting_user, now=now)
        if give_back and row.purpose == Purpose.LABEL and row.attempt == row.task.attempt:
            free_seat(row.task_id, acting_user=acting_user, now=now)


def _restore_seats(tasks: Mapping[int, Was]) -> None:
    """Put the seats back; where another run placed a task meanwhile, nobody is asked any more.

    A task that was held had answers outstanding: it gets one seat more than are taken.
    """
    now_in_force = dict(in_force(list(tasks)).values_list("task_id", "run_id"))
    same = {
        task: was.seats
        for task, was in tasks.items()
        if was.seats is not None and now_in_force.get(task) == was.seats[0]
    }
    others = sorted(set(now_in_force) - set(same))
    in_force(others).update(taken=0, opened=0)
    held = [task for task in others if tasks[task].state == TaskState.HELD]
    in_force(held).update(opened=1)
    if not same:
        return
    field = PositiveSmallIntegerField()
    taken = [When(task_id=task, then=Value(seats[1])) for task, seats in same.items()]
    opened = [When(task_id=task, then=Value(seats[2])) for task, seats in same.items()]
    in_force(list(same)).update(
        taken=Case(*taken, output_field=field),
        opened=Least(
            F("asked"),
            Greatest(Case(*opened, output_field=field), Case(*taken, output_field=field)),
        ),
    )


__all__ = ["Was", "lock_tasks", "reopen_tasks", "take_reopening_back"]
