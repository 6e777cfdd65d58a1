"""Who is right how often, and what the labels are, from answers alone or with gold.

The model of Dawid and Skene (Applied Statistics 28, 1979), fitted by EM to the posterior mode:
every annotator has a confusion matrix, shrunk to that of all annotators together, and classes have
a share. Gold tasks are held at their truth. Where matrices would be too many (W·C² > 5e7) or the
table of probabilities too large (T·C > 2e8), one rate per annotator stands for the matrix, wrong
answers being spread evenly over the other classes.

EM is too sure of itself: annotators err together, which the model denies. So its probabilities are
tempered, p^(1/τ) (Guo et al., On Calibration of Modern Neural Networks, ICML 2017): τ is the one
under which gold that was hidden from EM, a fifth at a time, is likeliest. While there is little
gold a cautious constant widens the intervals and leaves the estimates where EM has them.

Intervals are central 90 %. That of `accuracy`, the share right among the answers given, holds the
doubt about the labels only: with gold for every answer it is a point. That of `rate`, the chance
that the next answer is right, adds the binomial error and is shrunk to the annotators' common
distribution (a beta fitted by moments).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.stats import beta as beta_distribution

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MATRIX_LIMIT = 50_000_000
TABLE_LIMIT = 200_000_000
MAX_ITERATIONS = 200
TOLERANCE = 1e-7
STRENGTH = 4.0  # answers' worth of the common matrix in every annotator's row
FLOOR = 1e-6
# Temperatures tried, and the one taken before there is gold enough to choose.
TEMPERATURES = np.round(np.geomspace(1.0, 40.0, 25), 4)
DEFAULT_TEMPERATURE = 6.0
ENOUGH_GOLD = 20
FOLDS = 5
# Strength of the common rate, in answers: never so weak that three answers decide a person, never
# so strong that two hundred do not.
MIN_PRIOR, MAX_PRIOR = 4.0, 60.0
VERSION = "dawid-skene-map 1"


@dataclass(frozen=True)
class TruthEstimate:
    """What was found for T tasks, C classes and W annotators (see the contract in the docs).

    probability : (T, C) of each class per task, dense or scipy.sparse CSR where T·C > 2e8
    accuracy, lower, upper : (W,) share right among the answers given; NaN without answers
    rate, rate_lower, rate_upper : (W,) chance that the next answer is right
    confusion : (W, C, C) [true, observed], or None where W·C² > 5e7
    converged : whether EM settled
    """

    probability: Any
    accuracy: Floats
    lower: Floats
    upper: Floats
    rate: Floats
    rate_lower: Floats
    rate_upper: Floats
    confusion: Floats | None
    converged: bool


def estimate(
    task: ArrayLike,
    annotator: ArrayLike,
    label: ArrayLike,
    *,
    gold: ArrayLike | None = None,
    prior: tuple[float, float] | None = None,
) -> TruthEstimate:
    """Estimate labels and accuracies.

    Parameters
    ----------
    task, annotator, label : (n,) integers from 0, one entry per answer
    gold : (T,) the known class, −1 where it is unknown; T may exceed the tasks answered
    prior : (right, wrong) pseudo-answers of the common rate; None fits them

    Raises
    ------
    ValueError
        If the arrays differ in length, hold negative numbers, or gold is shorter than the tasks.
    """
    task, annotator, label = (
        _ints(name, values) for name, values in _named(task, annotator, label)
    )
    if not len(task) == len(annotator) == len(label):
        raise ValueError("task, annotator and label must have equal length")
    T = int(task.max(initial=-1)) + 1
    known = np.full(T, -1, dtype=np.int64)
    if gold is not None:
        known = np.asarray(gold, dtype=np.int64)
        if known.ndim != 1 or len(known) < T:
            raise ValueError("gold must hold one entry for every task")
        if (known < -1).any():
            raise ValueError("gold holds classes from 0, or -1")
        T = len(known)
    if prior is not None and not (prior[0] > 0 and prior[1] > 0):
        raise ValueError("prior must hold two positive numbers")
    W = int(annotator.max(initial=-1)) + 1
    C = max(int(label.max(initial=-1)), int(known.max(initial=-1))) + 1
    C = max(C, 2)
    if W * C * C > MATRIX_LIMIT or T * C > TABLE_LIMIT:
        return _one_rate(task, annotator, label, known, T, W, C, prior)
    return _matrices(task, annotator, label, known, T, W, C, prior)


def _named(*values: ArrayLike) -> list[tuple[str, ArrayLike]]:
    return list(zip(("task", "annotator", "label"), values, strict=True))


def _ints(name: str, values: ArrayLike) -> Ints:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must hold integers")
    array = array.astype(np.int64)
    if (array < 0).any():
        raise ValueError(f"{name} must not be negative")
    return array


def _matrices(
    task: Ints,
    annotator: Ints,
    label: Ints,
    known: Ints,
    T: int,
    W: int,
    C: int,
    prior: tuple[float, float] | None,
) -> TruthEstimate:
    sure, confusion, converged = _em(task, annotator, label, known, T, W, C)
    tau = _temperature(task, annotator, label, known, T, W, C)
    calm = _tempered(sure, tau or DEFAULT_TEMPERATURE)
    _hold(calm, known)
    # With no gold to choose by, the labels stand as EM has them and the doubt alone is widened:
    # tempering them blindly would make everybody look worse than they are.
    probability = calm if tau is not None else sure
    right, doubtful = probability[task, label], calm[task, label]
    doubt = doubtful * (1.0 - doubtful)
    return _finish(probability, right, doubt, annotator, W, prior, confusion, converged)


def _em(
    task: Ints, annotator: Ints, label: Ints, known: Ints, T: int, W: int, C: int
) -> tuple[Floats, Floats, bool]:
    """Return probabilities (T, C), confusion (W, C, C), and whether EM settled."""
    votes = np.zeros((T, C))
    np.add.at(votes, (task, label), 1.0)
    probability = _normal(votes + 1.0 / C)
    _hold(probability, known)
    answer = annotator * C + label
    confusion = np.full((W, C, C), 1.0 / C)
    for _round in range(MAX_ITERATIONS):
        counts = np.stack(
            [
                np.bincount(answer, probability[task, c], minlength=W * C).reshape(W, C)
                for c in range(C)
            ],
            axis=1,
        )
        confusion = _shrunk(np.asarray(counts, dtype=np.float64))
        share = _normal(probability.sum(axis=0) + 1.0)
        logs = np.log(np.maximum(confusion, FLOOR))
        scores = np.stack(
            [
                np.bincount(task, logs[annotator, c, label], minlength=T) + np.log(share[c])
                for c in range(C)
            ],
            axis=1,
        )
        new = _softmax(scores)
        _hold(new, known)
        change = float(np.abs(new - probability).max(initial=0.0))
        probability = new
        if change < TOLERANCE:
            return probability, confusion, True
    return probability, confusion, not len(task)


def _temperature(
    task: Ints, annotator: Ints, label: Ints, known: Ints, T: int, W: int, C: int
) -> float | None:
    """Return the temperature under which hidden gold is likeliest; None = too little gold."""
    answered = np.zeros(T, dtype=bool)
    answered[task] = True
    gold = np.flatnonzero((known >= 0) & answered)
    if len(gold) < ENOUGH_GOLD:
        return None
    if not (answered & (known < 0)).any():
        return 1.0  # nothing is left to be told by agreement
    hidden = np.zeros((len(gold), C))
    for fold in range(FOLDS):
        mine = np.arange(len(gold)) % FOLDS == fold
        held = known.copy()
        held[gold[mine]] = -1
        probability, _confusion, _converged = _em(task, annotator, label, held, T, W, C)
        hidden[mine] = probability[gold[mine]]
    losses = [
        -float(
            np.log(np.maximum(_tempered(hidden, tau), 1e-12))[
                np.arange(len(gold)), known[gold]
            ].sum()
        )
        for tau in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmin(losses))])


def _tempered(probability: Floats, tau: float) -> Floats:
    logs = np.log(np.maximum(probability, 1e-300))
    return _softmax(logs / tau)


def _shrunk(counts: Floats) -> Floats:
    """Return each annotator's matrix with STRENGTH answers of the common one in every row."""
    common = counts.sum(axis=0)
    C = common.shape[0]
    # A class nobody has met yet: right as often as answers are over all.
    overall = float(np.trace(common)) / max(float(common.sum()), 1e-12) if common.sum() else 0.7
    overall = min(max(overall, 1.0 / C), 0.99)
    default = np.full((C, C), (1.0 - overall) / (C - 1))
    np.fill_diagonal(default, overall)
    base = _normal(common + 2.0 * default)
    return _normal(counts + STRENGTH * base[None, :, :])


