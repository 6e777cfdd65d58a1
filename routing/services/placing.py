"""Writing a run's placements: one COPY on PostgreSQL, batches elsewhere, then one flip.

The transaction of `flip` locks the projects' rows (claims take them shared), so that nobody
claims while it lasts; a run that dies before the commit leaves no trace but its failed record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from routing.models import Decision, Placement, Project, Run
from workforce.models import Pool

DAY_ZERO = date(2000, 1, 1)  # PostgreSQL's binary dates count from here
BATCH = 5_000


@dataclass(frozen=True)
class PlacementColumns:
    """Placements as columns, all of shape (n,); `day` counts days from `first_day`."""

    task: NDArray[np.int64]
    decision: NDArray[np.int64]
    pool: NDArray[np.int64]
    crew: NDArray[np.int32]
    arrangement: NDArray[np.int32]
    day: NDArray[np.int32]
    asked: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.task)

    def take(self, rows: NDArray[np.bool_]) -> "PlacementColumns":
        """Return the chosen rows."""
        return PlacementColumns(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def write_placements(run: Run, placements: PlacementColumns, first_day: date) -> None:
    """Insert the rows of a run; the caller's transaction makes them visible, or not.

    Raises
    ------
    RuntimeError
        If a row names a decision or pool that does not exist: the table has no foreign keys.
    """
    _verify(run, placements)
    if connection.vendor == "postgresql":
        _copy(run, placements, first_day)
    else:
        _insert(run, placements, first_day)


def _verify(run: Run, placements: PlacementColumns) -> None:
    decisions = set(Decision.objects.filter(run=run).values_list("pk", flat=True))
    pools = set(Pool.objects.values_list("pk", flat=True))
    strangers = set(np.unique(placements.decision).tolist()) - decisions
    strangers |= set(np.unique(placements.pool).tolist()) - pools
    if strangers:
        raise RuntimeError(f"placements name decisions or pools that do not exist: {strangers}")


def _copy(run: Run, placements: PlacementColumns, first_day: date) -> None:
    layout: list[tuple[str, str]] = [("n", ">i2")]
    columns = (
        ("run_id", ">i8"),
        ("task_id", ">i8"),
        ("decision_id", ">i8"),
        ("pool_id", ">i8"),
        ("crew", ">i4"),
        ("arrangement", ">i4"),
        ("day", ">i4"),
        ("asked", ">i2"),
    )
    for name, dtype in columns:
        layout += [(f"_{name}", ">i4"), (name, dtype)]
    table = connection.ops.quote_name(Placement._meta.db_table)
    names = ", ".join(name for name, _dtype in columns)
    offset = (first_day - DAY_ZERO).days
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, len(placements), 100_000):
            part = slice(start, start + 100_000)
            rows = np.empty(len(placements.task[part]), np.dtype(layout))
            rows["n"] = len(columns)
            for name, dtype in columns:
                rows[f"_{name}"] = np.dtype(dtype).itemsize
            rows["run_id"] = run.pk
            rows["task_id"] = placements.task[part]
            rows["decision_id"] = placements.decision[part]
            rows["pool_id"] = placements.pool[part]
            rows["crew"] = placements.crew[part]
            rows["arrangement"] = placements.arrangement[part]
            rows["day"] = placements.day[part] + offset
            rows["asked"] = placements.asked[part]
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")


def _insert(run: Run, placements: PlacementColumns, first_day: date) -> None:
    days = [first_day + timedelta(days=d) for d in range(int(placements.day.max(initial=0)) + 1)]
    sql = (
        f"INSERT INTO {connection.ops.quote_name(Placement._meta.db_table)} "
        "(run_id, task_id, decision_id, pool_id, crew, arrangement, day, asked) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
    )
    with connection.cursor() as cursor:
        for start in range(0, len(placements), BATCH):
            part = slice(start, start + BATCH)
            cursor.executemany(
                sql,
                [
                    (run.pk, task, decision, pool, crew, arrangement, days[day], asked)
                    for task, decision, pool, crew, arrangement, day, asked in zip(
                        *(getattr(placements, f.name)[part].tolist() for f in fields(placements)),
                        strict=True,
                    )
                ],
            )


def carry_over(run: Run, project_ids: Sequence[int]) -> int:
    """Copy the placements of held and answered tasks from the projects' current runs.

    They keep their old decision; carried tasks count in none of the run's figures. Returns how
    many were carried.
    """
    old = list(
        Project.objects.filter(pk__in=project_ids, current_run__isnull=False).values_list(
            "pk", "current_run_id"
        )
    )
    carried = 0
    with connection.cursor() as cursor:
        for project_id, old_run_id in old:
            cursor.execute(
                "INSERT INTO routing_placement "
                "(run_id, task_id, decision_id, pool_id, crew, arrangement, day, asked) "
                "SELECT %s, p.task_id, p.decision_id, p.pool_id, p.crew, p.arrangement, p.day,"
                " p.asked FROM routing_placement p JOIN routing_task t ON t.id = p.task_id "
                "WHERE p.run_id = %s AND t.project_id = %s "
                "AND t.state IN ('held', 'answered', 'rework')",
                [run.pk, old_run_id, project_id],
            )
            carried += cursor.rowcount
    return carried


def strange_placements() -> dict[str, int]:
    """Count placements whose task, decision, pool or run does not exist (by joins)."""
    counts = {}
    with connection.cursor() as cursor:
        for column, table in (
            ("task_id", "routing_task"),
            ("decision_id", "routing_decision"),
            ("pool_id", "workforce_pool"),
            ("run_id", "routing_run"),
        ):
            cursor.execute(
                f"SELECT count(*) FROM routing_placement p LEFT JOIN {table} o "
                f"ON o.id = p.{column} WHERE o.id IS NULL"
            )
            counts[column] = int(cursor.fetchone()[0])
    return counts
