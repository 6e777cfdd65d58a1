"""Answers to the same tasks handed in by several processes at one time, each of them twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from routing.models import Assignment, Placement, Project
from routing.services.claiming import claim
from tests.conftest import NOW, World
from tests.processes import ROOT, WAIT, environment, query
from tests.quality.services.work import login, only, people, routed
from workforce.models import Proficiency

pytestmark = pytest.mark.django_db(transaction=True)

TASKS = 12
# Hands in everything one annotator holds, in an order of its own, each twice; tells what was
# refused. Waits for a line first, so that all begin at one time.
SCRIPT = """
import os, random, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from datetime import datetime
from accounts.models import User
from common.errors import AppError
from quality.services.submitting import submit
from routing.models import Assignment

user, at, answer, seed = User.objects.get(pk=sys.argv[1]), *sys.argv[2:5]
held = list(Assignment.objects.filter(annotator__user=user, purpose="label"))
random.Random(seed).shuffle(held)
print("ready", flush=True)
sys.stdin.readline()
for row in held:
    for _twice in range(2):
        try:
            submit(row, answer=answer, raw_seconds=5.0, source="form", acting_user=user,
                   now=datetime.fromisoformat(at))
        except AppError as error:
            print(error.code, flush=True)
"""


def start(tmp_path: Path, user: int, answer: str, seed: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(user), NOW.isoformat(), answer, str(seed)],
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_every_answer_counts_once_and_every_task_is_settled_once(
    world: World, tmp_path: Path
) -> None:
    routed(world, TASKS, rules=only("in_house", answers=3, target_error=0.05))
    # As after leases that ran out: all seats are open and held at one time.
    Placement.objects.update(opened=3)
    Project.objects.update(in_progress_limit=TASKS)
    Proficiency.objects.update(rate=0.85, rate_lower=0.85)
    takers = people()[:3]
    for person in takers:
        claim(person, count=TASKS, acting_user=login(world, person), now=NOW)
    assert Assignment.objects.count() == 3 * TASKS
    answers = ("cat", "cat", "dog")
    started = [
        start(tmp_path, person.user_id, answer, seed)
        for seed, (person, answer) in enumerate(zip(takers, answers, strict=True))
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    refused = []
    for process in started:
        out, err = process.communicate(timeout=WAIT)
        assert process.returncode == 0, err
        refused += out.split()
    assert refused == []
    per_task = query(tmp_path, "SELECT count(*) FROM quality_judgment GROUP BY task_id")
    assert per_task == [(3,)] * TASKS
    states = dict(query(tmp_path, "SELECT state, count(*) FROM routing_task GROUP BY state"))
    labels = query(tmp_path, "SELECT task_id, value FROM quality_label WHERE ended_at IS NULL")
    open_cases = query(tmp_path, "SELECT task_id FROM quality_adjudication")
    # Two who agree are sure enough; where the third came second, a person decides.
    assert set(states) <= {"accepted", "answered"}
    assert len(labels) == states.get("accepted", 0)
    assert len(open_cases) == states.get("answered", 0)
    assert {task for task, _value in labels}.isdisjoint(task for (task,) in open_cases)
    assert {value for _task, value in labels} <= {"cat"}
    seats = query(tmp_path, "SELECT asked, opened, taken FROM routing_placement")
    assert set(seats) == {(3, 3, 3)}
