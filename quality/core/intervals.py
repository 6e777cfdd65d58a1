"""Intervals of a share from counts, and how many units an interval of a given width takes.

Wilson (JASA 22, 1927): the shares that a score test does not reject; for pages and scorecards.
Clopper and Pearson (Biometrika 26, 1934): holds at least `level` whatever the share; for audits.
Jeffreys: quantiles of Beta(x + ½, n − x + ½), uncut at 0 and n (Brown, Cai and DasGupta,
Statistical Science 16, 2001, compares the three). A beta prior of one's pool takes Jeffreys' place
where the pool is known (`posterior`).

Everything broadcasts. No evidence (n = 0) gives [0, 1], not an error.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv, ndtri

from quality.core.arguments import Floats, Ints, inside, real, shares, whole

LEVEL = 0.95


def wilson(hits: ArrayLike, n: ArrayLike, *, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return (lower, upper) of the share behind `hits` of `n`, any broadcastable shapes.

    Raises
    ------
    ValueError
        If counts are no whole numbers with 0 ≤ hits ≤ n, or level is not in (0, 1).
    """
    x, m, tail = _counts_iv(hits, n, level)
    z2 = ndtri(1.0 - tail) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (x + z2 / 2.0) / (m + z2)
        half = np.sqrt(z2 * (x * (m - x) / m + z2 / 4.0)) / (m + z2)
    # At the ends the formula gives 0 and 1 up to rounding; say them exactly.
    lower = np.where(x == 0, 0.0, middle - half)
    upper = np.where(x == m, 1.0, middle + half)
    return lower, upper


def clopper_pearson(
    hits: ArrayLike, n: ArrayLike, *, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Return (lower, upper), exact and conservative (see `wilson` for arguments and errors)."""
    x, m, tail = _counts_iv(hits, n, level)
    lower = np.where(x > 0, betaincinv(np.maximum(x, 1), m - x + 1, tail), 0.0)
    upper = np.where(x < m, betaincinv(x + 1, np.maximum(m - x, 1), 1.0 - tail), 1.0)
    return lower, upper


def jeffreys(hits: ArrayLike, n: ArrayLike, *, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return (lower, upper), equal tails (see `wilson` for arguments and errors)."""
    x, m, tail = _counts_iv(hits, n, level)
    none = m == 0
    lower = np.where(none, 0.0, betaincinv(x + 0.5, m - x + 0.5, tail))
    upper = np.where(none, 1.0, betaincinv(x + 0.5, m - x + 0.5, 1.0 - tail))
    return lower, upper


@dataclass(frozen=True)
class Posterior:
    """Beta(a, b) of a share, any shape, after the counts were seen."""

    a: Floats
    b: Floats

    @property
    def mean(self) -> Floats:
        """Return the mean, in (0, 1)."""
        return self.a / (self.a + self.b)

    def interval(self, level: float = LEVEL) -> tuple[Floats, Floats]:
        """Return (lower, upper) with equal tails."""
        tail = (1.0 - inside("level", level)) / 2.0
        return betaincinv(self.a, self.b, tail), betaincinv(self.a, self.b, 1.0 - tail)

    def at_least(self, target: ArrayLike) -> Floats:
        """Return the chance that the share is at least the target, in [0, 1]."""
        return np.asarray(1.0 - betainc(self.a, self.b, shares("target", target)))


def posterior(
    hits: ArrayLike, n: ArrayLike, *, mean: ArrayLike = 0.5, strength: ArrayLike = 2.0
) -> Posterior:
    """Return the posterior of a share under a beta prior.

    mean : in (0, 1), of the prior; strength : > 0, as how many units the prior counts
    (defaults: every share is as likely as any other)
    """
    x, m, _tail = _counts_iv(hits, n, LEVEL)
    at, weight = real("mean", mean), real("strength", strength)
    if ((at <= 0) | (at >= 1)).any():
        raise ValueError(f"mean must lie between 0 and 1, got {at.min()} to {at.max()}")
    if (weight <= 0).any():
        raise ValueError(f"strength must be positive, got {weight.min()}")
    return Posterior(at * weight + x, (1.0 - at) * weight + (m - x))


def units_for(share: ArrayLike, half_width: ArrayLike, *, level: float = LEVEL) -> Ints:
    """Return how many units make the normal interval around `share` no wider than ± half_width.

    share : in (0, 1), the one expected; half_width : in (0, 1)
    """
    p, d = shares("share", share), shares("half_width", half_width)
    if ((p == 0) | (p == 1)).any():
        raise ValueError("share must lie between 0 and 1")
    if (d == 0).any():
        raise ValueError("half_width must be positive")
    z = ndtri((1.0 + inside("level", level)) / 2.0)
    # A tiny part is taken off so that a whole result is not raised by rounding.
    return np.asarray(np.ceil(z**2 * p * (1.0 - p) / d**2 - 1e-9), dtype=np.int64)


def _counts_iv(hits: ArrayLike, n: ArrayLike, level: float) -> tuple[Ints, Ints, float]:
    x, m = whole("hits", hits), whole("n", n)
    if (x > m).any():
        raise ValueError("hits must not exceed n")
    return x, m, (1.0 - inside("level", level)) / 2.0
