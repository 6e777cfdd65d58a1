"""The LP by columns: those near to tight under given prices, then all that price in.

Dantzig–Wolfe style pricing without subproblems: every column's reduced cost comes from one sparse
product, so columns are added until the Lagrangian bound meets the LP's value.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from routing.core.plan_dual import LARGE
from routing.core.plan_model import Model, Prices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CLOSED = 2e-9  # of the LP's value; below the gap that whole numbers leave
CLOSED_LARGE = 2e-7  # the same where there are many columns
ROUNDS = 40
PER_COHORT = 6  # columns of a cohort in the first LP, at most


@dataclass(frozen=True)
class Master:
    """A solved LP: fractional plan per column (N,), waiting (K,), prices and the best bound."""

    x: Floats
    waiting: Floats
    prices: Prices
    bound: float
    value: float
    reduced: Floats


def close(model: Model, prices: Prices) -> Master:
    """Solve the LP from starting prices; the bound is the best Lagrangian value met."""
    prices = model.feasible(prices)
    reduced = model.reduced_costs(prices)
    bound = model.lagrangian(prices, reduced)
    best_prices, best_reduced = prices, reduced
    chosen = _near(model, reduced)
    x, waiting = np.zeros(len(model.pair)), model.count.astype(np.float64)
    value = np.inf
    aim = CLOSED_LARGE if len(model.pair) > LARGE else CLOSED
    for _round in range(ROUNDS):
        x, waiting, prices, value = _restricted(model, np.flatnonzero(chosen))
        prices = model.feasible(prices)
        reduced = model.reduced_costs(prices)
        now = model.lagrangian(prices, reduced)
        if now >= bound:
            bound, best_prices, best_reduced = now, prices, reduced
        if value - bound <= aim * max(abs(value), 1e-300):
            break
        more = _negative(model, reduced, chosen)
        if not more.any():
            break
        chosen |= more
    return Master(x, waiting, best_prices, bound, value, best_reduced)


def _column_reduced(model: Model, reduced: Floats) -> Floats:
    return reduced[model.pair, model.day]


def _near(model: Model, reduced: Floats) -> NDArray[np.bool_]:
    """Choose for each cohort the columns within reach of its best one."""
    N = len(model.pair)
    chosen = np.zeros(N, dtype=bool)
    if not N:
        return chosen
    cost = _column_reduced(model, reduced)
    best = model.cohort_minimum(reduced)
    excess = cost - best[model.cohort]
    # The width: what the typical cohort's few best columns span.
    order = np.lexsort((excess, model.cohort))
    first = np.searchsorted(model.cohort, np.arange(len(model.count)))
    rank = np.empty(N, dtype=np.int64)
    rank[order] = np.arange(N) - first[model.cohort[order]]
    seconds = excess[rank == 1]
    width = float(np.median(seconds)) if len(seconds) else 0.0
    return np.asarray((rank < PER_COHORT) & (excess <= width) | (rank == 0))


def _negative(model: Model, reduced: Floats, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Choose, of each cohort, the few columns that beat what the cohort pays now."""
    cost = _column_reduced(model, reduced)
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
    more[order[rank < 3]] = True
    return more


def rows_of(model: Model, columns: Ints) -> tuple[sparse.csr_array, Floats, Ints, Ints, Ints]:
    """Return the coupling rows A x + … ≤ b of some columns, and which resources they are.

    Order: capacities (finite ones that the columns touch), minus commitments, share caps. The
    outside total is one further variable, added by the callers as the last column of the rows.
    """
    R, D = model.capacity.shape
    amounts = sparse.coo_array(model.amounts[model.pair[columns]])
    resource, column, value = amounts.col, amounts.row, amounts.data
    day = model.day[columns][column]

    number = np.full((R, D), -1, dtype=np.int64)
    touched = np.zeros((R, D), dtype=bool)
    touched[resource, day] = True
    touched &= model.finite
    capacity_rows = np.flatnonzero(touched.ravel())
    number.ravel()[capacity_rows] = np.arange(len(capacity_rows))
    at = number[resource, day]
    rows, cols, vals = [at[at >= 0]], [column[at >= 0]], [value[at >= 0]]
    offset = len(capacity_rows)

    committed = np.flatnonzero((model.commitment > 0) & (model.shortfall_price > 0))
    place = np.full(R, -1, dtype=np.int64)
    place[committed] = np.arange(len(committed)) + offset
    mine = place[resource] >= 0
    rows.append(place[resource[mine]])
    cols.append(column[mine])
    vals.append(-value[mine])
    offset += len(committed)

    capped = np.flatnonzero(model.capped)
    place = np.full(R, -1, dtype=np.int64)
    place[capped] = np.arange(len(capped)) + offset
    mine = place[resource] >= 0
    rows.append(place[resource[mine]])
    cols.append(column[mine])
    vals.append(value[mine])
    shape = (offset + len(capped), len(columns))
    matrix = sparse.csr_array(
        (np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), shape=shape
    )
    right = np.concatenate(
        [
            model.capacity.ravel()[capacity_rows],
            -model.commitment[committed],
            model.allowance[capped],
        ]
    )
    return matrix, right, capacity_rows, committed, capped


