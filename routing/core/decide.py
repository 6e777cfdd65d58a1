"""From a run's inputs to its plan: candidates, the planning problem, its solution.

Pure, so that a recorded run can be replayed: equal inputs on the same library versions give the
same decisions. Rows of the problem, in order: limits by day (routing.core.limits), vendors'
commitments (money), vendors' share caps (tasks), newcomers' shares (tasks), budgets (money), and
windows: days on which a gate of an arrangement does not hold have no capacity for it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from routing.core.arrangements import Candidates, candidates, extended
from routing.core.gates import touch_gates
from routing.core.limits import Limit, Uses, limits_of, uses_of
from routing.core.menu import Charges, Menu
from routing.core.newcomers import NewcomerRow, newcomer_crews, newcomer_rows
from routing.core.plan import PlanProblem, PlanResult, solve
from routing.core.pricing import Pricing
from routing.core.tables import OUTSOURCED, Floats, Inputs, Ints

NEWCOMERS = "newcomers"
ROUNDS = 6  # plans at most, while the menu offers more
# The menu is closed when it could save no more than so much of the cost, or of the gap that whole
# numbers leave anyway.
CLOSE, CLOSE_GAP = 1e-7, 0.05


@dataclass(frozen=True)
class Rows:
    """The rows of the problem by name, with their amounts (K, A) and capacity by day.

    of : crew, pool, vendor, budget or promise that the row is about (−1 = a window)
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    of: tuple[int, ...]
    amounts: dict[int, sparse.coo_array]
    capacity: Floats
    commitment: Floats
    shortfall_price: Floats
    outside: NDArray[np.bool_]
    share_cap: Floats
    used: Floats
    crews: int
    newcomers: tuple[NewcomerRow, ...] = ()


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


