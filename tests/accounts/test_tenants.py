"""The only road to tenant data: owner, colleague and stranger; missing and forbidden alike."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.files.base import ContentFile
from django.db import models
from django.test import RequestFactory
from simple_history.models import HistoricalChanges

from accounts.access import access_file, scoped
from accounts.choices import Role
from accounts.console_admin import ConsoleAdmin, ConsoleInline
from accounts.models import Organisation, User
from accounts.services.users import create_user, house
from audit.models import Event
from billing.access import access_rate_card
from billing.models import RateCard
from common.access import HOUSE_ONLY, path_of
from common.errors import NotFound
from quality.access import access_judgment
from quality.models import GoldAnswer, Judgment
from routing.access import access_assignment, access_project, access_run, access_task
from routing.models import Decision, Placement, Run
from tests.conftest import NOW, World
from vendors.access import access_attestation, access_contract, access_vendor
from vendors.models import Contract, CriterionScore
from workforce.access import access_annotator, access_certification, access_pool
from workforce.models import (
    Annotator,
    CertificationType,
    Person,
    PoolPart,
    Proficiency,
    PublicHoliday,
    Skill,
)
from workforce.services.people import declare_certification


def project_models() -> list[type[models.Model]]:
    """Return the models that this project defines; a version is read through its row."""
    return [
        model
        for app in apps.get_app_configs()
        if Path(app.path).parent == settings.BASE_DIR
        for model in app.get_models()
        if not issubclass(model, HistoricalChanges)
    ]


def test_every_model_says_whose_its_rows_are() -> None:
    found = project_models()
    assert len(found) > 40
    missing = []
    for model in found:
        try:
            path_of(model)
        except LookupError:
            missing.append(model._meta.label)
    assert missing == [], "say in the app's access.py by which path rows belong to an organisation"


def test_what_everyone_sees_and_what_the_house_keeps() -> None:
    shared = {model for model in project_models() if path_of(model).shared}
    assert shared == {CertificationType, PublicHoliday, Skill}
    # Joins people of two vendors; tells gold from work; names all crews and prices; who did what.
    kept = (Person, Proficiency, PoolPart, CriterionScore, GoldAnswer, Decision, Placement, Event)
    assert {path_of(model) for model in kept} == {HOUSE_ONLY}


def test_a_model_without_an_entry_is_shown_to_nobody(db: None) -> None:
    from django.contrib.sessions.models import Session

    with pytest.raises(LookupError, match=r"sessions\.Session"):
        scoped(Session.objects.all(), User(is_superuser=True))


@dataclass
class People:
    """Alice labels for alpha; Bob manages alpha, Charlie beta; Dora labels for alpha as well."""

    alice: User
    bob: User
    charlie: User
    dora: User
    roleless: User
    auditor: User
    alices: Annotator


@pytest.fixture
def people(world: World) -> People:
    def login(name: str, vendor: str, *roles: str) -> User:
        return create_user(
            email=f"{name}@{vendor}.example",
            name=name,
            organisation=world.vendors[vendor].organisation if vendor in world.vendors else house(),
            roles=list(roles),
            **world.as_("admin"),
        )

    alice, dora = (login(name, "alpha", Role.ANNOTATOR) for name in ("alice", "dora"))
    first, second = Annotator.objects.filter(pool__key="alpha").order_by("pk")[:2]
    Annotator.objects.filter(pk=first.pk).update(user=alice)
    Annotator.objects.filter(pk=second.pk).update(user=dora)
    return People(
        alice=alice,
        bob=login("bob", "alpha", Role.VENDOR_MANAGER),
        charlie=login("charlie", "beta", Role.VENDOR_MANAGER),
        dora=dora,
        roleless=login("roleless", "house"),
        auditor=world.users["auditor"],
        alices=first,
    )


@pytest.fixture
def rows(world: World, people: People) -> dict[str, Any]:
    """One row of each kind: of alpha, of Alice, or of the house."""
    project = world.add_project()
    task = world.add_tasks(project, 3)[0]
    run = world.route("street").run
    kind = CertificationType.objects.create(key="first-aid", name="First aid")
    held = {"annotator": people.alices, "task": task}
    attestation = world.attest("alpha", "nda", upload=ContentFile(b"signed", name="nda.txt"))
    return {
        "vendor": world.vendors["alpha"],
        "contract": Contract.objects.get(vendor=world.vendors["alpha"]),
        "attestation": attestation,
        "file": attestation.evidence,
        "pool": world.pools["alpha"],
        "rate card": RateCard.objects.get(pool=world.pools["alpha"]),
        "annotator": people.alices,
        "certification": declare_certification(
            people.alices,
            type=kind,
            issuer="Red Cross",
            number="1",
            issued_on=date(2026, 1, 1),
            **world.by,
        ),
        "assignment": world.assign(task, people.alices, state="released", ended_at=NOW),
        "judgment": Judgment.objects.create(
            **held, answer="cat", label="cat", source="import", submitted_at=NOW
        ),
        "project": project,
        "task": task,
        "run": Run.objects.get(public_id=run),
    }


ROADS: list[tuple[str, Callable[[User, Any], Any], set[str]]] = [
    ("vendor", access_vendor, {"bob"}),
    ("contract", access_contract, {"bob"}),
    ("attestation", access_attestation, {"bob"}),
    ("file", access_file, {"bob"}),
    ("pool", access_pool, {"bob"}),
    ("rate card", access_rate_card, {"bob"}),
    ("annotator", access_annotator, {"alice", "bob"}),
    ("certification", access_certification, {"alice", "bob"}),
    ("assignment", access_assignment, {"alice", "bob"}),
    ("judgment", access_judgment, {"alice", "bob"}),
    ("project", access_project, set()),
    ("task", access_task, set()),
    ("run", access_run, set()),
]


def test_owner_colleague_and_stranger(people: People, rows: dict[str, Any]) -> None:
    assert {kind for kind, _road, _sees in ROADS} == set(rows)
    for kind, road, sees in ROADS:
        row = rows[kind]
        for name in ("alice", "bob", "charlie", "dora", "roleless", "auditor"):
            user = getattr(people, name)
            if name in sees | {"auditor"}:
                assert road(user, row.public_id) == row, (kind, name)
                assert road(user, str(row.public_id)) == row
                continue
            told = set()
            for wanted in (row.public_id, uuid4(), "no id at all"):
                with pytest.raises(NotFound) as refused:
                    road(user, wanted)
                told.add((str(refused.value), refused.value.status, refused.value.code))
            assert len(told) == 1, (kind, name, told)  # missing and forbidden look the same


def test_who_left_sees_nothing(people: People, rows: dict[str, Any]) -> None:
    for user in (people.alice, people.bob, people.auditor):
        user.is_active = False
        for kind, road, _sees in ROADS:
            with pytest.raises(NotFound):
                road(user, rows[kind].public_id)


def test_in_every_table_one_vendor_sees_nothing_of_the_other(
    people: People, rows: dict[str, Any]
) -> None:
    seen_by_bob = 0
    for model in project_models():
        every = model._default_manager.all()
        bobs = set(scoped(every, people.bob))
        charlies = set(scoped(every, people.charlie))
        mine = set(scoped(every, people.alice))
        if path_of(model).shared:
            assert bobs == charlies == mine == set(every)
            assert not scoped(every, people.roleless).exists()
            continue
        assert not bobs & charlies, model
        assert mine <= bobs, model
        assert scoped(every, people.auditor).count() == every.count()
        if path_of(model) == HOUSE_ONLY:
            assert not bobs | charlies | mine, model
        seen_by_bob += bool(bobs)
    assert seen_by_bob > 8


def test_own_staff_and_hybrids_lead_to_no_vendor(world: World, people: People) -> None:
    from workforce.models import Pool

    assert {pool.key for pool in scoped(Pool.objects.all(), people.bob)} == {"alpha"}
    assert {a.organisation for a in scoped(Annotator.objects.all(), people.charlie)} == {
        world.vendors["beta"].organisation
    }
    assert set(scoped(Organisation.objects.all(), people.bob)) == {
        world.vendors["alpha"].organisation
    }


def test_the_pages_take_the_same_road(people: People, rows: dict[str, Any]) -> None:
    """Even if a vendor's person got into the console, its pages would show no more."""
    request: Any = RequestFactory().get("/")
    checked = 0
    for model, page in admin.site._registry.items():
        assert isinstance(page, ConsoleAdmin), page
        for inline in page.inlines:
            assert issubclass(inline, ConsoleInline), inline
        every = model._default_manager.all()
        for user in (people.bob, people.charlie, people.roleless, people.auditor):
            request.user = user
            shown = set(page.get_queryset(request).values_list("pk", flat=True))
            assert shown == set(scoped(every, user).values_list("pk", flat=True)), (page, user)
            checked += len(shown)
    assert checked > 100


def test_fields_offer_what_the_user_may_see(people: People, rows: dict[str, Any]) -> None:
    request: Any = RequestFactory().get("/")
    page = admin.site._registry[Annotator]
    field = Annotator._meta.get_field("pool")
    for user, keys in ((people.bob, {"alpha"}), (people.charlie, {"beta"})):
        request.user = user
        offered = page.get_field_queryset(None, field, request)
        assert {pool.key for pool in offered} == keys
