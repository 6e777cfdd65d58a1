"""Serve claims and submissions over HTTP, beside an empty view in the same run.

    DATABASE_URL=postgres://… python -m benchmarks.serve

makes an operation in an EMPTY database and has gunicorn serve it and an empty view around one SKIP
LOCKED statement (`benchmarks.empty_view`), both with the same workers and threads. Sixteen clients
in a closed loop, in rounds: the empty view; claim one task and hand it in, each counting one
request, with every gate, gold at the rate for people of whom nothing is known, and the event of
each; claims of 20. Then a key is revoked while its client claims: the next request is refused.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

from benchmarks.http_client import Request, Script, Timings, run
from benchmarks.serving import Serving, make_serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
CLAIM = "/api/v1/claim"


def main() -> None:
    """Read the arguments, set the operation up, measure in rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each part of a round")
    parser.add_argument("--tasks", type=int, default=120_000)
    parser.add_argument("--gold", type=int, default=1_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    options = parser.parse_args()
    django.setup()

    from benchmarks.empty_view import make_queue
    from common.time import utc_now

    served = make_serving(options.tasks, options.clients, now=utc_now(), gold=options.gold)
    make_queue(1_000_000)
    _analyse()
    rates: dict[str, list[tuple[float, float]]] = {"empty": [], "single": [], "batch": []}
    with (
        server("benchmarks.empty_view:application", options, BENCH_EMPTY_VIEW="1") as empty,
        server("config.wsgi", options) as product,
    ):
        for _warm in range(5):  # each client's connection is served by either process
            run(product, served.tokens, single(), seconds=0.6)
            run(empty, served.tokens, _take, seconds=0.6)
        for _round in range(options.rounds):
            for name, address, script in (("empty", empty, _take), ("single", product, single())):
                found = run(address, served.tokens, script, seconds=options.seconds)
                rates[name].append(_told(name, found, found.count))
        _analyse()
        for _round in range(options.rounds):
            # In all below the thousand tasks that a project lets one person have in hand.
            batches = Batches(45 // options.rounds)
            found = run(product, served.tokens, batches)
            rates["batch"].append(_told("tasks claimed by 20", found, batches.taken))
        _sum_up(rates)
        revoked(product, served)


@contextmanager
def server(application: str, options: Any, **variables: str) -> Iterator[tuple[str, int]]:
    """Serve an application by gunicorn until the block ends."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = ("127.0.0.1", int(found.getsockname()[1]))
    arguments = ["--bind", f"{address[0]}:{address[1]}", "--workers", str(options.workers)]
    arguments += ["--threads", str(options.threads), "--worker-class", "gthread"]
    arguments += ["--keep-alive", "30", "--log-level", "warning", "--no-control-socket"]
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "gunicorn"), application, *arguments],
        env={**os.environ, **variables},
        start_new_session=True,
    )
    try:
        _wait(address)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(address: tuple[str, int]) -> None:
    for _try in range(300):
        try:
            socket.create_connection(address).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("gunicorn does not answer")


def _take(_client: int, _answer: dict[str, Any] | None) -> Request:
    return "take", "/take", None


def single() -> Script:
    """Claim a task, hand it in, and so on."""

    def script(_client: int, answer: dict[str, Any] | None) -> Request:
        held = (answer or {}).get("assignments")
        if held:
            path = f"/api/v1/assignments/{held[0]['id']}/submit"
            return "submit", path, {"answer": "cat", "seconds": 1.5}
        return "claim", CLAIM, {"count": 1}

    return script


class Batches:
    """Claims of twenty until so many of each client were answered; counts what was taken."""

    def __init__(self, most: int) -> None:
        self.most, self.taken, self.asked = most, 0, Counter[int]()

    def __call__(self, client: int, answer: dict[str, Any] | None) -> Request | None:
        self.taken += len((answer or {}).get("assignments", ()))
        self.asked[client] += 1
        if self.asked[client] > self.most:
            return None
        return "claim 20", CLAIM, {"count": 20}


def _told(name: str, found: Timings, count: int) -> tuple[float, float]:
    """Print what one part of a round brought; return it per second, and its p99 in seconds."""
    if found.refused:
        raise SystemExit(f"{len(found.refused)} requests were refused: {found.refused[0]}")
    rate, p99 = count / found.elapsed, found.quantile(0.99)
    print(f"{name}: {rate:,.0f}/s, median {found.quantile(0.5) * 1e3:.1f} ms, p99 {p99 * 1e3:.0f}")
    return rate, p99


def _sum_up(rates: dict[str, list[tuple[float, float]]]) -> None:
    """Print medians, and ratios to the empty view in the same round."""
    for name, rows in rates.items():
        speed = statistics.median(rate for rate, _p99 in rows)
        slow = statistics.median(p99 for _rate, p99 in rows)
        print(f"median {name}: {speed:,.0f}/s, p99 {slow * 1e3:.0f} ms", end="")
        pairs = list(zip(rows, rates["empty"], strict=True))
        print(
            f"; of the empty view {statistics.median(r[0] / e[0] for r, e in pairs):.2f}"
            f", its p99 × {statistics.median(r[1] / e[1] for r, e in pairs):.2f}"
        )


def _analyse() -> None:
    """Do what autovacuum does, which is off on some machines."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def revoked(address: tuple[str, int], served: Serving) -> None:
    """Revoke a key in the middle of its client's work, and print what the next request got."""
    from accounts.models import ApiKey
    from accounts.services.keys import revoke_key
    from accounts.services.users import system_user
    from common.time import utc_now

    def script(_client: int, answer: dict[str, Any] | None) -> Request | None:
        count[0] += 1
        if count[0] == 50:
            key = ApiKey.objects.get(user__annotator=served.annotators[0])
            revoke_key(key, acting_user=system_user("system.bench"), now=utc_now())
        return None if count[0] > 51 else ("claim", CLAIM, {"count": 1})

    count = [0]
    found = run(address, served.tokens[:1], script)
    print(f"of 51 claims, the key revoked before the 50th: {len(found.refused)} refused")
    print(f"  the first: {found.refused[0]}")


if __name__ == "__main__":
    main()
