"""Bootstrap intervals of agreement: units are drawn anew, whole, with their answers.

Percentiles of seeded replicates (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch.
13). A replicate is a vector of unit weights, and every coefficient is computed for a block of
replicates at once. Replicates in which the coefficient is undefined (all labels equal) are left
out and counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from quality.core.agreement import EVEN, agreement_weights, rows_iv, table_iv
from quality.core.agreement_sums import METRICS, Sums, units_iv
from quality.core.arguments import Floats, Ints, column, inside, real, whole

REPLICATES = 1_000
BLOCK = 4_000_000  # weights held at once


@dataclass(frozen=True)
class Interval:
    """Central interval, and the share of replicates in which the coefficient was defined."""

    lower: float
    upper: float
    defined: float


@dataclass(frozen=True)
class Settings:
    """How to draw: seed ≥ 0, replicates ≥ 1, level in (0, 1)."""

    seed: int
    replicates: int = REPLICATES
    level: float = 0.95

    def __post_init__(self) -> None:
        whole("seed", self.seed)
        whole("replicates", self.replicates, least=1)
        inside("level", self.level)


def cohen_interval(
    table: ArrayLike, settings: Settings, *, weights: str | None = None
) -> Interval | None:
    """Return the interval of Cohen's κ (see `agreement.cohen`)."""
    counts = table_iv(table)
    w = agreement_weights(len(counts), weights)
    at = np.nonzero(counts)
    present, total = counts[at], counts.sum()
    to_first, to_second = (
        csr_array((np.ones(len(of)), (np.arange(len(of)), of)), shape=(len(of), len(counts)))
        for of in at
    )

    def kappa(weight: Floats) -> Floats:
        # A weight here is how often a cell was drawn, as a share.
        p = weight * present / total
        expected = (((p @ to_first) @ w) * (p @ to_second)).sum(axis=1)
        return _beyond(p @ w[at], expected)

    return _interval(kappa, present, settings)


def fleiss_interval(counts: ArrayLike, settings: Settings) -> Interval | None:
    """Return the interval of Fleiss' κ (see `agreement.fleiss`)."""
    table = rows_iv(counts)
    n = table[0].sum() if len(table) else 2.0
    agree = ((table**2).sum(axis=1) - n) / (n * (n - 1.0))

    def kappa(weight: Floats) -> Floats:
        share = weight @ table / (len(table) * n)
        return _beyond(weight @ agree / len(table), (share**2).sum(axis=1))

    return _interval(kappa, np.ones(len(table)), settings)


def krippendorff_interval(
    unit: ArrayLike, value: ArrayLike, settings: Settings, *, metric: str = "nominal"
) -> Interval | None:
    """Return the interval of Krippendorff's α (see `agreement.krippendorff`)."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    answers = units_iv(unit, value, metric)
    sums = Sums.of(answers, metric)
    # Units with the same answers are one kind: a few kinds stand for any number of units.
    marks = np.random.default_rng(0).integers(0, 2**63, len(answers.values), dtype=np.uint64)
    mark = np.zeros(answers.n_units, dtype=np.uint64)
    np.add.at(mark, answers.unit, marks[answers.code])
    _marks, first, many = np.unique(mark, return_index=True, return_counts=True)
    kinds = replace(sums, counts=sums.counts[first], apart=sums.apart[first])
    width = max(len(sums.values), len(sums.low), 1)
    return _interval(lambda w: kinds.alpha(w * many), many, settings, width=width)


def mean_interval(unit: ArrayLike, score: ArrayLike, settings: Settings) -> Interval | None:
    """Return the interval of the mean of scores of pairs; a unit's scores are drawn together.

    unit : (N,) int from 0; score : (N,) numbers
    """
    of = column("unit", unit)
    values = real("score", np.asarray(score)) if len(of) else np.zeros(0)
    if values.shape != of.shape:
        raise ValueError(f"score must have shape {of.shape}, got {values.shape}")
    _units, row = np.unique(of, return_inverse=True)
    total, many = np.bincount(row, values), np.bincount(row).astype(np.float64)
    return _interval(lambda w: (w @ total) / (w @ many), np.ones(len(_units)), settings)


def _interval(
    statistic: Callable[[Floats], Floats],
    size: Floats | Ints,
    settings: Settings,
    *,
    width: int = 1,
) -> Interval | None:
    """Return the interval of statistic(weights (B, K)), K items that stand for `size` units each.

    None without units, or where no replicate is defined; width: columns the statistic makes.
    """
    total = int(size.sum())
    if not total:
        return None
    rng = np.random.default_rng(settings.seed)
    share, found = size / total, []
    block = max(1, BLOCK // max(len(size), width))
    for start in range(0, settings.replicates, block):
        many = min(block, settings.replicates - start)
        found.append(statistic(rng.multinomial(total, share, size=many) / size))
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    tail = (1.0 - settings.level) / 2.0
    lower, upper = np.quantile(values, [tail, 1.0 - tail])
    return Interval(float(lower), float(upper), len(values) / settings.replicates)


def _beyond(observed: Floats, expected: Floats) -> Floats:
    room = 1.0 - expected
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(room > EVEN, (observed - expected) / room, np.nan)
