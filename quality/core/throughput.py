"""Throughput: accepted units per trusted hour and per day worked, and speed, with intervals.

*Rate.* R = Σ units / Σ exposure; exposure is trusted hours, or 1 for each day that was worked.
Units of a day go together (one batch, one good or bad day), so the day is the unit of chance: the
dispersion φ is Pearson's χ² over days,

    φ = Σ_d (u_d − R e_d)² / (R e_d) / (D − 1)

(quasi-likelihood: Wedderburn, Biometrika 61, 1974, doi:10.1093/biomet/61.3.439). With few days it
says little, so it is shrunk, as by PRIOR_DAYS days, to 1 + κ m with m the units of a day: κ is by
how much the days of all annotators differ beyond chance, USUAL_DAY_SD² before that is seen. The
interval is that of a gamma–Poisson model in which φ units count as one, with Jeffreys' prior:
quantiles of Gamma(U/φ + ½) · φ / E. What is not known of φ is paid for by Student's t: φ is
stretched by (t/z)². An odd day widens the interval rather than moving it unseen; hours of a clock
that was wrong are no exposure, and are to be left out before.

*Speed.* Seconds over what the effort model expects, in logarithms. The location is a median (a
clock left running does not move it); its variance is that of sign scores, summed by day, over the
density at the median (Huber, Robust Statistics, 1981, 3.2): (π/2) s² δ / n with s = 1.4826 · MAD
and δ the effect of days, not below 1. Locations are then shrunk to 0 by a normal prior whose
variance is what the locations differ by beyond their errors.

No exposure: nothing is known, and the interval is [0, ∞].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaincinv, ndtri, stdtrit

from quality.core.arguments import Floats, Ints, column, inside, real

__all__ = ["LEVEL", "VERSION", "Rates", "Speeds", "measure_rates", "measure_speeds"]

VERSION = "gamma-Poisson by days 1"
LEVEL = 0.9
PRIOR_DAYS = 4.0
USUAL_DAY_SD = 0.3
# Work at a steady pace varies less than Poisson; less than this is not believed.
LEAST_SPREAD = 0.25
# Of ln speed: how far people differ, before there are enough of them to tell.
USUAL_SPEED_SD = 0.3
PRIOR_PEOPLE = 10.0
USUAL_SPREAD = 0.6  # of ln seconds between the answers of one person
PRIOR_ANSWERS = 20.0


@dataclass(frozen=True)
class Rates:
    """Units per exposure of W annotators.

    units, exposure : (W,) sums; days : (W,) int, days with exposure
    value, lower, upper : (W,) rate and central interval; NaN, 0 and ∞ where nothing is known
    spread : (W,) φ, variance of a day's units over their mean, as used
    """

    units: Floats
    exposure: Floats
    days: Ints
    value: Floats
    lower: Floats
    upper: Floats
    spread: Floats


@dataclass(frozen=True)
class Speeds:
    """Time over the expected one of W annotators: 2 = takes twice as long.

    factor, lower, upper : (W,) > 0; 1 with the prior's interval where no time is known
    answers, days : (W,) int, behind it
    """

    factor: Floats
    lower: Floats
    upper: Floats
    answers: Ints
    days: Ints


def measure_rates(
    annotator: ArrayLike,
    day: ArrayLike,
    units: ArrayLike,
    exposure: ArrayLike,
    annotators: int,
    *,
    level: float = LEVEL,
) -> Rates:
    """Return units per exposure of each annotator.

    Parameters
    ----------
    annotator : (N,) int in 0..annotators−1; day : (N,) int, any numbers that tell days apart
    units : (N,) float ≥ 0; exposure : (N,) float ≥ 0, in hours or days. One entry per answer or per
        day: entries of one annotator and day are added up
    level : of the interval, in (0, 1)

    Raises
    ------
    ValueError
        Naming the argument that is no such array.

    Examples
    --------
    >>> found = measure_rates([0, 0, 0], [1, 2, 3], [50, 40, 60], [5.0, 5.0, 5.0], 1)
    >>> found.value.tolist(), bool(found.lower[0] < 10 < found.upper[0])
    ([10.0], True)
    """
    who, when = _keys_iv(annotator, day, annotators)
    amount, given = (
        _amounts_iv("units", units, len(who)),
        _amounts_iv("exposure", exposure, len(who)),
    )
    tail = (1.0 - inside("level", level)) / 2.0
    who, (amount, given) = _by_day(who, when, amount, given)
    used = given > 0
    total = _sums(who, amount * used, annotators)
    of = _sums(who, given, annotators)
    days = np.bincount(who[used], minlength=annotators)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = total / of
    spread, freedom = _spread(who[used], amount[used], given[used], value, days)
    stretched = spread * (stdtrit(freedom, 1.0 - tail) / ndtri(1.0 - tail)) ** 2
    shape = total / stretched + 0.5
    known = of > 0
    scale = np.divide(stretched, of, out=np.zeros(annotators), where=known)
    lower = np.where(total > 0, gammaincinv(shape, tail) * scale, 0.0)
    upper = np.where(known, gammaincinv(shape, 1.0 - tail) * scale, np.inf)
    inner = np.nan_to_num(value)
    return Rates(
        units=total,
        exposure=of,
        days=days.astype(np.int64),
        value=value,
        lower=np.minimum(lower, inner),
        upper=np.maximum(upper, inner),
        spread=spread,
    )


def _spread(
    who: Ints, units: Floats, exposure: Floats, value: Floats, days: Ints
) -> tuple[Floats, Floats]:
    """Return (W,) dispersion shrunk to that of all, and its degrees of freedom."""
    expected = value[who] * exposure
    some = expected > 0
    pearson = np.bincount(
        who[some], (units[some] - expected[some]) ** 2 / expected[some], minlength=len(days)
    )
    mean = np.bincount(who, units, minlength=len(days)) / np.maximum(days, 1)
    free = np.where(value > 0, np.maximum(days - 1, 0), 0).astype(np.float64)
    # Of all together: by how much days differ beyond chance, as a squared share of their mean.
    usual = float(mean[value > 0].mean()) if (value > 0).any() else 1.0
    differ = PRIOR_DAYS * usual * USUAL_DAY_SD**2 + (pearson - free).sum()
    differ = max(differ, 0.0) / (PRIOR_DAYS * usual + (mean * free).sum())
    freedom = free + PRIOR_DAYS
    spread = (pearson + PRIOR_DAYS * (1.0 + differ * mean)) / freedom
    return np.maximum(spread, LEAST_SPREAD), freedom


def measure_speeds(
    annotator: ArrayLike,
    day: ArrayLike,
    seconds: ArrayLike,
    usual: ArrayLike,
    annotators: int,
    *,
    level: float = LEVEL,
) -> Speeds:
    """Return each annotator's time over the expected one.

    Parameters
    ----------
    annotator, day : as `measure_rates`, one entry per answer
    seconds : (N,) measured; usual : (N,) median seconds that the effort model expects. Entries in
        which either is 0 are left out
    """
    who, when = _keys_iv(annotator, day, annotators)
    took = _amounts_iv("seconds", seconds, len(who))
    wanted = _amounts_iv("usual", usual, len(who))
    z = ndtri((1.0 + inside("level", level)) / 2.0)
    good = (took > 0) & (wanted > 0)
    who, when = who[good], when[good]
    logs = np.log(took[good] / wanted[good])
    n = np.bincount(who, minlength=annotators).astype(np.float64)
    middle = np.nan_to_num(_medians(logs, who, annotators))
    rest = np.abs(logs - middle[who])
    mad = 1.4826 * np.nan_to_num(_medians(rest, who, annotators))
    weight = n / (n + PRIOR_ANSWERS)
    variance = weight * mad**2 + (1.0 - weight) * USUAL_SPREAD**2
    person, (sign,) = _by_day(who, when, np.sign(logs - middle[who]))
    days = np.bincount(person, minlength=annotators)
    effect = _effect(person, sign, n, days)
    with np.errstate(divide="ignore"):
        error = np.where(n > 0, np.pi / 2.0 * variance * effect / n, np.inf)
    between = _between(middle, error)
    share = between / (between + error)
    at, wide = share * middle, z * np.sqrt(between * (1.0 - share))
    return Speeds(
        factor=np.exp(at),
        lower=np.exp(at - wide),
        upper=np.exp(at + wide),
        answers=n.astype(np.int64),
        days=days.astype(np.int64),
    )


def _effect(person: Ints, sign: Floats, n: Floats, days: Ints) -> Floats:
    """Return (W,) by what the variance of a median rises since answers of a day go together.

    sign : (cells,) sums of sign scores by person and day. Shrunk to that of all, not below 1.
    """
    square = np.bincount(person, sign**2, minlength=len(n))
    free = np.maximum(days - 1, 0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where((free > 0) & (n > 0), square / n * days / free, 0.0)
    every = (PRIOR_DAYS + (own * free).sum()) / (PRIOR_DAYS + free.sum())
    return np.asarray(np.maximum((own * free + PRIOR_DAYS * every) / (free + PRIOR_DAYS), 1.0))


def _between(middle: Floats, error: Floats) -> float:
    """Return by what variance locations differ beyond their errors, shrunk to the usual one."""
    seen = np.isfinite(error)
    people = float(seen.sum())
    found = max(float(np.mean(middle[seen] ** 2 - error[seen])), 0.0) if people else 0.0
    return (people * found + PRIOR_PEOPLE * USUAL_SPEED_SD**2) / (people + PRIOR_PEOPLE)


def _by_day(who: Ints, day: Ints, *amounts: Floats) -> tuple[Ints, list[Floats]]:
    """Return the annotator of each (annotator, day), and amounts added up over it."""
    days, place = np.unique(day, return_inverse=True)
    width = max(len(days), 1)
    cells, row = np.unique(who * width + place, return_inverse=True)
    return cells // width, [_sums(row, amount, len(cells)) for amount in amounts]


def _sums(group: Ints, values: Floats, groups: int) -> Floats:
    return np.bincount(group, values, minlength=groups).astype(np.float64)


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


def _keys_iv(annotator: ArrayLike, day: ArrayLike, annotators: int) -> tuple[Ints, Ints]:
    who = column("annotator", annotator)
    if len(who) and who.max() >= annotators:
        raise ValueError(f"annotator must be below {annotators}, got {who.max()}")
    return who, column("day", day, len(who))


def _amounts_iv(name: str, values: ArrayLike, length: int) -> Floats:
    found = real(name, values)
    if found.shape != (length,):
        raise ValueError(f"{name} must have shape ({length},), got {found.shape}")
    if (found < 0).any():
        raise ValueError(f"{name} must not be negative, got {found.min()}")
    return found
