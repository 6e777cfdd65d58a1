"""From cohorts to tasks: inside a cohort the most urgent go to the earliest days.

Tasks of a cohort go to its chosen (slot, day) in the order of due time, priority, age and id. The
plan counted a cohort's mean hours; here the members' own effort is added up, and what no longer
fits a crew's day is sent to wait, the least urgent first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLACK = 1e-9


@dataclass(frozen=True)
class Order:
    """Tasks (n,) sorted by cohort, then urgency; `first` (K + 1,) are the cohorts' bounds."""

    row: Ints
    first: Ints


def order_tasks(
    cohort: Ints, cohorts: int, due: Floats, priority: NDArray[np.int16], created: Floats, id: Ints
) -> Order:
    """Sort tasks inside their cohorts: due (none last), priority (higher first), age, id."""
    row = np.lexsort((id, created, -priority.astype(np.int32), due, cohort))
    first = np.searchsorted(cohort[row], np.arange(cohorts + 1))
    return Order(row, first)


def expand(
    order: Order, cohort: Ints, slot: Ints, day: Ints, tasks: Ints, total: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give tasks their slot and day; −1 = waits.

    `cohort, slot, day, tasks` are the plan's rows; earlier days go to the more urgent tasks.
    Returns slot and day by task row (n,).
    """
    slots = np.full(total, -1, dtype=np.int32)
    days = np.full(total, -1, dtype=np.int32)
    rows = np.lexsort((slot, day, cohort))
    cohort, slot, day, tasks = cohort[rows], slot[rows], day[rows], tasks[rows]
    if not len(cohort):
        return slots, days
    # Where each plan row begins inside its cohort.
    begins = np.cumsum(tasks) - tasks
    new = np.r_[True, cohort[1:] != cohort[:-1]]
    base = np.repeat(begins[new], np.diff(np.r_[np.flatnonzero(new), len(cohort)]))
    start = order.first[cohort] + begins - base
    positions = np.repeat(start, tasks) + _within(tasks)
    chosen = order.row[positions]
    slots[chosen] = np.repeat(slot, tasks)
    days[chosen] = np.repeat(day, tasks)
    return slots, days


def _within(lengths: Ints) -> Ints:
    """Return 0..n−1 for each length, one after the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def overfull(
    crew: Ints, day: Ints, hours: Floats, urgency: Ints, capacity: Floats
) -> NDArray[np.bool_]:
    """Return which uses of crew-days no longer fit, the least urgent first.

    Parameters
    ----------
    crew, day, hours, urgency : (u,) uses of crews by tasks; a smaller urgency goes first
    capacity : (C, D) hours
    """
    C, D = capacity.shape
    key = crew * D + day
    load = np.bincount(key, hours, minlength=C * D)
    full = load > capacity.ravel() * (1 + SLACK) + SLACK
    out = np.zeros(len(crew), dtype=bool)
    if not full.any():
        return out
    mine = np.flatnonzero(full[key])
    ordered = mine[np.lexsort((urgency[mine], key[mine]))]
    keys = key[ordered]
    running = np.cumsum(hours[ordered])
    new = np.r_[True, keys[1:] != keys[:-1]]
    before = np.repeat(
        (running - hours[ordered])[new], np.diff(np.r_[np.flatnonzero(new), len(keys)])
    )
    limit = capacity.ravel()[keys] * (1 + SLACK) + SLACK
    out[ordered] = running - before > limit
    return out
