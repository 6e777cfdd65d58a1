"""Writing what an annotator is given: assignments, seats, states of tasks, and the event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from accounts.models import User
from audit.services.events import EVENT_SQL, digest_of, event_values, record_event
from common.sql import rows, sql_time
from routing.choices import TaskState
from routing.models import Assignment, Task

KIND = "assignment.reserved"
COLUMNS = (
    "public_id",
    "task_id",
    "annotator_id",
    "human",
    "pool_id",
    "purpose",
    "attempt",
    "decision_id",
    "guideline_id",
    "state",
    "steps",
    "effort_seconds",
    "day",
    "assigned_by_id",
    "reserved_at",
    "lease_until",
    "skip_reason",
    "reason",
)


@dataclass(frozen=True)
class Holder:
    """Who gets the tasks, and on whose word.

    assigned_by : None = the annotator took them
    """

    annotator_id: int
    annotator_public_id: UUID
    human: int
    pool_id: int
    assigned_by: int | None
    day: date


@dataclass(frozen=True)
class Given:
    """One task that is given; `placement_id` is that of the seat it takes, if it takes one.

    task : with id, public id, attempt, and state and steps as they were locked
    """

    task: Task
    purpose: str
    decision_id: int | None
    guideline_id: int | None
    effort_seconds: float
    lease_minutes: int
    placement_id: int | None = None


def reserve(
    given: Sequence[Given], holder: Holder, *, acting_user: User, now: datetime
) -> list[Assignment]:
    """Write the assignments of tasks whose seats and states the caller has locked."""
    if not given:
        return []
    made = [_assignment(one, holder, now) for one in given]
    seated = [one.task for one in given if one.placement_id is not None]
    steps = [task for task in seated if task.state != TaskState.HELD]
    seats = [one.placement_id for one in given if one.placement_id is not None]
    data: dict[str, Any] = {"annotator": str(holder.annotator_public_id)}
    if len(made) == 1:
        data |= {"subject": "assignment", "subject_id": made[0].public_id}
        data["task"] = str(given[0].task.public_id)
    else:
        data |= {"count": len(made), "digest": digest_of(row.public_id for row in made)}
    if connection.vendor == "postgresql":
        _at_once(made, steps, seats, data, acting_user, now)
    else:
        _in_turn(made, steps, seats, acting_user, now)
        record_event(KIND, acting_user=acting_user, now=now, **data)
    return made


def _assignment(one: Given, holder: Holder, now: datetime) -> Assignment:
    return Assignment(
        public_id=uuid4(),
        task=one.task,
        annotator_id=holder.annotator_id,
        human=holder.human,
        pool_id=holder.pool_id,
        purpose=one.purpose,
        attempt=one.task.attempt,
        decision_id=one.decision_id,
        guideline_id=one.guideline_id,
        effort_seconds=one.effort_seconds,
        day=holder.day,
        assigned_by_id=holder.assigned_by,
        reserved_at=now,
        lease_until=now + timedelta(minutes=one.lease_minutes),
    )


def _at_once(
    made: Sequence[Assignment],
    steps: Sequence[Task],
    seats: Sequence[int],
    data: Mapping[str, Any],
    acting_user: User,
    now: datetime,
) -> None:
    """Write all of it by one statement (PostgreSQL)."""
    first = made[0]
    found = rows(
        "WITH seat AS (UPDATE routing_placement SET taken = taken + 1 "
        "WHERE id = ANY(%s::bigint[])), "
        # A task's state changes by the step that is there: its trigger looks for it.
        "step AS (INSERT INTO routing_taskstep "
        "(task_id, sequence, from_state, to_state, actor_id, reason, at) "
        "SELECT x.task, x.steps + 1, x.state, 'held', %s, '', %s "
        "FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS x (task, steps, state) "
        "RETURNING task_id), "
        "moved AS (UPDATE routing_task t SET state = 'held', steps = t.steps + 1 "
        "FROM step WHERE t.id = step.task_id), "
        "made AS (INSERT INTO routing_assignment "
        f"({', '.join(COLUMNS)}) "
        "SELECT x.public_id, x.task, %s, %s, %s, x.purpose, x.attempt, x.decision, x.guideline, "
        "'reserved', 0, x.effort, %s, %s, %s, x.lease, '', '' "
        "FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::int[], %s::bigint[], %s::bigint[], "
        "%s::float8[], %s::timestamptz[]) "
        "AS x (public_id, task, purpose, attempt, decision, guideline, effort, lease) "
        "RETURNING id, public_id), "
        f"told AS ({EVENT_SQL}) "
        "SELECT public_id, id FROM made",
        [
            list(seats),
            acting_user.pk,
            now,
            [task.pk for task in steps],
            [task.steps for task in steps],
            [str(task.state) for task in steps],
            first.annotator_id,
            first.human,
            first.pool_id,
            first.day,
            first.assigned_by_id,
            first.reserved_at,
            [row.public_id for row in made],
            [row.task_id for row in made],
            [str(row.purpose) for row in made],
            [row.attempt for row in made],
            [row.decision_id for row in made],
            [row.guideline_id for row in made],
            [row.effort_seconds for row in made],
            [row.lease_until for row in made],
            *event_values(KIND, acting_user=acting_user, now=now, **data),
        ],
    )
    ids = dict(found)
    for row in made:
        row.pk = ids[row.public_id]
        _as_stored(row)


def _in_turn(
    made: Sequence[Assignment],
    steps: Sequence[Task],
    seats: Sequence[int],
    acting_user: User,
    now: datetime,
) -> None:
    """Write the same where this transaction is the only writer."""
    for seat in seats:
        rows("UPDATE routing_placement SET taken = taken + 1 WHERE id = %s", [seat])
    for task in steps:
        rows(
            "INSERT INTO routing_taskstep "
            "(task_id, sequence, from_state, to_state, actor_id, reason, at) "
            "VALUES (%s, %s, %s, 'held', %s, '', %s)",
            [task.pk, task.steps + 1, str(task.state), acting_user.pk, sql_time(now)],
        )
        rows(
            "UPDATE routing_task SET state = 'held', steps = steps + 1 WHERE id = %s",
            [task.pk],
        )
    marks = ", ".join(["%s"] * len(COLUMNS))
    for row in made:
        values = [getattr(row, name) for name in COLUMNS]
        values[0] = row.public_id.hex
        ((row.pk,),) = rows(
            f"INSERT INTO routing_assignment ({', '.join(COLUMNS)}) VALUES ({marks}) RETURNING id",
            [_stored(value) for value in values],
        )
        _as_stored(row)


def _stored(value: Any) -> Any:
    """Return a value as Django stores it: left to itself, SQLite keeps a time with its zone."""
    if isinstance(value, datetime):
        return sql_time(value)
    return str(value) if isinstance(value, Enum) else value


def _as_stored(row: Assignment) -> None:
    row._state.adding = False
    row._state.db = connection.alias
