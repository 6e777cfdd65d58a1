"""Which answers are reviewed: by the arrangement's share and choice, at chances that are kept."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from quality.models import Review, ReviewChance
from quality.services.reviews import draw_review, review_plan
from routing.models import Decision
from tests.conftest import World
from tests.quality.services.checked import answered, placed, routed_project
from workforce.models import Annotator


def own(world: World) -> list[Annotator]:
    return list(Annotator.objects.filter(pool=world.pools["in-house"]).order_by("pk"))


def drawn(world: World, task: Any, judgment: Any, **values: Any) -> Review | None:
    decision, arrangement = placed(task)
    with transaction.atomic():
        return draw_review(
            task,
            judgment.pk,
            decision,
            **{"arrangement": arrangement, "certainty": 0.9, **values},
            **world.by,
        )


@pytest.mark.django_db
def test_it_works(world: World) -> None:
    task = routed_project(world, share=1.0)[0]
    judgment = answered(world, task, own(world)[0])
    review = drawn(world, task, judgment, urgency=77)
    assert review is not None
    assert (review.why, review.probability, review.state) == ("random", 1.0, "pending")
    assert review.pool == world.pools["in-house"]
    decision, arrangement = placed(task)
    plan = review_plan(decision, arrangement)
    assert plan is not None
    assert (review.crew, review.urgency, review.judgment) == (plan.crew, 77, judgment)
    # Asked twice, it is the same.
    assert drawn(world, task, judgment) == review
    assert Review.objects.count() == 1


@pytest.mark.django_db
def test_random_draws_keep_the_share_and_can_be_done_again(world: World) -> None:
    tasks = routed_project(world, share=0.3, tasks=300)
    person = own(world)[0]
    found = {}
    for task in tasks:
        with transaction.atomic():
            task.state = "answered"
            judgment = _answer(task, person)
            found[task.pk] = drawn(world, task, judgment)
    reviews = [review for review in found.values() if review is not None]
    # 90 are expected; 3.5 deviations of a binomial are 28.
    assert 62 <= len(reviews) <= 118
    assert {(r.why, r.probability) for r in reviews} == {("random", 0.3)}
    for task in tasks[:40]:
        again = drawn(world, task, task.judgments.get())
        assert again == found[task.pk]
    assert not ReviewChance.objects.exists()


def _answer(task: Any, person: Any, label: str = "cat") -> Any:
    from quality.models import Judgment
    from tests.conftest import NOW

    return Judgment.objects.create(
        task=task, annotator=person, answer=label, label=label, source="form", submitted_at=NOW
    )


@pytest.mark.django_db
def test_least_certain_first_keeps_every_chance(world: World) -> None:
    tasks = routed_project(world, share=0.2, choice="least_certain", tasks=120)
    person = own(world)[0]
    for number, task in enumerate(tasks):
        drawn(world, task, _answer(task, person), certainty=0.6 if number % 10 == 0 else 0.95)
    chances = ReviewChance.objects.order_by("pk")
    assert chances.count() == 120
    settled = list(chances)[40:]
    assert {row.probability for row in settled if row.certainty < 0.9} == {1.0}
    assert all(0.05 <= row.probability < 0.5 for row in settled if row.certainty > 0.9)
    for review in Review.objects.all():
        row = ReviewChance.objects.get(task=review.task)
        assert row.drawn
        assert review.why == "arrangement"
        assert review.probability == pytest.approx(row.probability)
    assert Review.objects.count() == chances.filter(drawn=True).count()
    # A second asking neither draws anew nor makes a row.
    again = drawn(world, tasks[0], tasks[0].judgments.get(), certainty=0.1)
    assert (again is not None) == chances.get(task=tasks[0]).drawn
    assert chances.count() == 120


@pytest.mark.django_db
def test_without_a_share_or_a_decision_nothing_is_drawn(world: World) -> None:
    tasks = routed_project(world, share=0.0)
    judgment = answered(world, tasks[0], own(world)[0])
    assert drawn(world, tasks[0], judgment) is None
    with transaction.atomic():
        none = draw_review(
            tasks[0], judgment.pk, None, arrangement=None, certainty=None, **world.by
        )
    assert none is None


@pytest.mark.django_db
def test_what_a_review_rejected_is_reviewed_for_certain_other_new_attempts_are_not(
    world: World,
) -> None:
    from tests.conftest import NOW

    rejected, changed = routed_project(world, share=0.001, tasks=2)
    person, reviewer = own(world)[:2]
    Review.objects.create(
        task=rejected,
        judgment=answered(world, rejected, person),
        why="random",
        probability=0.001,
        state="done",
        outcome="reject",
        category="missed",
        severity="minor",
        reviewer=reviewer,
        created_at=NOW,
        decided_at=NOW,
    )
    for task in (rejected, changed):
        task.attempt = 2
    review = drawn(world, rejected, _answer(rejected, reviewer))
    assert review is not None
    assert (review.why, review.probability) == ("rework", 1.0)
    # A guideline that changed has thousands of tasks worked anew.
    assert drawn(world, changed, _answer(changed, reviewer)) is None


@pytest.mark.django_db
def test_a_task_that_is_not_drawn_costs_no_query(world: World) -> None:
    """Answers come in by the hundred a second."""
    tasks = routed_project(world, share=0.01, tasks=3)
    judgment = answered(world, tasks[0], own(world)[0])
    decision, arrangement = placed(tasks[0])
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        draw_review(
            tasks[0], judgment.pk, decision, arrangement=arrangement, certainty=0.9, **world.by
        )
    assert len(captured) == 0, captured.captured_queries


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"judgment": None},
        {"probability": 0.0},
        {"why": "random", "probability": None},
        {"state": "taken"},
        {"state": "done"},
        {"why": "whim"},
        {"contest_reason": "no", "contested_at": "2026-03-02T07:00Z"},
    ],
)
def test_the_database_refuses_half_a_review(world: World, values: dict[str, Any]) -> None:
    from tests.conftest import NOW

    task = routed_project(world)[0]
    judgment = answered(world, task, own(world)[0])
    row = {"task": task, "judgment": judgment, "why": "evidence", "created_at": NOW}
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(**{**row, **values})
    Review.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.create(**row)


@pytest.mark.django_db
def test_the_plan_is_that_of_the_placements_arrangement(world: World) -> None:
    task = routed_project(world, share=0.4, choice="least_certain")[0]
    decision, arrangement = placed(task)
    plan = review_plan(decision, arrangement)
    assert plan is not None
    assert (plan.share, plan.least_certain, plan.pool) == (0.4, True, "in-house")
    assert review_plan(decision, arrangement + 1000) is None
    assert review_plan(Decision(chosen=[]), 0) is None
