"""Present hours by plan day: weekly shifts less leave and holidays, exact across DST.

Each shift of each local date becomes an interval of UTC (wall times converted per date, so a night
that is an hour short or long counts as it is); leave is taken off as intervals, holidays drop the
shifts that begin on the local date. What is left is cut at the plan days' bounds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Interval = tuple[float, float]


@dataclass(frozen=True)
class WeeklyShift:
    """A weekly piece of work in local time, in force [valid_from, valid_to)."""

    weekday: int
    starts: time
    ends: time
    valid_from: date
    valid_to: date | None


def day_bounds(now: datetime, days: int, time_zone: str) -> list[float]:
    """Return the bounds (days + 1) of the plan days in epoch seconds; day 0 begins at `now`."""
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    bounds = [now.timestamp()]
    for offset in range(1, days + 1):
        midnight = datetime.combine(today + timedelta(days=offset), time.min, tzinfo=zone)
        bounds.append(midnight.timestamp())
    return bounds


def hours_by_day(
    shifts: Sequence[WeeklyShift],
    *,
    time_zone: str,
    leaves: Iterable[Interval] = (),
    holidays: frozenset[date] = frozenset(),
    bounds: Sequence[float],
) -> list[float]:
    """Return present hours of one person for each plan day.

    Parameters
    ----------
    leaves : [start, end) in epoch seconds; they may overlap
    holidays : local dates on which no shift begins
    bounds : (days + 1,) epoch seconds, ascending
    """
    hours = [0.0] * (len(bounds) - 1)
    for start, end in _present(shifts, time_zone, leaves, holidays, bounds):
        for number in range(len(hours)):
            overlap = min(end, bounds[number + 1]) - max(start, bounds[number])
            if overlap > 0:
                hours[number] += overlap / 3600.0
    return hours


def end_of_work(
    shifts: Sequence[WeeklyShift],
    *,
    time_zone: str,
    leaves: Iterable[Interval] = (),
    holidays: frozenset[date] = frozenset(),
    bounds: Interval,
) -> float | None:
    """Return when the last work that reaches into [start, end) ends, None if there is none.

    Epoch seconds; a shift past midnight ends the next morning.
    """
    there = [
        end
        for start, end in _present(shifts, time_zone, leaves, holidays, bounds)
        if start < bounds[1] and end > bounds[0]
    ]
    return max(there, default=None)


def _present(
    shifts: Sequence[WeeklyShift],
    time_zone: str,
    leaves: Iterable[Interval],
    holidays: frozenset[date],
    bounds: Sequence[float],
) -> list[Interval]:
    """Return when somebody is there, of the shifts that may reach into the bounds."""
    if not shifts:
        return []
    zone = ZoneInfo(time_zone)
    # A shift past midnight may begin on the local day before the first bound.
    first = datetime.fromtimestamp(bounds[0], zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(bounds[-1], zone).date()
    pieces: list[Interval] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day in holidays:
            continue
        for shift in shifts:
            if shift.weekday != day.weekday() or day < shift.valid_from:
                continue
            if shift.valid_to is not None and day >= shift.valid_to:
                continue
            pieces.append(_instants(day, shift.starts, shift.ends, time_zone))
    return _without(_united(pieces), _united(leaves))


@lru_cache(maxsize=20_000)
def _instants(day: date, starts: time, ends: time, time_zone: str) -> Interval:
    """Return the shift of a date as epoch seconds; opening is fold 0, closing fold 1 (PEP 495)."""
    zone = ZoneInfo(time_zone)
    closing = day if ends > starts else day + timedelta(days=1)
    return (
        datetime.combine(day, starts, tzinfo=zone).replace(fold=0).timestamp(),
        datetime.combine(closing, ends, tzinfo=zone).replace(fold=1).timestamp(),
    )


def _united(intervals: Iterable[Interval]) -> list[Interval]:
    united: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united


def _without(pieces: list[Interval], holes: list[Interval]) -> list[Interval]:
    left: list[Interval] = []
    for start, end in pieces:
        at = start
        for low, high in holes:
            if high <= at or low >= end:
                continue
            if low > at:
                left.append((at, low))
            at = max(at, high)
        if at < end:
            left.append((at, end))
    return left
