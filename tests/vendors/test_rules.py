"""What the database itself holds about vendors, against querysets and raw SQL."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import Organisation
from common.errors import Conflict, Invalid
from tests.conftest import NOW, TODAY, World
from vendors.choices import VENDOR_TRANSITIONS, AttestationKind, Criterion, VendorState
from vendors.models import Attestation, Contract, CriterionScore, Vendor, VendorTransition
from vendors.selectors import attestation_cover, attestation_state, contracts_on
from vendors.services.vendors import (
    add_contract,
    change_state,
    change_vendor,
    declare_attestation,
    score_vendor,
    verify_attestation,
)


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


# -- life cycle ---------------------------------------------------------------------------------


def test_every_step_of_the_table_and_no_other(world: World) -> None:
    for number, start in enumerate(VendorState.values):
        organisation = Organisation.objects.create(name=f"V {number}", kind="vendor")
        for to in VendorState.values:
            # A step taken by hand, past the service.
            vendor = Vendor.objects.filter(organisation=organisation).first()
            vendor = vendor or Vendor.objects.create(
                organisation=organisation, key=f"v-{number}", country="PL", state=start
            )
            row = VendorTransition(
                vendor=vendor,
                sequence=1,
                from_state=start,
                to_state=to,
                actor=world.users["operations"],
                reason="trial",
                at=NOW,
            )
            if to in VENDOR_TRANSITIONS[start]:
                with transaction.atomic():
                    row.save()
                    Vendor.objects.filter(pk=vendor.pk).update(state=to)
                    transaction.set_rollback(True)
            else:
                with pytest.raises(IntegrityError), transaction.atomic():
                    row.save()


def test_a_state_changes_by_a_recorded_step_only(world: World) -> None:
    rows = Vendor.objects.filter(key="alpha")
    refused(rows, state="suspended")
    change_state(rows.get(), "suspended", reason="x", **world.by)
    change_state(rows.get(), "active", **world.by)
    # The step to suspended is not the last one any more.
    refused(rows, state="suspended")
    refused(VendorTransition.objects.filter(vendor=rows.get()), reason="better")
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM vendors_vendortransition")


def test_suspending_without_a_reason_is_no_step(world: World) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        VendorTransition.objects.create(
            vendor=world.vendors["alpha"],
            sequence=9,
            from_state="active",
            to_state="suspended",
            actor=world.users["operations"],
            at=NOW,
        )


def test_the_second_of_two_writers_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other's step is committed after this one has read the state."""
    vendor = world.vendors["alpha"]
    count = VendorTransition.objects.filter(vendor=vendor).count
    stale = count()
    change_state(vendor, "suspended", reason="the other", **world.by)
    change_state(vendor, "active", **world.by)
    monkeypatch.setattr("django.db.models.query.QuerySet.count", lambda rows: stale)
    with pytest.raises(Conflict, match="Somebody else"):
        change_state(vendor, "suspended", reason="mine", **world.by)


def test_a_vendor_stays_the_organisation_it_is(world: World) -> None:
    other = Organisation.objects.create(name="Other", kind="vendor")
    refused(Vendor.objects.filter(key="alpha"), organisation=other)
    vendor = world.vendors["alpha"]
    change_vendor(vendor, name="Alpha Two", changed=["name"], **world.by)
    assert Vendor.objects.get(key="alpha").organisation.name == "Alpha Two"
    with pytest.raises(Invalid, match="organisation of this name"):
        change_vendor(vendor, name="BETA", changed=["name"], **world.by)


@pytest.mark.parametrize("country", ["pl", "P", "", "POL"])
def test_a_country_is_two_capital_letters(world: World, country: str) -> None:
    refused_raw(Vendor.objects.filter(key="alpha"), "country", country)


# -- contracts ----------------------------------------------------------------------------------


def test_rules_of_a_contract(world: World) -> None:
    for values in [
        {"ends_on": date(2026, 1, 1)},
        {"minimum_commitment_micro": -1},
        {"shortfall_share": Decimal("1.1")},
        {"shortfall_share": Decimal("-0.1")},
        {"share_cap": Decimal(0)},
        {"share_cap": Decimal("1.01")},
    ]:
        refused(Contract.objects.filter(number="C-alpha"), **values)


def test_the_contract_in_force_on_a_day(world: World) -> None:
    vendor = world.vendors["alpha"]
    following = add_contract(
        vendor,
        number="C-next",
        starts_on=date(2027, 1, 1),
        ends_on=date(2028, 1, 1),
        currency="EUR",
        **world.by,
    )
    assert contracts_on(date(2026, 12, 31), [vendor.pk])[vendor.pk].number == "C-alpha"
    assert contracts_on(date(2027, 1, 1), [vendor.pk])[vendor.pk] == following
    assert contracts_on(date(2028, 1, 1), [vendor.pk]) == {}
    with pytest.raises(Invalid, match="ISO 4217"):
        add_contract(
            vendor,
            number="C-x",
            starts_on=date(2029, 1, 1),
            ends_on=date(2030, 1, 1),
            currency="XXQ",
            **world.by,
        )


# -- attestations -------------------------------------------------------------------------------


def attested(world: World, kind: str, **values: Any) -> Attestation:
    fields = {"scope": "all", "issuer": "x", "issued_on": date(2026, 1, 1), **values}
    row = declare_attestation(world.vendors["alpha"], kind=kind, **fields, **world.by)
    return verify_attestation(row, **world.as_("second"))


