"""The statements of a claim: what is read, which placements are picked, what is written.

On PostgreSQL each is one prepared statement; rows that somebody else has locked are passed over
(`SKIP LOCKED`), and rows changed meanwhile are asked again. SQLite has one writer at a time: there
the same is a short sequence inside an IMMEDIATE transaction.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from common.sql import among, instance, not_among, rows, sql_time, sql_uuid
from routing.core.urgency import REST, day_range
from routing.models import Task
from routing.services.eligibility import Eligibility, Group

LIVE = "('reserved', 'in_progress')"
SEATED = "('reserved', 'in_progress', 'submitted')"
# What an annotator sees as a task of theirs: gold and qualification look like labels.
ANSWERS = "('label', 'gold', 'qualification')"
SLACK = 32  # candidates beyond those wanted: so many may be held by others at the moment

TASK_FIELDS = (
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
COLUMNS = f"p.id, p.decision_id, {', '.join(f't.{name}' for name in TASK_FIELDS)}"
PICKABLE = (
    "p.taken < p.opened AND t.state IN ('open', 'held', 'rework') "
    # Asked row by row (a limit keeps it from becoming a join): few have had any one task, while a
    # human being has had many.
    "AND NOT EXISTS (SELECT 1 FROM routing_assignment a WHERE a.task_id = t.id AND {human} "
    "AND a.attempt = t.attempt AND a.state IN ('reserved', 'in_progress', 'submitted', 'skipped') "
    "LIMIT 1 OFFSET 0) "
    # What a review rejected goes to somebody else, where the project says so.
    "AND (t.state <> 'rework' OR r.rework_to = 'same' OR NOT EXISTS (SELECT 1 "
    "FROM routing_assignment a WHERE a.task_id = t.id AND {human} AND a.purpose = 'label' "
    "AND a.state = 'submitted' LIMIT 1 OFFSET 0))"
)


@dataclass(frozen=True)
class Reads:
    """What a claim reads under the human's lock.

    live : tasks in hand by project; day_count : tasks taken today that count for a cap;
    harm_seconds : of harmful content today; hour_count : tasks taken in the last hour
    """

    version: int
    overdue: bool
    live: dict[int, int]
    day_count: int
    harm_seconds: float
    hour_count: int


@dataclass(frozen=True)
class Picked:
    """A placement with a free seat, locked, and its task."""

    placement_id: int
    decision_id: int
    task: Task


@dataclass(frozen=True)
class Range:
    """A range of urgency of a group, served by rank, then by what follows the day in urgency."""

    run_id: int
    crew: int
    low: int
    high: int
    rank: int


def read(who: Eligibility, day: date, now: datetime) -> Reads:
    """Read the version of the facts, and what limits of this annotator read."""
    mine, accounts = among("a.annotator_id", who.accounts)
    columns = [
        "(SELECT coalesce(sum(version), 0) FROM routing_factsversion)",
        "EXISTS (SELECT 1 FROM routing_assignment a "
        f"WHERE a.state IN {LIVE} AND a.lease_until <= %s)",
    ]
    values: list[Any] = [sql_time(now)]
    sql = f"SELECT {', '.join(columns)}, t.project_id, count(t.id) " + (
        "FROM (SELECT 1) one LEFT JOIN (routing_assignment a JOIN routing_task t "
        f"ON t.id = a.task_id) ON {mine} AND a.state IN {LIVE} AND a.purpose IN {ANSWERS} "
        "GROUP BY t.project_id"
    )
    found = rows(sql, [*values, *accounts], prepare=False)
    counts = _caps(who, day, now)
    return Reads(
        version=int(found[0][0]),
        overdue=bool(found[0][1]),
        live={project: n for _v, _o, project, n in found if project is not None},
        day_count=counts[0],
        harm_seconds=counts[1],
        hour_count=counts[2],
    )


def _caps(who: Eligibility, day: date, now: datetime) -> tuple[int, float, int]:
    """Count what was taken today and in the last hour, where something is limited by it."""
    exposed = who.exposure_seconds is not None and bool(who.harmful_efforts)
    if who.daily_cap is None and not exposed and who.rate_limit is None:
        return 0, 0.0, 0
    human, humans = among("a.human", who.humans)
    since = now - timedelta(hours=1)
    days = [day] if who.rate_limit is None else [day, day - timedelta(days=1)]
    on, dates = among("a.day", days, "date")
    (found,) = rows(
        "SELECT coalesce(sum(CASE WHEN a.day = %s THEN 1 ELSE 0 END), 0), "
        "coalesce(sum(CASE WHEN a.day = %s AND t.harm <> 'none' THEN a.effort_seconds ELSE 0 END),"
        " 0), coalesce(sum(CASE WHEN a.reserved_at > %s THEN 1 ELSE 0 END), 0) "
        "FROM routing_assignment a JOIN routing_task t ON t.id = a.task_id "
        f"WHERE {human} AND {on} AND a.state IN {SEATED}",
        [day, day, sql_time(since), *humans, *dates],
        prepare=False,
    )
    return int(found[0]), float(found[1]), int(found[2])


def ranges(groups: Iterable[Group], today: date, *, later: bool, rank: int = 0) -> list[Range]:
    """Return the ranges of groups: planned for today or earlier, or later.

    What was planned for a run's first day or earlier is one range; each day after it, of a run that
    is some days old, is one more, and they are merged.
    """
    found = []
    for group in groups:
        first = date.fromordinal(group.first_day)
        end = day_range(today, today)[1]
        if later:
            found.append(Range(group.run_id, group.crew, end, 1 << 62, rank))
            continue
        start = min(first, today)
        found.append(Range(group.run_id, group.crew, 0, day_range(start, start)[1], rank))
        for offset in range(1, (today - start).days + 1):
            day = start + timedelta(days=offset)
            found.append(Range(group.run_id, group.crew, *day_range(day, day), rank))
    return found


def pick(
    who: Eligibility,
    wanted: Sequence[Range],
    *,
    count: int,
    shut: Sequence[int],
    full: Sequence[int],
    had: Sequence[int] = (),
) -> list[Picked]:
    """Lock up to `count` placements with a free seat that the annotator may have.

    Parameters
    ----------
    shut : decisions that are not for this annotator
    full : projects of which no more are to be in hand
    had : placements that this claim has found already
    """
    if not wanted:
        return []
    if connection.vendor != "postgresql":
        return _pick_in_turn(who, wanted, count, (shut, full, had))
    human, humans = among("a.human", who.humans)
    where = f"{PICKABLE.format(human=human)} AND p.decision_id <> ALL(%s::bigint[]) "
    where += "AND t.project_id <> ALL(%s::bigint[]) AND p.id <> ALL(%s::bigint[]) "
    where += "AND r.current_run_id = p.run_id"
    values = [*humans, *humans, list(shut), list(full), list(had)]
    tables = (
        "routing_placement p JOIN routing_task t ON t.id = p.task_id "
        "JOIN routing_project r ON r.id = t.project_id"
    )
    lock = f"LIMIT {int(count)} FOR NO KEY UPDATE OF p, t SKIP LOCKED"
    if len(wanted) == 1:
        one = wanted[0]
        sql = (
            f"SELECT {COLUMNS} FROM {tables} WHERE p.run_id = %s AND p.pool_id = %s "
            f"AND p.crew = %s AND p.urgency >= %s AND p.urgency < %s AND {where} "
            f"ORDER BY p.urgency {lock}"
        )
        bound: list[Any] = [one.run_id, who.pool_id, one.crew, one.low, one.high, *values]
    else:
        sql = (
            f"SELECT {COLUMNS} FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::bigint[], "
            "%s::int[]) AS g (run, crew, low, high, rank), LATERAL ("
            f"SELECT p.id, p.urgency FROM {tables} WHERE p.run_id = g.run AND p.pool_id = %s "
            f"AND p.crew = g.crew AND p.urgency >= g.low AND p.urgency < g.high AND {where} "
            f"ORDER BY p.urgency LIMIT {int(count) + SLACK}) c "
            "JOIN routing_placement p ON p.id = c.id JOIN routing_task t ON t.id = p.task_id "
            "WHERE p.taken < p.opened AND t.state IN ('open', 'held', 'rework') "
            f"ORDER BY g.rank, c.urgency & {REST}, c.id {lock}"
        )
        columns = [
            [getattr(one, name) for one in wanted] for name in ("run_id", "crew", "low", "high")
        ]
        bound = [*columns, [one.rank for one in wanted], who.pool_id, *values]
    return [_picked(row) for row in rows(sql, bound, prepare=False)]


def _pick_in_turn(
    who: Eligibility,
    wanted: Sequence[Range],
    count: int,
    besides: tuple[Sequence[int], Sequence[int], Sequence[int]],
) -> list[Picked]:
    """Pick where this transaction is the only writer."""
    human, humans = among("a.human", who.humans)
    columns = ("p.decision_id", "t.project_id", "p.id")
    kept_out = [not_among(name, ids) for name, ids in zip(columns, besides, strict=True)]
    apart = " AND ".join(text for text, _ids in kept_out)
    others = [pk for _text, ids in kept_out for pk in ids]
    sql = (
        f"SELECT {COLUMNS}, p.urgency FROM routing_placement p "
        "JOIN routing_task t ON t.id = p.task_id JOIN routing_project r ON r.id = t.project_id "
        "WHERE p.run_id = %s AND p.pool_id = %s AND p.crew = %s AND p.urgency >= %s "
        f"AND p.urgency < %s AND {PICKABLE.format(human=human)} AND {apart} "
        f"AND r.current_run_id = p.run_id ORDER BY p.urgency, p.id LIMIT {int(count)}"
    )
    found = []
    for one in wanted:
        bound = [one.run_id, who.pool_id, one.crew, one.low, one.high]
        for row in rows(sql, [*bound, *humans, *humans, *others]):
            found.append((one.rank, row[-1] & REST, row[0], row[:-1]))
    found.sort(key=lambda row: row[:3])
    return [_picked(row) for *_order, row in found[:count]]


def _picked(row: tuple[Any, ...]) -> Picked:
    placement, decision, pk, public_id, *values, payload = row
    loaded = None if payload is None else json.loads(payload)
    task = instance(Task, TASK_FIELDS, [pk, sql_uuid(public_id), *values, loaded])
    return Picked(placement, decision, task)
