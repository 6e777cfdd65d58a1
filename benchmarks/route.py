"""Route a million tasks from end to end, beside a bare COPY of as many placement rows.

    DATABASE_URL=postgres://… python -m benchmarks.route --tasks 1000000

makes an operation in an EMPTY database (it refuses one that holds projects it did not make),
routes it `--repeat` times, and prints seconds by step, the ratio to the COPY measured in the same
run, and the peak memory of this process.
"""

import argparse
import os
import resource
import statistics
import time
from datetime import UTC, date, datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def main() -> None:
    """Read the arguments, set the operation up, time it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    django.setup()

    from benchmarks.operation import make_operation
    from routing.services.run import route

    user = make_operation(options.tasks, options.people, now=NOW)
    ratios, totals = [], []
    for attempt in range(options.repeat):
        floor = copy_seconds(options.tasks)
        started = time.perf_counter()
        report = route(
            project_keys=None, days=options.days, dry_run=False, acting_user=user, now=NOW
        )
        total = time.perf_counter() - started
        ratios.append(total / floor if floor else float("nan"))
        totals.append(total)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"run {attempt + 1}: {total:.2f} s, COPY {floor:.2f} s, ratio {ratios[-1]:.2f}, "
            f"peak {peak:.0f} MiB, {report.as_json()}",
            flush=True,
        )
    print(
        f"median {statistics.median(totals):.2f} s, "
        f"median ratio {statistics.median(ratios):.2f} of {options.tasks:,} tasks"
    )


def copy_seconds(count: int) -> float:
    """Time a plain COPY of as many placement rows: six columns, three indexes, no foreign keys."""
    import numpy as np
    from django.db import connection, transaction

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_placement")
        cursor.execute(
            "CREATE TABLE bench_placement (run_id bigint, task_id bigint,"
            " decision_id bigint, pool_id bigint, day date, asked smallint)"
        )
        cursor.execute("CREATE UNIQUE INDEX ON bench_placement (run_id, task_id)")
        cursor.execute("CREATE INDEX ON bench_placement (run_id, pool_id, day)")
        cursor.execute("CREATE INDEX ON bench_placement (run_id, decision_id)")
    rng = np.random.default_rng(7)
    layout: list[tuple[str, str]] = [("n", ">i2")]
    columns = (("run_id", ">i8"), ("task_id", ">i8"), ("decision_id", ">i8"), ("pool_id", ">i8"))
    columns = (*columns, ("day", ">i4"), ("asked", ">i2"))
    for name, dtype in columns:
        layout += [(f"_{name}", ">i4"), (name, dtype)]
    started = time.perf_counter()
    rows = np.empty(count, np.dtype(layout))
    rows["n"] = len(columns)
    for name, dtype in columns:
        rows[f"_{name}"] = np.dtype(dtype).itemsize
    rows["run_id"], rows["task_id"] = 1, np.arange(count)
    rows["decision_id"] = np.sort(rng.integers(0, 4000, count))
    rows["pool_id"] = rng.integers(1, 9, count)
    rows["day"], rows["asked"] = (date(2026, 3, 2) - date(2000, 1, 1)).days, 1
    names = ", ".join(name for name, _dtype in columns)
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy(f"COPY bench_placement ({names}) FROM STDIN (FORMAT BINARY)") as copy,  # type: ignore[attr-defined]
    ):
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, count, 100_000):
            copy.write(rows[start : start + 100_000].tobytes())
        copy.write(b"\xff\xff")
    seconds = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_placement")
    return seconds


if __name__ == "__main__":
    main()
