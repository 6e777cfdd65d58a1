"""The inbox of alarms: what waits, who sees what, and that dialogs call services."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from common.words import said
from quality.models import Alarm
from quality.services.alarms import Subject, open_alarm
from routing.models import Task
from tests.conftest import World
from workforce.models import Annotator, Skill

LIST = "/admin/quality/alarm/"
SENT = {"_form_submitted": "1"}


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def watched(world: World) -> World:
    """An alarm on drift, and one that tells which task is gold."""
    task = world.add_tasks(world.add_project(), 1)[0]
    person = Annotator.objects.order_by("pk")[0]
    open_alarm(
        "drift",
        Subject(annotator=person.pk, skill=Skill.objects.all()[0].pk),
        text=said("%(wrong)s of %(n)s were wrong", wrong=6, n=20),
        details={"wrong": 6, "usual": 0.0512345},
        **world.as_("quality"),
    )
    open_alarm("gold", Subject(task=task.pk), text="gold is doubted", **world.as_("quality"))
    return world


def of_kind(kind: str) -> Alarm:
    return Alarm.objects.get(kind=kind)


def test_an_alarm_is_taken_handed_over_and_closed(watched: World) -> None:
    browser = client(watched.users["quality"])
    page = browser.get(LIST).content.decode()
    assert "6 of 20 were wrong" in page
    alarm = of_kind("drift")
    shown = browser.get(reverse("admin:quality_alarm_change", args=[alarm.pk])).content.decode()
    assert "usual: 0.0512" in shown
    for name, form, expected in (
        ("take", {}, ("owned", "quality", "")),
        ("hand_over", {"owner": watched.users["operations"].pk}, ("owned", "operations", "")),
        (
            "close",
            {"outcome": "acted", "comment": "Trained."},
            ("closed", "operations", "Trained."),
        ),
    ):
        address = reverse(f"admin:quality_alarm_{name}", args=[alarm.pk])
        answer = browser.post(address, {**SENT, **form})
        assert answer.status_code == 200, answer.content
        assert answer["HX-Redirect"]
        alarm.refresh_from_db()
        assert (alarm.state, str(alarm.owner), alarm.comment) == expected
    assert "6 of 20" not in browser.get(LIST).content.decode()
    assert "6 of 20" in browser.get(LIST, {"inbox": "closed"}).content.decode()
    assert "6 of 20" in browser.get(LIST, {"inbox": "every"}).content.decode()
    assert "6 of 20" not in browser.get(LIST, {"inbox": "mine"}).content.decode()


def test_who_may_not_see_gold_does_not_see_alarms_that_tell_it(watched: World) -> None:
    task = Task.objects.get()
    gold = reverse("admin:quality_alarm_change", args=[of_kind("gold").pk])
    for name, sees in (("quality", True), ("auditor", True), ("operations", False)):
        browser = client(watched.users[name])
        page = browser.get(LIST, {"inbox": "every"}).content.decode()
        assert ("gold is doubted" in page) is sees, name
        assert (task.external_id in page) is sees or not sees
        assert (browser.get(gold).status_code == 200) is sees
    answer = client(watched.users["operations"]).post(
        reverse("admin:quality_alarm_take", args=[of_kind("gold").pk]), SENT
    )
    assert answer.status_code == 404
    assert of_kind("gold").state == "open"


def test_the_count_stands_in_the_navigation_and_on_the_front_page(watched: World) -> None:
    quality = client(watched.users["quality"]).get("/admin/").content.decode()
    assert "2 alarms have no owner" in quality
    operations = client(watched.users["operations"]).get("/admin/").content.decode()
    assert "1 alarm has no owner" in operations
    assert "alarm" not in client(watched.users["finance"]).get("/admin/").content.decode().lower()


def test_who_may_only_look_finds_no_button(watched: World) -> None:
    browser = client(watched.users["auditor"])
    address = reverse("admin:quality_alarm_close", args=[of_kind("drift").pk])
    answer = browser.post(address, {**SENT, "outcome": "acted", "comment": "x"})
    assert answer.status_code == 403
    assert of_kind("drift").state == "open"
    assert client(watched.users["finance"]).get(LIST).status_code == 403


def test_a_vendors_person_and_an_annotator_find_no_such_page(
    watched: World, vendor_user: User
) -> None:
    for path in (LIST, reverse("admin:quality_alarm_change", args=[of_kind("drift").pk])):
        for user in (vendor_user,):
            answer = client(user).get(path)
            assert answer.status_code == 302
            assert "login" in answer["Location"]


def test_every_filter_and_as_many_queries_for_many(watched: World) -> None:
    browser = client(watched.users["quality"])
    for query in ({"kind__exact": "drift"}, {"outcome__exact": "acted"}, {"q": "own"}):
        assert browser.get(LIST, query).status_code == 200
    browser.get(LIST)
    with CaptureQueriesContext(connection) as few:
        browser.get(LIST)
    for person in Annotator.objects.all():
        open_alarm("bias", Subject(annotator=person.pk), text="x", **watched.as_("quality"))
    with CaptureQueriesContext(connection) as many:
        browser.get(LIST)
    assert len(many) == len(few)
    assert len(many) < 20
