"""Wald's sequential test of a share of wrong answers: pause, clear, or go on.

After each answer of known truth the log-likelihood ratio of p1 against p0 moves by ln(p1/p0) when
it was wrong and by ln((1 − p1)/(1 − p0)) when it was right. At ln((1 − β)/α) or above a pause is
proposed, at ln(β/(1 − α)) or below the annotator is cleared (Wald, Sequential Analysis, 1947).
Since ratios jump over the bounds the true risks lie below α and β; `characteristic` computes
them, and the mean number of answers, exactly: the errors so far are a Markov chain.

Looking again and again at a fixed test is no such test: its error grows with every look. Nor is a
test that starts anew after every "clear": that is a CUSUM, whose false pauses have a mean distance
and no probability (`run_length`).
"""

from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from quality.core.arguments import Floats, Ints, inside, shares, whole
from quality.core.streams import run, wrongs_iv

PAUSE, GO_ON, CLEAR = 1, 0, -1
NEAR = 1e-9  # sums of logarithms this near to a bound are on it
SPENT = 1e-13  # chance of being undecided below which the chain is done


@dataclass(frozen=True)
class Sprt:
    """A test of p0 (good) against p1 (bad), 0 < p0 < p1 < 1.

    alpha : chance of pausing at p0, at most; beta : chance of clearing at p1, at most
    """

    p0: float
    p1: float
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        inside("p0", self.p0)
        inside("p1", self.p1, self.p0)
        inside("alpha", self.alpha)
        inside("beta", self.beta, 0.0, 1.0 - self.alpha)

    @property
    def wrong_step(self) -> float:
        """Return how far a wrong answer moves the ratio, > 0."""
        return log(self.p1 / self.p0)

    @property
    def right_step(self) -> float:
        """Return how far a right answer moves the ratio, < 0."""
        return log((1.0 - self.p1) / (1.0 - self.p0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Return (pause, clear) of the ratio."""
        return log((1.0 - self.beta) / self.alpha), log(self.beta / (1.0 - self.alpha))

    @property
    def lines(self) -> tuple[float, float, float]:
        """Return (slope, pause, clear): pause at errors ≥ pause + slope·n, clear at ≤ clear + …."""
        gap = self.wrong_step - self.right_step
        up, down = self.bounds
        return -self.right_step / gap, up / gap, down / gap

    def table(self, n: ArrayLike) -> tuple[Ints, Ints]:
        """Return (pause, clear): errors of n answers from which, and up to which, it is decided.

        pause is above n, clear is −1, where n answers cannot decide so.
        """
        m = whole("n", n)
        slope, up, down = self.lines
        pause = np.ceil(up + slope * m - NEAR).astype(np.int64)
        clear = np.floor(down + slope * m + NEAR).astype(np.int64)
        return pause, np.maximum(clear, -1)

    @property
    def approximate_n(self) -> tuple[float, float]:
        """Return Wald's approximation of the mean number of answers at p0 and at p1."""
        up, down = self.bounds
        result = []
        for p, paused in ((self.p0, self.alpha), (self.p1, 1.0 - self.beta)):
            drift = p * self.wrong_step + (1.0 - p) * self.right_step
            result.append((paused * up + (1.0 - paused) * down) / drift)
        return result[0], result[1]


@dataclass(frozen=True)
class Characteristic:
    """What a test does at each share of wrong answers asked for, all (P,).

    pause, clear : chances, summing to 1; mean_n : mean number of answers until then
    """

    pause: Floats
    clear: Floats
    mean_n: Floats


def characteristic(test: Sprt, share: ArrayLike, *, truncate: int | None = None) -> Characteristic:
    """Return the exact operating characteristic.

    Parameters
    ----------
    share : (P,) in (0, 1), true shares of wrong answers
    truncate : after so many answers the sign of the ratio decides; 0 clears. None = never
    """
    p = np.atleast_1d(shares("share", share))[:, None]
    if ((p == 0) | (p == 1)).any():
        raise ValueError("share must lie between 0 and 1")
    if truncate is not None and truncate < 1:
        raise ValueError(f"truncate must be at least 1, got {truncate}")
    live = np.ones((len(p), 1))
    base, n = 0, 0  # column j of live holds base + j errors
    pause, clear, mean = (np.zeros(len(p)) for _ in range(3))
    while live.size and live.sum(axis=1).max() > SPENT:
        mean += live.sum(axis=1)
        n += 1
        grown = np.pad(live * (1.0 - p), ((0, 0), (0, 1))) + np.pad(live * p, ((0, 0), (1, 0)))
        if n == truncate:
            slope = test.lines[0]
            paused = base + np.arange(grown.shape[1]) > slope * n + NEAR
            pause += grown[:, paused].sum(axis=1)
            clear += grown[:, ~paused].sum(axis=1)
            break
        from_pause, to_clear = (int(bound) for bound in test.table(n))
        low = min(max(to_clear + 1 - base, 0), grown.shape[1])
        high = min(max(from_pause - base, 0), grown.shape[1])
        clear += grown[:, :low].sum(axis=1)
        pause += grown[:, high:].sum(axis=1)
        live, base = grown[:, low:high], base + low
    return Characteristic(pause, clear, mean)


def run_length(test: Sprt, share: ArrayLike) -> Floats:
    """Return (P,) mean answers to a pause where the test starts anew after every "clear".

    The rounds are independent and equal, so it is mean_n / pause (Page, Biometrika 41, 1954).
    """
    found = characteristic(test, share)
    return found.mean_n / found.pause


def fixed_sample(test: Sprt) -> tuple[int, int]:
    """Return (n, errors from which to pause) of the smallest fixed test with the same risks."""
    most = 64
    while True:
        n = np.arange(1, most + 1)
        pause = binom.isf(test.alpha, n, test.p0).astype(np.int64) + 1
        fits = np.flatnonzero(binom.cdf(pause - 1, n, test.p1) <= test.beta)
        if fits.size:
            return int(n[fits[0]]), int(pause[fits[0]])
        most *= 2


@dataclass(frozen=True)
class SprtState:
    """Where the tests of S series stand; kept between observations.

    answers, errors : (S,) since the test of the series began
    status : (S,) int8, PAUSE, GO_ON or CLEAR
    """

    answers: Ints
    errors: Ints
    status: NDArray[np.int8]

    @classmethod
    def start(cls, n_series: int) -> "SprtState":
        """Return tests of which nothing has been seen."""
        zero = np.zeros(n_series, dtype=np.int64)
        return cls(zero, zero.copy(), np.zeros(n_series, dtype=np.int8))

    def restarted(self, series: ArrayLike) -> "SprtState":
        """Return the state with the tests of these series begun anew (a person has decided)."""
        of = whole("series", series)
        if of.size and of.max() >= len(self.answers):
            raise ValueError(f"series must be below {len(self.answers)}, got {of.max()}")
        parts = self.answers.copy(), self.errors.copy(), self.status.copy()
        for part in parts:
            part[of] = 0
        return replace(self, answers=parts[0], errors=parts[1], status=parts[2])


def observe(
    test: Sprt, state: SprtState, series: ArrayLike, wrong: ArrayLike, *, restart: bool = False
) -> tuple[SprtState, Ints]:
    """Take new answers; return (state, rows at which a series was decided, ascending).

    A decided series takes no more answers until it is restarted. With `restart` a cleared one
    starts anew by itself and is not reported: a CUSUM, to be told by its `run_length`.

    Parameters
    ----------
    series : (N,) int, series of each answer, in order of time
    wrong : (N,) of 0 and 1
    """
    of, bad = wrongs_iv(series, wrong, len(state.answers))
    n, errors, status = state.answers.copy(), state.errors.copy(), state.status.copy()
    up, down = test.bounds

    def step(rows: Ints, is_wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
        going = status[rows] == GO_ON
        n[rows] += going
        errors[rows] += going & is_wrong
        ratio = errors[rows] * test.wrong_step + (n[rows] - errors[rows]) * test.right_step
        pause, clear = going & (ratio >= up - NEAR), going & (ratio <= down + NEAR)
        status[rows[pause]] = PAUSE
        if restart:
            n[rows[clear]] = errors[rows[clear]] = 0
            return np.asarray(pause)
        status[rows[clear]] = CLEAR
        return np.asarray(pause | clear)

    decided = run(of, bad, step)
    return SprtState(n, errors, status), decided
