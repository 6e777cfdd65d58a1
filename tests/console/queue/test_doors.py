"""Who gets in at /queue/, and that nobody can tell what is somebody else's."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user, house
from audit.models import Event
from routing.models import Assignment
from tests.conftest import World
from tests.console.queue.people import browser_of, holders, login_for, plain
from workforce.models import Annotator
from workforce.services.people import change_status

pytestmark = pytest.mark.django_db
OPEN = {"sign_in", "sign_out"}


def pages(assignment: Any = None) -> list[str]:
    """Return every address under /queue/ but the sign-in, with an assignment put into it."""
    found = []
    (resolver,) = [r for r in get_resolver().url_patterns if str(r.pattern) == "queue/"]
    for pattern in resolver.url_patterns:
        if pattern.name in OPEN:
            continue
        wanted = {"public_id": assignment or uuid4()} if "<" in str(pattern.pattern) else {}
        found.append(reverse(f"queue:{pattern.name}", kwargs=wanted))
    return found


@pytest.fixture
def routed(world: World, settings: Any) -> World:
    world.add_tasks(world.add_project(), 4)
    world.route("street")
    return world


def outsiders(world: World) -> dict[str, User | None]:
    left = world.add_person("in-house", "gone away")
    user = login_for(world, left)
    change_status(left, "left", **world.by)
    found: dict[str, User | None] = {"nobody": None, "left": user}
    found |= {name: world.users[name] for name in ("operations", "quality", "auditor", "admin")}
    for number, (organisation, role) in enumerate(
        (
            (house(), Role.ANNOTATOR),  # the role alone, without an annotator
            (world.vendors["alpha"].organisation, Role.VENDOR_MANAGER),
        )
    ):
        found[f"{role} {number}"] = create_user(
            email=f"outsider{number}@x.example",
            name="Outsider",
            organisation=organisation,
            roles=[role],
            password="pass",
            **world.as_("admin"),
        )
    # Somebody with an annotator but without the role.
    bare = world.add_person("in-house", "no role")
    found["no role"] = create_user(
        email="bare@x.example",
        name="Bare",
        organisation=bare.organisation,
        roles=[],
        password="pass",
        **world.as_("admin"),
    )
    Annotator.objects.filter(pk=bare.pk).update(user=found["no role"])
    return found


def test_outsiders_are_shown_the_sign_in_and_change_nothing(routed: World) -> None:
    (annotator,) = holders(routed, 1)
    held = take(annotator)
    people, events = outsiders(routed), Event.objects.count()
    for kind, user in people.items():
        client = browser_of(user) if user is not None else Client()
        for there, missing in zip(pages(held.public_id), pages(), strict=True):
            for answer in (client.post(there), client.get(there), client.get(missing)):
                assert answer.status_code == 302, (kind, there)
                assert answer["Location"].startswith("/queue/sign-in/?next=/queue/"), (kind, there)
                assert answer.content == b""
    assert Event.objects.count() == events


def take(annotator: Annotator) -> Assignment:
    client = browser_of(annotator.user)
    answer = client.post("/queue/next/")
    assert answer.status_code == 302, answer.content
    assert answer["Location"].startswith("/queue/work/")
    return Assignment.objects.get(public_id=answer["Location"].split("/")[3])


@pytest.mark.parametrize("where", ["same pool", "another vendor"])
def test_work_of_others_looks_like_none(routed: World, where: str) -> None:
    first, second = holders(routed)
    held = take(first)
    if where == "another vendor":
        pools = routed.pools
        other = "beta" if first.pool_id != pools["beta"].pk else "alpha"
        second = pools[other].annotators.first()
        login_for(routed, second)
    client, events = browser_of(second.user), Event.objects.count()
    for there, missing in zip(pages(held.public_id), pages(), strict=True):
        if there == missing:
            continue
        for method in (client.get, client.post):
            theirs, none = method(there), method(missing)
            assert theirs.status_code == none.status_code, there
            assert theirs.status_code in (404, 405), there
            assert plain(theirs) == plain(none), there
            assert sorted(theirs.headers) == sorted(none.headers), there
    assert Event.objects.count() == events
    held.refresh_from_db()
    assert held.state == "in_progress"


def test_who_has_two_roles_sees_own_work_only(routed: World) -> None:
    first, second = holders(routed)
    held = take(first)
    from accounts.services.users import grant_role

    change = routed.as_("admin")
    if second.organisation.kind == "house":
        grant_role(second.user, Role.OPERATIONS, **change)
    else:
        grant_role(second.user, Role.VENDOR_MANAGER, **change)
    client = browser_of(User.objects.get(pk=second.user_id))
    assert client.get("/queue/").status_code == 200
    assert client.get(f"/queue/work/{held.public_id}/").status_code == 404
    assert client.post(f"/queue/work/{held.public_id}/release/").status_code == 404


def test_signing_in(routed: World) -> None:
    (annotator,) = holders(routed, 1)
    client = Client()
    page = client.get("/queue/")
    assert page["Location"] == "/queue/sign-in/?next=/queue/"
    data = {"username": annotator.user.email.upper(), "password": "pass", "next": "/queue/"}
    assert client.post("/queue/sign-in/", data)["Location"] == "/queue/"
    assert client.get("/queue/").status_code == 200
    # /admin/ stays shut to them.
    assert client.get("/admin/").status_code == 302
    assert client.post("/queue/sign-out/")["Location"] == "/queue/sign-in/"
    assert client.get("/queue/").status_code == 302


@pytest.mark.parametrize("elsewhere", ["/admin/", "https://evil.example/", "//evil.example", ""])
def test_signing_in_leads_nowhere_else(routed: World, elsewhere: str) -> None:
    (annotator,) = holders(routed, 1)
    data = {"username": annotator.user.email, "password": "pass", "next": elsewhere}
    assert Client().post("/queue/sign-in/", data)["Location"] == "/queue/"


def test_a_wrong_password_and_a_wrong_person_are_told_the_same(routed: World) -> None:
    said = set()
    for email, password in (
        ("nobody@x.example", "pass"),
        ("operations@house.example", "pass"),
        ("operations@house.example", "wrong"),
    ):
        client = Client()
        page = client.post("/queue/sign-in/", {"username": email, "password": password})
        assert "_auth_user_id" not in client.session
        said.add(str(page.context["form"].non_field_errors()))
    assert len(said) == 1


def test_pages_load_nothing_from_elsewhere(routed: World) -> None:
    (annotator,) = holders(routed, 1)
    held = take(annotator)
    client = browser_of(annotator.user)
    own = [f"/queue/{name}/" for name in ("time", "answers", "scores", "qualifications", "pauses")]
    for path in ("/queue/", f"/queue/work/{held.public_id}/", "/queue/sign-in/", *own):
        page = client.get(path)
        policy = page["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy.replace("https://images.example.com", "")
        assert "no-store" in page["Cache-Control"]
        body = page.content.decode()
        for bad in ("<script>", " onclick", "javascript:", "style="):
            assert bad not in body, (path, bad)


def test_who_left_meanwhile_is_out_at_once(routed: World) -> None:
    (annotator,) = holders(routed, 1)
    client = browser_of(annotator.user)
    assert client.get("/queue/").status_code == 200
    change_status(annotator, "left", **routed.by)
    assert client.get("/queue/").status_code == 302


def test_a_pause_is_told_with_its_reason(routed: World) -> None:
    from common.time import utc_now

    (annotator,) = holders(routed, 1)
    until = utc_now() + timedelta(days=2)
    change_status(annotator, "paused", reason="Too many errors", until=until, **routed.by)
    page = browser_of(annotator.user).get("/queue/").content.decode()
    assert "Too many errors" in page
    assert "Next task" not in page
