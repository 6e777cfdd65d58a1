"""Sealing and verifying the log by schedule: as a named system user, with a recorded result."""

import pytest
from django.core.management import call_command
from django.db import connection

from accounts import tasks
from accounts.models import Job, User
from accounts.services import job_runner, log
from accounts.services.users import system_user
from audit.models import Event, Seal
from common import triggers
from common.errors import Forbidden
from config.celery import app
from tests.conftest import World


def test_the_task_seals_as_the_named_system_user(db: None) -> None:
    sealed = tasks.seal_log.delay().get()
    keeper = User.objects.get(email="system.log@system.invalid")
    assert keeper.roles == {"system"}
    assert sealed == 1 == Seal.objects.get().count
    assert tasks.seal_log.delay().get() == 0
    call_command("seal_events")
    assert Seal.objects.count() == 1


def test_who_may_seal_and_verify(world: World) -> None:
    for name in ("operations", "auditor", "finance"):
        with pytest.raises(Forbidden):
            log.seal_log(**world.as_(name))
        with pytest.raises(Forbidden):
            log.start_verification(**world.as_(name))
    assert log.seal_log(**world.as_("admin")) > 0


def test_a_verification_is_recorded(world: World, django_capture_on_commit_callbacks) -> None:
    tasks.seal_log()
    with django_capture_on_commit_callbacks(execute=True):
        public_id = tasks.verify_log()
    job = Job.objects.get(public_id=public_id)
    assert (job.state, job.error) == ("done", "")
    assert job.requested_by == system_user(log.KEEPER)
    assert job.result["seals"] == 1
    event = Event.objects.get(kind="log.verified")
    assert event.data == {"problems": 0, **job.result}


def test_a_broken_log_is_told_by_the_job(world: World, django_capture_on_commit_callbacks) -> None:
    tasks.seal_log()
    triggers.drop_all(connection)
    Event.objects.filter(kind="pool.made").update(kind="pool.changed")
    triggers.create_all(connection)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.verify_log()
    job = Job.objects.get(kind=log.VERIFY)
    assert job.state == "failed"
    assert "was changed, dropped or reordered" in job.error
    assert Event.objects.get(kind="log.verified").data["problems"] == 1


def test_one_verification_at_a_time(world: World) -> None:
    first = log.start_verification(**world.as_("admin"))
    assert log.start_verification(**world.as_("admin")) == first
    job_runner.run(first.pk)
    assert log.start_verification(**world.as_("admin")) != first


def test_the_schedule_names_tasks_that_exist(settings) -> None:
    app.loader.import_default_modules()
    schedule = settings.CELERY_BEAT_SCHEDULE
    assert {entry["task"] for entry in schedule.values()} <= set(app.tasks)
    by_task = {entry["task"]: entry["schedule"] for entry in schedule.values()}
    assert by_task["accounts.seal_log"] == 60.0
