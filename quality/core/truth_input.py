"""Answers in one fixed order, checked once at the door."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Answers sorted by task, then annotator, then label, so that no result hangs on their order.

    task, annotator : (n,) integers from 0
    label : (n,) integers from 0, or scores
    weight : (n,) in (0, 1], how much an answer says of its annotator now
    vote : (n,) 1/k where an annotator answered a task k times: together one voice
    start : (T + 1,) where each task's answers begin
    """

    task: Ints
    annotator: Ints
    label: Any
    weight: Floats
    vote: Floats
    start: Ints
    n_tasks: int
    n_annotators: int

    @property
    def size(self) -> int:
        """Number of answers."""
        return len(self.task)

    def votes(self) -> Floats:
        """Return (T,) voices per task."""
        return np.bincount(self.task, self.vote, minlength=self.n_tasks).astype(np.float64)

    def by_annotator(self, values: Floats) -> Floats:
        """Return (W,) sums of one value per answer."""
        return np.bincount(self.annotator, values, minlength=self.n_annotators).astype(np.float64)


def answers_iv(
    task: ArrayLike,
    annotator: ArrayLike,
    label: ArrayLike,
    weight: ArrayLike | None,
    n_tasks: int,
    *,
    of_label: str = "label",
) -> Answers:
    """Check and sort the answers; `label`, checked by the caller, may hold scores.

    Raises
    ------
    ValueError
        Naming the argument that is wrong.
    """
    t, w = integers("task", task), integers("annotator", annotator)
    values = np.asarray(label)
    if not len(t) == len(w) == len(values):
        raise ValueError(f"task, annotator and {of_label} must have equal length")
    omega = _weights(weight, len(t))
    T = max(n_tasks, int(t.max(initial=-1)) + 1)
    W = int(w.max(initial=-1)) + 1
    order = _order(t, w, values, W)
    if order is not None:
        t, w, values, omega = t[order], w[order], values[order], omega[order]
    start = np.searchsorted(t, np.arange(T + 1))
    return Answers(t, w, values, omega, _votes(t, w), start, T, W)


def integers(name: str, values: ArrayLike) -> Ints:
    """Return one-dimensional integers from 0 up, or raise ValueError naming them."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must hold integers")
    array = array.astype(np.int64, copy=False)
    if array.size and array.min() < 0:
        raise ValueError(f"{name} must not be negative")
    return array


def _weights(weight: ArrayLike | None, n: int) -> Floats:
    if weight is None:
        return np.ones(n)
    omega = np.asarray(weight, dtype=np.float64)
    if omega.shape != (n,):
        raise ValueError("weight must hold one entry for every answer")
    if not ((omega > 0) & (omega <= 1)).all():
        raise ValueError("weight must lie above 0 and not above 1")
    return omega


def _order(t: Ints, w: Ints, values: NDArray[np.generic], W: int) -> Ints | None:
    """Return the sorting order, None where the answers stand in it already."""
    pair = t * W + w
    if pair.size < 2 or (pair[1:] > pair[:-1]).all():
        return None
    if np.issubdtype(values.dtype, np.integer):
        labels = values.astype(np.int64, copy=False)
        if pair.max() < 2**62 // (int(labels.max()) + 1):
            return np.argsort(pair * (int(labels.max()) + 1) + labels)
    return np.lexsort((values, pair))


def _votes(t: Ints, w: Ints) -> Floats:
    again = (t[1:] == t[:-1]) & (w[1:] == w[:-1])
    if not again.any():
        return np.ones(len(t))
    run = np.cumsum(np.concatenate([[True], ~again])) - 1
    return np.asarray(1.0 / np.bincount(run)[run])
