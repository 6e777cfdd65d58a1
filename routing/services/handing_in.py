"""The last step of an assignment as submissions take it: one statement, no objects."""

from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import User
from common.sql import rows
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState

SUBMITTED = AssignmentState.SUBMITTED.value


def hand_in(assignment_id: int, *, state: str, acting_user: User, now: datetime) -> bool:
    """Move a live assignment to submitted; False if it is not in that state any more.

    Part of the caller's transaction, which has checked who acts, holds the seats of the project,
    and tells of it in its event. The row is locked first: of two who hand it in at one time the
    other finds it submitted, not a step of its number.
    """
    if state not in LIVE_ASSIGNMENTS:
        return False
    at: Any = connection.ops.adapt_datetimefield_value(now)
    step = (
        "INSERT INTO routing_assignmentstep "
        "(assignment_id, sequence, from_state, to_state, actor_id, reason, at) "
    )
    if connection.vendor == "postgresql":
        found = rows(
            "WITH mine AS MATERIALIZED (SELECT id, steps FROM routing_assignment "
            "WHERE id = %s AND state = %s FOR NO KEY UPDATE), "
            # The trigger on the assignment asks for the step: it is made when the update reads it.
            f"step AS ({step} SELECT id, steps + 1, %s, %s, %s, '', %s FROM mine "
            "RETURNING assignment_id, sequence) "
            "UPDATE routing_assignment a SET state = %s, steps = step.sequence, ended_at = %s "
            "FROM step WHERE a.id = step.assignment_id RETURNING a.id",
            [assignment_id, state, state, SUBMITTED, acting_user.pk, at, SUBMITTED, at],
        )
        return bool(found)
    mine = rows(
        "SELECT steps FROM routing_assignment WHERE id = %s AND state = %s", [assignment_id, state]
    )
    for (steps,) in mine:
        rows(
            f"{step} VALUES (%s, %s, %s, %s, %s, '', %s)",
            [assignment_id, steps + 1, state, SUBMITTED, acting_user.pk, at],
        )
        rows(
            "UPDATE routing_assignment SET state = %s, steps = %s, ended_at = %s WHERE id = %s",
            [SUBMITTED, steps + 1, at, assignment_id],
        )
    return bool(mine)