def state(world: World, kind: str, on: date) -> tuple[str, date | None]:
    vendor = world.vendors["alpha"].pk
    cover = attestation_cover(vendor_ids=[vendor], on=on)[vendor, kind]
    return str(cover.state), cover.last_day


def test_valid_expiring_lapsed_and_missing_by_the_day(world: World) -> None:
    last = date(2026, 12, 31)
    assert state(world, "iso27001", TODAY) == ("missing", None)
    attested(world, "iso27001", valid_until=last)
    for on, expected in (
        (date(2025, 12, 31), "missing"),
        (date(2026, 1, 1), "valid"),
        (last - timedelta(days=61), "valid"),
        (last - timedelta(days=60), "expiring"),
        (last, "expiring"),
        (last + timedelta(days=1), "lapsed"),
    ):
        assert state(world, "iso27001", on)[0] == expected, on
    # One that follows without a gap: nothing expires.
    attested(
        world, "iso27001", issued_on=date(2027, 1, 1), valid_until=date(2029, 12, 31), number="2"
    )
    assert state(world, "iso27001", last) == ("valid", date(2029, 12, 31))
    # After a gap of a day it does.
    attested(world, "nda", issued_on=date(2026, 1, 1), valid_until=date(2026, 3, 31), number="1")
    attested(world, "nda", issued_on=date(2026, 4, 2), valid_until=date(2027, 3, 31), number="2")
    assert state(world, "nda", date(2026, 3, 31)) == ("expiring", date(2026, 3, 31))
    assert state(world, "nda", date(2026, 4, 1)) == ("lapsed", date(2026, 3, 31))
    assert state(world, "nda", date(2026, 4, 2))[0] == "valid"


def test_a_report_is_carried_on_by_letter(world: World) -> None:
    attested(
        world,
        "soc2_type2",
        issued_on=date(2026, 11, 20),
        period_from=date(2025, 11, 1),
        period_to=date(2026, 10, 31),
        bridged_until=date(2027, 1, 31),
    )
    assert state(world, "soc2_type2", date(2026, 6, 1)) == ("valid", date(2027, 1, 31))
    assert state(world, "soc2_type2", date(2026, 11, 1)) == ("bridged", date(2027, 1, 31))
    assert state(world, "soc2_type2", date(2027, 1, 31))[0] == "bridged"
    assert state(world, "soc2_type2", date(2027, 2, 1))[0] == "lapsed"


@pytest.mark.parametrize("kind", ["hipaa_baa", "gdpr_dpa", "nda"])
def test_an_agreement_ends_with_the_contract(world: World, kind: str) -> None:
    attested(world, kind)
    assert state(world, kind, TODAY) == ("valid", date(2026, 12, 31))
    assert state(world, kind, date(2026, 12, 31))[0] == "expiring"
    assert state(world, kind, date(2027, 1, 1))[0] == "lapsed"
    # A vendor that has no contract yet: it has no end of its own.
    row = Attestation.objects.get(kind=kind)
    assert attestation_state([row], date(2099, 1, 1)).state == "valid"
    # A certificate without a last day is nobody's agreement.
    attested(world, "iso27001")
    assert state(world, "iso27001", date(2099, 1, 1)) == ("valid", None)


def test_what_is_declared_does_not_count(world: World) -> None:
    row = attested(world, "nda")
    assert state(world, "nda", TODAY)[0] == "valid"
    Attestation.objects.filter(pk=row.pk).update(verified_by=None, verified_at=None)
    assert state(world, "nda", TODAY)[0] == "missing"


def test_rules_of_an_attestation(world: World) -> None:
    row = attested(world, "nda", valid_until=date(2026, 12, 31))
    for values in [
        {"kind": "iso9001"},
        {"scope": ""},
        {"issuer": ""},
        {"valid_until": date(2025, 12, 31)},
        {"period_from": date(2026, 2, 1), "period_to": date(2026, 1, 1)},
        {"bridged_until": date(2027, 1, 1)},
        {"period_to": date(2026, 6, 30), "bridged_until": date(2026, 6, 30)},
        {"kind": "soc2_type2"},
        {"kind": "soc2_type2", "period_to": date(2026, 6, 30)},
        {"verified_at": None},
        {"verified_by": None},
    ]:
        refused(Attestation.objects.filter(pk=row.pk), **values)


def test_who_verifies_an_attestation(world: World, vendor_user) -> None:
    row = attested(world, "nda")
    rows = Attestation.objects.filter(pk=row.pk)
    refused(rows, verified_by=world.users["operations"])  # who declared it
    refused(rows, verified_by=vendor_user)
    assert {kind for kind, _label in AttestationKind.choices} >= {row.kind}


# -- scorecard ----------------------------------------------------------------------------------


def test_rules_of_a_score(world: World) -> None:
    assert len(Criterion.values) == 7
    score = score_vendor(
        world.vendors["alpha"],
        criterion="quality",
        score=Decimal(4),
        evidence="seen",
        assessed_on=TODAY,
        **world.by,
    )
    assert score.author == world.users["operations"]
    rows = CriterionScore.objects.filter(pk=score.pk)
    for values in (
        {"criterion": "charm"},
        {"score": Decimal("5.1")},
        {"score": Decimal("-0.1")},
        {"weight": Decimal("-1")},
        {"evidence": ""},
    ):
        refused(rows, **values)
    with pytest.raises(Invalid, match="scored on that day already"):
        score_vendor(
            world.vendors["alpha"],
            criterion="quality",
            score=Decimal(3),
            evidence="again",
            assessed_on=TODAY,
            **world.by,
        )
