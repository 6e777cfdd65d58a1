"""Pushing a shift in the console: plan, edit, commit, find it in the queue, undo; who sees it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from routing.admin.push_tables import push_context
from routing.models import Assignment, Placement, Project, Push
from routing.services.pushing import discard_push, start_push
from tests.conftest import NOW, TODAY, World
from tests.console.queue.people import browser_of, login_for
from workforce.models import Annotator, Pool

LIST = "/admin/routing/push/"
SENT = {"_form_submitted": "1"}


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def routed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Work of a Monday morning; the pages look at that clock."""
    for module in ("routing.admin.pushing", "console.queue.home"):
        monkeypatch.setattr(f"{module}.utc_now", lambda: NOW)
    world.add_tasks(world.add_project(in_progress_limit=50), 20)
    world.route("street", days=1)
    return world


def pool_of_work() -> Pool:
    return Pool.objects.get(pk=Placement.objects.values_list("pool_id", flat=True).first())


def page_of(push: Push) -> str:
    return reverse("admin:routing_push_change", args=[push.pk])


def act(browser: Client, push: Push | None, name: str, **form: Any) -> Any:
    where = LIST if push is None else f"{LIST}{push.pk}/"
    return browser.post(f"{where}{name}/", {**SENT, **form})


def planned(world: World) -> Push:
    return start_push(pool_of_work(), TODAY, **world.by)


def test_the_whole_way(routed: World) -> None:
    browser = client(routed.users["operations"])
    empty = browser.get(LIST)
    assert empty.status_code == 200
    form = browser.get(f"{LIST}plan/").content.decode()
    assert "Street" in form
    assert 'value="' + str(routed.pools["hybrid"].pk) + '"' not in form
    answer = act(browser, None, "plan", pool=pool_of_work().pk, day=TODAY.isoformat())
    push = Push.objects.get()
    assert answer["HX-Redirect"] == reverse("admin:routing_push_change", args=[push.pk])
    page = browser.get(page_of(push)).content.decode()
    assert "tasks given" in page
    line = push.lines.filter(annotator__isnull=False).first()
    person = line.annotator
    assert f"?person={person.public_id}" in page
    shown = browser.get(page_of(push), {"person": person.public_id}).content.decode()
    assert f"/task/{line.pk}/" in shown
    address = reverse("admin:routing_push_task", args=[push.pk, line.pk])
    choices = browser.get(address).content.decode()
    other = Annotator.objects.filter(pool=push.pool).exclude(pk=person.pk).first()
    assert other.name in choices
    assert browser.post(address, {"annotator": other.pk}).status_code == 302
    line.refresh_from_db()
    assert line.annotator_id == other.pk
    out = push.lines.filter(annotator__isnull=False).last()
    browser.post(reverse("admin:routing_push_task", args=[push.pk, out.pk]), {"annotator": ""})
    left = browser.get(page_of(push), {"person": "none"}).content.decode()
    assert "taken out by hand" in left

    act(browser, push, "commit")
    push.refresh_from_db()
    assert push.state == "committed"
    assert Assignment.objects.filter(push_line__push=push).count() == 19
    queue = browser_of(login_for(routed, other))
    held = str(Assignment.objects.get(push_line=line).public_id)
    assert held in queue.get("/queue/").content.decode()
    act(browser, push, "undo", reason="wrong day")
    push.refresh_from_db()
    assert push.state == "undone"
    assert held not in queue.get("/queue/").content.decode()
    assert "wrong day" in browser.get(page_of(push)).content.decode()


def test_nobody_else_can_tell_that_a_push_exists(routed: World, vendor_user: User) -> None:
    push = planned(routed)
    line = push.lines.first()
    addresses = [
        LIST,
        page_of(push),
        reverse("admin:routing_push_change", args=[999999]),
        reverse("admin:routing_push_task", args=[push.pk, line.pk]),
        reverse("admin:routing_push_task", args=[push.pk, 999999]),
    ]
    outside = client(vendor_user)
    for address in addresses:
        for answer in (outside.get(address), outside.post(address, SENT)):
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/")
    for role in ("finance", "auditor", "quality", "admin"):
        inside = client(routed.users[role])
        assert "Push a shift" not in inside.get("/admin/").content.decode()
        for address in addresses[:2] + addresses[3:4]:
            assert inside.get(address).status_code == 403, (role, address)
        assert act(inside, push, "commit").status_code == 403
        assert inside.post(addresses[3], {"annotator": ""}).status_code == 403
    push.refresh_from_db()
    assert push.state == "draft"
    mine = client(routed.users["operations"])
    assert "Push a shift" in mine.get("/admin/").content.decode()
    assert mine.get(addresses[4]).status_code == 404
    stranger = Annotator.objects.exclude(pool=push.pool).first()
    assert mine.post(addresses[3], {"annotator": stranger.pk}).status_code == 404


def queries(browser: Client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200, address
    return [query["sql"] for query in captured.captured_queries]


def test_pages_take_the_same_queries_however_much_stands_on_them(routed: World) -> None:
    street, road = Project.objects.get(), routed.add_project("road", in_progress_limit=50)
    routed.add_tasks(road, 60)
    routed.route("street", "road", days=1)
    push = start_push(pool_of_work(), TODAY, projects=[street], **routed.by)
    assert push.lines.count() == 20
    browser = client(routed.users["operations"])

    def counted(push: Push) -> list[int]:
        line = push.lines.filter(annotator__isnull=False).select_related("annotator").first()
        page = f"{page_of(push)}?person={line.annotator.public_id}"
        task = reverse("admin:routing_push_task", args=[push.pk, line.pk])
        for address in (LIST, page, task):
            browser.get(address)  # what is kept by the process is kept now
        return [len(queries(browser, address)) for address in (LIST, page, task)]

    before = counted(push)
    for number in range(4):
        routed.add_person(push.pool.key, f"more {number}")
    with CaptureQueriesContext(connection) as few:
        discard_push(push, **routed.by)
        few_tasks = start_push(push.pool, TODAY, projects=[street], **routed.by)
    with CaptureQueriesContext(connection) as many:
        discard_push(few_tasks, **routed.by)
        again = start_push(push.pool, TODAY, **routed.by)
    assert again.lines.count() == 80
    assert counted(again) == before
    assert max(before) < 60
    assert len(many) <= len(few) + 1


def test_who_is_not_there_is_a_number(world: World) -> None:
    """A pool of hundreds would else bury the few who are."""
    rows = [
        {"annotator": pk, "hours": 2.0 if place == 0 else 0.0, "busy": 0.0, "until": None}
        for place, pk in enumerate(Annotator.objects.values_list("pk", flat=True)[:5])
    ]
    made = Push(
        pool=Pool.objects.get(key="in-house"), day=TODAY, people=rows, currency="EUR", state="draft"
    )
    made.made_by, made.made_at = world.users["operations"], NOW
    made.planned_at, made.planned_cost, made.lower_bound = NOW, 0.0, 0.0
    made.save()
    request = RequestFactory().get("/")
    request.user = world.users["operations"]
    found = push_context(request, made)
    assert (len(found["people"]), found["away"]) == (1, 4)
