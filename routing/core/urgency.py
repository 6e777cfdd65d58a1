"""Urgency: one number by which a crew's placements are served, the least first.

From the highest bits down: the planned day, then the due time, priority and age (a project in
order of due time), or the project's own order with a fixed random share (by uncertainty, by
disagreement, at random). A day's rows lie side by side in the index, so that "today or earlier"
is a range of it and later days cost nothing. Work that was planned for the first day of a run or
earlier shares that day's number: what is left over and what is new are served in one order.

Times are rounded to what fits into 63 bits: due times to a quarter of an hour, ages to four hours,
priorities beyond ±511 count as that. Rows of equal urgency are served as they were inserted.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAY_ZERO = date(2020, 1, 1)
EPOCH = 1_577_836_800  # its beginning in UTC, seconds since 1970
DAY_BITS, DUE_BITS, PRIORITY_BITS, AGE_BITS = 14, 22, 10, 17
REST_BITS = DUE_BITS + PRIORITY_BITS + AGE_BITS
ORDER_BITS = PRIORITY_BITS + AGE_BITS
REST = (1 << REST_BITS) - 1
DUE_STEP, AGE_STEP = 900.0, 14_400.0  # seconds
NO_DUE = (1 << DUE_BITS) - 1
MIDDLE = 1 << (PRIORITY_BITS - 1)


def day_number(day: date) -> int:
    """Return the number of a planned day, 0 for days before 2020."""
    return min(max((day - DAY_ZERO).days, 0), (1 << DAY_BITS) - 1)


def day_range(first: date, last: date) -> tuple[int, int]:
    """Return the half-open range of urgency of the days first..last (both included).

    Examples
    --------
    >>> low, high = day_range(date(2026, 3, 2), date(2026, 3, 2))
    >>> low == day_number(date(2026, 3, 2)) << REST_BITS, high - low == 1 << REST_BITS
    (True, True)
    """
    return day_number(first) << REST_BITS, (day_number(last) + 1) << REST_BITS


def by_due(due: Floats, priority: NDArray[np.int16], created: Floats) -> Ints:
    """Return the order inside a day by due time (none last), priority (higher first) and age.

    Parameters
    ----------
    due, created : (n,) seconds since 1970, NaN = no due time
    priority : (n,)

    Returns
    -------
    (n,) int, 0 … 2**49 − 1
    """
    age = np.clip(np.floor((created - EPOCH) / AGE_STEP), 0, (1 << AGE_BITS) - 1)
    rank = np.clip(MIDDLE - priority.astype(np.int64), 0, (1 << PRIORITY_BITS) - 1)
    return (_due_steps(due) << ORDER_BITS) | (rank << AGE_BITS) | age.astype(np.int64)


def by_order(
    value: Floats, group: Ints, due: Floats, random_share: float, rng: np.random.Generator
) -> Ints:
    """Return the order inside a day of a project that serves the highest values first.

    A fixed share of the tasks is drawn at random and spread evenly among the others, so that of
    whatever is served so far about that share was random.

    Parameters
    ----------
    value : (n,) such as entropy, highest first; NaN (unknown) comes last
    group : (n,) tasks of one group (a day of a project) are ordered among themselves
    due : (n,) seconds since 1970; what stands in the place of a due time beside other projects
    random_share : [0, 1]

    Returns
    -------
    (n,) int, 0 … 2**49 − 1
    """
    n = len(value)
    drawn = rng.random(n) < random_share
    key = np.where(drawn, rng.random(n), -np.where(np.isnan(value), -np.inf, value))
    tie = rng.random(n)
    stream = group * 2 + drawn
    rows = np.lexsort((tie, key, stream))
    ordered = stream[rows]
    new = np.r_[True, ordered[1:] != ordered[:-1]] if n else np.zeros(0, dtype=bool)
    begins = np.flatnonzero(new)
    length = np.diff(np.r_[begins, n])
    place = np.arange(n) - np.repeat(begins, length)
    share = np.empty(n)
    share[rows] = (place + 0.5) / np.repeat(length, length)
    steps = np.floor(share * (1 << ORDER_BITS)).astype(np.int64)
    return (_due_steps(due) << ORDER_BITS) | steps


def urgency(day: Ints, rest: Ints) -> Ints:
    """Return the urgency (n,) of planned days (numbers of `day_number`) and orders inside them."""
    return (day << REST_BITS) | rest


def _due_steps(due: Floats) -> Ints:
    steps = np.floor((due - EPOCH) / DUE_STEP)
    return np.where(np.isnan(due), NO_DUE, np.clip(np.nan_to_num(steps), 0, NO_DUE - 1)).astype(
        np.int64
    )
