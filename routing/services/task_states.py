"""The states of tasks: every change with its step, for one task or a million."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from accounts.models import User
from common.errors import Conflict
from common.sql import rows
from routing.choices import TASK_TRANSITIONS
from routing.models import Task, TaskStep

BATCH = 1_000


def move_tasks(
    task_ids: Sequence[int],
    *,
    from_state: str,
    to_state: str,
    reason: str = "",
    acting_user: User,
    now: datetime,
) -> list[int]:
    """Move tasks from one state to another; returns the ids that were there and moved.

    The caller is inside a transaction and writes the event. Tasks that somebody else has moved
    meanwhile are left as they are: the caller compares.

    Raises
    ------
    ValueError
        If there is no such change of state.
    """
    if to_state not in TASK_TRANSITIONS[from_state]:
        raise ValueError(f"no task goes from {from_state} to {to_state}")
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("move_tasks must run inside the transaction of what it is for")
    moved: list[int] = []
    ids = sorted(set(task_ids))
    for start in range(0, len(ids), BATCH):
        here = list(
            Task.objects.select_for_update(no_key=True)
            .filter(pk__in=ids[start : start + BATCH], state=from_state)
            .order_by("pk")
            .values_list("pk", "steps")
        )
        TaskStep.objects.bulk_create(
            [
                TaskStep(
                    task_id=task_id,
                    sequence=steps + 1,
                    from_state=from_state,
                    to_state=to_state,
                    actor=acting_user,
                    reason=reason[:300],
                    at=now,
                )
                for task_id, steps in here
            ]
        )
        found = [task_id for task_id, _steps in here]
        Task.objects.filter(pk__in=found).update(state=to_state, steps=F("steps") + 1)
        moved += found
    return moved


STEP = (
    "INSERT INTO routing_taskstep (task_id, sequence, from_state, to_state, actor_id, reason, at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
MOVE = "UPDATE routing_task SET state = %s, steps = %s WHERE id = %s AND state = %s AND steps = %s"


def move_task(
    task_id: int,
    *,
    steps: int,
    from_state: str,
    to_state: str,
    reason: str = "",
    acting_user: User,
    now: datetime,
) -> int:
    """Move one task whose state and number of steps were read; returns the new number of steps.

    As `move_tasks` for the paths that are walked some hundred times a second: one statement on
    PostgreSQL, and no objects.

    Raises
    ------
    ValueError
        If there is no such change of state.
    Conflict
        If somebody has moved it meanwhile.
    """
    if to_state not in TASK_TRANSITIONS[from_state]:
        raise ValueError(f"no task goes from {from_state} to {to_state}")
    at = connection.ops.adapt_datetimefield_value(now)
    step: list[Any] = [task_id, steps + 1, from_state, to_state, acting_user.pk, reason[:300], at]
    move: list[Any] = [to_state, steps + 1, task_id, from_state, steps]
    if connection.vendor == "postgresql":
        # The trigger on the task asks for the step: its row is made when the update reads it.
        made = "AND id IN (SELECT task_id FROM step) RETURNING id"
        moved = rows(f"WITH step AS ({STEP} RETURNING task_id) {MOVE} {made}", step + move)
    else:
        rows(STEP, step)
        moved = rows(f"{MOVE} RETURNING id", move)
    if not moved:
        raise Conflict
    return steps + 1
