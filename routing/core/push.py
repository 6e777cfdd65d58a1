"""A shift's tasks to people: the assignment problem with limits beside hours.

Hours are the one capacity of `assign`. Limits (tasks in hand by project, answers a day, hours of
harmful content) are asked afterwards; where the plan breaks one, it is made again with each task
weighing the largest share that it takes of anything of a person's: shares that add up to 1 at most
keep every limit. What that is too careful for is filled in by urgency.

The bound is the better of two relaxations, hours alone and counts alone: no plan that keeps all of
them costs less.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.assign import assign

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HAIR = 1e-9
PLACED, NOBODY, HOURS, LIMIT = range(4)
URGENT = 3.0  # how many times the price of leaving the least urgent task the most urgent one has
FIRM = 2.0  # leaving the least urgent task costs so many times the dearest way of doing one


@dataclass(frozen=True)
class Room:
    """What people (m,) may still take beside their hours; inf = no limit.

    group : (n,) int, the group (project) of each task; left : (m, G) tasks by group
    answers : (m,) tasks; harmful : (n,) bool; harm_hours : (m,)
    """

    group: Ints
    left: Floats
    answers: Floats
    harmful: NDArray[np.bool_]
    harm_hours: Floats


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


def plan_push(cost: Floats, hours: Floats, capacity: Floats, room: Room, rank: Ints) -> PushPlan:
    """Give tasks to people at least cost, within their hours and limits.

    Parameters
    ----------
    cost : (m, n) money, inf = not allowed; hours : (m, n) > 0 where allowed
    capacity : (m,) hours
    rank : (n,) 0 = the most urgent, a permutation

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
    by_hours = assign(cost, load, capacity, skip_cost=skip)
    agent, bound = by_hours.agent, by_hours.lower_bound
    if not keeps(agent, load, room):
        agent = _within(cost, load, capacity, room, skip)
        most = np.minimum(room.answers, np.minimum(room.left, _in_group(room, n)).sum(axis=1))
        by_count = assign(cost, np.where(np.isfinite(cost), 1.0, 0.0), most, skip_cost=skip)
        bound = max(bound, by_count.lower_bound)
    agent = _filled(agent, cost, load, capacity, room, rank)
    total = value(agent, cost, skip)
    why = _why(agent, cost, load, capacity)
    return PushPlan(agent, why, total, min(bound, total))


def value(agent: Ints, cost: Floats, skip: Floats) -> float:
    """Return the cost of a plan, with the price of what it leaves."""
    job = np.flatnonzero(agent >= 0)
    return float(cost[agent[job], job].sum() + skip[agent < 0].sum())


def keeps(agent: Ints, load: Floats, room: Room) -> bool:
    """Tell whether a plan keeps every limit beside hours."""
    job = np.flatnonzero(agent >= 0)
    by_group, count, harm = _used(agent, load, room)
    return bool(
        len(job) == 0
        or (
            (by_group <= room.left).all()
            and (count <= room.answers).all()
            and (harm <= room.harm_hours + HAIR).all()
        )
    )


def _used(agent: Ints, load: Floats, room: Room) -> tuple[Floats, Floats, Floats]:
    """Return tasks by person and group, tasks by person, and hours of harmful content by person."""
    job = np.flatnonzero(agent >= 0)
    by_group = np.zeros(room.left.shape)
    np.add.at(by_group, (agent[job], room.group[job]), 1.0)
    harm = np.zeros(len(load))
    bad = job[room.harmful[job]]
    np.add.at(harm, agent[bad], load[agent[bad], bad])
    return by_group, by_group.sum(axis=1), harm


def _hours(agent: Ints, load: Floats) -> Floats:
    job = np.flatnonzero(agent >= 0)
    used = np.zeros(len(load))
    np.add.at(used, agent[job], load[agent[job], job])
    return used


def _in_group(room: Room, n: int) -> Floats:
    return np.bincount(room.group, minlength=room.left.shape[1]).astype(np.float64)


def _within(cost: Floats, load: Floats, capacity: Floats, room: Room, skip: Floats) -> Ints:
    """Return a plan by shares: what a task takes of the scarcest thing of a person."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(load > 0, load / capacity[:, None], 0.0)
        share = np.maximum(share, (1.0 / room.left)[:, room.group])
        share = np.maximum(share, (1.0 / room.answers)[:, None])
        harm = np.where(load > 0, load / room.harm_hours[:, None], 0.0)
    share = np.where(room.harmful[None, :], np.maximum(share, harm), share)
    allowed = np.isfinite(cost) & (share <= 1.0 + HAIR)
    found = assign(
        np.where(allowed, cost, np.inf),
        np.where(allowed, share, 0.0),
        np.ones(len(capacity)),
        skip_cost=skip,
    )
    return found.agent


def _filled(
    agent: Ints, cost: Floats, load: Floats, capacity: Floats, room: Room, rank: Ints
) -> Ints:
    """Give what was left to whoever has room for it at least cost, the most urgent first."""
    agent = agent.copy()
    by_group, count, harm = _used(agent, load, room)
    used = _hours(agent, load)
    left = np.flatnonzero((agent < 0) & np.isfinite(cost).any(axis=0))
    for j in left[np.argsort(rank[left], kind="stable")]:
        g, bad = room.group[j], room.harmful[j]
        fits = np.isfinite(cost[:, j]) & (used + load[:, j] <= capacity + HAIR)
        fits &= (by_group[:, g] + 1 <= room.left[:, g]) & (count + 1 <= room.answers)
        if bad:
            fits &= harm + load[:, j] <= room.harm_hours + HAIR
        if not fits.any():
            continue
        i = int(np.argmin(np.where(fits, cost[:, j], np.inf)))
        agent[j] = i
        used[i] += load[i, j]
        by_group[i, g] += 1
        count[i] += 1
        harm[i] += load[i, j] if bad else 0.0
    return agent


def _why(agent: Ints, cost: Floats, load: Floats, capacity: Floats) -> Ints:
    """Return why tasks are left: nobody may, or nobody who may has hours, or a limit is reached."""
    used = _hours(agent, load)
    why = np.full(len(agent), PLACED)
    for j in np.flatnonzero(agent < 0):
        may = np.isfinite(cost[:, j])
        if not may.any():
            why[j] = NOBODY
            continue
        hours = used + load[:, j] <= capacity + HAIR
        why[j] = LIMIT if (may & hours).any() else HOURS
    return why


__all__ = ["HOURS", "LIMIT", "NOBODY", "PLACED", "PushPlan", "Room", "leaving_prices", "plan_push"]
