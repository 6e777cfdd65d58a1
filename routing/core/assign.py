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
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from routing.core.assign_bound import Relaxation, capacity_bound, knapsack_bound, relax
from routing.core.assign_exact import enumerate_better
from routing.core.assign_search import Problem, search

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Sums of loads are compared with a capacity up to this share: .1 + .2 fits into .3.
ROUNDING = 1e-12
OVERLOADED = 1e-7  # share of all capacity: the relaxation itself says that not all jobs fit
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
    n = c.shape[1]
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
        plan, bound = _skipping(part, skip[placeable], effort)
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


def _skipping(part: Problem, skip: Floats | float, effort: float) -> tuple[Ints, float]:
    """Return a plan and its bound where leaving a job has a price; agent m = skipped."""
    problem = _with_skipping(part, skip, 0.0, 0.0)
    relaxed = relax(problem.cost, problem.load, problem.capacity)
    start = _mended(problem, relaxed.plan)
    return _solve(problem, relaxed, start, effort)


def _mended(problem: Problem, plan: Ints) -> Ints:
    """Send jobs of overloaded agents to the last one, which skips, the least worth first."""
    plan = plan.copy()
    last = len(problem.capacity) - 1
    for i in np.flatnonzero(problem.loads(plan) > problem.capacity):
        job = np.flatnonzero((plan == i) & (problem.load[i] > 0))
        load = problem.load[i, job]
        worth = (problem.cost[last, job] - problem.cost[i, job]) / load
        job = job[np.argsort(-worth, kind="stable")]
        plan[job[np.cumsum(problem.load[i, job]) > problem.capacity[i]]] = last
    return plan


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
    relaxed = relax(part.cost, part.load, part.capacity)
    # Where the relaxation itself is short of capacity, a search for all jobs would be in vain.
    if relaxed.overload <= OVERLOADED * float(part.capacity.sum()):
        all_placed = _solve(part, relaxed, None, effort)
        if all_placed is not None:
            return *all_placed, n
    counting = Problem(np.where(np.isfinite(part.cost), 0.0, np.inf), part.load, part.capacity)
    plan, bound = _skipping(counting, 1.0, effort)
    least = int(np.ceil(bound - 1e-6))
    skipped = int((plan == m).sum())
    found = _skipping_at_most(part, skipped, plan, effort)
    while skipped > least:
        # With costs to go by, the search at times places what it could not without them.
        fewer = _skipping_at_most(part, skipped - 1, None, effort)
        if fewer is None:
            break
        found, skipped = fewer, int((fewer[0] == m).sum())
    return *found, n - least


@overload
def _skipping_at_most(
    part: Problem, most: int, start: Ints, effort: float
) -> tuple[Ints, float]: ...
@overload
def _skipping_at_most(
    part: Problem, most: int, start: None, effort: float
) -> tuple[Ints, float] | None: ...
def _skipping_at_most(
    part: Problem, most: int, start: Ints | None, effort: float
) -> tuple[Ints, float] | None:
    """Return a plan that leaves so many jobs at most, free of charge, and its bound.

    Where a best plan leaves as many or fewer, the bound is one for that plan too.
    """
    problem = _with_skipping(part, 0.0, 1.0, float(most))
    relaxed = relax(problem.cost, problem.load, problem.capacity)
    return _solve(problem, relaxed, start, effort)


@overload
def _solve(
    problem: Problem, relaxed: Relaxation, start: Ints, effort: float
) -> tuple[Ints, float]: ...
@overload
def _solve(
    problem: Problem, relaxed: Relaxation, start: None, effort: float
) -> tuple[Ints, float] | None: ...
def _solve(
    problem: Problem, relaxed: Relaxation, start: Ints | None, effort: float
) -> tuple[Ints, float] | None:
    """Search, bound and, if it can be had, prove: every job to exactly one agent.

    Returns a plan and its bound; None if there is no start and no plan was found that fits.
    """
    price = relaxed.price
    bound = capacity_bound(problem.cost, problem.load, problem.capacity, price)
    whole = _is_whole(problem.cost)
    plan = search(problem, price, relaxed.plan, start, _rounded(bound, whole), effort)
    if plan is None:
        return None
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
    return plan, bound


def _is_whole(cost: Floats) -> bool:
    finite = cost[np.isfinite(cost)]
    return bool((finite == np.floor(finite)).all()) and bool((np.abs(finite) < 2**40).all())


def _rounded(bound: float, whole: bool) -> float:
    """Raise a bound to the next whole number where every cost is whole."""
    return float(np.ceil(bound - 1e-6 * max(1.0, abs(bound) * 1e-6))) if whole else bound
