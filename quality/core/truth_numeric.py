"""Answers that are scores: the truth of each task, everyone's bias and spread, and accuracies.

An answer is the task's truth plus the annotator's bias plus normal noise of the annotator's own
spread; truths are normal too. EM to the posterior mode as in `truth_em`: spreads are shrunk to the
common one, biases to none, gold is held. m answers are as sure as m/(1 + (m − 1)ρ), with ρ from
gold as in `truth_calibrate`. An answer is right when it lies within `tolerance` of the truth: so
accuracies, rates and their intervals are those of `truth_interval`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from quality.core import truth_calibrate as calibrate
from quality.core.truth_input import Answers, Floats, answers_iv
from quality.core.truth_interval import Evidence, shares_of, tally
from quality.core.truth_pools import one_pool

MAX_ITERATIONS = 200
TOLERANCE = 1e-5  # relative to the spread of all answers
STRENGTH = 30.0  # answers' worth of the common spread, and of no bias, in every annotator
CENTRAL = 1.6448536269514722  # deviations of a normal's central 90 %


@dataclass(frozen=True)
class NumericEstimate:
    """What was found for T tasks and W annotators.

    value, value_lower, value_upper : (T,) the truth, with its central 90 % interval
    accuracy, lower, upper : (W,) share of the answers given within the tolerance; NaN without any
    rate, rate_lower, rate_upper : (W,) chance that the next answer is
    bias, spread : (W,) mean and standard deviation of answer − truth, shrunk
    converged : whether EM settled
    """

    value: Floats
    value_lower: Floats
    value_upper: Floats
    accuracy: Floats
    lower: Floats
    upper: Floats
    rate: Floats
    rate_lower: Floats
    rate_upper: Floats
    bias: Floats
    spread: Floats
    converged: bool


@dataclass(frozen=True)
class _People:
    """(W,) of each annotator, or (n,) of each answer's: bias and variance."""

    bias: Floats
    variance: Floats


def estimate(
    task: ArrayLike,
    annotator: ArrayLike,
    score: ArrayLike,
    *,
    tolerance: float,
    gold: ArrayLike | None = None,
    prior: tuple[float, float] | None = None,
    weight: ArrayLike | None = None,
) -> NumericEstimate:
    """Estimate truths and accuracies from scores.

    Parameters
    ----------
    task, annotator : (n,) integers from 0, one entry per answer
    score : (n,) finite floats
    tolerance : an answer at most so far from the truth is right; above 0
    gold : (T,) the known truth, NaN where it is unknown
    prior, weight : as in `truth.estimate`

    Raises
    ------
    ValueError
        Naming the argument that is wrong.
    """
    scores = np.asarray(score, dtype=np.float64)
    if scores.ndim != 1 or not np.isfinite(scores).all():
        raise ValueError("score must hold finite numbers in one dimension")
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise ValueError("tolerance must be above 0")
    if prior is not None and not (prior[0] > 0 and prior[1] > 0):
        raise ValueError("prior must hold two positive numbers")
    known = np.zeros(0) if gold is None else np.asarray(gold, dtype=np.float64)
    if known.ndim != 1 or np.isinf(known).any():
        raise ValueError("gold must hold finite numbers or NaN in one dimension")
    answers = answers_iv(task, annotator, scores, weight, len(known), of_label="score")
    if gold is not None and len(known) < answers.n_tasks:
        raise ValueError("gold must hold one entry for every task")
    known = np.concatenate([known, np.full(answers.n_tasks - len(known), np.nan)])
    return _solve(answers, known, tolerance, prior)


def _solve(
    answers: Answers, known: Floats, tolerance: float, prior: tuple[float, float] | None
) -> NumericEstimate:
    mean, variance, people, world, converged = _fit(answers, known)
    votes = answers.votes()
    is_gold = np.isfinite(known)
    told = np.flatnonzero(is_gold & (votes > 0))
    apart = _apart(answers, people, mean, variance)

    def truths(log_rho: float) -> tuple[Floats, Floats]:
        return _posterior(answers, apart, world, calibrate.scale(log_rho, votes))

    def line(log_rho: float) -> float:
        m, v = (part[told] for part in truths(log_rho))
        return float(-0.5 * (np.log(v) + (known[told] - m) ** 2 / v).sum())

    nodes = calibrate.line_nodes(line if len(told) else None)[:, 0]
    gold_answer = is_gold[answers.task]
    by_gold = _within(answers.label, known[answers.task], tolerance)
    found = [truths(float(node)) for node in nodes]
    right = np.array([_chance(answers, m, v, tolerance) for m, v in found])
    shares = np.array([shares_of(answers, np.where(gold_answer, by_gold, r)) for r in right])
    alpha = np.mean([calibrate.scale(float(node), votes) for node in nodes], axis=0)
    chance = right.mean(axis=0)
    evidence = Evidence(
        right=np.where(gold_answer, by_gold, chance),
        is_gold=gold_answer,
        told=np.where(gold_answer, chance, 0.0),
        alpha=alpha[answers.task],
        shares=shares,
        gold_tasks=len(told),
        free=float(len(told)),
    )
    value = np.where(is_gold, known, np.mean([m for m, _v in found], axis=0))
    doubt = np.mean([v for _m, v in found], axis=0) + np.var([m for m, _v in found], axis=0)
    half = CENTRAL * np.where(is_gold, 0.0, np.sqrt(doubt))
    return NumericEstimate(
        value,
        value - half,
        value + half,
        **vars(one_pool(tally(answers, evidence), prior)),
        bias=people.bias,
        spread=np.sqrt(people.variance),
        converged=converged,
    )


