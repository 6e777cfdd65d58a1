"""From a plan over cohorts to single tasks, by each task's own effort.

The plan counted every task of a cohort with the cohort's mean hours. Here the tasks' own hours are
added up by crew and day and held against every limit (routing.core.limits), and the least urgent
tasks that no longer fit are left waiting, so that no crew is ever promised more than it has. What
that takes from other vendors makes the share of a capped one larger: of its tasks those wait that
lose least by it, down to its cap. A few that wait are then tried once more in what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.arrangements import Candidates, label_answers
from routing.core.decide import Outcome, day_costs, wait_costs
from routing.core.limits import Need, Room, Uses, limits_of, uses_of
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
    uses = _uses(inputs, found, rows, slot, cohort, task_hours)
    for limit in limits_of(inputs):
        uses = uses.where(slot[uses.row] >= 0)
        out = overfull(
            limit.row_of[uses.crew],
            day[uses.row].astype(np.int64),
            uses.amount(limit.kind),
            urgency[uses.row],
            limit.capacity,
        )
        slot[uses.row[out]] = -1
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
    room = Room(inputs)
    taken = _uses(inputs, found, placed, slot, cohort, task_hours)
    room.take_all(taken, day[taken.row].astype(np.int64))
    labels_of, reviews = found.label_of, found.review_of
    model = inputs.pools.kind[inputs.crews.pool] == MODEL
    everyone = np.arange(len(inputs.cohorts))[:, None]
    answers = label_answers(inputs, labels_of, everyone, found.label_hours)
    vendor = shares.vendor if shares is not None else np.full(len(inputs.crews), -1)
    labels = vendor[found.label_of[slot[placed]]]
    held = np.bincount(labels[labels >= 0], minlength=len(inputs.vendors.id))
    c = inputs.cohorts
    wait, lateness = wait_costs(inputs), day_costs(inputs)
    for row in tasks[np.argsort(-task_hours[tasks], kind="stable")[::-1]]:
        k = int(cohort[row])
        own = task_hours[row] / c.hours[k] if c.hours[k] > 0 else 1.0
        options = np.flatnonzero(np.isfinite(found.cost[k]))
        for a in options[np.argsort(found.cost[k, options], kind="stable")][:SLOTS_TRIED]:
            label = int(labels_of[a])
            if shares is not None and not shares.fits(held, int(vendor[label])):
                continue
            hours = found.label_hours[k, a] * (1.0 if model[label] else own)
            uses = [(label, hours, float(answers[k, a]))]
            if (review := int(reviews[a])) >= 0:
                uses.append((review, found.review_hours[k, a] * own, float(found.share[k, a])))
            needs = room.needs(uses, bool(c.harm[k]))
            d = _first_day(room, needs, int(c.due[k]), int(found.bad[k, a]))
            if d < 0 or found.cost[k, a] + lateness[k, d] >= wait[k]:
                continue  # waiting may cost less than what is open
            room.take(needs, d)
            if vendor[label] >= 0:
                held[vendor[label]] += 1
            slot[row], day[row] = a, d
            break


def _first_day(room: Room, needs: Sequence[Need], due: int, bad: int) -> int:
    """Return the first day that holds all that a task needs, −1 = none."""
    for d in range(due):
        if not bad >> d & 1 and room.number(needs, d, 1):
            return d
    return -1


def _uses(
    inputs: Inputs,
    found: Candidates,
    rows: Ints,
    slot: NDArray[np.int32],
    cohort: Ints,
    task_hours: Floats,
) -> Uses:
    """Return every use of a crew by the placed tasks `rows`, by their own effort."""
    return uses_of(
        inputs, found, cohort[rows], slot[rows].astype(np.int64), row=rows, hours=task_hours[rows]
    )


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
