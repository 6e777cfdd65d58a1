"""Which label is taken for which: counts of (true, given), cut to what a person can read.

Of many labels those are kept that take part in the most mistakes; the rest is one row and column,
so that every count still stands somewhere and rows add up to what was checked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from quality.core.arguments import Floats, Ints
from quality.core.intervals import wilson

MOST_LABELS = 30
REST = ""


@dataclass(frozen=True)
class Confusion:
    """Counts of answers by true and given label.

    labels : L names in order; where `cut` the most mistaken first, the last is REST
    counts : (L, L) int, counts[k_true, k_given]
    checked, right : of all answers
    pairs : (true, given, count, share of the true label's answers, lower, upper) of all labels,
        the most frequent mistakes first; shares with Wilson's 95 % interval
    every : how many labels there are in all
    """

    labels: tuple[str, ...]
    counts: Ints
    checked: int
    right: int
    pairs: tuple[tuple[str, str, int, float, float, float], ...]
    every: int
    cut: bool


def confusion(
    answers: Iterable[tuple[str, str, int]], *, most: int = MOST_LABELS, pairs: int = 10
) -> Confusion:
    """Return the confusion of answers.

    Parameters
    ----------
    answers : (true label, given label, count > 0); the same pair may come several times
    most : labels shown apart, ≥ 1; pairs : mistakes told in words, ≥ 0

    Examples
    --------
    >>> found = confusion([("cat", "cat", 8), ("cat", "dog", 2), ("dog", "dog", 5)])
    >>> found.labels, found.counts.tolist(), found.pairs[0][:4]
    (('cat', 'dog'), [[8, 2], [0, 5]], ('cat', 'dog', 2, 0.2))
    """
    if most < 1:
        raise ValueError(f"most must be at least 1, got {most}")
    total: dict[tuple[str, str], int] = {}
    for true, given, n in answers:
        if n <= 0:
            raise ValueError(f"counts must be positive, got {n}")
        total[true, given] = total.get((true, given), 0) + n
    names = sorted({name for pair in total for name in pair})
    place = {name: number for number, name in enumerate(names)}
    row = np.array([place[true] for true, _given in total], dtype=np.int64)
    column = np.array([place[given] for _true, given in total], dtype=np.int64)
    count = np.array(list(total.values()), dtype=np.int64)
    wrong = row != column
    L = len(names)
    mistakes = np.bincount(row[wrong], count[wrong], minlength=L)
    mistakes += np.bincount(column[wrong], count[wrong], minlength=L)
    use = np.bincount(row, count, minlength=L) + np.bincount(column, count, minlength=L)
    # Most mistakes first, then what is seen most, then by name.
    order = np.lexsort((np.arange(L), -use, -mistakes))
    cut = most < L
    shown = order[:most] if cut else np.arange(L)
    at = np.full(L, len(shown), dtype=np.int64)
    at[shown] = np.arange(len(shown))
    size = len(shown) + cut
    table = np.bincount(at[row] * size + at[column], count, minlength=size * size)
    labels = tuple(names[k] for k in shown.tolist())
    return Confusion(
        labels=(*labels, REST) if cut else labels,
        counts=table.reshape(size, size).astype(np.int64),
        checked=int(count.sum()),
        right=int(count[~wrong].sum()),
        pairs=_pairs(names, row, column, count, pairs),
        every=L,
        cut=cut,
    )


def _pairs(
    names: list[str], row: Ints, column: Ints, count: Ints, most: int
) -> tuple[tuple[str, str, int, float, float, float], ...]:
    wrong = np.flatnonzero(row != column)
    of_true = np.bincount(row, count, minlength=len(names)).astype(np.int64)
    order = wrong[np.lexsort((column[wrong], row[wrong], -count[wrong]))][:most]
    low, high = wilson(count[order], of_true[row[order]])
    share: Floats = count[order] / of_true[row[order]]
    return tuple(
        (names[t], names[g], n, p, a, b)
        for t, g, n, p, a, b in zip(
            row[order].tolist(),
            column[order].tolist(),
            count[order].tolist(),
            share.tolist(),
            low.tolist(),
            high.tolist(),
            strict=True,
        )
    )