def assemble(model: Model, columns: Ints) -> tuple[sparse.csr_array, sparse.csr_array, Floats]:
    """Return (A_ub, the row of the outside total as (1, n), b_ub) for columns + shortfalls + T.

    Variables: the columns, one shortfall per commitment, the total outside use T.
    """
    matrix, right, capacity_rows, committed, capped = rows_of(model, columns)
    n = matrix.shape[1]
    shortfall = sparse.csr_array(
        (
            np.full(len(committed), -1.0),
            (len(capacity_rows) + np.arange(len(committed)), np.arange(len(committed))),
        ),
        shape=(matrix.shape[0], len(committed)),
    )
    total = np.zeros(matrix.shape[0])
    if len(capped):
        total[-len(capped) :] = -model.share_cap[capped]
    upper = sparse.hstack([matrix, shortfall, sparse.csr_array(total[:, None])], format="csr")
    outside = np.concatenate(
        [model.outside_amount[model.pair[columns]], np.zeros(len(committed)), [-1.0]]
    )
    assert len(outside) == n + len(committed) + 1
    return upper, sparse.csr_array(outside[None, :]), right


def _restricted(model: Model, columns: Ints) -> tuple[Floats, Floats, Prices, float]:
    """Solve the LP over some columns; waiting is always among them."""
    K, _R, _D = model.shape
    _matrix, _right, capacity_rows, committed, capped = rows_of(model, columns)
    upper, outside, right = assemble(model, columns)
    n, extra = len(columns), len(committed) + 1
    live = np.flatnonzero(model.count > 0)
    place = np.full(K, -1, dtype=np.int64)
    place[live] = np.arange(len(live))
    cohort_rows = sparse.csr_array(
        (np.ones(n), (place[model.cohort[columns]], np.arange(n))), shape=(len(live), n)
    )
    # Cohorts as shares of their count: all equality rows read Σ share + waiting share = 1 · count.
    equal = sparse.vstack(
        [
            sparse.hstack(
                [
                    cohort_rows,
                    sparse.csr_array((len(live), extra)),
                    sparse.eye_array(len(live), format="csr"),
                ]
            ),
            sparse.hstack([outside, sparse.csr_array((1, len(live)))]),
        ],
        format="csr",
    )
    cost = np.concatenate(
        [
            model.column_cost[columns],
            model.shortfall_price[committed],
            [0.0],
            model.wait_cost[live],
        ]
    )
    upper = sparse.hstack([upper, sparse.csr_array((upper.shape[0], len(live)))], format="csr")
    found = linprog(
        cost,
        A_ub=upper if upper.shape[0] else None,
        b_ub=right if upper.shape[0] else None,
        A_eq=equal,
        b_eq=np.concatenate([model.count[live].astype(np.float64), [0.0]]),
        bounds=(0, None),
        method="highs",
    )
    if found.x is None:
        raise RuntimeError(f"the LP has no answer: {found.message}")
    x = np.zeros(len(model.pair))
    x[columns] = np.maximum(found.x[:n], 0.0)
    waiting = np.zeros(K)
    waiting[live] = np.maximum(found.x[n + extra :], 0.0)
    prices = model.zero_prices()
    if upper.shape[0]:
        duals = -found.ineqlin.marginals
        a, b = len(capacity_rows), len(capacity_rows) + len(committed)
        prices.capacity.ravel()[capacity_rows] = duals[:a]
        prices.commitment[committed] = duals[a:b]
        prices.share[capped] = duals[b:]
    return x, waiting, prices, float(found.fun)
