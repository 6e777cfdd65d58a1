"""Settling: one answer, a vote bought one answer at a time, answers that no vote can count."""

from typing import Any

import numpy as np
import pytest

from quality.errors import Settled
from quality.models import Adjudication, Judgment, Label, Review, TypeFacts
from quality.services import labels
from quality.services.answers import read_answers
from quality.services.submitting import correct
from quality.services.terms import terms_of, vote_error
from routing.models import Assignment, Placement, Task, TaskType
from routing.services.claiming import claim
from tests.conftest import NOW, World
from tests.quality.services.work import (
    MINUTE,
    answer,
    login,
    only,
    people,
    routed,
    seats,
    state,
    take,
    take_this,
)
from workforce.models import Proficiency

CLASSES = 4  # of image classification


def rates(value: float, lower: float | None = None) -> None:
    """Let everybody's rate be this, whatever they were made with."""
    low = value if lower is None else lower
    Proficiency.objects.update(rate=value, rate_lower=low, rate_upper=max(value, low))


def voted(
    world: World, *, most: int = 3, target: float = 0.05, tasks: int = 1, **values: Any
) -> Task:
    """Route work that is put to a vote of so many at most, then lower the target."""
    routed(world, tasks, rules=only("in_house", answers=most, target_error=target), **values)
    (task,) = Task.objects.order_by("pk")[:1]
    assert seats(task)[0] == most
    return task


def test_one_confident_answer_is_enough(world: World) -> None:
    task = voted(world)
    rates(0.97)
    answer(world, take(world, people()[0]))
    label = Label.objects.get(task=task)
    assert (label.by, label.value) == ("answer", "cat")
    assert label.probability == pytest.approx(0.97, abs=1e-3)
    assert (state(task), seats(task)) == ("accepted", (3, 1, 1))


def test_another_is_asked_until_the_target_is_reached(world: World) -> None:
    task = voted(world)
    rates(0.85)
    first, second, *_rest = people()
    answer(world, take(world, first))
    assert (state(task), seats(task)) == ("held", (3, 2, 1))
    assert not Label.objects.exists()
    # Nobody is asked twice.
    assert claim(first, acting_user=login(world, first), now=NOW) == []
    answer(world, take(world, second))
    label = Label.objects.get(task=task)
    assert (label.by, label.value) == ("vote", "cat")
    assert label.probability > 0.95
    # The seat of the third answer was never opened: it was not bought.
    assert (state(task), seats(task)) == ("accepted", (3, 2, 2))


def test_the_best_of_those_who_won_stands_behind_the_label(world: World) -> None:
    task = voted(world, target=0.02)
    rates(0.7)
    crew = people()[:3]
    Proficiency.objects.filter(annotator=crew[2]).update(rate=0.9, rate_upper=0.9)
    given = [answer(world, take(world, person)) for person in crew]
    assert Label.objects.get(task=task).judgment_id == given[2].pk


def test_what_answers_cannot_settle_is_adjudicated(world: World) -> None:
    task = voted(world)
    rates(0.8)
    for person, label in zip(people()[:2], ("cat", "dog"), strict=True):
        answer(world, take(world, person), label)
    # A third answer could not bring either above the target: it is not bought.
    row = Adjudication.objects.get(task=task)
    assert (row.why, row.decided_at) == ("unsure", None)
    assert row.urgency == Placement.objects.get(task=task).urgency
    assert (state(task), seats(task)) == ("answered", (3, 2, 2))
    assert not Label.objects.exists()


def test_annotators_who_err_together_are_asked_more(world: World) -> None:
    task = voted(world, target=0.05)
    rates(0.9)
    TypeFacts.objects.create(
        task_type=task.task_type,
        as_of=NOW,
        version="test",
        dispersion=0.5,
        same_error=0.9,
        items=100,
        answers=300,
        pairs=300,
    )
    for person in people()[:2]:
        answer(world, take(world, person))
    # Two independent votes would be .99 sure; these are .945.
    assert state(task) == "held"
    assert seats(task) == (3, 3, 2)


