"""Lower bounds of the generalised assignment problem, each recomputed from its multipliers.

    min Σ c[i,j] x[i,j]   s.t.  Σ_i x[i,j] = 1 (v[j]),  Σ_j w[i,j] x[i,j] ≤ b[i] (λ[i]),  x whole

Capacities relaxed: L(λ) = Σ_j min_i (c[i,j] + λ[i] w[i,j]) − λ·b, whose maximum is the value of the
linear program. Assignments relaxed: L(v) = Σ_j v[j] − Σ_i κ_i(v), with κ_i the best knapsack of
agent i over the profits v − c; never below L(λ) where v is the inner minimum of L(λ), and well
above it where an agent has few jobs (Fisher, Jaikumar and Van Wassenhove, A multiplier adjustment
method for the generalized assignment problem, Management Science 32(9), 1986,
doi:10.1287/mnsc.32.9.1095). Both hold for any multipliers, so no solver is trusted.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog, minimize

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

LINEAR = 20_000  # pairs up to which the multipliers come from a linear program
TEMPERATURES = (0.1, 0.02, 0.004, 0.001)  # of the smoothed dual, shares of the typical cost
STEPS = 60  # of L-BFGS at each temperature
CELLS = 4_000  # of an agent's knapsack whose loads are not whole or whose capacity is larger
ASCENT = 80  # steps of the knapsack ascent
WORK = 25_000_000  # cells that the ascent may fill: the bound gains little where there are more
PATIENCE = 5  # steps without a better bound before the step is shortened


def multipliers(cost: Floats, load: Floats, capacity: Floats) -> Floats:
    """Return λ ≥ 0, shape (m,), at or near to the maximum of L(λ); inf in cost = not allowed."""
    if np.isfinite(cost).sum() <= LINEAR:
        found = _linear(cost, load, capacity)
        if found is not None:
            return found
    return _smooth(cost, load, capacity)


def capacity_bound(cost: Floats, load: Floats, capacity: Floats, price: Floats) -> float:
    """Return L(λ) of the prices λ."""
    least = (cost + price[:, None] * load).min(axis=0)
    return float(least.sum() - price @ capacity)


def _linear(cost: Floats, load: Floats, capacity: Floats) -> Floats | None:
    m, n = cost.shape
    agent, job = np.nonzero(np.isfinite(cost))
    column = np.arange(len(agent))
    found = linprog(
        cost[agent, job],
        A_ub=sparse.csr_array((load[agent, job], (agent, column)), shape=(m, len(column))),
        b_ub=capacity,
        A_eq=sparse.csr_array((np.ones(len(column)), (job, column)), shape=(n, len(column))),
        b_eq=np.ones(n),
        method="highs-ds",
    )
    return np.maximum(-found.ineqlin.marginals, 0.0) if found.status == 0 else None


def _smooth(cost: Floats, load: Floats, capacity: Floats) -> Floats:
    """Ascend the dual with the minimum over agents made soft, the softness lowered in steps."""
    m, n = cost.shape
    least = cost.min(axis=0)
    excess = (cost - least)[np.isfinite(cost)]
    scale = float(excess.mean()) if excess.any() else max(float(np.abs(least).mean()), 1.0)
    mean = load.mean(axis=1)
    unit = np.where(mean > 0, scale / np.where(mean > 0, mean, 1.0), 0.0)

    def dual(z: Floats, temperature: float) -> tuple[float, Floats]:
        price = z * unit
        reduced = cost + price[:, None] * load
        best = reduced.min(axis=0)
        reduced -= best
        reduced /= -temperature
        weight = np.exp(reduced, out=reduced)
        total = weight.sum(axis=0)
        value = float((best - temperature * np.log(total)).sum() - price @ capacity)
        weight *= load
        gradient = (weight @ (1.0 / total) - capacity) * unit
        return -value / (n * scale), -gradient / (n * scale)

    z = np.zeros(m)
    # Where no plan fits, the dual has no maximum: prices end at a ceiling.
    ceiling = 1e3
    for temperature in TEMPERATURES:
        z = minimize(
            dual,
            z,
            args=(temperature * scale,),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0.0, ceiling)] * m,
            options={"maxiter": STEPS, "maxcor": 20},
        ).x
    return np.maximum(z, 0.0) * unit


def knapsack_bound(
    cost: Floats,
    load: Floats,
    capacity: Floats,
    start: Floats,
    aim: float,
    effort: float,
) -> float:
    """Raise L(v) from v = `start` (n,) by subgradient steps towards `aim`, a known cost.

    Loads are rounded down to cells of the agent's capacity, which can only lower the bound; whole
    loads under a capacity of at most `CELLS` are their own cells.
    """
    small = bool((load == np.floor(load)).all()) and float(capacity.max(initial=0.0)) <= CELLS
    if small:
        cells = np.floor(capacity).astype(np.int64)
        size = load.astype(np.int64)
    else:
        cells = np.full(len(capacity), CELLS)
        per_cell = capacity / CELLS
        held = per_cell > 0
        # The factor keeps a quotient's rounding from lifting a load into the next cell.
        share = np.divide(load * (1 - 1e-12), per_cell[:, None], where=held[:, None], out=load * 0)
        # An agent without capacity takes jobs without load only.
        share[~held] = np.where(load[~held] > 0, CELLS + 1.0, 0.0)
        size = np.floor(np.minimum(share, CELLS + 1.0)).astype(np.int64)
    v, best, best_v = start, -np.inf, start
    theta, stale, spent = 1.0, 0, 0
    for _ in range(max(1, round(ASCENT * effort))):
        value, x, filled = _knapsacks(v - cost, size, cells)
        spent += filled
        bound = float(v.sum() - value.sum())
        if bound > best + 1e-6 * abs(bound):
            best, best_v, stale = bound, v, 0
        else:
            stale += 1
            if stale >= PATIENCE:
                theta, stale, v = 0.6 * theta, 0, best_v
        best = max(best, bound)
        step = 1.0 - x.sum(axis=0)
        length = float(step @ step)
        if length == 0.0 or aim - best <= 1e-9 * max(1.0, abs(aim)) or spent > WORK * effort:
            break
        v = v + theta * (aim - bound) / length * step
    return best


def _knapsacks(profit: Floats, size: Ints, cells: Ints) -> tuple[Floats, Flags, int]:
    """Solve every agent's knapsack by dynamic programming over cells, all agents at once.

    Returns the values (m,), the choice (m, n) and the number of cells filled. Only jobs that gain
    something are looked at: at good multipliers two or three times as many as an agent can hold.
    """
    m = len(cells)
    good = (profit > 0) & (size <= cells[:, None])
    chosen = good & (size == 0)
    value = np.where(chosen, profit, 0.0).sum(axis=1)
    good &= ~chosen
    q = int(good.sum(axis=1).max(initial=0))
    order = np.argsort(~good, axis=1, kind="stable")[:, :q]
    gain = np.take_along_axis(np.where(good, profit, 0.0), order, axis=1)
    need = np.take_along_axis(np.where(good, size, 0), order, axis=1)
    # Cells before the first are never reachable, so a job that is too big for a cell loses there.
    pad = int(need.max(initial=0))
    width = pad + int(cells.max(initial=0)) + 1
    table = np.full((m, width), -np.inf)
    table[:, pad:] = 0.0
    flat, current = table.ravel(), table[:, pad:]
    at = np.arange(m)[:, None] * width + np.arange(pad, width)
    took = np.zeros((q, *current.shape), dtype=bool)
    for t in range(q):
        taken = flat.take(at - need[:, t, None]) + gain[:, t, None]
        np.greater(taken, current, out=took[t])
        np.maximum(current, taken, out=current)
    rows, left = np.arange(m), cells.copy()
    value += current[rows, left]
    for t in range(q - 1, -1, -1):
        yes = took[t, rows, left]
        chosen[rows[yes], order[yes, t]] = True
        left -= np.where(yes, need[:, t], 0)
    return value, chosen, q * current.size
