"""The coupling rows of a plan: capacities by day, commitments and share caps, in one numbering.

Every row reads A x ≤ b with a price ≥ 0. A commitment stands as −use ≤ −promised (its shortfall is
the callers' variable, so its price is at most the shortfall's); a share cap as
use_r − cap_r · outside ≤ allowance_r.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from routing.core.plan_model import Model, Prices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Rows:
    """Rows that columns of the model touch at all, and the matrix of any columns in them.

    Attributes
    ----------
    capacity : (C,) int, flat (resource, day) of the capacity rows
    committed, capped : (Q,), (S,) int, resources with a commitment or a share cap
    right : (M,) float, right sides; M = C + Q + S, rows in that order
    highest : (M,) float, what a price can reach: the shortfall's price, else inf
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        R, D = model.capacity.shape
        touched = np.zeros((R, D), dtype=bool)
        amounts = model.amounts.tocoo()
        for day in range(D):
            touched[amounts.col[model.day_allowed[amounts.row, day]], day] = True
        used = touched.any(axis=1)
        self.capacity = np.flatnonzero((touched & model.finite).ravel())
        self.committed = np.flatnonzero((model.commitment > 0) & (model.shortfall_price > 0) & used)
        self.capped = np.flatnonzero(model.capped & used)
        self.number = np.full((R, D), -1, dtype=np.int64)
        self.number.ravel()[self.capacity] = np.arange(len(self.capacity))
        self.right = np.concatenate(
            [
                model.capacity.ravel()[self.capacity],
                -model.commitment[self.committed],
                model.allowance[self.capped],
            ]
        )
        self.highest = np.full(len(self.right), np.inf)
        a, b = len(self.capacity), len(self.capacity) + len(self.committed)
        self.highest[a:b] = model.shortfall_price[self.committed]
        self._splits = (a, b)
        self._whole_horizon = self._horizon_rows()

    def __len__(self) -> int:
        return len(self.right)

    def _horizon_rows(self) -> Any:
        """Return the rows that do not depend on the day, by pair (P, Q + S)."""
        model = self.model
        if not len(self.committed) and not len(self.capped):
            return None
        by_row = model.amounts.tocsc()
        parts = [-by_row[:, [r]] for r in self.committed]
        if len(self.capped):
            outside = sparse.csc_array(model.outside_amount[:, None])
            parts += [by_row[:, [r]] - outside * model.share_cap[r] for r in self.capped]
        return sparse.hstack(parts, format="csr")

    def matrix(self, columns: Ints) -> sparse.csr_array:
        """Return what one task of each column takes of each row, (n, M)."""
        model = self.model
        pair = model.pair[columns]
        if not len(self.capacity):
            if self._whole_horizon is None:
                return sparse.csr_array((len(columns), 0))
            return self._whole_horizon[pair]
        some = model.amounts[pair]
        day = np.repeat(model.day[columns], np.diff(some.indptr))
        at = self.number[some.indices, day]
        # An endless capacity is no row; its entries become zeros in the first one.
        value = np.where(at >= 0, some.data, 0.0)
        matrix = sparse.csr_array(
            (value, np.maximum(at, 0), some.indptr), shape=(len(columns), len(self.capacity))
        )
        if self._whole_horizon is not None:
            matrix = sparse.hstack([matrix, self._whole_horizon[pair]], format="csr")
        return matrix

    def prices(self, values: Floats) -> Prices:
        """Return the prices of a vector over the rows."""
        a, b = self._splits
        zero = self.model.zero_prices()
        capacity = zero.capacity.ravel()
        capacity[self.capacity] = values[:a]
        zero.commitment[self.committed] = values[a:b]
        zero.share[self.capped] = values[b:]
        return replace(zero, capacity=capacity.reshape(zero.capacity.shape))

    def values(self, prices: Prices) -> Floats:
        """Return prices as a vector over the rows."""
        return np.concatenate(
            [
                prices.capacity.ravel()[self.capacity],
                prices.commitment[self.committed],
                prices.share[self.capped],
            ]
        )

    def typical(self) -> Floats:
        """Return the mean amount that a task takes of each row (M,), where it takes any."""
        amounts = self.model.amounts.tocsc()
        entries = np.maximum(np.diff(amounts.indptr), 1)
        mean = np.asarray(amounts.sum(axis=0)).reshape(-1) / entries
        D = self.model.capacity.shape[1]
        return np.concatenate([mean[self.capacity // D], mean[self.committed], mean[self.capped]])
