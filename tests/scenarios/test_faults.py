"""Serving while something breaks: connections that end in the middle, a run's flip, no broker."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from accounts.services.users import system_user
from audit.models import Event
from benchmarks.serving import KEY, Serving, make_serving
from common.time import utc_now
from quality.models import Judgment, Label
from routing.models import Assignment, AssignmentStep, Decision, Placement, Project, TaskStep
from routing.services.locks import HUMANS
from routing.services.run import route
from tests.processes import ROOT, environment, query, until

pytestmark = pytest.mark.django_db(transaction=True)
CLAIM = "/api/v1/claim"
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no server to lose, and one writer"
)


class Worker:
    """A client of the API in a thread of its own: its requests share one kept connection."""

    def __init__(self, token: str) -> None:
        self.client, self.token = Client(raise_request_exception=False), token

    def post(self, path: str, body: Any = None) -> Any:
        return self.client.post(
            path,
            data=json.dumps(body or {}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def claim(self, count: int = 1) -> list[dict[str, Any]]:
        answer = self.post(CLAIM, {"count": count})
        assert answer.status_code == 200, answer.content
        return list(answer.json()["assignments"])

    def submit(self, row: dict[str, Any]) -> Any:
        return self.post(
            f"/api/v1/assignments/{row['id']}/submit", {"answer": "cat", "seconds": 2.0}
        )


@pytest.fixture
def served(db: None) -> Serving:
    return make_serving(200, 4, now=utc_now())


@contextmanager
def other() -> Iterator[psycopg.Connection[Any]]:
    """Another session on the test's database."""
    of = connection.settings_dict
    session = psycopg.connect(
        host=of["HOST"], port=of["PORT"] or 5432, user=of["USER"], dbname=of["NAME"]
    )
    try:
        yield session
    finally:
        session.close()


def state() -> tuple[Any, ...]:
    """Return what a claim and an answer write, as it is now."""
    return (
        list(Assignment.objects.order_by("pk").values_list("pk", "state", "steps")),
        list(Placement.objects.order_by("pk").values_list("pk", "taken", "opened")),
        AssignmentStep.objects.count(),
        TaskStep.objects.count(),
        Judgment.objects.count(),
        Label.objects.count(),
        Event.objects.count(),
    )


def ended_in_the_middle(act: Callable[[], Any], lock: str, again: Callable[[], Any]) -> list[Any]:
    """Have a request wait for a lock, end its backend there, and ask again on the same thread."""
    answers: list[Any] = []

    def ask() -> None:
        answers.append(act())
        answers.append(again())
        connection.close()

    waiting = (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
    )
    with other() as blocker, other() as watcher:
        blocker.execute(lock)
        watcher.autocommit = True
        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: watcher.execute(waiting).fetchall(), seconds=20)
        before = state()
        for (pid,) in watcher.execute(waiting).fetchall():
            watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
        until(lambda: answers, seconds=20)
        assert state() == before
        blocker.rollback()
        thread.join(20)
    assert len(answers) == 2
    return answers


@on_postgresql
def test_a_connection_is_lost_in_the_middle_of_a_claim(served: Serving) -> None:
    worker = Worker(served.tokens[0])
    worker.claim()  # the process knows the annotator: the next claim is one round trip
    human = -served.annotators[0] % (1 << 31)
    lock = f"SELECT pg_advisory_xact_lock({HUMANS}, {human})"
    lost, found = ended_in_the_middle(lambda: worker.post(CLAIM), lock, lambda: worker.post(CLAIM))
    assert (lost.status_code, lost.json()["code"]) == (503, "try_again")
    assert lost["Retry-After"] == "1"
    assert found.status_code == 200, found.content
    assert Assignment.objects.count() == 2
    assert sum(Placement.objects.values_list("taken", flat=True)) == 2


@on_postgresql
def test_a_connection_is_lost_in_the_middle_of_an_answer(served: Serving) -> None:
    worker = Worker(served.tokens[0])
    (row,) = worker.claim()
    task = Assignment.objects.get(public_id=row["id"]).task_id
    lock = f"SELECT 1 FROM routing_task WHERE id = {task} FOR UPDATE"
    lost, found = ended_in_the_middle(lambda: worker.submit(row), lock, lambda: worker.submit(row))
    assert (lost.status_code, lost.json()["code"]) == (503, "try_again")
    assert found.status_code == 200, found.content
    assert Judgment.objects.count() == Label.objects.count() == 1
    assert Assignment.objects.get().state == "submitted"


@on_postgresql
def test_a_kept_connection_has_died_between_two_requests(served: Serving) -> None:
    """The server was restarted: nobody who works is troubled."""
    worker = Worker(served.tokens[0])
    (row,) = worker.claim()
    answers: list[Any] = []
    ready, go = threading.Event(), threading.Event()

    def work() -> None:
        answers.append(worker.post(f"/api/v1/assignments/{row['id']}/heartbeat"))
        ready.set()
        go.wait(20)
        answers.append(worker.submit(row))
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(20)
    with other() as watcher:
        watcher.autocommit = True
        mine = connection.connection.info.backend_pid
        watcher.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
            "datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
            [mine],
        )
    go.set()
    thread.join(20)
    assert [answer.status_code for answer in answers] == [200, 200]