def test_lower_bounds_where_risk_is_high(world: World) -> None:
    task = voted(world)
    decision = Placement.objects.get(task=task).decision
    decision.key["risk"] = "high"
    decision.save()
    rates(0.97, lower=0.7)
    answer(world, take(world, people()[0]))
    assert state(task) == "held"


def test_unknown_annotators_count_as_the_router_takes_them(world: World) -> None:
    task = voted(world, target=0.1)
    Proficiency.objects.all().delete()
    answer(world, take(world, people()[0]))
    assert state(task) == "held"
    answer(world, take(world, people()[1]))
    assert Label.objects.get().probability == pytest.approx(0.96, abs=0.03)


def test_all_agree_wrongly(world: World) -> None:
    """The vote believes them; what tells is gold, and then the votes weigh less."""
    task = voted(world, tasks=2, target=0.05)
    rates(0.9)
    for person in people()[:2]:
        answer(world, take_this(world, person, task), "wrong")
    label = Label.objects.get(task=task)
    assert label.value == "wrong"
    assert label.probability > 0.95
    # Measured on gold: they err together and alike.
    TypeFacts.objects.create(
        task_type=task.task_type,
        as_of=NOW,
        version="test",
        dispersion=0.8,
        same_error=0.98,
        items=50,
        answers=100,
        pairs=50,
    )
    other = Task.objects.exclude(pk=task.pk).get()
    answer(world, Assignment.objects.get(task=other), "wrong")
    # Two more who agree would not make it sure: none is paid for, a person looks at it.
    assert not Label.objects.filter(task=other).exists()
    assert Adjudication.objects.filter(task=other).exists()


def test_text_takes_one_answer(world: World) -> None:
    kind = TaskType.objects.get(key="transcription")
    for person in people():
        world.add_person("in-house", f"ear {person.pk}", skills=("audio-transcription",))
    routed(world, 1, task_type=kind)
    taker = next(p for p in people() if p.name.startswith("ear"))
    answer(world, take(world, taker), "the quick brown fox")
    label = Label.objects.get()
    assert (label.answer, label.value, label.by) == ("the quick brown fox", "", "answer")


@pytest.mark.parametrize(("second", "left"), [("accepted", 0), ("answered", 1)])
def test_two_boxes_are_compared(world: World, second: str, left: int) -> None:
    routed(world, 1, task_type=TaskType.objects.get(key="bounding-box"))
    task = Task.objects.get()
    Placement.objects.filter(task=task).update(asked=2)
    box = {"x": 0, "y": 0, "width": 10, "height": 10, "label": "car"}
    answer(world, take(world, people()[0]), [box])
    assert (state(task), seats(task)) == ("held", (2, 2, 1))
    moved = {**box, "x": 1 if second == "accepted" else 8}
    answer(world, take(world, people()[1]), [moved])
    assert state(task) == second
    assert Adjudication.objects.count() == left


def test_ten_thousand_labels(world: World) -> None:
    task = voted(world, target=0.05, classes=10_000)
    rates(0.7)
    answer(world, take(world, people()[0]), "label 4711")
    assert state(task) == "held"
    answer(world, take(world, people()[1]), "label 4711")
    # That two agree on one of so many by chance does not happen.
    assert Label.objects.get().probability > 0.99


def test_an_answer_that_comes_when_it_is_settled_is_kept(world: World) -> None:
    task = voted(world)
    rates(0.8)
    first, second, *_ = people()
    one = take(world, first)
    Placement.objects.filter(task=task).update(opened=2)
    two = take(world, second)
    rates(0.97)
    answer(world, one)
    assert state(task) == "accepted"
    given = answer(world, two, "dog")
    assert Judgment.objects.filter(task=task).count() == 2
    assert Label.objects.get(task=task).value == "cat"
    assert given.assignment_id == two.pk


