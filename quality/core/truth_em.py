"""The model of Dawid and Skene, fitted by EM to the posterior mode.

Every annotator has a confusion matrix, shrunk to that of all annotators together, and classes have
a share (Dawid & Skene, Applied Statistics 28, 1979). Gold tasks are held at their truth. A matrix
product with one sparse matrix, answers by (annotator, class answered), is each half of a round.
Rounds go further than EM says while the likelihood grows, and back to EM's own step where it falls
(adaptive over-relaxation: Salakhutdinov & Roweis, ICML 2003): about half as many are needed.

`evidence` gives what the answers say of each task also with the task's own part in the matrices
taken out again. Otherwise an annotator of three answers agrees with itself, and gold, which EM was
shown, could not say how sure EM may be of tasks whose truth it was not shown.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from quality.core.truth_input import Answers, Floats, Ints

MAX_ITERATIONS = 200
TOLERANCE = 1e-5  # growth of the log-likelihood per answer at which EM is settled
STRENGTH = 3.0  # answers' worth of the common matrix in every annotator's row
# What a step grows by after each that was good, and how far it goes at most.
GROW, FURTHEST = 1.5, 4.0
CHUNK = 1_000_000  # answers held per class at a time
FLOOR = 1e-9
# The usual share right before anything is known, and how many answers it takes to make that half.
DEFAULT_RIGHT, DEFAULT_STRENGTH = 0.7, 4.0


@dataclass(frozen=True)
class Fitted:
    """What EM left behind.

    probability : (T, C) of each class per task, gold at its truth
    share : (C,) of the classes
    counts : (W, C, C) [annotator, observed, true] answers, shared out by probability
    base : (C, C) [observed, true] the common matrix, its columns summing to 1
    converged : whether the likelihood settled
    """

    probability: Floats
    share: Floats
    counts: Floats
    base: Floats
    converged: bool


def fit(answers: Answers, known: Ints, C: int) -> Fitted:
    """Fit by EM, starting from the plurality.

    Parameters
    ----------
    answers : the answers, n of them on T tasks
    known : (T,) class, −1 where it is unknown
    C : number of classes, at least 2
    """
    T, W = answers.n_tasks, answers.n_annotators
    column = answers.annotator * C + answers.label
    votes = _votes(answers, C)
    # The transpose in column form: it reads tasks in order and adds into the small side.
    weights = sparse.csr_array((answers.weight, column, answers.start), shape=(T, W * C)).T
    gold = np.flatnonzero(known >= 0)
    cell = answers.task * C + answers.label
    # Column by column in memory: sums over a task's few classes then run along the tasks.
    probability = np.asfortranarray(
        np.bincount(cell, answers.vote, minlength=T * C).reshape(T, C) + 0.01
    )
    probability /= probability.sum(axis=1, keepdims=True)
    hold(probability, gold, known)
    likelihood = -np.inf
    converged = not answers.size
    step, used = 1.0, _sums(weights, probability, C)
    plain = used
    for _round in range(MAX_ITERATIONS):
        counts, sums = tried = _beyond(used, plain, step)
        logs = np.log(shrunk(counts, _common(counts))).reshape(W * C, C)
        scores = np.asfortranarray(votes @ logs)
        scores += np.log(_share(sums))
        told = _likelihood(scores, gold, known, out=probability)
        hold(probability, gold, known)
        grown = (told - likelihood) / max(answers.size, 1)
        if grown < 0 and step > 1.0:
            step = 1.0  # too far: once more, to where EM leads
            continue
        likelihood = told
        if grown < TOLERANCE:
            converged = True
            break
        used, plain = tried, _sums(weights, probability, C)
        step = min(step * GROW, FURTHEST)
    counts, sums = _sums(weights, probability, C)
    return Fitted(probability, _share(sums), counts, _common(counts), converged)


def evidence(answers: Answers, fitted: Fitted) -> tuple[Floats, Floats]:
    """Return (T, C) log-likelihoods of each task's answers twice, the largest of each row 0.

    First as EM has them, then with the task's own part in the counts removed.
    """
    T, C = fitted.probability.shape
    logs = np.log(shrunk(fitted.counts, fitted.base)).reshape(-1, C)
    whole = np.asfortranarray(_votes(answers, C) @ logs)
    apart = np.zeros((T, C), order="F")
    padded = fitted.counts + STRENGTH * fitted.base
    totals = fitted.counts.sum(axis=1) + STRENGTH
    low = 0
    while low < T:
        # Whole tasks, so many that their answers fill a chunk.
        high = int(np.searchsorted(answers.start, answers.start[low] + CHUNK, side="right")) - 1
        high = min(max(high, low + 1), T)
        part = slice(int(answers.start[low]), int(answers.start[high]))
        who, what = answers.annotator[part], answers.label[part]
        own = fitted.probability.take(answers.task[part], axis=0)
        own *= answers.weight[part, None]
        chance = padded[who, what]
        chance -= own
        of = totals.take(who, axis=0)
        of -= own
        chance /= of
        np.maximum(chance, FLOOR, out=chance)
        np.log(chance, out=chance)
        begin = answers.start[low : high + 1] - answers.start[low]
        rows = sparse.csr_array(
            (answers.vote[part], np.arange(len(who)), begin), shape=(high - low, len(who))
        )
        apart[low:high] = rows @ chance
        low = high
    for scores in (whole, apart):
        scores -= scores.max(axis=1, keepdims=True)
    return whole, apart


Sums = tuple[Floats, Floats]


def _sums(weights: sparse.sparray, probability: Floats, C: int) -> Sums:
    """Return (W, C, C) answers shared out by probability, and (C,) tasks by class."""
    return (weights @ probability).reshape(-1, C, C), probability.sum(axis=0)


def _beyond(used: Sums, plain: Sums, step: float) -> Sums:
    """Return the sums that lie `step` times as far from `used` as `plain` does."""
    if step == 1.0:
        return plain
    counts, sums = (np.maximum(u + step * (p - u), 0.0) for u, p in zip(used, plain, strict=True))
    return counts, sums


def _votes(answers: Answers, C: int) -> sparse.csr_array:
    column = answers.annotator * C + answers.label
    shape = (answers.n_tasks, answers.n_annotators * C)
    return sparse.csr_array((answers.vote, column, answers.start), shape=shape)


def shrunk(counts: Floats, base: Floats) -> Floats:
    """Return (W, C, C) [annotator, observed, true] chances of the answer observed."""
    matrices = counts + STRENGTH * base
    matrices /= matrices.sum(axis=1, keepdims=True)
    return matrices


def confusion(answers: Answers, probability: Floats, C: int) -> Floats:
    """Return (W, C, C) [annotator, true, observed] under these probabilities."""
    T, W = answers.n_tasks, answers.n_annotators
    column = answers.annotator * C + answers.label
    weights = sparse.csr_array((answers.weight, column, answers.start), shape=(T, W * C)).T
    counts = (weights @ probability).reshape(W, C, C)
    return np.ascontiguousarray(shrunk(counts, _common(counts)).transpose(0, 2, 1))


def hold(probability: Floats, gold: Ints, known: Ints) -> None:
    """Set the gold rows to their truth."""
    if len(gold):
        probability[gold] = 0.0
        probability[gold, known[gold]] = 1.0


def _share(sums: Floats) -> Floats:
    share = sums + 1.0
    return np.asarray(share / share.sum())


def _common(counts: Floats) -> Floats:
    common = counts.sum(axis=0)
    C = common.shape[0]
    # A class nobody has met yet: right as often as answers are over all. That is EM's own word, so
    # few of them say little.
    overall = float(np.trace(common)) + DEFAULT_STRENGTH * DEFAULT_RIGHT
    overall /= float(common.sum()) + DEFAULT_STRENGTH
    overall = min(max(overall, 1.0 / C), 0.99)
    base = common + 2.0 * (1.0 - overall) / (C - 1)
    base[np.arange(C), np.arange(C)] += 2.0 * (overall - (1.0 - overall) / (C - 1))
    return np.asarray(base / base.sum(axis=0, keepdims=True))


def _likelihood(scores: Floats, gold: Ints, known: Ints, *, out: Floats) -> float:
    """Write the posterior to `out`; return the log-likelihood of answers and gold."""
    told = float(scores[gold, known[gold]].sum()) if len(gold) else 0.0
    top = scores.max(axis=1, keepdims=True)
    scores -= top
    np.exp(scores, out=out)
    mass = out.sum(axis=1, keepdims=True)
    out /= mass
    free = top[:, 0] + np.log(mass[:, 0])
    return told + float(free.sum()) - (float(free[gold].sum()) if len(gold) else 0.0)
