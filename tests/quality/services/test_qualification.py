"""Qualification: a set gates a skill, a try asks it, the result verifies a level."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from common.errors import Conflict, Forbidden, Invalid, NotFound
from quality.models import QualificationSet, QualificationTry
from quality.services.gold import make_gold, retire_gold
from quality.services.mixing import unseen_gold
from quality.services.qualification_sets import (
    add_tasks,
    make_set,
    put_in_force,
    take_out_of_force,
)
from quality.services.qualifying import (
    level_for,
    next_task,
    start_try,
    withdraw_try,
)
from quality.services.skills import estimate_skills
from quality.services.submitting import submit
from routing.errors import NotYours
from routing.models import Assignment, Task
from routing.services.task_states import move_tasks
from tests.conftest import NOW, World
from tests.quality.services.checked import as_person, people
from workforce.models import AnnotatorSkill, Proficiency, Skill

SIZE = 20


@pytest.fixture
def asked(world: World) -> QualificationSet:
    """A set of 45 cats in force: 3 from .8, 5 from .95 right; two tries of 20."""
    tasks = world.add_tasks(world.add_project(), 45)
    with transaction.atomic():
        for before, after in (("open", "answered"), ("answered", "accepted")):
            move_tasks([t.pk for t in tasks], from_state=before, to_state=after, **world.by)
    for task in tasks:
        make_gold(task, answer="cat", **world.as_("quality"))
    made = make_set(
        skill=Skill.objects.get(key="image-classification"),
        name="Cats",
        levels={"5": 0.95, "3": 0.8},
        **world.as_("quality"),
    )
    add_tasks(made, Task.objects.all(), **world.as_("quality"))
    return put_in_force(made, **world.as_("quality"))


@pytest.fixture
def newcomer(world: World) -> Any:
    """A vendor's person whose skill is declared only."""
    person = world.add_person("alpha", "newcomer", verified=False, skills=())
    people(world, "alpha")
    person.refresh_from_db()
    return person


def sit(world: World, person: Any, right: int, at: Any = NOW, wrong: str = "dog") -> Any:
    """Have somebody sit a try with so many right answers."""
    skill = Skill.objects.get(key="image-classification")
    by = {"acting_user": person.user, "now": at}
    tried = start_try(person, skill, **by)
    number = 0
    while (assignment := next_task(tried, **by)) is not None:
        submit(
            assignment,
            answer="cat" if number < right else wrong,
            raw_seconds=5.0,
            source="form",
            **by,
        )
        number += 1
        if number == SIZE:
            break
    tried.refresh_from_db()
    return tried


