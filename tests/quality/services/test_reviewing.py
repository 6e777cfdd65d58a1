"""Reviews: taken, decided without knowing whose answer it is, and what follows from them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.choices import Role
from audit.models import Event
from common.errors import Conflict, Invalid, NotFound
from quality.errors import BadAnswer
from quality.models import Adjudication, Label, Review
from quality.services.outcomes import contest_review
from quality.services.reviewing import decide_review, take_review
from routing.errors import NotYours
from routing.models import Assignment
from tests.conftest import NOW, World
from tests.quality.services.checked import (
    as_person,
    drawn_review,
    login,
    people,
    routed_project,
)

REJECT = {"outcome": "reject", "category": "wrong_label", "severity": "major"}
FIX = {**REJECT, "outcome": "fix", "answer": "dog"}


@pytest.fixture
def work(world: World) -> World:
    """Two tasks answered by the first of own staff, all drawn for review; no second reviews."""
    tasks = routed_project(world, tasks=2, second_review_share=0.0)
    staff = people(world)
    for task in tasks:
        drawn_review(world, task, staff[0])
    return world


def taken(world: World, person: Any, **values: Any) -> Review:
    found = take_review(person, **{**as_person(world, person), **values})
    assert found is not None
    return found


def decided(world: World, review: Review, person: Any, **values: Any) -> Review:
    return decide_review(
        review, **{"outcome": "accept", "raw_seconds": 4.0, **as_person(world, person), **values}
    )


def reach(world: World, person: Any, wanted: Review) -> Review:
    """Have a person take reviews, accepting others, until they hold the wanted one."""
    held = taken(world, person)
    while held.pk != wanted.pk:
        decided(world, held, person)
        held = taken(world, person)
    return held


@pytest.mark.django_db
def test_accept_gives_the_label(work: World) -> None:
    _first, second, *_ = people(work)
    review = taken(work, second)
    assert review.assignment is not None
    assert (review.state, review.assignment.purpose) == ("taken", "review")
    done = decided(work, review, second, now=NOW + timedelta(seconds=9))
    assert (done.state, done.outcome, done.reviewer) == ("done", "accept", second)
    assert (done.raw_seconds, done.billable_seconds, done.time_rule) == (4.0, 4.0, "review 1")
    label = Label.objects.get(task=done.task)
    assert (label.value, label.by, label.review, label.judgment) == (
        "cat",
        "answer",
        done,
        done.judgment,
    )
    done.task.refresh_from_db()
    assert done.task.state == "accepted"
    assert Assignment.objects.get(pk=review.assignment_id).state == "submitted"
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert [k for k in kinds if k.startswith("review.")] == ["review.taken", "review.decided"]


@pytest.mark.django_db
def test_fix_gives_the_reviewers_label_and_reject_has_it_worked_anew(work: World) -> None:
    _first, second, *_ = people(work)
    fixed = decided(work, taken(work, second), second, **FIX)
    label = Label.objects.get(task=fixed.task)
    assert (label.value, label.by, label.judgment) == ("dog", "review", None)
    rejected = decided(work, taken(work, second), second, **REJECT, comment="a fox")
    task = rejected.task
    task.refresh_from_db()
    assert (task.state, task.attempt) == ("held", 2)
    assert not Label.objects.filter(task=task).exists()
    # Free text stands beside the event, where it can be erased.
    event = Event.objects.get(kind="review.decided", data__outcome="reject")
    assert "fox" not in str(event.data)


@pytest.mark.django_db
def test_nobody_reviews_what_they_answered_by_any_account(work: World) -> None:
    from workforce.services.people import join_as_one

    first, second, third, _fourth = people(work)
    assert take_review(first, **as_person(work, first)) is None
    join_as_one([first, second], note="the same", **work.by)
    for person in (first, second):
        person.refresh_from_db()
        assert take_review(person, **as_person(work, person)) is None
    assert take_review(third, **as_person(work, third)) is not None


@pytest.mark.django_db
def test_another_vendors_person_finds_nothing_and_cannot_tell(work: World) -> None:
    (stranger, *_) = people(work, "beta")
    _first, second, third, _fourth = people(work)
    assert take_review(stranger, **as_person(work, stranger)) is None
    review = taken(work, second)
    for person in (stranger, third):
        with pytest.raises(NotYours):
            decided(work, review, person)
        with pytest.raises(NotYours):
            take_review(second, **as_person(work, person))
    review.refresh_from_db()
    assert review.state == "taken"


@pytest.mark.django_db
def test_one_review_in_hand_and_each_taken_by_one(work: World) -> None:
    _first, second, third, fourth = people(work)
    review = taken(work, second)
    assert taken(work, second) == review
    other = taken(work, third)
    assert other != review
    assert take_review(fourth, **as_person(work, fourth)) is None


@pytest.mark.django_db
def test_a_lease_that_ran_out_gives_the_review_to_others_or_back(work: World) -> None:
    _first, second, third, _fourth = people(work)
    review = taken(work, second)
    later = {"now": NOW + timedelta(hours=1)}
    # Nobody else wants it: the late decision counts.
    assert decided(work, review, second, **later).state == "done"
    other = taken(work, second, **later)
    after = {"now": NOW + timedelta(hours=3)}
    assert taken(work, third, **after) == other
    with pytest.raises(NotYours):
        decided(work, other, second, **after)
    assert decided(work, other, third, **after).reviewer == third


@pytest.mark.django_db
def test_decided_twice_is_decided_once(work: World) -> None:
    _first, second, third, _fourth = people(work)
    review = taken(work, second)
    done = decided(work, review, second, **FIX)
    assert decided(work, review, second, **FIX) == done
    with pytest.raises(Conflict):
        decided(work, review, second)
    with pytest.raises(NotYours):
        decided(work, review, third, **FIX)
    assert Label.objects.filter(task=done.task).count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"outcome": "perhaps"}, "outcome"),
        ({"outcome": "accept", "answer": "dog"}, "outcome"),
        ({"outcome": "reject"}, "category"),
        ({**REJECT, "severity": "awful"}, "severity"),
        ({**FIX, "answer": None}, "answer"),
        ({**FIX, "answer": "cat"}, "answer"),
        ({**FIX, "answer": ""}, "answer"),
        ({"outcome": "accept", "raw_seconds": float("nan")}, "raw_seconds"),
        ({"outcome": "accept", "raw_seconds": 3.2e9}, "raw_seconds"),
    ],
)
def test_half_a_decision_is_refused(work: World, values: dict[str, Any], field: str) -> None:
    second = people(work)[1]
    review = taken(work, second)
    with pytest.raises((Invalid, BadAnswer)) as caught, transaction.atomic():
        decided(work, review, second, **values)
    assert caught.value.field == field
    review.refresh_from_db()
    assert review.state == "taken"


@pytest.mark.django_db
def test_a_clock_that_goes_back_bills_nothing_it_cannot_know(work: World) -> None:
    second = people(work)[1]
    done = decided(work, taken(work, second), second, raw_seconds=-5.0, now=NOW)
    assert (done.raw_seconds, done.billable_seconds) == (None, 0.0)


@pytest.fixture
def twice(world: World) -> World:
    """Two tasks answered and drawn; a second person does every review as well."""
    tasks = routed_project(world, tasks=2, second_review_share=1.0)
    staff = people(world)
    for task in tasks:
        drawn_review(world, task, staff[0])
    return world


def second_of(review: Review) -> Review:
    return Review.objects.get(judgment=review.judgment, number=2)


@pytest.mark.django_db
def test_nothing_follows_before_the_second_review_and_two_that_agree_decide(twice: World) -> None:
    _first, second, third, _fourth = people(twice)
    one = taken(twice, second)
    decided(twice, one, second, **REJECT)
    one.task.refresh_from_db()
    assert one.task.state == "answered"
    other = second_of(one)
    assert (other.why, other.probability, other.state) == ("random", 1.0, "pending")
    # The first reviewer is not asked again.
    assert taken(twice, second).pk != other.pk
    assert taken(twice, third) == other
    decided(twice, other, third, **REJECT)
    one.task.refresh_from_db()
    assert (one.task.state, one.task.attempt) == ("held", 2)
    assert not Adjudication.objects.exists()


@pytest.mark.django_db
def test_two_that_differ_are_adjudicated(twice: World) -> None:
    _first, second, third, _fourth = people(twice)
    one = decided(twice, taken(twice, second), second)
    decided(twice, reach(twice, third, second_of(one)), third, **FIX)
    row = Adjudication.objects.get()
    assert (row.task, row.why) == (one.task, "reviews")
    one.task.refresh_from_db()
    assert one.task.state == "answered"
    assert not Label.objects.filter(task=one.task).exists()


@pytest.mark.django_db
def test_a_contest_brings_a_second_person_and_once_only(work: World) -> None:
    first, second, third, _fourth = people(work)
    review = decided(work, taken(work, second), second, **REJECT)
    task = review.task
    for stranger in (third, people(work, "beta")[0]):
        with pytest.raises(NotFound):
            contest_review(review, reason="I looked", **as_person(work, stranger))
    with pytest.raises(Invalid):
        contest_review(review, reason=" ", **as_person(work, first))
    made = contest_review(review, reason="It is a cat", **as_person(work, first))
    assert contest_review(review, reason="It is a cat", **as_person(work, first)) == made
    assert (made.why, made.probability, made.number) == ("disagreement", None, 2)
    # The task is worked anew meanwhile: what the second person says goes to a person to decide.
    decided(work, reach(work, third, made), third)
    row = Adjudication.objects.get()
    assert (row.task, row.why) == (task, "reviews")


@pytest.mark.django_db
def test_a_contest_that_fails_changes_nothing(work: World) -> None:
    first, second, third, _fourth = people(work)
    review = decided(work, taken(work, second), second, **FIX)
    made = contest_review(review, reason="It is a cat", **as_person(work, first))
    review.task.refresh_from_db()
    before = list(Label.objects.values_list("pk", flat=True))
    decided(work, reach(work, third, made), third, **FIX)
    assert Label.objects.filter(task=review.task).count() == 1
    assert before[0] in Label.objects.values_list("pk", flat=True)
    assert not Adjudication.objects.exists()
    with pytest.raises(Conflict):
        contest_review(made, reason="again", **as_person(work, first))


@pytest.mark.django_db
def test_a_review_of_a_task_taken_back_is_called_off(work: World) -> None:
    from quality.services.labels import cancel

    _first, second, *_ = people(work)
    review = taken(work, second)
    cancel([review.task], reason="the customer left", **work.as_("quality"))
    review.refresh_from_db()
    assert review.state == "cancelled"
    with pytest.raises(Conflict):
        decided(work, review, second)


@pytest.mark.django_db
def test_a_quality_lead_reviews_with_an_annotator_of_their_own(work: World) -> None:
    lead = work.add_person("in-house", "lead")
    login(work, lead, Role.QUALITY_LEAD)
    review = taken(work, lead)
    assert decided(work, review, lead).reviewer == lead
    with pytest.raises(NotYours):
        decided(work, review, people(work)[2])


@pytest.mark.django_db
@pytest.mark.parametrize("gate", ["skill", "level", "clearance", "pause", "project"])
def test_every_gate_is_asked_again_when_a_review_is_taken(work: World, gate: str) -> None:
    from routing.models import Project
    from workforce.models import AnnotatorSkill
    from workforce.services.people import change_status

    second = people(work)[1]
    project = Project.objects.get()
    if gate == "skill":
        AnnotatorSkill.objects.filter(annotator=second).update(
            state="declared", verified_by=None, verified_at=None
        )
    elif gate == "level":
        Project.objects.update(minimum_level=5)
    elif gate == "clearance":
        Project.objects.update(minimum_clearance=3)
    elif gate == "pause":
        until = NOW + timedelta(days=1)
        change_status(second, "paused", reason="rest", until=until, **work.as_("quality"))
    else:
        project.is_open = False
        project.save()
    assert take_review(second, **as_person(work, second)) is None


@pytest.mark.django_db
def test_work_that_no_decision_sent_is_reviewed_by_able_own_staff(world: World) -> None:
    from quality.models import Judgment
    from workforce.models import AnnotatorSkill

    task = world.add_tasks(world.add_project(), 1)[0]
    first, second, third, *_ = people(world)
    judgment = Judgment.objects.create(
        task=task, annotator=first, answer="cat", label="cat", source="import", submitted_at=NOW
    )
    Review.objects.create(
        task=task, judgment=judgment, why="evidence", probability=1.0, created_at=NOW
    )
    stranger = people(world, "alpha")[0]
    AnnotatorSkill.objects.filter(annotator=third).update(
        state="declared", verified_by=None, verified_at=None
    )
    for person in (first, third, stranger):
        assert take_review(person, **as_person(world, person)) is None
    done = decided(world, taken(world, second), second, **FIX)
    assert done.outcome == "fix"


@pytest.mark.django_db
def test_rework_goes_back_to_who_did_the_work_for_a_day(work: World) -> None:
    from routing.models import Placement
    from routing.services.assignments import expire_leases
    from routing.services.claiming import claim

    first, second, third, _fourth = people(work)
    review = decided(work, taken(work, second), second, **REJECT)
    held = Assignment.objects.get(task=review.task, state="reserved")
    assert (held.annotator, held.attempt, held.purpose) == (first, 2, "label")
    assert held.lease_until == NOW + timedelta(days=1)
    seat = Placement.objects.get(task=review.task, run=review.task.project.current_run)
    assert (seat.taken, seat.opened) == (1, 1)
    assert claim(third, **as_person(work, third)) == []
    # A day later it is everybody's.
    later = NOW + timedelta(days=1, hours=1)
    expire_leases(acting_user=work.users["operations"], now=later)
    (made,) = claim(third, acting_user=third.user, now=later)
    assert (made.task_id, made.attempt) == (review.task_id, 2)


@pytest.mark.django_db
def test_rework_goes_to_somebody_else_where_the_project_says_so(work: World) -> None:
    from routing.models import Project
    from routing.services.claiming import claim

    Project.objects.update(rework_to="others")
    first, second, third, _fourth = people(work)
    review = decided(work, taken(work, second), second, **REJECT)
    review.task.refresh_from_db()
    assert review.task.state == "rework"
    assert claim(first, **as_person(work, first)) == []
    (made,) = claim(third, **as_person(work, third))
    assert (made.task_id, made.attempt) == (review.task_id, 2)


@pytest.mark.django_db
@pytest.mark.parametrize("gone", ["left", "paused", "shut"])
def test_rework_is_everybodys_where_who_did_it_may_not_have_it(work: World, gone: str) -> None:
    from workforce.models import AnnotatorSkill
    from workforce.services.people import change_status

    first, second, *_ = people(work)
    if gone == "left":
        change_status(first, "left", **work.as_("operations"))
    elif gone == "paused":
        until = NOW + timedelta(days=1)
        change_status(first, "paused", reason="rest", until=until, **work.as_("quality"))
    else:
        AnnotatorSkill.objects.filter(annotator=first).update(
            state="declared", verified_by=None, verified_at=None
        )
    review = decided(work, taken(work, second), second, **REJECT)
    review.task.refresh_from_db()
    assert (review.task.state, review.task.attempt) == ("rework", 2)
    assert not Assignment.objects.filter(task=review.task, state="reserved").exists()
