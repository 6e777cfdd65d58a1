"""Observations of many series in order of time, taken one round at a time.

Round k holds the k-th new observation of every series that has one, so a chart over thousands of
series is one vector step per round, and each series sees its own observations in their order.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quality.core.arguments import Floats, Ints, column

Step = Callable[[Ints, Any], Any]


def rounds(series: Ints) -> Iterator[Ints]:
    """Yield (m,) row numbers of each round; a round holds a series at most once."""
    order = np.argsort(series, kind="stable")
    mine = series[order]
    first = np.searchsorted(mine, mine)
    place = np.arange(len(mine)) - first
    by_round = order[np.argsort(place, kind="stable")]
    ends = np.cumsum(np.bincount(place)) if len(mine) else np.zeros(0, dtype=np.int64)
    start = 0
    for end in ends:
        yield np.sort(by_round[start:end])
        start = end


def run(series: Ints, values: Any, step: Step) -> Ints:
    """Take the observations round by round; return the rows at which `step` raised an alarm.

    step(series, values) → (m,) bool, called with a round's series and values
    """
    alarms = [rows[step(series[rows], values[rows])] for rows in rounds(series)]
    return np.sort(np.concatenate(alarms)) if alarms else np.zeros(0, dtype=np.int64)


def observations_iv(series: ArrayLike, values: ArrayLike, n_series: int) -> tuple[Ints, Floats]:
    """Check series (N,) in 0..n_series − 1 and finite values (N,)."""
    of = column("series", series)
    if len(of) and of.max() >= n_series:
        raise ValueError(f"series must be below {n_series}, got {of.max()}")
    array = np.asarray(values, dtype=np.float64)
    if array.shape != of.shape:
        raise ValueError(f"values must have shape {of.shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("values must be finite")
    return of, array


def wrongs_iv(series: ArrayLike, wrong: ArrayLike, n_series: int) -> tuple[Ints, Any]:
    """Check series (N,) in 0..n_series − 1 and wrong (N,) of 0 and 1."""
    array = np.asarray(wrong)
    if array.size and not np.isin(array, (0, 1)).all():
        raise ValueError("wrong must hold 0 and 1")
    of, values = observations_iv(series, array, n_series)
    return of, values.astype(bool)
