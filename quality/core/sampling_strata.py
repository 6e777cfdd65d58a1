"""Bounds of a lot's wrong units from a sample drawn stratum by stratum.

Within stratum h of N_h units n_h are drawn without replacement; X = Σ X_h wrong ones are found, X_h
hypergeometric and independent. How the D wrong units lie over the strata is not known: D is ruled
out when, however they lie, so few (or so many) would be found with a chance of at most the tail.
So the bounds hold whatever the strata are like, which those of one simple draw do not where strata
are drawn at different shares (Wright, Exact confidence bounds when sampling from small finite
universes, 1991, for one stratum).

The worst lie is sought by moving units between strata as long as the chance rises, from every order
of filling them up and from the proportional lie; on small lots it is compared with all lies there
are (tests).
"""

from functools import lru_cache
from itertools import permutations

import numpy as np
from scipy.stats import hypergeom

from quality.core.arguments import Floats, Ints, inside, whole


def wrong_units_of_strata(
    lots: Ints, sizes: Ints, found: int, *, level: float = 0.95
) -> tuple[int, int]:
    """Return (fewest, most) wrong units of the lot that the sample does not rule out.

    Parameters
    ----------
    lots : (H,) units N_h of each stratum; sizes : (H,) drawn of them, n_h in 0..N_h, not all 0;
        a stratum of which nothing was drawn may be wrong as a whole
    found : wrong ones in the whole sample
    level : (0, 1); each bound leaves (1 − level)/2

    Examples
    --------
    >>> wrong_units_of_strata(np.array([1000]), np.array([80]), 2)
    (4, 84)
    """
    N, n = whole("lots", lots), whole("sizes", sizes)
    x = int(whole("found", found))
    if N.shape != n.shape or N.ndim != 1 or (n > N).any() or not n.sum():
        raise ValueError("sizes must hold at most as many units as lots, and some")
    if x > n.sum():
        raise ValueError(f"found must not exceed the sample = {n.sum()}, got {x}")
    tail = (1.0 - inside("level", level)) / 2.0
    return _fewest(N, n, x, tail), int(N.sum()) - _fewest(N, n, int(n.sum()) - x, tail)


def _fewest(N: Ints, n: Ints, x: int, tail: float) -> int:
    """Return the smallest D of which some lie has P(X ≥ x) > tail.

    The chance of the worst lie grows with D: a further wrong unit anywhere does not lower it.
    """
    low, high = x, int(N.sum() - (n.sum() - x))
    while low < high:
        middle = (low + high) // 2
        if _at_most(N, n, middle, x, tail):
            low = middle + 1
        else:
            high = middle
    return low


def _at_most(N: Ints, n: Ints, D: int, x: int, tail: float) -> bool:
    """Tell whether P(X ≥ x) ≤ tail however D wrong units lie."""
    tried = set()
    for start in _starts(N, n, D):
        if tuple(start) in tried:
            continue
        tried.add(tuple(start))
        if _climb(N, n, start, x, tail) > tail:
            return False
    return True


def _starts(N: Ints, n: Ints, D: int) -> list[Ints]:
    """Return lies to begin with: strata filled up in every order, and in proportion."""
    found = []
    for order in permutations(range(len(N))):
        lie, left = np.zeros(len(N), dtype=np.int64), D
        for h in order:
            lie[h] = min(left, int(N[h]))
            left -= int(lie[h])
        found.append(lie)
    shares = np.floor(D * N / N.sum()).astype(np.int64)
    for h in np.argsort(-(D * N / N.sum() - shares), kind="stable")[: D - int(shares.sum())]:
        shares[h] += 1
    return [*found, shares]


def _climb(N: Ints, n: Ints, lie: Ints, x: int, tail: float) -> float:
    """Return the highest P(X ≥ x) reached by moving wrong units between strata from a lie."""
    lie = lie.copy()
    best = _found(N, n, lie, x)
    step = max(int(lie.sum()) // 2, 1)
    while best <= tail:
        moved = False
        for a in range(len(N)):
            for b in range(len(N)):
                size = min(step, int(lie[a]), int(N[b] - lie[b]))
                if a == b or size <= 0:
                    continue
                other = lie.copy()
                other[a] -= size
                other[b] += size
                chance = _found(N, n, other, x)
                if chance > best * (1 + 1e-12):
                    lie, best, moved = other, chance, True
        if not moved:
            if step == 1:
                return best
            step = max(step // 2, 1)
    return best


def _found(N: Ints, n: Ints, lie: Ints, x: int) -> float:
    """Return P(X ≥ x) of a lie, exactly."""
    total = np.ones(1)
    for size, drawn, wrong in zip(N.tolist(), n.tolist(), lie.tolist(), strict=True):
        total = np.convolve(total, _chances(size, drawn, wrong))
    # The smaller part is summed, so that small chances keep their digits.
    return float(total[x:].sum()) if x * 2 > len(total) else float(1.0 - total[:x].sum())


@lru_cache(maxsize=100_000)
def _chances(size: int, drawn: int, wrong: int) -> Floats:
    """Return (min(drawn, wrong) + 1,) chances of finding 0, 1, … wrong units of a stratum."""
    counts = np.arange(min(drawn, wrong) + 1)
    return np.asarray(hypergeom.pmf(counts, size, wrong, drawn), dtype=np.float64)
