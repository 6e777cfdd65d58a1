"""Import tasks from CSV, beside a bare executemany of the same rows in the same run.

    DATABASE_URL=postgres://… python -m benchmarks.intake --tasks 100000

in an EMPTY database (or one that benchmarks.route made); prints seconds, ratio, and peak memory.
"""

import argparse
import csv
import os
import resource
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def main() -> None:
    """Read the arguments, write the file, time both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    django.setup()
    from benchmarks.operation import MARK, make_operation
    from routing.models import Task
    from routing.services.intake import import_tasks

    user = make_operation(0, 10, now=NOW)
    ratios, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.csv"
        write_file(path, options.tasks)
        for attempt in range(options.repeat):
            Task.objects.all().delete()
            floor = executemany_seconds(options.tasks)
            started = time.perf_counter()
            found = import_tasks(path, project_key=MARK, acting_user=user, now=NOW)
            taken = time.perf_counter() - started
            if found.made != options.tasks:
                raise SystemExit(f"{found.made} tasks were made, {found.refused[:3]}")
            ratios.append(taken / floor)
            seconds.append(taken)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"run {attempt + 1}: {taken:.2f} s, executemany {floor:.2f} s, "
                f"ratio {ratios[-1]:.2f}, peak {peak:.0f} MiB",
                flush=True,
            )
        Task.objects.all().delete()
    print(
        f"median {statistics.median(seconds):.2f} s, median ratio {statistics.median(ratios):.2f} "
        f"of {options.tasks:,} tasks"
    )


def write_file(path: Path, count: int) -> None:
    """Write a CSV of tasks with the columns that people send."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "external_id",
                "task_type",
                "size",
                "entropy",
                "data_class",
                "priority",
                "due",
                "payload",
            ]
        )
        for number in range(count):
            writer.writerow(
                [
                    f"t{number}",
                    f"bench-type-{number % 12}",
                    1 + number % 9,
                    (number % 100) / 100,
                    ("public", "internal", "pii")[number % 3],
                    number % 3,
                    f"2026-03-{3 + number % 20:02d}T12:00:00+01:00",
                    f"text {number}",
                ]
            )


def executemany_seconds(count: int) -> float:
    """Time a bare executemany of as many such rows, rolled back afterwards."""
    import json
    from uuid import uuid4

    from django.db import connection, transaction

    from benchmarks.operation import MARK
    from routing.models import Project, TaskType
    from routing.services.intake import COLUMNS

    project = Project.objects.get(key=MARK)
    kinds = list(TaskType.objects.filter(key__startswith=MARK).values_list("pk", flat=True))
    names = ", ".join(connection.ops.quote_name(name) for name in COLUMNS)
    marks = ", ".join(["%s"] * len(COLUMNS))
    postgres = connection.vendor == "postgresql"
    rows = [
        (
            uuid4() if postgres else uuid4().hex,
            project.pk,
            f"t{number}",
            kinds[number % len(kinds)],
            None,
            None,
            float(1 + number % 9),
            None,
            None,
            (number % 100) / 100,
            False,
            "public",
            "product",
            "none",
            "",
            "",
            None,
            number % 3,
            NOW if postgres else NOW.replace(tzinfo=None).isoformat(" "),
            "",
            json.dumps(f"text {number}"),
            "open",
            "import",
            NOW if postgres else NOW.replace(tzinfo=None).isoformat(" "),
        )
        for number in range(count)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.executemany(f"INSERT INTO routing_task ({names}) VALUES ({marks})", rows)
        taken = time.perf_counter() - started
        transaction.set_rollback(True)
    return taken


if __name__ == "__main__":
    main()
