"""Adjudication: who may decide, what they see, and what comes of it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from common.errors import Conflict, Forbidden, Invalid, NotFound
from quality.errors import BadAnswer
from quality.models import Adjudication, Judgment, Label
from quality.services.adjudicating import (
    decide_adjudication,
    may_adjudicate,
    queue,
    sheet,
)
from quality.services.adjudications import ask_adjudication, open_adjudication
from routing.models import Task
from tests.conftest import World
from tests.quality.services.checked import answered, as_person, login, people, routed_project


@pytest.fixture
def disputed(world: World) -> Adjudication:
    """A task with answers cat, cat and dog of own staff, waiting for an adjudication."""
    task = routed_project(world, tasks=1)[0]
    staff = people(world)
    answered(world, task, staff[0], "cat")
    for person, label in ((staff[1], "cat"), (staff[2], "dog")):
        held = world.assign(task, person, state="submitted", ended_at=world.by["now"])
        Judgment.objects.create(
            task=task,
            annotator=person,
            assignment=held,
            answer=label,
            label=label,
            source="form",
            submitted_at=world.by["now"],
        )
    with transaction.atomic():
        return open_adjudication(task, why="unsure", **world.by)


def decide(world: World, row: Adjudication, **values: Any) -> Adjudication:
    return decide_adjudication(row, **{"reason": "whiskers", **world.as_("quality"), **values})


@pytest.mark.django_db
def test_what_wins_becomes_the_label(world: World, disputed: Adjudication) -> None:
    assert list(queue(world.users["quality"])) == [disputed]
    winner = Judgment.objects.filter(label="dog").get()
    done = decide(world, disputed, winner=winner, raw_seconds=40)
    assert (done.label, done.winner, done.decided_by) == ("dog", winner, world.users["quality"])
    label = Label.objects.get()
    assert (label.value, label.by, label.adjudication, label.judgment) == (
        "dog",
        "adjudication",
        done,
        winner,
    )
    assert Task.objects.get(pk=done.task_id).state == "accepted"
    assert not queue(world.users["quality"]).exists()
    # Again, the same changes nothing; anything else is told.
    assert decide(world, disputed, winner=winner) == done
    with pytest.raises(Conflict):
        decide(world, disputed, answer="fox")
    assert Label.objects.count() == 1


@pytest.mark.django_db
def test_none_of_them_may_be_right(world: World, disputed: Adjudication) -> None:
    done = decide(world, disputed, answer="fox")
    assert (done.winner, done.label) == (None, "fox")
    assert Label.objects.get().value == "fox"


@pytest.mark.django_db
def test_the_sheet_is_blind_and_stays_as_it_is(world: World, disputed: Adjudication) -> None:
    sides = sheet(disputed)
    assert sorted((side.value.label, side.votes) for side in sides) == [("cat", 2), ("dog", 1)]
    assert [side.name for side in sides] == ["A", "B"]
    assert sheet(disputed) == sides
    told = str(sides)
    for person in people(world):
        assert person.name not in told
        assert str(person.public_id) not in told


@pytest.mark.django_db
def test_who_answered_does_not_decide_whatever_their_role(
    world: World, disputed: Adjudication
) -> None:
    from accounts.choices import Role
    from accounts.models import Membership, User

    first, _second, _third, fourth = people(world)
    for person in (first, fourth):
        Membership.objects.create(user=person.user, role=Role.QUALITY_LEAD)
    involved, other = (User.objects.get(pk=person.user_id) for person in (first, fourth))
    assert not may_adjudicate(involved, disputed)
    assert not queue(involved).exists()
    with pytest.raises(NotFound):
        decide(world, disputed, answer="fox", acting_user=involved)
    with pytest.raises(IntegrityError), transaction.atomic():
        Adjudication.objects.filter(pk=disputed.pk).update(
            answer="fox", reason="mine", decided_by=involved, decided_at=world.by["now"]
        )
    assert may_adjudicate(other, disputed)


@pytest.mark.django_db
def test_own_staff_of_the_level_asked_for_may_decide_vendors_never(
    world: World, disputed: Adjudication
) -> None:
    fourth = people(world)[3]
    stranger = people(world, "beta")[0]
    for person in (fourth, stranger):
        assert not queue(login(world, person)).exists()
        with pytest.raises(NotFound):
            decide(world, disputed, answer="fox", **as_person(world, person))
    project = disputed.task.project
    project.adjudication_level = 4
    project.save()
    disputed.refresh_from_db()
    assert list(queue(login(world, fourth))) == [disputed]
    assert not queue(login(world, stranger)).exists()
    with pytest.raises(NotFound):
        decide(world, disputed, answer="fox", **as_person(world, stranger))
    assert decide(world, disputed, answer="fox", **as_person(world, fourth)).decided_by is not None


@pytest.mark.django_db
def test_gold_in_doubt_is_not_shown_to_who_is_measured(world: World) -> None:
    task = routed_project(world, tasks=1, adjudication_level=1)[0]
    answered(world, task, people(world)[0])
    with transaction.atomic():
        row = open_adjudication(task, why="gold", **world.by)
    expert = login(world, people(world)[3])
    assert not queue(expert).exists()
    assert not may_adjudicate(expert, row)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "answer"),
        ({"answer": "fox", "reason": "  "}, "reason"),
        ({"answer": {"no": 1}}, "answer"),
        ({"answer": "fox", "raw_seconds": -1}, "raw_seconds"),
    ],
)
def test_half_a_decision_is_refused(
    world: World, disputed: Adjudication, values: dict[str, Any], field: str
) -> None:
    with pytest.raises((Invalid, BadAnswer)) as caught:
        decide(world, disputed, **values)
    assert caught.value.field == field


@pytest.mark.django_db
def test_asking_for_one(world: World) -> None:
    first, second = routed_project(world, tasks=2)
    answered(world, first, people(world)[0])
    row = ask_adjudication(first, **world.as_("quality"))
    assert ask_adjudication(first, **world.as_("quality")) == row
    with pytest.raises(Conflict):
        ask_adjudication(second, **world.as_("quality"))
    with pytest.raises(Forbidden):
        ask_adjudication(first, **world.as_("finance"))


@pytest.mark.django_db
def test_it_calls_work_done_anew_back_and_replaces_a_label(
    world: World, disputed: Adjudication
) -> None:
    """Contested: the task is in rework, and somebody is at it."""
    from quality.services.labels import rework
    from routing.models import Assignment

    task = disputed.task
    Adjudication.objects.filter(pk=disputed.pk).update(decided_at=None)
    with transaction.atomic():
        rework(task, reason="rejected", **world.by)
        row = open_adjudication(task, why="reviews", **world.by)
    decide(world, row, answer="cat")
    task.refresh_from_db()
    assert task.state == "accepted"
    assert Label.objects.get(ended_at__isnull=True).value == "cat"
    assert not Assignment.objects.filter(task=task, state__in=("reserved", "in_progress")).exists()
    # Accepted work that is open to be worked anew is called back as well.
    from quality.services.verdicts import rework_accepted

    with transaction.atomic():
        assert rework_accepted(task.project_id, [task.pk], reason="doubt", **world.by) == 1
        open_again = open_adjudication(Task.objects.get(pk=task.pk), why="reviews", **world.by)
    decide(world, open_again, answer="cat")
    task.refresh_from_db()
    assert (task.state, task.attempt) == ("accepted", 3)
    # Asked again, with another outcome: the label gives way, the task stays accepted.
    again = ask_adjudication(task, **world.as_("quality"))
    decide(world, again, answer="dog")
    assert Label.objects.get(ended_at__isnull=True).value == "dog"
    assert Label.objects.filter(ended_at__isnull=False).count() == 2
    task.refresh_from_db()
    assert task.state == "accepted"
