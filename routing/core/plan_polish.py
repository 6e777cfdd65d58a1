"""From the LP's plan to whole numbers: single tasks moved, alone, in pairs and in chains.

Start: the LP's plan rounded, so that some rows are over and some have room. While rows may
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

import numpy as np
from numpy.typing import NDArray

from routing.core.plan_master import Master
from routing.core.plan_model import Model
from routing.core.plan_rows import Rows
from routing.core.plan_state import EPS, Shift, Shifts, State

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# While rows are soft: what an hour over costs, of its dual price, turn by turn.
STIFF = (1.1, 1.5, 2.5, 6.0)
STIFFEST = 20.0
# What room gathered in one row is worth over room scattered in many, of its price: a large task
# fits only where the corners of several rows have been brought together.
GATHER = 0.5
SOFT_ROUNDS = 12
HARD_ROUNDS = 200
# Excess over the cohort's best that a shift may add, as shares of a typical cost, step by step:
# hours go to tasks that are tight in them before any other.
LOOSE = (0.01, 0.05, 0.3, np.inf)
CHAINS = 40  # waiting tasks for which a round tries to clear a row
LINKS = 200  # shifts tried for one of them


def rounded(model: Model, rows: Rows, master: Master) -> Ints:
    """Return a plan per column (N,) in whole numbers, near to the LP's.

    Capacities are kept to a hair; a share cap may still be over (plan_round mends that).
    """
    state = State(model, rows, master)
    _Search(state).run()
    x = np.zeros(len(model.pair), dtype=np.int64)
    real = state.column >= 0
    x[state.column[real]] = state.x[real]
    return x


class _Search:
    """Rounds of moves on a plan's state."""

    def __init__(self, state: State) -> None:
        self.state = state

    def run(self) -> None:
        """Move tasks until nothing pays or the rounds are over."""
        for self.state.stiff in STIFF:
            for _turn in range(SOFT_ROUNDS):
                if not self._soft_round():
                    break
            self.state.recount()
        self.state.strict = True
        self.state.stiff = STIFFEST
        self._tighten()
        self._to_waiting()
        self.state.stiff = 0.0
        # Bringing room together opens doors that no single gain does; then it is used.
        for self.state.gather in (GATHER, 0.0):
            self._tighten()
            self.state.harden_caps()

    def _tighten(self) -> None:
        """Take shifts alone and in pairs that overdraw no row, tight ones first."""
        turns = HARD_ROUNDS
        for share in LOOSE:
            while turns > 0 and not self.state.good():
                turns -= 1
                if turns % 20 == 0:
                    self.state.recount()
                if not self._hard_round(share * self.state.typical):
                    break
        self.state.recount()

    def _soft_round(self) -> bool:
        """Take the shifts that lower cost and penalties; False where none does."""
        shifts = self.state.shifts(np.inf)
        pays = np.flatnonzero(shifts.price < -EPS)
        done = False
        for s in pays[np.argsort(shifts.price[pays], kind="stable")].tolist():
            done |= self.state.take([(int(shifts.source[s]), int(shifts.target[s]))])
        return done

    def _to_waiting(self) -> None:
        """Send single tasks to wait until no capacity is over, the least loss an hour first."""
        wait = np.flatnonzero(self.state.column < 0)
        waits_at = np.searchsorted(self.state.cohort[wait], self.state.cohort)
        loss = self.state.cost[wait[waits_at]] - self.state.cost
        for r in np.flatnonzero(self.state.room < -self.state.slop).tolist():
            takes = np.where(self.state.row == r, self.state.amount, 0.0).sum(axis=1)
            while self.state.room[r] < -self.state.slop[r]:
                mine = np.flatnonzero((self.state.x > 0) & (takes > 0))
                # The loss for what is over: a task larger than that is no cheaper an hour.
                over = np.minimum(takes[mine], -self.state.room[r])
                i = int(mine[np.argmin(loss[mine] / over)])
                self.state.apply([(i, int(wait[waits_at[i]]))])

    def _hard_round(self, loose: float) -> bool:
        """Take the best shifts and pairs of this moment; False where none pays."""
        shifts = self.state.shifts(loose)
        lack = self.state.short(shifts)
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
            done |= self.state.take(pair)
        return done or self._chains(shifts, lack, np.flatnonzero(shorts > 0), giver)

    def _pairs(
        self, shifts: Shifts, lack: Floats, eager: Ints, giver: Ints
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
            last = np.searchsorted(-gives[a:b], self.state.slop[r] - wants[mine], side="right") - 1
            mine, last = mine[last >= 0], last[last >= 0]
            total = shifts.price[eager[mine]] + least[last]
            for i in np.flatnonzero(total < -EPS).tolist():
                partner = int(gives_shift[a + found[last[i]]])
                moves.append((float(total[i]), int(eager[mine[i]]), partner))
        return moves

    def _chains(self, shifts: Shifts, lack: Floats, eager: Ints, giver: Ints) -> bool:
        """Let waiting tasks in by moving as many others out of a row as it takes."""
        waits = eager[(self.state.column[shifts.source[eager]] < 0) & (shifts.price[eager] < -EPS)]
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
        shifts: Shifts,
    ) -> bool:
        """Fulfil one wish by the cheapest shifts that free its row; False if that is too dear."""
        lack = float(self.state.short(shifts)[s].max())
        left = -float(shifts.price[s])
        taken: list[Shift] = []
        seen: set[int] = set()
        for link, give, price in zip(links, gives.tolist(), prices.tolist(), strict=True):
            if link[0] in seen or price >= left or not self.state.fits([*taken, link]):
                continue
            taken.append(link)
            seen.add(link[0])
            left -= price
            lack -= give
            if lack <= 0:
                return self.state.take([wish, *taken])
        return False
