"""The whole menu, priced by the duals: every pair of crews, every option, none left out unproven.

A run plans over the candidates that usually matter (routing.core.arrangements). At the prices of
that plan this module finds, for each cohort, the least reduced cost over ALL arrangements:

    r = money · (1 + budgets − fees promised) + hours and answers at the prices of what is scarce
        + cost of errors + share caps + lateness

What beats the plan's own candidates is offered to the next plan (column generation, Gilmore and
Gomory, Operations Research 9, 1961), and the Lagrangian value over the whole menu is the bound
that a run reports: it holds whatever the candidates left out.

For a labelling crew and a pool of reviewers a crew is made up first that is in everything as good
as the best of the pool; where even that one does not beat the plan, none of the pool is priced.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.arrangements import Offers, mode_of
from routing.core.gates import OPEN
from routing.core.pricing import LabelSide, Pricing
from routing.core.review import caught
from routing.core.tables import OUTSOURCED, Floats, Inputs, Ints

SCREENED = 3  # pools of so many reviewing crews are screened before each one is priced
OFFERED = 4  # options of a cohort that are offered at once
HAIR = 1e-9


@dataclass(frozen=True)
class Charges:
    """What scarce things add to a task at the prices of a plan.

    hour, harm, answer : (C, D) for an hour of a crew, for one of harmful work beside that, for an
    answer; money : (J, D) share of money by project; fee : (V,) share of money that a commitment
    gives back; task : (K, C) by labelling crew; lateness : (K, D)
    """

    hour: Floats
    harm: Floats
    answer: Floats
    money: Floats
    fee: Floats
    task: Floats
    lateness: Floats


@dataclass(frozen=True)
class _Priced:
    """The best option (k,) of a pair: reduced cost and which of the combinations it is."""

    value: Floats
    combination: Ints


class Menu:
    """All arrangements of a run, to be priced again and again."""

    def __init__(self, inputs: Inputs, pricing: Pricing) -> None:
        self.inputs, self.pricing = inputs, pricing
        self.alone = self._combinations(reviewed=False)
        self.reviewed = self._combinations(reviewed=True)
        everyone = np.arange(len(inputs.cohorts))
        self.fits = {
            (i, share): pricing.fits(i, share, everyone)
            for i, share, _choice, _looked in (*self.alone, *self.reviewed)
        }
        shut = pricing.gates.shut
        self.useful = np.flatnonzero((shut == OPEN).any(axis=0)) if len(shut) else everyone[:0]
        # What a single task may take of a crew's day at most; more is never placed.
        crews, declared = inputs.crews, inputs.pools.declared
        by_pool = np.where(np.isnan(declared), np.inf, declared)[crews.pool]
        self.largest = np.minimum(crews.hours, by_pool) * (1 + 1e-12)

    def _combinations(self, *, reviewed: bool) -> list[tuple[int, float, int, float]]:
        """Return (position of answers, share, position of choice, share of errors looked at)."""
        pricing = self.pricing
        found = []
        for i in range(len(pricing.answer_grid)):
            for share in pricing.shares(reviewed=reviewed):
                for n, choice in enumerate(pricing.choices if reviewed else [0]):
                    looked = float(caught(share, np.ones(1), choice)[0])
                    found.append((i, share, n, looked))
        return found

    def least(self, charges: Charges, best: Floats) -> tuple[Floats, Offers]:
        """Return the least reduced cost (K,) over the whole menu and what is offered.

        best : (K,) least reduced cost of what the plan has, waiting among it
        """
        least = best.copy()
        offers: list[Offers] = []
        aim = best - HAIR * (1.0 + np.abs(best))
        for label in self.useful.tolist():
            rows = self._within_reach(label, charges, aim)
            if not len(rows):
                continue
            side = self.pricing.label_side(label, rows)
            for crews, mode in self._reviewers(label):
                some = rows
                if len(crews) >= SCREENED:
                    some = rows[self._screen(label, crews, rows, side, charges) < aim[rows]]
                for review in crews:
                    if len(some):
                        self._offer(
                            label, review, mode, some, (rows, side), charges, aim, least, offers
                        )
        return least, _few(offers)

    def _within_reach(self, label: int, charges: Charges, aim: Floats) -> Ints:
        """Return the cohorts for which one answer alone costs less than what the plan has."""
        pricing = self.pricing
        rows = np.flatnonzero(pricing.gates.shut[:, label] == OPEN)
        rows = rows[~np.isnan(pricing.price(label, "label")[rows]).any(axis=1)]
        if not len(rows):
            return rows
        side = pricing.label_side(label, rows)
        floor = np.full(len(rows), np.inf)
        for d in range(self.inputs.days):
            # A commitment gives back at most what it prices, whoever reviews.
            money = np.minimum(self._money(rows, d, charges, label), 1.0)
            money = money - charges.fee.max(initial=0.0)
            first = charges.task[rows, label] + charges.lateness[rows, d]
            answer = side.price * money + self._scarce(label, rows, side.hours, d, charges)
            # Everything else of an option costs something too, unless money is given back.
            floor = np.where(money < 0, -np.inf, np.minimum(floor, first + answer))
        return rows[floor < aim[rows]]

    def _reviewers(self, label: int) -> list[tuple[list[int], int]]:
        """Return who may review a crew's work, by pool, with the mode; (−1,) = nobody."""
        found: list[tuple[list[int], int]] = []
        if self.alone:
            found.append(([-1], mode_of(self.inputs, label, -1)))
        if self.reviewed:
            pool = self.inputs.crews.pool
            for p in np.unique(pool[self.useful]).tolist():
                crews = [c for c in self.useful.tolist() if pool[c] == p]
                mode = mode_of(self.inputs, label, crews[0])
                if mode >= 0:
                    found.append((crews, mode))
        return found

    def _vendor(self, crew: int) -> int:
        pools, pool = self.inputs.pools, int(self.inputs.crews.pool[crew])
        return int(pools.vendor[pool]) if pools.kind[pool] == OUTSOURCED else -1

    def _money(self, rows: Ints, d: int, charges: Charges, crew: int) -> Floats:
        """Return what a unit of money weighs that a crew is paid for its part of a task (k,)."""
        vendor = self._vendor(crew)
        fee = float(charges.fee[vendor]) if vendor >= 0 else 0.0
        return np.asarray(1.0 + charges.money[self.inputs.cohorts.project[rows], d] - fee)

    def _scarce(self, crew: int, rows: Ints, hours: Floats, d: int, charges: Charges) -> Floats:
        """Return what scarce things add to an answer or a look of a crew (k,)."""
        harm = np.where(self.inputs.cohorts.harm[rows] > 0, charges.harm[crew, d], 0.0)
        return np.asarray(hours * (charges.hour[crew, d] + harm) + charges.answer[crew, d])

    def _screen(
        self, label: int, crews: Sequence[int], rows: Ints, side: LabelSide, charges: Charges
    ) -> Floats:
        """Return a floor (k,) of the reduced cost with any of some reviewing crews of one pool."""
        pricing, D = self.pricing, self.inputs.days
        low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
        look = np.full((D, len(rows)), np.inf)
        shut = np.full(len(rows), np.uint64((1 << D) - 1))
        for review in crews:
            open_ = pricing.gates.shut[rows, review] == OPEN
            other = pricing.review_side(review, rows)
            low = np.where(open_, np.minimum(low, other.good), low)
            high = np.where(open_, np.maximum(high, other.good), high)
            shut = np.where(open_, shut & pricing.bad_days(label, review)[rows], shut)
            for d in range(D):
                money = self._money(rows, d, charges, review)
                price = other.price * money
                price += self._scarce(review, rows, other.hours, d, charges)
                look[d] = np.where(open_, np.fmin(look[d], price), look[d])
        members = pricing.member_days(label, -1)
        floor = np.full(len(rows), np.inf)
        some = np.flatnonzero(np.isfinite(low))
        part = _at(side, some)
        for d in range(D):
            priced = self._price(
                label,
                crews[0],
                rows[some],
                part,
                d,
                charges,
                good=(low[some], high[some]),
                look=look[d][some],
                bad=shut[some] | members[:, None],
            )
            floor[some] = np.minimum(floor[some], priced.value)
        return floor

    def _offer(
        self,
        label: int,
        review: int,
        mode: int,
        some: Ints,
        labels: tuple[Ints, LabelSide],
        charges: Charges,
        aim: Floats,
        least: Floats,
        offers: list[Offers],
    ) -> None:
        """Price a pair exactly for the cohorts `some`; what beats the aim is offered."""
        pricing = self.pricing
        rows = some[pricing.shut(label, review, mode)[some] == OPEN]
        if not len(rows):
            return
        side = _at(labels[1], np.searchsorted(labels[0], rows))
        bad = pricing.bad_days(label, review)[rows] | pricing.member_days(label, review)[:, None]
        value, which = np.full(len(rows), np.inf), np.zeros(len(rows), dtype=np.int64)
        good, look = np.zeros(len(rows)), np.zeros(len(rows))
        if review >= 0:
            other = pricing.review_side(review, rows)
            good = other.good
        for d in range(self.inputs.days):
            if review >= 0:
                money = self._money(rows, d, charges, review)
                look = other.price * money
                look += self._scarce(review, rows, other.hours, d, charges)
            priced = self._price(
                label,
                review,
                rows,
                side,
                d,
                charges,
                good=(good, good),
                look=look,
                bad=bad,
                look_hours=other.hours if review >= 0 else None,
            )
            better = priced.value < value
            value = np.where(better, priced.value, value)
            which = np.where(better, priced.combination, which)
        hit = np.flatnonzero(value < aim[rows])
        if not len(hit):
            return
        k, combinations = rows[hit], self.reviewed if review >= 0 else self.alone
        least[k] = np.minimum(least[k], value[hit])
        chosen = [combinations[n] for n in which[hit].tolist()]
        choices = pricing.choices if review >= 0 else [0]
        offers.append(
            Offers(
                cohort=k,
                label=np.full(len(k), label),
                review=np.full(len(k), review),
                answers=np.array([i for i, _share, _n, _looked in chosen], dtype=np.int64),
                share=np.array([share for _i, share, _n, _looked in chosen]),
                choice=np.array([choices[n] for _i, _share, n, _looked in chosen]),
                value=value[hit],
            )
        )

    def _price(
        self,
        label: int,
        review: int,
        rows: Ints,
        side: LabelSide,
        d: int,
        charges: Charges,
        *,
        good: tuple[Floats, Floats],
        look: Floats,
        bad: NDArray[np.uint64],
        look_hours: Floats | None = None,
    ) -> _Priced:
        """Return the best option of a pair on a day, inf where it has none.

        good : least and greatest chance (k,) that the reviewer is right (equal for a real crew)
        look : price of one look with all that it adds; bad : (M, k) bits of days
        look_hours : hours of one look, where they are to fit the reviewer's day
        """
        pricing, c = self.pricing, self.inputs.cohorts
        money = self._money(rows, d, charges, label)
        scarce = self._scarce(label, rows, side.hours, d, charges)
        answer, rework = side.price * money + scarce, side.rework * money + scarce
        first = charges.task[rows, label] + charges.lateness[rows, d]
        harm, target, spoil = c.error_cost[rows], pricing.target[rows] + 1e-12, pricing.spoil[rows]
        in_time = c.due[rows] > d
        room = self.largest[label, d]
        tight = bool(((side.asked.max(axis=0, initial=0.0) + 1.0) * side.hours > room).any())
        value, which = np.full(len(rows), np.inf), np.zeros(len(rows), dtype=np.int64)
        now = -1
        for number, (i, share, n, looked) in enumerate(
            self.reviewed if review >= 0 else self.alone
        ):
            if i != now:
                now = i
                wrong, asked = side.wrong[i], side.asked[i]
                right = 1.0 - wrong
                base = first + asked * answer + wrong * harm
                each = look + right * spoil * (rework + harm)
                found = wrong * (rework - harm)
                found = np.minimum(found * good[0], found * good[1])
                day = in_time & ((bad[i] >> np.uint64(d) & np.uint64(1)) == 0)
            fits = day & self.fits[i, share][rows]
            delivered = wrong * (1.0 - looked * good[1]) + right * (share * spoil)
            fits &= delivered <= target
            if review >= 0:
                fits &= pricing.choice_allowed[rows, n]
            if tight:
                rejected = wrong * (looked * good[0]) + right * (share * spoil)
                fits &= (asked + rejected) * side.hours <= room
            if look_hours is not None:
                fits &= share * look_hours <= self.largest[review, d]
            total = base + share * each + looked * found
            better = fits & (total < value)
            np.copyto(value, total, where=better)
            np.copyto(which, number, where=better)
        return _Priced(value, which)


def _few(offers: Sequence[Offers]) -> Offers:
    """Return the best few offers of each cohort."""
    columns = [
        np.concatenate([getattr(offer, name) for offer in offers] or [np.zeros(0, dtype=np.int64)])
        for name in ("cohort", "label", "review", "answers", "share", "choice", "value")
    ]
    cohort, value = columns[0], columns[-1]
    order = np.lexsort((value, cohort))
    first = np.searchsorted(cohort[order], cohort[order])
    few = order[np.arange(len(order)) - first < OFFERED]
    return Offers(*(column[few] for column in columns))


def _at(side: LabelSide, at: Ints) -> LabelSide:
    return LabelSide(
        side.hours[at], side.price[at], side.rework[at], side.wrong[:, at], side.asked[:, at]
    )
