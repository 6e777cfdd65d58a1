"""What a run is compared with: greedy, and the project's own rules of thumb.

Both take cohorts in the order of urgency and fill crews' hours by the day; both obey the same
gates, hours and target errors as the plan. Their cost is the same objective: money, lateness,
waiting, and what is missing of commitments.
"""

import numpy as np
from numpy.typing import NDArray

from routing.core.arrangements import label_answers
from routing.core.decide import Outcome
from routing.core.gates import touch_gates
from routing.core.limits import Room
from routing.core.newcomers import newcomer_crews
from routing.core.rows import Rows
from routing.core.tables import Floats, Inputs, Ints

Bools = NDArray[np.bool_]


def greedy(inputs: Inputs, outcome: Outcome) -> float | None:
    """Return the objective of "the cheapest open arrangement while hours last"."""
    cost = outcome.candidates.cost
    return _fill(inputs, outcome, cost, np.zeros_like(cost))


def tier_rules(inputs: Inputs, outcome: Outcome) -> float | None:
    """Return the objective of the projects' own rules; None where a project has none."""
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


def _waiting_only(inputs: Inputs, outcome: Outcome) -> float:
    missing = outcome.rows.commitment @ outcome.rows.shortfall_price
    return float(np.asarray(outcome.problem.wait_cost) @ inputs.cohorts.count + missing)


def _urgency(inputs: Inputs) -> Ints:
    c = inputs.cohorts
    return np.lexsort((np.arange(len(c)), -c.late, c.due))


def _fill(inputs: Inputs, outcome: Outcome, cost: Floats, rank: Floats) -> float:
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


def _fill_pairs(inputs: Inputs, outcome: Outcome, rank: Floats) -> float:
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
) -> float:
    """Fill what the days hold cohort by cohort and return the objective."""
    c, room = inputs.cohorts, Room(inputs)
    answers = label_answers(inputs, label, np.arange(len(c))[:, None], label_hours)
    lateness = np.asarray(outcome.problem.day_cost)
    wait = np.asarray(outcome.problem.wait_cost)
    total, paid = 0.0, _Fees(inputs, outcome.rows)
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
                paid.add(int(k), crew, other, number, number * spend[k, a])
        total += need * wait[k]
    return float(total + paid.shortfall())


class _Fees:
    """Fees of vendors and tasks of newcomers, for the shortfall of what was promised them."""

    def __init__(self, inputs: Inputs, rows: Rows) -> None:
        self.vendor = inputs.pools.vendor[inputs.crews.pool] if len(inputs.crews) else np.zeros(0)
        self.fees = np.zeros(len(inputs.vendors.id))
        self.vendors = inputs.vendors
        self.promises = rows.newcomers
        self.newcomer = newcomer_crews(inputs) if rows.newcomers else np.zeros((0, 0), dtype=bool)
        self.given = np.zeros(len(rows.newcomers))

    def add(self, k: int, label: int, review: int, tasks: int, spend: float) -> None:
        for number, promise in enumerate(self.promises):
            if promise.cohorts[k] and self.newcomer[k, label]:
                self.given[number] += tasks
        for crew in {label, review} - {-1}:
            if self.vendor[crew] >= 0:
                self.fees[int(self.vendor[crew])] += spend
                return

    def shortfall(self) -> float:
        missing = np.maximum(self.vendors.commitment - self.fees, 0.0)
        total = float(missing @ self.vendors.shortfall_price)
        for promise, given in zip(self.promises, self.given, strict=True):
            total += max(promise.promised - float(given), 0.0) * promise.price
        return total
