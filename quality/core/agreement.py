"""Coefficients of agreement beyond chance; None where chance alone explains everything.

Cohen's κ of two annotators with the large-sample deviation of Fleiss, Cohen and Everitt
(Psychological Bulletin 72, 1969); Fleiss' κ of equally many answers per unit (Psychological
Bulletin 76, 1971); Krippendorff's α of any number with gaps (Content Analysis, 4th ed., 2018, ch.
12), computed by the `krippendorff` library where its dense tables fit and by the same sums in
sparse form where they do not. High agreement with a low κ is no fault of either: where nearly
everything has one label, chance agrees nearly always.
"""

from dataclasses import dataclass
from typing import cast

import krippendorff as library
import numpy as np
from numpy.typing import ArrayLike

from quality.core.agreement_sums import METRICS, Sums, units_iv
from quality.core.arguments import Floats, whole

WEIGHTINGS = ("linear", "quadratic")
DENSE = 20_000_000  # units × values (and values × values) up to which the library is asked
EVEN = 1e-12  # expected disagreement below which nothing is left to explain


@dataclass(frozen=True)
class Kappa:
    """Cohen's κ in [−1, 1], and its standard error (NaN with fewer than two units)."""

    value: float
    standard_error: float


def cohen(table: ArrayLike, *, weights: str | None = None) -> Kappa | None:
    """Return κ of two annotators, or None where both always give one and the same label.

    Parameters
    ----------
    table : (C, C) counts [label of the first, label of the second], labels in their order
    weights : None (a miss is a miss), "linear" or "quadratic" in the distance of the labels
    """
    counts = table_iv(table)
    total = counts.sum()
    if not total:
        return None
    p = counts / total
    w = agreement_weights(len(p), weights)
    first, second = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float((w * p).sum()), float(first @ w @ second)
    if 1.0 - expected < EVEN:
        return None
    value = (observed - expected) / (1.0 - expected)
    # What each cell adds to κ when it grows: own weight less the mean weights of row and column.
    pull = w - ((w @ second)[:, None] + (first @ w)[None, :]) * (1.0 - value)
    variance = (p * pull**2).sum() - (value - expected * (1.0 - value)) ** 2
    error = np.sqrt(max(float(variance), 0.0) / total) / (1.0 - expected)
    return Kappa(value, float(error) if total > 1 else float("nan"))


def agreement_weights(classes: int, weights: str | None) -> Floats:
    """Return (C, C) in [0, 1]: how far two labels count as the same."""
    if weights is not None and weights not in WEIGHTINGS:
        raise ValueError(f"weights must be None or one of {', '.join(WEIGHTINGS)}, got {weights!r}")
    if weights is None or classes < 2:
        return np.eye(classes)
    at = np.arange(classes)
    apart = np.abs(at[:, None] - at[None, :]) / (classes - 1.0)
    return np.asarray(1.0 - apart ** (1 if weights == "linear" else 2))


def fleiss(counts: ArrayLike) -> float | None:
    """Return Fleiss' κ, or None where all answers have one label.

    counts : (U, C) answers per unit and label; every unit has the same number of them, ≥ 2
    """
    table = rows_iv(counts)
    if not len(table):
        return None
    n = table[0].sum()
    observed = ((table**2).sum(axis=1) - n) / (n * (n - 1.0))
    share = table.sum(axis=0) / table.sum()
    expected = float((share**2).sum())
    if 1.0 - expected < EVEN:
        return None
    return (float(observed.mean()) - expected) / (1.0 - expected)


def krippendorff(unit: ArrayLike, value: ArrayLike, *, metric: str = "nominal") -> float | None:
    """Return Krippendorff's α, or None without two answers to a unit, or where all are equal.

    Parameters
    ----------
    unit : (N,) int from 0; value : (N,) numbers, one entry per answer (codes where nominal)
    metric : nominal, ordinal, interval or ratio (values of a ratio scale are not negative)
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    answers = units_iv(unit, value, metric)
    values = answers.values
    if len(values) < 2:
        return None
    if max(answers.n_units, len(values)) * len(values) > DENSE:
        return float(Sums.of(answers, metric).alpha(np.ones((1, answers.n_units)))[0])
    counts = np.zeros((answers.n_units, len(values)), dtype=np.int64)
    np.add.at(counts, (answers.unit, answers.code), 1)
    distance = cast(library.krippendorff.DistanceMetric, metric)
    return float(
        library.alpha(value_counts=counts, value_domain=values, level_of_measurement=distance)
    )


def exact_match(unit: ArrayLike, value: ArrayLike) -> float | None:
    """Return the share of pairs of answers to a unit that are equal, every unit counting the same.

    None without two answers to a unit; arguments as `krippendorff`.
    """
    answers = units_iv(unit, value, "nominal")
    if not answers.n_units:
        return None
    return float(1.0 - Sums.of(answers, "nominal").unit_disagreement().mean())


def table_iv(table: ArrayLike) -> Floats:
    """Return (C, C) counts as floats, or raise ValueError naming table."""
    counts = np.asarray(table)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"table must be square, got shape {counts.shape}")
    return whole("table", counts).astype(np.float64)


def rows_iv(counts: ArrayLike) -> Floats:
    """Return (U, C) counts with equal sums ≥ 2 as floats, or raise ValueError naming counts."""
    array = np.asarray(counts)
    if array.ndim != 2:
        raise ValueError(f"counts must have two dimensions, got shape {array.shape}")
    table = whole("counts", array).astype(np.float64)
    sums = table.sum(axis=1)
    if len(sums) and (sums[0] < 2 or (sums != sums[0]).any()):
        raise ValueError("counts must hold equally many answers, two or more, for every unit")
    return table
