"""Expected seconds of work: the type's default times a learned factor per type and band.

ln(measured / default) is taken as normal. Location by the median, spread by 1.4826 · MAD (a
clock left running over night must not count); both are shrunk to "no factor, usual spread" as if
`STRENGTH` durations had said so (normal–normal shrinkage).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STRENGTH = 20.0
USUAL_SPREAD = 0.6
MAX_LOG_FACTOR = 3.0


@dataclass(frozen=True)
class EffortFit:
    """Fitted log factor, log spread and number of durations, each of shape (groups,)."""

    log_factor: Floats
    log_spread: Floats
    n: NDArray[np.int64]


def default_seconds(base: Floats, unit: Floats, size: Floats) -> Floats:
    """Return the seconds of a task before anything is learned: base + unit · size, at least 1."""
    return np.maximum(base + unit * size, 1.0)


def fit(seconds: Floats, default: Floats, group: NDArray[np.int64], groups: int) -> EffortFit:
    """Fit the factors of `groups` groups from durations.

    Parameters
    ----------
    seconds, default : (n,) measured and default seconds; durations that are not positive and
        finite are left out
    group : (n,) int in 0..groups−1
    """
    good = np.isfinite(seconds) & (seconds > 0) & (default > 0)
    logs = np.log(seconds[good] / default[good])
    member = group[good]
    factor, spread = np.zeros(groups), np.full(groups, USUAL_SPREAD)
    n = np.bincount(member, minlength=groups).astype(np.int64)
    for g in np.flatnonzero(n):
        values = logs[member == g]
        middle = float(np.median(values))
        mad = 1.4826 * float(np.median(np.abs(values - middle)))
        weight = n[g] / (n[g] + STRENGTH)
        factor[g] = np.clip(weight * middle, -MAX_LOG_FACTOR, MAX_LOG_FACTOR)
        spread[g] = np.sqrt(weight * mad**2 + (1 - weight) * USUAL_SPREAD**2)
    return EffortFit(factor, spread, n)


def expected_seconds(default: Floats, log_factor: Floats, log_spread: Floats, n: Floats) -> Floats:
    """Return the mean of the log-normal; before data (n = 0) the default is the mean itself."""
    mean = default * np.exp(log_factor + 0.5 * (log_spread**2 - USUAL_SPREAD**2))
    return np.where(n > 0, mean, default)
