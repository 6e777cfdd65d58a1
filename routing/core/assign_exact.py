"""Proof for small instances: every plan that could cost less, counted up job by job.

A state is a choice for the jobs so far. Its distance from the bound is the sum of its reduced
costs plus the prices of capacity that the jobs to come can no longer use; a state that reaches the
distance of the best plan known is dropped, as is one of two with equal loads. If the states never
grow beyond `WIDTH`, what is left at the end is the optimum.
"""

import numpy as np
from numpy.typing import NDArray

from routing.core.assign_search import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDTH = 20_000


def enumerate_better(
    problem: Problem, price: Floats, cost: float, gain: float
) -> tuple[bool, Ints | None]:
    """Look for a plan cheaper than `cost` by at least `gain`.

    Returns whether the search was complete, and the cheapest such plan (n,), None if there is none.
    """
    if len(problem.capacity) < 2 or not problem.cost.size:
        return True, None
    reduced = problem.cost + price[:, None] * problem.load
    least = reduced.min(axis=0)
    reduced -= least
    budget = cost - gain - float(least.sum() - price @ problem.capacity)
    tolerance = 1e-9 * max(1.0, abs(cost))
    open_to = reduced <= budget + tolerance
    # Jobs with one agent first (they make no states), then those that lose most by a second choice.
    order = np.lexsort((-np.partition(reduced, 1, axis=0)[1], open_to.sum(axis=0) > 1))
    usable = np.where(open_to, problem.load, 0.0)[:, order]
    to_come = np.cumsum(usable[:, ::-1], axis=1)[:, ::-1]
    to_come = np.concatenate([to_come[:, 1:], np.zeros((len(price), 1))], axis=1)
    slack, moved = problem.capacity[:, None].copy(), np.zeros(1)
    trace: list[tuple[Ints, Ints]] = []
    for t, job in enumerate(order):
        agents = np.flatnonzero(open_to[:, job])
        k = len(agents)
        room = slack[agents, :] >= problem.load[agents, job][:, None]
        option, parent = np.nonzero(room)
        if len(parent) > 5 * WIDTH:
            return False, None
        chosen = agents[option]
        after = moved[parent] + reduced[chosen, job]
        rest = slack[:, parent]
        rest[chosen, np.arange(len(parent))] -= problem.load[chosen, job]
        idle = price @ np.maximum(rest - to_come[:, t, None], 0.0)
        keep = np.flatnonzero(after + idle <= budget + tolerance)
        if not len(keep):
            return True, None
        keep = keep[_undominated(rest[:, keep], after[keep])] if k > 1 else keep
        if len(keep) > WIDTH:
            return False, None
        slack, moved = rest[:, keep], after[keep]
        trace.append((parent[keep], chosen[keep]))
    best = int((moved + price @ slack).argmin())
    plan = np.zeros(len(order), dtype=np.int64)
    for t in range(len(order) - 1, -1, -1):
        parent, chosen = trace[t]
        plan[order[t]], best = chosen[best], int(parent[best])
    return True, plan


def _undominated(slack: Floats, moved: Floats) -> Ints:
    """Return the cheapest of each set of states with equal slack."""
    order = np.lexsort((moved, *slack))
    first = np.ones(len(order), dtype=bool)
    sorted_slack = slack[:, order]
    first[1:] = (sorted_slack[:, 1:] != sorted_slack[:, :-1]).any(axis=0)
    return order[first]
