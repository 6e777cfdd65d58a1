"""Billable seconds from what a tool says and what our own clock says, by named and versioned rules.

Every tool's time is faulty: clocks run on over lunch, each draft is counted anew, looking at the
finished work is counted in, and a clock that is set makes hours or goes back. Raw seconds are kept
as they came; a rule derives billable ones and tells each fault that it met, with the seconds that
it took off or, where nothing was taken off, that were odd:

| fault | what was met |
|---|---|
| missing | the tool told no seconds: our own clock counts |
| negative | the tool's clock went back while it measured: our own clock counts |
| clock_back | our own clock went back, or a session ends before it begins: that is left out |
| outside | sessions before the work was begun, or after it was handed in |
| doubled | drafts or sessions that count the same time twice |
| review | looking at finished work, counted in |
| beyond_clock | more than passed by our own clock |
| idle | more than so many times the expected effort |
| unknown | no clock told anything: nothing is billable |

A rule never changes; a new version stands beside the old one, so that every stored name can be
looked up.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["RULES", "Billed", "Fault", "Reading", "Rule", "derive"]

TOLERANCE = 5.0  # seconds by which two clocks may differ without a fault
MAX_RAW = 1e9  # thirty years: what is more was no time


@dataclass(frozen=True)
class Rule:
    """A named rule.

    idle_factor : ≥ 1, times the expected effort from which on a clock ran idle
    idle_floor : seconds that are never idle, however small the work
    sessions : whether the sessions a tool saw count, where it tells them, instead of its sum
    review_out : whether seconds of review are taken off
    """

    name: str
    version: int
    idle_factor: float
    idle_floor: float
    sessions: bool
    review_out: bool

    @property
    def key(self) -> str:
        """Name and version, as stored with each judgment."""
        return f"{self.name} {self.version}"


# Durations are log-normal with a spread of about .6: one in a thousand takes more than five times
# the mean. A review takes a share of the labelling effort that is less well known.
RULES: Mapping[str, Rule] = {
    rule.key: rule
    for rule in (
        Rule("measured", 1, 5.0, 30.0, sessions=False, review_out=False),
        Rule("platform", 1, 5.0, 30.0, sessions=True, review_out=True),
        Rule("review", 1, 8.0, 60.0, sessions=False, review_out=False),
    )
}


@dataclass(frozen=True)
class Reading:
    """What the clocks say of one piece of work.

    raw : seconds as the tool told them; None = it told none
    held : seconds by our own clock from the start of the work to its end; None = not known
    effort : expected seconds
    drafts : drafts that the tool saved
    review : seconds within `raw` in which the finished work was only looked at
    sessions : (begin, end) in which the tool saw work, seconds after the start by our own clock
    """

    raw: float | None
    held: float | None
    effort: float
    drafts: int = 1
    review: float = 0.0
    sessions: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Fault:
    """A fault by its code, and the seconds taken off for it (or that were odd)."""

    code: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Billed:
    """What a rule made of a reading.

    raw : as it came, None where that was no time; billable : ≥ 0, None where no clock told any
    """

    rule: str
    raw: float | None
    billable: float | None
    faults: tuple[Fault, ...]


def derive(key: str, reading: Reading) -> Billed:
    """Return billable seconds by the rule of this name and version.

    Raises
    ------
    ValueError
        If there is no such rule, or a number is no time at all (not finite, above thirty years).

    Examples
    --------
    >>> derive("measured 1", Reading(raw=12.0, held=14.0, effort=10.0)).billable
    12.0
    >>> billed = derive("measured 1", Reading(raw=3600.0, held=3700.0, effort=10.0))
    >>> billed.billable, [fault.code for fault in billed.faults]
    (50.0, ['idle'])
    """
    if key not in RULES:
        raise ValueError(f"there is no time rule {key!r}")
    rule = RULES[key]
    _reading_iv(reading)
    faults: list[Fault] = []
    held = reading.held
    if held is not None and held < 0:
        faults.append(Fault("clock_back", held))
        held = None
    raw, seconds = _told(rule, reading, held, faults)
    if seconds is None:
        seconds = held
    elif held is not None and seconds > held + TOLERANCE:
        # More than there was: with several drafts it is they that were counted anew.
        code = "doubled" if reading.drafts > 1 else "beyond_clock"
        faults.append(Fault(code, seconds - held))
        seconds = held
    if seconds is None:
        faults.append(Fault("unknown"))
        return Billed(key, raw, None, tuple(faults))
    most = max(rule.idle_factor * reading.effort, rule.idle_floor)
    if seconds > most:
        faults.append(Fault("idle", seconds - most))
        seconds = most
    return Billed(key, raw, seconds, tuple(faults))


def _told(
    rule: Rule, reading: Reading, held: float | None, faults: list[Fault]
) -> tuple[float | None, float | None]:
    """Return the tool's raw seconds, and what is left of them; adds the faults it meets."""
    raw = reading.raw
    if raw is not None and raw < 0:
        faults.append(Fault("negative", raw))
        raw = None
    seconds = raw
    if rule.sessions and reading.sessions:
        seconds = _union(reading.sessions, held, faults)
    elif raw is None and reading.raw is None:
        faults.append(Fault("missing"))
    if seconds is not None and rule.review_out and reading.review > 0:
        taken = min(reading.review, seconds)
        faults.append(Fault("review", taken))
        seconds -= taken
    return raw, seconds


def _union(
    sessions: Sequence[tuple[float, float]], held: float | None, faults: list[Fault]
) -> float:
    """Return the length of the union of sessions that lie within the work."""
    back = sum(begin - end for begin, end in sessions if end < begin)
    if back > 0:
        faults.append(Fault("clock_back", -back))
    last = math.inf if held is None else held + TOLERANCE
    first = -TOLERANCE
    kept, outside = [], 0.0
    for begin, end in sorted(pair for pair in sessions if pair[1] >= pair[0]):
        low, high = min(max(begin, first), last), min(max(end, first), last)
        outside += (end - begin) - (high - low)
        kept.append((low, high))
    if outside > TOLERANCE:
        faults.append(Fault("outside", outside))
    total, reached = 0.0, -math.inf
    for low, high in kept:
        total += max(high - max(low, reached), 0.0)
        reached = max(reached, high)
    twice = sum(high - low for low, high in kept) - total
    if twice > TOLERANCE:
        faults.append(Fault("doubled", twice))
    return total


def _reading_iv(reading: Reading) -> None:
    numbers = {"raw": reading.raw, "held": reading.held, "review": reading.review}
    for name, value in numbers.items():
        if value is not None and not abs(value) <= MAX_RAW:
            raise ValueError(f"{name} must be a number of seconds, got {value}")
    if not 0 <= reading.effort <= MAX_RAW:
        raise ValueError(f"effort must be seconds of 0 or more, got {reading.effort}")
    if reading.drafts < 1:
        raise ValueError(f"drafts must be at least 1, got {reading.drafts}")
    for pair in reading.sessions:
        if len(pair) != 2 or not all(abs(end) <= MAX_RAW for end in pair):
            raise ValueError(f"sessions must hold pairs of seconds, got {pair}")
