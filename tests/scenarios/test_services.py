"""What only real servers show: a worker behind a broker, and locks of two sessions."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection, connections

from accounts.models import Job
from accounts.services.jobs import start_job
from routing.models import Placement
from routing.services.locks import pool_locks
from tests.conftest import World
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
