"""Billable seconds: every fault of a clock is named, and none of them is paid."""

import math

import pytest

from quality.core.time_rules import RULES, Reading, derive

YEAR = 365 * 86_400.0


def billed(rule: str = "measured 1", **values: object) -> tuple[float | None, dict[str, float]]:
    found = derive(rule, Reading(**{"raw": None, "held": None, "effort": 20.0, **values}))  # type: ignore[arg-type]
    return found.billable, {fault.code: fault.seconds for fault in found.faults}


def test_it_works() -> None:
    assert billed(raw=12.0, held=14.0) == (12.0, {})


@pytest.mark.parametrize(
    ("reading", "seconds", "faults"),
    [
        # The tool told nothing: our own clock.
        ({"held": 25.0}, 25.0, {"missing": 0.0}),
        # Lunch: five times what was to be expected.
        ({"raw": 3_600.0, "held": 3_700.0}, 100.0, {"idle": 3_500.0}),
        # Small work may take half a minute without being idle.
        ({"raw": 29.0, "held": 30.0, "effort": 1.0}, 29.0, {}),
        # A year, and more than thirty minutes passed: first our own clock, then the cap.
        ({"raw": YEAR, "held": 60.0}, 60.0, {"beyond_clock": YEAR - 60.0}),
        (
            {"raw": YEAR, "held": 1_800.0},
            100.0,
            {"beyond_clock": YEAR - 1_800.0, "idle": 1_700.0},
        ),
        # Without our own clock a year is idle time.
        ({"raw": YEAR}, 100.0, {"idle": YEAR - 100.0}),
        # The tool's clock was set back while it measured.
        ({"raw": -300.0, "held": 40.0}, 40.0, {"negative": -300.0}),
        # Our own went back: the tool's counts, as far as it is no idle time.
        ({"raw": 12.0, "held": -3_600.0}, 12.0, {"clock_back": -3_600.0}),
        ({"raw": -1.0, "held": -2.0}, None, {"clock_back": -2.0, "negative": -1.0, "unknown": 0.0}),
        # Two clocks differ by a breath.
        ({"raw": 14.0, "held": 10.0}, 14.0, {}),
        # Drafts that were each counted anew.
        ({"raw": 60.0, "held": 30.0, "drafts": 2}, 30.0, {"doubled": 30.0}),
        ({"raw": 0.0, "held": 0.0}, 0.0, {}),
    ],
)
def test_faults_are_named_and_not_paid(
    reading: dict[str, object], seconds: float | None, faults: dict[str, float]
) -> None:
    assert billed(**reading) == (seconds, faults)


@pytest.mark.parametrize(
    ("sessions", "seconds", "faults"),
    [
        ([(0, 10), (30, 40)], 20.0, {}),
        # A draft and the whole: the first ten seconds stand twice.
        ([(0, 10), (0, 25)], 25.0, {"doubled": 10.0}),
        # Ends before it begins.
        ([(0, 10), (30, 20)], 10.0, {"clock_back": -10.0}),
        # An hour before the work was begun.
        ([(-3_600, 10)], 15.0, {"outside": 3_595.0}),
        # A session of before, and one of after.
        ([(-900, -600), (0, 20), (500, 900)], 20.0, {"outside": 700.0}),
    ],
)
def test_sessions_of_a_platform(
    sessions: list[tuple[float, float]], seconds: float, faults: dict[str, float]
) -> None:
    found = billed("platform 1", raw=5_000.0, held=60.0, sessions=sessions)
    assert found == (pytest.approx(seconds), pytest.approx(faults))


def test_review_is_taken_out_where_the_rule_says_so() -> None:
    values = {"raw": 30.0, "held": 40.0, "review": 12.0}
    assert billed("platform 1", **values) == (18.0, {"review": 12.0})
    assert billed("measured 1", **values) == (30.0, {})
    assert billed("platform 1", raw=10.0, held=40.0, review=12.0) == (0.0, {"review": 10.0})


def test_raw_stays_as_it_came_unless_it_was_no_time() -> None:
    assert derive("measured 1", Reading(YEAR, 60.0, 20.0)).raw == YEAR
    assert derive("measured 1", Reading(-1.0, 60.0, 20.0)).raw is None


@pytest.mark.parametrize("name", sorted(RULES))
def test_never_more_than_passed_nor_than_the_cap(name: str) -> None:
    rule = RULES[name]
    for raw in (None, -5.0, 0.0, 3.0, 77.0, 1e8):
        for held in (None, -9.0, 0.0, 50.0, 1e6):
            for sessions in ((), ((0.0, 40.0), (20.0, 5e5))):
                found = derive(name, Reading(raw, held, 20.0, 2, 4.0, sessions))
                if found.billable is None:
                    assert "unknown" in {fault.code for fault in found.faults}
                    continue
                assert 0 <= found.billable <= max(20.0 * rule.idle_factor, rule.idle_floor)
                if held is not None and held >= 0:
                    assert found.billable <= held + 5.0


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"raw": math.nan}, "raw"),
        ({"raw": math.inf}, "raw"),
        ({"held": 1e12}, "held"),
        ({"effort": -1.0}, "effort"),
        ({"drafts": 0}, "drafts"),
        ({"sessions": [(0.0, math.nan)]}, "sessions"),
    ],
)
def test_what_is_no_time_is_refused(values: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        billed(**values)
    with pytest.raises(ValueError, match="time rule"):
        billed("measured 0")
