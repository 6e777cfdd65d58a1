"""One rate per annotator, where confusion matrices would be too many.

Wrong answers are taken to be spread evenly over the other classes. EM then runs over cells only: a
task's answered classes, and its gold class. All its other classes are alike and share one lump, so
memory follows the answers.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from quality.core.truth_em import (
    DEFAULT_RIGHT,
    DEFAULT_STRENGTH,
    MAX_ITERATIONS,
    STRENGTH,
    TOLERANCE,
)
from quality.core.truth_input import Answers, Flags, Floats, Ints


@dataclass(frozen=True)
class Cells:
    """The classes at stake, by task, then class.

    task, kind : (N,) of each cell
    of : (n,) cell of each answer
    gold : (G,) cell of the truth of each task whose truth is known, tasks ascending
    others : (T,) classes of a task that have no cell
    """

    task: Ints
    kind: Ints
    of: Ints
    gold: Ints
    others: Floats

    def sums(self, values: Floats) -> Floats:
        """Return (N,) sums of one value per answer."""
        return np.bincount(self.of, values, minlength=len(self.task)).astype(np.float64)

    def chances(self, scores: Floats) -> Floats:
        """Return (N,) probabilities from scores in which a class without a cell has 0."""
        T = len(self.others)
        top = np.zeros(T)
        np.maximum.at(top, self.task, scores)
        mass = np.exp(scores - top[self.task])
        total = np.bincount(self.task, mass, minlength=T) + self.others * np.exp(-top)
        return np.asarray(mass / total[self.task])


def cells(answers: Answers, known: Ints, C: int) -> Cells:
    """Return the cells of these answers and this gold; `known` is (T,), −1 = unknown."""
    gold = np.flatnonzero(known >= 0)
    keys = np.concatenate([answers.task * C + answers.label, gold * C + known[gold]])
    distinct, of = np.unique(keys, return_inverse=True)
    task, kind = np.divmod(distinct, C)
    others = C - np.bincount(task, minlength=answers.n_tasks).astype(np.float64)
    of = of.reshape(-1)
    return Cells(task, kind, of[: answers.size], of[answers.size :], others)


def fit(answers: Answers, table: Cells, known: Ints, C: int) -> tuple[Floats, Floats, bool]:
    """Return (N,) scores of the cells, each task left out of its own rates; (W,) rates; settled."""
    T = answers.n_tasks
    size = answers.by_annotator(answers.weight)
    clamped = known[table.task] >= 0
    held = (known[table.task] == table.kind).astype(np.float64)
    chance = table.sums(answers.vote)
    chance /= np.maximum(np.bincount(table.task, chance, minlength=T), 1e-12)[table.task]
    chance = np.where(clamped, held, chance)
    likelihood, converged = -np.inf, not answers.size
    for _round in range(MAX_ITERATIONS):
        rates, _good, _common = _rates(answers, table, chance, size)
        votes = answers.vote * odds(rates, C)[answers.annotator]
        scores = table.sums(votes)
        told = _likelihood(answers, table, scores, rates, clamped, C)
        chance = np.where(clamped, held, table.chances(scores))
        grown = (told - likelihood) / max(answers.size, 1)
        likelihood = told
        if grown < TOLERANCE:
            converged = True
            break
    rates, good, common = _rates(answers, table, chance, size)
    own = answers.weight * chance[table.of]
    left = (good[answers.annotator] - own + STRENGTH * common) / (
        size[answers.annotator] - answers.weight + STRENGTH
    )
    votes = answers.vote * odds(left, C)
    return table.sums(votes), rates, converged


def odds(rates: Floats, C: int) -> Floats:
    """Return the log of right against one given wrong class."""
    rates = np.clip(rates, 1.0 / C + 1e-3, 1 - 1e-3)
    return np.asarray(np.log(rates * (C - 1) / (1 - rates)))


def matrices(rates: Floats, C: int) -> Floats:
    """Return (W, C, C) [annotator, true, observed] of one rate each."""
    found = np.repeat(((1 - rates) / (C - 1))[:, None], C * C, axis=1).reshape(-1, C, C)
    found[:, np.arange(C), np.arange(C)] = rates[:, None]
    return found


def dense(table: Cells, chance: Floats, C: int) -> Floats:
    """Return (T, C): classes without a cell share what the cells leave."""
    T = len(table.others)
    left = np.maximum(1.0 - np.bincount(table.task, chance, minlength=T), 0.0)
    full = np.repeat((left / np.maximum(table.others, 1.0))[:, None], C, axis=1)
    full[table.task, table.kind] = chance
    return full


def thin(table: Cells, chance: Floats, C: int) -> sparse.csr_array:
    """Return (T, C) in CSR: the cells only, so that rows sum to less than 1."""
    keep: Flags = chance > 0
    return sparse.csr_array(
        (chance[keep], (table.task[keep], table.kind[keep])), shape=(len(table.others), C)
    )


def _rates(
    answers: Answers, table: Cells, chance: Floats, size: Floats
) -> tuple[Floats, Floats, float]:
    good = answers.by_annotator(answers.weight * chance[table.of])
    common = float(good.sum()) + DEFAULT_STRENGTH * DEFAULT_RIGHT
    common /= float(size.sum()) + DEFAULT_STRENGTH
    return (good + STRENGTH * common) / (size + STRENGTH), good, common


def _likelihood(
    answers: Answers, table: Cells, scores: Floats, rates: Floats, clamped: Flags, C: int
) -> float:
    """Return the log-likelihood, but for a constant."""
    T = len(table.others)
    wrong = np.log(np.clip((1 - rates) / (C - 1), 1e-12, None))[answers.annotator]
    told = float((answers.vote * wrong).sum()) + float(scores[table.gold].sum())
    top = np.zeros(T)
    np.maximum.at(top, table.task, scores)
    mass = np.bincount(table.task, np.exp(scores - top[table.task]), minlength=T)
    free = top + np.log(mass + table.others * np.exp(-top))
    of_gold = np.zeros(T, dtype=bool)
    of_gold[table.task[table.gold]] = True
    return told + float(free[~of_gold].sum())
