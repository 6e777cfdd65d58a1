"""Sixty-four clients over a hundred thousand tasks: none claimed twice, over-answered or lost.

    DATABASE_URL=… python -m benchmarks.race

makes an operation in an EMPTY database, PostgreSQL or SQLite; gunicorn serves it. Each client
claims twenty tasks at a time, gives back one in forty and hands in the others, until there is
nothing left. Then every row is counted. `--answers 2` asks two answers of each task.
"""

import argparse
import os
import random
import time
from collections import deque
from typing import Any

import django

from benchmarks.http_client import Request, run
from benchmarks.serve import CLAIM, server
from benchmarks.serving import make_serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
BATCH = 20
SEATED = "state IN ('reserved', 'in_progress', 'submitted') AND purpose = 'label'"
# What must be so when nothing is left, and the query that gives the number of rows where it is not.
CHECKS = {
    "tasks that nobody has answered": "SELECT count(*) FROM routing_task t WHERE t.external_id "
    "LIKE 't%%' AND NOT EXISTS (SELECT 1 FROM quality_judgment j WHERE j.task_id = t.id)",
    "tasks with more answers than asked": "SELECT count(*) FROM (SELECT a.task_id "
    f"FROM routing_assignment a WHERE {SEATED} GROUP BY a.task_id HAVING count(*) > %s) x",
    "tasks twice with one person": "SELECT count(*) FROM (SELECT a.task_id, a.human "
    f"FROM routing_assignment a WHERE {SEATED} GROUP BY a.task_id, a.human "
    "HAVING count(*) > 1) x",
    "answers without a judgment, or with two": "SELECT count(*) FROM routing_assignment a "
    "WHERE a.state = 'submitted' AND (SELECT count(*) FROM quality_judgment j "
    "WHERE j.assignment_id = a.id) <> 1",
    "seats that are not those taken": "SELECT count(*) FROM routing_placement p WHERE p.taken <> "
    f"(SELECT count(*) FROM routing_assignment a WHERE a.task_id = p.task_id AND {SEATED})",
    "tasks that are not accepted": "SELECT count(*) FROM routing_task t "
    "WHERE t.external_id LIKE 't%%' AND t.state <> 'accepted'",
    "accepted tasks without one label in force": "SELECT count(*) FROM routing_task t "
    "WHERE t.external_id LIKE 't%%' AND t.state = 'accepted' AND (SELECT count(*) "
    "FROM quality_label l WHERE l.task_id = t.id AND l.ended_at IS NULL) <> 1",
    "assignments whose steps are not theirs": "SELECT count(*) FROM routing_assignment a "
    "WHERE a.steps <> (SELECT count(*) FROM routing_assignmentstep s WHERE s.assignment_id = a.id)",
    "claims without an event": "SELECT (SELECT count(*) FROM routing_assignment) - "
    "(SELECT coalesce(sum(coalesce(CAST(data ->> 'count' AS integer), 1)), 0) FROM audit_event "
    "WHERE kind = 'assignment.reserved')",
}


class Worker:
    """One client: claims, gives back a few, hands in the rest."""

    def __init__(self, number: int) -> None:
        self.luck = random.Random(number)
        self.held: deque[str] = deque()
        self.last = ""

    def next(self, answer: dict[str, Any] | None) -> Request | None:
        """Return what is asked next; None = nothing was left."""
        if self.last == CLAIM:
            self.held.extend(row["id"] for row in (answer or {}).get("assignments", ()))
            if not self.held:
                return None
        if not self.held:
            self.last = CLAIM
            return "claim 20", CLAIM, {"count": BATCH}
        self.last = f"/api/v1/assignments/{self.held.popleft()}"
        if self.luck.random() < 1 / 40:
            return "release", f"{self.last}/release", {}
        return "submit", f"{self.last}/submit", {"answer": "cat", "seconds": 1.5}


def main() -> None:
    """Read the arguments, run the race, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--answers", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    django.setup()

    from django.db import connection

    from common.time import utc_now

    served = make_serving(
        options.tasks, options.clients, now=utc_now(), answers=options.answers, gold=1_000
    )
    workers = [Worker(number) for number in range(options.clients)]
    connection.close()
    started = time.perf_counter()
    with server("config.wsgi", options) as address:
        found = run(address, served.tokens, lambda client, answer: workers[client].next(answer))
    elapsed = time.perf_counter() - started
    print(
        f"{connection.vendor}: {options.clients} clients, {options.tasks:,} tasks, "
        f"{found.count:,} requests in {elapsed:,.0f} s ({found.count / elapsed:,.0f}/s), "
        f"{len(found.refused)} refused"
    )
    for status, text in found.refused[:5]:
        print(f"  {status} {text}")
    wrong = 0
    for what, sql in CHECKS.items():
        with connection.cursor() as cursor:
            cursor.execute(sql, [options.answers] if "> %s" in sql else [])
            (count,) = cursor.fetchone()
        wrong += count != 0
        print(f"  {what}: {count}")
    if wrong:
        raise SystemExit(f"{wrong} of {len(CHECKS)} counts are not 0")


if __name__ == "__main__":
    main()
