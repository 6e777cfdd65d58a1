"""Lists of the console: search, every filter, and as many queries for many rows as for few."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from tests.conftest import World
from tests.console.rows import rows_of_every_kind
from workforce.models import Annotator

APPS = ("accounts", "audit", "vendors", "workforce")


def lists() -> list[tuple[Any, str]]:
    return [
        (page, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        for model, page in admin.site._registry.items()
        if model._meta.app_label in APPS
    ]


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def root(world: World) -> User:
    """Sees every list."""
    return User.objects.create_superuser("root@house.example", "pass", name="root")


def queries(browser: Client, address: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200, address
    return [query["sql"] for query in captured.captured_queries]


def test_lists_take_the_same_queries_however_long(world: World, root: User) -> None:
    rows_of_every_kind(world, "few")
    browser = client(root)
    for _page, address in lists():  # what is cached on the way is cached now
        browser.get(address)
    before = {address: queries(browser, address) for _page, address in lists()}
    for number in range(3):
        rows_of_every_kind(world, f"more{number}")
    for page, address in lists():
        # Seals and jobs are few here; their lists show no other table's rows.
        if page.opts.model_name not in ("seal", "job"):
            shown = browser.get(address).context["cl"].result_count
            assert shown >= 4, address
        after = queries(browser, address)
        assert len(after) == len(before[address]), "\n".join([address, *after])
        assert len(after) < 20, address


def test_the_page_of_an_annotator_takes_the_same_queries_however_much_stands_on_it(
    world: World, root: User
) -> None:
    from datetime import timedelta

    from tests.conftest import NOW
    from workforce.models import Skill
    from workforce.services import availability, people

    vendor = rows_of_every_kind(world, "few")
    person = Annotator.objects.filter(pool__vendor=vendor).last()
    assert person is not None
    browser = client(root)
    address = reverse("admin:workforce_annotator_change", args=[person.pk])
    browser.get(address)
    before = queries(browser, address)
    for skill in Skill.objects.exclude(holders__annotator=person)[:8]:
        people.declare_skill(person, skill, 3, **world.by)
    for day in range(8):
        start = NOW + timedelta(days=10 + 2 * day)
        availability.add_leave(
            person, kind="sick", starts_at=start, ends_at=start + timedelta(days=1), **world.by
        )
    after = queries(browser, address)
    assert len(after) == len(before), "\n".join(after)
    assert len(after) < 60


def test_search_and_every_filter(world: World, root: User) -> None:
    rows_of_every_kind(world, "few")
    browser = client(root)
    for page, address in lists():
        assert page.list_display != ("__str__",), page
        if page.search_fields:
            assert browser.get(address, {"q": "few"}).status_code == 200, address
        changelist = browser.get(address).context["cl"]
        assert changelist.filter_specs or page.opts.model_name in NO_FILTER, address
        for spec in changelist.filter_specs:
            choices = [choice for choice in spec.choices(changelist) if "query_string" in choice]
            # (the first is "all"; of many alike the last stands for the others)
            for choice in [*choices[1:2], *choices[2:][-1:]]:
                answer = browser.get(address + choice["query_string"])
                assert answer.status_code == 200, (address, choice)


# Lists that are short or looked through by search.
NO_FILTER = {"skill", "certificationtype", "person", "seal"}


@pytest.mark.parametrize(
    ("address", "query", "found"),
    [
        ("/admin/vendors/attestation/", {"state": "declared"}, 1),
        ("/admin/vendors/attestation/", {"state": "valid"}, 1),
        ("/admin/vendors/attestation/", {"state": "lapsed"}, 0),
        ("/admin/vendors/vendor/", {"q": "few"}, 1),
        ("/admin/vendors/contract/", {"q": "C-few"}, 1),
        ("/admin/workforce/annotator/", {"status__exact": "paused"}, 1),
        ("/admin/workforce/annotator/", {"q": "few"}, 2),
        ("/admin/workforce/certification/", {"lapse": "none"}, 2),
        ("/admin/workforce/certification/", {"lapse": "lapsed"}, 0),
        ("/admin/workforce/certification/", {"q": "few"}, 2),
        ("/admin/workforce/person/", {"q": "few"}, 1),
        ("/admin/accounts/user/", {"q": "few"}, 1),
        ("/admin/accounts/storedfile/", {"media_type__exact": "text/plain"}, 2),
    ],
)
def test_what_lists_find(
    world: World, root: User, address: str, query: dict[str, str], found: int
) -> None:
    rows_of_every_kind(world, "few")
    assert client(root).get(address, query).context["cl"].result_count == found


TYPED = {"DecimalField", "MoneyField", "WordsField", "SlugField", "DurationField"}


def test_forms_say_what_they_mean(world: World, root: User) -> None:
    """Dates, codes, shares, amounts and times say their unit or form."""
    unclear = []
    for page, _address in lists():
        request = _request(root)
        if not page.has_add_permission(request):
            continue
        for name, field in page.get_form(request).base_fields.items():
            typed = type(field).__name__ in (
                "DecimalField",
                "MoneyField",
                "WordsField",
                "SlugField",
            )
            coded = name in ("country", "residency", "currency", "time_zone", "scope", "issuer")
            if (typed or coded) and not field.help_text:
                unclear.append(f"{page.opts.model_name}.{name}")
    assert unclear == []


def _request(user: User) -> Any:
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = user
    return request
