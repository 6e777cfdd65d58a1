"""When people are there: hours by plan day, and when a day's work ends."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.time import local_date
from workforce.choices import AnnotatorKind
from workforce.core.availability import (
    Interval,
    WeeklyShift,
    day_bounds,
    end_of_work,
    hours_by_day,
)
from workforce.models import Annotator, Leave, PublicHoliday, Shift

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Week:
    """Shifts and leave by annotator, and holidays by country and subdivision."""

    shifts: Mapping[int, list[WeeklyShift]]
    leaves: Mapping[int, list[Interval]]
    holidays: Mapping[tuple[str, str], set[date]]

    def of(self, member: Annotator) -> dict[str, Any]:
        """Return what says when an annotator (with `pool`) is there."""
        pool = member.pool
        free = self.holidays.get((pool.country, ""), set()) | self.holidays.get(
            (pool.country, pool.subdivision), set()
        )
        return {
            "shifts": self.shifts.get(member.pk, []),
            "time_zone": member.time_zone,
            "leaves": self.leaves.get(member.pk, []),
            "holidays": frozenset(free),
        }


def plan_hours(people: Sequence[Annotator], now: datetime, days: int, time_zone: str) -> Floats:
    """Return the plan hours (N, days) of annotators (with `pool`), net of what is not work."""
    if days == 0:
        return np.zeros((len(people), 0))
    bounds = day_bounds(now, days, time_zone)
    week = _read(people, now, datetime.fromtimestamp(bounds[-1], UTC))
    hours = np.zeros((len(people), days))
    known: dict[tuple[object, ...], list[float]] = {}
    for number, member in enumerate(people):
        pool = member.pool
        if member.kind == AnnotatorKind.MODEL:
            hours[number] = np.diff(bounds) / 3600.0
            continue
        mine = week.of(member)
        # Most people share one week: the same shifts are worked out once.
        key = (
            tuple(mine["shifts"]),
            member.time_zone,
            pool.country,
            pool.subdivision,
            tuple(mine["leaves"]),
        )
        if key not in known:
            shifts = mine.pop("shifts")
            known[key] = hours_by_day(shifts, **mine, bounds=bounds)
        net = float(pool.utilisation) * (1.0 - float(pool.gold_share))
        hours[number] = np.array(known[key]) * net
    return hours


def ends_of_work(
    people: Sequence[Annotator], since: datetime, time_zone: str
) -> dict[int, datetime]:
    """Return when the work of a day ends, by annotator id; those without work are missing.

    The day is that of `since` in the zone, from `since` on.
    """
    bounds = day_bounds(since, 1, time_zone)
    week = _read(people, since, datetime.fromtimestamp(bounds[-1], UTC))
    found = {}
    for member in people:
        mine = week.of(member)
        end = end_of_work(mine.pop("shifts"), **mine, bounds=(bounds[0], bounds[1]))
        if end is not None:
            found[member.pk] = datetime.fromtimestamp(end, UTC)
    return found


def _read(people: Sequence[Annotator], now: datetime, end: datetime) -> _Week:
    shifts: dict[int, list[WeeklyShift]] = defaultdict(list)
    pool_ids = {annotator.pool_id for annotator in people}
    shift_rows = Shift.objects.filter(annotator__pool_id__in=pool_ids).order_by("pk")
    for annotator, weekday, starts, ends, valid_from, valid_to in shift_rows.values_list(
        "annotator_id", "weekday", "starts", "ends", "valid_from", "valid_to"
    ):
        shifts[annotator].append(WeeklyShift(weekday, starts, ends, valid_from, valid_to))
    leaves: dict[int, list[Interval]] = defaultdict(list)
    for annotator, starts_at, ends_at in Leave.objects.filter(
        starts_at__lt=end, ends_at__gt=now
    ).values_list("annotator_id", "starts_at", "ends_at"):
        leaves[annotator].append((starts_at.timestamp(), ends_at.timestamp()))
    holidays: dict[tuple[str, str], set[date]] = defaultdict(set)
    first = local_date(now, "UTC") - timedelta(days=2)
    for country, subdivision, day in PublicHoliday.objects.filter(
        day__gte=first, day__lte=end.date() + timedelta(days=2)
    ).values_list("country", "subdivision", "day"):
        holidays[country, subdivision].add(day)
    return _Week(shifts, leaves, holidays)
