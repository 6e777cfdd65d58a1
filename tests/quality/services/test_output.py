"""Throughput by night: of accepted answers and trusted hours, once as of a time, kept for good."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.models import User
from accounts.services.users import system_user
from audit.models import Event
from common.errors import Forbidden
from quality.models import Judgment, Output
from quality.reports.ratings import ratings
from quality.services import learning
from quality.services.output import WINDOW, measure_output
from routing.models import Task
from tests.conftest import NOW, World
from tests.quality.services.known import answers, review
from tests.quality.services.work import answer, only, people, routed, take
from workforce.models import Skill
from workforce.services.people import create_annotator
from workforce.services.pools import create_pool

DAY = timedelta(days=1)
NIGHT = NOW + 3 * DAY


def measured(world: World, now: Any = NIGHT) -> list[Output]:
    skill = Skill.objects.get(key="image-classification")
    return measure_output(skill, acting_user=world.users["quality"], now=now)


@pytest.fixture
def worked(world: World) -> World:
    """Own 0 worked on two days, own 1 on one; one answer was rejected, one clock ran on."""
    routed(world, 12, rules=only("in_house"))
    first, second = people()[:2]
    for person, at, seconds in (
        (first, NOW, 10.0),
        (first, NOW, 20.0),
        (first, NOW + DAY, 20.0),
        (first, NOW + DAY, 90_000.0),
        (second, NOW, 10.0),
    ):
        made = answer(
            world, take(world, person, at=at), seconds=seconds, at=at + timedelta(minutes=2)
        )
    review(world, made, 1, at=NOW + timedelta(hours=2))
    return world


def test_what_was_accepted_an_hour_and_a_day(worked: World) -> None:
    first, second = sorted(measured(worked), key=lambda row: row.annotator_id)
    assert (first.answers, first.accepted, first.rejected, first.days) == (4, 4, 0, 2)
    assert first.trusted_hours == pytest.approx(50 / 3600)
    assert first.per_hour == pytest.approx(3 / (50 / 3600))
    assert first.hour_lower < first.per_hour < first.hour_upper
    assert first.per_day == 2.0
    assert first.day_lower < first.per_day < first.day_upper
    assert first.timed == 3
    assert first.speed_lower < first.speed < first.speed_upper
    assert (first.since, first.as_of) == (NIGHT - WINDOW, NIGHT)
    # Rejected: nothing accepted in a known time; the rate is 0, and may be more.
    assert (second.accepted, second.rejected, second.per_hour, second.hour_lower) == (0, 1, 0, 0)
    assert second.hour_upper > 0
    event = Event.objects.get(kind="output.measured")
    assert (event.subject_id, event.data["annotators"]) == ("image-classification", 2)


def test_twice_is_once_and_what_is_kept_stays(worked: World) -> None:
    assert len(measured(worked)) == 2
    assert measured(worked) == []
    assert Output.objects.count() == 2
    assert Event.objects.filter(kind="output.measured").count() == 1
    assert len(measured(worked, NIGHT + DAY)) == 2
    for change in (lambda rows: rows.update(per_hour=1.0), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(Output.objects.all())


def test_it_stands_beside_the_ratings(worked: World) -> None:
    (first, _second) = sorted(measured(worked), key=lambda row: row.annotator_id)
    measured(worked, NIGHT + DAY)
    table = ratings(acting_user=worked.users["auditor"], now=NIGHT).set_index(["name", "skill"])
    mine = table.loc["own 0", "image-classification"]
    assert (mine["per_hour"], mine["hour_upper"]) == (first.per_hour, first.hour_upper)
    assert (mine["accepted"], mine["n_gold"]) == (4, 200)
    for other in (("own 0", "image-boxes"), ("own 2", "image-classification")):
        assert table.loc[other, ["per_hour", "accepted"]].isna().all()
    assert len(table) == 20  # ten people, two skills: nobody twice


def test_only_work_of_the_time_and_before_the_instant(worked: World) -> None:
    assert measured(worked, NOW + WINDOW + 5 * DAY) == []
    assert measured(worked, NOW) == []
    # What was handed in at the very instant is the next night's.
    assert len(measured(worked, NOW + timedelta(minutes=2))) == 0
    assert len(measured(worked, NOW + timedelta(minutes=3))) == 2


def test_imported_answers_and_gold_are_no_output_and_models_have_no_speed(worked: World) -> None:
    answers(worked, people("alpha")[0], [0, 0])
    pool = create_pool(
        key="model", name="Model", kind="model", currency="EUR", country="DE", **worked.by
    )
    seer = create_annotator(
        pool,
        name="Seer",
        model_name="seer",
        model_version="1",
        prompt_hash="a" * 64,
        rate_limit_per_hour=100,
        **worked.by,
    )
    task = Task.objects.filter(project__key="street", state="open")[0]
    held = worked.assign(task, seer, state="submitted", ended_at=NOW)
    Judgment.objects.create(
        task=task,
        annotator=seer,
        assignment=held,
        answer="cat",
        label="cat",
        billable_seconds=0.2,
        time_rule="measured 1",
        source="api",
        submitted_at=NOW,
    )
    first, _second, model = sorted(measured(worked), key=lambda row: row.annotator_id)
    assert first.speed is not None
    assert (model.annotator, model.answers, model.days) == (seer, 1, 1)
    assert (model.speed, model.speed_lower, model.timed) == (None, None, 0)
    assert model.trusted_hours > 0


def test_the_night_measures_it(worked: World) -> None:
    told: list[str] = []
    by = {
        "acting_user": system_user(learning.KEEPER),
        "tell": lambda step, _done, _total: told.append(step),
    }
    assert learning.learn(NIGHT, **by).outputs == 2
    assert learning.learn(NIGHT, **by).outputs == 0
    assert set(Output.objects.values_list("as_of", flat=True)) == {NIGHT}


def test_who_may_measure(worked: World, vendor_user: User) -> None:
    for user in (vendor_user, worked.users["finance"], worked.users["sla"]):
        with pytest.raises(Forbidden):
            measure_output(
                Skill.objects.get(key="image-classification"), acting_user=user, now=NIGHT
            )
