"""Who gets through which door of the console: every registered address, read and written to."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.test import Client, RequestFactory

from accounts.choices import Role
from accounts.models import User
from accounts.services.keys import make_key
from accounts.services.log import seal_log
from accounts.services.users import create_user, house, system_user
from audit.models import Event
from tests.conftest import World
from tests.console.walk import NOT_THERE, Address, addresses

# What a form of a dialog sends, and a page that asks for confirmation.
SENT = {"_form_submitted": "1", "post": "yes"}
OPEN = {"login", "logout"}


def client(user: User | None) -> Client:
    made = Client()
    if user is not None:
        made.force_login(user)
    return made


def request_of(user: User) -> Any:
    request = RequestFactory().get("/")
    request.user = user
    return request


@pytest.fixture
def full(world: World) -> World:
    """A house with a row behind nearly every page."""
    from tests.accounts.test_files import attestation, certificate, upload
    from tests.console.rows import rows_of_every_kind

    world.add_tasks(world.add_project(), 6)
    world.route("street")
    seal_log(**world.as_("admin"))
    attestation(world, upload=upload())
    certificate(world)
    make_key(world.users["operations"], name="k", scopes=["work.view"], **world.as_("admin"))
    rows_of_every_kind(world, "full")
    return world


def outsiders(world: World) -> dict[str, User | None]:
    """Return all kinds of people who have no business here."""
    vendor = world.vendors["alpha"].organisation
    found: dict[str, User | None] = {"nobody": None, "system": system_user("system.test")}
    for number, (organisation, role) in enumerate(
        (
            (vendor, Role.VENDOR_MANAGER),
            (vendor, Role.ANNOTATOR),
            (house(), Role.ANNOTATOR),
            (house(), None),
        )
    ):
        found[f"{role} of {organisation}"] = create_user(
            email=f"outsider{number}@x.example",
            name="Outsider",
            organisation=organisation,
            roles=[role] if role else [],
            password="pass",
            **world.as_("admin"),
        )
    return found


def test_outsiders_find_every_door_shut(full: World) -> None:
    people = outsiders(full)
    every, none = addresses(), addresses(missing=True)
    assert len(every) > 200
    events = Event.objects.count()
    for kind, user in people.items():
        browser = client(user)
        for there, missing in zip(every, none, strict=True):
            if there.name in OPEN:
                continue
            answers = [browser.post(there.path, SENT)]
            if user is not None and user.organisation.kind == "vendor":
                answers += [browser.get(there.path), browser.get(missing.path)]
            # What exists and what does not look the same: the way to the sign-in.
            for answer in answers:
                assert answer.status_code == 302, (kind, there)
                assert answer["Location"].startswith("/admin/login/"), (kind, there)
                assert answer.content == b""
    assert Event.objects.count() == events


def test_a_vendors_person_cannot_sign_in_here(full: World) -> None:
    outsiders(full)
    answer = Client().post("/admin/login/", {"username": "outsider0@x.example", "password": "pass"})
    assert answer.status_code == 200
    assert "_auth_user_id" not in answer.client.session


def written() -> int:
    """Count what was written: that a table was taken as a file is noted, and writes nothing."""
    return Event.objects.exclude(kind__in=("report.exported", "list.exported")).count()


@pytest.mark.parametrize("role", ["operations", "quality", "sla", "finance", "auditor", "admin"])
def test_a_role_opens_and_writes_what_the_table_says(full: World, role: str) -> None:
    user = full.users[role]
    browser, request, events = client(user), request_of(user), written()
    for address in addresses():
        page = address.page
        # (the bare address of a record goes on to its page)
        if page is None or not address.name:
            continue
        if not page.has_view_permission(request):
            _shut(browser, address, browser.get, browser.post)
            continue
        # Reading changes nothing, not even with what a dialog sends.
        listed = address.name.endswith("_changelist")
        read = browser.get(address.path, None if listed else SENT)
        if address.name.endswith(("_changelist", "_change", "_history", "_simple_history")):
            assert read.status_code == 200 or NOT_THERE in address.path, address
        if address.name.endswith(("_add", "_delete", "_change")) and not page._may(
            request, page.manage_permission
        ):
            _shut(browser, address, browser.post)
    assert written() == events


def _shut(browser: Client, address: Address, *methods: Any) -> None:
    for method in methods:
        answer = method(address.path, SENT)
        if NOT_THERE in address.path and address.name.endswith("_history"):
            # Here the record is looked for first; of one that exists they say 403.
            assert answer.status_code == 404 or answer["Location"] == "/admin/", address
        else:
            assert answer.status_code == 403, address


def test_the_auditor_writes_nothing_whatever_is_sent(full: World) -> None:
    browser = client(full.users["auditor"])
    before = written()
    for address in addresses():
        if address.name in OPEN:
            continue
        browser.post(address.path, SENT)
    assert written() == before


# They write nothing: the first three lead to a page that asks, the last only looks.
LEADING = {"move_one", "release_one", "withdraw_one", "check_draw"}


def test_actions_on_a_record_ask_in_a_dialog() -> None:
    for page in admin.site._registry.values():
        for group in ("actions_detail", "actions_row", "actions_list", "actions_submit_line"):
            for name in getattr(page, group, None) or ():
                action = getattr(page, name)
                assert name in LEADING or action.dialog, f"{page}: {name}"
                assert action.allowed_permissions, f"{page}: {name}"
        assert not page.list_editable


def test_nothing_is_deleted_in_bulk(full: World) -> None:
    user = User.objects.create_superuser("root@house.example", "pass", name="root")
    browser = client(user)
    for model, page in admin.site._registry.items():
        count = model._default_manager.count()
        keys = list(model._default_manager.values_list("pk", flat=True)[:5])
        data = {"action": "delete_selected", "_selected_action": keys, **SENT}
        app, name = model._meta.app_label, model._meta.model_name
        browser.post(f"/admin/{app}/{name}/", data)
        assert model._default_manager.count() == count, model
        assert "delete_selected" not in page.get_actions(request_of(user))


def test_pages_write_through_services() -> None:
    """No page falls back on Django's own save or delete."""
    for page in admin.site._registry.values():
        for method in ("save_model", "save_formset", "delete_model", "delete_queryset"):
            assert getattr(type(page), method) is not getattr(ModelAdmin, method), page


def test_history_is_read_and_never_reverted(full: World) -> None:
    user = full.users["operations"]
    browser, seen = client(user), 0
    for address in addresses():
        page = address.page
        if not address.name.endswith("_simple_history") or NOT_THERE in address.path:
            continue
        if not page.has_view_permission(request_of(user)):
            continue
        answer = browser.get(address.path)
        assert answer.status_code == 200, address
        assert b'name="_save"' not in answer.content, address
        events, versions = Event.objects.count(), page.model.history.count()
        refused = browser.post(address.path, {**SENT, "_save": "1"})
        assert refused.status_code == 403, address
        assert (Event.objects.count(), page.model.history.count()) == (events, versions), address
        seen += 1
    assert seen > 15