def _one_rate(
    task: Ints,
    annotator: Ints,
    label: Ints,
    known: Ints,
    T: int,
    W: int,
    C: int,
    prior: tuple[float, float] | None,
) -> TruthEstimate:
    """EM over the pairs (task, answered class) only: memory follows the answers."""
    pair, of = np.unique(task * C + label, return_inverse=True)
    of = of.reshape(-1)
    pair_task, pair_class = np.divmod(pair, C)
    distinct = np.bincount(pair_task, minlength=T)
    rate = np.full(W, 0.7)
    n = np.bincount(annotator, minlength=W).astype(np.float64)
    held = known[pair_task]
    weight = np.zeros(len(pair))
    converged = not len(task)
    for _round in range(MAX_ITERATIONS):
        clipped = np.clip(rate, 1.0 / C + 1e-3, 1 - 1e-3)
        odds = np.log(clipped * (C - 1) / (1 - clipped))
        score = np.bincount(of, odds[annotator], minlength=len(pair))
        top = np.zeros(T)
        np.maximum.at(top, pair_task, score)
        mass = np.exp(score - top[pair_task])
        # Classes that nobody gave share what is left, each with odds of one.
        total = np.bincount(pair_task, mass, minlength=T) + (C - distinct) * np.exp(-top)
        new = mass / total[pair_task]
        new = np.where(held >= 0, (pair_class == held).astype(np.float64), new)
        change = float(np.abs(new - weight).max(initial=0.0))
        weight = new
        right = np.bincount(annotator, weight[of], minlength=W)
        common = float(right.sum() / max(n.sum(), 1.0))
        rate = (right + STRENGTH * common) / (n + STRENGTH)
        if change < TOLERANCE:
            converged = True
            break
    probability = _table(pair_task, pair_class, weight, known, T, C)
    confusion = None
    if W * C * C <= MATRIX_LIMIT:
        confusion = np.repeat((((1 - rate) / (C - 1))[:, None, None]), C, axis=1)
        confusion = np.repeat(confusion, C, axis=2)
        confusion[:, np.arange(C), np.arange(C)] = rate[:, None]
    right_of_answer = weight[of] if len(of) else np.zeros(0)
    doubt = right_of_answer * (1.0 - right_of_answer)
    return _finish(probability, right_of_answer, doubt, annotator, W, prior, confusion, converged)


