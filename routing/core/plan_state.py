"""A plan in whole numbers while it is improved: what is left of its rows, what shifts of it cost.

A *shift* takes one task of a cohort from one column to another (waiting is a column like any
other). Only columns near to tight are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.core.plan_master import Master
from routing.core.plan_model import Model
from routing.core.plan_rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE = 1e-6  # an LP value this near to the next whole number counts as it
COLUMNS = 25  # of a cohort that are looked at beside those in use
ENOUGH = 0.02  # gap in tasks' worth of cost, per row, below which a plan is good enough
TOLERANCE = 1e-10  # a row may be over by this share of its right side
EPS = 1e-9  # what pays less than this does not pay
# What a unit over or under a share cap costs or brings, of its dual price.
DEAR, CHEAP = 1.5, 0.5
HARD_CAP = 30.0  # how much dearer caps get in the end
LARGE = 6.0  # a large task, in median tasks

Shift = tuple[int, int]


@dataclass(frozen=True)
class Shifts:
    """All shifts that are looked at: from, to, price, and what they add to capacity rows.

    row, more : (n, 2 L); padding has row C and more 0
    """

    source: Ints
    target: Ints
    price: Floats
    row: Ints
    more: Floats


class State:
    """A plan over some columns, waiting among them, with what is left of every row.

    Attributes
    ----------
    column : (n,) int, column of the model, −1 for waiting; sorted by cohort
    cohort, cost, excess : (n,) of each
    row, amount : (n, L) capacity rows that a task of it takes and how much, padded by row C
    soft : (n, Q) what a task adds to each commitment and share cap
    x : (n,) int, tasks;  room : (C + 1,) what is left;  over : (Q,) soft rows' use less right side
    """

    def __init__(self, model: Model, rows: Rows, master: Master) -> None:
        columns = _candidates(model, master)
        live = np.flatnonzero(model.count > 0)
        cohort = np.concatenate([model.cohort[columns], live])
        order = np.argsort(cohort, kind="stable")
        self.cohort = cohort[order]
        self.column = np.concatenate([columns, np.full(len(live), -1)])[order]
        self.cost = np.concatenate([model.column_cost[columns], model.wait_cost[live]])[order]
        late = (model.wait_cost - master.least)[live]
        self.excess = np.concatenate([master.excess[columns], late])[order]
        matrix, hard = rows.matrix(columns), len(rows.capacity)
        row, amount = _padded(matrix[:, :hard])
        self.row = np.vstack([row, np.full((len(live), row.shape[1]), hard)])[order]
        self.amount = np.vstack([amount, np.zeros((len(live), row.shape[1]))])[order]
        soft = matrix[:, hard:].toarray()
        self.soft = np.vstack([soft, np.zeros((len(live), soft.shape[1]))])[order]
        self.x = _rounded(model, master, columns, live)[order]
        self.right = np.append(rows.right[:hard], np.inf)
        self.slop = np.append(TOLERANCE * np.abs(rows.right[:hard]) + 1e-13, 0.0)
        self.limit = rows.right[hard:]
        self.capped = np.arange(soft.shape[1]) >= len(rows.committed)
        share = master.prices.share[rows.capped]
        self.dear = np.concatenate([model.shortfall_price[rows.committed], DEAR * share])
        self.cheap = np.concatenate([np.zeros(len(rows.committed)), CHEAP * share])
        self.hard_cap = HARD_CAP * self.dear
        worth = master.prices.capacity.ravel()[rows.capacity]
        typical = float(worth[worth > 0].mean()) if (worth > 0).any() else 1.0
        self.worth = np.append(np.maximum(worth, 0.1 * typical), 0.0)
        self.stiff, self.strict, self.gather = 0.0, False, 0.0
        takes = self.amount[self.amount > 0]
        self.large = LARGE * float(np.median(takes)) if len(takes) else 1.0
        self.bound = master.bound
        self.typical = abs(master.bound) / max(int(model.count.sum()), 1)
        self.target = ENOUGH * max(len(rows), 1) * self.typical
        self.recount()

    def value(self) -> float:
        """Return the cost of the plan now."""
        fines = np.where(self.capped, 0.0, self.dear * np.maximum(self.over, 0.0))
        return float(self.cost @ self.x + fines.sum())

    def good(self) -> bool:
        """Tell whether the plan keeps every row and is near enough to the bound."""
        if (self.room < -self.slop).any() or (self.over[self.capped] > 0).any():
            return False
        return self.value() - self.bound <= self.target

    def harden_caps(self) -> None:
        """Make share caps dear: over by a hair they are cheap to mend, task by task."""
        self.dear = np.where(self.capped, np.maximum(self.dear, self.hard_cap), self.dear)
        self.cheap = np.zeros(len(self.cheap))

    def recount(self) -> None:
        """Add the plan up afresh: what many moves left of rounding would grow."""
        used = np.bincount(
            self.row.ravel(),
            (self.amount * self.x[:, None]).ravel(),
            minlength=len(self.right),
        )
        self.room = self.right - used
        self.over = self.soft.T @ self.x - self.limit

    def shifts(self, loose: float) -> Shifts:
        """Return every shift that adds at most so much excess."""
        starts = np.searchsorted(self.cohort, self.cohort, side="left")
        ends = np.searchsorted(self.cohort, self.cohort, side="right")
        source = np.flatnonzero(self.x > 0)
        lengths = ends[source] - starts[source]
        begin = np.repeat(np.cumsum(lengths) - lengths, lengths)
        target = np.arange(int(lengths.sum())) - begin + np.repeat(starts[source], lengths)
        source = np.repeat(source, lengths)
        kept = (source != target) & (self.excess[target] - self.excess[source] <= loose)
        source, target = source[kept], target[kept]
        price = self.cost[target] - self.cost[source]
        for q in range(len(self.over)):
            after = self.over[q] + self.soft[target, q] - self.soft[source, q]
            price += self._fines(after, q) - self._fines(self.over[q], q)
        row, more = self._net(source, target)
        if self.stiff:
            now = np.minimum(self.room[row], 0.0)
            after = np.minimum(self.room[row] - more, 0.0)
            price += self.stiff * ((now - after) * self.worth[row]).sum(axis=1)
        if self.gather:
            left = np.asarray(self.room[row], dtype=np.float64)
            gain: Floats = self._gathered(left - more) - self._gathered(left)
            price -= self.gather * (gain * self.worth[row]).sum(axis=1)
        return Shifts(source, target, price, row, more)

    def _fines(self, over: Floats, q: int | slice) -> Floats:
        """Return what it costs that soft rows are over (or, below zero, brings)."""
        return np.where(over > 0, self.dear[q] * over, self.cheap[q] * over)

    def _gathered(self, room: Floats) -> Floats:
        """Return how much of the room counts as room for a large task: convex up to its size."""
        room = np.clip(room, 0.0, self.large)
        return np.asarray(room * room / (2 * self.large))

    def _net(self, source: Ints, target: Ints) -> tuple[Ints, Floats]:
        """Return rows and what shifts add to them, (n, 2 L): the target's, then the source's."""
        to, take = self.row[target], self.amount[target].copy()
        off, give = self.row[source], self.amount[source].copy()
        for i in range(to.shape[1]):
            for j in range(off.shape[1]):
                same = to[:, i] == off[:, j]
                take[:, i] -= np.where(same, give[:, j], 0.0)
                give[:, j] = np.where(same, 0.0, give[:, j])
        return np.hstack([to, off]), np.hstack([take, -give])

    def short(self, shifts: Shifts) -> Floats:
        """Return by how much each shift overdraws each of its rows, (n, 2 L), 0 where not."""
        lack = shifts.more - self.room[shifts.row]
        return np.where((shifts.more > 0) & (lack > self.slop[shifts.row]), lack, 0.0)

    def _changes(self, shifts: Sequence[Shift]) -> dict[int, float]:
        """Return what shifts together add to each capacity row."""
        change: dict[int, float] = {}
        for source, target in shifts:
            for row, amount in zip(
                self.row[source].tolist(), self.amount[source].tolist(), strict=True
            ):
                change[row] = change.get(row, 0.0) - amount
            for row, amount in zip(
                self.row[target].tolist(), self.amount[target].tolist(), strict=True
            ):
                change[row] = change.get(row, 0.0) + amount
        change.pop(len(self.right) - 1, None)
        return change

    def fits(self, shifts: Sequence[Shift]) -> bool:
        return all(
            more <= 0 or more <= self.room[row] + self.slop[row]
            for row, more in self._changes(shifts).items()
        )

    def take(self, shifts: Sequence[Shift]) -> bool:
        """Take shifts if together they still pay and keep every row (or pay for being over)."""
        held: dict[int, int] = {}
        gain = 0.0
        for source, target in shifts:
            held[source] = held.get(source, 0) + 1
            if self.x[source] < held[source]:
                return False
            gain += self.cost[target] - self.cost[source]
        over = self.over + sum(self.soft[target] - self.soft[source] for source, target in shifts)
        every = slice(None)
        gain += float((self._fines(over, every) - self._fines(self.over, every)).sum())
        for row, more in self._changes(shifts).items():
            room = float(self.room[row])
            if self.strict and more > 0 and more > room + self.slop[row]:
                return False
            gain += self.stiff * self.worth[row] * (min(room, 0.0) - min(room - more, 0.0))
            if self.gather:
                together = self._gathered(np.array([room - more, room]))
                gain -= self.gather * self.worth[row] * float(together[0] - together[1])
        if gain >= -EPS:
            return False
        self.apply(shifts)
        return True

    def apply(self, shifts: Sequence[Shift]) -> None:
        for row, more in self._changes(shifts).items():
            self.room[row] -= more
        for source, target in shifts:
            self.over = self.over + self.soft[target] - self.soft[source]
            self.x[source] -= 1
            self.x[target] += 1


def _candidates(model: Model, master: Master) -> Ints:
    """Return the columns to look at: those in use, and each cohort's nearest to tight."""
    order = np.lexsort((master.excess, model.cohort))
    first = np.searchsorted(model.cohort, np.arange(len(model.count)))
    rank = np.arange(len(order)) - first[model.cohort[order]]
    near = np.zeros(len(order), dtype=bool)
    near[order[rank < COLUMNS]] = True
    return np.flatnonzero(near | (master.x > WHOLE))


