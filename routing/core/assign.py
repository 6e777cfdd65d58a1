"""Which agent does each job: the generalised assignment problem, with a proven lower bound.

    min   Σ cost[i,j] x[i,j] + Σ skip_cost[j] s[j]
    s.t.  Σ_i x[i,j] + s[j] = 1,   Σ_j load[i,j] x[i,j] ≤ capacity[i],   x, s whole

Without `skip_cost` the number of jobs left is least first, then the cost. Skipping is one more
agent: without load where it has a price, else with room for as many jobs as cannot be placed.

Steps: capacity prices from the linear program or its smoothed dual, the knapsack bound
(`assign_bound`); beams over groups of agents (`assign_search`); where states stay few, a proof by
counting up what could cost less (`assign_exact`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from routing.core.assign_bound import capacity_bound, knapsack_bound, multipliers
from routing.core.assign_exact import enumerate_better
from routing.core.assign_search import Problem, search

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Sums of loads are compared with a capacity up to this share: .1 + .2 fits into .3.
ROUNDING = 1e-12
EXACT = 1e-9  # a relative distance of cost and bound that counts as none

__all__ = ["AssignResult", "assign"]


@dataclass(frozen=True)
class AssignResult:
    """A plan and what is proven about it.

    agent : (n,) int, the agent of each job, −1 = none
    cost : of the jobs placed, with skip_cost of the others where it is given
    lower_bound : at most the cost of any best plan
    status : "optimal" (proven), "feasible", or "partial": without skip_cost, some job has no agent
    most_placed : proven: no plan places more jobs; equal to the number placed where that is
        proven to be the most (with skip_cost, simply the jobs that some agent may do)
    """

    agent: Ints
    cost: float
    lower_bound: float
    status: str
    most_placed: int

    @property
    def gap(self) -> float:
        """Return (cost − lower_bound) / |cost|, 0 where they are equal."""
        apart = self.cost - self.lower_bound
        return 0.0 if apart <= 0 else apart / max(abs(self.cost), EXACT)


def assign(
    cost: ArrayLike,
    load: ArrayLike,
    capacity: ArrayLike,
    *,
    skip_cost: ArrayLike | None = None,
    effort: float = 1,
) -> AssignResult:
    """Give each job to at most one agent at least cost, within the agents' capacities.

    Parameters
    ----------
    cost : (m, n) float, any sign; inf = agent i may not do job j
    load : (m, n) float ≥ 0, finite where cost is
    capacity : (m,) float ≥ 0, in the unit of load; inf = no limit
    skip_cost : None: place as many jobs as possible, then at least cost. Scalar or (n,), finite:
        what leaving a job costs.
    effort : > 0, scales the iterations (never seconds); equal input gives equal output

    Raises
    ------
    ValueError
        Names the argument that has a wrong shape, NaN, a negative load or capacity, −inf.

    Examples
    --------
    >>> found = assign([[1.0, 2.0, 9.0], [4.0, 3.0, 1.0]], [[2, 2, 2], [1, 1, 1]], [2, 2])
    >>> found.agent.tolist(), found.cost, found.status
    ([0, 1, 1], 5.0, 'optimal')
    """
    c, w, room, skip = _assign_iv(cost, load, capacity, skip_cost, effort)
    m, n = c.shape
    allowed = np.isfinite(c) & (w <= room[:, None])
    c = np.where(allowed, c, np.inf)
    w = np.where(allowed, w, 0.0)
    # No agent needs more room than all its jobs together: also turns inf into a number.
    room = np.minimum(room, w.sum(axis=1) * (1 + ROUNDING))
    placeable = np.flatnonzero(allowed.any(axis=0))
    agent = np.full(n, -1, dtype=np.int64)
    # Agents without any job would only take up places in the groups.
    useful = np.flatnonzero(allowed.any(axis=1))
    part = Problem(c[np.ix_(useful, placeable)], w[np.ix_(useful, placeable)], room[useful])
    lost = 0.0 if skip is None else float(np.delete(skip, placeable).sum())
    most = len(placeable)
    if most == 0:
        plan, bound = np.zeros(0, dtype=np.int64), 0.0
    elif skip is None:
        plan, bound, most = _place_most(part, effort)
    else:
        found = _solve(_with_skipping(part, skip[placeable], 0.0, 0.0), None, effort)
        if found.plan is None:
            raise AssertionError("a plan that skips every job always fits")
        plan, bound = found.plan, found.bound
    placed = plan < len(useful)
    agent[placeable[placed]] = useful[plan[placed]]
    job = np.flatnonzero(agent >= 0)
    total = float(c[agent[job], job].sum())
    if skip is not None:
        total += float(skip[agent < 0].sum())
    bound = min(bound + lost, total)
    if total - bound <= EXACT * max(1.0, abs(total)):
        bound = total
    status = "optimal" if bound == total else "feasible"
    if skip is None and len(job) < n:
        status = "partial"
    return AssignResult(agent, total, bound, status, most)


def _assign_iv(
    cost: ArrayLike, load: ArrayLike, capacity: ArrayLike, skip_cost: ArrayLike | None, effort: Any
) -> tuple[Floats, Floats, Floats, Floats | None]:
    """Check the input; return cost, load, capacity (each a copy) and skip_cost as (n,)."""
    c, w, b = (np.array(x, dtype=np.float64) for x in (cost, load, capacity))
    if c.ndim != 2:
        raise ValueError(f"cost must have two dimensions, got shape {c.shape}")
    if w.shape != c.shape:
        raise ValueError(f"load must have cost's shape {c.shape}, got {w.shape}")
    if b.shape != c.shape[:1]:
        raise ValueError(f"capacity must have shape {c.shape[:1]}, got {b.shape}")
    if np.isnan(c).any() or (c == -np.inf).any():
        raise ValueError("cost must be a number or inf")
    w[np.isposinf(c) & np.isposinf(w)] = 0.0
    if not np.isfinite(w).all() or (w < 0).any():
        raise ValueError("load must be 0 or more, and finite where cost is")
    if np.isnan(b).any() or (b < 0).any():
        raise ValueError("capacity must be 0 or more")
    if not (np.isfinite(effort) and effort > 0):
        raise ValueError(f"effort must be positive, got {effort!r}")
    skip = None
    if skip_cost is not None:
        skip = np.array(skip_cost, dtype=np.float64)
        if skip.shape not in ((), c.shape[1:]):
            raise ValueError(f"skip_cost must be a number or have shape {c.shape[1:]}")
        if not np.isfinite(skip).all():
            raise ValueError("skip_cost must be finite")
        skip = np.broadcast_to(skip, c.shape[1:])
    return c, w, b * (1 + ROUNDING), skip


@dataclass(frozen=True)
class _Found:
    plan: Ints | None
    bound: float


def _with_skipping(part: Problem, cost: Floats | float, load: float, room: float) -> Problem:
    """Add an agent that stands for skipping."""
    row = np.broadcast_to(np.asarray(cost, dtype=np.float64), (1, part.cost.shape[1]))
    return Problem(
        np.vstack([part.cost, row]),
        np.vstack([part.load, np.full_like(row, load)]),
        np.append(part.capacity, room),
    )


def _place_most(part: Problem, effort: float) -> tuple[Ints, float, int]:
    """Return a plan, its bound and the most jobs that can be placed; agent m = skipped."""
    m, n = part.cost.shape
    found = _solve(part, None, effort)
    if found.plan is not None:
        return found.plan, found.bound, n
    counting = Problem(np.where(np.isfinite(part.cost), 0.0, np.inf), part.load, part.capacity)
    count = _solve(_with_skipping(counting, 1.0, 0.0, 0.0), None, effort)
    if count.plan is None:
        raise AssertionError("a plan that skips every job always fits")
    plan = count.plan
    skipped = int((plan == m).sum())
    while True:
        # The optimum skips at most as many, so the bound of this problem is one for it.
        found = _solve(_with_skipping(part, 0.0, 1.0, float(skipped)), plan, effort)
        if found.plan is None:
            raise AssertionError("the search never loses the plan it starts from")
        plan = found.plan
        fewer = int((plan == m).sum())
        if fewer == skipped:
            break
        skipped = fewer
    return plan, found.bound, n - int(np.ceil(count.bound - 1e-6))


def _solve(problem: Problem, start: Ints | None, effort: float) -> _Found:
    """Search, bound and, if it can be had, prove: every job to exactly one agent."""
    price = multipliers(problem.cost, problem.load, problem.capacity)
    bound = capacity_bound(problem.cost, problem.load, problem.capacity, price)
    whole = _is_whole(problem.cost)
    plan = search(problem, price, start, _rounded(bound, whole), effort)
    if plan is None:
        return _Found(None, bound)
    value = problem.value(plan)
    if _rounded(bound, whole) < value - EXACT * max(1.0, abs(value)):
        least = (problem.cost + price[:, None] * problem.load).min(axis=0)
        by_knapsacks = knapsack_bound(
            problem.cost, problem.load, problem.capacity, least, value, effort
        )
        bound = max(bound, by_knapsacks)
    bound = _rounded(bound, whole)
    if bound < value - EXACT * max(1.0, abs(value)):
        gain = 1.0 - 1e-6 if whole else 2 * EXACT * max(1.0, abs(value))
        complete, cheaper = enumerate_better(problem, price, value, gain)
        if cheaper is not None and problem.fits(cheaper) and problem.value(cheaper) < value:
            plan, value = cheaper, problem.value(cheaper)
        if complete:
            bound = value
    return _Found(plan, bound)


def _is_whole(cost: Floats) -> bool:
    finite = cost[np.isfinite(cost)]
    return bool((finite == np.floor(finite)).all()) and bool((np.abs(finite) < 2**40).all())


def _rounded(bound: float, whole: bool) -> float:
    """Raise a bound to the next whole number where every cost is whole."""
    return float(np.ceil(bound - 1e-6 * max(1.0, abs(bound) * 1e-6))) if whole else bound
