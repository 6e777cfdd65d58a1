"""Vendors: life cycle, contracts, attestations, scorecard, prices."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing.models import RateLine
from billing.services.prices import CardPrices
from billing.services.rates import add_line, end_line
from common.errors import Forbidden, Invalid
from routing.models import TaskType
from tests.conftest import NOW, World
from vendors.models import Contract
from vendors.selectors import attestation_cover, scorecard
from vendors.services.vendors import (
    add_contract,
    change_state,
    create_vendor,
    declare_attestation,
    score_vendor,
    verify_attestation,
)


def test_the_life_cycle(world: World) -> None:
    vendor = create_vendor(name="New", key="new", country="PL", **world.by)
    with pytest.raises(Invalid, match="possible: ended, onboarding"):
        change_state(vendor, "active", **world.by)
    for state in ("onboarding", "calibration", "active"):
        change_state(vendor, state, **world.by)
    with pytest.raises(Invalid, match="Say why"):
        change_state(vendor, "suspended", **world.by)
    change_state(vendor, "suspended", reason="breach", **world.by)
    change_state(vendor, "suspended", reason="twice", **world.by)
    assert list(vendor.transitions.values_list("to_state", flat=True)) == [
        "onboarding",
        "calibration",
        "active",
        "suspended",
    ]
    assert vendor.history.count() >= 5
    with pytest.raises(Forbidden):
        change_state(vendor, "active", **world.as_("finance"))
    with pytest.raises(Invalid):
        create_vendor(name="new", key="other", country="PL", **world.by)


@pytest.mark.parametrize(
    ("state", "risk", "routed"),
    [
        ("calibration", "advisory", 5),
        ("calibration", "safety_critical", 0),
        ("suspended", "advisory", 0),
    ],
)
def test_a_vendor_in_calibration_gets_low_risk_work_only(
    world: World, state: str, risk: str, routed: int
) -> None:
    def rules(document):
        document["pools"] = ["alpha"]

    vendor = world.vendors["alpha"]
    change_state(vendor, "suspended", reason="trial", **world.by)
    change_state(vendor, state, **world.by)
    project = world.add_project(rules=rules)
    world.add_tasks(project, 5, use=risk, data_class="public")
    assert world.route("street").routed == routed


def test_contracts_do_not_overlap(world: World) -> None:
    fields = {
        "number": "C-2",
        "starts_on": date(2026, 12, 31),
        "ends_on": date(2027, 6, 1),
        "currency": "EUR",
    }
    with pytest.raises(Invalid):
        add_contract(world.vendors["alpha"], **fields, **world.by)
    fields["starts_on"] = date(2027, 1, 1)
    add_contract(world.vendors["alpha"], **fields, **world.by)
    # Raw SQL is held to it as well.
    with pytest.raises(IntegrityError), transaction.atomic():
        Contract.objects.filter(number="C-2").update(starts_on=date(2026, 6, 1))
    with pytest.raises(Invalid, match="starts before it ends"):
        add_contract(
            world.vendors["beta"],
            **{**fields, "number": "C-3", "ends_on": date(2026, 1, 1)},
            **world.by,
        )


def test_attestations_by_the_worked_example(world: World) -> None:
    """A report to 2026-10-31 with a letter to 2027-01-31."""
    vendor = world.vendors["alpha"]
    row = declare_attestation(
        vendor,
        kind="soc2_type2",
        scope="all",
        issuer="CPA",
        issued_on=date(2026, 11, 20),
        period_from=date(2025, 11, 1),
        period_to=date(2026, 10, 31),
        bridged_until=date(2027, 1, 31),
        **world.by,
    )

    def state(on: date) -> str:
        return attestation_cover(vendor_ids=[vendor.pk], on=on)[vendor.pk, "soc2_type2"].state

    assert state(date(2026, 9, 1)) == "missing"  # declared only
    with pytest.raises(Invalid, match="Another person"):
        verify_attestation(row, **world.by)
    verify_attestation(row, **world.as_("second"))
    assert state(date(2027, 1, 15)) == "bridged"
    assert state(date(2027, 2, 1)) == "lapsed"
    assert state(date(2025, 1, 1)) == "missing"


def test_the_scorecard_takes_the_latest_of_each(world: World) -> None:
    vendor = world.vendors["alpha"]
    for criterion, score, weight, day in (
        ("quality", "2", "1", 1),
        ("quality", "4", "1", 2),
        ("security", "1", "3", 1),
    ):
        score_vendor(
            vendor,
            criterion=criterion,
            score=Decimal(score),
            weight=Decimal(weight),
            evidence="seen",
            assessed_on=date(2026, 1, day),
            **world.by,
        )
    scores, mean = scorecard(vendor.pk)
    assert len(scores) == 2
    assert mean == Decimal("1.75")
    with pytest.raises(Invalid):
        score_vendor(
            vendor,
            criterion="tooling",
            score=Decimal(6),
            evidence="",
            assessed_on=date(2026, 1, 1),
            **world.by,
        )


def test_prices_by_type_unit_and_day(world: World) -> None:
    card = world.pools["alpha"].rate_cards.get()
    boxes = TaskType.objects.get(key="bounding-box")
    audio = TaskType.objects.get(key="transcription")
    by = world.as_("finance")
    add_line(
        card,
        activity="label",
        unit="object",
        unit_price="0.105",
        task_type=boxes,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 3, 3),
        **by,
    )
    add_line(
        card,
        activity="label",
        unit="minute",
        unit_price="0.60",
        task_type=audio,
        valid_from=date(2026, 1, 1),
        **by,
    )

    def price(kind, at=NOW):
        return CardPrices().prices(
            pool_ids=[world.pools["alpha"].pk], task_type_ids=[boxes.pk, audio.pk], at=at
        )[world.pools["alpha"].pk, "label", kind.pk]

    assert price(boxes).per_unit == pytest.approx(0.105)
    assert price(audio).per_unit == pytest.approx(0.01)
    # After its last day the line for all types answers again.
    later = price(boxes, NOW + timedelta(days=1))
    assert (later.per_hour, later.per_unit) == (9.0, 0.0)


def test_rate_lines_do_not_overlap(world: World) -> None:
    card = world.pools["alpha"].rate_cards.get()
    line = {"activity": "label", "unit": "hour", "unit_price": "1"}
    by = world.as_("finance")
    with pytest.raises(Invalid, match="in force"):
        add_line(card, **line, valid_from=date(2026, 6, 1), **by)
    first = RateLine.objects.get(card=card, activity="label")
    with pytest.raises(Invalid, match="after its first day"):
        end_line(first, valid_to=date(2026, 1, 1), **by)
    end_line(first, valid_to=date(2026, 6, 1), **by)
    add_line(card, **line, valid_from=date(2026, 6, 1), **by)
    with pytest.raises(IntegrityError), transaction.atomic():
        RateLine.objects.filter(pk=first.pk).update(valid_to=None)
    for price, rule in (("-1", "not_negative"), ("NaN", "decimal"), ("abc", "decimal")):
        with pytest.raises(Invalid) as caught:
            add_line(card, **{**line, "unit_price": price}, valid_from=date(2030, 1, 1), **by)
        assert caught.value.rule == rule
    with pytest.raises(Forbidden):
        add_line(card, **line, valid_from=date(2030, 1, 1), **world.by)
