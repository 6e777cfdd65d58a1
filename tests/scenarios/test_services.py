"""What only real servers show: a worker behind a broker, locks of two sessions, a killed run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, connections

from accounts.models import Job
from accounts.services.jobs import start_job
from routing.models import Placement, Project, Run
from routing.services.locks import pool_locks
from tests.conftest import NOW, World
from tests.processes import ROOT, environment, until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.mark.skipif(
    "TEST_BROKER_URL" not in os.environ, reason="run by make test-services, with a broker"
)
def test_a_worker_behind_the_broker_runs_a_job(
    world: World, tmp_path: Path, services: str, settings
) -> None:
    world.add_tasks(world.add_project(), 5)
    queue = f"test-{os.getpid()}"
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "config", "worker", "-c", "1", "-Q", queue],
        cwd=ROOT,
        env=environment(tmp_path, CELERY_BROKER_URL=services, JOBS="worker"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        from config.celery import app

        app.conf.task_always_eager = False
        with app.connection_for_write(services) as broker:
            import accounts.services.jobs as jobs

            def send(job_id: int) -> None:
                app.send_task("accounts.run_job", [job_id], connection=broker, queue=queue)

            original, jobs._send = jobs._send, send
            try:
                job = start_job("route", {"project_keys": ["street"], "days": 4}, **world.by)
            finally:
                jobs._send = original
            until(lambda: Job.objects.get(pk=job.pk).state in ("done", "failed"))
    finally:
        app.conf.task_always_eager = True
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    assert job.result["routed"] == 5
    assert Placement.objects.count() == 5


@pytest.mark.skipif(connection.vendor != "postgresql", reason="advisory locks are PostgreSQL's")
def test_two_sessions_exclude_each_other(world: World) -> None:
    ids = [pool.pk for key, pool in world.pools.items() if key != "hybrid"]
    with pool_locks(ids) as busy:
        assert busy is None
        other = connections["default"].copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(7201, %s)", [ids[0]])
            assert cursor.fetchone()[0] is False
        other.close()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a second process's session")
def test_a_run_killed_in_the_middle_leaves_the_old_state(world: World, tmp_path: Path) -> None:
    project = world.add_project()
    world.add_tasks(project, 200)
    first = world.route("street")
    script = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; "
        "django.setup(); import time\n"
        "from routing.services import run\n"
        "def slow(*a): print('writing', flush=True); time.sleep(60)\n"
        "run.carry_over = slow\n"
        "from accounts.models import User\n"
        "from datetime import datetime\n"
        "run.route(project_keys=['street'], acting_user=User.objects.get("
        f"email='operations@house.example'), now=datetime.fromisoformat('{NOW.isoformat()}'))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "writing"
    process.kill()
    process.wait(30)
    project.refresh_from_db()
    assert str(project.current_run.public_id) == first.run
    # The server notices a moment later, and with the session its locks are gone.
    until(lambda: _free([pool.pk for pool in world.pools.values()]))
    assert Placement.objects.count() == 200
    second = world.route("street")
    assert second.routed == first.routed
    assert sorted(Run.objects.values_list("state", flat=True)) == ["done", "done", "failed"]
    assert Project.objects.get().current_run.state == "done"


def _free(pool_ids: list[int]) -> bool:
    with pool_locks(pool_ids) as busy:
        return busy is None
