"""Compare vendors like for like: everyone on one mix of work.

A vendor that gets the hard work looks worse than one that gets the easy work even where it is
better at both. Direct standardisation weighs each stratum's rate by a common mix, θ = Σ w_k p_k
(Keiding and Clayton, Statistical Science 29, 2014). Its interval joins the strata's Wilson
intervals (the variance recovery of Zou and Donner, Statistics in Medicine 27, 2008), so that ten
of ten right is not taken for certainty.

Strata must not be outcomes: difficulty measured by disagreement after the fact is circular.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.core.arguments import Floats, Ints, real, whole
from quality.core.intervals import LEVEL, wilson


@dataclass(frozen=True)
class Standardised:
    """Rates of V vendors on one mix of K strata.

    value, standard_error : (V,); lower, upper : (V,) interval; crude : (V,) hits / n
    strata : (K,) bool, those the comparison is over: where every vendor has data
    covered : share of the mix that these strata are, in [0, 1]
    weight : (K,) mix used, 0 outside the strata, summing to 1
    NaN throughout where no stratum is common to all
    """

    value: Floats
    standard_error: Floats
    lower: Floats
    upper: Floats
    crude: Floats
    strata: NDArray[np.bool_]
    covered: float
    weight: Floats


def standardise(
    hits: ArrayLike, n: ArrayLike, *, mix: ArrayLike | None = None, level: float = LEVEL
) -> Standardised:
    """Return the vendors' rates on one mix.

    Parameters
    ----------
    hits, n : (V, K) counts by vendor and stratum, 0 ≤ hits ≤ n
    mix : (K,) weights ≥ 0 in any unit (the plan's), or None for the mix of all vendors together
    """
    x, m = _tables_iv(hits, n)
    low, high = wilson(x, m, level=level)
    common, covered, w = _mix(m, mix)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = x / m
        crude = x.sum(axis=1) / m.sum(axis=1)
    p, low, high, m = p[:, common], low[:, common], high[:, common], m[:, common]
    if not common.any():
        none = np.full(len(x), np.nan)
        return Standardised(none, none, none, none, crude, common, covered, w)
    part = w[common]
    value = p @ part
    error = np.sqrt((p * (1.0 - p) / m) @ part**2)
    lower = value - np.sqrt((p - low) ** 2 @ part**2)
    upper = value + np.sqrt((high - p) ** 2 @ part**2)
    return Standardised(value, error, lower, upper, crude, common, covered, w)


def standardise_means(
    total: ArrayLike, n: ArrayLike, *, mix: ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Return ((V,) means on one mix, (V,) crude means) of any amount: money, seconds.

    total : (V, K) sums by vendor and stratum; n : (V, K) units. NaN without a common stratum.
    """
    m = whole("n", n)
    sums = real("total", total)
    if m.ndim != 2 or sums.shape != m.shape:
        raise ValueError(f"total must have shape {m.shape} with two dimensions, got {sums.shape}")
    common, _covered, w = _mix(m, mix)
    with np.errstate(divide="ignore", invalid="ignore"):
        crude = sums.sum(axis=1) / m.sum(axis=1)
        if not common.any():
            return np.full(len(m), np.nan), crude
        return (sums / m)[:, common] @ w[common], crude


def standardise_intervals(
    value: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    n: ArrayLike,
    *,
    mix: ArrayLike | None = None,
) -> tuple[Floats, Floats, Floats]:
    """Return ((V,) means on one mix, their lower and upper ends) of amounts with intervals.

    value, lower, upper : (V, K) by vendor and stratum, lower ≤ value ≤ upper; upper may be ∞; NaN
    where n = 0. n : (V, K) units, which tell the common strata and the mix. The strata's intervals
    are joined as those of `standardise`.
    """
    m = whole("n", n)
    middle, low, high = (np.asarray(part, dtype=np.float64) for part in (value, lower, upper))
    for name, part in (("value", middle), ("lower", low), ("upper", high)):
        if m.ndim != 2 or part.shape != m.shape:
            raise ValueError(f"{name} must have the shape of n, {m.shape}, got {part.shape}")
    common, _covered, w = _mix(m, mix)
    if not common.any():
        none = np.full(len(m), np.nan)
        return none, none, none
    part, middle, low, high = w[common], middle[:, common], low[:, common], high[:, common]
    found = middle @ part
    down = np.sqrt((middle - low) ** 2 @ part**2)
    return found, found - down, found + np.sqrt((high - middle) ** 2 @ part**2)


@dataclass(frozen=True)
class Indirect:
    """Hits against those expected at the strata's pooled rates; ratio = hits / expected.

    Of use where a vendor lacks strata; ratios of two vendors are not comparable with each other.
    """

    hits: Ints
    expected: Floats
    ratio: Floats


def indirect(hits: ArrayLike, n: ArrayLike) -> Indirect:
    """Return (V,) observed and expected hits (arguments as `standardise`)."""
    x, m = _tables_iv(hits, n)
    total = m.sum(axis=0)
    pooled = x.sum(axis=0) / np.maximum(total, 1)
    expected = m @ pooled
    found = x.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Indirect(found, expected, np.where(expected > 0, found / expected, np.nan))


def _mix(m: Ints, mix: ArrayLike | None) -> tuple[NDArray[np.bool_], float, Floats]:
    """Return (common strata, share of the mix in them, weights summing to 1 over them)."""
    if mix is None:
        weight = m.sum(axis=0).astype(np.float64)
    else:
        weight = real("mix", mix)
        if weight.shape != m.shape[1:]:
            raise ValueError(f"mix must have shape {m.shape[1:]}, got {weight.shape}")
        if (weight < 0).any() or weight.sum() <= 0:
            raise ValueError("mix must hold weights of 0 or more, some of them positive")
    common = (m > 0).all(axis=0) & (weight > 0)
    kept = np.where(common, weight, 0.0)
    total = float(weight.sum())
    if not common.any():
        return common, 0.0, np.zeros(len(weight))
    return common, float(kept.sum()) / total, kept / kept.sum()


def _tables_iv(hits: ArrayLike, n: ArrayLike) -> tuple[Ints, Ints]:
    x, m = whole("hits", hits), whole("n", n)
    if m.ndim != 2 or x.shape != m.shape:
        raise ValueError(f"hits must have shape {m.shape} with two dimensions, got {x.shape}")
    if (x > m).any():
        raise ValueError("hits must not exceed n")
    return x, m
