"""Mean run lengths (ARL) of the charts of `drift`, and limits for a wanted one.

A Bernoulli CUSUM is a Markov chain on 0 … limit − 1; its ARL solves (I − Q) L = 1 exactly. For
normal values the chain of Brook and Evans (Biometrika 59, 1972) cuts the line into cells; here its
integral equation is solved by Gauss–Legendre nodes instead, which is exact to many digits with
fewer of them (Goel and Wu, Technometrics 13, 1971; Crowder, Technometrics 29, 1987). Both sides of
a CUSUM join by 1/L = 1/L⁺ + 1/L⁻ (Kemp, JRSS B 23, 1961).
"""

from collections.abc import Callable
from math import ceil, sqrt

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from scipy.linalg import solve
from scipy.optimize import brentq
from scipy.sparse import csc_array
from scipy.sparse.linalg import spsolve
from scipy.special import ndtr

from quality.core.arguments import Floats, real, shares
from quality.core.drift import BernoulliCusum, Cusum, Ewma

MAX_LIMIT = 2**20


def of_wrongs(chart: BernoulliCusum, share: ArrayLike) -> Floats:
    """Return (P,) mean answers to an alarm at each true share of wrong answers; inf at 0."""
    p = np.atleast_1d(shares("share", share))
    at = np.arange(chart.limit)
    to_right, to_wrong = np.maximum(at - chart.down, 0), at + chart.up
    stays = to_wrong < chart.limit
    row = np.concatenate([at, at, at[stays]])
    col = np.concatenate([at, to_right, to_wrong[stays]])
    one, n = np.ones(chart.limit), len(at)
    result = np.full(len(p), np.inf)
    for i in np.flatnonzero(p > 0):
        value = np.concatenate([one, -one * (1.0 - p[i]), -one[stays] * p[i]])
        chain = csc_array((value, (row, col)), shape=(n, n))
        result[i] = np.atleast_1d(spsolve(chain, one))[0]
    return result


def limit_for_wrongs(up: int, down: int, *, share: float, wanted: float) -> BernoulliCusum:
    """Return the chart with the smallest limit whose run length at `share` is at least `wanted`."""
    p = float(shares("share", share))
    if not 1 <= wanted < np.inf:
        raise ValueError(f"wanted must be finite and at least 1, got {wanted}")
    if p == 0:
        raise ValueError("share must be above 0")

    def enough(limit: int) -> bool:
        return float(of_wrongs(BernoulliCusum(up, down, limit), p)[0]) >= wanted

    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
        if high > MAX_LIMIT:
            raise ValueError(f"wanted must be within reach of a limit of {MAX_LIMIT}")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return BernoulliCusum(up, down, high)


def of_cusum(chart: Cusum, shift: ArrayLike) -> Floats:
    """Return (M,) mean values to an alarm of either side; shift in deviations."""
    mu = np.atleast_1d(real("shift", shift))
    sides = np.array([[1.0 / _one_sided(chart, s * m) for s in (1.0, -1.0)] for m in mu])
    return np.asarray(1.0 / sides.reshape(len(mu), 2).sum(axis=1))


def _one_sided(chart: Cusum, mu: float) -> float:
    """Return L(0) of L(u) = 1 + L(0) Φ(k − u − μ) + ∫₀ʰ L(x) φ(x + k − u − μ) dx."""
    x, w = leggauss(max(32, ceil(12 * chart.limit)))
    x, w = chart.limit * (x + 1.0) / 2.0, w * chart.limit / 2.0
    start = np.concatenate([[0.0], x])
    offset = chart.slack - start - mu
    kernel = np.column_stack([ndtr(offset), w * _density(x + offset[:, None])])
    return float(solve(np.eye(len(start)) - kernel, np.ones(len(start)))[0])


def of_ewma(chart: Ewma, shift: ArrayLike) -> Floats:
    """Return (M,) mean values to an alarm, started at 0; shift in deviations."""
    mu = np.atleast_1d(real("shift", shift))
    h, lam = chart.limit, chart.weight
    x, w = leggauss(max(64, ceil(20 * h / lam)))
    x, w = h * x, h * w
    result = np.empty(len(mu))
    for i, m in enumerate(mu):
        kernel = w * _density((x - (1.0 - lam) * x[:, None]) / lam - m) / lam
        length = solve(np.eye(len(x)) - kernel, np.ones(len(x)))
        result[i] = 1.0 + (w * _density(x / lam - m) / lam) @ length
    return result


def limit_for_cusum(slack: float, wanted: float) -> Cusum:
    """Return the two-sided CUSUM whose run length without a shift is `wanted`."""
    _wanted_iv(wanted, float(of_cusum(Cusum(slack, 0.01), 0.0)[0]))

    def missed(limit: float) -> float:
        return float(np.log(of_cusum(Cusum(slack, limit), 0.0)[0] / wanted))

    return Cusum(slack, float(brentq(missed, 0.01, _above(missed, 8.0), xtol=1e-6)))


def limit_for_ewma(weight: float, wanted: float) -> Ewma:
    """Return the EWMA whose run length without a shift is `wanted`."""
    _wanted_iv(wanted, float(of_ewma(Ewma(weight, 0.01), 0.0)[0]))

    def missed(width: float) -> float:
        return float(np.log(of_ewma(Ewma(weight, width), 0.0)[0] / wanted))

    return Ewma(weight, float(brentq(missed, 0.01, _above(missed, 4.0), xtol=1e-6)))


def _above(missed: Callable[[float], float], start: float) -> float:
    high = start
    while missed(high) < 0:
        high *= 1.25
    return high


def _wanted_iv(wanted: float, least: float) -> None:
    if not least < wanted <= 1e6:
        raise ValueError(f"wanted must lie above {least:.3g} and at most at 1e6, got {wanted}")


def _density(x: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * x**2) / sqrt(2.0 * np.pi))