# -- corrections --------------------------------------------------------------------------------
def test_a_correction_is_a_new_row_and_settles_anew(world: World) -> None:
    task = voted(world)
    rates(0.85)
    first, second, *_ = people()
    given = answer(world, take(world, first), "dog", seconds=9.0)
    by = {"acting_user": login(world, first), "now": NOW + 2 * MINUTE}
    fixed = correct(given, answer="cat", raw_seconds=4.0, **by)
    assert (fixed.attempt, fixed.label, fixed.assignment_id) == (2, "cat", given.assignment_id)
    assert (fixed.raw_seconds, fixed.billable_seconds) == (4.0, 4.0)
    given.refresh_from_db()
    assert (given.label, given.billable_seconds) == ("dog", 9.0)
    assert correct(given, answer="cat", **by) == correct(fixed, answer="cat", **by) == fixed
    with pytest.raises(Settled, match="already"):
        correct(given, answer="bird", **by)
    assert (state(task), seats(task)) == ("held", (3, 2, 1))
    # What the effort model reads is the answer with its correction, not the four seconds alone.
    read = read_answers(np.array([task.pk]), NOW + 3 * MINUTE)
    assert (read.seconds.tolist(), read.words[read.label[0]]) == ([13.0], "cat")
    # The vote counts the correction, not both.
    answer(world, take(world, second), "cat")
    assert Label.objects.get().value == "cat"
    with pytest.raises(Settled, match="accepted"):
        correct(fixed, answer="dog", **by)


def test_nobody_corrects_anothers_answer(world: World) -> None:
    voted(world)
    rates(0.8)
    given = answer(world, take(world, people()[0]))
    from common.errors import NotFound

    with pytest.raises(NotFound):
        correct(given, answer="dog", acting_user=login(world, people()[1]), now=NOW)


def test_what_is_adjudicated_is_not_corrected(world: World) -> None:
    voted(world)
    rates(0.8)
    first, second, *_ = people()
    answer(world, take(world, first), "cat")
    given = answer(world, take(world, second), "dog")
    with pytest.raises(Settled, match="adjudicated"):
        correct(given, answer="cat", acting_user=login(world, second), now=NOW)


@pytest.mark.parametrize(
    ("most", "share", "open_to"), [(1, 0.0, False), (3, 0.0, True), (1, 1.0, True)]
)
def test_gold_is_corrected_as_work_beside_it(
    world: World, most: int, share: float, open_to: bool
) -> None:
    """Who tries to correct every answer must not find out which ones are gold."""
    task = voted(world, most=most, tasks=2, target=0.06) if not share else None
    if task is None:
        routed(world, 2, rules=only("in_house", share=share, choice="random"))
    rates(0.8)
    first = people()[0]
    claim(first, count=2, acting_user=login(world, first), now=NOW)
    work, gold = Assignment.objects.order_by("pk")
    # As the claim hands gold out: another purpose, the decision of the work beside it.
    gold = Assignment.objects.create(
        task=world.add_tasks(gold.task.project, 1)[0],
        annotator=first,
        human=gold.human,
        pool=gold.pool,
        purpose="gold",
        decision=work.decision,
        effort_seconds=work.effort_seconds,
        day=gold.day,
        reserved_at=NOW,
        lease_until=NOW + 30 * MINUTE,
    )
    by = {"acting_user": login(world, first), "now": NOW + 2 * MINUTE}
    told = []
    for held in (work, gold):
        given = answer(world, held)
        try:
            told.append(correct(given, answer="dog", **by).attempt)
        except Settled as refused:
            told.append(str(refused))
    assert told[0] == told[1]
    assert (told[0] == 2) is open_to


# -- taken back ---------------------------------------------------------------------------------
def test_a_recalled_task_ends_its_label(world: World) -> None:
    routed(world, 1)
    given = answer(world, take(world, people()[0]))
    task = Task.objects.get(pk=given.task_id)
    by = world.as_("quality")
    for moved in ([task.pk], []):
        assert labels.recall([task], reason="withdrawn by the platform", **by) == moved
    label = Label.objects.get(task=task)
    assert label.ended_at is not None
    assert label.ended_at >= label.accepted_at
    assert state(task) == "recalled"
    again = labels.rework(task, reason="wanted after all", **by)
    assert (again.state, again.attempt) == ("rework", 2)
    # The seat is free again, and the same human may take the new attempt.
    anew = take(world, people()[0])
    assert (anew.task_id, anew.attempt) == (task.pk, 2)
    second = answer(world, anew, "dog")
    assert (second.attempt, Label.objects.get(ended_at=None).value) == (2, "dog")
    assert Label.objects.get(ended_at=None).attempt == 2


