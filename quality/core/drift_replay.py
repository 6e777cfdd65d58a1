"""One series under a Bernoulli CUSUM from its beginning: path, alarms, and where each rise began.

Charts are replayed rather than carried on: evidence may become known late and in any order of
writing, and a replay gives the same whoever asks and however often. The point from which the level
has been above 0 without a break estimates when the change came (Page, Biometrika 41, 1954).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from quality.core.arguments import Ints
from quality.core.drift import BernoulliCusum, steps_for
from quality.core.drift_run_length import limit_for_wrongs, of_wrongs
from quality.core.standing import worse
from quality.core.streams import wrongs_iv


@dataclass(frozen=True)
class Plan:
    """A chart for a usual share of wrong answers, and what it promises.

    p0, p1 : shares of wrong answers, usual and worse; run_length, detection : mean answers to an
    alarm at p0 (a false one) and at p1
    """

    p0: float
    p1: float
    chart: BernoulliCusum
    run_length: float
    detection: float


@lru_cache(maxsize=64)
def plan_for(p0: float, odds: float, wanted: float) -> Plan:
    """Return the chart of p0 against odds worse by a factor, with a run length of `wanted` or more.

    Examples
    --------
    >>> plan = plan_for(0.05, 3.0, 1000.0)
    >>> plan.chart.up, plan.chart.down, plan.run_length >= 1000
    (11, 1, True)
    """
    p1 = worse(p0, odds)
    up, down = steps_for(p0, p1)
    chart = limit_for_wrongs(up, down, share=p0, wanted=wanted)
    length, detection = of_wrongs(chart, [p0, p1]).tolist()
    return Plan(p0, p1, chart, length, detection)


@dataclass(frozen=True)
class Rise:
    """An alarm: the row that raised it, and the first row since the level was last 0."""

    row: int
    first: int


@dataclass(frozen=True)
class Replay:
    """level : (N,) after each answer, before an alarm sets it back; alarms in order of time."""

    level: Ints
    alarms: list[Rise]
    last: int


def replay(chart: BernoulliCusum, wrong: ArrayLike) -> Replay:
    """Return the path of a series under a chart.

    wrong : (N,) of 0 and 1, in order of time

    Examples
    --------
    >>> found = replay(BernoulliCusum(10, 1, 22), [0, 1, 0, 1, 1, 0])
    >>> found.level.tolist(), found.alarms, found.last
    ([0, 10, 9, 19, 29, 0], [Rise(row=4, first=1)], 0)
    """
    _series, bad = wrongs_iv(np.zeros(np.size(wrong), dtype=np.int64), wrong, 1)
    path, alarms = [], []
    level = first = 0
    for row, is_wrong in enumerate(bad.tolist()):
        if level == 0:
            first = row
        level = level + chart.up if is_wrong else max(level - chart.down, 0)
        path.append(level)
        if level >= chart.limit:
            alarms.append(Rise(row, first))
            level = 0
    return Replay(np.array(path, dtype=np.int64), alarms, level)
