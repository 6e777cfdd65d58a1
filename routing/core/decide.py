"""From a run's inputs to its plan: candidates, the planning problem, its solution.

Pure, so that a recorded run can be replayed: equal inputs on the same library versions give the
same decisions.
"""

from dataclasses import dataclass, replace

import numpy as np

from routing.core.arrangements import Candidates, candidates, extended
from routing.core.gates import touch_gates
from routing.core.menu import Charges, Menu
from routing.core.newcomers import newcomer_crews
from routing.core.plan import PlanProblem, PlanResult, solve
from routing.core.pricing import Pricing
from routing.core.rows import NEWCOMERS, Rows, plan_rows
from routing.core.tables import OUTSOURCED, Floats, Inputs

ROUNDS = 6  # plans at most, while the menu offers more
# The menu is closed when it could save no more than so much of the cost, or of the gap that whole
# numbers leave anyway.
CLOSE, CLOSE_GAP = 1e-7, 0.05


@dataclass(frozen=True)
class Outcome:
    """What a run decided, before it is written."""

    candidates: Candidates
    rows: Rows
    problem: PlanProblem
    plan: PlanResult
    notes: tuple[str, ...]


def decide(inputs: Inputs) -> Outcome:
    """Return the decisions of a run; its bound holds for the whole menu of arrangements.

    The plan is made over the usual candidates; what else the menu holds is priced in by the duals
    until nothing of it would make the plan much better.
    """
    pricing = Pricing(inputs, touch_gates(inputs))
    found, menu = candidates(inputs, pricing), Menu(inputs, pricing)
    bound = -np.inf
    for left in reversed(range(ROUNDS)):
        rows, notes = plan_rows(inputs, found)
        problem = make_problem(inputs, found, rows)
        outcome = Outcome(found, rows, problem, solve(problem), tuple(notes))
        have = least_of(outcome)
        least, offers = menu.least(charges(inputs, outcome), have)
        bound = max(bound, _lagrangian(outcome, least))
        gain = float(inputs.cohorts.count @ (have - least))
        gap = outcome.plan.cost - outcome.plan.lower_bound
        if not left or gain <= max(CLOSE * abs(outcome.plan.cost), CLOSE_GAP * gap):
            break
        found = extended(inputs, pricing, found, offers)
    cost = outcome.plan.cost
    bound = min(bound, cost)
    share = (cost - bound) / abs(cost) if cost else 0.0
    return replace(outcome, plan=replace(outcome.plan, lower_bound=bound, gap=share))


def least_of(outcome: Outcome) -> Floats:
    """Return the least reduced cost of each cohort's candidates, waiting among them (K,)."""
    wait = np.asarray(outcome.problem.wait_cost, dtype=np.float64)
    if not outcome.candidates.cost.size:
        return wait
    least = (outcome.candidates.cost + slot_prices(outcome)).min(axis=1)
    return np.asarray(np.minimum(wait, least))


def charges(inputs: Inputs, outcome: Outcome) -> Charges:
    """Return what a plan's prices add to a task, to price arrangements that are no candidates."""
    rows, plan = outcome.rows, outcome.plan
    C, D, V = len(inputs.crews), inputs.days, len(inputs.vendors.id)
    hour, harm, answer = (np.zeros((C, D)) for _ in range(3))
    money, fee = np.zeros((len(inputs.projects.id), D)), np.zeros(V)
    task = np.zeros((len(inputs.cohorts), C))
    pools = inputs.pools
    vendor = np.where(pools.kind == OUTSOURCED, pools.vendor, -1)[inputs.crews.pool]
    newcomer = newcomer_crews(inputs) if rows.newcomers else None
    loosened = float((plan.share_prices * rows.share_cap)[rows.outside].sum())
    for r, (kind, of) in enumerate(zip(rows.kinds, rows.of, strict=True)):
        price = plan.prices[r]
        if kind == "crew":
            hour[of] += price
        elif kind == "declared":
            hour[inputs.crews.pool == of] += price
        elif kind == "exposure":
            harm[of] += price
        elif kind == "answers":
            answer[of] += price
        elif kind == "budget":
            money[list(inputs.budgets[of].projects)] += price
        elif kind == "commitment":
            fee[of] += plan.commitment_prices[r]
        elif kind == "share":
            task[:, vendor == of] += plan.share_prices[r] - loosened
        elif kind == NEWCOMERS and newcomer is not None:
            counts = rows.newcomers[of].cohorts[:, None] & newcomer
            task -= plan.commitment_prices[r] * counts
    return Charges(hour, harm, answer, money, fee, task, day_costs(inputs))


