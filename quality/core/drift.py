"""Charts that watch many series at once: Bernoulli CUSUM, normal CUSUM, EWMA.

Each takes observations in order of time, keeps its state between calls and says at which rows a
series gave alarm; after an alarm the series starts anew. How seldom an alarm is false is the mean
run length, counted in observations of one series, not in days (`drift_run_length`): choose it from
what the reviewers can look at.

Page, Continuous Inspection Schemes, Biometrika 41, 1954; Reynolds and Stoumbos, A CUSUM Chart for
Monitoring a Proportion When Inspecting Continuously, Journal of Quality Technology 31, 1999;
Roberts, Control Chart Tests Based on Geometric Moving Averages, Technometrics 1, 1959.
"""

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.core.arguments import Floats, Ints, inside
from quality.core.streams import observations_iv, run, wrongs_iv

FINE = 0.05  # how far whole steps may be from the likelihood's, relatively


@dataclass(frozen=True)
class BernoulliCusum:
    """S = max(0, S − down) after a right answer, S + up after a wrong one; alarm at S ≥ limit.

    Whole steps, so that the chart is a finite Markov chain.
    """

    up: int
    down: int
    limit: int

    def __post_init__(self) -> None:
        for name in ("up", "down", "limit"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


def steps_for(p0: float, p1: float) -> tuple[int, int]:
    """Return (up, down), whole, near the steps of the likelihood ratio of p1 against p0."""
    inside("p0", p0)
    inside("p1", p1, p0)
    ratio = log(p1 / p0) / -log((1.0 - p1) / (1.0 - p0))
    down = 1
    while abs(max(round(ratio * down), 1) / (ratio * down) - 1.0) > FINE:
        down += 1
    return max(round(ratio * down), 1), down


def watch_wrongs(
    chart: BernoulliCusum, state: Ints, series: ArrayLike, wrong: ArrayLike
) -> tuple[Ints, Ints]:
    """Return (state (S,), rows of alarms).

    state : (S,) int, zeros at the start; series, wrong : (N,) in order of time, wrong of 0 and 1
    """
    level = np.array(state, dtype=np.int64)
    of, bad = wrongs_iv(series, wrong, len(level))

    def step(rows: Ints, is_wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
        moved = np.where(is_wrong, level[rows] + chart.up, np.maximum(level[rows] - chart.down, 0))
        alarm = np.asarray(moved >= chart.limit)
        level[rows] = np.where(alarm, 0, moved)
        return alarm

    alarms = run(of, bad, step)
    return level, alarms


@dataclass(frozen=True)
class Cusum:
    """Two-sided CUSUM of standardised values: slack k ≥ 0 and limit h > 0, in deviations."""

    slack: float = 0.5
    limit: float = 5.0

    def __post_init__(self) -> None:
        if self.slack < 0:
            raise ValueError(f"slack must not be negative, got {self.slack}")
        if self.limit <= 0:
            raise ValueError(f"limit must be positive, got {self.limit}")


def watch_cusum(
    chart: Cusum, state: Floats, series: ArrayLike, values: ArrayLike
) -> tuple[Floats, Ints]:
    """Return (state (S, 2), rows of alarms).

    state : (S, 2) [risen, fallen], zeros at the start; values : (N,) (x − mean) / deviation
    """
    level = np.array(state, dtype=np.float64)
    of, z = observations_iv(series, values, len(level))

    def step(rows: Ints, value: Floats) -> NDArray[np.bool_]:
        signed = np.stack([value, -value], axis=1)
        moved = np.maximum(level[rows] + signed - chart.slack, 0.0)
        alarm: NDArray[np.bool_] = np.asarray((moved > chart.limit).any(axis=1))
        level[rows] = np.where(alarm[:, None], 0.0, moved)
        return alarm

    alarms = run(of, z, step)
    return level, alarms


@dataclass(frozen=True)
class Ewma:
    """Moving average with weight λ in (0, 1]; alarm beyond ± width · its own deviation.

    The deviation is that of a long series, √(λ/(2 − λ)).
    """

    weight: float = 0.1
    width: float = 2.814

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight must lie above 0 and at most at 1, got {self.weight}")
        if self.width <= 0:
            raise ValueError(f"width must be positive, got {self.width}")

    @property
    def limit(self) -> float:
        """Return the largest average without alarm, in deviations of one value."""
        return self.width * sqrt(self.weight / (2.0 - self.weight))


def watch_ewma(
    chart: Ewma, state: Floats, series: ArrayLike, values: ArrayLike
) -> tuple[Floats, Ints]:
    """Return (state (S,), rows of alarms); state is zeros at the start, values as `watch_cusum`."""
    level = np.array(state, dtype=np.float64)
    of, z = observations_iv(series, values, len(level))

    def step(rows: Ints, value: Floats) -> NDArray[np.bool_]:
        moved = (1.0 - chart.weight) * level[rows] + chart.weight * value
        alarm = np.abs(moved) > chart.limit
        level[rows] = np.where(alarm, 0.0, moved)
        return np.asarray(alarm)

    alarms = run(of, z, step)
    return level, alarms
