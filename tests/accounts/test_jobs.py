"""Jobs: run once and by one worker at a time, taken over, given up, asked for again."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError
from scipy.optimize import linprog

from accounts import tasks
from accounts.models import Job, User
from accounts.services import job_runner, jobs
from accounts.services.job_kinds import KINDS, Progress, register_job
from audit.models import Event
from common.errors import Conflict, Forbidden, Invalid
from common.time import utc_now
from tests.conftest import World

MINUTE = timedelta(minutes=1)


@pytest.fixture
def work() -> Iterator[Callable[[Callable[[Progress], Any]], None]]:
    """Register what a job of kind `errand` does."""

    def register(do: Callable[[Progress], Any]) -> None:
        def handler(
            arguments: dict[str, Any], user: User, now: datetime, progress: Progress
        ) -> Any:
            return do(progress)

        register_job("errand", handler, permission="routing.run")

    yield register
    KINDS.pop("errand", None)


def start(world: World) -> Job:
    """Make an errand that no worker has got yet."""
    return jobs.start_job("errand", {}, acting_user=world.users["operations"], now=utc_now())


def go_silent(job: Job, minutes: int = 6) -> None:
    """Let the last sign of life, and the last hand-over, lie back."""
    past = utc_now() - minutes * MINUTE
    Job.objects.filter(pk=job.pk).update(heartbeat_at=past, sent_at=past)


def pick_up(capture: Any) -> int:
    """Do what beat does by the minute; inline jobs are then run."""
    with capture(execute=True):
        return int(tasks.pick_up_jobs.delay().get())


def test_a_job_runs_after_the_commit_and_once(
    world: World, django_capture_on_commit_callbacks
) -> None:
    project = world.add_project()
    world.add_tasks(project, 3)
    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.start_job("route", {"project_keys": ["street"]}, **world.by)
        assert Job.objects.get(pk=job.pk).state == "queued"
    job.refresh_from_db()
    assert (job.state, job.result["tasks"], job.error, job.attempt) == ("done", 3, "", 1)
    job_runner.run(job.pk)  # delivered a second time: nothing happens
    assert project.runs.count() == 1
    events = Event.objects.filter(subject_id=job.public_id).order_by("pk")
    assert [event.kind for event in events] == ["job.queued", "job.started", "job.done"]


def test_a_refusal_is_kept_on_the_job(world: World, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = jobs.start_job("route", {"project_keys": ["nowhere"]}, **world.by)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "nowhere" in job.error
    assert pick_up(django_capture_on_commit_callbacks) == 0


def test_only_known_work_by_those_who_may(world: World) -> None:
    with pytest.raises(Invalid, match="no job"):
        jobs.start_job("dance", {}, **world.by)
    with pytest.raises(Forbidden):
        jobs.start_job("route", {"project_keys": None}, **world.as_("auditor"))
    with pytest.raises(Forbidden):
        jobs.pick_up(**world.as_("operations"))


def test_a_result_that_cannot_be_stored_is_a_failure(world: World, work) -> None:
    work(lambda progress: object())
    job = start(world)
    with pytest.raises(TypeError):
        job_runner.run(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "TypeError" in job.error


def test_a_job_that_was_never_delivered_is_picked_up(
    world: World, work, monkeypatch, django_capture_on_commit_callbacks
) -> None:
    def no_broker(*arguments: Any) -> None:
        raise OperationalError("connection refused")

    work(lambda progress: "done")
    with monkeypatch.context() as broken:
        broken.setattr(tasks.run_job, "delay", no_broker)
        with django_capture_on_commit_callbacks(execute=True):
            job = start(world)
        # The page that asked is not troubled; the job waits, also while the broker is still away.
        assert pick_up(django_capture_on_commit_callbacks) == 0
        job.refresh_from_db()
        assert (job.state, job.sent_at, job.attempt) == ("queued", None, 0)
    assert pick_up(django_capture_on_commit_callbacks) == 1
    job.refresh_from_db()
    assert (job.state, job.result, job.attempt) == ("done", "done", 1)


def test_a_message_that_was_lost_is_sent_again_after_a_while(world: World, work) -> None:
    work(lambda progress: None)
    job = start(world)
    by = {"acting_user": world.users["admin"]}
    now = utc_now()
    Job.objects.filter(pk=job.pk).update(sent_at=now)
    assert jobs.pick_up(**by, now=now + 4 * MINUTE) == 0
    assert jobs.pick_up(**by, now=now + 6 * MINUTE) == 1


def test_one_hand_over_by_two_who_pick_up_at_once(world: World, work, monkeypatch) -> None:
    sent: list[int] = []
    work(lambda progress: None)
    job = start(world)
    now = utc_now()
    by = {"acting_user": world.users["admin"], "now": now}
    # The second looks at the jobs before the first has written.
    monkeypatch.setattr(jobs, "_send", lambda pk: sent.append(pk) or jobs._hand_over(pk, None, now))
    assert jobs.pick_up(**by) == 1
    assert sent == [job.pk]


def test_a_silent_job_is_taken_over_and_a_living_one_is_not(
    world: World, work, django_capture_on_commit_callbacks
) -> None:
    began: list[int] = []

    def killed(progress: Progress) -> None:
        began.append(1)
        raise SystemExit  # ends the runner without a word, as a kill does

    work(killed)
    job = start(world)
    with pytest.raises(SystemExit):
        job_runner.run(job.pk)
    work(lambda progress: "second")
    go_silent(job, minutes=4)
    job_runner.run(job.pk)
    assert pick_up(django_capture_on_commit_callbacks) == 0
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("running", 1)
    go_silent(job)
    assert pick_up(django_capture_on_commit_callbacks) == 1
    job.refresh_from_db()
    assert (job.state, job.attempt, job.result) == ("done", 2, "second")
    assert began == [1]


def test_redelivery_takes_over_as_well(world: World, work) -> None:
    work(lambda progress: "again")
    job = start(world)
    past = utc_now() - 6 * MINUTE
    Job.objects.filter(pk=job.pk).update(
        state="running", attempt=1, started_at=past, heartbeat_at=past
    )
    job_runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.result) == ("done", 2, "again")


@pytest.mark.parametrize("notices", [True, False], ids=["at progress", "at the result"])
def test_who_was_replaced_writes_nothing(world: World, work, notices: bool) -> None:
    wrote: list[str] = []

    def slept(progress: Progress) -> str:
        work(lambda progress: "new")
        go_silent(job)
        job_runner.run(job.pk)  # meanwhile another worker takes over and ends
        if notices:
            progress("writing", 1, 1)
        wrote.append("old")
        return "old"

    work(slept)
    job = start(world)
    job_runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.result, job.step) == ("done", 2, "new", "")
    assert wrote == ([] if notices else ["old"])
    assert Event.objects.filter(kind="job.done").count() == 1


def test_the_failure_of_who_was_replaced_is_not_the_jobs(world: World, work) -> None:
    def slept(progress: Progress) -> None:
        work(lambda progress: "new")
        go_silent(job)
        job_runner.run(job.pk)
        raise Invalid("of the old one")

    work(slept)
    job = start(world)
    job_runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result, job.error) == ("done", "new", "")


def test_a_replaced_run_undoes_its_placements(world: World) -> None:
    project = world.add_project()
    world.add_tasks(project, 3)
    route = KINDS["route"].handler

    def slept(
        arguments: dict[str, Any], user: User, now: datetime, progress: Progress
    ) -> dict[str, Any]:
        def tell(step: str, done: int, total: int) -> None:
            if step == "taking effect":
                Job.objects.filter(pk=job.pk).update(attempt=2)
            progress(step, done, total)

        from routing.services.run import route as routed

        return routed(**arguments, acting_user=user, now=now, report=tell).as_json()

    job = jobs.start_job("route", {"project_keys": ["street"]}, **world.by)
    register_job("route", slept, permission="routing.run")
    try:
        job_runner.run(job.pk)
    finally:
        register_job("route", route, permission="routing.run")
    project.refresh_from_db()
    assert project.current_run is None
    run = project.runs.get().run
    assert (run.state, run.placements.count()) == ("failed", 0)
    assert "taken over" in run.error


def test_attempts_are_limited(
    world: World, work, settings, django_capture_on_commit_callbacks
) -> None:
    settings.JOB_ATTEMPTS = 2

    def killed(progress: Progress) -> None:
        raise SystemExit

    work(killed)
    job = start(world)
    for attempt in (1, 2):
        with pytest.raises(SystemExit):
            job_runner.run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.attempt) == ("running", attempt)
        go_silent(job)
    assert pick_up(django_capture_on_commit_callbacks) == 0
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("failed", 2)
    assert "2 times in a row" in job.error
    assert job.finished_at is not None
    job_runner.run(job.pk)  # a late message begins nothing
    assert Event.objects.filter(kind="job.failed").count() == 1
    # Nor does the database take one more.
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(attempt=3)


def test_a_late_message_gives_up_as_well(world: World, work) -> None:
    work(lambda progress: None)
    job = start(world)
    past = utc_now() - 6 * MINUTE
    Job.objects.filter(pk=job.pk).update(
        state="running", attempt=3, started_at=past, heartbeat_at=past
    )
    job_runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt) == ("failed", 3)


def test_a_failed_job_is_run_again(world: World, work, django_capture_on_commit_callbacks) -> None:
    def refuses(progress: Progress) -> None:
        progress("looking", 1, 2)
        raise Invalid("not today")

    work(refuses)
    job = start(world)
    job_runner.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error, job.step) == ("failed", "not today", "looking")
    with pytest.raises(Forbidden):
        jobs.run_again(job, **world.as_("auditor"))
    seen_before = Job.objects.get(pk=job.pk)
    work(lambda progress: "today")
    with django_capture_on_commit_callbacks(execute=True):
        jobs.run_again(job, **world.as_("second"))
        with pytest.raises(Conflict):
            jobs.run_again(seen_before, **world.by)
    job.refresh_from_db()
    # The count goes on: a runner of before must not take this attempt for its own.
    assert (job.state, job.result, job.error, job.attempt) == ("done", "today", "", 2)
    assert job.attempts_allowed == 4
    assert job.requested_by == world.users["second"]
    with pytest.raises(Conflict):
        jobs.run_again(job, **world.by)


def test_a_running_job_has_signs_of_life_and_an_ended_one_a_time(world: World, work) -> None:
    work(lambda progress: None)
    job = start(world)
    for values in ({"state": "running"}, {"state": "done"}, {"finished_at": utc_now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Job.objects.filter(pk=job.pk).update(**values)


@pytest.mark.django_db(transaction=True)
def test_signs_of_life_go_on_while_a_solver_works(world: World, work, settings) -> None:
    settings.JOB_STALE_SECONDS = 1
    seen: list[datetime] = []

    def solve(progress: Progress) -> float:
        progress("solving", 0, 1)
        rng = np.random.default_rng(3)
        use, gain = rng.random((300, 2000)), rng.random(2000)
        began = time.monotonic()
        while time.monotonic() - began < 1.5:
            found = linprog(-gain, A_ub=use, b_ub=np.full(300, 40.0), bounds=(0, 1))
        seen.append(Job.objects.get().heartbeat_at)
        return float(found.fun)

    work(solve)
    job = start(world)
    job_runner.run(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    assert job.started_at is not None
    assert seen[0] - job.started_at > timedelta(seconds=1)


def client(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def test_the_page_shows_how_a_job_goes_and_runs_it_again(
    world: World, work, django_capture_on_commit_callbacks
) -> None:
    def refuses(progress: Progress) -> None:
        progress("counting sheep", 30, 120)
        raise Invalid("one ran away")

    work(refuses)
    job = start(world)
    page = reverse("admin:accounts_job_change", args=[job.pk])
    again = reverse("admin:accounts_job_run_again", args=[job.pk])
    browser = client(world.users["operations"])
    answer = browser.get(page)
    assert answer["Refresh"] == "5"
    assert again not in answer.content.decode()
    job_runner.run(job.pk)
    answer = browser.get(page)
    text = answer.content.decode()
    for shown in ("failed", "counting sheep", "30 / 120 (25%)", "1 of 3", "one ran away", again):
        assert shown in text
    assert "Refresh" not in answer
    work(lambda progress: "all there")
    # Reading the dialog starts nothing, nor does who may not route.
    browser.get(again)
    reader = client(world.users["auditor"])
    assert again not in reader.get(page).content.decode()
    sent = {"_form_submitted": "1"}
    with django_capture_on_commit_callbacks(execute=True):
        reader.post(again, sent, HTTP_HX_REQUEST="true")
    assert Job.objects.get().state == "failed"
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post(again, sent, HTTP_HX_REQUEST="true")
    assert answer["HX-Redirect"] == page
    job.refresh_from_db()
    assert (job.state, job.result, job.attempt) == ("done", "all there", 2)


def test_the_page_tells_when_a_running_job_is_silent(world: World, work) -> None:
    work(lambda progress: None)
    job = start(world)
    now = utc_now()
    Job.objects.filter(pk=job.pk).update(
        state="running", attempt=1, started_at=now, heartbeat_at=now
    )
    job.refresh_from_db()
    browser = client(world.users["operations"])
    page = reverse("admin:accounts_job_change", args=[job.pk])
    assert "no sign of life" not in browser.get(page).content.decode()
    again = reverse("admin:accounts_job_run_again", args=[job.pk])
    assert again not in browser.get(page).content.decode()
    with pytest.raises(Conflict):
        jobs.run_again(job, acting_user=world.users["operations"], now=utc_now())
    go_silent(job)
    text = browser.get(page).content.decode()
    assert "no sign of life" in text
    # Also where no beat picks it up.
    assert again in text
    browser.post(again, {"_form_submitted": "1"}, HTTP_HX_REQUEST="true")
    job.refresh_from_db()
    assert (job.state, job.attempt, job.attempts_allowed) == ("queued", 1, 4)
