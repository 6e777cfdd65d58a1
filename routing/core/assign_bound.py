"""Lower bounds of the generalised assignment problem, each recomputed from its multipliers.

    min Σ c[i,j] x[i,j]   s.t.  Σ_i x[i,j] = 1 (v[j]),  Σ_j w[i,j] x[i,j] ≤ b[i] (λ[i]),  x whole

Capacities relaxed: L(λ) = Σ_j min_i (c[i,j] + λ[i] w[i,j]) − λ·b, whose maximum is the value of the
linear program. Assignments relaxed: L(v) = Σ_j v[j] − Σ_i κ_i(v), with κ_i the best knapsack of
agent i over the profits v − c; never below L(λ) where v is the inner minimum of L(λ), and well
above it where an agent has few jobs (Fisher, Jaikumar and Van Wassenhove, A multiplier adjustment
method for the generalized assignment problem, Management Science 32(9), 1986,
doi:10.1287/mnsc.32.9.1095). Both hold for any multipliers, so no solver is trusted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog, minimize

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

PAIRS = 20_000  # up to which the linear program has every pair
NEAREST = 5  # pairs of a job, beside its best, in the first linear program of a large instance
PRICINGS = 4
TEMPERATURES = (0.1, 0.02, 0.004)  # of the smoothed dual, shares of the typical cost
STEPS = 40  # of L-BFGS at each temperature
WHOLE = 4_000  # capacity up to which whole loads are taken as they are
COARSE, FINE = 1_000, 20_000  # cells of a capacity where loads are not whole
ASCENT = 80  # steps of the knapsack ascent
WORK = 60_000_000  # cells that the ascent may fill
PERIOD, LEAST_GAIN = 30, 0.02  # steps that must close such a share of the gap, else it ends
PATIENCE = 5  # steps without a better bound before the step is shortened


@dataclass(frozen=True)
class Relaxation:
    """Capacity prices λ (m,), the plan (n,) that a linear program rounds to, and its overload."""

    price: Floats
    plan: Ints
    overload: float


def relax(cost: Floats, load: Floats, capacity: Floats) -> Relaxation:
    """Solve the linear program; inf in cost = not allowed, every job has an agent allowed.

    Large instances start from the pairs near to tight at the smoothed dual's prices, and add those
    that the prices found show to be cheaper.
    """
    allowed = np.isfinite(cost)
    if allowed.sum() <= PAIRS:
        return _linear(cost, load, capacity, allowed)
    price = _smooth(cost, load, capacity)
    reduced = cost + price[:, None] * load
    k = min(NEAREST, len(cost) - 1)
    pairs = allowed & (reduced <= np.partition(reduced, k, axis=0)[k])
    for _ in range(PRICINGS):
        found = _linear(cost, load, capacity, pairs)
        reduced = cost + found.price[:, None] * load
        least = np.where(pairs, reduced, np.inf).min(axis=0)
        cheaper = allowed & (reduced < least - 1e-9 * np.maximum(1.0, np.abs(least)))
        if not cheaper.any():
            break
        pairs |= cheaper
    return found


def capacity_bound(cost: Floats, load: Floats, capacity: Floats, price: Floats) -> float:
    """Return L(λ) of the prices λ."""
    least = (cost + price[:, None] * load).min(axis=0)
    return float(least.sum() - price @ capacity)


def _linear(cost: Floats, load: Floats, capacity: Floats, pairs: Flags) -> Relaxation:
    """Solve over some pairs; capacity may be exceeded at a price no plan would pay."""
    m, n = cost.shape
    agent, job = np.nonzero(pairs)
    column = np.arange(len(agent))
    price = cost[agent, job]
    usual = float(load[agent, job].mean()) or 1.0
    dear = np.full(m, 100.0 * (float(np.ptp(price)) + 1e-6 * float(np.abs(price).max()) + 1e-6))
    use = sparse.csr_array((load[agent, job], (agent, column)), shape=(m, len(column)))
    once = sparse.csr_array((np.ones(len(column)), (job, column)), shape=(n, len(column)))
    found = linprog(
        np.append(price, dear / usual),
        A_ub=sparse.hstack([use, -sparse.eye_array(m)], format="csr"),
        b_ub=capacity,
        A_eq=sparse.hstack([once, sparse.csr_array((n, m))], format="csr"),
        b_eq=np.ones(n),
        # Interior point with crossover: at 200 × 5,000 a fifth of the time of the simplex.
        method="highs-ds" if len(agent) <= PAIRS else "highs-ipm",
    )
    if found.x is None:
        # Numbers that the solver cannot handle: prices of 0 bound and search as well.
        return Relaxation(np.zeros(m), cost.argmin(axis=0), 0.0)
    share = np.zeros((m, n))
    share[agent, job] = found.x[: len(column)]
    plan = np.where(pairs, share, -1.0).argmax(axis=0)
    multiplier = np.maximum(-found.ineqlin.marginals, 0.0)
    return Relaxation(multiplier, plan, float(found.x[len(column) :].sum()))


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

    Whole loads under a capacity of at most `WHOLE` are their own cells. Others are rounded: to the
    nearest of `COARSE` cells on the way, which no bound could do, and for the bound at the end
    down to `FINE` cells, which can only lower it.
    """
    whole = bool((load == np.floor(load)).all()) and float(capacity.max(initial=0.0)) <= WHOLE
    if whole:
        cells, size = np.floor(capacity).astype(np.int64), load.astype(np.int64)
    else:
        cells = np.full(len(capacity), COARSE)
        size = np.rint(_shares(load, capacity, COARSE)).astype(np.int64)
    v, best, best_v = start, -np.inf, start
    theta, stale, spent, filled = 1.0, 0, 0, 0
    before = -np.inf
    for turn in range(max(1, round(ASCENT * effort))):
        if turn % PERIOD == 0:
            if turn and best - before < LEAST_GAIN * (aim - before):
                break
            before = best
        if spent > WORK * effort:
            break
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
        if length == 0.0 or aim - best <= 1e-9 * max(1.0, abs(aim)):
            break
        v = v + theta * (aim - bound) / length * step
    if whole or best == -np.inf:
        return best
    fine = int(np.clip(COARSE * WORK // 3 // max(1, filled), COARSE, FINE))
    # The factor keeps a quotient's rounding from lifting a load into the next cell.
    size = np.floor(_shares(load, capacity, fine) * (1 - 1e-12)).astype(np.int64)
    value, _x, _filled = _knapsacks(best_v - cost, size, np.full(len(capacity), fine))
    return float(best_v.sum() - value.sum())


def _shares(load: Floats, capacity: Floats, cells: int) -> Floats:
    """Return loads in cells of the agent's capacity; beyond it, cells + 1."""
    held = capacity > 0
    share = np.where(load > 0, cells + 1.0, 0.0)
    share[held] = load[held] / capacity[held, None] * cells
    return np.minimum(share, cells + 1.0)


def _knapsacks(profit: Floats, size: Ints, cells: Ints) -> tuple[Floats, Flags, int]:
    """Solve every agent's knapsack by dynamic programming over cells, all agents at once.

    Returns the values (m,), the choice (m, n) and the number of cells filled.
    """
    m = len(cells)
    chosen, good = _settled(profit, size, cells)
    value = np.where(chosen, profit, 0.0).sum(axis=1)
    cells = cells - np.where(chosen, size, 0).sum(axis=1)
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


def _settled(profit: Floats, size: Ints, cells: Ints) -> tuple[Flags, Flags]:
    """Tell which jobs (m, n) are in every best knapsack, and which are left to decide.

    Filled in the order of profit per size up to the first job that does not fit (Dantzig), a
    knapsack has an upper bound; a job that would push it below a known filling by its presence or
    its absence is settled.
    """
    good = (profit > 0) & (size <= cells[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.where(good, profit / size, -1.0)
    order = np.argsort(-density, axis=1, kind="stable")
    filled = np.cumsum(np.take_along_axis(np.where(good, size, 0), order, axis=1), axis=1)
    prefix = np.zeros_like(good)
    np.put_along_axis(prefix, order, filled <= cells[:, None], axis=1)
    prefix &= good
    left = cells - np.where(prefix, size, 0).sum(axis=1)
    rest = good & ~prefix
    price = np.where(rest, density, 0.0).max(axis=1, initial=0.0)
    one_more = np.where(rest & (size <= left[:, None]), profit, 0.0).max(axis=1, initial=0.0)
    apart = (price * left - one_more)[:, None] + 1e-9 * (1.0 + profit.max(initial=0.0))
    score = profit - price[:, None] * size
    chosen = prefix & (score > apart)
    return chosen, (prefix & ~chosen) | (rest & (score >= -apart))
