"""Writing judgments and labels by hand: some hundred a second leave no time for objects."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Model

from accounts.models import User
from common.errors import Conflict
from common.sql import rows
from quality.models import Judgment, Label
from routing.choices import TaskState
from routing.services.task_states import MOVE, STEP

M = TypeVar("M", bound=Model)
JSON_COLUMNS = frozenset({"answer", "time_faults"})


def write_judgment(values: Mapping[str, Any]) -> Judgment:
    """Insert a judgment from its columns and return it."""
    stored = {"public_id": uuid4(), **values}
    sql = _insert("quality_judgment", tuple(stored)) + " RETURNING id"
    ((pk,),) = rows(sql, [_bound(name, value) for name, value in stored.items()])
    return as_stored(Judgment(pk=pk, **stored))


def write_label(
    values: Mapping[str, Any], *, steps: int, acting_user: User, now: datetime
) -> Label:
    """Insert the label of a task that is answered, and move the task to accepted.

    steps : of the task, whose row the caller has locked

    Raises
    ------
    Conflict
        If the task is not as it was read.
    """
    stored = {"public_id": uuid4(), **values}
    label = _insert("quality_label", tuple(stored)) + " RETURNING id"
    bound = [_bound(name, value) for name, value in stored.items()]
    at: Any = connection.ops.adapt_datetimefield_value(now)
    task_id, before, after = values["task_id"], TaskState.ANSWERED.value, TaskState.ACCEPTED.value
    step: list[Any] = [task_id, steps + 1, before, after, acting_user.pk, "", at]
    move: list[Any] = [after, steps + 1, task_id, before, steps]
    if connection.vendor == "postgresql":
        made = rows(
            f"WITH step AS ({STEP} RETURNING task_id), label AS ({label}), "
            f"moved AS ({MOVE} AND id IN (SELECT task_id FROM step) RETURNING id) "
            "SELECT label.id FROM label, moved",
            [*step, *bound, *move],
        )
    else:
        rows(STEP, step)
        made = rows(label, bound) if rows(f"{MOVE} RETURNING id", move) else []
    if not made:
        raise Conflict
    return as_stored(Label(pk=made[0][0], **stored))


def as_stored(row: M) -> M:
    """Return a row that was inserted by hand as one that is in the database."""
    row._state.adding, row._state.db = False, connection.alias
    return row


@lru_cache(maxsize=16)
def _insert(table: str, names: tuple[str, ...]) -> str:
    quote = connection.ops.quote_name
    columns = ", ".join(quote(name) for name in names)
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(['%s'] * len(names))})"


def _bound(name: str, value: Any) -> Any:
    """Return a value as a statement takes it."""
    if name in JSON_COLUMNS:
        return json.dumps(value)
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID) and connection.vendor == "sqlite":
        return value.hex
    return value
