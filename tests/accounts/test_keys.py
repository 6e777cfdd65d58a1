"""API keys: shown once, stored hashed, scoped, revocable; made by administrators only."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, User
from accounts.permissions import PERSONAL, SCOPES
from accounts.services.keys import allows, find_key, key_state, make_key, revoke_key
from accounts.services.users import revoke_role, system_user
from audit.models import Event
from common.errors import Forbidden, Invalid
from common.time import utc_now
from tests.conftest import NOW, World

ADD = "/admin/accounts/apikey/add/"
LIST = "/admin/accounts/apikey/"


def key_of(world: World, **values: Any) -> tuple[ApiKey, str]:
    fields = {"name": "ci", "scopes": ["routing.run", "work.view"], **world.as_("admin"), **values}
    return make_key(fields.pop("user", world.users["operations"]), **fields)


def test_a_key_is_stored_hashed_and_can_be_ended(world: World) -> None:
    key, token = key_of(world)
    secret = token.split(".")[1]
    assert secret not in str(ApiKey.objects.values().get())
    assert secret not in str(list(Event.objects.values()))
    assert find_key(token, now=NOW) == key
    assert find_key(token[:-1] + "x", now=NOW) is None
    assert find_key("nonsense", now=NOW) is None
    revoke_key(key, **world.as_("admin"))
    revoke_key(key, **world.as_("admin"))
    assert find_key(token, now=NOW) is None
    assert Event.objects.filter(kind="key.revoked").count() == 1


def test_a_key_ends_when_it_says(world: World) -> None:
    key, token = key_of(world, expires_at=NOW + timedelta(hours=1))
    assert find_key(token, now=NOW + timedelta(minutes=59)) == key
    assert find_key(token, now=NOW + timedelta(hours=1)) is None
    assert key_state(key, now=NOW + timedelta(hours=1)) == "expired"
    with pytest.raises(Invalid, match="in the future"):
        key_of(world, name="late", expires_at=NOW)


def test_a_key_does_no_more_than_its_user(world: World) -> None:
    operator = world.users["operations"]
    key, token = key_of(world)
    assert allows(key, "routing.run")
    assert not allows(key, "people.view")  # not a scope of the key
    revoke_role(operator, "operations", **world.as_("admin"))
    found = find_key(token, now=NOW)
    assert found is not None
    assert not allows(found, "routing.run")
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert find_key(token, now=NOW) is None


@pytest.mark.parametrize(
    ("scopes", "rule"),
    [
        ([], "required"),
        (["fly"], "known"),
        (["gold.view"], "own"),
        *[([scope], "personal") for scope in sorted(PERSONAL)],
    ],
)
def test_bad_scopes(world: World, scopes: list[str], rule: str) -> None:
    with pytest.raises(Invalid) as caught:
        key_of(world, scopes=scopes)
    assert (caught.value.field, caught.value.rule) == ("scopes", rule)


def test_nobody_is_acted_for_who_does_not_sign_in(world: World) -> None:
    with pytest.raises(Invalid, match="system user"):
        key_of(world, user=system_user("system.test"))
    world.users["operations"].is_active = False
    with pytest.raises(Invalid, match="not active"):
        key_of(world)


def test_a_live_key_of_a_user_has_a_name_of_its_own(world: World) -> None:
    key, _token = key_of(world)
    with pytest.raises(Invalid, match="has a key of this name"):
        key_of(world)
    revoke_key(key, **world.as_("admin"))
    key_of(world)
    with pytest.raises(Invalid) as caught:
        key_of(world, name="  ")
    assert caught.value.field == "name"


@pytest.mark.parametrize(
    "change",
    [
        {"secret_hash": "0" * 64},
        {"scopes": ["tasks.import"]},
        {"expires_at": NOW + timedelta(days=9)},
        {"expires_at": None},
        {"revoked_at": None},
        {"user_id": 1},
    ],
)
def test_raw_sql_cannot_widen_a_key(world: World, change: dict[str, Any]) -> None:
    key, _token = key_of(world, expires_at=NOW + timedelta(days=1))
    revoke_key(key, **world.as_("admin"))
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(**change)


@pytest.mark.parametrize("name", ["operations", "auditor", "finance", "quality", "sla"])
def test_others_than_administrators_are_refused(world: World, name: str) -> None:
    key, _token = key_of(world)
    with pytest.raises(Forbidden):
        key_of(world, name="mine", **world.as_(name))
    with pytest.raises(Forbidden):
        revoke_key(key, **world.as_(name))
    browser = client(world.users[name])
    change = reverse("admin:accounts_apikey_change", args=[key.pk])
    for address in (LIST, ADD, change, f"/admin/accounts/apikey/{key.pk}/revoke/"):
        assert browser.get(address).status_code == 403
        assert browser.post(address, {"_form_submitted": "1"}).status_code == 403
    key.refresh_from_db()
    assert key.revoked_at is None
    assert ApiKey.objects.count() == 1


# -- the console --------------------------------------------------------------------------------


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def form(world: World, **values: Any) -> dict[str, Any]:
    day = (utc_now() + timedelta(days=90)).date().isoformat()
    return {
        "name": "warehouse",
        "user": world.users["operations"].pk,
        "scopes": ["routing.view", "tasks.import"],
        "expires_at_0": day,
        "expires_at_1": "00:00:00",
        **values,
    }


def everything_stored() -> str:
    """Return the whole database as text, sessions decoded."""
    tables = connection.introspection.table_names()
    found = [str(session.get_decoded()) for session in Session.objects.all()]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found)


def test_the_secret_is_shown_once_and_nowhere_else(world: World) -> None:
    browser = client(world.users["admin"])
    offered = set(re.findall(r'name="scopes" value="([^"]+)"', browser.get(ADD).content.decode()))
    assert offered == set(SCOPES)
    answer = browser.post(ADD, form(world))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    token = answer.context["token"]
    assert token in answer.content.decode()
    key = find_key(token, now=utc_now())
    assert key is not None
    assert key.scopes == ["routing.view", "tasks.import"]
    assert (key.user, key.created_by) == (world.users["operations"], world.users["admin"])
    secret = token.split(".")[1]
    stored = everything_stored()
    assert "warehouse" in stored
    assert secret not in stored
    change = reverse("admin:accounts_apikey_change", args=[key.pk])
    for address in (
        LIST,
        change,
        "/admin/",
        reverse("admin:accounts_apikey_delete", args=[key.pk]),
    ):
        page = browser.get(address).content.decode()
        assert secret not in page
        assert key.secret_hash not in page
    # Sent again (the page reloaded): one key, and the form says why.
    again = browser.post(ADD, form(world))
    assert "has a key of this name" in again.content.decode()
    assert secret not in again.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"scopes": []}, "scopes", "required"),
        ({"scopes": ["policies.publish"]}, "scopes", "not one of the available choices"),
        ({"scopes": ["gold.view"]}, "scopes", "may not gold.view"),
        ({"expires_at_0": "2020-01-01"}, "expires_at", "in the future"),
        ({"name": ""}, "name", "required"),
    ],
)
def test_a_refused_form(world: World, change: dict, field: str, words: str) -> None:
    answer = client(world.users["admin"]).post(ADD, form(world, **change))
    assert answer.status_code == 200
    assert words in str(answer.context["adminform"].form.errors[field])
    assert not ApiKey.objects.exists()


def test_the_list_says_owner_scopes_use_expiry_and_state(world: World) -> None:
    live, token = key_of(world, name="one", now=utc_now())
    gone, _token = key_of(world, name="two", now=utc_now())
    old, _token = key_of(world, name="three", now=NOW, expires_at=NOW + timedelta(days=1))
    find_key(token, now=utc_now())
    revoke_key(gone, **world.as_("admin"))
    browser = client(world.users["admin"])
    page = browser.get(LIST).content.decode()
    for words in ("operations", "routing.run, work.view", "live", "revoked", "expired", "one"):
        assert words in page
    for state, key in (("live", live), ("revoked", gone), ("expired", old)):
        page = browser.get(LIST, {"state": state})
        assert [row.pk for row in page.context["cl"].result_list] == [key.pk]
    assert not browser.get(LIST, {"state": "asleep"}).context["cl"].result_list
    page = browser.get(LIST, {"q": "warehouse"})
    assert not page.context["cl"].result_list


def test_revoking_is_a_dialog_that_posts(world: World) -> None:
    key, token = key_of(world)
    browser = client(world.users["admin"])
    address = f"/admin/accounts/apikey/{key.pk}/revoke/"
    assert browser.get(address).status_code == 200
    assert browser.get(address, {"_form_submitted": "1"}).status_code == 200
    assert find_key(token, now=NOW) is not None
    answer = browser.post(address, {"_form_submitted": "1"})
    assert answer["HX-Redirect"] == reverse("admin:accounts_apikey_change", args=[key.pk])
    assert find_key(token, now=NOW) is None
    assert (
        browser.post("/admin/accounts/apikey/999/revoke/", {"_form_submitted": "1"}).status_code
        == 404
    )


def test_a_key_cannot_be_changed_or_deleted_on_the_page(world: World) -> None:
    key, _token = key_of(world)
    browser = client(world.users["admin"])
    change = reverse("admin:accounts_apikey_change", args=[key.pk])
    assert browser.post(change, form(world, name="other")).status_code == 403
    delete = reverse("admin:accounts_apikey_delete", args=[key.pk])
    assert browser.post(delete, {"post": "yes"}).status_code == 403
    key.refresh_from_db()
    assert key.name == "ci"
