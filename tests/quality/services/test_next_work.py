"""What an annotator does next, and adjudications that one of them holds."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from common.errors import Conflict
from quality.models import Adjudication, Judgment
from quality.services.adjudication_work import decide_in_hand, take_adjudication
from quality.services.adjudications import open_adjudication
from quality.services.next_work import next_work
from quality.services.reviewing import decide_review
from routing.errors import NotYours
from routing.models import Assignment, Project
from routing.services.assignments import release, skip
from tests.conftest import NOW, World
from tests.quality.services.checked import answered, as_person, drawn_review, people, routed_project

pytestmark = pytest.mark.django_db
HOURS = timedelta(hours=3)


def next_of(world: World, person: Any, later: timedelta = timedelta(0)) -> Assignment | None:
    by = as_person(world, person)
    return next_work(person, acting_user=by["acting_user"], now=by["now"] + later)


@pytest.fixture
def disputed(world: World) -> Adjudication:
    """A task answered by two of own staff; the other two may adjudicate it."""
    task = routed_project(world, tasks=1, adjudication_level=4)[0]
    staff = people(world)
    answered(world, task, staff[0], "cat")
    held = world.assign(task, staff[1], state="submitted", ended_at=NOW)
    Judgment.objects.create(
        task=task,
        annotator=staff[1],
        assignment=held,
        answer="dog",
        label="dog",
        source="form",
        submitted_at=NOW,
    )
    with transaction.atomic():
        return open_adjudication(task, why="unsure", **world.by)


def test_one_holds_an_adjudication_at_a_time(world: World, disputed: Adjudication) -> None:
    staff = people(world)
    held = next_of(world, staff[2])
    assert held is not None
    assert (held.purpose, held.annotator) == ("adjudication", staff[2])
    assert next_of(world, staff[2]) == held  # in hand: the same again
    assert next_of(world, staff[3]) is None
    # Who answered it gets it at no time.
    assert next_of(world, staff[0]) is None
    # The lease ran out: the next takes it, and who was too late is told.
    other = next_of(world, staff[3], HOURS)
    assert other is not None
    assert other.annotator == staff[3]
    late = {**as_person(world, staff[2]), "now": NOW + HOURS}
    with pytest.raises(Conflict, match="Somebody else"):
        decide_in_hand(held, answer="cow", reason="horns", **late)
    done = {**as_person(world, staff[3]), "now": NOW + HOURS}
    decide_in_hand(other, answer="cow", reason="horns", raw_seconds=12, **done)
    again = decide_in_hand(other, answer="cow", reason="horns", **done)
    assert (again.label, again.decided_by) == ("cow", staff[3].user)
    with pytest.raises(Conflict, match="decided already"):
        decide_in_hand(other, answer="cat", reason="no", **done)


def test_late_while_nobody_else_has_it(world: World, disputed: Adjudication) -> None:
    staff = people(world)
    held = next_of(world, staff[2])
    late = {**as_person(world, staff[2]), "now": NOW + HOURS}
    assert decide_in_hand(held, answer="cow", reason="horns", **late).label == "cow"


def test_what_was_left_out_goes_to_the_other_expert(world: World, disputed: Adjudication) -> None:
    staff = people(world)
    skip(next_of(world, staff[2]), reason="too_hard", **as_person(world, staff[2]))
    assert next_of(world, staff[2]) is None
    held = next_of(world, staff[3])
    assert held is not None
    # Given back, it may be taken again.
    release(held, **as_person(world, staff[3]))
    assert next_of(world, staff[3]) is not None


def test_nobody_takes_or_decides_for_somebody_else(world: World, disputed: Adjudication) -> None:
    staff = people(world)
    with pytest.raises(NotYours):
        take_adjudication(staff[2], **as_person(world, staff[3]))
    held = next_of(world, staff[2])
    for person in (staff[3], people(world, "alpha")[0]):
        with pytest.raises(NotYours):
            decide_in_hand(held, answer="cow", reason="horns", **as_person(world, person))
    disputed.refresh_from_db()
    assert disputed.decided_at is None


def test_checks_come_before_new_tasks(world: World) -> None:
    tasks = routed_project(world, tasks=3, second_review_share=0.0)
    staff = people(world)
    review = drawn_review(world, tasks[0], staff[0])
    first = next_of(world, staff[1])
    assert first is not None
    assert (first.purpose, first.task) == ("review", tasks[0])
    review.refresh_from_db()
    decide_review(review, outcome="accept", **as_person(world, staff[1]))
    second = next_of(world, staff[1])
    assert second is not None
    assert second.purpose == "label"


def test_a_review_that_was_put_off_waits(world: World) -> None:
    tasks = routed_project(world, tasks=3)
    Project.objects.update(skip_to="self")
    staff = people(world)
    drawn_review(world, tasks[0], staff[0])
    held = next_of(world, staff[1])
    skip(held, reason="too_hard", **as_person(world, staff[1]))
    after = next_of(world, staff[1])
    assert after is not None
    assert (after.purpose, after.task_id) != ("review", held.task_id)
