"""Jobs in real workers: killed in the middle of the work, and delivered several times at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Job
from accounts.services import jobs
from tests.conftest import World
from tests.processes import ROOT, environment, manage, query, until
from tests.scenarios.held_work import begun, let_go

pytestmark = pytest.mark.django_db(transaction=True)
BROKERS = ["no server", pytest.param("broker", marks=pytest.mark.services)]


@dataclass
class Workers:
    """Workers with beat that the test started, and the environment they run in."""

    folder: Path
    variables: dict[str, str]
    queue: str
    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self) -> "subprocess.Popen[bytes]":
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "config", "worker", "--beat"),
                *("-c", "4", "-Q", self.queue, "-I", "tests.scenarios.held_work"),
                *("--schedule", str(self.folder / "beat"), "-l", "WARNING"),
                *("--scheduler", "celery.beat.PersistentScheduler"),
            ],
            cwd=ROOT,
            env=environment(self.folder, **self.variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started.append(worker)
        return worker

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """Kill a worker with all its processes, as a machine does that goes off."""
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(30)

    def job(self) -> tuple[Any, ...]:
        sql = "SELECT state, attempt, error FROM accounts_job"
        return query(self.folder, sql)[0]

    def ended(self) -> bool:
        return self.job()[0] in ("done", "failed")


@pytest.fixture
def workers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workers]:
    """Make workers over the broker that the test is parametrised with."""
    queue = f"test-{os.getpid()}-{request.node.name[:40]}".replace(" ", "-")
    variables = {
        "TEST_QUEUE": queue,
        "JOBS": "worker",
        "JOB_STALE_SECONDS": "8",
        "JOB_PICK_UP_SECONDS": "1",
        "CELERY_BROKER_URL": "",
    }
    if request.param == "broker":
        variables["CELERY_BROKER_URL"] = request.getfixturevalue("services")
    made = Workers(tmp_path, variables, queue)
    yield made
    for worker in made.started:
        if worker.poll() is None:
            made.kill(worker)
    if variables["CELERY_BROKER_URL"]:
        from config.celery import app

        with app.connection_for_write(variables["CELERY_BROKER_URL"]) as connection:
            connection.default_channel.queue_delete(queue)


@pytest.fixture
def job(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Job]:
    """Make a routing that is held before solving, and whose message was lost: it is picked up."""

    def make() -> Job:
        world.add_tasks(world.add_project(), 5)
        monkeypatch.setattr(jobs, "_send", lambda job_id: None)
        return jobs.start_job("held_route", {"project_keys": ["street"]}, **world.by)

    return make


@pytest.mark.parametrize("workers", BROKERS, indirect=True)
@pytest.mark.parametrize("killed", ["process", "worker"])
def test_a_job_whose_worker_is_killed_is_taken_over(
    job, workers: Workers, tmp_path: Path, killed: str
) -> None:
    job()
    worker = workers.start()
    until(lambda: begun(tmp_path))
    assert workers.job()[:2] == ("running", 1)
    if killed == "process":
        os.kill(begun(tmp_path)[0], signal.SIGKILL)
    else:
        workers.kill(worker)
        workers.start()
    until(lambda: len(begun(tmp_path)) == 2)
    assert workers.job()[:2] == ("running", 2)
    let_go(tmp_path)
    until(workers.ended)
    assert workers.job() == ("done", 2, "")
    assert query(tmp_path, "SELECT count(*) FROM routing_placement") == [(5,)]
    runs = query(tmp_path, "SELECT state FROM routing_run ORDER BY id")
    assert runs == [("failed",), ("done",)]


@pytest.mark.parametrize("workers", BROKERS, indirect=True)
def test_of_messages_delivered_at_once_one_is_run(job, workers: Workers, tmp_path: Path) -> None:
    made = job()
    send = (
        "import tests.scenarios.held_work\n"
        "from accounts.tasks import run_job\n"
        f"for _ in range(12): run_job.delay({made.pk})\n"
    )
    manage(tmp_path, "shell", "-c", send, **workers.variables)
    workers.start()
    until(lambda: begun(tmp_path))
    waiting = "SELECT count(*) FROM accounts_job WHERE state = 'running' AND attempt = 1"
    # The signs of life go on: ten of them, and nobody takes the job away.
    sign = "SELECT heartbeat_at FROM accounts_job"
    seen = {query(tmp_path, sign)[0]}
    until(lambda: seen.add(query(tmp_path, sign)[0]) or len(seen) > 12)
    assert query(tmp_path, waiting) == [(1,)]
    let_go(tmp_path)
    until(workers.ended)
    assert workers.job() == ("done", 1, "")
    assert len(begun(tmp_path)) == 1
    assert query(tmp_path, "SELECT count(*) FROM routing_run") == [(1,)]
