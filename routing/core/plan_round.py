"""Whole numbers: exactly where the problem is small, by moves where it is large, rows kept always.

A small problem is one integer program (HiGHS, under a limit of nodes, never of time, so that equal
input gives equal output). A large one is rounded from the LP and improved by `plan_polish`. What
tolerance broke is then mended exactly by sending single tasks to wait.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from routing.core.plan_master import Master, program
from routing.core.plan_model import SMALL, Model
from routing.core.plan_polish import rounded
from routing.core.plan_rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 1e-9  # a row may be over by this share of its right side
NODES = 200


def whole_numbers(model: Model, rows: Rows, master: Master) -> tuple[Ints, Ints]:
    """Return the plan per column (N,) and the waiting (K,) in whole numbers, all rows kept."""
    if not len(model.pair):
        return np.zeros(0, dtype=np.int64), model.count.copy()
    plans = [rounded(model, rows, master)]
    if len(model.pair) <= SMALL:
        exact = _integer_program(model, rows)
        plans += [exact] if exact is not None else []
    kept = []
    for x in plans:
        placed = np.bincount(model.cohort, x, minlength=len(model.count)).astype(np.int64)
        kept.append(_mend(model, x, model.count - placed))
    return min(kept, key=lambda plan: model.objective(*plan))


def _integer_program(model: Model, rows: Rows) -> Ints | None:
    """Solve the whole problem by branch and bound; None if the nodes bring no plan."""
    columns = np.arange(len(model.pair))
    whole = program(model, rows, columns)
    high = np.full(len(whole.cost), np.inf)
    high[: len(columns)] = model.count[model.cohort]
    found = milp(
        whole.cost,
        constraints=[LinearConstraint(whole.upper, -np.inf, whole.right)],
        integrality=(np.arange(len(whole.cost)) < len(columns)).astype(int),
        bounds=Bounds(0, high),
        options={"node_limit": NODES, "mip_rel_gap": 1e-10},
    )
    if found.x is None:
        return None
    return np.asarray(np.rint(found.x[: len(columns)]), dtype=np.int64)


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
