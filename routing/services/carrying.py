"""Placements that a new run takes over from the one before it, seats and urgency as they are.

Tasks in hand (held, answered, in rework) keep theirs, and so do tasks that were in hand when the
run read its tasks and were given back meanwhile. They keep their decision; the crew, whose numbers
are each run's own, becomes the one of the new run that most of its members are in now.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from routing.core.urgency import REST, REST_BITS, day_number
from routing.models import Project, Run, RunCrew

IDS_A_QUERY = 5_000
COLUMNS = (
    "run_id, task_id, decision_id, pool_id, crew, arrangement, day, asked, opened, taken, urgency"
)


@dataclass(frozen=True)
class NewCrews:
    """Crews of a run: pool id of each (C,), and by annotator id the number of theirs."""

    pool: NDArray[np.int64]
    of: Mapping[int, int]


def carry_over(
    run: Run,
    project_ids: Sequence[int],
    crews: NewCrews,
    given_back: NDArray[np.int64],
    first_day: date,
) -> int:
    """Copy placements from the projects' current runs; returns how many.

    Carried tasks count in none of the run's figures; `run.carried` says by which pools, crews and
    decisions they came (the caller saves the run). The seats of the projects are shut.

    Parameters
    ----------
    given_back : ids of tasks that are open now and that the run has not read
    first_day : what was planned for it or earlier is served in one order from now on
    """
    old = list(
        Project.objects.filter(pk__in=project_ids, current_run__isnull=False).values_list(
            "pk", "current_run_id"
        )
    )
    carried: Counter[tuple[int, int, int]] = Counter()
    for project_id, old_run_id in old:
        sql = _copying(_renumbered(old_run_id, crews), first_day)
        values = [run.pk, old_run_id, project_id]
        carried += _insert(f"{sql} AND t.state IN ('held', 'answered', 'rework')", values)
        for start in range(0, len(given_back), IDS_A_QUERY):
            ids = given_back[start : start + IDS_A_QUERY].tolist()
            marks = ", ".join(["%s"] * len(ids))
            carried += _insert(f"{sql} AND t.state = 'open' AND t.id IN ({marks})", [*values, *ids])
    run.carried = [list(key) for key in sorted(carried)]
    return carried.total()


def _renumbered(old_run_id: int, crews: NewCrews) -> dict[int, int]:
    """Return the new number of each crew of a run that is not in force any more.

    A crew of which nobody is left is the first of its pool; where the pool has none any more it
    gets a number beyond all, so that it is nobody's own.
    """
    numbers: dict[int, int] = {}
    for crew in RunCrew.objects.filter(run_id=old_run_id):
        now_in = Counter(
            crews.of[member["id"]]
            for member in crew.members
            if member["id"] in crews.of and crews.pool[crews.of[member["id"]]] == crew.pool_id
        )
        if now_in:
            numbers[crew.number] = min(now_in, key=lambda number: (-now_in[number], number))
            continue
        here = np.flatnonzero(crews.pool == crew.pool_id)
        numbers[crew.number] = int(here[0]) if len(here) else len(crews.pool) + crew.number
    return numbers


def _copying(numbers: Mapping[int, int], first_day: date) -> str:
    """Return the SQL that copies rows of a run; it takes new run, old run and project."""
    whens = " ".join(f"WHEN {int(old)} THEN {int(new)}" for old, new in numbers.items())
    crew = f"CASE p.crew {whens} ELSE p.crew END" if whens else "p.crew"
    low = day_number(first_day) << REST_BITS
    urgency = f"CASE WHEN p.urgency < {low} THEN {low} + (p.urgency & {REST}) ELSE p.urgency END"
    return (
        f"INSERT INTO routing_placement ({COLUMNS}) SELECT %s, p.task_id, p.decision_id, "
        f"p.pool_id, {crew}, p.arrangement, p.day, p.asked, p.opened, p.taken, {urgency} "
        "FROM routing_placement p JOIN routing_task t ON t.id = p.task_id "
        "WHERE p.run_id = %s AND t.project_id = %s"
    )


def _insert(sql: str, values: Sequence[int]) -> Counter[tuple[int, int, int]]:
    """Copy the rows; returns how many by pool, crew and decision."""
    sql += " RETURNING pool_id, crew, decision_id"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"WITH carried AS ({sql}) SELECT pool_id, crew, decision_id, count(*) "
                "FROM carried GROUP BY 1, 2, 3",
                values,
            )
            return Counter({(p, c, d): n for p, c, d, n in cursor.fetchall()})
        cursor.execute(sql, values)
        return Counter((int(p), int(c), int(d)) for p, c, d in cursor.fetchall())
