"""Votes of annotators who err together: error of the vote, and answers asked until it is decided.

An item's chance p of a right answer is Beta distributed with mean A (the rate) and dispersion φ
(variance A(1 − A)φ): hard items are hard for everyone, so votes are not independent. Wrong answers
spread evenly over the other classes; plurality decides, ties at random. Answers are asked one at
a time until no remaining answer can change the outcome. Both quantities are polynomials of degree
m in p; in Bernstein form their mean under the Beta is exact: Σ_j BetaBinomial(j; m, A, φ) f_j.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

Floats = NDArray[np.float64]

MAX_ANSWERS = 9
MAX_CLASSES = 10  # more classes are as good as ten: wrong answers hardly ever meet
GRID = np.linspace(0.0, 1.0, 801)
EDGE = 1e-9


def vote_error(rate: Floats, answers: int, dispersion: float, classes: int) -> Floats:
    """Return the chance that the vote of `answers` is wrong.

    Parameters
    ----------
    rate : any shape, in [0, 1], chance that one answer is right
    answers : 1..9
    dispersion : [0, 1); 0 = independent
    classes : ≥ 2

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    if answers == 1:
        return 1.0 - np.asarray(rate, dtype=np.float64)
    error, _asked = _tables(answers, float(dispersion), min(int(classes), MAX_CLASSES))
    return np.interp(rate, GRID, error)


def expected_answers(rate: Floats, answers: int, dispersion: float, classes: int) -> Floats:
    """Return the mean number of answers until the vote is decided (see `vote_error`)."""
    if answers == 1:
        return np.ones_like(np.asarray(rate, dtype=np.float64))
    _error, asked = _tables(answers, float(dispersion), min(int(classes), MAX_CLASSES))
    return np.interp(rate, GRID, asked)


@lru_cache(maxsize=512)
def _tables(answers: int, dispersion: float, classes: int) -> tuple[Floats, Floats]:
    if not 1 <= answers <= MAX_ANSWERS:
        raise ValueError(f"answers must be from 1 to {MAX_ANSWERS}, got {answers}")
    if not 0 <= dispersion < 1:
        raise ValueError(f"dispersion must be from 0 to below 1, got {dispersion}")
    if classes < 2:
        raise ValueError(f"classes must be at least 2, got {classes}")
    right, asked = _bernstein(answers, classes)
    weight = _beta_binomial(answers, np.clip(GRID, EDGE, 1 - EDGE), dispersion)
    return 1.0 - weight @ right, weight @ asked


def _beta_binomial(m: int, rate: Floats, dispersion: float) -> Floats:
    """Return P(j of m right), shape (len(rate), m + 1)."""
    j = np.arange(m + 1)
    choose = gammaln(m + 1) - gammaln(j + 1) - gammaln(m - j + 1)
    if dispersion < 1e-9:
        logs = choose + j * np.log(rate)[:, None] + (m - j) * np.log1p(-rate)[:, None]
        return np.asarray(np.exp(logs))
    strength = 1.0 / dispersion - 1.0
    a, b = (rate * strength)[:, None], ((1 - rate) * strength)[:, None]
    return np.asarray(np.exp(choose + betaln(a + j, b + m - j) - betaln(a, b)))


@lru_cache(maxsize=256)
def _bernstein(m: int, classes: int) -> tuple[Floats, Floats]:
    """Return P(vote right | j right) and E(answers asked | j right), each of shape (m + 1,)."""
    p = 0.5 - 0.5 * np.cos(np.pi * (2 * np.arange(m + 1) + 1) / (2 * m + 2))
    right, asked = _play(m, classes, p)
    j = np.arange(m + 1)
    choose = np.exp(gammaln(m + 1) - gammaln(j + 1) - gammaln(m - j + 1))
    basis = choose * p[:, None] ** j * (1 - p[:, None]) ** (m - j)
    solved = np.linalg.solve(basis, np.stack([right, asked], axis=1))
    return solved[:, 0], solved[:, 1]


def _play(m: int, classes: int, p: Floats) -> tuple[Floats, Floats]:
    """Play the vote out at each p: (chance that it ends right, mean answers asked)."""
    known: dict[tuple[int, tuple[int, ...]], tuple[Floats, Floats]] = {}

    def from_state(right: int, wrong: tuple[int, ...]) -> tuple[Floats, Floats]:
        state = (right, wrong)
        if state in known:
            return known[state]
        given = right + sum(wrong)
        counts = sorted([right, *wrong], reverse=True)
        second = counts[1] if len(counts) > 1 else 0
        if given == m or counts[0] > second + (m - given):
            best = counts[0]
            ties = (1 if right == best else 0) + sum(1 for w in wrong if w == best)
            won = 1.0 / ties if right == best else 0.0
            result = (np.full_like(p, won), np.zeros_like(p))
        else:
            chance, asked = from_state(right + 1, wrong)
            total, length = p * chance, 1.0 + p * asked
            unused = classes - 1 - len(wrong)
            moves = [(wrong.count(w), w) for w in sorted(set(wrong))]
            for ways, w in [*moves, (unused, 0)]:
                if not ways:
                    continue
                grown = list(wrong)
                if w:
                    grown.remove(w)
                grown.append(w + 1)
                chance, asked = from_state(right, tuple(sorted(grown)))
                share = (1 - p) * ways / (classes - 1)
                total = total + share * chance
                length = length + share * asked
            result = (total, length)
        known[state] = result
        return result

    return from_state(0, ())
