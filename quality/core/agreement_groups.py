"""Agreement by pair of annotators and by label, and which labels are confused most.

Everything is counted in sparse form: memory follows the pairs of answers, whatever the number of
labels or annotators.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quality.core.agreement import EVEN
from quality.core.agreement_sums import pair_up
from quality.core.arguments import Floats, Ints, column


@dataclass(frozen=True)
class PairAgreement:
    """One row per pair of annotators with a unit in common, by first, then second.

    first, second : (P,) annotators, first < second; n : (P,) units in common
    observed : (P,) share of them with equal labels
    kappa, standard_error : (P,) Cohen's κ, NaN where undefined (both give one and the same label)
    """

    first: Ints
    second: Ints
    n: Ints
    observed: Floats
    kappa: Floats
    standard_error: Floats


def by_pair(unit: ArrayLike, annotator: ArrayLike, label: ArrayLike) -> PairAgreement:
    """Return the agreement of every two annotators.

    unit, annotator, label : (N,) int from 0; an annotator answers a unit once
    """
    u, who, what = _answers_iv(unit, annotator, label)
    i, j = pair_up(u)
    a, b = what[i], what[j]
    W, C = int(who.max(initial=0)) + 1, int(what.max(initial=0)) + 1
    pairs, of = np.unique(who[i] * W + who[j], return_inverse=True)
    n = np.bincount(of, minlength=len(pairs)).astype(np.float64)
    # Margins of each pair's table, looked up for both labels of every unit in common.
    keys, at = np.unique(np.concatenate([of * C + a, of * C + b]), return_inverse=True)
    at_a, at_b = at[: len(a)], at[len(a) :]
    group = keys // C
    row = np.bincount(at_a, minlength=len(keys)) / n[group]
    col = np.bincount(at_b, minlength=len(keys)) / n[group]
    agree = a == b
    observed = np.bincount(of, agree, minlength=len(pairs)) / n
    expected = np.bincount(group, row * col, minlength=len(pairs))
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.where(1.0 - expected > EVEN, (observed - expected) / (1.0 - expected), np.nan)
        # The deviation of Fleiss, Cohen and Everitt (see `agreement.cohen`), unit by unit.
        short = 1.0 - kappa
        pull = agree - (col[at_a] + row[at_b]) * short[of]
        variance = np.bincount(of, pull**2, minlength=len(pairs)) / n
        variance = variance - (kappa - expected * short) ** 2
        error = np.sqrt(np.maximum(variance, 0.0) / n) / (1.0 - expected)
    error[(n < 2) | np.isnan(kappa)] = np.nan
    first, second = np.divmod(pairs, W)
    return PairAgreement(first, second, n.astype(np.int64), observed, kappa, error)


@dataclass(frozen=True)
class LabelAgreement:
    """One row per label that an answer with company has, ascending.

    label : (L,); n : (L,) answers with it
    agreement : (L,) chance that a companion of such an answer has the label too
    alpha : (L,) Krippendorff's α of "this label or another", NaN where undefined
    """

    label: Ints
    n: Ints
    agreement: Floats
    alpha: Floats


def by_label(unit: ArrayLike, annotator: ArrayLike, label: ArrayLike) -> LabelAgreement:
    """Return each label's agreement, one against the rest (arguments as `by_pair`)."""
    u, _who, what = _paired(*_answers_iv(unit, annotator, label))
    labels, code = np.unique(what, return_inverse=True)
    n = np.bincount(code, minlength=len(labels)).astype(np.float64)
    i, j = pair_up(u)
    weight = 2.0 / (np.bincount(u)[u[i]] - 1.0) if len(i) else np.zeros(0)
    same = code[i] == code[j]
    both = np.bincount(code[i][same], weight[same], minlength=len(labels))
    total = n.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of the two-label table: D_o = 2 (n_k − o_kk) and D_e = 2 n_k (n − n_k) / (n − 1).
        alpha = 1.0 - (total - 1.0) * (n - both) / (n * (total - n))
    alpha = np.where(n < total, alpha, np.nan)
    return LabelAgreement(labels, n.astype(np.int64), both / n, alpha)


@dataclass(frozen=True)
class Confused:
    """Pairs of different labels given to one unit, the most frequent first; ties by label.

    low, high : (K,) labels, low < high; pairs : (K,) pairs of answers, each unit's weighing
    together as much as it has answers; share : (K,) of all such disagreement, in (0, 1]
    """

    low: Ints
    high: Ints
    pairs: Floats
    share: Floats


def confused_most(
    unit: ArrayLike, annotator: ArrayLike, label: ArrayLike, *, top: int = 5
) -> Confused:
    """Return the labels confused most, at most `top` ≥ 1 pairs (arguments as `by_pair`)."""
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    u, _who, what = _paired(*_answers_iv(unit, annotator, label))
    i, j = pair_up(u)
    size = np.bincount(u)
    low, high = np.minimum(what[i], what[j]), np.maximum(what[i], what[j])
    differ = low < high
    low, high, weight = low[differ], high[differ], 2.0 / (size[u[i][differ]] - 1.0)
    C = int(what.max(initial=0)) + 1
    kinds, kind = np.unique(low * C + high, return_inverse=True)
    pairs = np.bincount(kind, weight, minlength=len(kinds)).astype(np.float64)
    order = np.argsort(-pairs, kind="stable")[:top]
    low, high = np.divmod(kinds[order], C)
    return Confused(low, high, pairs[order], pairs[order] / max(float(pairs.sum()), EVEN))


def confusion(true: ArrayLike, observed: ArrayLike, classes: int) -> Ints:
    """Return (C, C) counts [true, observed] of labels below `classes`."""
    t = column("true", true)
    o = column("observed", observed, len(t))
    for name, values in (("true", t), ("observed", o)):
        if len(values) and values.max() >= classes:
            raise ValueError(f"{name} must be below classes = {classes}, got {values.max()}")
    return np.bincount(t * classes + o, minlength=classes**2).reshape(classes, classes)


def _answers_iv(unit: ArrayLike, annotator: ArrayLike, label: ArrayLike) -> tuple[Ints, Ints, Ints]:
    """Check and sort by unit, then annotator."""
    u = column("unit", unit)
    who, what = column("annotator", annotator, len(u)), column("label", label, len(u))
    order = np.lexsort((who, u))
    u, who, what = u[order], who[order], what[order]
    if ((u[1:] == u[:-1]) & (who[1:] == who[:-1])).any():
        raise ValueError("annotator must answer a unit once")
    return u, who, what


def _paired(u: Ints, who: Ints, what: Ints) -> tuple[Ints, Ints, Ints]:
    """Keep the answers to units that have at least two."""
    some = np.bincount(u)[u] > 1 if len(u) else np.zeros(0, dtype=bool)
    return u[some], who[some], what[some]
