"""The LP by columns: those near to tight under given prices, then all that price in.

Column generation without subproblems: every column's reduced cost comes from one sparse product,
so columns are added until the Lagrangian bound meets the LP's value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from routing.core.plan_model import SMALL, Model, Prices
from routing.core.plan_rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLOSED = 0.02  # tasks' worth of cost between bound and LP at which it is closed
FINEST, COARSEST = 2e-10, 2e-7  # the same as shares of the LP's value
ROUNDS = 40
NEAR = 5e-5  # of a typical cost: columns this near to a cohort's best are in the first LP
PRICED_IN = 3  # columns of a cohort that one round adds


@dataclass(frozen=True)
class Master:
    """A solved LP: fractional plan per column (N,), waiting (K,), prices and the best bound.

    `excess` (N,) is how much each column's reduced cost lies above its cohort's best, at the
    prices of the bound, and `least` (K,) that best.
    """

    x: Floats
    waiting: Floats
    prices: Prices
    bound: float
    value: float
    excess: Floats
    least: Floats


def close(model: Model, rows: Rows, prices: Prices) -> Master:
    """Solve the LP from starting prices; the bound is the best Lagrangian value met."""
    prices = model.feasible(prices)
    reduced = model.reduced_costs(prices)
    best = (model.lagrangian(prices, reduced), prices, reduced)
    chosen = _near(model, reduced)
    x, value = np.zeros(len(model.pair)), np.inf
    aim = np.clip(CLOSED / max(float(model.count.sum()), 1.0), FINEST, COARSEST)
    if len(model.pair) <= SMALL:
        aim = FINEST
    for _round in range(ROUNDS):
        x, prices, value = _restricted(model, rows, np.flatnonzero(chosen))
        prices = model.feasible(prices)
        reduced = model.reduced_costs(prices)
        now = model.lagrangian(prices, reduced)
        if now >= best[0]:
            best = (now, prices, reduced)
        if value - best[0] <= aim * max(abs(value), 1e-300):
            break
        more = _negative(model, reduced, chosen)
        if not more.any():
            break
        chosen |= more
    bound, prices, reduced = best
    placed = np.asarray(np.bincount(model.cohort, x, minlength=len(model.count)), np.float64)
    waiting = model.count.astype(np.float64) - placed
    least = model.cohort_minimum(reduced)
    return Master(x, waiting, prices, bound, value, _excess(model, reduced), least)


def _excess(model: Model, reduced: Floats) -> Floats:
    """Return how far each column (N,) is above its cohort's best."""
    column = reduced[model.pair, model.day]
    return np.asarray(column - model.cohort_minimum(reduced)[model.cohort])


def _near(model: Model, reduced: Floats) -> Bools:
    """Choose each cohort's best column, and those within a hair of it (all of a small problem)."""
    N = len(model.pair)
    if N <= SMALL:
        return np.ones(N, dtype=bool)
    excess = _excess(model, reduced)
    own = model.cohort_minimum(reduced)
    scale = float(model.count @ np.abs(own)) / max(float(model.count.sum()), 1.0)
    near = excess <= NEAR * scale
    first = np.flatnonzero(np.r_[True, model.cohort[1:] != model.cohort[:-1]])
    least = np.minimum.reduceat(excess, first)
    return np.asarray(near | (excess <= np.repeat(least, np.diff(np.r_[first, N]))))


def _negative(model: Model, reduced: Floats, chosen: Bools) -> Bools:
    """Choose, of each cohort, the few columns that beat what the cohort pays now."""
    cost = reduced[model.pair, model.day]
    current = model.wait_cost.copy()
    np.minimum.at(current, model.cohort[chosen], cost[chosen])
    gain = np.where(chosen, 0.0, current[model.cohort] - cost)
    tiny = 1e-11 * (1.0 + np.abs(model.wait_cost).mean())
    candidates = np.flatnonzero(gain > tiny)
    more = np.zeros(len(cost), dtype=bool)
    if not len(candidates):
        return more
    order = candidates[np.lexsort((-gain[candidates], model.cohort[candidates]))]
    cohorts = model.cohort[order]
    starts = np.flatnonzero(np.r_[True, cohorts[1:] != cohorts[:-1]])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    more[order[rank < PRICED_IN]] = True
    return more


@dataclass(frozen=True)
class Program:
    """Columns as a linear program: min cost·v, upper·v ≤ right, 0 ≤ v; v = columns, shortfalls.

    A cohort's row reads Σ x ≤ count: what it leaves waits, so waiting's cost is taken off the
    columns (`constant` is what all waiting would cost). The first `cohorts` rows are theirs, the
    last len(rows) those of Rows.
    """

    cost: Floats
    upper: sparse.csr_array
    right: Floats
    cohorts: Ints
    constant: float


def program(model: Model, rows: Rows, columns: Ints) -> Program:
    """Return the program over some columns, with every shortfall."""
    n, Q = len(columns), len(rows.committed)
    live = np.unique(model.cohort[columns])
    place = np.searchsorted(live, model.cohort[columns])
    cohort_rows = sparse.csr_array((np.ones(n), (place, np.arange(n))), shape=(len(live), n))
    shortfall = sparse.csr_array(
        (np.full(Q, -1.0), (len(rows.capacity) + np.arange(Q), np.arange(Q))),
        shape=(len(rows), Q),
    )
    upper = sparse.vstack(
        [
            sparse.hstack([cohort_rows, sparse.csr_array((len(live), Q))]),
            sparse.hstack([rows.matrix(columns).T, shortfall]),
        ],
        format="csr",
    )
    cost = model.column_cost[columns] - model.wait_cost[model.cohort[columns]]
    return Program(
        cost=np.concatenate([cost, model.shortfall_price[rows.committed]]),
        upper=upper,
        right=np.concatenate([model.count[live].astype(np.float64), rows.right]),
        cohorts=live,
        constant=float(model.wait_cost @ model.count),
    )


def _restricted(model: Model, rows: Rows, columns: Ints) -> tuple[Floats, Prices, float]:
    """Solve the LP over some columns; return the plan (N,), the prices and the value."""
    x = np.zeros(len(model.pair))
    some = program(model, rows, columns)
    if not len(some.cost):
        return x, model.zero_prices(), some.constant
    found = linprog(some.cost, A_ub=some.upper, b_ub=some.right, bounds=(0, None), method="highs")
    if found.x is None:
        raise RuntimeError(f"the LP has no answer: {found.message}")
    x[columns] = np.maximum(found.x[: len(columns)], 0.0)
    duals = -found.ineqlin.marginals[len(some.cohorts) :]
    return x, rows.prices(duals), float(found.fun) + some.constant