def _table(pair_task: Ints, pair_class: Ints, weight: Floats, known: Ints, T: int, C: int) -> Any:
    """Return (T, C): dense where it fits, else CSR with the classes that were given or known."""
    gold_only = np.flatnonzero(known >= 0)
    open_pair = known[pair_task] < 0
    rows = np.concatenate([pair_task[open_pair], gold_only])
    columns = np.concatenate([pair_class[open_pair], known[gold_only]])
    values = np.concatenate([weight[open_pair], np.ones(len(gold_only))])
    if T * C > TABLE_LIMIT:
        return sparse.csr_array((values, (rows, columns)), shape=(T, C))
    table = np.zeros((T, C))
    table[rows, columns] = values
    given = np.zeros((T, C), dtype=bool)
    given[rows, columns] = True
    left = np.maximum(1.0 - table.sum(axis=1), 0.0)
    others = np.maximum(C - given.sum(axis=1), 1)
    return np.where(given, table, (left / others)[:, None])


def _finish(
    probability: Any,
    right: Floats,
    doubt_of_answer: Floats,
    annotator: Ints,
    W: int,
    prior: tuple[float, float] | None,
    confusion: Floats | None,
    converged: bool,
) -> TruthEstimate:
    n = np.bincount(annotator, minlength=W).astype(np.float64)
    good = np.bincount(annotator, right, minlength=W).astype(np.float64)
    doubt = np.bincount(annotator, doubt_of_answer, minlength=W)
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = np.where(n > 0, good / n, np.nan)
        spread = np.where(n > 0, doubt / n**2, np.nan)
    lower, upper = _interval(accuracy, spread)
    a, b = prior if prior is not None else common_rate(good, n)
    rate = (good + a) / (n + a + b)
    # The beta's own variance, and on top the doubt about which answers were right.
    variance = rate * (1 - rate) / (n + a + b + 1) + doubt / (n + a + b) ** 2
    rate_lower, rate_upper = _interval(rate, variance)
    return TruthEstimate(
        probability=probability,
        accuracy=accuracy,
        lower=lower,
        upper=upper,
        rate=rate,
        rate_lower=rate_lower,
        rate_upper=rate_upper,
        confusion=confusion,
        converged=converged,
    )


