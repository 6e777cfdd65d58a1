"""From a plan over cohorts to single tasks, by each task's own effort.

The plan counted every task of a cohort with the cohort's mean hours. Here the tasks' own hours are
added up by crew and day (and by the hours a pool has declared), and the least urgent tasks that no
longer fit are left waiting, so that no crew is ever promised more than it has. What that takes
from other vendors makes the share of a capped one larger: of its tasks those wait that lose least
by it, down to its cap. A few that wait are then tried once more in the hours that are left.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.arrangements import Candidates
from routing.core.decide import Outcome, day_costs, wait_costs
from routing.core.place import Order, expand, overfull
from routing.core.shares import Shares, shares_of
from routing.core.tables import MODEL, Floats, Inputs, Ints

AGAIN = 5_000  # waiting tasks up to which each is tried once more by its own effort
SLOTS_TRIED = 30


@dataclass(frozen=True)
class Placed:
    """What is placed in the end: rows (cohort, slot, day, tasks), and who waits (K,)."""

    cohort: Ints
    slot: Ints
    day: Ints
    tasks: Ints
    waiting: Ints


@dataclass(frozen=True)
class Settled:
    """Slot and day by task row (n,), −1 = waits; how many were left out by their own effort."""

    slot: NDArray[np.int32]
    day: NDArray[np.int32]
    left_out: int


def settle(
    inputs: Inputs, outcome: Outcome, order: Order, cohort: Ints, task_hours: Floats
) -> Settled:
    """Give tasks their slot and day.

    Parameters
    ----------
    order : tasks by cohort and urgency (routing.core.place.order_tasks)
    cohort, task_hours : (n,) cohort and own expected hours of each task
    """
    found, plan = outcome.candidates, outcome.plan
    slot, day = expand(order, plan.cohort, plan.arrangement, plan.day, plan.tasks, len(cohort))
    rows = np.flatnonzero(slot >= 0)
    if not len(rows):
        return Settled(slot, day, 0)
    urgency = np.empty(len(cohort), dtype=np.int64)
    urgency[order.row] = np.arange(len(cohort)) - order.first[cohort[order.row]]
    crew, hours, task = _uses(inputs, found, rows, slot, cohort, task_hours)
    out = overfull(crew, day[task].astype(np.int64), hours, urgency[task], inputs.crews.hours)
    slot[task[out]] = -1
    # What a pool declared for a day holds for its crews together.
    declared = np.where(np.isnan(inputs.pools.declared), np.inf, inputs.pools.declared)
    if np.isfinite(declared).any():
        kept = slot[task] >= 0
        crew, hours, task = crew[kept], hours[kept], task[kept]
        pool = inputs.crews.pool[crew]
        out = overfull(pool, day[task].astype(np.int64), hours, urgency[task], declared)
        slot[task[out]] = -1
    shares = shares_of(inputs, outcome.rows)
    if shares is not None:
        slot[_over_caps(outcome, shares, slot, day, cohort, urgency)] = -1
    day[slot < 0] = -1
    again = np.flatnonzero(slot < 0)
    if len(again) <= AGAIN and not inputs.budgets:
        _elsewhere(inputs, found, shares, again, slot, day, cohort, task_hours)
    return Settled(slot, day, int((slot[rows] < 0).sum()))


def _over_caps(
    outcome: Outcome,
    shares: Shares,
    slot: NDArray[np.int32],
    day: NDArray[np.int32],
    cohort: Ints,
    urgency: Ints,
) -> Ints:
    """Return the tasks that wait so that share caps hold: least lost first, then least urgent."""
    found, problem = outcome.candidates, outcome.problem
    placed = np.flatnonzero(slot >= 0)
    vendor = shares.vendor[found.label_of[slot[placed]]]
    held = np.bincount(vendor[vendor >= 0], minlength=len(shares.cap))
    surplus = held - shares.kept(held)
    out = []
    for v in np.flatnonzero(surplus):
        mine = placed[vendor == v]
        k, a, d = cohort[mine], slot[mine], day[mine]
        cost = found.cost[k, a] + np.asarray(problem.day_cost)[k, d]
        lost = np.asarray(problem.wait_cost)[k] - cost
        out.append(mine[np.lexsort((mine, -urgency[mine], lost))[: surplus[v]]])
    return np.concatenate(out) if out else np.zeros(0, dtype=np.int64)


def _elsewhere(
    inputs: Inputs,
    found: Candidates,
    shares: Shares | None,
    tasks: Ints,
    slot: NDArray[np.int32],
    day: NDArray[np.int32],
    cohort: Ints,
    task_hours: Floats,
) -> None:
    """Place waiting tasks in what is left of the hours, by their own effort, cheapest slot first.

    No share cap is broken by it. Commitments are left as the plan has them.
    """
    placed = np.flatnonzero(slot >= 0)
    crew, hours, task = _uses(inputs, found, placed, slot, cohort, task_hours)
    left = inputs.crews.hours.copy()
    np.subtract.at(left, (crew, day[task]), hours)
    pool_left = np.where(np.isnan(inputs.pools.declared), np.inf, inputs.pools.declared)
    np.subtract.at(pool_left, (inputs.crews.pool[crew], day[task]), hours)
    pool_of = inputs.crews.pool
    vendor = shares.vendor if shares is not None else np.full(len(inputs.crews), -1)
    labels = vendor[found.label_of[slot[placed]]]
    held = np.bincount(labels[labels >= 0], minlength=len(inputs.vendors.id))
    model = inputs.pools.kind[pool_of] == MODEL
    c = inputs.cohorts
    wait, lateness = wait_costs(inputs), day_costs(inputs)
    for row in tasks[np.argsort(-task_hours[tasks], kind="stable")[::-1]]:
        k = int(cohort[row])
        own = task_hours[row] / c.hours[k] if c.hours[k] > 0 else 1.0
        options = np.flatnonzero(np.isfinite(found.cost[k]))
        for a in options[np.argsort(found.cost[k, options], kind="stable")][:SLOTS_TRIED]:
            label, review = int(found.label_of[a]), int(found.review_of[a])
            if shares is not None and not shares.fits(held, int(vendor[label])):
                continue
            uses = [(label, found.label_hours[k, a] * (1.0 if model[label] else own))]
            if review >= 0:
                uses.append((review, found.review_hours[k, a] * own))
            d = _first_day(uses, left, pool_left, pool_of, int(c.due[k]), int(found.bad[k, a]))
            if d < 0 or found.cost[k, a] + lateness[k, d] >= wait[k]:
                continue  # waiting may cost less than what is open
            for crew_used, need in uses:
                left[crew_used, d] -= need
                pool_left[pool_of[crew_used], d] -= need
            if vendor[label] >= 0:
                held[vendor[label]] += 1
            slot[row], day[row] = a, d
            break


def _first_day(
    uses: list[tuple[int, float]],
    left: Floats,
    pool_left: Floats,
    pool_of: Ints,
    due: int,
    bad: int,
) -> int:
    """Return the first day that holds all uses of a task, −1 = none."""
    for d in range(due):
        if bad >> d & 1:
            continue
        by_crew: dict[int, float] = {}
        by_pool: dict[int, float] = {}
        for crew, need in uses:
            pool = int(pool_of[crew])
            by_crew[crew] = by_crew.get(crew, 0.0) + need
            by_pool[pool] = by_pool.get(pool, 0.0) + need
        if all(left[crew, d] >= need for crew, need in by_crew.items()) and all(
            pool_left[pool, d] >= need for pool, need in by_pool.items()
        ):
            return d
    return -1


def _uses(
    inputs: Inputs,
    found: Candidates,
    rows: Ints,
    slot: NDArray[np.int32],
    cohort: Ints,
    task_hours: Floats,
) -> tuple[Ints, Floats, Ints]:
    """Return crew, hours and task row of every use of a crew by a placed task."""
    k, a = cohort[rows], slot[rows]
    mean = inputs.cohorts.hours[k]
    own = np.where(mean > 0, task_hours[rows] / np.where(mean > 0, mean, 1.0), 1.0)
    label, review = found.label_of[a], found.review_of[a]
    # A model takes the time its rate limit gives it, whatever the task holds.
    by_model = inputs.pools.kind[inputs.crews.pool[label]] == MODEL
    label_hours = found.label_hours[k, a] * np.where(by_model, 1.0, own)
    second = review >= 0
    crew = np.concatenate([label, review[second]])
    hours = np.concatenate([label_hours, (found.review_hours[k, a] * own)[second]])
    return crew, hours, np.concatenate([rows, rows[second]])


def placed_rows(settled: Settled, cohort: Ints, cohorts: int) -> Placed:
    """Count tasks by (cohort, slot, day), and those that wait."""
    chosen = np.flatnonzero(settled.slot >= 0)
    waiting = np.bincount(cohort[settled.slot < 0], minlength=cohorts).astype(np.int64)
    if not len(chosen):
        none = np.zeros(0, dtype=np.int64)
        return Placed(none, none, none, none, waiting)
    slots = int(settled.slot.max()) + 1
    days = int(settled.day.max()) + 1
    key = (cohort[chosen] * slots + settled.slot[chosen]) * days + settled.day[chosen]
    values, tasks = np.unique(key, return_counts=True)
    rest, day = np.divmod(values, days)
    k, slot = np.divmod(rest, slots)
    return Placed(k, slot, day, tasks.astype(np.int64), waiting)
