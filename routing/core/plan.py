"""Where each cohort's tasks go, on which day, at least expected cost, with a proven lower bound.

Model, in the words of the module: cohort k has `count[k]` tasks alike; arrangement a takes one of
them on day d at cost[k, a] + delay; what is not placed waits at `wait_cost[k]`.

    min   Σ (cost[k,a] + day_cost[k,d]) x[k,a,d] + Σ wait_cost[k] w[k] + Σ shortfall_price[r] s[r]
    s.t.  Σ_{a,d} x[k,a,d] + w[k] = count[k]
          Σ_{k,a} amount[r,k,a] x[k,a,d] ≤ capacity[r,d]
          Σ_{k,a,d} amount[r,k,a] x[k,a,d] + s[r] ≥ commitment[r]
          use_r + used_r ≤ share_cap_r Σ_o (use_o + used_o) + largest_r     (outside rows)
          x = 0 where day ≥ due or cost is infinite;  x, w, s ≥ 0;  x, w whole

Steps: a smoothed Lagrangian dual over the resource prices by Newton's method (`plan_dual`), a
restricted LP over the columns near to tight with the others priced in until the bound closes
(`plan_master`), whole numbers by moving single tasks (`plan_round`, `plan_polish`). The bound is
the Lagrangian value recomputed from the prices (Geoffrion, Lagrangean relaxation for integer
programming, Math. Programming Study 2, 1974): it holds for any prices, so no solver is trusted.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from routing.core.plan_dual import ascend
from routing.core.plan_master import close
from routing.core.plan_model import Model, build
from routing.core.plan_round import whole_numbers
from routing.core.plan_rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OPTIMAL_GAP = 1e-9


@dataclass(frozen=True, kw_only=True)
class PlanProblem:
    """One planning problem; see the module docstring for the model.

    Parameters
    ----------
    count : (K,) int, tasks of each cohort, ≥ 0
    cost : (K, A) float, money per task; inf = not allowed
    hours : (K, A) float ≥ 0, hours of one task
    use : (R, A) float ≥ 0, units of resource r per hour of arrangement a
    capacity : (R, D) float ≥ 0, inf allowed
    due : (K,) int days in 1..D: placed on days 0..due-1 only
    delay_cost : (K,) float, money per task and day index
    wait_cost : (K,) float, finite: money per task that is not placed
    commitment, shortfall_price : (R,) float ≥ 0, units promised over the horizon, money per unit
        that is missing
    outside : (R,) bool, resources under share caps; they share one unit
    share_cap : float or (R,) float in [0, 1] (1 = none)
    amount : {r: (K, A) array or scipy.sparse}, units per task that replace use·hours on row r
    used : (R,) float ≥ 0, already used in the contract's window; counts in the share caps only.
        A cap that `used` exceeds already is held where it stands: the row may not grow beyond it.
    day_cost : (K, D) float, replaces delay_cost · day
    """

    count: ArrayLike
    cost: ArrayLike
    hours: ArrayLike
    use: ArrayLike
    capacity: ArrayLike
    due: ArrayLike
    delay_cost: ArrayLike
    wait_cost: ArrayLike
    commitment: ArrayLike
    shortfall_price: ArrayLike
    outside: ArrayLike
    share_cap: ArrayLike = 1.0
    amount: Mapping[int, Any] = field(default_factory=dict)
    used: ArrayLike | None = None
    day_cost: ArrayLike | None = None


@dataclass(frozen=True)
class PlanResult:
    """A plan in whole numbers with its bound.

    `cohort, arrangement, day, tasks` are of equal length: so many tasks (> 0) of that cohort by
    that arrangement on that day. `prices` (R, D) are money per unit of a resource on a day, ≥ 0;
    `commitment_prices` and `share_prices` (R,) ≥ 0 what a unit less of a commitment, and a unit
    more under a share cap, is worth.
    `status` is ``optimal`` (gap ≤ 1e-9) or ``feasible``; `gap` = (cost − lower_bound) / |cost|,
    0 when cost is 0. `seconds` by step.
    """

    status: str
    success: bool
    message: str
    cohort: Ints
    arrangement: Ints
    day: Ints
    tasks: Ints
    waiting: Ints
    cost: float
    lower_bound: float
    gap: float
    prices: Floats
    commitment_prices: Floats
    share_prices: Floats
    seconds: dict[str, float]


def solve(problem: PlanProblem) -> PlanResult:
    """Solve a planning problem; equal input gives equal output.

    Raises
    ------
    ValueError
        If a field has the wrong shape or holds NaN, a negative count, an infinite wait_cost or a
        value out of its range; the text names the field.
    """
    started = time.perf_counter()
    model = build(_plan_iv(problem))
    built = time.perf_counter()
    rows = Rows(model)
    prices = ascend(model, rows)
    ascended = time.perf_counter()
    master = close(model, rows, prices)
    closed = time.perf_counter()
    x, waiting = whole_numbers(model, rows, master)
    cost = model.objective(x, waiting)
    rounded = time.perf_counter()

    bound = min(master.bound, cost)
    gap = 0.0 if cost == 0 else (cost - bound) / abs(cost)
    chosen = np.flatnonzero(x)
    optimal = gap <= OPTIMAL_GAP
    return PlanResult(
        status="optimal" if optimal else "feasible",
        success=True,
        message=(
            "The plan is proven optimal."
            if optimal
            else f"The plan costs at most {gap:.2e} of its cost more than the best one."
        ),
        cohort=model.cohort[chosen],
        arrangement=model.arrangement[chosen],
        day=model.day[chosen],
        tasks=x[chosen],
        waiting=waiting,
        cost=cost,
        lower_bound=bound,
        gap=gap,
        prices=master.prices.capacity.copy(),
        commitment_prices=master.prices.commitment.copy(),
        share_prices=master.prices.share.copy(),
        seconds={
            "build": built - started,
            "dual": ascended - built,
            "lp": closed - ascended,
            "whole": rounded - closed,
        },
    )


def _plan_iv(problem: PlanProblem) -> dict[str, Any]:
    """Check every field once, at the door, and return plain arrays."""
    cost = _floats("cost", problem.cost, 2, infinite=True)
    K, A = cost.shape
    if np.any(np.isneginf(cost)):
        raise ValueError("cost must not be -inf")
    capacity = _floats("capacity", problem.capacity, 2, infinite=True, low=0.0)
    R, D = capacity.shape
    count = _whole("count", problem.count, (K,), 0)
    due = _whole("due", problem.due, (K,), 1, D) if K else np.zeros(0, np.int64)
    hours = _floats("hours", problem.hours, 2, shape=(K, A), low=0.0)
    use = _floats("use", problem.use, 2, shape=(R, A), low=0.0)
    delay_cost = _floats("delay_cost", problem.delay_cost, 1, shape=(K,))
    if problem.day_cost is None:
        day_cost = delay_cost[:, None] * np.arange(D)[None, :]
    else:
        day_cost = _floats("day_cost", problem.day_cost, 2, shape=(K, D))
    wait_cost = _floats("wait_cost", problem.wait_cost, 1, shape=(K,))
    commitment = _floats("commitment", problem.commitment, 1, shape=(R,), low=0.0)
    shortfall_price = _floats("shortfall_price", problem.shortfall_price, 1, shape=(R,), low=0.0)
    outside = np.asarray(problem.outside)
    if outside.shape != (R,) or outside.dtype.kind not in "bui":
        raise ValueError(f"outside must be booleans of shape {(R,)}, got {outside.shape}")
    share_cap = np.asarray(problem.share_cap, dtype=np.float64)
    if share_cap.ndim == 0:
        share_cap = np.full(R, float(share_cap))
    share_cap = _floats("share_cap", share_cap, 1, shape=(R,), low=0.0)
    if np.any(share_cap > 1):
        raise ValueError("share_cap must be at most 1")
    used = (
        np.zeros(R)
        if problem.used is None
        else _floats("used", problem.used, 1, shape=(R,), low=0.0)
    )
    amount = {}
    for row, values in problem.amount.items():
        if not 0 <= int(row) < R:
            raise ValueError(f"amount names row {row}, there are {R} resources")
        if sparse.issparse(values):
            part = sparse.coo_array(values)
            if part.shape != (K, A):
                raise ValueError(f"amount[{row}] must have shape {(K, A)}, got {part.shape}")
            _floats(f"amount[{row}]", part.data, 1, low=0.0)
            amount[int(row)] = part
        else:
            amount[int(row)] = _floats(f"amount[{row}]", values, 2, shape=(K, A), low=0.0)
    return {
        "count": count,
        "cost": cost,
        "hours": hours,
        "use": use,
        "capacity": capacity,
        "due": due,
        "day_cost": day_cost,
        "wait_cost": wait_cost,
        "commitment": commitment,
        "shortfall_price": shortfall_price,
        "outside": outside.astype(bool),
        "share_cap": share_cap,
        "amount": amount,
        "used": used,
    }


def _floats(
    name: str,
    values: ArrayLike,
    ndim: int,
    *,
    shape: tuple[int, ...] | None = None,
    infinite: bool = False,
    low: float | None = None,
) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers: {error}") from error
    if array.ndim != ndim or (shape is not None and array.shape != shape):
        raise ValueError(f"{name} must have shape {shape or f'of {ndim} axes'}, got {array.shape}")
    if np.any(np.isnan(array)):
        raise ValueError(f"{name} holds NaN")
    if not infinite and np.any(np.isinf(array)):
        raise ValueError(f"{name} must be finite")
    if low is not None and np.any(array < low):
        raise ValueError(f"{name} must not be below {low:g}")
    return array


def _whole(
    name: str, values: ArrayLike, shape: tuple[int, ...], low: int, high: int | None = None
) -> Ints:
    array = np.asarray(values)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    numbers = _floats(name, array, len(shape))
    if np.any(numbers != np.floor(numbers)):
        raise ValueError(f"{name} must hold whole numbers")
    if np.any(numbers < low) or (high is not None and np.any(numbers > high)):
        raise ValueError(f"{name} must be from {low} to {high if high is not None else 'inf'}")
    return numbers.astype(np.int64)


__all__ = ["Model", "PlanProblem", "PlanResult", "solve"]
