"""Assignments in the console: who has what, moving it, giving it back, taking it away."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from routing.admin import giving
from routing.models import Assignment, Placement, Task
from routing.services.claiming import claim, take
from tests.conftest import NOW, World
from tests.quality.services.work import login, people, routed

LIST = "admin:routing_assignment_changelist"
TASKS = "admin:routing_task_changelist"


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving, "utc_now", lambda: NOW)


@pytest.fixture
def held(world: World) -> list[Assignment]:
    """Three tasks in one person's hand, of eight."""
    routed(world, 8)
    person = people()[0]
    return claim(person, count=3, acting_user=login(world, person), now=NOW)


def page(row: Assignment) -> str:
    return reverse("admin:routing_assignment_change", args=[row.pk])


def chosen(browser: Client, address: str, step: str, rows: Any) -> Any:
    """Choose rows of a list and an action; return the page that asks."""
    keys = [row.pk for row in rows]
    answer = browser.post(reverse(address), {"action": step, "_selected_action": keys})
    assert answer.status_code == 302, answer.status_code
    return browser.get(answer.url)


def confirm(browser: Client, asked: Any, **form: Any) -> str:
    """Fill the page that asks; return what is told then."""
    rows = asked.context["rows"]
    done = browser.post(asked.request["PATH_INFO"], {"rows": rows, **form}, follow=True)
    return str(done.content.decode())


def test_who_has_what(world: World, held: list[Assignment]) -> None:
    browser = client(world.users["operations"])
    shown = browser.get(reverse(LIST)).content.decode()
    assert "own 0" in shown
    assert "themselves" in shown
    for query, count in (
        ({"hand": "now"}, 3),
        ({"hand": "overdue"}, 3),  # the lease of the test's day is long over
        ({"hand": "by_hand"}, 0),
        ({"kind": "labelling"}, 3),
        ({"kind": "review"}, 0),
        ({"state__exact": "submitted"}, 0),
        ({"q": held[0].task.external_id}, 1),
        ({"q": "own 0"}, 3),
    ):
        found = browser.get(reverse(LIST), query)
        assert found.context["cl"].result_count == count, query
    shown = browser.get(page(held[0])).content.decode()
    assert held[0].task.external_id in shown


def test_gold_looks_like_labelling(world: World, held: list[Assignment]) -> None:
    person, task = people()[0], Task.objects.order_by("pk")[6]
    take(person, task, purpose="gold", acting_user=login(world, person), now=NOW)
    browser = client(world.users["operations"])
    found = browser.get(reverse(LIST), {"kind": "labelling"})
    assert found.context["cl"].result_count == 4
    gold = Assignment.objects.get(purpose="gold")
    for shown in (found, browser.get(page(gold))):
        words = shown.content.decode().lower()
        assert "labelling" in words
        assert ">gold<" not in words.replace(" ", "").replace("\n", "")


def test_work_is_moved_after_a_page_that_counts_it(world: World, held: list[Assignment]) -> None:
    browser = client(world.users["operations"])
    receiver = people()[1]
    asked = chosen(browser, LIST, "reassign", held[:2])
    assert "2 assignments of one person are touched." in asked.content.decode()
    assert Assignment.objects.filter(state="reserved").count() == 3
    missing = browser.post(
        asked.request["PATH_INFO"],
        {"rows": asked.context["rows"], "annotator": receiver.pk, "reason": ""},
    )
    assert missing.context["form"].errors.keys() == {"reason"}
    told = confirm(browser, asked, annotator=receiver.pk, reason="she is ill")
    assert "2 tasks are reserved for them." in told
    mine = Assignment.objects.filter(annotator=receiver, state="reserved")
    assert mine.count() == 2
    assert {row.assigned_by for row in mine} == {world.users["operations"]}
    gone = Assignment.objects.get(pk=held[0].pk)
    shown = browser.get(page(gone)).content.decode()
    assert "she is ill" in shown
    again = confirm(browser, asked, annotator=receiver.pk, reason="x")
    assert "it is not in hand any more" in again


