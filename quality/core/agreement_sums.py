"""Krippendorff's sums by unit, so that α of any weighting of the units is a few products.

α = 1 − D_o / D_e. D_o adds up what each unit says by itself; D_e needs only how often each value
was given. Both are linear or quadratic in the units' weights: a thousand bootstrap replicates are
one sparse product. The ordinal distance is the interval distance of the values' middle ranks,
which hang on the replicate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from quality.core.arguments import Floats, Ints, column, real

METRICS = ("nominal", "ordinal", "interval", "ratio")
MOST_RATIOS = 5_000  # distinct values of a ratio scale; their distances are a square table
EVEN = 1e-12


@dataclass(frozen=True)
class Units:
    """Answers to units that have at least two, sorted by unit.

    unit : (N,) from 0 to n_units − 1; code : (N,) index of the value among values (V,), ascending
    """

    unit: Ints
    code: Ints
    values: Floats
    n_units: int


def units_iv(unit: ArrayLike, value: ArrayLike, metric: str) -> Units:
    """Check answers and drop those that have no company; ValueError names the argument."""
    of = column("unit", unit)
    given = np.asarray(value)
    if given.shape != of.shape:
        raise ValueError(f"value must have shape {of.shape}, got {given.shape}")
    numbers = real("value", given) if given.size else np.zeros(0)
    if metric == "ratio" and (numbers < 0).any():
        raise ValueError("value must not be negative on a ratio scale")
    paired = np.bincount(of)[of] > 1 if len(of) else np.zeros(0, dtype=bool)
    order = np.flatnonzero(paired)[np.lexsort((numbers[paired], of[paired]))]
    _kept, index = np.unique(of[order], return_inverse=True)
    values, code = np.unique(numbers[order], return_inverse=True)
    return Units(index.astype(np.int64), code.astype(np.int64), values, len(_kept))


def pair_up(unit: Ints) -> tuple[Ints, Ints]:
    """Return rows (i, j), i < j, of every two answers to a unit; unit is sorted."""
    end = np.searchsorted(unit, unit, side="right")
    after = end - np.arange(len(unit)) - 1
    first = np.repeat(np.arange(len(unit)), after)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(after) - after, after)
    return first, first + 1 + offset


@dataclass(frozen=True)
class Sums:
    """What α is made of.

    counts : (U, V) sparse, answers by unit and value
    apart : (U, P) sparse, Σ 2 / (m − 1) over the unit's pairs with these two values
    low, high : (P,) the two value codes of each kind of pair, low < high
    """

    metric: str
    values: Floats
    counts: csr_array
    apart: csr_array
    low: Ints
    high: Ints

    @classmethod
    def of(cls, answers: Units, metric: str) -> "Sums":
        """Add up answers; pairs of equal values are in no sum, since their distance is 0."""
        n, V = answers.n_units, len(answers.values)
        one = np.ones(len(answers.unit))
        counts = csr_array((one, (answers.unit, answers.code)), shape=(n, V))
        i, j = pair_up(answers.unit)
        differ = answers.code[i] != answers.code[j]
        i, j = i[differ], j[differ]
        kinds, kind = np.unique(answers.code[i] * V + answers.code[j], return_inverse=True)
        size = np.bincount(answers.unit, minlength=n)
        weight = 2.0 / (size[answers.unit[i]] - 1.0)
        apart = csr_array((weight, (answers.unit[i], kind)), shape=(n, len(kinds)))
        low, high = np.divmod(kinds, max(V, 1))
        return cls(metric, answers.values, counts, apart, low, high)

    def unit_disagreement(self) -> Floats:
        """Return (U,) share of each unit's pairs that differ."""
        return np.asarray(self.apart.sum(axis=1) / self.counts.sum(axis=1))

    def alpha(self, weight: Floats) -> Floats:
        """Return (B,) α at unit weights (B, U) ≥ 0; NaN where all values of a replicate agree."""
        n = np.asarray(weight @ self.counts)
        total = n.sum(axis=1)
        observed, expected = self._distances(weight, n)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = 1.0 - (total - 1.0) * observed / expected
        return np.where(expected > EVEN * np.maximum(total, 1.0) ** 2, value, np.nan)

    def _distances(self, weight: Floats, n: Floats) -> tuple[Floats, Floats]:
        """Return Σ distances within units, and Σ_vk n_v n_k δ_vk, each (B,)."""
        total = n.sum(axis=1)
        pairs = np.asarray(weight @ self.apart)
        if self.metric == "nominal":
            return pairs.sum(axis=1), total**2 - (n**2).sum(axis=1)
        if self.metric == "ratio":
            x = self.values
            if len(x) > MOST_RATIOS:
                raise ValueError(f"value must have at most {MOST_RATIOS} distinct ratios")
            both = x[:, None] + x[None, :]
            table = ((x[:, None] - x[None, :]) / np.where(both > 0, both, 1.0)) ** 2
            return pairs @ table[self.low, self.high], np.einsum("bv,vk,bk->b", n, table, n)
        if self.metric == "interval":
            # About the mean, so that far-off values cost no digits.
            place = np.broadcast_to(self.values - self.values.mean(), n.shape)
            place = place / max(float(np.ptp(self.values)), EVEN)
        else:
            ranks = np.cumsum(n, axis=1) - n / 2.0
            place = ranks / np.maximum(total, 1.0)[:, None] - 0.5
        gap = (place[:, self.low] - place[:, self.high]) ** 2
        spread = total * (n * place**2).sum(axis=1) - (n * place).sum(axis=1) ** 2
        return (pairs * gap).sum(axis=1), 2.0 * spread
