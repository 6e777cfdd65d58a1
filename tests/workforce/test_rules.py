"""What the database itself holds about people, against querysets and raw SQL."""

from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.choices import Role
from accounts.services.users import create_user
from common.errors import Forbidden, Invalid
from tests.conftest import NOW, TODAY, World
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    AnnotatorTransition,
    Certification,
    CertificationType,
    DeclaredCapacity,
    ExternalId,
    Leave,
    Person,
    Pool,
    PoolPart,
    Proficiency,
    PublicHoliday,
    Shift,
)
from workforce.services import availability, people
from workforce.services.pools import create_pool


def refused(queryset: Any, **values: Any) -> None:
    try:
        with transaction.atomic():
            queryset.update(**values)
    except IntegrityError:
        return
    pytest.fail(f"the database took {values}")


def refused_raw(queryset: Any, column: str, value: str) -> None:
    """Past the field as well, which would mend what people type."""
    table = queryset.model._meta.db_table
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE id = %s", [value, queryset.get().pk]
        )


def not_made(row: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        type(row).objects.bulk_create([row])


@pytest.fixture
def model(world: World) -> Annotator:
    pool = create_pool(
        key="model", name="Model", kind="model", currency="EUR", country="DE", **world.by
    )
    return people.create_annotator(
        pool,
        name="Prelabel",
        model_name="prelabel",
        model_version="1",
        prompt_hash="a" * 64,
        rate_limit_per_hour=100,
        **world.by,
    )


def someone(pool: str = "alpha") -> Annotator:
    found = Annotator.objects.filter(pool__key=pool).first()
    assert found is not None
    return found


def test_one_pool_for_good(world: World) -> None:
    refused(Pool.objects.filter(key="in-house"), kind="hybrid")
    refused(Pool.objects.filter(key="in-house"), kind="model")
    refused(Pool.objects.filter(key="alpha"), vendor=world.vendors["beta"])
    refused(Annotator.objects.filter(pk=someone().pk), pool=None)


def test_rules_of_a_pool(world: World) -> None:
    for values in [
        {"kind": "cloud"},
        {"utilisation": Decimal(0)},
        {"utilisation": Decimal("1.1")},
        {"gold_share": Decimal(1)},
        {"gold_share": Decimal("-0.1")},
    ]:
        refused(Pool.objects.filter(key="in-house"), **values)
    refused(PoolPart.objects.all(), role="watches")
    refused_raw(Pool.objects.filter(key="in-house"), "country", "de")


def test_a_model_is_named_and_limited(model: Annotator) -> None:
    for values in [
        {"model_name": ""},
        {"model_version": ""},
        {"prompt_hash": "abc"},
        {"rate_limit_per_hour": None},
        {"rate_limit_per_hour": 0},
        {"kind": "person"},
    ]:
        refused(Annotator.objects.filter(pk=model.pk), **values)


def test_a_model_has_no_hours_and_a_person_no_prompt(world: World, model: Annotator) -> None:
    not_made(Shift(annotator=model, weekday=0, starts=time(8), ends=time(16), valid_from=TODAY))
    not_made(Leave(annotator=model, kind="sick", starts_at=NOW, ends_at=NOW + timedelta(days=1)))
    refused(Shift.objects.all(), annotator=model)
    refused(Annotator.objects.filter(pk=someone().pk), prompt_hash="a" * 64)
    refused(Annotator.objects.filter(pk=someone().pk), kind="model", model_name="x")


def test_rules_of_an_annotator(world: World) -> None:
    for values in [
        {"name": ""},
        {"residency": "D"},
        {"clearance": 9},
        {"hourly_cost_micro": -1},
        {"exposure_cap_minutes": 1441},
        {"status": "resting"},
        {"pause_reason": "why not"},
        {"paused_until": NOW},
        {"facts_verified_at": None},
    ]:
        refused(Annotator.objects.filter(pk=someone().pk), **values)
    refused_raw(Annotator.objects.filter(pk=someone().pk), "residency", "pl")


def test_a_status_changes_by_a_recorded_step_only(world: World) -> None:
    rows = Annotator.objects.filter(pk=someone().pk)
    refused(rows, status="left")
    term = NOW + timedelta(days=7)
    refused(rows, status="paused", pause_reason="x", paused_until=term)
    people.change_status(rows.get(), "paused", reason="x", until=term, **world.by)
    refused(rows, paused_until=None)
    refused(rows, pause_reason="")
    people.change_status(rows.get(), "active", **world.by)
    refused(rows, status="paused", pause_reason="x", paused_until=term)
    refused(AnnotatorTransition.objects.all(), reason="better")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM workforce_annotatortransition")
    step = {"annotator": rows.get(), "sequence": 9, "actor": world.users["admin"], "at": NOW}
    for values in (
        {"from_status": "left", "to_status": "paused", "reason": "x", "until": term},
        {"from_status": "active", "to_status": "active"},
        {"from_status": "active", "to_status": "paused", "reason": "", "until": term},
        {"from_status": "active", "to_status": "paused", "reason": "x"},
        {"from_status": "active", "to_status": "paused", "reason": "x", "until": NOW},
        {"from_status": "active", "to_status": "left", "until": term},
    ):
        not_made(AnnotatorTransition(**step, **values))


def test_codes_are_read_as_people_type_them(world: World) -> None:
    made = people.create_annotator(
        world.pools["alpha"], name="x", residency="pl", languages=["pl", "en-GB"], **world.by
    )
    assert made.residency == "PL"
    for values, field in (
        ({"residency": "Poland"}, "residency"),
        ({"residency": "P1"}, "residency"),
        ({"languages": "pl"}, "languages"),
        ({"languages": ["Polish!"]}, "languages"),
        ({"time_zone": "Warsaw"}, "time_zone"),
    ):
        with pytest.raises(Invalid) as caught:
            people.create_annotator(world.pools["alpha"], name="y", **values, **world.by)
        assert caught.value.field == field


# -- logins, persons, verification --------------------------------------------------------------


def login(world: World, vendor: str) -> Any:
    return create_user(
        email=f"one@{vendor}.example",
        name="One",
        organisation=world.vendors[vendor].organisation,
        roles=[Role.ANNOTATOR],
        **world.as_("admin"),
    )


def test_a_login_is_of_the_same_organisation(world: World) -> None:
    mine, other = login(world, "alpha"), login(world, "beta")
    person = someone()
    refused(Annotator.objects.filter(pk=person.pk), user=other)
    with pytest.raises(Invalid, match="no such login"):
        people.link_login(person, other, **world.as_("admin"))
    with pytest.raises(Forbidden):
        people.link_login(person, mine, **world.by)
    people.link_login(person, mine, **world.as_("admin"))
    people.link_login(person, mine, **world.as_("admin"))
    assert person.history.filter(user=mine).count() == 1
    second = Annotator.objects.filter(pool__key="alpha").exclude(pk=person.pk).first()
    assert second is not None
    with pytest.raises(Invalid):
        people.link_login(second, mine, **world.as_("admin"))
    people.link_login(person, None, **world.as_("admin"))
    assert Annotator.objects.get(pk=person.pk).user is None


def test_nobody_verifies_themselves_not_even_afterwards(world: World) -> None:
    person, operator = someone("in-house"), world.users["operations"]
    # The operator verified this one's skills; a login that makes them one is refused.
    refused(Annotator.objects.filter(pk=person.pk), user=operator)
    second = world.users["second"]
    people.link_login(person, second, **world.as_("admin"))
    skill = people.declare_skill(person, person.skills.first().skill, 5, **world.by)
    proof = people.declare_certification(
        person,
        type=CertificationType.objects.first(),
        issuer="x",
        number="1",
        issued_on=TODAY,
        **world.by,
    )
    for verify, row in (
        (people.verify_skill, skill),
        (people.verify_certification, proof),
        (people.verify_facts, person),
    ):
        with pytest.raises(Invalid, match="Nobody verifies themselves"):
            verify(row, **world.as_("second"))
    refused(Annotator.objects.filter(pk=person.pk), facts_verified_by=second)


def test_annotators_that_are_one_person(world: World, model: Annotator) -> None:
    a, b, c = (someone(pool) for pool in ("alpha", "beta", "in-house"))
    person = people.join_as_one([a, b], note="same passport", **world.by)
    assert people.join_as_one([a, b], **world.by) == person
    other = people.join_as_one(
        [c, Annotator.objects.filter(pool__key="in-house").last()], **world.by
    )
    assert other != person
    # Two persons turn out to be one: all their annotators come along.
    assert people.join_as_one([a, c], **world.by) == person
    assert person.annotators.count() == 4
    assert Person.objects.count() == 2
    for wrong in ([a], [a, a], [a, model]):
        with pytest.raises(Invalid):
            people.join_as_one(wrong, **world.by)
    with pytest.raises(Forbidden):
        people.join_as_one([a, b], **world.as_("quality"))
    # History, which others read, does not say with whom somebody is one.
    assert "person" not in {field.name for field in a.history.model._meta.get_fields()}


# -- proofs and hours ---------------------------------------------------------------------------


def test_rules_of_proofs(world: World) -> None:
    proof = people.declare_certification(
        someone(),
        type=CertificationType.objects.first(),
        issuer="x",
        number="1",
        issued_on=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
        **world.by,
    )
    rows = Certification.objects.filter(pk=proof.pk)
    for values in (
        {"issuer": ""},
        {"number": ""},
        {"valid_until": date(2025, 12, 31)},
        {"lapses_at": None},
        {"valid_until": None},
        {"state": "verified"},
        {"state": "believed"},
        {"verified_by": world.users["operations"]},
    ):
        refused(rows, **values)
    skills = AnnotatorSkill.objects.filter(annotator=someone())
    for values in ({"level": 0}, {"level": 6}, {"state": "declared"}, {"verified_at": None}):
        refused(skills, **values)
    refused(ExternalId.objects.filter(pk=_external(world).pk), platform="paper")
    refused(ExternalId.objects.all(), external_id="")
    not_made(ExternalId(annotator=someone("beta"), platform="label_studio", external_id="7"))


def _external(world: World) -> ExternalId:
    return ExternalId.objects.create(annotator=someone(), platform="label_studio", external_id="7")


def test_rules_of_hours(world: World) -> None:
    shifts = Shift.objects.filter(annotator=someone(), weekday=0)
    for values in (
        {"weekday": 7},
        {"ends": time(8)},
        {"valid_to": date(2026, 1, 1)},
    ):
        refused(shifts, **values)
    leave = availability.add_leave(
        someone(), kind="sick", starts_at=NOW, ends_at=NOW + timedelta(hours=4), **world.by
    )
    refused(Leave.objects.filter(pk=leave.pk), ends_at=NOW)
    refused(Leave.objects.filter(pk=leave.pk), kind="moon")
    day = PublicHoliday.objects.create(country="DE", day=TODAY, name="Feast")
    refused_raw(PublicHoliday.objects.filter(pk=day.pk), "country", "de")
    not_made(PublicHoliday(country="DE", day=TODAY, name="Feast again"))


def test_capacity_is_declared_by_vendors_for_their_pools(world: World) -> None:
    row = availability.declare_capacity(world.pools["alpha"], TODAY, Decimal(8), **world.by)
    again = availability.declare_capacity(world.pools["alpha"], TODAY, Decimal(6), **world.by)
    assert (again.pk, again.hours) == (row.pk, 6)
    rows = DeclaredCapacity.objects.filter(pk=row.pk)
    refused(rows, hours=Decimal("-1"))
    refused(rows, pool=world.pools["in-house"])
    for hours in (Decimal("-1"), Decimal("NaN")):
        with pytest.raises(Invalid, match="not negative"):
            availability.declare_capacity(world.pools["alpha"], TODAY, hours, **world.by)
    with pytest.raises(Invalid, match="pools of vendors"):
        availability.declare_capacity(world.pools["in-house"], TODAY, Decimal(1), **world.by)


def test_rules_of_what_is_known(world: World) -> None:
    rows = Proficiency.objects.filter(annotator=someone())
    for values in ({"rate": 1.2}, {"rate_lower": 0.99}, {"speed": 0.0}, {"n_gold": 999}):
        refused(rows, **values)
