"""Hand in answers one after the other in one process: submissions a second, and how long one takes.

    DATABASE_URL=postgres://… python -m benchmarks.submit --tasks 3000

makes an operation in an EMPTY database (it refuses one that holds projects it did not make), routes
it, has its people claim everything, and times each submission from call to commit. The server's
share is not told apart: beside it stands the same number of the plainest transaction there is, a
SELECT by key and one INSERT.
"""

import argparse
import os
import time
from datetime import UTC, datetime, timedelta

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def main() -> None:
    """Read the arguments, set the operation up, time it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=3_000)
    parser.add_argument("--people", type=int, default=100)
    options = parser.parse_args()
    django.setup()

    from benchmarks.operation import make_operation
    from quality.services.submitting import submit
    from routing.models import Assignment, TaskType
    from routing.services.run import route

    user = make_operation(options.tasks, options.people, now=NOW)
    route(project_keys=None, days=1, dry_run=False, acting_user=user, now=NOW)
    claim_all(user)
    kinds = dict(TaskType.objects.values_list("pk", "metric"))
    work = [
        (public_id, "cat" if kinds[kind] == "exact" else [BOX])
        for public_id, kind in Assignment.objects.filter(state="reserved")
        .order_by("?")
        .values_list("public_id", "task__task_type_id")
    ]
    taken = []
    for public_id, answer in work:
        started = time.perf_counter()
        submit(
            public_id,
            answer=answer,
            raw_seconds=20.0,
            source="platform",
            acting_user=user,
            now=NOW + MINUTE,
        )
        taken.append(time.perf_counter() - started)
    told("submissions", taken)
    told("a SELECT and an INSERT", [plain(user) for _one in work])
    outcomes()


BOX = {"x": 0, "y": 0, "width": 10, "height": 10, "label": "car"}


def claim_all(user: object) -> None:
    """Have everybody claim what they get."""
    from routing.models import Project
    from routing.services.claiming import claim
    from workforce.models import Annotator

    Project.objects.update(in_progress_limit=1000, lease_minutes=1440)
    for annotator in Annotator.objects.order_by("pk"):
        claim(annotator, count=100, acting_user=user, now=NOW)


def plain(user: object) -> float:
    """Time the plainest transaction: read a row by its key, write an event."""
    from django.db import transaction

    from accounts.models import User
    from audit.services.events import record_event

    started = time.perf_counter()
    with transaction.atomic():
        User.objects.get(pk=user.pk)  # type: ignore[attr-defined]
        record_event("benchmark.plain", acting_user=user, now=NOW)  # type: ignore[arg-type]
    return time.perf_counter() - started


def told(what: str, taken: list[float]) -> None:
    """Print how many a second, and the times that half and 99 % stay below."""
    half, most = (np.percentile(taken, [50, 99]) * 1000).tolist()
    rate = len(taken) / sum(taken)
    print(f"{what}: {len(taken):,}, {rate:,.0f}/s, median {half:.2f} ms, p99 {most:.2f} ms")


def outcomes() -> None:
    """Print what came of the answers."""
    from django.db.models import Count

    from audit.models import Event

    rows = Event.objects.filter(kind="judgment.submitted").values("data__outcome")
    for row in rows.annotate(n=Count("pk")).order_by("-n"):
        print(f"  {row['data__outcome']}: {row['n']:,}")


if __name__ == "__main__":
    main()
