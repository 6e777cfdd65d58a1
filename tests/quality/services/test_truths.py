"""What counts as truth: gold, random reviews, thinned ones; nothing that was chosen otherwise."""

from datetime import timedelta
from typing import Any

import pytest

from quality.core.review_draw import FLOOR
from quality.models import Adjudication, Judgment, Label, Review, ReviewChance
from quality.services.gold import make_gold
from quality.services.skills import estimate_skills
from quality.services.truths import known_truths
from tests.conftest import NOW, World
from tests.quality.services.checked import people
from workforce.models import Proficiency


@pytest.fixture
def tasks(world: World) -> list[Any]:
    """Twenty tasks, each with the answer "cat" of the first of own staff."""
    made = world.add_tasks(world.add_project(), 20)
    person = people(world)[0]
    Judgment.objects.bulk_create(
        Judgment(
            task=task, annotator=person, answer="cat", label="cat", source="api", submitted_at=NOW
        )
        for task in made
    )
    return made


def reviewed(world: World, task: Any, **values: Any) -> Review:
    """Return a review of the answer to a task, as it stands when it is done."""
    wrong = values.get("outcome", "accept") != "accept"
    return Review.objects.create(
        **{
            "task": task,
            "judgment": task.judgments.first(),
            "why": "random",
            "probability": 0.2,
            "state": "done",
            "outcome": "accept",
            "category": "wrong_label" if wrong else "",
            "severity": "major" if wrong else "",
            "reviewer": people(world)[1],
            "created_at": NOW,
            "decided_at": NOW,
            **values,
        }
    )


def truths(task: Any, at: Any = NOW) -> dict[int, str]:
    return known_truths(at, project=task.project_id, task_type=task.task_type_id)


@pytest.mark.django_db
def test_gold_and_random_reviews_count_as_they_are(world: World, tasks: list[Any]) -> None:
    make_gold(tasks[0], answer="dog", **world.as_("quality"))
    reviewed(world, tasks[0])  # gold comes first
    reviewed(world, tasks[1])
    reviewed(world, tasks[2], outcome="fix", answer="dog", label="dog")
    reviewed(world, tasks[3], outcome="reject")
    reviewed(world, tasks[4], outcome="reject")
    Label.objects.create(
        task=tasks[4], answer="fox", value="fox", by="answer", attempt=2, accepted_at=NOW
    )
    assert truths(tasks[0]) == {
        tasks[0].pk: "dog",
        tasks[1].pk: "cat",
        tasks[2].pk: "dog",
        # What is wrong is not yet known to be anything else.
        tasks[4].pk: "fox",
    }
    assert truths(tasks[0], NOW - timedelta(seconds=1)) == {}


@pytest.mark.django_db
def test_what_was_chosen_for_a_reason_does_not_count(world: World, tasks: list[Any]) -> None:
    reviewed(world, tasks[0], why="evidence", probability=1.0)
    reviewed(world, tasks[1], why="disagreement", probability=None)
    reviewed(world, tasks[2], why="rework", probability=1.0)
    reviewed(world, tasks[3], why="random", number=2)
    Adjudication.objects.create(
        task=tasks[4],
        why="unsure",
        answer="cat",
        label="cat",
        reason="a cat",
        decided_by=world.users["quality"],
        opened_at=NOW,
        decided_at=NOW,
    )
    assert truths(tasks[0]) == {}


@pytest.mark.django_db
def test_adjudicated_answers_count_where_a_random_draw_led_to_them(
    world: World, tasks: list[Any]
) -> None:
    reviewed(world, tasks[0])
    Adjudication.objects.create(
        task=tasks[0],
        why="reviews",
        answer="fox",
        label="fox",
        reason="a fox",
        decided_by=world.users["quality"],
        opened_at=NOW,
        decided_at=NOW,
    )
    assert truths(tasks[0]) == {tasks[0].pk: "fox"}


@pytest.mark.django_db
def test_the_least_certain_are_thinned_to_equal_chances(world: World) -> None:
    """Wrong answers are uncertain and nearly all reviewed: as they are, half would be wrong."""
    count, share = 400, 0.2
    floor = FLOOR * share
    tasks = world.add_tasks(world.add_project(), count)
    person = people(world)[0]
    Judgment.objects.bulk_create(
        Judgment(
            task=task, annotator=person, answer="cat", label="cat", source="api", submitted_at=NOW
        )
        for task in tasks
    )
    for number, task in enumerate(tasks):
        uncertain = number % 10 == 0
        probability = 1.0 if uncertain else floor
        drawn = uncertain or number % 20 == 1
        ReviewChance.objects.create(
            task=task,
            arrangement=0,
            certainty=0.5 if uncertain else 0.95,
            probability=probability,
            drawn=drawn,
            at=NOW,
        )
        if drawn:
            wrong = {"outcome": "fix", "answer": "dog", "label": "dog"} if uncertain else {}
            reviewed(world, task, why="arrangement", probability=probability, **wrong)
    assert Review.objects.count() == 60
    found = truths(tasks[0])
    # Of 40 uncertain ones a twentieth stays, of the others all 20 that were drawn.
    assert list(found.values()).count("cat") == 20
    assert 0 <= list(found.values()).count("dog") <= 7
    assert truths(tasks[0]) == found


@pytest.mark.django_db
def test_estimates_read_them(world: World, tasks: list[Any]) -> None:
    for task in tasks[:10]:
        reviewed(world, task, outcome="fix", answer="dog", label="dog")
    later = NOW + timedelta(hours=1)
    estimate_skills(acting_user=world.users["quality"], now=later)
    row = Proficiency.objects.get(annotator=people(world)[0], as_of=later)
    assert (row.n, row.n_gold) == (20, 10)
    assert row.accuracy is not None
    assert row.accuracy < 0.6


@pytest.mark.django_db
def test_the_queries_do_not_grow_with_the_reviews(world: World, tasks: list[Any]) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            truths(tasks[0])
        return len(captured)

    reviewed(world, tasks[0])
    before = count()
    for task in tasks[1:]:
        reviewed(world, task)
    assert count() == before <= 5
