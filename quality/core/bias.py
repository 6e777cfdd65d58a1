"""Are some segments answered worse than the rest: error rates, intervals, many tests at once.

Each segment (a language, a region, a source …) is held against all others by Fisher's exact test:
given how many answers are wrong in all, the wrong ones of a segment are hypergeometric. The
p-value is twice the smaller tail, at most 1. Looking at many segments finds differences where
there are none, so p-values are adjusted: by Holm (Scandinavian Journal of Statistics 6, 1979; no
false alarm with the stated chance) or by Benjamini and Hochberg (JRSS B 57, 1995; the share of
false ones among the alarms).

Answers must be a random draw within each segment; answers to one item err together, so hand over
one per item, or the test sees differences that chance made.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control, hypergeom

from quality.core.arguments import Floats, Ints, column, inside, shares
from quality.core.intervals import LEVEL, wilson

METHODS = ("holm", "benjamini-hochberg")


@dataclass(frozen=True)
class Segments:
    """One row per segment that has answers, ascending.

    segment : (S,); n, wrong : (S,) counts; rate : (S,) wrong / n, with its Wilson interval
    difference : (S,) rate less the rate of all others, NaN where there are none
    p_value, adjusted : (S,) in [0, 1]; worse : (S,) whether adjusted ≤ alpha and the rate is higher
    """

    segment: Ints
    n: Ints
    wrong: Ints
    rate: Floats
    lower: Floats
    upper: Floats
    difference: Floats
    p_value: Floats
    adjusted: Floats
    worse: NDArray[np.bool_]


def by_segment(
    wrong: ArrayLike,
    segment: ArrayLike,
    *,
    method: str = "holm",
    alpha: float = 0.05,
    level: float = LEVEL,
) -> Segments:
    """Return every segment's error rate and whether it stands out.

    Parameters
    ----------
    wrong : (N,) of 0 and 1; segment : (N,) int from 0
    method : holm or benjamini-hochberg; alpha, level : in (0, 1)
    """
    of = column("segment", segment)
    given = np.asarray(wrong)
    bad = column("wrong", given.astype(np.int64) if given.dtype == bool else given, len(of))
    if bad.size and bad.max() > 1:
        raise ValueError(f"wrong must hold 0 and 1, got {bad.max()}")
    inside("alpha", alpha)
    segments, row = np.unique(of, return_inverse=True)
    n = np.bincount(row, minlength=len(segments))
    x = np.bincount(row, bad, minlength=len(segments)).astype(np.int64)
    N, X = int(n.sum()), int(x.sum())
    low, high = wilson(x, n, level=level)
    with np.errstate(invalid="ignore"):
        rate = x / n
        difference = rate - (X - x) / np.where(n < N, N - n, np.nan)
    tails = np.minimum(hypergeom.cdf(x, N, X, n), hypergeom.sf(x - 1, N, X, n))
    p = np.minimum(2.0 * tails, 1.0)
    adjusted = adjust(p, method=method)
    worse = (adjusted <= alpha) & (difference > 0)
    return Segments(segments, n, x, rate, low, high, difference, p, adjusted, worse)


def adjust(p_value: ArrayLike, *, method: str = "holm") -> Floats:
    """Return p-values adjusted for their number, (S,) in [0, 1], in the order given."""
    p = shares("p_value", np.atleast_1d(np.asarray(p_value, dtype=np.float64)))
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if not p.size:
        return p
    if method == "benjamini-hochberg":
        return np.asarray(false_discovery_control(p))
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
