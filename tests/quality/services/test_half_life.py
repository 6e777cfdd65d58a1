"""Half-life of answers: what someone did lately counts more, and the estimate says so."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from quality.models import GoldAnswer, Judgment
from quality.services.accuracy import estimate_accuracy
from tests.conftest import NOW, World
from workforce.models import Annotator, Proficiency


@pytest.fixture
def changed(world: World) -> Any:
    """One of two people was right .95 of 120 golds a year ago and .55 of 120 golds today.

    The other is right .8 all the time.
    """
    tasks = world.add_tasks(world.add_project("past"), 240)
    person, steady = Annotator.objects.filter(pool__key="in-house").order_by("pk")[:2]
    rng = np.random.default_rng(3)
    rows = []
    for number, task in enumerate(tasks):
        old = number < 120
        for who, chance in ((person, 0.95 if old else 0.55), (steady, 0.8)):
            label = "cat" if rng.random() < chance else "dog"
            rows.append(
                Judgment(
                    task=task,
                    annotator=who,
                    answer=label,
                    label=label,
                    source="import",
                    submitted_at=NOW - timedelta(days=365 if old else 1),
                )
            )
    Judgment.objects.bulk_create(rows)
    GoldAnswer.objects.bulk_create(
        GoldAnswer(
            task=task,
            label="cat",
            source="expert",
            set_by=world.users["quality"],
            set_at=NOW - timedelta(days=366),
        )
        for task in tasks
    )
    return person


def estimated(world: World, who: Annotator, hours: int) -> Proficiency:
    now = NOW + timedelta(hours=hours)
    estimate_accuracy(project_key="past", acting_user=world.users["quality"], now=now)
    return Proficiency.objects.get(annotator=who, as_of=now)


def shares(who: Annotator) -> tuple[float, float]:
    """Return the share right of a year ago and of yesterday."""
    return tuple(  # type: ignore[return-value]
        np.mean(
            [
                row.label == "cat"
                for row in Judgment.objects.filter(annotator=who, submitted_at__date=day)
            ]
        )
        for day in ((NOW - timedelta(days=365)).date(), (NOW - timedelta(days=1)).date())
    )


def test_the_recent_answers_decide(world: World, changed: Annotator, settings: Any) -> None:
    old, new = shares(changed)
    settings.ESTIMATE_HALF_LIFE_DAYS = None
    every = estimated(world, changed, 0)
    assert every.accuracy == pytest.approx((old + new) / 2)
    assert every.version.endswith("no half-life")
    settings.ESTIMATE_HALF_LIFE_DAYS = 90
    recent = estimated(world, changed, 1)
    # After four half-lives a year-old answer weighs a sixteenth.
    weight = 2 ** (-(365 + 1 / 24) / 90), 2 ** (-(1 + 1 / 24) / 90)
    expected = (weight[0] * old + weight[1] * new) / sum(weight)
    assert recent.accuracy == pytest.approx(expected)
    assert recent.rate < every.rate - 0.1
    # Less is known of less: the interval widens, while the answers counted stay.
    assert recent.rate_upper - recent.rate_lower > every.rate_upper - every.rate_lower
    assert recent.n == every.n == 240
    assert recent.version.endswith("half-life 90 days")


def test_twice_as_of_one_time_is_the_same(world: World, changed: Annotator) -> None:
    first = estimated(world, changed, 0)
    again = estimated(world, changed, 0)
    assert (again.pk, again.rate) == (first.pk, first.rate)
    assert Proficiency.objects.filter(annotator=changed, as_of=NOW).count() == 1


def test_the_next_run_names_the_half_life(world: World, changed: Annotator) -> None:
    from routing.models import Run

    estimated(world, changed, 0)
    world.add_tasks(world.add_project(), 1)
    world.route("street")
    (measured, tested) = Run.objects.get().versions["estimates"]["image-classification"]
    assert measured.endswith(f"half-life 90 days as of {NOW.isoformat()}: 2 annotators")
    assert tested.startswith("test as of")
    assert tested.endswith(": 8 annotators")