@pytest.mark.django_db
def test_it_gates_a_skill_and_sets_the_level(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    tried = sit(world, newcomer, 17)
    assert (tried.state, tried.asked, tried.right, tried.level) == ("passed", 20, 17, 3)
    held = AnnotatorSkill.objects.get(annotator=newcomer)
    assert (held.level, held.state) == (3, "verified")
    # The set is the house's, and never the holder.
    assert held.verified_by.email.startswith("system.qualification")
    assert held.verified_by.organisation.kind == "house"
    purposes = set(Assignment.objects.values_list("purpose", "state"))
    assert purposes == {("qualification", "submitted")}
    assert set(Task.objects.values_list("state", flat=True)) == {"accepted"}
    with pytest.raises(Conflict):
        start_try(newcomer, asked.skill, **as_person(world, newcomer))


@pytest.mark.django_db
def test_who_fails_waits_and_is_asked_other_tasks(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    first = sit(world, newcomer, 15)
    assert (first.state, first.right, first.level) == ("failed", 15, None)
    assert not AnnotatorSkill.objects.filter(annotator=newcomer).exists()
    with pytest.raises(Conflict, match="not before"):
        start_try(newcomer, asked.skill, **as_person(world, newcomer))
    second = sit(world, newcomer, 20, at=NOW + timedelta(days=8))
    assert (second.number, second.state, second.level) == (2, "passed", 5)
    assert not set(first.tasks.values_list("pk", flat=True)) & set(
        second.tasks.values_list("pk", flat=True)
    )


@pytest.mark.django_db
def test_tries_count_for_the_human_being(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    from workforce.services.people import join_as_one

    other = world.add_person("beta", "double", verified=False, skills=())
    people(world, "beta")
    other.refresh_from_db()
    sit(world, newcomer, 0)
    join_as_one([newcomer, other], note="one", **world.by)
    other.refresh_from_db()
    with pytest.raises(Conflict):
        start_try(other, asked.skill, **as_person(world, other))
    second = sit(world, other, 0, at=NOW + timedelta(days=8))
    assert second.state == "failed"
    with pytest.raises(Conflict, match="used up"):
        start_try(newcomer, asked.skill, acting_user=newcomer.user, now=NOW + timedelta(days=30))


@pytest.mark.django_db
def test_nobody_else_acts_and_strangers_see_nothing(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    from accounts.access import scoped

    stranger = people(world, "beta")[0]
    with pytest.raises(NotYours):
        start_try(newcomer, asked.skill, **as_person(world, stranger))
    tried = start_try(newcomer, asked.skill, **as_person(world, newcomer))
    with pytest.raises(NotYours):
        next_task(tried, **as_person(world, stranger))
    rows = QualificationTry.objects.all()
    assert list(scoped(rows, newcomer.user)) == [tried]
    assert not scoped(rows, stranger.user).exists()
    assert not scoped(QualificationSet.objects.all(), newcomer.user).exists()
    with pytest.raises(NotFound):
        start_try(newcomer, Skill.objects.get(key="text-spans"), **as_person(world, newcomer))


@pytest.mark.django_db
def test_one_task_in_hand_and_one_try_under_way(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    by = as_person(world, newcomer)
    tried = start_try(newcomer, asked.skill, **by)
    assert start_try(newcomer, asked.skill, **by) == tried
    held = next_task(tried, **by)
    assert held is not None
    assert next_task(tried, **by) == held
    withdrawn = withdraw_try(tried, reason="wrong set", **world.as_("quality"))
    assert withdraw_try(tried, reason="again", **world.as_("quality")) == withdrawn
    held.refresh_from_db()
    assert held.state == "withdrawn"
    with pytest.raises(Conflict):
        next_task(tried, **by)
    # It counts as none; what was seen is not asked again.
    again = start_try(newcomer, asked.skill, **by)
    assert again != tried
    assert held.task_id not in again.tasks.values_list("pk", flat=True)


@pytest.mark.django_db
def test_a_higher_level_that_was_verified_stays(world: World, asked: QualificationSet) -> None:
    person = people(world, "alpha")[0]
    AnnotatorSkill.objects.filter(annotator=person, skill=asked.skill).update(level=5)
    assert sit(world, person, 16).level == 3
    held = AnnotatorSkill.objects.get(annotator=person, skill=asked.skill)
    assert (held.level, held.state) == (5, "verified")


@pytest.mark.django_db
def test_what_is_asked_openly_is_no_evidence_and_never_mixed_in(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    sit(world, newcomer, 20)
    later = NOW + timedelta(hours=1)
    estimate_skills(acting_user=world.users["quality"], now=later)
    assert not Proficiency.objects.filter(annotator=newcomer).exists()
    task = Task.objects.first()
    assert task is not None
    assert unseen_gold([-1], task.project_id, task.task_type_id, NOW) == []


@pytest.mark.django_db
def test_what_a_set_may_ask(world: World, asked: QualificationSet) -> None:
    by = world.as_("quality")
    fresh = world.add_tasks(asked.items.first().task.project, 3)
    with pytest.raises(Invalid, match="no gold"):
        add_tasks(asked, fresh[:1], **by)
    make_gold(fresh[1], answer="cat", **by)
    with pytest.raises(Invalid, match="still to be worked"):
        add_tasks(asked, fresh[1:2], **by)
    with pytest.raises(Forbidden):
        add_tasks(asked, [], **world.by)
    other = make_set(skill=asked.skill, name="More", levels={"3": 0.8}, **by)
    with pytest.raises(Invalid, match="another set"):
        add_tasks(other, [asked.items.first().task], **by)
    with pytest.raises(Conflict):
        put_in_force(other, **by)
    assert add_tasks(asked, [asked.items.first().task], **by) == 0
    # Gold that is retired is asked no more: too few are left for a try.
    for item in asked.items.all()[:30]:
        retire_gold(item.task.gold.get(), reason="worn", **by)
    with pytest.raises(Conflict):
        start_try(people(world)[0], asked.skill, **as_person(world, people(world)[0]))
    assert not take_out_of_force(asked, **by).is_active


@pytest.mark.django_db
@pytest.mark.parametrize(
    "levels", [{}, {"0": 0.5}, {"6": 0.5}, {"3": 0}, {"3": 1.1}, {"3": 0.9, "4": 0.9}, {"x": 1}]
)
def test_levels_that_are_none_are_refused(world: World, levels: dict[str, float]) -> None:
    skill = Skill.objects.get(key="image-classification")
    with pytest.raises(Invalid):
        make_set(skill=skill, name="Cats", levels=levels, **world.as_("quality"))


def test_a_share_that_equals_the_one_asked_for_reaches_it() -> None:
    asked = QualificationSet(levels={"3": 0.8, "4": 0.9, "5": 0.95})
    shares = [n / 20 for n in range(21)]
    found = [level_for(asked, share) for share in shares]
    assert found == [None] * 16 + [3, 3, 4, 5, 5]