def _lagrangian(outcome: Outcome, least: Floats) -> float:
    """Return the Lagrangian value over the whole menu: a lower bound for any prices.

    least : (K,) least reduced cost of each cohort over the menu. Capacities are those of the rows
    as they are; what the planner cuts off them holds for its own columns only.
    """
    rows, plan, problem = outcome.rows, outcome.plan, outcome.problem
    gain = np.asarray(problem.count) * least
    held = np.where(np.isfinite(rows.capacity), rows.capacity, 0.0) * plan.prices
    promised = plan.commitment_prices * rows.commitment
    # Up to one task: see the share rows of routing.core.plan.
    allowance = rows.share_cap * rows.used[rows.outside].sum() - rows.used + 1.0
    allowed = plan.share_prices * np.where(rows.outside, np.maximum(allowance, 0.0), 0.0)
    size = sum(float(np.abs(part).sum()) for part in (gain, held, promised, allowed))
    return float(gain.sum() - held.sum() + promised.sum() - allowed.sum() - 1e-14 * size)


def without_newcomers(outcome: Outcome) -> PlanResult:
    """Return the plan that the same problem has where newcomers are promised nothing."""
    asked = np.array([kind != NEWCOMERS for kind in outcome.rows.kinds])
    problem = outcome.problem
    return solve(replace(problem, commitment=np.asarray(problem.commitment) * asked))


# Of what it costs not to place a task, the share that each day of delay costs: enough that work
# is done early where hours are free, and overdue work before all other.
DELAY_SHARE = 1e-5
OVERDUE_SHARE = 1e-2


def day_costs(inputs: Inputs) -> Floats:
    """Return the price (K, D) of doing a task on a day: late days, and a little for any delay."""
    c = inputs.cohorts
    days = np.arange(inputs.days)[None, :]
    late_days = c.late[:, None] + np.maximum(days - np.maximum(c.due_day, 0)[:, None], 0)
    late = late_days * inputs.projects.late_cost[c.project][:, None]
    share = np.where(c.late > 0, OVERDUE_SHARE, DELAY_SHARE)
    return np.asarray(late + (share * _unplaced(inputs))[:, None] * days, dtype=np.float64)


def _unplaced(inputs: Inputs) -> Floats:
    """Return the policy's price of not placing a task (K,)."""
    c = inputs.cohorts
    policies = inputs.projects.policies
    cell = np.stack([p.wait_price for p in policies])[c.project, c.complexity, c.risk]
    hourly = np.array([p.wait_price_per_hour for p in policies])[c.project]
    return np.asarray(cell + hourly * c.hours, dtype=np.float64)


def wait_costs(inputs: Inputs) -> Floats:
    """Return what a task that is not placed costs (K,)."""
    # Waiting beyond the horizon is late as well, where lateness has a price.
    return _unplaced(inputs) + day_costs(inputs)[:, -1]


def make_problem(inputs: Inputs, found: Candidates, rows: Rows) -> PlanProblem:
    """Return the planning problem of candidates and rows."""
    K, A = found.cost.shape
    return PlanProblem(
        count=inputs.cohorts.count,
        cost=found.cost,
        hours=found.label_hours,
        use=np.zeros((len(rows.names), A)),
        amount=rows.amounts,
        capacity=rows.capacity,
        due=inputs.cohorts.due,
        delay_cost=np.zeros(K),
        day_cost=day_costs(inputs),
        wait_cost=wait_costs(inputs),
        commitment=rows.commitment,
        shortfall_price=rows.shortfall_price,
        outside=rows.outside,
        share_cap=rows.share_cap,
        used=rows.used,
    )


def slot_prices(outcome: Outcome) -> Floats:
    """Return what the scarce rows add to a task's cost by slot (K, A), inf where it has no day.

    The least over the days: the reduced cost by which chosen and runner-up are compared. Share caps
    make their vendors dearer, commitments make theirs cheaper. A day that does not hold one task
    is none.
    """
    rows, plan, problem = outcome.rows, outcome.plan, outcome.problem
    K, A = outcome.candidates.cost.shape
    k, a = np.nonzero(np.isfinite(outcome.candidates.cost))
    place = np.full((K, A), -1, dtype=np.int64)
    place[k, a] = np.arange(len(k))
    # A task outside loosens every cap a little: cap_r of a task for each capped vendor r.
    loosened = float((plan.share_prices * rows.share_cap)[rows.outside].sum())
    each = plan.share_prices - plan.commitment_prices - loosened * rows.outside
    due = np.asarray(problem.due)[k]
    by_day = np.asarray(problem.day_cost)[k].T.copy()
    by_day[due <= np.arange(len(by_day))[:, None]] = np.inf
    over_days = np.zeros(len(k))
    for r, amount in rows.amounts.items():
        at = place[amount.row, amount.col]
        if each[r]:
            over_days[at] += amount.data * each[r]
        for day in np.flatnonzero(np.isfinite(rows.capacity[r])):
            too_large = amount.data > rows.capacity[r, day] * (1 + 1e-12)
            if plan.prices[r, day]:
                by_day[day, at] += amount.data * plan.prices[r, day]
            by_day[day, at[too_large]] = np.inf
    added = np.full((K, A), np.inf)
    added[k, a] = by_day.min(axis=0) + over_days
    return added
