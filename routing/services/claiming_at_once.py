"""The usual claim as one round trip (PostgreSQL): see routing.routines."""

import json
import random
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.models import User
from common.sql import instance, rows
from routing import seams
from routing.models import Assignment, Task
from routing.routines import CLAIM
from routing.services.eligibility import Eligibility, kept
from routing.services.picking import TASK_FIELDS, ranges
from workforce.models import Annotator

SQL = (
    f"SELECT * FROM {CLAIM.name}(%s, %s, %s, %s::bigint[], %s::bigint[], %s, %s::int[], %s, %s, "
    "%s::bigint, %s, %s, %s::int, %s::int, %s, %s::bigint[], %s::int[], %s::bigint[], "
    "%s::bigint[], %s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::bigint[], %s::jsonb, "
    "%s::float8, %s, %s, %s::float8[], %s::jsonb, %s::float8, %s::float8[])"
)
TAKEN = "taken"
# As the routine returns a task.
TASK = (
    "id",
    "public_id",
    "project_id",
    "task_type_id",
    "guideline_id",
    "attempt",
    "state",
    "steps",
    "external_id",
    "payload_reference",
    "payload",
)
if set(TASK) != set(TASK_FIELDS):
    raise ImportError("a claim's task has the same fields whichever way it was made")


def claim_at_once(
    annotator: Annotator,
    draws: Sequence[float | None],
    day: date,
    acting_user: User,
    now: datetime,
) -> list[Assignment] | None:
    """Claim in one round trip; None where the claim is not a usual one, and nothing was done.

    draws : for each task that is wanted, whether something may be mixed in (see `MixSource.pick`)
    """
    who, count = kept(annotator.pk), len(draws)
    if connection.vendor != "postgresql" or who is None or not _usual(who, count, now):
        return None
    mixture = _mixture(who, draws, now)
    if mixture is None:
        return None
    own = acting_user.pk == annotator.user_id
    values = _values(who, annotator, count, day, None if own else acting_user.pk)
    values[8], values[10] = acting_user.pk, now
    found = rows(SQL, values + mixture)
    if not found or found[0][0] != TAKEN:
        return None
    return [_made(row, who, values[9], day, now) for row in found]


def _mixture(who: Eligibility, draws: Sequence[float | None], now: datetime) -> list[object] | None:
    """Return what the routine mixes in; None where it cannot."""
    if all(luck is None for luck in draws):
        return ["", "", None, None, None, None]
    source = seams.mix.get()
    if not source.routine:
        return None
    chances, usual = source.chances(annotator_id=who.annotator_id, facts=who.version, at=now)
    begins = [random.random() for _luck in draws]
    by_skill = json.dumps({str(pk): chance for pk, chance in chances.items()})
    return [source.routine, source.purpose, list(draws), by_skill, usual, begins]


def _usual(who: Eligibility, count: int, now: datetime) -> bool:
    """Tell whether nothing asks for more than the routine knows of."""
    if (
        not who.own
        or now >= who.until
        or (who.exposure_seconds is not None and who.harmful_efforts)
    ):
        return False
    if who.rate_limit is not None:
        return True
    return count <= min(who.projects[pk].in_progress_limit for pk in who.held)


def _values(
    who: Eligibility, annotator: Annotator, count: int, day: date, giver: int | None
) -> list[object]:
    served = ranges(who.own, day, later=False)
    rules = [who.projects[pk] for pk in who.held]
    return [
        annotator.pk,
        annotator.public_id,
        who.pool_id,
        list(who.humans),
        list(who.accounts),
        who.human % (1 << 31),
        list(who.held),
        who.version,
        None,
        giver,
        None,
        day,
        who.daily_cap,
        who.rate_limit,
        count,
        [one.run_id for one in served],
        [one.crew for one in served],
        [one.low for one in served],
        [one.high for one in served],
        list(who.shut),
        list(who.held),
        None if who.rate_limit is not None else [row.in_progress_limit for row in rules],
        [row.lease_minutes for row in rules],
        [row.guideline_id for row in rules],
        json.dumps({str(pk): speed for pk, speed in who.speeds.items()}),
        3600.0 / who.rate_limit if who.rate_limit else None,
    ]


def _made(row: Sequence[Any], who: Eligibility, giver: Any, day: date, now: datetime) -> Assignment:
    _status, pk, public_id, decision, effort, guideline, lease, *task, purpose = row
    if task[-1] is not None:
        task[-1] = json.loads(str(task[-1]))
    made = Assignment(
        pk=pk,
        public_id=public_id,
        task=instance(Task, TASK, task),
        annotator_id=who.annotator_id,
        human=who.human,
        pool_id=who.pool_id,
        purpose=purpose,
        attempt=task[5],
        decision_id=decision,
        guideline_id=guideline,
        effort_seconds=effort,
        day=day,
        assigned_by_id=giver,
        reserved_at=now,
        lease_until=lease,
    )
    made._state.adding = False
    made._state.db = connection.alias
    return made
