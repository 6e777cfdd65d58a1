"""A sample of a lot, drawn by a kept seed and spread over strata of risk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quality.core.arguments import Floats, Ints, column, whole


@dataclass(frozen=True)
class Draw:
    """What was drawn.

    units : (n,) row numbers, ascending
    probability : (n,) chance with which each was drawn, in (0, 1]; its inverse is the weight of
        the unit in a sum over the lot
    """

    units: Ints
    probability: Floats


def allocate(sizes: ArrayLike, total: int) -> Ints:
    """Return (H,) how many units to draw of each stratum: in proportion, at least one.

    Strata whose share is below one get one; the others share the rest by largest remainders,
    ties to the stratum of the lower number. Empty strata get none.

    Parameters
    ----------
    sizes : (H,) units of each stratum
    total : from the number of strata with units to the sum of sizes
    """
    N = whole("sizes", sizes)
    some = N > 0
    if not int(some.sum()) <= total <= int(N.sum()):
        raise ValueError(
            f"total must be from {int(some.sum())} (strata) to {int(N.sum())} (units), got {total}"
        )
    result = np.zeros(len(N), dtype=np.int64)
    free, left = some.copy(), total
    while True:
        quota = np.where(free, left * N / max(int(N[free].sum()), 1), 0.0)
        small = free & (quota < 1.0)
        if not small.any():
            break
        result[small], free[small] = 1, False
        left -= int(small.sum())
    whole_part = np.floor(quota + 1e-12).astype(np.int64)
    rest = left - int(whole_part.sum())
    order = np.argsort(-np.where(free, quota - whole_part, -1.0), kind="stable")
    whole_part[order[:rest]] += 1
    return np.where(free, whole_part, result)


def draw(strata: ArrayLike, size: int, *, seed: int) -> Draw:
    """Draw `size` units, at random within each stratum.

    The draw hangs on the order of the units and the seed only: hand the units over in an order
    that does not change (their public ids') and keep the seed, and anybody can draw it again.

    Parameters
    ----------
    strata : (N,) int from 0, stratum of each unit (its band of risk)
    size : from the number of strata to N
    seed : ≥ 0
    """
    of = column("strata", strata)
    counts = np.bincount(of)
    take = allocate(counts, size)
    units = np.flatnonzero(places(of, seed=seed) < take[of])
    return Draw(units, (take / np.maximum(counts, 1))[of[units]])


def places(strata: ArrayLike, *, seed: int) -> Ints:
    """Return (N,) the place of each unit, from 0, in the order in which its stratum is drawn.

    Whoever needs a unit in place of one that is lost takes the next of its stratum.
    """
    of = column("strata", strata)
    counts = np.bincount(of)
    luck = np.random.default_rng(int(whole("seed", seed))).random(len(of))
    order = np.lexsort((luck, of))
    place = np.empty(len(of), dtype=np.int64)
    place[order] = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place