def test_rework_calls_checks_off(world: World) -> None:
    task = voted(world)
    rates(0.8)
    given = [
        answer(world, take(world, person), label)
        for person, label in zip(people()[:2], ("cat", "dog"), strict=True)
    ]
    Review.objects.create(task=task, judgment=given[0], why="evidence", created_at=NOW)
    labels.rework(task, reason="the guideline changed", **world.as_("quality"))
    assert Review.objects.get().state == "cancelled"
    assert Adjudication.objects.get().cancelled_at is not None
    assert seats(task) == (3, 1, 0)
    # Answers of the attempt before do not count in the new one.
    rates(0.97)
    answer(world, take(world, people()[0]), "bird")
    assert Label.objects.get(task=task).value == "bird"


def test_a_label_is_accepted_once(world: World) -> None:
    task = voted(world)
    rates(0.8)
    for person, label in zip(people()[:2], ("cat", "dog"), strict=True):
        answer(world, take(world, person), label)
    row = Adjudication.objects.get(task=task)
    values = {"answer": "cat", "value": "cat", "by": "adjudication", "adjudication": row}
    by = world.as_("quality")
    first = labels.accept_label(task, **values, **by)
    assert labels.accept_label(task, **values, **by) == first
    from quality.errors import NotWanted

    with pytest.raises(NotWanted):
        labels.accept_label(task, **{**values, "by": "review", "review": None}, **by)
    assert state(task) == "accepted"


# -- reviews ------------------------------------------------------------------------------------
def test_what_is_drawn_waits_for_its_review(world: World) -> None:
    routed(world, 1, rules=only("in_house", share=1.0, choice="random"))
    given = answer(world, take(world, people()[0]))
    review = Review.objects.get()
    assert (review.judgment, review.state, review.probability) == (given, "pending", 1.0)
    assert (state(given.task_id), Label.objects.count()) == ("answered", 0)
    # Corrected before anybody looked: what is reviewed is the correction.
    by = {"acting_user": login(world, people()[0]), "now": NOW + 2 * MINUTE}
    fixed = correct(given, answer="dog", **by)
    assert Review.objects.exclude(state="cancelled").get().judgment == fixed
    review = Review.objects.get(judgment=fixed)
    task = Task.objects.get(pk=given.task_id)
    values = {"answer": "dog", "value": "dog", "by": "review", "review": review}
    label = labels.accept_label(task, **values, **world.as_("quality"))
    assert (state(task), label.review_id) == ("accepted", review.pk)


# -- terms --------------------------------------------------------------------------------------
def test_what_reviews_find_the_vote_need_not(world: World) -> None:
    assert vote_error(0.05, 0.0, 0, 0.9, 0.02) == 0.05
    assert vote_error(0.05, 0.5, 0, 0.9, 0.02) == pytest.approx(0.0741, abs=1e-4)
    # Everything is looked at again: any answer will do that is likelier right than wrong.
    assert vote_error(0.05, 1.0, 0, 0.95, 0.02) == 0.5
    # Reviewers who spoil more than the target allows do not make it harder.
    assert vote_error(0.01, 1.0, 0, 0.5, 0.05) >= 0.01


def test_the_terms_of_a_decision(world: World) -> None:
    routed(world, 1, rules=only("in_house", share=0.5, target_error=0.2, choice="random"))
    placement = Placement.objects.select_related("decision").get()
    terms = terms_of(placement.decision.public_id, placement.arrangement)
    assert terms.reviewed
    # Rate .95 of reviewers: ε (1 − .475) + (1 − ε) · .01 = .2
    assert 1 - terms.target == pytest.approx((0.2 - 0.01) / (1 - 0.475 - 0.01), abs=1e-6)
