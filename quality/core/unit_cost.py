"""What an accepted label costs, with the interval that follows from the share accepted.

Every answer that is decided costs its review; an accepted one costs a, a rejected one b (the work
that was paid for nothing). At a share p accepted one accepted label costs

    c(p) = a + (r + (1 − p) b) / p

with r the money of checking one answer. a, b and r are what was paid and are known; p is what is
estimated. c falls as p rises, so the ends of the interval of p (Jeffreys, quality.core.intervals)
give those of c. With nothing accepted there is no such cost: NaN, and no upper end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quality.core.arguments import Floats, real, whole
from quality.core.intervals import jeffreys

LEVEL = 0.9


@dataclass(frozen=True)
class UnitCost:
    """Money per accepted label, any shape: value, its interval, and the parts it is the sum of.

    labelling + review + rework = value; share, share_lower, share_upper : accepted of decided
    """

    value: Floats
    lower: Floats
    upper: Floats
    labelling: Floats
    review: Floats
    rework: Floats
    share: Floats
    share_lower: Floats
    share_upper: Floats


def cost_per_accepted(
    accepted: ArrayLike,
    rejected: ArrayLike,
    *,
    accepted_money: ArrayLike,
    rejected_money: ArrayLike,
    review_money: ArrayLike,
    spoiled: ArrayLike | None = None,
    level: float = LEVEL,
) -> UnitCost:
    """Return the cost of an accepted label.

    Parameters
    ----------
    accepted, rejected : counts of answers, any one shape
    accepted_money, rejected_money, review_money : ≥ 0, sums of money in one unit: of the accepted
        answers, of the rejected ones, and of checking both
    spoiled : ≥ 0, what one rejected answer is paid where none was rejected yet; None = as an
        accepted one

    Examples
    --------
    >>> cost = cost_per_accepted(
    ...     94, 6, accepted_money=94.0, rejected_money=6.0, review_money=20.0
    ... )
    >>> round(float(cost.value), 4), bool(cost.lower < cost.value < cost.upper)
    (1.2766, True)
    """
    right, wrong = whole("accepted", accepted), whole("rejected", rejected)
    decided = right + wrong
    low, high = jeffreys(right, decided, level=level)
    money = {
        name: _money_iv(name, values, right.shape)
        for name, values in (
            ("accepted_money", accepted_money),
            ("rejected_money", rejected_money),
            ("review_money", review_money),
        )
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        share = right / decided
        labelling = money["accepted_money"] / right
        review, rework = money["review_money"] / right, money["rejected_money"] / right
        checked = money["review_money"] / decided
        # Without a rejection so far the next one costs all the same, or the upper end would say
        # that errors are free.
        usual = labelling if spoiled is None else _money_iv("spoiled", spoiled, right.shape)
        wasted = np.where(wrong > 0, money["rejected_money"] / wrong, usual)

        def at(p: Floats) -> Floats:
            return np.asarray(labelling + (checked + (1.0 - p) * wasted) / p)

        value = np.where(right > 0, labelling + review + rework, np.nan)
        lower, upper = at(high), np.where(low > 0, at(low), np.inf)
    some = right > 0
    return UnitCost(
        value=value,
        lower=np.where(some, np.minimum(lower, value), np.nan),
        upper=np.where(some, np.maximum(upper, value), np.nan),
        labelling=np.where(some, labelling, np.nan),
        review=np.where(some, review, np.nan),
        rework=np.where(some, rework, np.nan),
        share=share,
        share_lower=low,
        share_upper=high,
    )


def _money_iv(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    found = real(name, values)
    if found.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {found.shape}")
    if (found < 0).any():
        raise ValueError(f"{name} must not be negative, got {found.min()}")
    return found