def common_rate(good: Floats, n: Floats) -> tuple[float, float]:
    """Fit the annotators' common beta distribution of rates by moments.

    Parameters
    ----------
    good, n : (W,) answers that were right, and answers

    Returns
    -------
    (right, wrong) pseudo-answers, together from MIN_PRIOR to MAX_PRIOR
    """
    there = n > 0
    if not there.any():
        return 0.7 * MIN_PRIOR, 0.3 * MIN_PRIOR
    mean = float(good[there].sum() / n[there].sum())
    mean = min(max(mean, 0.02), 0.98)
    rates, weights = good[there] / n[there], n[there]
    W, N = len(weights), float(weights.sum())
    between = float((weights * (rates - mean) ** 2).sum())
    size = N - float((weights**2).sum()) / N
    # ANOVA estimator of the variance between annotators; none can be told for one annotator.
    variance = (between - (W - 1) * mean * (1 - mean)) / size if W > 1 and size > 0 else 0.0
    strength = mean * (1 - mean) / variance - 1 if variance > 1e-9 else MAX_PRIOR
    strength = min(max(strength, MIN_PRIOR), MAX_PRIOR)
    return mean * strength, (1 - mean) * strength


def _interval(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return the central 90 % of betas of these moments; a point where there is no variance."""
    lower, upper = mean.copy(), mean.copy()
    inside = (mean > 0) & (mean < 1) & (variance > 1e-15)
    m, v = mean[inside], variance[inside]
    size = np.maximum(m * (1 - m) / v - 1, 1e-3)
    lower[inside] = beta_distribution.ppf(0.05, m * size, (1 - m) * size)
    upper[inside] = beta_distribution.ppf(0.95, m * size, (1 - m) * size)
    return np.minimum(lower, mean), np.maximum(upper, mean)


def _hold(probability: Floats, known: Ints) -> None:
    rows = np.flatnonzero(known >= 0)
    probability[rows] = 0.0
    probability[rows, known[rows]] = 1.0


def _normal(values: Floats) -> Floats:
    return np.asarray(values / values.sum(axis=-1, keepdims=True))


def _softmax(scores: Floats) -> Floats:
    return _normal(np.exp(scores - scores.max(axis=1, keepdims=True)))
