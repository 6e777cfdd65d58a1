"""Who is right how often, and what the labels are, from answers alone or with gold.

Four steps, each in a module of its own: EM finds who errs how (`truth_em`, or `truth_rates` where
matrices would be too many); gold says how much the votes are worth together (`truth_calibrate`);
what is left in doubt becomes intervals (`truth_interval`), and rates shrunk to a pool's
(`truth_pools`, which also adds up several blocks of answers); `truth_input` checks and sorts what
comes in. docs/algorithms/accuracy.md tells the method, its sources and where it fails.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from quality.core import truth_calibrate as calibrate
from quality.core import truth_em, truth_rates
from quality.core.truth_input import Answers, Floats, Ints, answers_iv, integers
from quality.core.truth_interval import Evidence, Tally, shares_of, tally
from quality.core.truth_pools import one_pool

MATRIX_LIMIT = 50_000_000
TABLE_LIMIT = 200_000_000
VERSION = "dawid-skene-map 4"

__all__ = ["VERSION", "TruthEstimate", "estimate"]


@dataclass(frozen=True)
class TruthEstimate:
    """What was found for T tasks, C classes and W annotators (see the contract in the docs).

    probability : (T, C) of each class per task, dense or scipy.sparse CSR where T·C > 2e8
    accuracy, lower, upper : (W,) share right among the answers given; NaN without answers
    rate, rate_lower, rate_upper : (W,) chance that the next answer is right
    confusion : (W, C, C) [true, observed], or None where W·C² > 5e7
    converged : whether EM settled
    tally : what these answers tell of their annotators, to be added to that of other blocks
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
    tally: Tally


def estimate(
    task: ArrayLike,
    annotator: ArrayLike,
    label: ArrayLike,
    *,
    gold: ArrayLike | None = None,
    prior: tuple[float, float] | None = None,
    weight: ArrayLike | None = None,
) -> TruthEstimate:
    """Estimate labels and accuracies of one block, its annotators taken as one pool.

    Parameters
    ----------
    task, annotator, label : (n,) integers from 0, one entry per answer. Several answers of one
        annotator to one task are one voice about the label, and each an answer of the annotator
    gold : (T,) the known class, −1 where it is unknown; T may exceed the tasks answered
    prior : (right, wrong) pseudo-answers of the common rate; None fits them
    weight : (n,) in (0, 1], what an answer still says of its annotator now (decay by half-life);
        accuracies and rates are then weighted, while its voice about the label stays whole, for
        truth does not age. None = 1

    Raises
    ------
    ValueError
        Naming the argument: arrays that differ in length, are not integers or hold negative
        numbers, gold shorter than the tasks, weights out of range.
    """
    known = _gold_iv(gold)
    answers = answers_iv(task, annotator, integers("label", label), weight, len(known))
    T, W = answers.n_tasks, answers.n_annotators
    if gold is not None and len(known) < T:
        raise ValueError("gold must hold one entry for every task")
    if prior is not None and not (prior[0] > 0 and prior[1] > 0):
        raise ValueError("prior must hold two positive numbers")
    known = np.concatenate([known, np.full(T - len(known), -1, dtype=np.int64)])
    C = max(int(answers.label.max(initial=-1)), int(known.max(initial=-1)), 1) + 1
    if W * C * C > MATRIX_LIMIT or T * C > TABLE_LIMIT:
        return _by_rates(answers, known, C, prior)
    return _by_matrices(answers, known, C, prior)


def _gold_iv(gold: ArrayLike | None) -> Ints:
    if gold is None:
        return np.zeros(0, dtype=np.int64)
    known = np.asarray(gold)
    if known.ndim != 1:
        raise ValueError("gold must hold one entry for every task")
    if known.size and not np.issubdtype(known.dtype, np.integer):
        raise ValueError("gold must hold integers")
    known = known.astype(np.int64, copy=False)
    if known.size and known.min() < -1:
        raise ValueError("gold holds classes from 0, or -1")
    return known


def _by_matrices(
    answers: Answers, known: Ints, C: int, prior: tuple[float, float] | None
) -> TruthEstimate:
    fitted = truth_em.fit(answers, known, C)
    whole, apart = truth_em.evidence(answers, fitted)
    votes = answers.votes()
    gold = np.flatnonzero(known >= 0)
    told = gold[votes[gold] > 0]
    lean = calibrate.LEAN * np.log(fitted.share)
    nodes = _matrix_nodes(apart[told], votes[told], known[told], lean)
    probability = _table(whole, votes, nodes)
    truth_em.hold(probability, gold, known)
    told_of = tally(answers, _evidence(answers, known, apart, votes, nodes, len(told)))
    return TruthEstimate(
        np.ascontiguousarray(probability),
        **vars(one_pool(told_of, prior)),
        confusion=truth_em.confusion(answers, probability, C),
        converged=fitted.converged,
        tally=told_of,
    )


