"""A run's placements as rows: one COPY on PostgreSQL, batches elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from psycopg.copy import QueuedLibpqWriter

from routing.models import Decision, Placement, Run
from workforce.models import Pool

DAY_ZERO = date(2000, 1, 1)  # PostgreSQL's binary dates count from here
BATCH = 5_000  # rows of a statement where there is no COPY
BLOCK = 100_000  # rows of a COPY that are laid out at once
COLUMNS = (
    ("run_id", ">i8"),
    ("task_id", ">i8"),
    ("decision_id", ">i8"),
    ("pool_id", ">i8"),
    ("crew", ">i4"),
    ("arrangement", ">i4"),
    ("day", ">i4"),
    ("asked", ">i2"),
    ("urgency", ">i8"),
)


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
    urgency: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.task)

    def take(self, rows: NDArray[np.bool_]) -> "PlacementColumns":
        """Return the chosen rows."""
        return PlacementColumns(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@contextmanager
def inserting(run: Run, placements: PlacementColumns, first_day: date) -> Iterator[None]:
    """Insert the rows of a run while the body of the `with` goes on.

    On PostgreSQL a thread hands the rows to the server and the connection is busy until the block
    is left: the body must not use it. The caller's transaction makes the rows visible, or not.
    """
    if connection.vendor != "postgresql":
        _insert(run, placements, first_day)
        yield
        return
    names = ", ".join(name for name, _dtype in COLUMNS)
    table = connection.ops.quote_name(Placement._meta.db_table)
    sql = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor:
        writer = QueuedLibpqWriter(cursor.cursor)
        with cursor.copy(sql, writer=writer) as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for block in _blocks(run, placements, first_day):
                copy.write(block)
            copy.write(b"\xff\xff")
            yield


def _blocks(run: Run, placements: PlacementColumns, first_day: date) -> Iterator[bytes]:
    """Yield the rows of a binary COPY, some thousands at a time."""
    layout: list[tuple[str, str]] = [("n", ">i2")]
    for name, dtype in COLUMNS:
        layout += [(f"_{name}", ">i4"), (name, dtype)]
    offset = (first_day - DAY_ZERO).days
    for start in range(0, len(placements), BLOCK):
        part = slice(start, start + BLOCK)
        rows = np.empty(len(placements.task[part]), np.dtype(layout))
        rows["n"] = len(COLUMNS)
        for name, dtype in COLUMNS:
            rows[f"_{name}"] = np.dtype(dtype).itemsize
        rows["run_id"] = run.pk
        rows["task_id"] = placements.task[part]
        rows["decision_id"] = placements.decision[part]
        rows["pool_id"] = placements.pool[part]
        rows["crew"] = placements.crew[part]
        rows["arrangement"] = placements.arrangement[part]
        rows["day"] = placements.day[part] + offset
        rows["asked"] = placements.asked[part]
        rows["urgency"] = placements.urgency[part]
        yield rows.tobytes()


def _insert(run: Run, placements: PlacementColumns, first_day: date) -> None:
    days = [first_day + timedelta(days=d) for d in range(int(placements.day.max(initial=0)) + 1)]
    names = ", ".join(name for name, _dtype in COLUMNS)
    sql = (
        f"INSERT INTO {connection.ops.quote_name(Placement._meta.db_table)} ({names}) "
        f"VALUES ({', '.join(['%s'] * len(COLUMNS))})"
    )
    with connection.cursor() as cursor:
        for start in range(0, len(placements), BATCH):
            part = slice(start, start + BATCH)
            cursor.executemany(
                sql,
                [
                    (run.pk, task, decision, pool, crew, arrangement, days[day], asked, urgency)
                    for task, decision, pool, crew, arrangement, day, asked, urgency in zip(
                        *(getattr(placements, f.name)[part].tolist() for f in fields(placements)),
                        strict=True,
                    )
                ],
            )


def drop_placements(run: Run, task_ids: NDArray[np.int64]) -> None:
    """Delete the rows of a run for tasks that somebody has taken meanwhile."""
    ids = task_ids.tolist()
    for start in range(0, len(ids), BATCH):
        # The plain delete: nothing hangs on a placement, and the ORM would read each row first.
        rows = Placement.objects.filter(run=run, task_id__in=ids[start : start + BATCH])
        rows._raw_delete(rows.db)


def verify_placements(run: Run, placements: PlacementColumns) -> None:
    """Check that the decisions and pools of a run's rows exist: the table has no foreign keys.

    Its tasks do, or they would not have been found open under the lock of their project.

    Raises
    ------
    RuntimeError
        If a row names a decision of another run, or a decision or pool that does not exist.
    """
    decisions = set(Decision.objects.filter(run=run).values_list("pk", flat=True))
    pools = set(Pool.objects.values_list("pk", flat=True))
    strangers = set(np.unique(placements.decision).tolist()) - decisions
    strangers |= set(np.unique(placements.pool).tolist()) - pools
    if strangers:
        raise RuntimeError(f"placements name decisions or pools that do not exist: {strangers}")


def strange_placements() -> dict[str, int]:
    """Count, by joins, placements that name what does not exist or does not belong together."""
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
        cursor.execute(
            "SELECT count(*) FROM routing_placement p JOIN routing_task t ON t.id = p.task_id "
            "JOIN routing_decision d ON d.id = p.decision_id WHERE d.project_id <> t.project_id"
        )
        counts["decision of the task's project"] = int(cursor.fetchone()[0])
    return counts
