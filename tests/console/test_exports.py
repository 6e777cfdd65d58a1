"""Every list as a file: what it shows, its filters applied, noted, and nobody else's."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from accounts import list_export
from accounts.models import User
from audit.models import Event
from tests.conftest import World
from tests.console.rows import rows_of_every_kind
from tests.quality.services.work import routed
from vendors.models import Vendor
from workforce.models import Annotator


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def address(model: Any, kind: str = "csv") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export_{kind}")


def table(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def book(answer: Any) -> list[tuple[Any, ...]]:
    raw = b"".join(answer.streaming_content)
    return list(load_workbook(io.BytesIO(raw)).active.iter_rows(values_only=True))


@pytest.fixture
def root(world: World) -> User:
    return User.objects.create_superuser("root@house.example", "pass", name="root")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_list_is_exported_with_as_many_statements_for_many(
    world: World, root: User, kind: str
) -> None:
    rows_of_every_kind(world, "few")
    routed(world, 4)
    browser = client(root)

    def cost(model: Any) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as captured:
            answer = browser.get(address(model, kind))
            assert answer.status_code == 200, model
            rows = len(table(answer)) if kind == "csv" else len(book(answer)) - 1
        seen[model] = [query["sql"] for query in captured.captured_queries]
        return len(captured), rows

    seen: dict[Any, list[str]] = {}
    models = [model for model, page in admin.site._registry.items()]
    before = {model: cost(model) for model in models}
    for model in models:  # once more: what is cached on the way is cached now
        before[model] = cost(model)
    for number in range(2):
        rows_of_every_kind(world, f"more{number}")
    for model in models:
        statements, rows = cost(model)
        assert statements == before[model][0] < 25, "\n".join([str(model), *seen[model]])
        # The export before it is an event more.
        assert rows >= before[model][1], model


def test_a_file_says_what_the_list_shows(world: World) -> None:
    browser = client(world.users["operations"])
    rows = table(browser.get(address(Vendor)))
    assert len(rows) == Vendor.objects.count()
    assert {row["State"] for row in rows} == {"active"}
    first = book(browser.get(address(Vendor, "xlsx")))
    assert list(first[0]) == list(rows[0])
    assert len(first) == len(rows) + 1
    people = table(browser.get(address(Annotator)))
    assert len(people) == Annotator.objects.count()
    events = table(client(world.users["auditor"]).get(address(Event)))
    assert datetime.fromisoformat(events[0]["At"]).tzinfo is not None


def test_filters_and_search_are_applied(world: World) -> None:
    browser = client(world.users["operations"])
    found = table(browser.get(address(Annotator), {"q": "own 1"}))
    assert len(found) == 1
    pool = world.pools["alpha"]
    found = table(browser.get(address(Annotator), {"pool__id__exact": pool.pk}))
    assert len(found) == Annotator.objects.filter(pool=pool).count()
    assert browser.get(address(Annotator), {"nothing": "x"}).status_code == 404
    shown = browser.get(reverse("admin:workforce_annotator_changelist"), {"q": "own 1"})
    assert f"{address(Annotator)}?q=own+1" in shown.content.decode()


def test_who_took_how_much_stands_in_the_log(world: World) -> None:
    browser = client(world.users["operations"])
    table(browser.get(address(Annotator), {"q": "own"}))
    event = Event.objects.filter(kind="list.exported").latest("pk")
    assert event.actor == world.users["operations"]
    assert event.subject_id == "workforce.annotator"
    assert event.data["filters"] == ["q"]
    assert event.data["rows"] == Annotator.objects.filter(name__contains="own").count()
    # Somebody who goes away in the middle has taken what was sent.
    answer = browser.get(address(Annotator))
    stream = iter(answer.streaming_content)
    next(stream), next(stream)
    # As the server does; closing the answer would end the test's connection as well.
    answer._iterator.close()
    event = Event.objects.filter(kind="list.exported").latest("pk")
    assert event.data["rows"] == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_nothing_is_calculated_by_a_spreadsheet(world: World, kind: str) -> None:
    Annotator.objects.filter(name="own 0").update(name='=HYPERLINK("http://x")')
    browser = client(world.users["operations"])
    answer = browser.get(address(Annotator, kind), {"q": "HYPERLINK"})
    first = next(iter(table(answer)[0].values())) if kind == "csv" else book(answer)[1][0]
    assert first == '\'=HYPERLINK("http://x")'


def test_too_many_for_a_workbook(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_export, "MOST_XLSX", 2)
    browser = client(world.users["operations"])
    answer = browser.get(address(Annotator, "xlsx"), {"q": "own"}, follow=True)
    assert "This list has more than 2 rows: take it as CSV, or filter it." in (
        answer.content.decode()
    )
    assert "own" in answer.request["QUERY_STRING"]
    assert not Event.objects.filter(kind="list.exported").exists()


def test_nobody_takes_what_they_may_not_see(world: World, vendor_user: User) -> None:
    for kind in ("csv", "xlsx"):
        assert client(vendor_user).get(address(Annotator, kind)).status_code == 302
        finance = client(world.users["finance"])
        assert finance.get(address(User, kind)).status_code == 403
    assert not Event.objects.filter(kind="list.exported").exists()
