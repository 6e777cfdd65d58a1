"""What answers to items of known truth tell of a task type, for the error of votes.

*Difficulty.* An answer in band b is right with chance logistic(logit(A) − δ_b), where A is what its
annotator's other answers say (leave one out, shrunk to the common beta). δ_b is the posterior mode
under a normal prior around 0: 0 before there is data. Answers to one item are right or wrong
together, so each counts 1 / (1 + (m − 1)·φ₀) where m were given: the design effect of a cluster
(Kish, Survey Sampling, 1965) at the dispersion φ₀ that is taken before there is data.

*Dispersion.* An item's chance of a right answer is beta distributed with variance A(1 − A)φ, so two
annotators i, j on one item are right together more often than by chance: Cov = φ·σ_i·σ_j with
σ² = A(1 − A). The moment estimator over all pairs that overlap,

    φ̂ = Σ_items Σ_{i<j} (x_i − A_i)(x_j − A_j) / Σ_items Σ_{i<j} σ_i σ_j

(the intraclass correlation of Ridout, Demétrio and Firth, Biometrics 55, 1999, with a rate of its
own for every annotator) is unbiased whatever the shape of the items' chances. Its variance is taken
between items, and not below what independent answers would have; φ̂ and the default are then
weighted by their precisions (normal–normal shrinkage).

*Same error.* The chance q that two wrong answers to one item are the same: 1 / (C − 1) where errors
spread evenly over the other classes, near 1 where one class is mistaken for another. A vote then
errs as one over 1 + 1/q classes would. Every wrong answer counts once, whatever its company.

Only items whose truth is known may be given: agreement cannot tell common errors from common
success, and an error of .01 in the rates would move a φ got from agreement by .09.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

VERSION = "leave-one-out moments 1"
BANDS = 4
DEFAULT_DISPERSION = 0.1
PRIOR_DISPERSION_SD = 0.1
MAX_DISPERSION = 0.9
PRIOR_DIFFICULTY_SD = 0.75
RATE_STRENGTH = 8.0  # answers' worth of the common rate in every annotator's
SAME_STRENGTH = 20.0  # wrong answers' worth of "errors spread evenly"
EDGE = 0.02  # rates this near to 0 or 1 say nothing about a logit


@dataclass(frozen=True)
class TypeFacts:
    """What was measured of one task type.

    dispersion : [0, 0.9], shrunk; difficulty : (4,) δ by complexity band, shrunk
    dispersion_error : standard error of the unshrunk φ̂, NaN without overlaps
    same_error : (0, 1], shrunk to 1 / (classes − 1)
    items, answers, pairs : items of known truth, answers to them, pairs of answers that overlap
    """

    dispersion: float
    difficulty: Floats
    dispersion_error: float
    same_error: float
    items: int
    answers: int
    pairs: int


def measure(
    right: Bools,
    item: Ints,
    annotator: Ints,
    label: Ints,
    band: NDArray[np.int8],
    *,
    classes: int,
) -> TypeFacts:
    """Return the facts of a task type from answers to items of known truth.

    Parameters
    ----------
    right : (N,) bool, whether the answer was right
    item, annotator : (N,) int, row numbers from 0; an annotator answers an item once
    label : (N,) int from 0, what was answered
    band : (N,) int in 0..3, complexity band of the item
    classes : ≥ 2, usual number of classes of the type

    Raises
    ------
    ValueError
        If lengths differ, a number is negative, or a band is none of the four.
    """
    if classes < 2:
        raise ValueError(f"classes must be at least 2, got {classes}")
    right, item, annotator, label, bands = _answers_iv(right, item, annotator, label, band)
    if not len(right):
        usual = 1.0 / (classes - 1)
        return TypeFacts(DEFAULT_DISPERSION, np.zeros(BANDS), np.nan, usual, 0, 0, 0)
    expected = others_rate(right, annotator)
    difficulty = fit_difficulty(right, expected, item, bands)
    odds = np.log(expected) - np.log1p(-expected) - difficulty[bands]
    dispersion, error, pairs = fit_dispersion(right, 1.0 / (1.0 + np.exp(-odds)), item)
    return TypeFacts(
        dispersion=dispersion,
        difficulty=difficulty,
        dispersion_error=error,
        same_error=fit_same_error(item[~right], label[~right], classes),
        items=len(np.unique(item)),
        answers=len(right),
        pairs=pairs,
    )


def others_rate(right: Bools, annotator: Ints) -> Floats:
    """Return (N,) in (0, 1): the rate of each answer's annotator by their other answers, shrunk.

    Left out is the answer itself, so that what is expected of it does not follow it.
    """
    good = np.bincount(annotator, right).astype(np.float64)
    n = np.bincount(annotator).astype(np.float64)
    common = (good.sum() + 0.5) / (n.sum() + 1.0)
    left_good = good[annotator] - right
    left_n = n[annotator] - 1.0
    rate = (left_good + RATE_STRENGTH * common) / (left_n + RATE_STRENGTH)
    return np.asarray(np.clip(rate, EDGE, 1.0 - EDGE))


def fit_difficulty(right: Bools, expected: Floats, item: Ints, band: Ints) -> Floats:
    """Return δ (4,): by how much a band lowers the logit of the expected rate, shrunk to 0."""
    together = np.bincount(item)[item]
    weight = 1.0 / (1.0 + (together - 1) * DEFAULT_DISPERSION)
    offset = np.log(expected) - np.log1p(-expected)
    found = np.zeros(BANDS)
    for b in np.unique(band):
        mine = band == b
        x, o, w = right[mine].astype(np.float64), offset[mine], weight[mine]
        delta = 0.0
        for _step in range(50):
            p = 1.0 / (1.0 + np.exp(delta - o))
            slope = float(w @ (p - x)) - delta / PRIOR_DIFFICULTY_SD**2
            bend = float(w @ (p * (1.0 - p))) + 1.0 / PRIOR_DIFFICULTY_SD**2
            # The log posterior is concave; a step is cut so that Newton cannot overshoot.
            step = float(np.clip(slope / bend, -1.0, 1.0))
            delta += step
            if abs(step) < 1e-10:
                break
        found[b] = delta
    return found


def fit_dispersion(right: Bools, expected: Floats, item: Ints) -> tuple[float, float, int]:
    """Return (φ shrunk to the default, standard error of φ̂, pairs)."""
    rest = right - expected
    spread = expected * (1.0 - expected)
    sigma = np.sqrt(spread)
    together = _pairs(rest, item)
    scale = _pairs(sigma, item)
    n = np.bincount(item)
    pairs = int((n * (n - 1) // 2).sum())
    total = float(scale.sum())
    if not pairs or total <= 0:
        return DEFAULT_DISPERSION, np.nan, pairs
    raw = float(together.sum()) / total
    between = float(((together - raw * scale) ** 2).sum())
    independent = float(_pairs(spread, item).sum())
    error = np.sqrt(max(between, independent)) / total
    prior, seen = PRIOR_DISPERSION_SD**-2, error**-2
    shrunk = (seen * raw + prior * DEFAULT_DISPERSION) / (seen + prior)
    return float(np.clip(shrunk, 0.0, MAX_DISPERSION)), float(error), pairs


def fit_same_error(item: Ints, label: Ints, classes: int) -> float:
    """Return the chance that two wrong answers to one item are the same, shrunk.

    item, label : (N,) of the wrong answers only
    """
    _items, of = np.unique(item, return_inverse=True)
    wrong = np.bincount(of)
    _kinds, kind, alike = np.unique(
        np.column_stack([of, label]), axis=0, return_inverse=True, return_counts=True
    )
    # How many of an answer's wrong companions gave the same answer.
    company = wrong[of] - 1
    met = alike[kind.reshape(-1)] - 1
    some = company > 0
    usual = 1.0 / (classes - 1)
    total = float((met[some] / company[some]).sum())
    return (total + SAME_STRENGTH * usual) / (float(some.sum()) + SAME_STRENGTH)


def _pairs(values: Floats, item: Ints) -> Floats:
    """Return Σ_{i<j} v_i v_j by item."""
    total = np.bincount(item, values)
    squares = np.bincount(item, values**2)
    return np.asarray(0.5 * (total**2 - squares))


def _answers_iv(
    right: Bools, item: Ints, annotator: Ints, label: Ints, band: NDArray[np.int8]
) -> tuple[Bools, Ints, Ints, Ints, Ints]:
    right = np.asarray(right, dtype=bool)
    columns = []
    named = {"item": item, "annotator": annotator, "label": label, "band": band}
    for name, values in named.items():
        array = np.asarray(values)
        if array.shape != right.shape or right.ndim != 1:
            raise ValueError(f"{name} must have shape {right.shape}, got {array.shape}")
        if array.size and (array.dtype.kind not in "iu" or array.min() < 0):
            raise ValueError(f"{name} must hold whole numbers from 0")
        columns.append(array.astype(np.int64))
    if len(right) and columns[3].max() >= BANDS:
        raise ValueError(f"band must be below {BANDS}, got {columns[3].max()}")
    return right, columns[0], columns[1], columns[2], columns[3]
