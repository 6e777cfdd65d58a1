"""What a run is compared with: greedy, and the project's own rules of thumb.

Both take cohorts in the order of urgency and fill crews' hours by the day; both obey the same
gates, hours and target errors as the plan. Their cost is the same objective: money, lateness,
waiting, and what is missing of commitments. Waiting is told apart: where one leaves more work
waiting than the other, the two are not compared by money alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from routing.core.arrangements import label_answers
from routing.core.decide import Outcome
from routing.core.gates import touch_gates
from routing.core.limits import Room
from routing.core.newcomers import newcomer_crews
from routing.core.pricing import review_spend
from routing.core.rows import Rows
from routing.core.tables import Floats, Inputs, Ints

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Result:
    """An objective in money; of it, the price of the `waiting` tasks."""

    cost: float
    waiting: int
    waiting_cost: float


def planned(outcome: Outcome, cost: float, waiting: Ints) -> Result:
    """Return the run's own figures: its objective, and the tasks (K,) that it leaves waiting."""
    price = float(np.asarray(outcome.problem.wait_cost) @ waiting)
    return Result(cost, int(waiting.sum()), price)


def greedy(inputs: Inputs, outcome: Outcome) -> Result:
    """Return what "the cheapest open arrangement while hours last" would come to."""
    cost = outcome.candidates.cost
    return _fill(inputs, outcome, cost, np.zeros_like(cost))


def tier_rules(inputs: Inputs, outcome: Outcome) -> Result | None:
    """Return what the projects' own rules would come to; None where a project has none."""
    if not all(policy.tier_rules for policy in inputs.projects.policies):
        return None
    found = outcome.candidates
    c = inputs.cohorts
    K, Q = found.rule_cost.shape
    if not Q:
        return _waiting_only(inputs, outcome)
    rank = np.zeros((K, Q))
    for j, policy in enumerate(inputs.projects.policies):
        for number, rule in enumerate(policy.tier_rules):
            order = np.array([rule.modes.index(m) if m in rule.modes else 9 for m in range(4)])
            mine = (c.project == j) & (found.rule_of == number)
            rank[mine] = order[found.mode][None, :]
    return _fill_pairs(inputs, outcome, rank)


def _waiting_only(inputs: Inputs, outcome: Outcome) -> Result:
    all_wait = planned(outcome, 0.0, inputs.cohorts.count)
    missing = float(outcome.rows.commitment @ outcome.rows.shortfall_price)
    return replace(all_wait, cost=all_wait.waiting_cost + missing)


def _urgency(inputs: Inputs) -> Ints:
    c = inputs.cohorts
    return np.lexsort((np.arange(len(c)), -c.late, c.due))


def _fill(inputs: Inputs, outcome: Outcome, cost: Floats, rank: Floats) -> Result:
    found = outcome.candidates
    return _run(
        inputs,
        outcome,
        cost=cost,
        rank=rank,
        spend=found.spend,
        label=found.label_of,
        review=found.review_of,
        label_hours=found.label_hours,
        review_hours=found.review_hours,
        share=found.share.astype(np.float64),
        bad=found.bad,
    )


def _fill_pairs(inputs: Inputs, outcome: Outcome, rank: Floats) -> Result:
    found = outcome.candidates
    gates = touch_gates(inputs).bad
    bad = gates[:, found.label] | np.where(
        found.review >= 0, gates[:, np.maximum(found.review, 0)], np.uint64(0)
    )
    return _run(
        inputs,
        outcome,
        cost=found.rule_cost,
        rank=rank,
        spend=found.rule_spend,
        label=found.label,
        review=found.review,
        label_hours=found.rule_label_hours,
        review_hours=found.rule_review_hours,
        share=found.rule_share,
        bad=bad,
    )


def _run(
    inputs: Inputs,
    outcome: Outcome,
    *,
    cost: Floats,
    rank: Floats,
    spend: Floats,
    label: Ints,
    review: Ints,
    label_hours: Floats,
    review_hours: Floats,
    share: Floats,
    bad: NDArray[np.uint64],
) -> Result:
    """Fill what the days hold cohort by cohort and return what it comes to."""
    c, room = inputs.cohorts, Room(inputs)
    answers = label_answers(inputs, label, np.arange(len(c))[:, None], label_hours)
    lateness = np.asarray(outcome.problem.day_cost)
    reviewing = _reviewing(inputs, cost, review, share, review_hours)
    total, waiting, paid = 0.0, np.zeros(len(c), dtype=np.int64), _Fees(inputs, outcome.rows)
    for k in _urgency(inputs):
        need = int(c.count[k])
        options = np.flatnonzero(np.isfinite(cost[k]))
        if not need:
            continue
        order = options[np.lexsort((options, cost[k, options], rank[k, options]))]
        for day in range(int(c.due[k])):
            for a in order:
                if not need:
                    break
                if int(bad[k, a]) >> day & 1:
                    continue
                crew, other = int(label[a]), int(review[a])
                uses = [(crew, label_hours[k, a], answers[k, a])]
                if other >= 0:
                    uses.append((other, review_hours[k, a], float(share[k, a])))
                needs = room.needs(uses, bool(c.harm[k]))
                number = room.number(needs, day, need)
                if not number:
                    continue
                room.take(needs, day, number)
                need -= number
                total += number * (cost[k, a] + lateness[k, day])
                look = reviewing[k, a]
                parts = ((crew, spend[k, a] - look), (other, look))
                paid.add(int(k), crew, number, parts)
        waiting[k] = need
    idle = planned(outcome, 0.0, waiting)
    return replace(idle, cost=float(total + paid.shortfall()) + idle.waiting_cost)


def _reviewing(
    inputs: Inputs, cost: Floats, review: Ints, share: Floats, review_hours: Floats
) -> Floats:
    """Return what the reviewing crew of each option gets for a task (K, A)."""
    spend = np.zeros(cost.shape)
    k, a = np.nonzero(np.isfinite(cost) & (review >= 0))
    spend[k, a] = review_spend(inputs, k, review[a], share[k, a], review_hours[k, a])
    return spend


class _Fees:
    """Fees of vendors and tasks of newcomers, for the shortfall of what was promised them."""

    def __init__(self, inputs: Inputs, rows: Rows) -> None:
        self.vendor = inputs.pools.vendor[inputs.crews.pool] if len(inputs.crews) else np.zeros(0)
        self.fees = np.zeros(len(inputs.vendors.id))
        self.vendors = inputs.vendors
        self.promises = rows.newcomers
        self.newcomer = newcomer_crews(inputs) if rows.newcomers else np.zeros((0, 0), dtype=bool)
        self.given = np.zeros(len(rows.newcomers))

    def add(self, k: int, label: int, tasks: int, parts: Sequence[tuple[int, float]]) -> None:
        """Note tasks given to a labelling crew, and what each crew (−1 = none) gets for one."""
        for number, promise in enumerate(self.promises):
            if promise.cohorts[k] and self.newcomer[k, label]:
                self.given[number] += tasks
        for crew, fee in parts:
            if crew >= 0 and self.vendor[crew] >= 0:
                self.fees[int(self.vendor[crew])] += tasks * fee

    def shortfall(self) -> float:
        missing = np.maximum(self.vendors.commitment - self.fees, 0.0)
        total = float(missing @ self.vendors.shortfall_price)
        for promise, given in zip(self.promises, self.given, strict=True):
            total += max(promise.promised - float(given), 0.0) * promise.price
        return total
