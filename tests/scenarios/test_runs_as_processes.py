"""Runs as real processes on one database: killed at any moment, and two at once."""

import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from routing.models import TaskType
from tests.conftest import NOW, World

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
WAIT = 120.0
TASKS = 6_000
STEPS = ("reading tasks", "scoring", "solving", "placing", "writing")

# A run that tells each step on a line, and at one of them waits for a line before it goes on.
SCRIPT = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from datetime import datetime
from accounts.models import User
from common.errors import AppError
from routing.services.run import route

def tell(step, done, total):
    print(step, flush=True)
    if step == sys.argv[2]:
        sys.stdin.readline()

try:
    report = route(
        project_keys=[sys.argv[1]],
        acting_user=User.objects.get(email="operations@house.example"),
        now=datetime.fromisoformat(sys.argv[3]),
        report=tell,
    )
except AppError as error:
    sys.exit(str(error))
print(report.run, report.routed, flush=True)
"""


@dataclass
class Shared:
    """A database that processes share: how they reach it, and how the test reads it."""

    environment: dict[str, str]
    query: Callable[[str], list[tuple[Any, ...]]]

    def start(self, project: str, wait_at: str = "") -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, project, wait_at, NOW.isoformat()],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, project: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(project)
        out, err = process.communicate(timeout=WAIT)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def in_force(self, project: str) -> tuple[int | None, str]:
        """Return the current run of a project and a digest of its placements."""
        ((current,),) = self.query(
            f"SELECT current_run_id FROM routing_project WHERE key='{project}'"
        )
        if current is None:
            return None, ""
        rows = self.query(
            "SELECT task_id, decision_id, pool_id, crew, arrangement, day, asked "
            f"FROM routing_placement WHERE run_id = {current} ORDER BY task_id"
        )
        return current, hashlib.sha256(
            repr([tuple(map(str, r)) for r in rows]).encode()
        ).hexdigest()


@pytest.fixture
def shared(world: World, tmp_path: Path) -> Iterator[Callable[[], Shared]]:
    """Make the database as it is now one that other processes may open."""
    opened: list[sqlite3.Connection] = []

    def share() -> Shared:
        if connection.vendor == "postgresql":
            to = connection.settings_dict
            login = f"{to['USER']}:{to['PASSWORD']}"
            address = f"postgres://{login}@{to['HOST']}:{to['PORT'] or 5432}/{to['NAME']}"

            def query(sql: str) -> list[tuple[Any, ...]]:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    return list(cursor.fetchall())

        else:
            # The suite's database lives in memory; this one is its copy in a file.
            file = tmp_path / "shared.sqlite3"
            address = f"sqlite:///{file}"
            copy = sqlite3.connect(file, isolation_level=None, timeout=20)
            connection.connection.backup(copy)
            copy.execute("PRAGMA journal_mode=WAL")
            opened.append(copy)

            def query(sql: str) -> list[tuple[Any, ...]]:
                return copy.execute(sql).fetchall()

        return Shared({**os.environ, "DATABASE_URL": address, "VAR_DIR": str(tmp_path)}, query)

    yield share
    for copy in opened:
        copy.close()


def fill(world: World, key: str) -> None:
    """Make a project with some thousand tasks in a dozen cohorts; there are hours for all."""
    project = world.add_project(key)
    kind = TaskType.objects.get(key="image-classification")
    for entropy in (0.0, 0.2, 0.4, 0.6):
        for data_class in ("public", "internal"):
            world.add_tasks(
                project, TASKS // 8, task_type=kind, entropy=entropy, data_class=data_class
            )


def read_until(process: "subprocess.Popen[str]", step: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == step:
            return
    assert process.stderr is not None
    pytest.fail(f"the run ended before {step}: {process.stderr.read()}")


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait(WAIT)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def test_a_run_killed_at_any_moment_leaves_the_old_state_and_can_be_run_again(
    world: World, shared: Callable[[], Shared]
) -> None:
    fill(world, "street")
    there = shared()
    first = there.run("street")
    assert first.returncode == 0, first.stderr
    started = time.perf_counter()
    again = there.run("street")
    whole = time.perf_counter() - started
    assert again.returncode == 0, again.stderr
    old = there.in_force("street")
    rng = random.Random(29)
    moments = [(step, 0.0) for step in STEPS]
    moments += [("writing", rng.uniform(0.0, whole / 4)) for _ in range(3)]
    if connection.vendor != "postgresql":
        moments = [("solving", 0.0), *moments[-4:]]
    kept = 0
    for step, later in moments:
        process = there.start("street")
        read_until(process, step)
        time.sleep(later)
        kill(process)
        now = there.in_force("street")
        if now == old:
            kept += 1
            continue
        # The moment came after the flip: then everything of the new run is in force.
        assert later > 0
        ((state, routed),) = there.query(
            f"SELECT state, routed FROM routing_run WHERE id = {now[0]}"
        )
        ((rows,),) = there.query(f"SELECT count(*) FROM routing_placement WHERE run_id = {now[0]}")
        assert (state, rows) == ("done", routed)
        old = now
    assert kept >= len(moments) - 3
    # On PostgreSQL the server notices a dead client after a moment; its locks go with it.
    end = time.monotonic() + WAIT
    while (last := there.run("street")).returncode:
        assert "is being routed by" in last.stderr, last.stderr
        assert time.monotonic() < end
    assert last.stdout.split()[-1] == first.stdout.split()[-1]
    states = [state for (state,) in there.query("SELECT state FROM routing_run ORDER BY id")]
    assert states.count("failed") == kept
    assert states[-1] == "done"
    assert "running" not in states
    checked = subprocess.run(
        [sys.executable, "manage.py", "check_placements"],
        cwd=ROOT,
        env=there.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    # No row of a run that died is left.
    dead = "SELECT count(*) FROM routing_placement p JOIN routing_run r ON r.id = p.run_id"
    assert there.query(f"{dead} WHERE r.state <> 'done'") == [(0,)]


def test_the_second_of_two_runs_that_share_a_pool_is_told_who_runs(
    world: World, shared: Callable[[], Shared]
) -> None:
    for key in ("first", "second"):
        world.add_tasks(world.add_project(key), 20)
    there = shared()
    running = there.start("first", wait_at="solving")
    read_until(running, "solving")
    told = there.run("second")
    assert told.returncode == 1
    assert "operations" in told.stderr
    assert "In-house" in told.stderr
    assert there.in_force("second") == (None, "")
    out, err = running.communicate("\n", timeout=WAIT)
    assert running.returncode == 0, err
    assert out.split()[-1] == "20"
    after = there.run("second")
    assert after.returncode == 0, after.stderr
    assert there.in_force("second")[0] is not None