def _fit(
    answers: Answers, known: Floats
) -> tuple[Floats, Floats, _People, tuple[float, float], bool]:
    """Return truths' means and variances (T,), the annotators, (mean, variance) of truths."""
    y, gold = answers.label, np.flatnonzero(np.isfinite(known))
    scale = max(float(y.std()) if len(y) else 1.0, 1e-9)
    floor = (1e-4 * scale) ** 2
    W = answers.n_annotators
    whole = np.ones(answers.n_tasks)
    met = (answers.votes() > 0) | np.isfinite(known)
    people = _People(np.zeros(W), np.full(W, scale**2))
    centre = float(np.concatenate([y, known[gold]]).mean()) if met.any() else 0.0
    world = (centre, scale**2)
    mean = np.full(answers.n_tasks, centre)
    converged = False
    for _round in range(MAX_ITERATIONS):
        each = _People(people.bias[answers.annotator], people.variance[answers.annotator])
        new, variance = _posterior(answers, each, world, whole)
        new[gold], variance[gold] = known[gold], 0.0
        moved = float(np.abs(new - mean).max(initial=0.0))
        mean = new
        if moved < TOLERANCE * scale:
            converged = True
            break
        people = _people(answers, _others(answers, each, world, known), floor)
        centre = float(mean[met].mean())
        world = (centre, max(float(((mean - centre) ** 2 + variance)[met].mean()), floor))
    return mean, variance, people, world, converged


def _people(answers: Answers, others: tuple[Floats, Floats], floor: float) -> _People:
    """Return everyone's bias and variance, shrunk to no bias and to the common variance.

    Each answer is held against what the others say of its task (mean, variance; gold: the truth).
    Against a truth that it made itself, one annotator in agreement with itself would end as the
    only one believed.
    """
    mean, variance = others
    off = answers.label - mean
    size = answers.by_annotator(answers.weight)
    bias = answers.by_annotator(answers.weight * off) / (size + STRENGTH)
    square = (off - bias[answers.annotator]) ** 2
    # The others' own doubt is no fault of the answer; at most half is laid to it.
    sums = answers.by_annotator(answers.weight * square)
    sums = np.maximum(sums - answers.by_annotator(answers.weight * variance), sums / 2.0)
    common = max(float(sums.sum()) / max(float(size.sum()), 1e-12), floor)
    return _People(bias, np.maximum((sums + STRENGTH * common) / (size + STRENGTH), floor))


def _others(
    answers: Answers, each: _People, world: tuple[float, float], known: Floats
) -> tuple[Floats, Floats]:
    """Return mean and variance (n,) of each answer's task by the other answers; gold as it is."""
    weight = answers.vote / each.variance
    pull = weight * (answers.label - each.bias)
    T, centre, wide = answers.n_tasks, *world
    rest = np.bincount(answers.task, weight, minlength=T)[answers.task] - weight
    rest_pull = np.bincount(answers.task, pull, minlength=T)[answers.task] - pull
    whole = np.maximum(rest, 0.0) + 1.0 / wide
    truth = known[answers.task]
    sure = np.isfinite(truth)
    mean = (rest_pull + centre / wide) / whole
    return np.where(sure, truth, mean), np.where(sure, 0.0, 1.0 / whole)


def _apart(answers: Answers, people: _People, mean: Floats, variance: Floats) -> _People:
    """Return bias and variance for each answer, that answer's own part taken out (n,)."""
    who = answers.annotator
    size = answers.by_annotator(answers.weight)[who] + STRENGTH
    left = np.maximum(size - answers.weight, STRENGTH)
    off = answers.label - mean[answers.task]
    bias = (people.bias[who] * size - answers.weight * off) / left
    square = (off - people.bias[who]) ** 2 + variance[answers.task]
    spread = (people.variance[who] * size - answers.weight * square) / left
    # Never so small that one answer would decide alone because it was an outlier before.
    return _People(bias, np.maximum(spread, 0.1 * people.variance[who]))


def _posterior(
    answers: Answers, each: _People, world: tuple[float, float], alpha: Floats
) -> tuple[Floats, Floats]:
    """Return means and variances of the truths (T,).

    Votes in common error leave the truth where it seems and make it less sure, so `alpha` scales
    the variance alone: a mean drawn to the centre by it would be off wherever answers are far out.
    """
    weight = answers.vote / each.variance
    T = answers.n_tasks
    precision = np.bincount(answers.task, weight, minlength=T)
    pull = np.bincount(answers.task, weight * (answers.label - each.bias), minlength=T)
    centre, wide = world
    mean = (pull + centre / wide) / (precision + 1.0 / wide)
    return np.asarray(mean), np.asarray(1.0 / (alpha * precision + 1.0 / wide))


def _chance(answers: Answers, mean: Floats, variance: Floats, tolerance: float) -> Floats:
    """Return the probability (n,) that each answer lies within the tolerance of the truth."""
    off, sd = answers.label - mean[answers.task], np.sqrt(variance[answers.task])
    return np.asarray(ndtr((off + tolerance) / sd) - ndtr((off - tolerance) / sd))


def _within(score: Floats, truth: Floats, tolerance: float) -> Floats:
    # A hair's breadth more, so that 0.3 lies within 0.1 of 0.2.
    near = np.abs(score - truth) <= tolerance * (1 + 1e-12) + 1e-12
    return near.astype(np.float64)
