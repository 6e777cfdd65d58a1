"""Where Wald's test of one series stands after all its evidence, and when it was last in order.

The test of `sprt` starts anew after every "clear". While it runs, its ratio is lowest where the
evidence spoke most for the annotator: what came after that point is in doubt once a pause is
proposed. (It is the maximum likelihood estimate of the point of change of Page's chart.)
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import ArrayLike

from quality.core.arguments import inside
from quality.core.sprt import NEAR, Sprt
from quality.core.streams import wrongs_iv

GRID = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)


@dataclass(frozen=True)
class Standing:
    """Where a test stands.

    pause : whether it proposes one; answers, errors : since it began anew
    ratio : log-likelihood ratio of bad against good
    first, last : rows of the evidence that it rests on, last = −1 without any
    good : row of the last good evidence, −1 = there was none
    """

    pause: bool
    answers: int
    errors: int
    ratio: float
    first: int
    last: int
    good: int


def stand(test: Sprt, wrong: ArrayLike) -> Standing:
    """Return where the test of one series stands; evidence after a pause is left out.

    wrong : (N,) of 0 and 1, in order of time

    Examples
    --------
    >>> found = stand(Sprt(0.05, 0.15), [0, 0, 1, 1, 1])
    >>> found.pause, found.answers, found.errors, found.good
    (True, 5, 3, 1)
    """
    _series, bad = wrongs_iv(np.zeros(np.size(wrong), dtype=np.int64), wrong, 1)
    up, down = test.bounds
    first = errors = 0
    good = -1
    ratio = lowest = 0.0
    for row, is_wrong in enumerate(bad.tolist()):
        errors += is_wrong
        n = row + 1 - first
        ratio = errors * test.wrong_step + (n - errors) * test.right_step
        if ratio >= up - NEAR:
            return Standing(True, n, errors, ratio, first, row, good)
        if ratio <= lowest + NEAR:
            lowest, good = ratio, row
        if ratio <= down + NEAR:
            first, errors, ratio, lowest = row + 1, 0, 0.0, 0.0
    return Standing(False, len(bad) - first, errors, ratio, first, len(bad) - 1, good)


def worse(share: float, odds: float) -> float:
    """Return the share whose odds are so many times those of `share`, both in (0, 1).

    Examples
    --------
    >>> round(worse(0.05, 3.0), 4), round(worse(0.2, 3.0), 4)
    (0.1364, 0.4286)
    """
    p = inside("share", share)
    if not odds > 1:
        raise ValueError(f"odds must be above 1, got {odds}")
    logit = log(p / (1.0 - p)) + log(odds)
    return float(1.0 / (1.0 + np.exp(-logit)))


def on_grid(share: float) -> float:
    """Return the usual share of wrong answers that tests are made for: the next step of GRID up.

    A few steps only, so that charts can be told apart by eye and are computed once. What a test
    promises at a step holds below it as well; above the last step the last one is taken.
    """
    return next((step for step in GRID if share <= step + 1e-12), GRID[-1])
