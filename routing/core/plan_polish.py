"""Polishing a whole-number plan: put waiting tasks into hours that rounding left unused.

Three moves, each taken only when it lowers the cost and keeps every row: a waiting task goes where
it fits; a placed task goes to a cheaper column that has room; a waiting task takes the place of
one that can go elsewhere for less (an ejection, as in local search for generalised assignment:
Yagiura, Ibaraki and Glover, INFORMS J. Computing 16, 2004). The order is fixed and the number of
moves bounded, so that equal input gives equal output.
"""

import numpy as np
from numpy.typing import NDArray

from routing.core.plan_model import Model

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EJECTIONS = 400
COLUMNS = 8  # of a waiting cohort that are tried
RIVALS = 40  # placed columns whose tasks may be moved out of the way
MOVES = 4_000
HAIR = 1e-9


def polish(model: Model, x: Ints, waiting: Ints) -> tuple[Ints, Ints]:
    """Return a plan that keeps every row and costs no more."""
    state = _State(model, x.copy(), waiting.copy())
    state.fill()
    state.cheapen()
    state.eject()
    state.fill()
    before, after = model.objective(x, waiting), model.objective(state.x, state.waiting)
    return (state.x, state.waiting) if after <= before else (x, waiting)


class _State:
    """A plan with what is left of every row."""

    def __init__(self, model: Model, x: Ints, waiting: Ints) -> None:
        self.model, self.x, self.waiting = model, x, waiting
        K, R, D = model.shape
        use = model.usage(x) if R else np.zeros((R, D))
        self.room = np.where(model.finite, model.capacity - use, np.inf)
        self.total = use.sum(axis=1)
        self.first = np.searchsorted(model.cohort, np.arange(K + 1))
        self.amounts = model.amounts.tocsr()
        self.by_row = model.amounts.tocsc()

    def takes(self, column: int) -> tuple[Ints, Floats]:
        """Return rows and amounts that one task of a column takes."""
        pair = self.model.pair[column]
        part = slice(self.amounts.indptr[pair], self.amounts.indptr[pair + 1])
        return self.amounts.indices[part], self.amounts.data[part]

    def fits(self, column: int, want: int) -> int:
        """Return how many tasks more a column can take, at most `want`."""
        rows, amounts = self.takes(column)
        if not len(rows):
            return want
        day = self.model.day[column]
        room = self.room[rows, day]
        if np.isfinite(room).any():
            want = min(want, int(np.floor((room / amounts).min() + HAIR)))
        if want > 0 and self.model.capped.any():
            want = self._under_caps(rows, amounts, want)
        return max(want, 0)

    def _under_caps(self, rows: Ints, amounts: Floats, want: int) -> int:
        m = self.model
        outside = float(amounts[m.outside[rows]].sum())
        held = float(self.total[m.outside].sum())
        for row, amount in zip(rows, amounts, strict=True):
            if not m.capped[row]:
                continue
            growth = amount - m.share_cap[row] * outside
            left = m.share_cap[row] * held + m.allowance[row] - self.total[row]
            if growth > 0:
                want = min(want, int(np.floor(left / growth + HAIR)))
        return want

    def keeps_caps(self) -> bool:
        """Tell whether every share cap holds now."""
        m = self.model
        if not m.capped.any():
            return True
        held = float(self.total[m.outside].sum())
        limit = m.share_cap * held + m.allowance
        return bool((self.total[m.capped] <= limit[m.capped] * (1 + HAIR) + 1e-12).all())

    def cost(self, column: int) -> float:
        """Return the cost of a column's task, less what it saves of missed commitments."""
        rows, amounts = self.takes(column)
        m = self.model
        missing = np.clip(m.commitment[rows] - self.total[rows], 0.0, amounts)
        return float(m.column_cost[column] - m.shortfall_price[rows] @ missing)

    def saved(self, column: int) -> float:
        """Return what taking a task of a column away saves; less where a commitment is missed."""
        rows, amounts = self.takes(column)
        m = self.model
        missing = np.clip(m.commitment[rows] - self.total[rows] + amounts, 0.0, amounts)
        return float(m.column_cost[column] - m.shortfall_price[rows] @ missing)

    def put(self, column: int, tasks: int) -> None:
        """Add tasks to a column (or, below zero, take them away); they come from waiting."""
        rows, amounts = self.takes(column)
        day, cohort = self.model.day[column], self.model.cohort[column]
        self.x[column] += tasks
        self.waiting[cohort] -= tasks
        self.room[rows, day] -= tasks * amounts
        self.total[rows] += tasks * amounts

    def columns(self, cohort: int) -> Ints:
        """Return the columns of a cohort, cheapest first."""
        own = np.arange(self.first[cohort], self.first[cohort + 1])
        return own[np.argsort(self.model.column_cost[own], kind="stable")]

    def fill(self) -> None:
        """Place waiting tasks wherever they fit, the dearest to leave first."""
        m = self.model
        waits = np.flatnonzero(self.waiting > 0)
        for k in waits[np.argsort(-m.wait_cost[waits], kind="stable")]:
            for column in self.columns(int(k)):
                if not self.waiting[k]:
                    break
                if self.cost(int(column)) >= m.wait_cost[k] - HAIR:
                    continue
                tasks = self.fits(int(column), int(self.waiting[k]))
                if tasks:
                    self.put(int(column), tasks)

    def cheapen(self) -> None:
        """Move placed tasks to cheaper columns that have room, the largest gain first."""
        m = self.model
        placed = np.flatnonzero(self.x > 0)
        if not len(placed):
            return
        starts = np.minimum(self.first[:-1], len(m.cohort) - 1)
        least = np.minimum.reduceat(m.column_cost, starts) if len(starts) else np.zeros(0)
        gain = m.column_cost[placed] - least[m.cohort[placed]]
        order = placed[np.argsort(-gain, kind="stable")][:MOVES]
        for column in order:
            held = int(self.x[column])
            cohort = int(m.cohort[column])
            for better in self.columns(cohort)[:COLUMNS]:
                if m.column_cost[better] >= m.column_cost[column] - HAIR or not held:
                    break
                held -= self._move(int(column), int(better), held)

    def _move(self, column: int, better: int, held: int) -> int:
        """Move up to `held` tasks; one by one where commitments or caps may turn the gain."""
        m = self.model
        step = 1 if m.capped.any() or (m.commitment > 0).any() else held
        moved = 0
        while moved < held:
            tasks = min(step, held - moved)
            gain = self.saved(column)
            self.put(column, -tasks)
            if self.fits(better, tasks) == tasks and self.cost(better) < gain - HAIR:
                self.put(better, tasks)
                if self.keeps_caps():
                    moved += tasks
                    continue
                self.put(better, -tasks)
            self.put(column, tasks)
            if step == 1:
                break
            # Not all of them fit; those that stay hold hours, so the rest go singly.
            step = 1
        return moved

    def eject(self) -> None:
        """Give waiting tasks the place of such as can go elsewhere for less."""
        m = self.model
        left = EJECTIONS
        waits = np.flatnonzero(self.waiting > 0)
        for k in waits[np.argsort(-m.wait_cost[waits], kind="stable")]:
            while left > 0 and self.waiting[k] > 0:
                left -= 1
                if not self._eject_for(int(k)):
                    break

    def _eject_for(self, k: int) -> bool:
        """Place one task of a cohort by moving one other; False if no such move gains."""
        m = self.model
        best: tuple[float, int, int, int] | None = None
        for column in self.columns(k)[:COLUMNS]:
            gain = float(m.wait_cost[k]) - self.cost(int(column))
            if gain <= HAIR:
                break
            for rival in self._rivals(int(column)):
                found = self._elsewhere(int(rival), int(column))
                if found is None:
                    continue
                target, loss = found
                if gain - loss > HAIR and (best is None or gain - loss > best[0]):
                    best = (gain - loss, int(column), int(rival), target)
        if best is None:
            return False
        _gain, column, rival, target = best
        self.put(rival, -1)
        if target >= 0:
            self.put(target, 1)
        self.put(column, 1)
        if self.keeps_caps():
            return True
        self.put(column, -1)
        if target >= 0:
            self.put(target, -1)
        self.put(rival, 1)
        return False

    def _rivals(self, column: int) -> Ints:
        """Return placed columns of that day whose task, taken away, makes room for one here."""
        m = self.model
        day = m.day[column]
        rows, amounts = self.takes(column)
        short = self.room[rows, day] < amounts * (1 - HAIR)
        if not short.any():
            return np.zeros(0, dtype=np.int64)
        enough = (self.x > 0) & (m.day == day) & (m.cohort != m.cohort[column])
        for row, amount in zip(rows[short], amounts[short], strict=True):
            part = slice(self.by_row.indptr[row], self.by_row.indptr[row + 1])
            of_pair = np.zeros(len(m.pair_cohort))
            of_pair[self.by_row.indices[part]] = self.by_row.data[part]
            enough &= of_pair[m.pair] >= amount - self.room[row, day] - HAIR
        rivals = np.flatnonzero(enough)
        # Those are tried first that lose least by waiting or have cheap siblings.
        return rivals[np.argsort(m.column_cost[rivals], kind="stable")][:RIVALS]

    def _elsewhere(self, rival: int, column: int) -> tuple[int, float] | None:
        """Return where else a rival's task could go (−1 = wait) and what that costs more."""
        m = self.model
        cohort = int(m.cohort[rival])
        now = self.saved(rival)
        # The room it leaves is for the newcomer.
        self.put(rival, -1)
        self.put(column, 1)
        found: tuple[int, float] = (-1, float(m.wait_cost[cohort]) - now)
        for other in self.columns(cohort)[:COLUMNS]:
            if other != rival and self.fits(int(other), 1):
                loss = self.cost(int(other)) - now
                if loss < found[1]:
                    found = (int(other), loss)
                break
        self.put(column, -1)
        self.put(rival, 1)
        return found
