"""Assigning by hand, moving work to somebody else, taking it back: every gate as at a claim."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from common.errors import Forbidden, Invalid
from routing.models import Assignment, AssignmentStep, Placement, Project, Task
from routing.services import assignments
from routing.services.assigning import assign_tasks, reassign
from routing.services.assignments import end_many
from routing.services.claiming import claim, take
from tests.conftest import NOW, World
from tests.quality.services.work import answer, login, only, people, routed
from workforce.models import Annotator, AnnotatorSkill

pytestmark = pytest.mark.django_db


@pytest.fixture
def street(world: World) -> World:
    routed(world, 8)
    return world


def tasks() -> list[Task]:
    return list(Task.objects.order_by("pk"))


def taken() -> int:
    return sum(Placement.objects.values_list("taken", flat=True))


def test_tasks_are_given_by_hand(street: World) -> None:
    person = people()[1]
    found = assign_tasks(tasks()[:3], person, **street.by)
    assert found.refused == []
    assert [row.task_id for row in found.made] == [task.pk for task in tasks()[:3]]
    for row in Assignment.objects.all():
        assert (row.annotator, row.state, row.purpose) == (person, "reserved", "label")
        assert row.assigned_by == street.users["operations"]
        assert row.decision_id is not None
        assert row.effort_seconds > 0
        assert row.lease_until == NOW + timedelta(minutes=30)
    assert taken() == 3
    assert {task.state for task in tasks()[:3]} == {"held"}
    assert Event.objects.filter(kind="assignment.reserved").count() == 3
    # Given again, each is told; nothing changes.
    again = assign_tasks(tasks()[:3], person, **street.by)
    assert again.made == []
    assert {why for _task, why in again.refused} == {"no seat of it is free"}
    assert taken() == 3


def why(found: Any) -> str:
    (only_one,) = found.refused
    return str(only_one[1])


def test_every_gate_and_limit_is_asked(street: World) -> None:
    person, other = people()[:2]
    task = tasks()[0]
    charlie = people("alpha")[0]
    assert "not placed with the pool of" in why(assign_tasks([task], charlie, **street.by))
    AnnotatorSkill.objects.filter(annotator=other).update(level=1)
    Project.objects.update(minimum_level=4)
    # Facts count once a transaction; in another one the gate is shut.
    from routing.services import eligibility, rules_now

    eligibility._kept.clear()
    rules_now._kept.clear()
    assert why(assign_tasks([task], other, **street.by)).startswith("gate: ")
    Project.objects.update(minimum_level=1)
    eligibility._kept.clear()
    rules_now._kept.clear()
    (mine,) = claim(person, acting_user=login(street, person), now=NOW)
    assignments.skip(mine, reason="unclear", acting_user=login(street, person), now=NOW)
    assert "has or had it" in why(assign_tasks([mine.task], person, **street.by))
    street.set_state(task, "answered")
    refused = why(assign_tasks([Task.objects.get(pk=task.pk)], person, **street.by))
    assert refused == "it is answered"
    world_pool = person.pool
    type(world_pool).objects.filter(pk=world_pool.pk).update(is_active=False)
    eligibility._kept.clear()
    assert "may not work now" in why(assign_tasks([tasks()[3]], person, **street.by))
    assert taken() == 0


def test_limits_hold_and_can_be_passed_by(street: World) -> None:
    person = people()[0]
    found = assign_tasks(tasks(), person, **street.by)
    assert (len(found.made), len(found.refused)) == (5, 3)
    assert {reason for _task, reason in found.refused} == {
        "the limit of tasks in hand, or of harmful content, is reached"
    }
    found = assign_tasks(tasks()[5:7], person, beyond_limit=True, **street.by)
    assert len(found.made) == 2
    Annotator.objects.filter(pk=person.pk).update(daily_cap=7)
    from routing.services import eligibility

    eligibility._kept.clear()
    (refused,) = assign_tasks(tasks()[7:], person, beyond_limit=True, **street.by).refused
    assert "answers a day" in refused[1]


def test_the_answers_of_a_day_hold_within_one_giving(street: World) -> None:
    person = people()[0]
    Annotator.objects.filter(pk=person.pk).update(daily_cap=2)
    found = assign_tasks(tasks()[:4], person, beyond_limit=True, **street.by)
    assert len(found.made) == 2
    assert [reason for _task, reason in found.refused] == [
        "the limit of answers a day is reached"
    ] * 2


def test_work_is_moved_to_somebody_else(street: World) -> None:
    giver, receiver = people()[:2]
    made = claim(giver, count=3, acting_user=login(street, giver), now=NOW)
    assignments.start(made[0], acting_user=login(street, giver), now=NOW)
    found = reassign(made[:2], receiver, reason="she is ill", **street.by)
    assert found.refused == []
    assert [row.annotator_id for row in found.made] == [receiver.pk] * 2
    before = Assignment.objects.filter(pk__in=[row.pk for row in made[:2]])
    assert {(row.state, row.reason) for row in before} == {("withdrawn", "she is ill")}
    step = AssignmentStep.objects.filter(assignment=made[0]).latest("sequence")
    assert (step.to_state, step.reason) == ("withdrawn", "she is ill")
    assert step.actor == street.users["operations"]
    assert taken() == 3
    assert {task.state for task in tasks()[:3]} <= {"held"}
    # The receiver answers it as if they had claimed it.
    assert answer(street, found.made[0]).annotator == receiver
    # Moved to who has it, it stays.
    assert reassign([found.made[1]], receiver, reason="x", **street.by).made == []
    assert Assignment.objects.get(pk=found.made[1].pk).state == "reserved"


def test_what_cannot_be_moved_stays_where_it_is(street: World) -> None:
    giver, receiver = people()[:2]
    made = claim(giver, count=2, acting_user=login(street, giver), now=NOW)
    answer(street, made[0])
    charlie = people("alpha")[0]
    found = reassign(made, charlie, reason="ill", **street.by)
    reasons = [reason for _task, reason in found.refused]
    assert reasons[0].startswith("it is not in hand any more")
    assert "not placed with the pool of" in reasons[1]
    assert Assignment.objects.get(pk=made[1].pk).state == "reserved"
    gold = take(giver, tasks()[5], purpose="gold", acting_user=login(street, giver), now=NOW)
    (refused,) = reassign([gold], receiver, reason="ill", **street.by).refused
    assert refused[1] == "only labelling can be given to somebody else"
    assert Assignment.objects.get(pk=gold.pk).state == "reserved"
    assert taken() == 2


def test_a_task_of_a_vote_is_not_moved_to_who_answered_it(world: World) -> None:
    routed(world, 1, rules=only("in_house", answers=3, target_error=0.02))
    Placement.objects.update(opened=2)
    first, second = people()[:2]
    mine = claim(first, acting_user=login(world, first), now=NOW)[0]
    answer(world, mine)
    theirs = claim(second, acting_user=login(world, second), now=NOW)
    assert len(theirs) == 1
    (refused,) = reassign(theirs, first, reason="x", **world.by).refused
    assert "has or had it" in refused[1]
    third = people()[2]
    (moved,) = reassign(theirs, third, reason="x", **world.by).made
    assert moved.annotator == third
    assert Task.objects.get().state == "held"


def test_many_are_taken_back_at_one_time(street: World) -> None:
    one, two = people()[:2]
    counts = []
    for person, count in ((one, 1), (two, 5)):
        made = claim(person, count=count, acting_user=login(street, person), now=NOW)
        assert len(made) == count
        with CaptureQueriesContext(connection) as captured:
            assert end_many(made, "withdrawn", reason="customer stops", **street.by) == count
        counts.append(len(captured))
        assert end_many(made, "withdrawn", reason="customer stops", **street.by) == 0
    assert counts[0] == counts[1]
    assert taken() == 0
    assert {task.state for task in tasks()} == {"open"}
    event = Event.objects.filter(kind="assignment.withdrawn").latest("pk")
    assert event.data["count"] == 5
    (again,) = claim(one, acting_user=login(street, one), now=NOW)
    with pytest.raises(Invalid):
        end_many([again], "withdrawn", reason=" ", **street.by)
    with pytest.raises(Invalid):
        reassign([again], two, reason="", **street.by)
    with pytest.raises(ValueError, match="submitted"):
        end_many([again], "submitted", reason="x", **street.by)


def test_only_who_manages_assignments(street: World, vendor_user: Any) -> None:
    person = people()[0]
    (mine,) = claim(person, acting_user=login(street, person), now=NOW)
    for user in (street.users["quality"], street.users["finance"], vendor_user, person.user):
        by = {"acting_user": user, "now": NOW}
        for act in (
            lambda by=by: assign_tasks(tasks()[:1], person, **by),
            lambda by=by: reassign([mine], person, reason="x", **by),
            lambda by=by: end_many([mine], "released", reason="x", **by),
        ):
            with pytest.raises(Forbidden):
                act()
    assert Assignment.objects.get().state == "reserved"


def test_more_than_a_page_of_them_is_refused(street: World) -> None:
    from routing.services import assigning

    many = [Task(pk=number) for number in range(1, assigning.MOST + 2)]
    with pytest.raises(Invalid, match="500"):
        assign_tasks(many, people()[0], **street.by)
