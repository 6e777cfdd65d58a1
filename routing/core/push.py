"""A shift's tasks to people within their hours: the assignment problem, with limits beside hours.

Hours are the one capacity of `assign`. Where its plan breaks a limit (tasks in hand by project,
answers a day, hours of harmful content), and where there are many people and tasks, the plan is
made over cohorts with every limit in it (`push_cohorts`), then worked over block by block: some
people with their tasks and some of those left over are an assignment problem again. Both prove how
far from the least possible cost they are at most.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.assign import assign
from routing.core.push_cohorts import HAIR, Limits, Load, by_cohorts, fill

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PLACED, NOBODY, HOURS, LIMIT = range(4)
URGENT = 3.0  # how many times the price of leaving the least urgent task the most urgent one has
FIRM = 2.0  # leaving the least urgent task costs so many times the dearest way of doing one
PAIRS = 12_000  # of a person and a task, up to which `assign` takes about a second
BLOCK, EFFORT = 2_000, 0.25  # pairs of a block, and how hard `assign` looks at each
NEAR = 0.01  # of the cost: a plan nearer to its bound is not worked over


@dataclass(frozen=True)
class PushPlan:
    """Who gets which task.

    agent : (n,) int, −1 = nobody; why : (n,) int, PLACED, NOBODY (no pair is allowed), HOURS, LIMIT
    cost : of the tasks placed, with the price of leaving the others; lower_bound : of any plan
    """

    agent: Ints
    why: Ints
    cost: float
    lower_bound: float


def leaving_prices(cost: Floats, rank: Ints) -> Floats:
    """Return what leaving each task costs (n,): more than doing it, the more urgent the more.

    Parameters
    ----------
    cost : (m, n) money, inf = not allowed
    rank : (n,) 0 = the most urgent
    """
    finite = cost[np.isfinite(cost)]
    top = max(float(finite.max(initial=0.0)), HAIR)
    share = 1.0 - rank / max(len(rank) - 1, 1)
    return np.asarray(FIRM * top * (1.0 + (URGENT - 1.0) * share))


def plan_push(cost: Floats, hours: Floats, limits: Limits, rank: Ints) -> PushPlan:
    """Give tasks to people at least cost, within their hours and limits.

    Parameters
    ----------
    cost : (m, n) money, inf = not allowed; hours : (m, n) > 0 where allowed
    rank : (n,) 0 = the most urgent, ascending

    Raises
    ------
    ValueError
        As `assign` does.
    """
    m, n = cost.shape
    if n == 0 or m == 0:
        return PushPlan(np.full(n, -1, dtype=np.int64), np.full(n, NOBODY), 0.0, 0.0)
    skip = leaving_prices(cost, rank)
    load = np.where(np.isfinite(cost), hours, 0.0)
    agent, bound = None, -np.inf
    if m * n <= PAIRS:
        found = assign(cost, load, limits.capacity, skip_cost=skip)
        bound = found.lower_bound
        if Load(found.agent, load, limits).kept():
            agent = fill(found.agent, cost, load, limits, rank)
    if agent is None:
        agent, by_lp = by_cohorts(cost, load, limits, skip)
        bound = max(bound, by_lp)
        if value(agent, cost, skip) * (1 - NEAR) > bound:
            agent = fill(_by_blocks(agent, cost, load, limits, skip), cost, load, limits, rank)
    total = value(agent, cost, skip)
    return PushPlan(agent, _why(agent, cost, load, limits), total, min(bound, total))


def value(agent: Ints, cost: Floats, skip: Floats) -> float:
    """Return the cost of a plan, with the price of what it leaves."""
    job = np.flatnonzero(agent >= 0)
    return float(cost[agent[job], job].sum() + skip[agent < 0].sum())


def _by_blocks(agent: Ints, cost: Floats, load: Floats, limits: Limits, skip: Floats) -> Ints:
    """Return a plan that is no dearer: blocks of people share their tasks out anew."""
    agent = agent.copy()
    m, n = cost.shape
    size = max(int(np.sqrt(BLOCK * m / n)), 2)
    blocks = np.array_split(np.arange(m), max(m // size, 1))
    left = np.flatnonzero((agent < 0) & np.isfinite(cost).any(axis=0))
    left = left[np.argsort(-skip[left], kind="stable")]
    for number, people in enumerate(blocks):
        tasks = np.r_[np.flatnonzero(np.isin(agent, people)), left[number :: len(blocks)]]
        if not len(tasks):
            continue
        part, some = cost[np.ix_(people, tasks)], limits.of(people, tasks)
        work = load[np.ix_(people, tasks)]
        found = assign(part, work, some.capacity, skip_cost=skip[tasks], effort=EFFORT).agent
        place = np.full(m, -1)
        place[people] = np.arange(len(people))
        before = np.where(agent[tasks] >= 0, place[agent[tasks]], -1)
        better = value(found, part, skip[tasks]) < value(before, part, skip[tasks]) - HAIR
        if better and Load(found, work, some).kept():
            agent[tasks] = np.where(found >= 0, people[found], -1)
    return agent


def _why(agent: Ints, cost: Floats, load: Floats, limits: Limits) -> Ints:
    """Return why tasks are left: nobody may, or nobody who may has hours, or a limit is reached."""
    used = Load(agent, load, limits).used
    why = np.full(len(agent), PLACED)
    for j in np.flatnonzero(agent < 0):
        may = np.isfinite(cost[:, j])
        if not may.any():
            why[j] = NOBODY
            continue
        hours = used + load[:, j] <= limits.capacity + HAIR
        why[j] = LIMIT if (may & hours).any() else HOURS
    return why


__all__ = ["HOURS", "LIMIT", "NOBODY", "PLACED", "PushPlan", "leaving_prices", "plan_push"]