def _matrix_nodes(scores: Floats, votes: Floats, truth: Ints, lean: Floats) -> Floats:
    """Return (K, 1 + C) nodes: log ρ and offsets; with many classes these stay where they start."""
    if len(lean) <= calibrate.MAX_OFFSETS:
        return calibrate.offset_nodes(scores, votes, truth, lean)

    def line(log_rho: float) -> float:
        logits = lean + scores * calibrate.scale(log_rho, votes)[:, None]
        return float((logits[np.arange(len(truth)), truth] - logsumexp(logits, axis=1)).sum())

    nodes = calibrate.line_nodes(line if len(truth) else None)
    return np.hstack([nodes, np.broadcast_to(lean, (len(nodes), len(lean)))])


def _chances(scores: Floats, alpha: Floats, offsets: Floats, *, out: Floats) -> Floats:
    """Write p(c) ∝ exp(b_c + α S_c) to `out`; no row overflows, for its largest S is 0."""
    np.multiply(scores, alpha[:, None], out=out)
    out += offsets
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    return out


def _table(scores: Floats, votes: Floats, nodes: Floats) -> Floats:
    """Return (T, C) probabilities, the doubt about ρ averaged over one deviation to either side."""
    middle, spread = nodes.mean(axis=0), nodes[:, 0].std()
    halves = [
        _chances(
            scores,
            calibrate.scale(float(middle[0] + side), votes),
            middle[1:],
            out=np.empty_like(scores),
        )
        for side in (-spread, spread)
    ]
    return np.asarray((halves[0] + halves[1]) / 2.0)


def _evidence(
    answers: Answers, known: Ints, scores: Floats, votes: Floats, nodes: Floats, gold_tasks: int
) -> Evidence:
    cell = answers.label * answers.n_tasks + answers.task  # of the columns laid end to end
    is_gold = known[answers.task] >= 0
    by_gold = (known[answers.task] == answers.label).astype(np.float64)
    mean = np.zeros(answers.size)
    alpha = np.zeros(answers.n_tasks)
    shares = np.zeros((len(nodes), answers.n_annotators))
    chance = np.empty_like(scores)
    for k, node in enumerate(nodes):
        scaled = calibrate.scale(float(node[0]), votes)
        _chances(scores, scaled, node[1:], out=chance)
        right = chance.T.reshape(-1)[cell]
        mean += right
        shares[k] = shares_of(answers, np.where(is_gold, by_gold, right))
        alpha += scaled
    mean /= len(nodes)
    return Evidence(
        right=np.where(is_gold, by_gold, mean),
        is_gold=is_gold,
        told=np.where(is_gold, mean, 0.0),
        alpha=(alpha / len(nodes))[answers.task],
        shares=shares,
        gold_tasks=gold_tasks,
        free=gold_tasks * (scores.shape[1] - 1.0),
    )


def _by_rates(
    answers: Answers, known: Ints, C: int, prior: tuple[float, float] | None
) -> TruthEstimate:
    table = truth_rates.cells(answers, known, C)
    scores, rates, converged = truth_rates.fit(answers, table, known, C)
    votes = answers.votes()
    gold_tasks = table.task[table.gold]
    met = table.gold[votes[gold_tasks] > 0]

    def chances(log_rho: float) -> Floats:
        return table.chances(scores * calibrate.scale(log_rho, votes)[table.task])

    def line(log_rho: float) -> float:
        return float(np.log(np.maximum(chances(log_rho)[met], 1e-300)).sum())

    nodes = calibrate.line_nodes(line if len(met) else None)
    clamped = known[table.task] >= 0
    held = (known[table.task] == table.kind).astype(np.float64)
    chance = np.zeros(len(scores))
    alpha = np.zeros(answers.n_tasks)
    shares = np.zeros((len(nodes), answers.n_annotators))
    for k, node in enumerate(nodes):
        at = chances(float(node[0]))
        shares[k] = shares_of(answers, np.where(clamped, held, at)[table.of])
        chance += at
        alpha += calibrate.scale(float(node[0]), votes)
    chance /= len(nodes)
    is_gold = known[answers.task] >= 0
    told_right = np.where(is_gold, chance[table.of], 0.0)
    chance = np.where(clamped, held, chance)
    evidence = Evidence(
        right=chance[table.of],
        is_gold=is_gold,
        told=told_right,
        alpha=(alpha / len(nodes))[answers.task],
        shares=shares,
        gold_tasks=len(met),
        free=len(met) * (C - 1.0),
    )
    told_of = tally(answers, evidence)
    T, W = answers.n_tasks, answers.n_annotators
    few = W * C * C <= MATRIX_LIMIT
    return TruthEstimate(
        (truth_rates.thin if T * C > TABLE_LIMIT else truth_rates.dense)(table, chance, C),
        **vars(one_pool(told_of, prior)),
        confusion=truth_rates.matrices(rates, C) if few else None,
        converged=converged,
        tally=told_of,
    )