class _Builder:
    """Collects rows."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.names: list[str] = []
        self.of: list[int] = []
        self.kinds: list[str] = []
        self.amounts: dict[int, sparse.coo_array] = {}
        self.capacity: list[Floats] = []
        self.more: list[tuple[float, float, bool, float, float]] = []

    def add(
        self,
        kind: str,
        name: str,
        of: int,
        amount: sparse.coo_array,
        capacity: Floats | None = None,
        *,
        commitment: float = 0.0,
        shortfall_price: float = 0.0,
        outside: bool = False,
        share_cap: float = 1.0,
        used: float = 0.0,
    ) -> None:
        self.amounts[len(self.names)] = amount
        self.names.append(name)
        self.of.append(of)
        self.kinds.append(kind)
        self.capacity.append(np.full(self.days, np.inf) if capacity is None else capacity)
        self.more.append((commitment, shortfall_price, outside, share_cap, used))


def plan_rows(inputs: Inputs, found: Candidates) -> tuple[Rows, list[str]]:
    """Return the rows of the problem and what has to be said about them."""
    notes: list[str] = []
    build = _Builder(inputs.days)
    k, a = np.nonzero(np.isfinite(found.cost))
    shape = found.cost.shape
    label, review = found.label_of, found.review_of
    pool_of = inputs.crews.pool

    def matrix(values: Floats, at: NDArray[np.bool_]) -> sparse.coo_array:
        return sparse.coo_array((values[at], (k[at], a[at])), shape=shape)

    spend = found.spend[k, a]
    labels, reviews = label[a], review[a]
    uses = uses_of(inputs, found, k, a)
    for limit in limits_of(inputs):
        _limit_rows(inputs, build, limit, uses, (k, a), shape)
    label_pool = pool_of[labels] if len(pool_of) else labels
    review_pool = np.where(reviews >= 0, pool_of[np.maximum(reviews, 0)], -1) if len(a) else reviews
    _vendor_rows(inputs, build, label_pool, review_pool, spend, matrix, notes)
    for number, budget in enumerate(inputs.budgets):
        mine = np.isin(inputs.cohorts.project[k], budget.projects)
        each = np.full(inputs.days, budget.amount / inputs.days)
        build.add("budget", budget.name, number, matrix(spend, mine & (spend > 0)), each)
    promises, new = newcomer_rows(inputs, k, labels, newcomer_crews(inputs))
    for number, promise in enumerate(promises):
        build.add(
            NEWCOMERS,
            inputs.projects.key[promise.project],
            number,
            matrix(np.ones(len(k)), new & promise.cohorts[k]),
            commitment=promise.promised,
            shortfall_price=promise.price,
        )
    _windows(inputs, found, build, k, a, matrix)
    commitment, price, outside, cap, used = (
        np.array(column) for column in (zip(*build.more, strict=True) if build.more else [[]] * 5)
    )
    rows = Rows(
        names=tuple(build.names),
        kinds=tuple(build.kinds),
        of=tuple(build.of),
        amounts=build.amounts,
        capacity=np.array(build.capacity).reshape(len(build.names), inputs.days),
        commitment=commitment.astype(np.float64),
        shortfall_price=price.astype(np.float64),
        outside=outside.astype(bool),
        share_cap=cap.astype(np.float64),
        used=used.astype(np.float64),
        crews=len(inputs.crews),
        newcomers=tuple(promises),
    )
    return rows, notes


def _limit_rows(
    inputs: Inputs,
    build: _Builder,
    limit: Limit,
    uses: Uses,
    at: tuple[Ints, Ints],
    shape: tuple[int, ...],
) -> None:
    """Add a row for each row of a limit that binds (crews' hours: for every crew)."""
    amount = uses.amount(limit.kind)
    some = np.flatnonzero(amount > 0)
    row = limit.row_of[uses.crew[some]]
    order = some[np.argsort(row, kind="stable")]
    bounds = np.searchsorted(np.sort(row), np.arange(len(limit.capacity) + 1))
    k, a = at
    for r, capacity in enumerate(limit.capacity):
        if limit.kind != "crew" and np.isinf(capacity).all():
            continue
        mine = order[bounds[r] : bounds[r + 1]]
        pair = uses.row[mine]
        # A crew that reviews its own work uses its row twice: duplicates add up.
        matrix = sparse.coo_array((amount[mine], (k[pair], a[pair])), shape=shape)
        matrix.sum_duplicates()
        name = inputs.pools.name[r] if limit.kind == "declared" else f"crew {r}"
        build.add(limit.kind, name, r, matrix, capacity)


def _vendor_rows(inputs, build, label_pool, review_pool, spend, matrix, notes) -> None:  # type: ignore[no-untyped-def]
    """Add commitments in money and share caps in tasks."""
    pools, vendors = inputs.pools, inputs.vendors
    V = len(vendors.id)
    vendor_of = np.append(np.where(pools.kind == OUTSOURCED, pools.vendor, -1), -1)
    labels, reviews = vendor_of[label_pool], vendor_of[review_pool]
    for v in range(V):
        if vendors.commitment[v] > 0:
            # A reviewer of another employer is not the vendor's fee; vendors never share a task.
            fee = np.where((labels == v) | (reviews == v), spend, 0.0)
            build.add(
                "commitment",
                vendors.key[v],
                v,
                matrix(fee, fee > 0),
                commitment=float(vendors.commitment[v]),
                shortfall_price=float(vendors.shortfall_price[v]),
            )
    capped = vendors.share_cap < 1.0
    if not capped.any():
        return
    open_vendors = np.unique(labels[labels >= 0])
    room = float(vendors.share_cap[open_vendors].sum()) if len(open_vendors) else 0.0
    if room < 1.0 - 1e-12:
        notes.append(
            "share caps were not applied: the vendors that have hours and open gates may take "
            f"{room:.0%} of outside work together"
        )
        return
    one = np.ones(len(labels))
    for v in range(V):
        build.add(
            "share",
            vendors.key[v],
            v,
            matrix(one, labels == v),
            outside=True,
            share_cap=float(vendors.share_cap[v]),
            used=float(vendors.used[v]),
        )


def _windows(inputs, found, build, k, a, matrix) -> None:  # type: ignore[no-untyped-def]
    """Add one row per set of days on which arrangements may not be used."""
    bits = found.bad[k, a]
    for value in np.unique(bits[bits > 0]):
        closed = np.array([bool(int(value) >> d & 1) for d in range(inputs.days)])
        days = ", ".join(str(d) for d in np.flatnonzero(closed))
        build.add(
            "window",
            f"shut on day {days}",
            -1,
            matrix(np.ones(len(bits)), bits == value),
            np.where(closed, 0.0, np.inf),
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


__all__ = ["Ints", "Outcome", "Rows", "day_costs", "decide", "slot_prices", "wait_costs"]
