"""From the LP's plan to whole numbers: single tasks moved, alone, in pairs and in chains.

A *shift* takes one task of a cohort from one column to another (waiting is a column like any
other). Start: the LP's plan rounded, so that some rows are over and some have room. While rows may
be over at a price (the penalties of Yagiura, Ibaraki and Glover's local search for generalised
assignment, INFORMS J. Computing 16, 2004, doi:10.1287/ijoc.1030.0036), shifts that lower cost and
penalty carry what is over, task by task, to rows with room. Then rows are hard: what still is over
waits, and shifts are taken alone, in pairs (one task in, another out) or in chains where that
lowers the cost. The best partner of every shift comes from one sort by row and a running minimum,
so a round over all pairs costs little more than a round over all shifts.

What rounding costs is hours left over in rows with a price, and tasks in columns that are not
tight. Shifts that add little excess go first. The order is fixed and the rounds are bounded, so
that equal input gives equal output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.plan_master import Master
from routing.core.plan_model import Model
from routing.core.plan_rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WHOLE = 1e-6  # an LP value this near to the next whole number counts as it
COLUMNS = 25  # of a cohort that are looked at beside those in use
ENOUGH = 0.02  # gap in tasks' worth of cost, per row, below which it stops
TOLERANCE = 1e-10  # a row may be over by this share of its right side
EPS = 1e-9
# While rows are soft: what an hour over costs, of its dual price, turn by turn.
STIFF = (1.1, 1.5, 2.5, 6.0)
STIFFEST = 20.0
# What room gathered in one row is worth over room scattered in many, of its price: a large task
# fits only where the corners of several rows have been brought together.
GATHER = 0.5
LARGE = 4.0  # a large task, in median tasks
SOFT_ROUNDS = 12
HARD_ROUNDS = 200
# Excess over the cohort's best that a shift may add, as shares of a typical cost, step by step:
# hours go to tasks that are tight in them before any other.
LOOSE = (0.003, 0.01, 0.03, 0.1, 0.3, np.inf)
# What a unit over or under a share cap costs or brings, of its dual price.
DEAR, CHEAP = 1.5, 0.5
HARD_CAP = 30.0  # how much dearer caps get in the end
CHAINS = 40  # waiting tasks for which a round tries to clear a row
LINKS = 200  # shifts tried for one of them

Shift = tuple[int, int]


def rounded(model: Model, rows: Rows, master: Master) -> Ints:
    """Return a plan per column (N,) in whole numbers, near to the LP's.

    Capacities are kept to a hair; a share cap may still be over (plan_round mends that).
    """
    search = _Search(model, rows, master)
    search.run()
    x = np.zeros(len(model.pair), dtype=np.int64)
    real = search.column >= 0
    x[search.column[real]] = search.x[real]
    return x


@dataclass(frozen=True)
class _Shifts:
    """All shifts that are looked at: from, to, price, and what they add to capacity rows.

    row, more : (n, 2 L); padding has row C and more 0
    """

    source: Ints
    target: Ints
    price: Floats
    row: Ints
    more: Floats


class _Search:
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
        worth = master.prices.capacity.ravel()[rows.capacity]
        typical = float(worth[worth > 0].mean()) if (worth > 0).any() else 1.0
        self.worth = np.append(np.maximum(worth, 0.1 * typical), 0.0)
        self.stiff, self.strict, self.gather = 0.0, False, 0.0
        takes = self.amount[self.amount > 0]
        self.large = LARGE * float(np.median(takes)) if len(takes) else 1.0
        self.bound = master.bound
        self.typical = abs(master.bound) / max(int(model.count.sum()), 1)
        self.target = ENOUGH * max(len(rows), 1) * self.typical
        self._recount()

    def run(self) -> None:
        """Move tasks until nothing pays or the rounds are over."""
        for stiff in STIFF:
            self.stiff = stiff
            for _turn in range(SOFT_ROUNDS):
                if not self._soft_round():
                    break
            self._recount()
        self.strict = True
        self.stiff = STIFFEST
        self._tighten()
        self._to_waiting()
        self.stiff = 0.0
        self.gather = GATHER
        for _last in range(2):
            self._tighten()
            self.gather = 0.0
            # Caps that are over by a hair are cheap to mend now, task by task, and dear afterwards.
            self.dear = np.where(self.capped, HARD_CAP * self.dear, self.dear)
            self.cheap = np.zeros(len(self.cheap))

    def _tighten(self) -> None:
        """Take shifts alone and in pairs that overdraw no row, tight ones first."""
        turns = HARD_ROUNDS
        for share in LOOSE:
            while turns > 0 and not self._good():
                turns -= 1
                if turns % 20 == 0:
                    self._recount()
                if not self._hard_round(share * self.typical):
                    break
        self._recount()

    def _good(self) -> bool:
        """Tell whether the plan keeps every capacity and is near enough to the bound."""
        if (self.room < -self.slop).any() or (self.over[self.capped] > 0).any():
            return False
        return self.value() - self.bound <= self.target

    def value(self) -> float:
        """Return the cost of the plan now."""
        fines = np.where(self.capped, 0.0, self.dear * np.maximum(self.over, 0.0))
        return float(self.cost @ self.x + fines.sum())

    def _recount(self) -> None:
        """Add the plan up afresh: what many moves left of rounding would grow."""
        used = np.bincount(
            self.row.ravel(),
            (self.amount * self.x[:, None]).ravel(),
            minlength=len(self.right),
        )
        self.room = self.right - used
        self.over = self.soft.T @ self.x - self.limit

    # -- what shifts cost ------------------------------------------------------------------

    def _shifts(self, loose: float) -> _Shifts:
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
            gain = self._gathered(self.room[row] - more) - self._gathered(self.room[row])
            price -= self.gather * (gain * self.worth[row]).sum(axis=1)
        return _Shifts(source, target, price, row, more)

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

    def _short(self, shifts: _Shifts) -> Floats:
        """Return by how much each shift overdraws each of its rows, (n, 2 L), 0 where not."""
        lack = shifts.more - self.room[shifts.row]
        return np.where((shifts.more > 0) & (lack > self.slop[shifts.row]), lack, 0.0)

    # -- rounds ----------------------------------------------------------------------------

    def _soft_round(self) -> bool:
        """Take the shifts that lower cost and penalties; False where none does."""
        shifts = self._shifts(np.inf)
        pays = np.flatnonzero(shifts.price < -EPS)
        done = False
        for s in pays[np.argsort(shifts.price[pays], kind="stable")].tolist():
            done |= self._take([(int(shifts.source[s]), int(shifts.target[s]))])
        return done

    def _to_waiting(self) -> None:
        """Send single tasks to wait until no capacity is over, the least loss an hour first."""
        wait = np.flatnonzero(self.column < 0)
        waits_at = np.searchsorted(self.cohort[wait], self.cohort)
        loss = self.cost[wait[waits_at]] - self.cost
        for r in np.flatnonzero(self.room < -self.slop).tolist():
            takes = np.where(self.row == r, self.amount, 0.0).sum(axis=1)
            while self.room[r] < -self.slop[r]:
                mine = np.flatnonzero((self.x > 0) & (takes > 0))
                # The loss for what is over: a task larger than that is no cheaper an hour.
                over = np.minimum(takes[mine], -self.room[r])
                i = int(mine[np.argmin(loss[mine] / over)])
                self._apply([(i, int(wait[waits_at[i]]))])

    def _hard_round(self, loose: float) -> bool:
        """Take the best shifts and pairs of this moment; False where none pays."""
        shifts = self._shifts(loose)
        lack = self._short(shifts)
        shorts = (lack > 0).sum(axis=1)
        single = np.flatnonzero((shorts == 0) & (shifts.price < -EPS))
        moves: list[tuple[float, int, int]] = [(shifts.price[s], s, -1) for s in single.tolist()]
        giver = np.flatnonzero(shorts == 0)
        moves += self._pairs(shifts, lack, np.flatnonzero(shorts > 0), giver)
        done = False
        for _gain, s, t in sorted(moves):
            pair = [(int(shifts.source[s]), int(shifts.target[s]))]
            if t >= 0:
                pair.append((int(shifts.source[t]), int(shifts.target[t])))
            done |= self._take(pair)
        return done or self._chains(shifts, lack, np.flatnonzero(shorts > 0), giver)

    def _pairs(
        self, shifts: _Shifts, lack: Floats, eager: Ints, giver: Ints
    ) -> list[tuple[float, int, int]]:
        """Return (price, shift, partner) of shifts short in a row and the best that makes room."""
        eager = eager[shifts.price[eager] < -EPS]
        if not len(eager):
            return []
        place = np.argmax(lack[eager], axis=1)
        row, wants = shifts.row[eager, place], lack[eager, place]
        at, spot = np.nonzero(shifts.more[giver] < 0)
        gives_row, gives = shifts.row[giver][at, spot], -shifts.more[giver][at, spot]
        order = np.lexsort((-gives, gives_row))
        gives_row, gives, gives_shift = gives_row[order], gives[order], giver[at[order]]
        gives_price = shifts.price[gives_shift]
        moves: list[tuple[float, int, int]] = []
        for r in np.unique(row).tolist():
            a, b = np.searchsorted(gives_row, [r, r + 1])
            if a == b:
                continue
            mine = np.flatnonzero(row == r)
            least = np.minimum.accumulate(gives_price[a:b])
            found = np.maximum.accumulate(np.where(gives_price[a:b] <= least, np.arange(b - a), 0))
            # Those that give enough stand first.
            last = np.searchsorted(-gives[a:b], self.slop[r] - wants[mine], side="right") - 1
            mine, last = mine[last >= 0], last[last >= 0]
            total = shifts.price[eager[mine]] + least[last]
            for i in np.flatnonzero(total < -EPS).tolist():
                partner = int(gives_shift[a + found[last[i]]])
                moves.append((float(total[i]), int(eager[mine[i]]), partner))
        return moves

    def _chains(self, shifts: _Shifts, lack: Floats, eager: Ints, giver: Ints) -> bool:
        """Let waiting tasks in by moving as many others out of a row as it takes."""
        waits = eager[(self.column[shifts.source[eager]] < 0) & (shifts.price[eager] < -EPS)]
        done = False
        for s in waits[np.argsort(shifts.price[waits], kind="stable")][:CHAINS].tolist():
            r = int(shifts.row[s, np.argmax(lack[s])])
            wish = (int(shifts.source[s]), int(shifts.target[s]))
            gives = -np.where(shifts.row[giver] == r, shifts.more[giver], 0.0).sum(axis=1)
            able = np.flatnonzero(gives > 0)
            cheap = able[np.argsort(shifts.price[giver[able]] / gives[able], kind="stable")[:LINKS]]
            links = [(int(shifts.source[t]), int(shifts.target[t])) for t in giver[cheap].tolist()]
            done |= self._chain(wish, links, gives[cheap], shifts.price[giver[cheap]], s, shifts)
        return done

    def _chain(
        self,
        wish: Shift,
        links: Sequence[Shift],
        gives: Floats,
        prices: Floats,
        s: int,
        shifts: _Shifts,
    ) -> bool:
        """Fulfil one wish by the cheapest shifts that free its row; False if that is too dear."""
        lack = float(self._short(shifts)[s].max())
        left = -float(shifts.price[s])
        taken: list[Shift] = []
        seen: set[int] = set()
        for link, give, price in zip(links, gives.tolist(), prices.tolist(), strict=True):
            if link[0] in seen or price >= left or not self._fits([*taken, link]):
                continue
            taken.append(link)
            seen.add(link[0])
            left -= price
            lack -= give
            if lack <= 0:
                return self._take([wish, *taken])
        return False

    # -- taking shifts ---------------------------------------------------------------------

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

    def _fits(self, shifts: Sequence[Shift]) -> bool:
        return all(
            more <= 0 or more <= self.room[row] + self.slop[row]
            for row, more in self._changes(shifts).items()
        )

    def _take(self, shifts: Sequence[Shift]) -> bool:
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
        self._apply(shifts)
        return True

    def _apply(self, shifts: Sequence[Shift]) -> None:
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


def _padded(matrix) -> tuple[Ints, Floats]:  # type: ignore[no-untyped-def]
    """Return rows and amounts of a csr matrix (n, M) as (n, L), padded by row M and amount 0."""
    lengths = np.diff(matrix.indptr)
    width = int(lengths.max(initial=0))
    row = np.full((matrix.shape[0], width), matrix.shape[1])
    amount = np.zeros((matrix.shape[0], width))
    at = np.repeat(np.arange(matrix.shape[0]), lengths)
    spot = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], lengths)
    row[at, spot], amount[at, spot] = matrix.indices, matrix.data
    return row, amount
