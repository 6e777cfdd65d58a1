"""What a sample of a lot proves: acceptance probabilities, exact bounds, own plans.

A lot of N units with D wrong ones is accepted when a sample of n drawn at random without
replacement holds at most c: P_a = P(X ≤ c), X hypergeometric. For a stream of lots that a process
with a share p of wrong units makes, X is binomial. Schilling and Neubauer, Acceptance Sampling in
Quality Control, 3rd ed., 2017; bounds by inversion of the test (Buonaccorsi, The American
Statistician 41, 1987).
"""

from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv
from scipy.stats import binom, hypergeom

from quality.core.arguments import Floats, inside, shares, whole

CONSUMER = 0.1  # chance of acceptance that defines the limiting quality


def accept_lot(lot: ArrayLike, wrong: ArrayLike, size: ArrayLike, accept: ArrayLike) -> Floats:
    """Return the exact chance that a lot is accepted.

    Parameters
    ----------
    lot : N ≥ 1 units; wrong : D in 0..N; size : n in 0..N; accept : c ≥ 0 (all broadcast)
    """
    N, D = whole("lot", lot, least=1), whole("wrong", wrong)
    n, c = whole("size", size), whole("accept", accept)
    if (D > N).any():
        raise ValueError("wrong must not exceed lot")
    if (n > N).any():
        raise ValueError("size must not exceed lot")
    return np.asarray(np.clip(hypergeom.cdf(c, N, D, n), 0.0, 1.0), dtype=np.float64)


def accept_process(share: ArrayLike, size: ArrayLike, accept: ArrayLike) -> Floats:
    """Return the chance of acceptance of lots from a process with that share of wrong units."""
    n, c = whole("size", size), whole("accept", accept)
    return np.asarray(binom.cdf(c, n, shares("share", share)), dtype=np.float64)


def quality_at(chance: ArrayLike, size: ArrayLike, accept: ArrayLike) -> Floats:
    """Return the process share of wrong units that is accepted with that chance.

    At .95 the producer's point, at .10 the limiting quality (LQ) of the plan.
    """
    P = shares("chance", chance)
    n, c = whole("size", size, least=1), whole("accept", accept)
    if (c >= n).any():
        raise ValueError("accept must be below size")
    return np.asarray(betaincinv(c + 1.0, n - c, 1.0 - P))


def limiting_units(lot: int, size: int, accept: int, *, chance: float = CONSUMER) -> int | None:
    """Return the fewest wrong units of a lot that are accepted with at most `chance`, or None.

    None where even a lot of nothing but wrong units is accepted more often (accept ≥ size).
    """
    inside("chance", chance)
    if float(accept_lot(lot, lot, size, accept)) > chance:
        return None
    low, high = 0, lot
    while low < high:
        middle = (low + high) // 2
        if float(accept_lot(lot, middle, size, accept)) <= chance:
            high = middle
        else:
            low = middle + 1
    return low


def wrong_units(lot: int, size: int, found: int, *, level: float = 0.95) -> tuple[int, int]:
    """Return (fewest, most) wrong units of the lot that the sample does not rule out.

    Each bound leaves (1 − level)/2: the upper one alone holds with (1 + level)/2. The units found
    are among them. The whole lot looked at gives (found, found).

    Parameters
    ----------
    lot : N ≥ 1; size : n in 1..N, drawn at random; found : wrong ones among them; level : (0, 1)
    """
    N, n, x = (int(whole(k, v)) for k, v in (("lot", lot), ("size", size), ("found", found)))
    if not 1 <= n <= N:
        raise ValueError(f"size must be from 1 to lot = {N}, got {n}")
    if x > n:
        raise ValueError(f"found must not exceed size = {n}, got {x}")
    tail = (1.0 - inside("level", level)) / 2.0
    return _fewest(N, n, x, tail), N - _fewest(N, n, n - x, tail)


def _fewest(N: int, n: int, x: int, tail: float) -> int:
    """Return the smallest D with P(X ≥ x | D) > tail; it grows with D."""
    low, high = x, N - (n - x)
    while low < high:
        middle = (low + high) // 2
        if float(hypergeom.sf(x - 1, N, middle, n)) > tail:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True)
class OwnPlan:
    """The smallest plan for a lot, with the risks it has.

    producer_risk : chance that a lot at the acceptable quality is rejected
    consumer_risk : chance that a lot at the limiting quality is accepted
    acceptable, limiting : wrong units of the lot that stand for the two qualities
    """

    size: int
    accept: int
    producer_risk: float
    consumer_risk: float
    acceptable: int
    limiting: int


def search_plan(
    lot: int,
    *,
    acceptable: float,
    limiting: float,
    producer_risk: float = 0.05,
    consumer_risk: float = 0.1,
) -> OwnPlan:
    """Return the smallest (n, c) that keeps both risks for a lot, exactly.

    For every c the smallest n that keeps the consumer's risk is also the best for the producer,
    and it grows with c: the first c that keeps the producer's risk gives the smallest n.

    Parameters
    ----------
    lot : N ≥ 1 units
    acceptable, limiting : shares of wrong units, 0 ≤ acceptable < limiting ≤ 1; in units
        ⌊acceptable·N⌋ and ⌈limiting·N⌉
    producer_risk, consumer_risk : in (0, 1)
    """
    N = int(whole("lot", lot, least=1))
    good, bad = float(shares("acceptable", acceptable)), float(shares("limiting", limiting))
    if good >= bad:
        raise ValueError(f"limiting must exceed acceptable = {good}, got {bad}")
    inside("producer_risk", producer_risk)
    inside("consumer_risk", consumer_risk)
    D0, D1 = int(np.floor(good * N + 1e-9)), int(np.ceil(bad * N - 1e-9))
    if D0 >= D1:
        raise ValueError(f"lot must be large enough to tell {good} from {bad}, got {N}")
    n = 0
    # At the latest c = D0 over the whole lot keeps both risks.
    for c in count():
        n = _smallest_size(N, D1, c, consumer_risk, max(n, c + 1))
        rejected = 1.0 - float(accept_lot(N, D0, n, c))
        if rejected <= producer_risk:
            break
    return OwnPlan(n, c, rejected, float(accept_lot(N, D1, n, c)), D0, D1)


def _smallest_size(N: int, D: int, c: int, risk: float, low: int) -> int:
    """Return the smallest n ≥ low with P(X ≤ c | D) ≤ risk; the whole lot always has it (D > c)."""
    high = N
    while low < high:
        middle = (low + high) // 2
        if float(accept_lot(N, D, middle, c)) <= risk:
            high = middle
        else:
            low = middle + 1
    return low
