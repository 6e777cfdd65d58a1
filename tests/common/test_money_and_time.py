"""Money in micro-units and local days."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.money import MAX_MICRO, display, exponent, from_micro, round_to_minor, to_micro
from common.time import end_of_day, start_of_day


@given(st.integers(-MAX_MICRO, MAX_MICRO))
def test_micro_and_back(micro: int) -> None:
    assert to_micro(from_micro(micro)) == micro


@pytest.mark.parametrize("bad", [1.5, True, "abc", "NaN", "Infinity", Decimal("1e30")])
def test_what_is_no_amount(bad: object) -> None:
    with pytest.raises(ValueError, match=r"float|number|finite|large"):
        to_micro(bad)  # type: ignore[arg-type]


def test_minor_units_are_those_of_iso_4217() -> None:
    assert [exponent(code) for code in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
    assert round_to_minor(1_005_000, "EUR") == 1_010_000
    assert round_to_minor(-1_005_000, "EUR") == -1_010_000
    assert round_to_minor(499_999, "JPY") == 0
    assert display(1_234_500_000, "EUR") == "1,234.50 EUR"
    assert display(1_234_500_000, "JPY") == "1,235 JPY"
    with pytest.raises(ValueError, match="ISO 4217"):
        exponent("ABC")


def test_days_have_23_and_25_hours() -> None:
    def hours(day: date) -> float:
        zone = "Europe/Berlin"
        return (end_of_day(day, zone) - start_of_day(day, zone)).total_seconds() / 3600

    assert hours(date(2026, 3, 29)) == 23
    assert hours(date(2026, 10, 25)) == 25
    assert hours(date(2026, 6, 1)) == 24
