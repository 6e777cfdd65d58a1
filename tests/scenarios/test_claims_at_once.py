"""Sixteen clients, in two processes, claim five thousand tasks between them."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.serving import make_serving
from common.time import utc_now
from tests.processes import ROOT, WAIT, environment, query

pytestmark = pytest.mark.django_db(transaction=True)

TASKS, CLIENTS = 5_000, 16
# Each client is a thread with a connection of its own: it claims by different numbers until there
# is nothing left, hands in some, gives some back, and tells how many it took in all.
SCRIPT = """
import os, random, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from common.errors import AppError
from common.time import utc_now
from quality.services.submitting import submit
from routing.errors import LimitReached
from routing.services import assignments
from routing.services.claiming import claim
from workforce.models import Annotator

def work(pk):
    annotator = Annotator.objects.select_related("user").get(pk=pk)
    luck, refused = random.Random(pk), []
    by = {"acting_user": annotator.user}
    while True:
        try:
            made = claim(annotator, count=luck.choice((1, 5, 20, 40)), now=utc_now(), **by)
            if not made:
                break
            if luck.random() < 0.2:
                assignments.release(made[0], now=utc_now(), **by)
            elif luck.random() < 0.3:
                submit(made[0].public_id, answer="cat", raw_seconds=2.0, source="form",
                       now=utc_now(), **by)
        except LimitReached:
            break  # a thousand in hand: where locks are not fair one client may get so far
        except AppError as error:
            refused.append(error.code)
    connection.close()
    return refused

# On SQLite the first connection makes the file one that many may write.
Annotator.objects.count()
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(8) as pool:
    for refused in pool.map(work, map(int, sys.argv[1:])):
        for code in refused:
            print(code, flush=True)
"""


def test_no_task_is_claimed_twice_or_lost(tmp_path: Path) -> None:
    served = make_serving(TASKS, CLIENTS, now=utc_now())
    half = CLIENTS // 2
    started = []
    for some in (served.annotators[:half], served.annotators[half:]):
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *map(str, some)],
            cwd=ROOT,
            env=environment(tmp_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        started.append(process)
    try:
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in started:
            out, err = process.communicate(timeout=WAIT)
            assert (process.returncode, out) == (0, ""), err
    finally:
        for process in started:
            process.kill()
    seated = "state IN ('reserved', 'in_progress', 'submitted')"
    assert query(
        tmp_path,
        f"SELECT count(*), count(DISTINCT task_id) FROM routing_assignment WHERE {seated}",
    ) == [(TASKS, TASKS)]
    takers = query(
        tmp_path, f"SELECT count(DISTINCT annotator_id) FROM routing_assignment WHERE {seated}"
    )
    assert takers[0][0] > half  # they did work at one time
    assert query(
        tmp_path, "SELECT asked, opened, taken, count(*) FROM routing_placement GROUP BY 1, 2, 3"
    ) == [(1, 1, 1, TASKS)]
    given_back = query(tmp_path, "SELECT count(*) FROM routing_assignment WHERE state = 'released'")
    assert given_back[0][0] > 0
    states = dict(query(tmp_path, "SELECT state, count(*) FROM routing_task GROUP BY 1"))
    assert set(states) == {"held", "accepted"}
    answered = query(tmp_path, "SELECT count(*), count(DISTINCT task_id) FROM quality_judgment")
    assert answered == [(states["accepted"], states["accepted"])]
