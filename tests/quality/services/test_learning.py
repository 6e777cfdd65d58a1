"""Learning by night: once as of midnight, whoever starts it and however often it is begun."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Job
from accounts.services import job_runner, jobs
from accounts.services.users import system_user
from common.errors import Forbidden
from quality.models import Estimation, Judgment, TypeFacts
from quality.services import learning, skills
from quality.tasks import learn
from routing.models import EffortEstimate, Run
from tests.conftest import NOW, World
from tests.quality.services.test_effort import timed
from tests.quality.services.test_skills import answer as answered
from tests.quality.services.test_skills import people
from workforce.models import Proficiency
from workforce.services.people import create_annotator
from workforce.services.pools import create_pool

MIDNIGHT = datetime(2026, 3, 1, 23, tzinfo=UTC)  # of 2 March in Berlin


def keeper() -> dict[str, Any]:
    return {"acting_user": system_user(learning.KEEPER), "now": NOW}


@pytest.fixture
def past(world: World) -> World:
    """Answers of before and after midnight."""
    answered(
        world, "first", dict.fromkeys(people("in-house"), 0.8), tasks=30, ago=timedelta(hours=9)
    )
    answered(
        world,
        "second",
        dict.fromkeys(people("alpha"), 0.9),
        tasks=20,
        task_type="sentiment",
        ago=timedelta(hours=9),
        seed=1,
    )
    Judgment.objects.update(raw_seconds=12.0)
    answered(world, "today", {people("beta")[0]: 0.9}, tasks=5, ago=timedelta(hours=1), seed=2)
    return world


def test_a_night_learns_effort_and_every_skill(
    past: World, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        job = learning.start_learning(**keeper())
    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    assert job.result["as_of"] == MIDNIGHT.isoformat()
    assert (job.result["skills"], job.result["durations"]) == (2, 30 * 4 + 20 * 3)
    assert set(Proficiency.objects.filter(as_of=MIDNIGHT).values_list("n", flat=True)) == {30, 20}
    assert set(EffortEstimate.objects.values_list("as_of", flat=True)) == {MIDNIGHT}
    assert TypeFacts.objects.filter(as_of=MIDNIGHT).count() == 2
    # What came after midnight is learned by the next night.
    assert not Estimation.objects.filter(project__key="today").exists()


def test_two_beats_make_one_job(past: World) -> None:
    first = learn()
    assert learn() == first
    assert Job.objects.filter(kind="learn").count() == 1


def test_run_twice_it_changes_nothing(past: World) -> None:
    by = keeper()
    told: list[str] = []

    def tell(step: str, done: int, total: int) -> None:
        told.append(f"{step} {done}/{total}")

    first = learning.learn(MIDNIGHT, acting_user=by["acting_user"], tell=tell)
    counts = [m.objects.count() for m in (Proficiency, EffortEstimate, TypeFacts, Estimation)]
    second = learning.learn(MIDNIGHT, acting_user=by["acting_user"], tell=tell)
    assert [
        m.objects.count() for m in (Proficiency, EffortEstimate, TypeFacts, Estimation)
    ] == counts
    assert (first.skills, second.skills) == (2, 0)
    assert told[:4] == ["effort 0/3", "skills 1/3", "skills 2/3", "done 3/3"]


def test_a_worker_killed_in_the_middle(past: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first skill is written when the worker dies; the next one goes on from there."""
    by = keeper()
    whole = learning.estimate_skill
    calls: list[str] = []

    def dies(skill: Any, **values: Any) -> Any:
        calls.append(skill.key)
        if len(calls) == 2:
            raise SystemExit
        return whole(skill, **values)

    monkeypatch.setattr(learning, "estimate_skill", dies)
    job = jobs.start_job("learn", {"as_of": MIDNIGHT.isoformat()}, **by)
    with pytest.raises(SystemExit):
        job_runner.run(job.pk)
    written = Proficiency.objects.filter(as_of=MIDNIGHT).count()
    assert written in (3, 4)
    monkeypatch.setattr(learning, "estimate_skill", whole)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=NOW - timedelta(days=1))
    learned = learning.learn(MIDNIGHT, acting_user=by["acting_user"], tell=lambda *_args: None)
    assert learned.skills == 1
    assert Proficiency.objects.filter(as_of=MIDNIGHT).count() == 7


def test_the_next_run_names_what_it_used(past: World) -> None:
    learning.learn(MIDNIGHT, acting_user=keeper()["acting_user"], tell=lambda *_args: None)
    world = past
    world.add_tasks(world.add_project(), 2)
    world.route("street")
    versions = Run.objects.get().versions
    assert versions["effort"]["image-classification"] == [
        f"low as of {MIDNIGHT.isoformat()}: 120 durations"
    ]
    told = versions["estimates"]["image-classification"]
    assert any(MIDNIGHT.isoformat() in text for text in told)


def test_machines_tell_nothing_of_the_effort_of_people(world: World) -> None:
    """A model beside people, who answers the same tasks in a tenth of a second."""
    timed(world)
    before = learning.refit_effort(acting_user=world.users["quality"], now=NOW)
    world.pools["robot"] = create_pool(
        key="robot", name="Robot", kind="model", currency="EUR", country="DE", **world.by
    )
    robot = create_annotator(
        world.pools["robot"],
        name="robot",
        model_name="m",
        model_version="1",
        prompt_hash="0" * 64,
        rate_limit_per_hour=1_000,
        **world.by,
    )
    Judgment.objects.bulk_create(
        Judgment(
            task_id=task,
            annotator=robot,
            answer="cat",
            label="cat",
            source="api",
            raw_seconds=0.1,
            submitted_at=NOW - timedelta(hours=1),
        )
        for task in set(Judgment.objects.values_list("task_id", flat=True))
    )
    later = NOW + timedelta(days=1)
    after = learning.refit_effort(acting_user=world.users["quality"], now=later)
    assert after.durations == before.durations == 800
    first, second = (EffortEstimate.objects.get(as_of=at) for at in (NOW, later))
    assert second.log_factor == first.log_factor
    skills.estimate_skills(acting_user=world.users["quality"], now=later)
    assert Proficiency.objects.get(annotator=robot, as_of=later).speed == 1.0


def test_only_who_may_learn_does(world: World) -> None:
    with pytest.raises(Forbidden):
        learning.start_learning(**world.as_("finance"))
    with pytest.raises(Forbidden):
        learning.learn(MIDNIGHT, acting_user=world.users["finance"], tell=lambda *_args: None)
