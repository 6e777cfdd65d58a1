"""Cohorts: tasks that look the same to the router are decided together.

The key is every attribute that a gate, a band, a price or the due day reads, plus effort and error
cost in steps of × √2. A million tasks become some thousands of cohorts.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def step(values: Floats) -> Ints:
    """Return the step of × √2 in which each value lies; zero and less have a step of their own."""
    positive = values > 0
    logs = np.log2(np.where(positive, values, 1.0))
    return np.where(positive, np.rint(2 * logs).astype(np.int64), -10_000)


def group(columns: Sequence[NDArray[np.generic]]) -> tuple[Ints, Ints]:
    """Group rows that agree in every column.

    Returns
    -------
    cohort : (n,) int, numbered in the order of the sorted key (so equal input gives equal output)
    first : (K,) int, one row of each cohort (its first)

    Raises
    ------
    ValueError
        If the columns differ in length or hold more combinations than 63 bits can count.
    """
    n = len(columns[0])
    combined = np.zeros(n, dtype=np.int64)
    size = 1
    for column in columns:
        if len(column) != n:
            raise ValueError("columns must have equal length")
        if n == 0:
            continue
        codes, width = _codes(column)
        if size * width > 2**62:
            # Squeeze what was combined so far into a dense range before going on.
            _values, combined = np.unique(combined, return_inverse=True)
            size = int(combined.max()) + 1
            if size * width > 2**62:
                raise ValueError("too many combinations of attributes")
        combined = combined * width + codes
        size *= width
    _values, first, cohort = np.unique(combined, return_index=True, return_inverse=True)
    return cohort.reshape(-1).astype(np.int64), first.astype(np.int64)


def _codes(column: NDArray[np.generic]) -> tuple[Ints, int]:
    """Return dense-enough codes of a column and how many there may be."""
    if column.dtype.kind in "iub":
        values = column.astype(np.int64)
        low, high = int(values.min()), int(values.max())
        if high - low < 1 << 20:
            return values - low, high - low + 1
    unique, codes = np.unique(column, return_inverse=True)
    return codes.reshape(-1).astype(np.int64), len(unique)


def mean_of(values: Floats, cohort: Ints, count: Ints) -> Floats:
    """Return the mean of a column in each cohort (K,)."""
    return np.bincount(cohort, values, minlength=len(count)) / np.maximum(count, 1)