def test_one_is_moved_from_its_page(world: World, held: list[Assignment]) -> None:
    browser = client(world.users["operations"])
    answer = browser.get(reverse("admin:routing_assignment_move_one", args=[held[0].pk]))
    asked = browser.get(answer.url)
    charlie = people("alpha")[0]
    told = confirm(browser, asked, annotator=charlie.pk, reason="x")
    assert "it is not placed with the pool of" in told
    assert Assignment.objects.get(pk=held[0].pk).state == "reserved"


@pytest.mark.parametrize(("step", "state"), [("release", "released"), ("withdraw", "withdrawn")])
def test_work_is_taken_back(world: World, held: list[Assignment], step: str, state: str) -> None:
    browser = client(world.users["operations"])
    asked = chosen(browser, LIST, step, held)
    assert "3 assignments of one person are touched." in asked.content.decode()
    assert "annotator" not in asked.context["form"].fields
    told = confirm(browser, asked, reason="customer stops")
    assert "3 assignments were ended." in told
    assert set(Assignment.objects.values_list("state", "reason")) == {(state, "customer stops")}
    assert not Placement.objects.filter(taken__gt=0).exists()


def test_tasks_are_assigned_from_their_list(world: World, held: list[Assignment]) -> None:
    browser = client(world.users["operations"])
    person = people()[1]
    rows = list(Task.objects.order_by("pk"))
    asked = chosen(browser, TASKS, "assign", rows[2:5])
    assert "3 tasks are touched." in asked.content.decode()
    told = confirm(browser, asked, annotator=person.pk)
    assert "2 tasks are reserved for them." in told
    assert "no seat of it is free" in told


def test_too_many_and_none(
    world: World, held: list[Assignment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "MOST", 2)
    browser = client(world.users["operations"])
    keys = [row.pk for row in held]
    answer = browser.post(
        reverse(LIST), {"action": "withdraw", "_selected_action": keys}, follow=True
    )
    assert "Choose at most 2 at one time." in answer.content.decode()
    none = browser.get(reverse("admin:routing_giving", args=["withdraw"]), follow=True)
    assert "Nothing was chosen." in none.content.decode()
    assert browser.get(reverse("admin:routing_giving", args=["nothing"])).status_code == 403


def test_who_may_not(world: World, held: list[Assignment], vendor_user: User) -> None:
    reader = client(world.users["quality"])
    assert reader.get(page(held[0])).status_code == 200
    address = reverse("admin:routing_giving", args=["withdraw"])
    form = {"rows": str(held[0].pk), "reason": "x"}
    assert reader.post(address, form).status_code == 403
    answer = reader.post(reverse(LIST), {"action": "withdraw", "_selected_action": [held[0].pk]})
    assert answer.status_code in (200, 302, 403)
    for user in (vendor_user, people()[0].user):
        browser = client(user)
        assert browser.post(address, form).status_code in (302, 403)
        there = browser.get(page(held[0]))
        nowhere = browser.get(reverse("admin:routing_assignment_change", args=[987654]))
        assert there.status_code == nowhere.status_code != 200
    assert Assignment.objects.filter(state="reserved").count() == 3


def test_the_list_and_a_page_take_as_many_statements_for_many(
    world: World, held: list[Assignment]
) -> None:
    browser = client(world.users["operations"])

    def cost(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    few = {at: cost(at) for at in (reverse(LIST), page(held[0]))}
    other = people()[1]
    claim(other, count=5, acting_user=login(world, other), now=NOW)
    for address, before in few.items():
        assert cost(address) == before < 25, address


def test_a_page_of_one_says_its_state_in_a_word(world: World, held: list[Assignment]) -> None:
    """What is coloured in lists is a pair of value and word; the page of one shows the word."""
    from routing.models import Push
    from workforce.models import Pool

    Push.objects.create(
        pool=Pool.objects.get(key="in-house"),
        day=NOW.date(),
        made_by=world.users["operations"],
        made_at=NOW,
    )
    browser = client(world.users["operations"])
    push = reverse("admin:routing_push_change", args=[Push.objects.get().pk])
    for address in (page(held[0]), push):
        shown = browser.get(address).content.decode()
        assert "(&#x27;" not in shown
