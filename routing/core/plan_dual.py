"""Good resource prices, fast: a smoothed Lagrangian dual, maximised by L-BFGS.

The minimum over a cohort's columns is replaced by a soft minimum of temperature τ, which makes the
dual smooth (Nesterov, Smooth minimization of non-smooth functions, Math. Programming 103, 2005,
doi:10.1007/s10107-004-0552-5); τ is lowered in steps. Several days are started from the prices of
the horizon taken as one day. What comes out only starts the restricted LP, so it needs no
certificate of its own.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from routing.core.plan_model import Model, Prices

Floats = NDArray[np.float64]

# Temperatures as shares of the typical cost of a task, and iterations at each.
TEMPERATURES = ((0.03, 30), (0.006, 40), (0.0015, 60))
# Large problems are worth one more: each linear program that it saves costs more than this does.
COLD = (0.0004, 80)
LARGE = 100_000  # columns


def ascend(model: Model) -> Prices:
    """Return prices near to the maximum of the Lagrangian dual."""
    prices = model.zero_prices()
    if not len(model.pair_cohort) or not _has_rows(model):
        return prices
    scale = _typical_cost(model)
    if scale <= 0:
        return prices
    dual = _Smooth(model, scale)
    if dual.size == 0:
        return prices
    start = np.zeros(dual.size)
    large = len(model.pair) > LARGE
    for temperature, iterations in (*TEMPERATURES, COLD) if large else TEMPERATURES:
        found = minimize(
            dual,
            start,
            args=(temperature * scale,),
            jac=True,
            method="L-BFGS-B",
            bounds=dual.bounds,
            options={"maxiter": iterations, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-9},
        )
        start = found.x
    return dual.prices(start)


def _has_rows(model: Model) -> bool:
    return bool(model.finite.any() or model.commitment.any() or model.capped.any())


def _typical_cost(model: Model) -> float:
    """Return the mean least cost of a task: the scale of prices and temperatures."""
    reduced = model.reduced_costs(model.zero_prices())
    best = model.cohort_minimum(reduced)
    total = float(model.count.sum())
    spread = float(model.count @ np.abs(model.wait_cost - best)) / max(total, 1.0)
    return max(float(model.count @ np.abs(best)) / max(total, 1.0), 0.05 * spread)


class _Smooth:
    """The smoothed dual as a function of scaled prices: price = z · scale / typical amount."""

    def __init__(self, model: Model, scale: float) -> None:
        self.model = model
        R, _D = model.capacity.shape
        # One typical amount per resource brings all prices to the size of one.
        amounts = model.amounts.tocsc()
        mean = np.array(
            [
                amounts.data[amounts.indptr[r] : amounts.indptr[r + 1]].mean()
                if amounts.indptr[r + 1] > amounts.indptr[r]
                else 0.0
                for r in range(R)
            ]
        )
        self.unit = np.where(mean > 0, scale / np.where(mean > 0, mean, 1.0), 0.0)
        self.capacity_at = np.flatnonzero((model.finite & (mean > 0)[:, None]).ravel())
        self.commitment_at = np.flatnonzero(
            (model.commitment > 0) & (model.shortfall_price > 0) & (mean > 0)
        )
        self.share_at = np.flatnonzero(model.capped & (mean > 0))
        self.size = len(self.capacity_at) + len(self.commitment_at) + len(self.share_at)
        self.bounds = (
            [(0.0, None)] * len(self.capacity_at)
            + [(0.0, model.shortfall_price[r] / self.unit[r]) for r in self.commitment_at]
            + [(0.0, None)] * len(self.share_at)
        )
        self.norm = scale * max(float(model.count.sum()), 1.0)
        some = model.first_pair[1:] > model.first_pair[:-1]
        self.cohorts = np.flatnonzero(some)
        self.starts = model.first_pair[:-1][some]
        self.lengths = np.diff(model.first_pair)[some]
        self.transposed = model.amounts.T.tocsr()

    def prices(self, z: Floats) -> Prices:
        """Return the prices of a scaled vector."""
        zero = self.model.zero_prices()
        R, D = self.model.capacity.shape
        a, b = len(self.capacity_at), len(self.capacity_at) + len(self.commitment_at)
        capacity = zero.capacity.ravel()
        capacity[self.capacity_at] = z[:a] * self.unit[self.capacity_at // D]
        zero.commitment[self.commitment_at] = z[a:b] * self.unit[self.commitment_at]
        zero.share[self.share_at] = z[b:] * self.unit[self.share_at]
        return replace(zero, capacity=capacity.reshape(R, D))

    def __call__(self, z: Floats, temperature: float) -> tuple[float, Floats]:
        """Return minus the smoothed dual and its gradient, both over `norm`."""
        model = self.model
        _R, D = model.capacity.shape
        prices = self.prices(z)
        reduced = model.reduced_costs(prices)
        best = model.cohort_minimum(reduced)
        # exp of differences to the best: at most 1, so nothing overflows.
        weight = reduced
        weight -= np.repeat(best[self.cohorts], self.lengths)[:, None]
        weight /= -temperature
        np.exp(weight, out=weight)
        wait = np.exp(-(model.wait_cost - best) / temperature)
        total = wait.copy()
        total[self.cohorts] += np.add.reduceat(weight.sum(axis=1), self.starts)
        value = float(model.count @ (best - temperature * np.log(total)))
        flow = weight
        share = np.zeros_like(total)
        np.divide(model.count, total, out=share, where=total > 0)
        flow *= np.repeat(share[self.cohorts], self.lengths)[:, None]
        use = np.asarray(self.transposed @ flow)
        over = use.sum(axis=1)
        outside = float(over[model.outside].sum())

        capacity = np.where(model.finite, model.capacity, 0.0)
        value -= float((prices.capacity * capacity).sum())
        value += float(prices.commitment @ model.commitment)
        value -= float(prices.share @ model.allowance)
        by_capacity = (use - capacity).ravel()[self.capacity_at]
        by_commitment = (model.commitment - over)[self.commitment_at]
        by_share = (over - model.share_cap * outside - model.allowance)[self.share_at]
        gradient = np.concatenate(
            [
                by_capacity * self.unit[self.capacity_at // D],
                by_commitment * self.unit[self.commitment_at],
                by_share * self.unit[self.share_at],
            ]
        )
        return -value / self.norm, -gradient / self.norm