@on_postgresql
def test_runs_take_effect_while_people_claim(served: Serving) -> None:
    """Four claim and answer while the work is routed anew three times under them."""
    refused: list[str] = []
    done = threading.Event()

    def work(token: str) -> None:
        worker = Worker(token)
        while not done.is_set():
            answer = worker.post(CLAIM, {"count": 3})
            if answer.status_code != 200:
                refused.append(answer.content.decode())
                break
            for row in answer.json()["assignments"][:2]:
                told = worker.submit(row)
                if told.status_code != 200:
                    refused.append(told.content.decode())
        connection.close()

    threads = [threading.Thread(target=work, args=(token,)) for token in served.tokens]
    for thread in threads:
        thread.start()
    runs = [Project.objects.get().current_run_id]
    try:
        for _again in range(3):
            by = {"acting_user": system_user("system.test"), "now": utc_now()}
            route(project_keys=[KEY], **by)
            runs.append(Project.objects.get().current_run_id)
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert refused == []
    assert len(set(runs)) == 4
    seated = Assignment.objects.exclude(state__in=("expired", "released", "withdrawn", "skipped"))
    rows = list(seated.values_list("task_id", flat=True))
    assert len(rows) == len(set(rows)) > 0
    # Each was sent by a decision that was in force, and no seat was taken twice over.
    assert set(Decision.objects.filter(pk__in=seated.values("decision")).values_list("run")) <= {
        (run,) for run in runs
    }
    last = Placement.objects.filter(run=runs[-1])
    assert not last.filter(taken__gt=1).exists()
    live = set(seated.filter(state__in=("reserved", "in_progress")).values_list("task", flat=True))
    assert set(last.filter(taken=1).values_list("task_id", flat=True)) >= live
    answered = set(Judgment.objects.values_list("task_id", flat=True))
    assert len(answered) == Judgment.objects.count()


BROKER = """
import json, os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.test import Client
from accounts.models import Job
from accounts.services.users import system_user
from common.time import utc_now
from quality.services.learning import start_learning

def post(path, body):
    began = time.monotonic()
    answer = Client().post(path, data=json.dumps(body), content_type="application/json",
                           headers={"Authorization": "Bearer " + sys.argv[1]})
    print(answer.status_code, f"{time.monotonic() - began:.2f}", flush=True)
    return answer.json()

row = post("/api/v1/claim", {"count": 1})["assignments"][0]
post(f"/api/v1/assignments/{row['id']}/submit", {"answer": "cat"})
began = time.monotonic()
job = start_learning(acting_user=system_user("system.quality"), now=utc_now())
print(Job.objects.get(pk=job.pk).state, f"{time.monotonic() - began:.2f}", flush=True)
"""


def test_work_goes_on_while_the_broker_is_away(served: Serving, tmp_path: Path) -> None:
    """Serving does not ask it; a job that cannot be handed over waits, and nobody waits for it."""
    found = subprocess.run(
        [sys.executable, "-c", BROKER, served.tokens[0]],
        cwd=ROOT,
        env=environment(
            tmp_path, JOBS="worker", CELERY_BROKER_URL="amqp://guest:guest@127.0.0.1:9//"
        ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    told = [line.split() for line in found.stdout.splitlines()]
    assert [words[0] for words in told] == ["200", "200", "queued"], found.stdout
    assert all(float(words[1]) < 8 for words in told), found.stdout


ESTIMATE = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from datetime import datetime
from accounts.services.users import system_user
from quality.services import skills
from quality.services.learning import learn

if sys.argv[2] == "held":
    keep = skills.Proficiency.objects.bulk_create
    def held(rows, **values):
        made = keep(rows, **values)
        print("written, not committed", flush=True)
        time.sleep(60)
        return made
    skills.Proficiency.objects.bulk_create = held
learn(datetime.fromisoformat(sys.argv[1]), acting_user=system_user("system.quality"),
      tell=lambda *_step: None)
print("done", flush=True)
"""
ESTIMATES = (
    "SELECT annotator_id, skill_id, as_of, rate, rate_lower, rate_upper "
    "FROM workforce_proficiency ORDER BY annotator_id, skill_id, as_of"
)


def test_a_worker_is_killed_while_it_estimates(served: Serving, tmp_path: Path) -> None:
    """Old or new, nothing between: what it had written is gone, and the next one does it all."""
    workers = [Worker(token) for token in served.tokens]
    for worker in workers:
        for row in worker.claim(15):
            assert worker.submit(row).status_code == 200
    at = utc_now().isoformat()

    def start(how: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", ESTIMATE, at, how],
            cwd=ROOT,
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            text=True,
        )

    killed = start("held")
    assert killed.stdout is not None
    assert killed.stdout.readline() == "written, not committed\n"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(20)
    assert query(tmp_path, ESTIMATES) == []
    assert query(tmp_path, "SELECT count(*) FROM quality_estimation") == [(0,)]
    kept: list[Any] = []
    for _twice in range(2):
        whole = start("whole")
        out, _err = whole.communicate(timeout=60)
        assert out == "done\n"
        kept.append(query(tmp_path, ESTIMATES))
    assert len(kept[0]) == 4
    assert kept[0] == kept[1]
