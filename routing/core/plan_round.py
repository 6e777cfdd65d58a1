"""From the LP's plan to whole numbers: a small integer program over what is fractional.

A basic solution of the LP splits at most as many cohorts as rows bind; all others are whole and
stay. The split ones, with every column near to tight and the capacity the others leave, make a
small program that branch and bound settles to a stated share of the whole cost (HiGHS, under a
limit of nodes, never of time, so that equal input gives equal output). What tolerance broke is
then mended exactly by sending single tasks to wait.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from routing.core.plan_master import Master, assemble, rows_of
from routing.core.plan_model import Model

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE = 1e-7  # an LP value this near to a whole number is one
TOLERANCE = 1e-9  # a row may be over by this share of its right side
AIM = 0.8  # tasks' worth of cost: where branch and bound stops (a share 0.8 / tasks of the cost)
FINE = 2e-5  # the share of the cost below which it does not go on, however many the tasks
SMALL = 1_500  # columns up to which the whole problem is one integer program
NODES = 200


def whole_numbers(model: Model, master: Master) -> tuple[Ints, Ints]:
    """Return the plan per column (N,) and the waiting (K,) in whole numbers, all rows kept."""
    N = len(model.pair)
    if N <= SMALL:
        free = model.count > 0
        columns = np.arange(N)
        base = np.zeros(N, dtype=np.int64)
    else:
        nearest = np.rint(master.x)
        off = np.abs(master.x - nearest) > WHOLE
        free = np.zeros(len(model.count), dtype=bool)
        free[model.cohort[off]] = True
        free |= np.abs(master.waiting - np.rint(master.waiting)) > WHOLE
        base = nearest.astype(np.int64)
        base[free[model.cohort]] = 0
        columns = _near_columns(model, master, free)
    x = base
    if free.any() and len(columns):
        x = base + _integer_program(model, master, columns, free, base)
    waiting = model.count - np.bincount(model.cohort, x, minlength=len(model.count)).astype(
        np.int64
    )
    return _mend(model, x, waiting)


def _near_columns(model: Model, master: Master, free: NDArray[np.bool_]) -> Ints:
    """Choose the columns of the split cohorts that a near-best whole plan can use."""
    reduced = master.reduced[model.pair, model.day]
    best = model.cohort_minimum(master.reduced)
    excess = reduced - best[model.cohort]
    mine = np.flatnonzero(free[model.cohort])
    if not len(mine):
        return mine
    # A unit moved to a column costs its excess: within the aim times a few it may pay.
    order = mine[np.lexsort((excess[mine], model.cohort[mine]))]
    cohorts = model.cohort[order]
    starts = np.flatnonzero(np.r_[True, cohorts[1:] != cohorts[:-1]])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    keep = (rank < 8) | (master.x[order] > WHOLE)
    return np.sort(order[keep])


def _integer_program(
    model: Model, master: Master, columns: Ints, free: NDArray[np.bool_], base: Ints
) -> Ints:
    """Place the tasks of the free cohorts beside the plan `base` of the others."""
    _matrix, _right, capacity_rows, committed, capped = rows_of(model, columns)
    upper, outside, right = assemble(model, columns)
    used = model.usage(base)
    taken = np.concatenate(
        [used.ravel()[capacity_rows], -used.sum(axis=1)[committed], used.sum(axis=1)[capped]]
    )
    right = right - taken
    # Capacities that `base` fills to the last digit may look overdrawn by rounding.
    n_capacity = len(capacity_rows)
    right[:n_capacity] = np.maximum(right[:n_capacity], 0.0)
    outside_base = float(used[model.outside].sum())

    cohorts = np.flatnonzero(free)
    place = np.full(len(model.count), -1, dtype=np.int64)
    place[cohorts] = np.arange(len(cohorts))
    n, extra = len(columns), len(committed) + 1
    shares = sparse.hstack(
        [
            sparse.csr_array(
                (np.ones(n), (place[model.cohort[columns]], np.arange(n))),
                shape=(len(cohorts), n),
            ),
            sparse.csr_array((len(cohorts), extra)),
        ]
    )
    # Waiting is what the cohort's row leaves: its cost moves onto the columns.
    cost = np.concatenate(
        [
            model.column_cost[columns] - model.wait_cost[model.cohort[columns]],
            model.shortfall_price[committed],
            [0.0],
        ]
    )
    constraints = [LinearConstraint(shares, -np.inf, model.count[cohorts].astype(np.float64))]
    if upper.shape[0]:
        constraints.append(LinearConstraint(upper, -np.inf, right))
    constraints.append(LinearConstraint(outside, -outside_base, -outside_base))
    high = np.concatenate(
        [model.count[model.cohort[columns]].astype(np.float64), np.full(extra, np.inf)]
    )
    share = max(AIM / max(int(model.count.sum()), 1), FINE)
    aim = share * max(abs(master.value), 1e-300)
    lp_part = float(cost[:n] @ master.x[columns])
    found = milp(
        cost,
        constraints=constraints,
        integrality=np.concatenate([np.ones(n), np.zeros(extra)]),
        bounds=Bounds(0, high),
        options={
            "node_limit": NODES,
            "mip_rel_gap": 1e-10 if len(model.pair) <= SMALL else aim / max(abs(lp_part), aim),
        },
    )
    x = np.zeros(len(model.pair), dtype=np.int64)
    if found.x is not None:
        x[columns] = np.rint(found.x[:n]).astype(np.int64)
    else:
        # No plan within the nodes: what the LP has whole is a start, the mending does the rest.
        x[columns] = np.floor(master.x[columns] + WHOLE).astype(np.int64)
    return x


def _mend(model: Model, x: Ints, waiting: Ints) -> tuple[Ints, Ints]:
    """Send tasks to wait until every row holds exactly, then fill what is left over."""
    x, waiting = x.copy(), waiting.copy()
    _trim_cohorts(model, x, waiting)
    amounts = model.amounts.tocsc()
    for _round in range(10_000):
        use = model.usage(x)
        over = np.where(model.finite, use - model.capacity * (1 + TOLERANCE) - 1e-12, -np.inf)
        if over.size and over.max() > 0:
            row, days = divmod(int(np.argmax(over)), over.shape[1])
            excess = float(over[row, days])
        else:
            total = use.sum(axis=1)
            outside = float(total[model.outside].sum())
            room = model.share_cap * outside + model.allowance
            slack = np.where(model.capped, total - room * (1 + TOLERANCE) - 1e-12, -np.inf)
            if not slack.size or slack.max() <= 0:
                return x, waiting
            row = int(np.argmax(slack))
            days = -1
            excess = float(slack[row])
        _drop(model, amounts, x, waiting, row, days, excess)
    raise RuntimeError("the plan could not be mended")


def _trim_cohorts(model: Model, x: Ints, waiting: Ints) -> None:
    """Take back tasks that rounding placed twice."""
    for k in np.flatnonzero(waiting < 0):
        columns = np.flatnonzero((model.cohort == k) & (x > 0))
        for column in columns[np.argsort(-model.column_cost[columns], kind="stable")]:
            back = min(int(x[column]), int(-waiting[k]))
            x[column] -= back
            waiting[k] += back
            if waiting[k] >= 0:
                break


def _drop(
    model: Model, amounts: sparse.csc_array, x: Ints, waiting: Ints, r: int, day: int, excess: float
) -> None:
    """Send to wait the tasks that free row r (on a day, or −1 = all) at the least loss a unit."""
    column_amount = np.zeros(len(model.pair_cohort))
    part = slice(amounts.indptr[r], amounts.indptr[r + 1])
    column_amount[amounts.indices[part]] = amounts.data[part]
    takes = column_amount[model.pair]
    mine = np.flatnonzero((x > 0) & (takes > 0) & ((model.day == day) | (day < 0)))
    loss = (model.wait_cost[model.cohort[mine]] - model.column_cost[mine]) / takes[mine]
    column = int(mine[np.argmin(loss)])
    tasks = min(int(x[column]), max(1, int(np.ceil(excess / takes[column]))))
    x[column] -= tasks
    waiting[model.cohort[column]] += tasks
