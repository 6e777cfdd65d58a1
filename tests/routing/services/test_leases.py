"""Leases that ran out: ended many at a time, each seat given back once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from routing.models import Assignment, AssignmentStep, Placement, Task, TaskStep
from routing.services import assignments, claiming
from routing.services.assignments import expire_leases
from routing.services.claiming import claim
from tests.conftest import NOW, World
from tests.quality.services.work import login, only, people, routed

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=31)


def test_many_take_no_more_statements_than_few(world: World) -> None:
    routed(world, 24)
    by = {"acting_user": world.users["operations"]}
    counts = []
    for person, count in zip(people(), (1, 5), strict=False):
        made = claim(person, count=count, now=NOW, **by)
        assert len(made) == count
        with CaptureQueriesContext(connection) as captured:
            assert expire_leases(now=LATER, **by) == count
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert not Placement.objects.filter(taken__gt=0).exists()
    assert set(Task.objects.values_list("state", flat=True)) == {"open"}


def test_two_of_one_task_and_a_third_that_goes_on(world: World) -> None:
    routed(world, 1, rules=only("in_house", answers=3, target_error=0.02))
    Placement.objects.update(opened=3)
    persons = people()[:3]
    for person in persons:
        claim(person, acting_user=login(world, person), now=NOW)
    lasting = Assignment.objects.get(annotator=persons[2])
    by = {"acting_user": login(world, persons[2])}
    assignments.heartbeat(lasting, now=NOW + timedelta(minutes=20), **by)
    by = {"acting_user": world.users["operations"], "now": LATER}
    assert expire_leases(**by) == 2
    assert [row.taken for row in Placement.objects.all()] == [1]
    # Somebody still holds it.
    assert Task.objects.get().state == "held"
    by["now"] = NOW + timedelta(minutes=51)
    assert expire_leases(**by) == 1
    assert [row.taken for row in Placement.objects.all()] == [0]
    assert Task.objects.get().state == "open"
    steps = AssignmentStep.objects.filter(to_state="expired")
    assert steps.count() == steps.values("assignment").distinct().count() == 3
    assert list(TaskStep.objects.values_list("to_state", flat=True)) == ["held", "open"]


def test_what_is_worked_anew_goes_back_to_rework(world: World) -> None:
    routed(world, 1)
    task = Task.objects.get()
    person = people()[0]
    Task.objects.filter(pk=task.pk).update(attempt=2)
    (mine,) = claim(person, acting_user=login(world, person), now=NOW)
    assert mine.attempt == 2
    expire_leases(acting_user=world.users["operations"], now=LATER)
    assert Task.objects.get().state == "rework"


def test_gold_gives_back_no_seat(world: World) -> None:
    routed(world, 1)
    task = Task.objects.get()
    first, second = people()[:2]
    claim(first, acting_user=login(world, first), now=LATER)
    take = {"purpose": "gold", "acting_user": login(world, second), "now": NOW}
    claiming.take(second, task, **take)
    assert expire_leases(acting_user=world.users["operations"], now=LATER) == 1
    assert Placement.objects.get().taken == 1
    assert Task.objects.get().state == "held"
