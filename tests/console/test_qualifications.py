"""Qualification sets in the console: making one, its tasks, in force and out, how people did."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.models import Event
from common.errors import Conflict, Forbidden, Invalid
from quality.models import QualificationItem, QualificationSet, QualificationTry
from quality.services.gold import make_gold
from quality.services.qualification_sets import change_set, free_gold, remove_tasks
from quality.services.qualifying import start_try
from routing.models import Task
from tests.conftest import NOW, World
from tests.quality.services.test_qualification import asked, newcomer, sit
from workforce.models import Skill

__all__ = ["asked", "newcomer"]  # fixtures
SENT = {"_form_submitted": "1"}
LIST = "admin:quality_qualificationset_changelist"
TRIES = "admin:quality_qualificationtry_changelist"


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def page(row: Any, name: str = "change") -> str:
    model = type(row)._meta.model_name
    return reverse(f"admin:quality_{model}_{name}", args=[row.pk])


def typed(**values: str) -> dict[str, str]:
    skill = Skill.objects.get(key="image-classification")
    return {
        "skill": str(skill.pk),
        "name": "Dogs",
        "levels": "3: 0.8, 4: 0.9",
        "size": "20",
        "tries": "2",
        "wait_days": "7",
        "lease_minutes": "60",
        **values,
    }


def test_a_set_is_made_filled_and_put_in_force(world: World, asked: QualificationSet) -> None:
    browser = client(world.users["quality"])
    assert browser.get(reverse("admin:quality_qualificationset_add")).status_code == 200
    answer = browser.post(reverse("admin:quality_qualificationset_add"), typed())
    assert answer.status_code == 302, answer.context["errors"]
    made = QualificationSet.objects.get(name="Dogs")
    assert made.levels == {"3": 0.8, "4": 0.9}
    assert "Nothing yet" in browser.get(page(made)).content.decode()
    project = Task.objects.all()[0].project
    refused = browser.post(page(made, "put_in_force"), SENT, follow=True)
    made.refresh_from_db()
    assert not made.is_active
    assert refused.status_code == 200
    # All the gold there is stands in the other set; more is made.
    tasks = world.add_tasks(project, 50, state="accepted")
    for task in tasks:
        make_gold(task, answer="cat", **world.as_("quality"))
    named = "\n".join(task.external_id for task in tasks[:10])
    browser.post(page(made, "add_tasks"), {**SENT, "project": project.pk, "named": named})
    assert made.items.count() == 10
    browser.post(
        page(made, "add_tasks"), {**SENT, "project": project.pk, "named": "", "count": "35"}
    )
    assert made.items.count() == 45
    gone = "\n".join(task.external_id for task in tasks[:2])
    browser.post(page(made, "remove_tasks"), {**SENT, "named": gone})
    assert made.items.count() == 43
    browser.post(page(made, "put_in_force"), SENT)
    made.refresh_from_db()
    asked.refresh_from_db()
    assert (made.is_active, asked.is_active) == (True, False)
    assert "A set in force is not changed" in browser.get(page(made)).content.decode()
    assert browser.post(page(made, "remove_tasks"), {**SENT, "named": gone}).status_code == 403
    browser.post(page(made, "take_out"), SENT)
    made.refresh_from_db()
    assert not made.is_active
    kinds = Event.objects.filter(subject="qualification", subject_id=str(made.public_id))
    assert set(kinds.values_list("kind", flat=True)) >= {
        "qualification.tasks_added",
        "qualification.tasks_removed",
        "qualification.in_force",
        "qualification.out_of_force",
    }


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"levels": "3 0.8"}, "Write levels as 3: 0.8, 4: 0.9."),
        ({"levels": "3: 0.9, 4: 0.8"}, "which rises with the levels"),
        ({"levels": "3: 0.8, 3: 0.9"}, "A level stands there twice."),
        ({"levels": "9: 0.8"}, "A level from 1 to 5"),
        ({"levels": ""}, "This field is required."),
        ({"size": "5"}, "A try has 20 to 500 tasks"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_a_wrong_set_is_told(world: World, values: dict[str, str], told: str) -> None:
    browser = client(world.users["quality"])
    answer = browser.post(reverse("admin:quality_qualificationset_add"), typed(**values))
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert not QualificationSet.objects.exists()


def test_tasks_that_cannot_be_asked_are_named(world: World, asked: QualificationSet) -> None:
    browser = client(world.users["quality"])
    browser.post(reverse("admin:quality_qualificationset_add"), typed())
    made = QualificationSet.objects.get(name="Dogs")
    project = Task.objects.all()[0].project
    for named, told in (("nowhere", "There is no task nowhere."), ("t1", "it is in another set")):
        form = {**SENT, "project": project.pk, "named": named}
        browser.post(page(made, "add_tasks"), form)
        assert told in browser.get(page(made)).content.decode()
    empty = browser.post(page(made, "add_tasks"), {**SENT, "project": project.pk, "named": ""})
    assert "Name tasks, or say how many." in empty.content.decode()
    assert not made.items.exists()
    assert not free_gold(made).exists()


def test_a_set_is_changed_until_it_is_tried(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    by = world.as_("quality")
    with pytest.raises(Conflict, match="in force"):
        change_set(asked, {"name": "Other"}, **by)
    browser = client(world.users["quality"])
    browser.post(reverse("admin:quality_qualificationset_add"), typed())
    made = QualificationSet.objects.get(name="Dogs")
    answer = browser.post(page(made), typed(name="Hounds", levels="4: 0.95", size="25"))
    assert answer.status_code == 302, answer.context["errors"]
    made.refresh_from_db()
    assert (made.name, made.levels, made.size) == ("Hounds", {"4": 0.95}, 25)
    with pytest.raises(Invalid):
        change_set(made, {"is_active": True}, **by)
    with pytest.raises(Forbidden):
        change_set(made, {"name": "x"}, **world.by)
    events = Event.objects.count()
    assert change_set(made, {"name": "Hounds"}, **by) == made
    assert Event.objects.count() == events
    sit(world, newcomer, 19)
    QualificationSet.objects.filter(pk=asked.pk).update(is_active=False)
    for act in (
        lambda: change_set(asked, {"name": "Other"}, **by),
        lambda: remove_tasks(asked, [Task.objects.all()[0]], **by),
    ):
        with pytest.raises(Conflict, match="tried"):
            act()
    assert browser.post(page(asked), typed(name="Other")).status_code == 403


def test_how_people_did(world: World, asked: QualificationSet, newcomer: Any) -> None:
    sit(world, newcomer, 17)
    browser = client(world.users["operations"])
    shown = browser.get(page(asked)).content.decode()
    assert "17 of 20" in shown
    assert "0.64" in shown  # twenty tasks tell little: the interval stands beside it
    row = QualificationTry.objects.get()
    shown = browser.get(page(row)).content.decode()
    assert "17 of 20" in shown
    assert "1 of 1" in browser.get(reverse(LIST)).content.decode()
    assert "17 of 20" in browser.get(reverse(TRIES)).content.decode()
    assert browser.post(page(row, "withdraw"), {**SENT, "reason": "x"}).status_code == 403


def test_a_try_is_called_off(world: World, asked: QualificationSet, newcomer: Any) -> None:
    row = start_try(newcomer, asked.skill, acting_user=newcomer.user, now=NOW)
    browser = client(world.users["quality"])
    browser.post(page(row, "withdraw"), {**SENT, "reason": ""})
    row.refresh_from_db()
    assert row.state == "open"
    browser.post(page(row, "withdraw"), {**SENT, "reason": "power cut"})
    row.refresh_from_db()
    assert row.state == "withdrawn"


def test_another_sees_nothing(world: World, asked: QualificationSet, vendor_user: User) -> None:
    """What a set asks is known to who makes it: not to vendors, nor to annotators."""
    browser = client(vendor_user)
    assert browser.get(reverse(LIST)).status_code == 302
    for name in ("change", "add_tasks", "put_in_force"):
        there = browser.get(page(asked, name))
        nowhere = browser.get(reverse(f"admin:quality_qualificationset_{name}", args=[987654]))
        assert there.status_code == nowhere.status_code == 302
    finance = client(world.users["finance"])
    assert finance.get(reverse(LIST)).status_code == 403
    assert finance.get(page(asked)).status_code == 403
    operations = client(world.users["operations"])
    assert operations.post(page(asked, "take_out"), SENT).status_code == 403
    assert operations.get(reverse("admin:quality_qualificationset_add")).status_code == 403


def test_lists_and_pages_take_as_many_statements_for_many(
    world: World, asked: QualificationSet, newcomer: Any
) -> None:
    sit(world, newcomer, 12)
    browser = client(world.users["quality"])
    row = QualificationTry.objects.get()

    def cost(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    few = {at: cost(at) for at in (reverse(LIST), reverse(TRIES), page(asked), page(row))}
    people = [world.add_person("beta", f"more {n}", verified=False, skills=()) for n in range(3)]
    QualificationTry.objects.bulk_create(
        QualificationTry(
            set=asked,
            annotator=person,
            human=-person.pk,
            number=1,
            state="failed",
            asked=20,
            right=3,
            started_by=world.users["quality"],
            started_at=NOW,
            finished_at=NOW,
        )
        for person in people
    )
    for number in range(3):
        QualificationSet.objects.create(
            skill=asked.skill, name=f"S{number}", levels={"3": 0.8}, created_at=NOW
        )
    QualificationItem.objects.order_by("-pk")[0].delete()
    for address, before in few.items():
        assert cost(address) == before < 25, address
