"""Forms and dialogs of people, vendors and users: each write is a service's, with its event."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from accounts.services.records import delete_record
from audit.models import Event
from common.errors import Conflict
from common.time import utc_now
from tests.conftest import TODAY, World
from vendors.models import Contract, CriterionScore, Vendor
from vendors.services.vendors import declare_attestation
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    CertificationType,
    DeclaredCapacity,
    Leave,
    Person,
    Pool,
    PublicHoliday,
    Shift,
    Skill,
)
from workforce.services import people

SENT = {"_form_submitted": "1"}


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def someone(pool: str = "alpha") -> Annotator:
    found = Annotator.objects.filter(pool__key=pool).first()
    assert found is not None
    return found


def no_rows(*names: str) -> dict[str, str]:
    return {f"{name}-{what}_FORMS": "0" for name in names for what in ("TOTAL", "INITIAL")}


def forms(world: World) -> list[tuple[Any, dict[str, Any], dict[str, Any]]]:
    """Return model, form of a new row, and what of it is changed afterwards."""
    alpha, skill = world.vendors["alpha"].pk, Skill.objects.get(key="cuboids-3d").pk
    return [
        (Skill, {"key": "new", "name": "New"}, {"name": "Newer"}),
        (CertificationType, {"key": "pilot", "name": "Pilot"}, {"description": "flies"}),
        (
            Shift,
            {
                "annotator": someone().pk,
                "weekday": "5",
                "starts": "08:00",
                "ends": "12:00",
                "valid_from": "2026-01-01",
            },
            {"ends": "13:00"},
        ),
        (
            Leave,
            {
                "annotator": someone().pk,
                "kind": "sick",
                "starts_at_0": "2026-03-02",
                "starts_at_1": "08:00",
                "ends_at_0": "2026-03-03",
                "ends_at_1": "08:00",
            },
            {"kind": "other"},
        ),
        (
            PublicHoliday,
            {"country": "nl", "day": "2026-04-27", "name": "Koningsdag"},
            {"name": "King's Day"},
        ),
        (
            DeclaredCapacity,
            {"pool": world.pools["alpha"].pk, "day": "2026-03-02", "hours": "8"},
            {"hours": "9.5"},
        ),
        (
            AnnotatorSkill,
            {"annotator": someone().pk, "skill": skill, "level": "2"},
            {"level": "3"},
        ),
        (
            Contract,
            {
                "vendor": alpha,
                "number": "C-2",
                "starts_on": "2027-01-01",
                "ends_on": "2028-01-01",
                "currency": "EUR",
                "time_zone": "UTC",
                "minimum_commitment_micro": "1000.50",
                "shortfall_share": "1",
            },
            {"share_cap": "0.4"},
        ),
        (
            CriterionScore,
            {
                "vendor": alpha,
                "criterion": "scale",
                "score": "4",
                "weight": "1",
                "evidence": "ramp in May",
                "assessed_on": "2026-02-01",
            },
            {"score": "4.5"},
        ),
        (
            Pool,
            {
                "key": "night",
                "name": "Night",
                "kind": "in_house",
                "currency": "EUR",
                "time_zone": "Europe/Berlin",
                "country": "DE",
                "utilisation": "0.8",
                "gold_share": "0.05",
                "is_active": "on",
                **no_rows("parts"),
            },
            {"utilisation": "0.7"},
        ),
    ]


def test_what_is_made_changed_and_deleted_is_in_the_log(world: World) -> None:
    user = world.users["operations"]
    browser = client(user)
    for model, values, change in forms(world):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        newest = Event.objects.latest("pk").pk
        answer = browser.post(reverse(f"{name}_add"), values)
        assert answer.status_code == 302, (model, answer.context["errors"])
        row = model.objects.latest("pk")
        answer = browser.post(reverse(f"{name}_change", args=[row.pk]), {**values, **change})
        assert answer.status_code == 302, (model, answer.context["errors"])
        answer = browser.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"})
        assert answer.status_code == 302, model
        assert not model.objects.filter(pk=row.pk).exists(), model
        events = list(Event.objects.filter(pk__gt=newest).order_by("pk"))
        word = model._meta.model_name
        assert [e.kind for e in events] == [f"{word}.{w}" for w in ("made", "changed", "deleted")]
        assert {event.actor for event in events} == {user}
        assert set(events[1].data["fields"]) >= {key.removesuffix("_micro") for key in change} - {
            ""
        }
        users = model.history.filter(**{model._meta.pk.name: row.pk}).values_list(
            "history_user", flat=True
        )
        assert list(users) == [user.pk] * 3, model


def test_what_others_stand_on_is_not_deleted(world: World) -> None:
    browser = client(world.users["operations"])
    pool = world.pools["alpha"]
    answer = browser.post(reverse("admin:workforce_pool_delete", args=[pool.pk]), {"post": "yes"})
    assert answer.status_code in (200, 403)
    assert Pool.objects.filter(pk=pool.pk).exists()
    # The service names what stands on it.
    with pytest.raises(Conflict, match="in use by: annotators"):
        delete_record(pool, permission="people.manage", **world.by)
    assert not Event.objects.filter(kind__endswith=".deleted").exists()


def test_a_vendor_is_made_and_changed(world: World) -> None:
    browser = client(world.users["operations"])
    inlines = no_rows("contracts", "attestations", "scores", "transitions")
    form = {"name": "Gamma", "key": "gamma", "country": "pl", **inlines}
    answer = browser.post(reverse("admin:vendors_vendor_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    vendor = Vendor.objects.get(key="gamma")
    assert (str(vendor), vendor.country, vendor.state) == ("Gamma", "PL", "prospect")
    address = reverse("admin:vendors_vendor_change", args=[vendor.pk])
    browser.post(address, {**form, "name": "Gamma Two", "notes": "x"})
    vendor = Vendor.objects.get(key="gamma")
    assert (str(vendor), vendor.notes) == ("Gamma Two", "x")
    refused = browser.post(address, {**form, "name": "alpha"})
    assert "organisation of this name" in refused.content.decode()
    step = f"/admin/vendors/vendor/{vendor.pk}/step/"
    for to, reason, words in (
        ("active", "", "cannot become active"),
        ("onboarding", "", "onboarding"),
        ("ended", "", "Say why"),
    ):
        answer = browser.post(step, {**SENT, "to": to, "reason": reason})
        assert answer["HX-Redirect"] == address
        assert words in browser.get(address).content.decode()
    assert Vendor.objects.get(key="gamma").state == "onboarding"


def test_an_attestation_is_verified_by_another_than_the_declarer(world: World) -> None:
    row = declare_attestation(
        world.vendors["alpha"], kind="nda", scope="all", issuer="x", issued_on=TODAY, **world.by
    )
    address = f"/admin/vendors/attestation/{row.pk}/verify/"
    page = reverse("admin:vendors_attestation_change", args=[row.pk])
    browser = client(world.users["operations"])
    assert browser.post(address, SENT)["HX-Redirect"] == page
    assert "Another person than the declarer" in browser.get(page).content.decode()
    row.refresh_from_db()
    assert row.verified_at is None
    client(world.users["second"]).post(address, SENT)
    row.refresh_from_db()
    assert row.verified_by == world.users["second"]


def test_proofs_are_verified_on_their_pages(world: World) -> None:
    skill = someone().skills.first()
    assert skill is not None
    people.declare_skill(someone(), skill.skill, 5, **world.by)
    proof = people.declare_certification(
        someone(),
        type=CertificationType.objects.first(),
        issuer="x",
        number="1",
        issued_on=TODAY,
        **world.by,
    )
    browser = client(world.users["operations"])
    for row, name in ((skill, "annotatorskill"), (proof, "certification")):
        browser.post(f"/admin/workforce/{name}/{row.pk}/verify/", SENT)
        row.refresh_from_db()
        assert (row.state, row.verified_by) == ("verified", world.users["operations"])
    # The quality lead may not.
    people.declare_skill(someone(), skill.skill, 4, **world.by)
    refused = client(world.users["quality"]).post(
        f"/admin/workforce/annotatorskill/{skill.pk}/verify/", SENT
    )
    assert refused.status_code == 403


INLINES = (
    "skills",
    "certifications",
    "shifts",
    "leaves",
    "external_ids",
    "proficiencies",
    "transitions",
)


def annotator_form(**values: Any) -> dict[str, Any]:
    return {
        "name": "Ann",
        "email": "ann@house.example",
        "time_zone": "Europe/Berlin",
        "languages": "de, en",
        "residency": "de",
        "clearance": "1",
        "hourly_cost_micro": "31.25",
        "exposure_cap_minutes": "60",
        **no_rows(*INLINES),
        **values,
    }


def test_an_annotator_is_made_and_changed_facts_are_verified_again(world: World) -> None:
    browser = client(world.users["operations"])
    pool = world.pools["in-house"].pk
    answer = browser.post(reverse("admin:workforce_annotator_add"), annotator_form(pool=pool))
    assert answer.status_code == 302, answer.context["errors"]
    ann = Annotator.objects.get(email="ann@house.example")
    assert (ann.languages, ann.residency) == (["de", "en"], "DE")
    assert ann.hourly_cost_micro == 31_250_000
    assert ann.organisation == world.users["admin"].organisation
    page = f"/admin/workforce/annotator/{ann.pk}/"
    browser.post(f"{page}verify/", SENT)
    ann.refresh_from_db()
    assert ann.facts_verified_by == world.users["operations"]
    browser.post(f"{page}change/", annotator_form(pool=pool, daily_cap="40"))
    ann.refresh_from_db()
    assert (ann.daily_cap, ann.facts_verified_by) == (40, world.users["operations"])
    skill = Skill.objects.first()
    assert skill is not None
    added = {
        "skills-TOTAL_FORMS": "1",
        "skills-0-annotator": ann.pk,
        "skills-0-skill": skill.pk,
        "skills-0-level": "3",
    }
    answer = browser.post(f"{page}change/", annotator_form(pool=pool, residency="PL", **added))
    assert answer.status_code == 302, answer.context["errors"]
    ann.refresh_from_db()
    assert (ann.residency, ann.facts_verified_by) == ("PL", None)
    assert ann.skills.get().state == "declared"
    for values, words in (
        ({"languages": "German?"}, "BCP 47"),
        ({"email": "own.0@example.org"}, "has an annotator of that e-mail"),
        ({"pool": world.pools["hybrid"].pk}, "in-house or outsourced pool"),
        ({"exposure_cap_minutes": "2000"}, "1,440 minutes"),
    ):
        refused = browser.post(f"{page}change/", annotator_form(**{"pool": pool, **values}))
        assert words in refused.content.decode(), values


def test_a_pause_has_reason_and_term(world: World) -> None:
    browser, ann = client(world.users["quality"]), someone("in-house")
    address = f"/admin/workforce/annotator/{ann.pk}/set_status/"
    page = reverse("admin:workforce_annotator_change", args=[ann.pk])
    back = (utc_now() + timedelta(days=20)).date()
    for values, words in (
        ({}, "A pause has a reason"),
        ({"reason": "rest"}, "A pause has a term"),
        ({"reason": "rest", "back_on": "2020-01-01"}, "ends in the future"),
    ):
        browser.post(address, {**SENT, "to": "paused", **values})
        assert words in browser.get(page).content.decode()
    values = {"reason": "rest", "back_on": back.isoformat()}
    browser.post(address, {**SENT, "to": "paused", **values})
    ann.refresh_from_db()
    assert (ann.status, ann.pause_reason) == ("paused", "rest")
    # Berlin's midnight.
    assert ann.paused_until is not None
    assert ann.paused_until.date() == back - timedelta(days=1)
    assert "rest" in browser.get(page).content.decode()


def test_a_login_is_given_by_an_administrator(world: World, vendor_user: User) -> None:
    ann = someone()
    address = f"/admin/workforce/annotator/{ann.pk}/set_login/"
    page = reverse("admin:workforce_annotator_change", args=[ann.pk])
    refused = client(world.users["operations"]).post(address, {**SENT, "email": vendor_user.email})
    assert refused.status_code == 403
    browser = client(world.users["admin"])
    # One of another organisation, and none at all, look the same.
    for email in (world.users["finance"].email, "nobody@x.example"):
        browser.post(address, {**SENT, "email": email})
        text = browser.get(page).content.decode()
        assert "There is no such login in the annotator&#x27;s organisation" in text
    browser.post(address, {**SENT, "email": vendor_user.email.upper()})
    ann.refresh_from_db()
    assert ann.user == vendor_user
    browser.post(address, {**SENT, "email": ""})
    ann.refresh_from_db()
    assert ann.user is None


def test_annotators_are_joined_in_their_list_by_operations(world: World) -> None:
    ids = [someone("alpha").pk, someone("beta").pk]
    data = {"action": "join", "_selected_action": ids}
    for name in ("quality", "finance", "admin"):
        client(world.users[name]).post("/admin/workforce/annotator/", data)
    assert not Person.objects.exists()
    browser = client(world.users["operations"])
    browser.get("/admin/workforce/annotator/", data)
    assert not Person.objects.exists()
    browser.post("/admin/workforce/annotator/", data)
    person = Person.objects.get()
    assert set(person.annotators.values_list("pk", flat=True)) == set(ids)
    page = reverse("admin:workforce_annotator_change", args=[ids[0]])
    assert "One person at several employers" in browser.get(page).content.decode()
    # Others do not learn of it, not by the history either.
    for name in ("quality", "finance", "sla", "admin"):
        other = client(world.users[name])
        history = reverse("admin:workforce_annotator_history", args=[ids[0]])
        assert "One person at several" not in other.get(page).content.decode()
        assert str(person) not in other.get(history).content.decode()
        assert other.get("/admin/workforce/person/").status_code == 403


def test_a_calendar_is_loaded(world: World) -> None:
    browser = client(world.users["operations"])
    address = "/admin/workforce/publicholiday/load/"
    assert b"ISO 3166" in browser.get(address).content
    form = {**SENT, "country": "nl", "year": "2027"}
    assert browser.post(address, form)["HX-Redirect"] == "/admin/workforce/publicholiday/"
    assert PublicHoliday.objects.filter(country="NL", day=date(2027, 4, 27)).exists()
    count = PublicHoliday.objects.count()
    browser.post(address, form)
    browser.post(address, {**form, "country": "XX"})
    assert PublicHoliday.objects.count() == count
    assert "no calendar of XX" in browser.get("/admin/workforce/publicholiday/").content.decode()
    assert client(world.users["auditor"]).post(address, form).status_code == 403


def test_users_are_made_with_roles_and_a_password_that_will_do(world: World) -> None:
    browser = client(world.users["admin"])
    house = world.users["admin"].organisation
    form = {
        "email": "New@House.example",
        "name": "New",
        "organisation": house.pk,
        "time_zone": "Europe/Berlin",
        "new_password": "",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-role": "finance",
    }
    weak = browser.post(reverse("admin:accounts_user_add"), {**form, "new_password": "12345"})
    assert "too common" in weak.content.decode()
    answer = browser.post(
        reverse("admin:accounts_user_add"), {**form, "new_password": "a heron at dusk"}
    )
    assert answer.status_code == 302, answer.context["errors"]
    user = User.objects.get(email="new@house.example")
    assert user.is_active
    assert (user.roles, user.time_zone) == ({"finance"}, "Europe/Berlin")
    assert user.check_password("a heron at dusk")
    kinds = set(Event.objects.filter(subject_id=str(user.public_id)).values_list("kind", flat=True))
    assert kinds == {"user.created", "role.granted"}
    # A role is taken, and another given; the organisation stays.
    membership = Membership.objects.get(user=user)
    page = reverse("admin:accounts_user_change", args=[user.pk])
    change = {
        **form,
        "name": "Newer",
        "is_active": "on",
        "organisation": world.vendors["alpha"].organisation.pk,
        "memberships-TOTAL_FORMS": "2",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": membership.pk,
        "memberships-0-user": user.pk,
        "memberships-0-DELETE": "on",
        "memberships-1-user": user.pk,
        "memberships-1-role": "auditor",
    }
    answer = browser.post(page, change)
    assert answer.status_code == 302, answer.context["errors"]
    user = User.objects.get(pk=user.pk)
    assert (user.name, user.roles, user.organisation) == ("Newer", {"auditor"}, house)
    assert user.check_password("a heron at dusk")
    for role in ("vendor_manager", "finance"):
        wrong = browser.post(
            reverse("admin:accounts_user_add"),
            {
                **form,
                "email": "v@alpha.example",
                "organisation": world.vendors["alpha"].organisation.pk,
                "memberships-0-role": role,
            },
        )
        made = User.objects.filter(email="v@alpha.example")
        if role == "finance":
            assert "does not suit" in wrong.content.decode()
        assert made.exists() == (role == "vendor_manager")
        made.delete()


@pytest.mark.parametrize("name", ["operations", "auditor", "finance"])
def test_others_do_not_manage_users(world: World, name: str) -> None:
    browser = client(world.users[name])
    assert browser.post(reverse("admin:accounts_user_add"), {}).status_code == 403
    page = reverse("admin:accounts_user_change", args=[world.users["second"].pk])
    assert browser.post(page, {"email": "x@y.example"}).status_code == 403
