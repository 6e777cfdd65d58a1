"""Expected seconds of work: the type's default times a learned factor per type and band.

ln(measured / default) is taken as normal, with a location per group (task type × complexity band)
and one per annotator (a slow annotator must not make a kind of work look long). Locations are
medians, the spread is 1.4826 · MAD: a clock left running over night does not count. All are shrunk
as if `STRENGTH` durations had said what is usual (normal–normal shrinkage). The two locations are
found in turn (Tukey's median polish, Exploratory Data Analysis, 1977).

A factor has an interval: the variance of a median by the signs of what lies around it, summed by
annotator (the sandwich of Huber, 1967, clustered as by Liang and Zeger, Biometrika 73, 1986, with
the density of a normal of the group's own spread), t with one degree of freedom less than there are
annotators, and the doubt of the default that the shrinkage leaves.

The type's default is the mean of a log-normal of the usual spread, so its median lies lower: a log
factor of USUAL_LOG_FACTOR says "as the default".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STRENGTH = 20.0
USUAL_SPREAD = 0.6
USUAL_LOG_FACTOR = -0.5 * USUAL_SPREAD**2
MAX_LOG_FACTOR = 3.0
MAX_SPREAD = 1.5  # a mean three times the median: wider is no longer one kind of work
ROUNDS = 4
LEVEL = 0.9  # of the interval of a factor
MAX_SECONDS = 3_600_000.0  # a thousand hours: what takes longer is a project, not a task


@dataclass(frozen=True)
class EffortFit:
    """What was fitted.

    log_factor, log_spread, n : (groups,) ln of median over default, spread of ln, durations
    log_lower, log_upper : (groups,) central 90 % interval of log_factor
    log_speed, answers : (annotators,) ln of the annotator's time over what is usual, durations
    """

    log_factor: Floats
    log_spread: Floats
    n: Ints
    log_speed: Floats
    answers: Ints
    log_lower: Floats
    log_upper: Floats


def default_seconds(base: Floats, unit: Floats, size: Floats) -> Floats:
    """Return the seconds of a task before anything is learned: base + unit · size, at least 1."""
    return np.maximum(base + unit * size, 1.0)


def fit(
    seconds: Floats, default: Floats, group: Ints, groups: int, annotator: Ints, annotators: int
) -> EffortFit:
    """Fit the factors of groups and the speeds of annotators from durations.

    Parameters
    ----------
    seconds, default : (n,) measured and default seconds; durations that are not positive and
        finite are left out
    group : (n,) int in 0..groups−1; annotator : (n,) int in 0..annotators−1
    """
    good = np.isfinite(seconds) & (seconds > 0) & (default > 0)
    logs = np.log(seconds[good] / default[good])
    of, by = group[good], annotator[good]
    n = np.bincount(of, minlength=groups).astype(np.int64)
    answers = np.bincount(by, minlength=annotators).astype(np.int64)
    factor = np.full(groups, USUAL_LOG_FACTOR)
    speed = np.zeros(annotators)
    for _round in range(ROUNDS):
        factor = _shrunk(_medians(logs - speed[by], of, groups), n, USUAL_LOG_FACTOR)
        speed = _shrunk(_medians(logs - factor[of], by, annotators), answers, 0.0)
    own = logs - speed[by]
    rest = np.abs(own - _medians(own, of, groups)[of])
    mad = 1.4826 * np.nan_to_num(_medians(rest, of, groups))
    weight = n / (n + STRENGTH)
    spread = np.sqrt(weight * mad**2 + (1.0 - weight) * USUAL_SPREAD**2)
    spread = np.minimum(spread, MAX_SPREAD)
    half = _half_width(own - factor[of], of, groups, by, spread, weight)
    return EffortFit(factor, spread, n, speed, answers, factor - half, factor + half)


def _half_width(
    around: Floats, group: Ints, groups: int, annotator: Ints, spread: Floats, weight: Floats
) -> Floats:
    """Return half the width of the factors' intervals, (groups,).

    around : (n,) ln of durations around their group's factor, own speed taken off
    weight : (groups,) of the durations beside the default
    """
    signs = np.sign(around)
    pairs, at = np.unique(group * (annotator.max(initial=0) + 1) + annotator, return_inverse=True)
    whose = pairs // (annotator.max(initial=0) + 1)
    sums = np.bincount(at, weights=signs, minlength=len(pairs))
    n = np.maximum(np.bincount(group, minlength=groups), 1)
    people = np.bincount(whose, minlength=groups)
    square = np.bincount(whose, weights=sums**2, minlength=groups) / n**2
    # Of independent signs no less: few clusters may cancel by luck.
    square = np.maximum(square, 1.0 / n) * people / np.maximum(people - 1, 1)
    median = 0.5 * np.pi * spread**2 * square
    default = 0.5 * np.pi * USUAL_SPREAD**2 / STRENGTH
    total = weight**2 * median + (1.0 - weight) ** 2 * default
    freedom = np.clip(people - 1, 2, None)
    return np.asarray(student.ppf(0.5 + 0.5 * LEVEL, freedom) * np.sqrt(total))


def fit_speed(seconds: Floats, usual: Floats, annotator: Ints, annotators: int) -> Floats:
    """Return ln of each annotator's time over the usual one (annotators,), shrunk to 0.

    seconds, usual : (n,) measured seconds, and the median that type and band let expect
    """
    good = np.isfinite(seconds) & (seconds > 0) & (usual > 0)
    logs, by = np.log(seconds[good] / usual[good]), annotator[good]
    answers = np.bincount(by, minlength=annotators)
    return _shrunk(_medians(logs, by, annotators), answers, 0.0)


def expected_seconds(default: Floats, log_factor: Floats, log_spread: Floats) -> Floats:
    """Return the mean of the log-normal; at the usual factor and spread it is the default.

    At most MAX_SECONDS, so that what is odd in one task leaves the sums of all others whole.
    """
    return np.asarray(np.minimum(default * np.exp(log_factor + 0.5 * log_spread**2), MAX_SECONDS))


def _shrunk(middle: Floats, n: Ints, usual: float) -> Floats:
    weight = n / (n + STRENGTH)
    value = weight * np.nan_to_num(middle) + (1.0 - weight) * usual
    return np.asarray(np.clip(value, -MAX_LOG_FACTOR, MAX_LOG_FACTOR))


def _medians(values: Floats, group: Ints, groups: int) -> Floats:
    """Return the median of each group, NaN where it is empty; one sort for all groups."""
    order = np.lexsort((values, group))
    ranked = values[order]
    n = np.bincount(group, minlength=groups)
    first = np.cumsum(n) - n
    found = np.full(groups, np.nan)
    some = n > 0
    low = first[some] + (n[some] - 1) // 2
    high = first[some] + n[some] // 2
    found[some] = 0.5 * (ranked[low] + ranked[high])
    return found