def _rounded(model: Model, master: Master, columns: Ints, live: Ints) -> Ints:
    """Return the LP's plan by largest remainders in each cohort, columns then waiting."""
    exact = np.concatenate([master.x[columns], np.maximum(master.waiting[live], 0.0)])
    cohort = np.concatenate([model.cohort[columns], live])
    x = np.floor(exact + WHOLE).astype(np.int64)
    left = model.count - np.bincount(cohort, x, minlength=len(model.count)).astype(np.int64)
    order = np.lexsort((-(exact - x), cohort))
    first = np.searchsorted(cohort[order], np.arange(len(model.count)))
    rank = np.arange(len(order)) - first[cohort[order]]
    x[order] += rank < left[cohort[order]]
    return x


def _padded(matrix: Any) -> tuple[Ints, Floats]:
    """Return rows and amounts of a csr matrix (n, M) as (n, L), padded by row M and amount 0."""
    lengths = np.diff(matrix.indptr)
    width = int(lengths.max(initial=0))
    row = np.full((matrix.shape[0], width), matrix.shape[1])
    amount = np.zeros((matrix.shape[0], width))
    at = np.repeat(np.arange(matrix.shape[0]), lengths)
    spot = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], lengths)
    row[at, spot], amount[at, spot] = matrix.indices, matrix.data
    return row, amount
