"""What every option costs: answers asked, share reviewed and how it is chosen, for pairs of crews.

    ε      = ε_m (1 − c(ρ)) + (1 − ε_m) ρ f
    money  = answers · price(h v) + ρ · review price + P(rejected) · rework + ε · cost of an error

Options are rows and cohorts columns, so that each option is priced for all cohorts in one sweep.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.gates import (
    CALIBRATING,
    MEMBERS,
    MODE,
    NO_HOURS,
    NO_PRICE,
    OPEN,
    REVIEWER,
    TARGET,
    GateTable,
)
from routing.core.review import after_review
from routing.core.tables import IN_HOUSE, Bits, Floats, Inputs, Ints
from routing.core.votes import MAX_CLASSES, expected_answers, vote_error

HIGH_RISK = 2  # from this risk band upward the lower bound of a rate is used


@dataclass(frozen=True)
class Options:
    """All options of one pair for some cohorts (O, k); `kept` are allowed and not dominated.

    answers, share (O,); why (k,) the gate that shuts the pair, 0 = open.
    """

    answers: NDArray[np.int8]
    share: NDArray[np.float32]
    choice: NDArray[np.int8]
    cost: Floats
    spend: Floats
    error: Floats
    label_hours: Floats
    review_hours: Floats
    bad: Bits
    allowed: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    why: NDArray[np.uint8]


@dataclass(frozen=True)
class LabelSide:
    """One crew's answers for some cohorts (k,): hours and price of one, price of one of rework.

    wrong, asked (M, k) : error of the vote and answers expected, by number of answers
    """

    hours: Floats
    price: Floats
    rework: Floats
    wrong: Floats
    asked: Floats


@dataclass(frozen=True)
class ReviewSide:
    """One crew's reviews for some cohorts (k,): chance to be right, hours and price of one look."""

    good: Floats
    hours: Floats
    price: Floats


class Pricing:
    """What the options of a pair cost, for many cohorts at once."""

    def __init__(self, inputs: Inputs, gates: GateTable) -> None:
        self.inputs, self.gates = inputs, gates
        c, policies = inputs.cohorts, inputs.projects.policies
        cell = (c.project, c.complexity, c.risk)
        self.modes = np.stack([p.modes for p in policies])[cell]
        self.target = np.stack([p.target_error for p in policies])[cell]
        self.answer_grid = tuple(sorted({a for p in policies for a in p.answer_grid}))
        self.review_grid = tuple(sorted({s for p in policies for s in p.review_grid}))
        self.answers_allowed = self._grid("answers", "answer_grid", self.answer_grid)[cell]
        self.reviews_allowed = self._grid("reviews", "review_grid", self.review_grid)[cell]
        self.effort = np.array([p.review_effort for p in policies])[c.project]
        self.votes = inputs.types.votes[c.task_type]
        # Errors that meet more often than by chance make a vote one over fewer classes.
        meet = inputs.types.same_error[c.task_type]
        alike = np.where(np.isnan(meet), MAX_CLASSES, np.rint(1.0 + 1.0 / np.maximum(meet, 0.1)))
        self.classes = np.minimum(c.classes, np.maximum(alike, 2).astype(np.int64))
        self.dispersion = inputs.types.dispersion[c.task_type]
        self.spoil = inputs.types.spoil[c.task_type]
        self.harder = inputs.types.difficulty[c.task_type, c.complexity]
        self.skill = inputs.types.skill[c.task_type]
        self.choices = sorted({ch for p in policies for ch in p.review_choices})
        self.choice_allowed = np.array(
            [[ch in p.review_choices for ch in self.choices] for p in policies]
        )[c.project]
        self.rule_of = self._rules()
        self._vote_kinds()

    def _grid(self, field: str, grid: str, union: tuple[float, ...]) -> NDArray[np.bool_]:
        """Spread each policy's grid over the union of all grids (J, 4, 4, len(union))."""
        policies = self.inputs.projects.policies
        allowed = np.zeros((len(policies), 4, 4, len(union)), dtype=bool)
        for j, policy in enumerate(policies):
            for g, value in enumerate(getattr(policy, grid)):
                allowed[j, :, :, union.index(value)] = getattr(policy, field)[:, :, g]
        return allowed

    def _rules(self) -> Ints:
        """Return the tier rule that each cohort falls under (K,), −1 = none."""
        c = self.inputs.cohorts
        rule_of = np.full(len(c), -1, dtype=np.int64)
        for k in range(len(c)):
            for number, rule in enumerate(self.inputs.projects.policies[c.project[k]].tier_rules):
                if c.complexity[k] in rule.complexity and c.risk[k] in rule.risk:
                    rule_of[k] = number
                    break
        return rule_of

    def _vote_kinds(self) -> None:
        """Number the (dispersion, classes) that occur: votes are tabled once for each."""
        pairs = np.column_stack([self.dispersion, self.classes.astype(np.float64)])
        self.vote_table, kind = np.unique(pairs, axis=0, return_inverse=True)
        self.vote_kind = kind.reshape(-1)

    def shut(self, label: int, review: int, mode: int) -> NDArray[np.uint8]:
        """Return the code that shuts the pair for each cohort before any option is priced."""
        inputs, c = self.inputs, self.inputs.cohorts
        code = self.gates.shut[:, label].copy()
        pool = int(inputs.crews.pool[label])
        priced = ~np.isnan(self.price(label, "label")).any(axis=1)
        code[(code == OPEN) & ~priced] = NO_PRICE
        if review >= 0:
            other = self.gates.shut[:, review]
            code[(code == OPEN) & (other != OPEN)] = REVIEWER
            priced = ~np.isnan(self.price(review, "review")).any(axis=1)
            code[(code == OPEN) & ~priced] = NO_PRICE
        every = np.uint64((1 << inputs.days) - 1)
        code[(code == OPEN) & (self.bad_days(label, review) == every)] = NO_HOURS
        code[(code == OPEN) & ~self.modes[:, mode]] = MODE
        if inputs.pools.calibrating[pool]:
            code[(code == OPEN) & (c.risk > 0)] = CALIBRATING
        return code

    def bad_days(self, label: int, review: int) -> Bits:
        """Return bits (K,) of the days on which a gate of either crew does not hold."""
        bad = self.gates.bad[:, label]
        return bad | self.gates.bad[:, review] if review >= 0 else bad

    def price(self, crew: int, activity: str) -> Floats:
        """Return the price (K, 3) per item, unit and hour of a crew's work."""
        return work_price(self.inputs, crew, activity)

    def _rate(self, crew: int, rows: Ints) -> Floats:
        """Return the chance that an answer is right: logistic(logit(rate) − δ)."""
        crews, risk = self.inputs.crews, self.inputs.cohorts.risk[rows]
        usual = crews.rate[crew][self.skill[rows]]
        careful = crews.rate_lower[crew][self.skill[rows]]
        rate = np.clip(np.where(risk >= HIGH_RISK, careful, usual), 1e-6, 1 - 1e-6)
        odds = np.log(rate) - np.log1p(-rate) - self.harder[rows]
        return np.asarray(1.0 / (1.0 + np.exp(-odds)))

    def options(self, label: int, review: int, rows: Ints) -> Options:
        """Price all options of a pair for the cohorts `rows`."""
        inputs, c = self.inputs, self.inputs.cohorts
        shares = self.shares(reviewed=review >= 0)
        M, S = len(self.answer_grid), len(shares)
        k = len(rows)
        side = self.label_side(label, rows)
        answer_hours, answer_price, rework_price = side.hours, side.price, side.rework
        if review >= 0:
            other = self.review_side(review, rows)
            good, look_hours, look_price = other.good, other.hours, other.price
        shape = (M, S, k)
        cost, spend = np.full(shape, np.inf), np.zeros(shape)
        error, lh, rh = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        choice = np.zeros(shape, dtype=np.int8)
        target, error_cost = self.target[rows] + 1e-12, c.error_cost[rows]
        spoil, choosable = self.spoil[rows], self.choice_allowed[rows].T
        for i in range(M):
            wrong, asked = side.wrong[i], side.asked[i]
            for j, share in enumerate(shares):
                fits = self.fits(i, share, rows)
                best = cost[i, j]
                for n, ch in enumerate(self.choices if review >= 0 else [0]):
                    if review >= 0:
                        delivered, rejected = after_review(wrong, share, good, ch, spoil)
                        paid = asked * answer_price + share * look_price + rejected * rework_price
                        fit = fits & choosable[n]
                    else:
                        delivered, rejected = wrong, np.zeros(k)
                        paid, fit = asked * answer_price, fits
                    total = paid + delivered * error_cost
                    # The target is kept by the choice that errs least; cost decides among equals.
                    better = fit & (delivered <= target) & (total < best)
                    np.copyto(best, total, where=better)
                    np.copyto(choice[i, j], np.int8(ch), where=better)
                    np.copyto(error[i, j], delivered, where=better)
                    np.copyto(spend[i, j], paid, where=better)
                    np.copyto(lh[i, j], (asked + rejected) * answer_hours, where=better)
                    if review >= 0:
                        np.copyto(rh[i, j], share * look_hours, where=better)
        bad = self.bad_days(label, review)[rows] | self.member_days(label, review)[:, None]
        enough = bad != np.uint64((1 << inputs.days) - 1)
        allowed = np.isfinite(cost)
        why = np.where(allowed.any(axis=(0, 1)), MEMBERS, TARGET).astype(np.uint8)
        allowed &= enough[:, None, :]
        cost = np.where(allowed, cost, np.inf)
        why = np.where(allowed.any(axis=(0, 1)), OPEN, why).astype(np.uint8)
        kept = allowed & ~_dominated(cost)
        flat = (M * S, k)
        return Options(
            answers=np.repeat(np.array(self.answer_grid, dtype=np.int8), S),
            share=np.tile(np.array(shares, dtype=np.float32), M),
            choice=choice.reshape(flat),
            cost=cost.reshape(flat),
            spend=spend.reshape(flat),
            error=error.reshape(flat),
            label_hours=lh.reshape(flat),
            review_hours=rh.reshape(flat),
            bad=np.repeat(bad, S, axis=0),
            allowed=allowed.reshape(flat),
            kept=kept.reshape(flat),
            why=why,
        )

    def single(
        self, label: int, review: int, rows: Ints, i: Ints, share: Floats, choice: Ints
    ) -> Options:
        """Price one option for each of the cohorts `rows` (k,): arrays of Options are (1, k).

        i : position in the grid of answers
        """
        at = np.arange(len(rows))
        side = self.label_side(label, rows)
        wrong, asked = side.wrong[i, at], side.asked[i, at]
        error, rejected = wrong.copy(), np.zeros(len(rows))
        extra, look_hours = np.zeros(len(rows)), np.zeros(len(rows))
        if review >= 0:
            other = self.review_side(review, rows)
            extra, look_hours = share * other.price, share * other.hours
            for one in np.unique(share):
                for ch in np.unique(choice):
                    mine = (share == one) & (choice == ch)
                    error[mine], rejected[mine] = after_review(
                        wrong[mine], float(one), other.good[mine], int(ch), self.spoil[rows][mine]
                    )
        spend = asked * side.price + extra + rejected * side.rework
        open_ = np.ones((1, len(rows)), dtype=bool)
        return Options(
            answers=np.array(self.answer_grid, dtype=np.int8)[i][None, :],
            share=share.astype(np.float32)[None, :],
            choice=choice.astype(np.int8)[None, :],
            cost=(spend + error * self.inputs.cohorts.error_cost[rows])[None, :],
            spend=spend[None, :],
            error=error[None, :],
            label_hours=((asked + rejected) * side.hours)[None, :],
            review_hours=look_hours[None, :],
            bad=(self.bad_days(label, review)[rows] | self.member_days(label, review)[i])[None, :],
            allowed=open_,
            kept=open_,
            why=np.full(len(rows), OPEN, dtype=np.uint8),
        )

    def shares(self, *, reviewed: bool) -> list[float]:
        """Return the shares of the grid with a reviewing crew, or without one."""
        return [s for s in self.review_grid if (s > 0) == reviewed]

    def label_side(self, label: int, rows: Ints) -> LabelSide:
        """Return what a crew's answers are and cost for the cohorts `rows`."""
        inputs, c = self.inputs, self.inputs.cohorts
        rate = self._rate(label, rows)
        price = self.price(label, "label")[rows]
        one = inputs.crews.answer_hours[label]
        speed = inputs.crews.speed[label][self.skill[rows]]
        hours = np.full(len(rows), one) if np.isfinite(one) else c.hours[rows] * speed
        answer = price[:, 0] + price[:, 1] * c.size[rows] + price[:, 2] * hours
        billable = inputs.rates.rework_billable[inputs.crews.pool[label], c.task_type[rows]]
        votes = [self._vote(rate, m, rows) for m in self.answer_grid]
        return LabelSide(
            hours=hours,
            price=answer,
            rework=np.where(billable, answer, 0.0),
            wrong=np.array([wrong for wrong, _asked in votes]),
            asked=np.array([asked for _wrong, asked in votes]),
        )

    def review_side(self, review: int, rows: Ints) -> ReviewSide:
        """Return what a crew's reviews are and cost for the cohorts `rows`."""
        c = self.inputs.cohorts
        speed = self.inputs.crews.speed[review][self.skill[rows]]
        hours = c.hours[rows] * self.effort[rows] * speed
        price = self.price(review, "review")[rows]
        look = price[:, 0] + price[:, 1] * c.size[rows] + price[:, 2] * hours
        return ReviewSide(self._rate(review, rows), hours, look)

    def fits(self, i: int, share: float, rows: Ints) -> NDArray[np.bool_]:
        """Tell for which cohorts number `i` of the answers and a share may go together."""
        m = self.answer_grid[i]
        fits = self._answers_ok(i, m, rows)
        fits &= self.reviews_allowed[rows, self.review_grid.index(share)]
        if m == 2:
            fits &= self.votes[rows] | (share == 1.0)
        return fits

    def _vote(self, rate: Floats, m: int, rows: Ints) -> tuple[Floats, Floats]:
        """Return (error of m answers, answers expected)."""
        if m == 1:
            return 1.0 - rate, np.ones(len(rows))
        wrong, asked = np.empty(len(rows)), np.empty(len(rows))
        kinds = self.vote_kind[rows]
        for kind in np.unique(kinds):
            mine = kinds == kind
            dispersion, classes = self.vote_table[kind]
            wrong[mine] = vote_error(rate[mine], m, float(dispersion), int(classes))
            asked[mine] = expected_answers(rate[mine], m, float(dispersion), int(classes))
        if m == 2:
            # Two answers and an adjudicator (types without a vote): both must be wrong to fail.
            apart = ~self.votes[rows]
            phi = self.dispersion[rows]
            both = (1 - rate) * ((1 - rate) + phi * rate)
            wrong = np.where(apart, both, wrong)
            asked = np.where(apart, 2.0, asked)
        return wrong, asked

    def _answers_ok(self, i: int, m: int, rows: Ints) -> NDArray[np.bool_]:
        """Tell which cohorts may be asked m answers; without a vote one, or two adjudicated."""
        allowed = self.answers_allowed[rows, i]
        votes = self.votes[rows]
        # An even vote adds nothing over one answer less.
        return np.asarray(allowed & np.where(votes, (m == 1) | (m % 2 == 1), m <= 2))

    def member_days(self, label: int, review: int) -> Bits:
        """Return, for each number of answers (M,), the days with too few members."""
        crews = self.inputs.crews
        bits = []
        for m in self.answer_grid:
            need = m + (1 if review == label else 0)
            short = crews.members[label] < need
            bits.append(np.uint64(sum(1 << d for d in np.flatnonzero(short))))
        return np.array(bits, dtype=np.uint64)

    def by_rule(self, options: Options, rows: Ints, mode: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Return, for the project's own rules, the least option at or above the rule's effort."""
        c, policies = self.inputs.cohorts, self.inputs.projects.policies
        least_m, least_s = np.zeros(len(rows)), np.zeros(len(rows))
        applies = np.zeros(len(rows), dtype=bool)
        for j, policy in enumerate(policies):
            for number, rule in enumerate(policy.tier_rules):
                mine = (c.project[rows] == j) & (self.rule_of[rows] == number)
                least_m[mine], least_s[mine] = rule.answers, rule.review_share
                applies[mine] = mode in rule.modes
        fits = (
            options.allowed
            & (options.answers[:, None] >= least_m)
            & (options.share[:, None] >= least_s - 1e-6)
            & applies
        )
        best = np.argmin(np.where(fits, options.cost, np.inf), axis=0)
        return best, np.asarray(fits.any(axis=0))


def work_price(inputs: Inputs, crew: int, activity: str) -> Floats:
    """Return the price (K, 3) per item, unit and hour; in-house without a card by wage."""
    c, pool = inputs.cohorts, int(inputs.crews.pool[crew])
    table = inputs.rates.label if activity == "label" else inputs.rates.review
    price = table[pool, c.task_type].copy()
    if inputs.pools.kind[pool] == IN_HOUSE:
        missing = np.isnan(price).any(axis=1)
        wage = float(inputs.crews.hourly_cost[crew])
        price[missing] = (0.0, 0.0, wage)
        # At marginal cost the hours of own staff are paid already.
        marginal = np.array([p.marginal for p in inputs.projects.policies])[c.project]
        price[marginal] = 0.0
    return np.asarray(price)


def review_spend(
    inputs: Inputs, k: Ints, review: Ints, share: NDArray[np.floating], review_hours: Floats
) -> Floats:
    """Return the part of a task's money that its reviewing crew is paid (n,).

    Parameters
    ----------
    k, review : (n,) cohort and reviewing crew, −1 = none
    share, review_hours : (n,) share of tasks reviewed; hours of review per task
    """
    spend = np.zeros(len(k))
    for crew in np.unique(review[review >= 0]).tolist():
        mine = np.flatnonzero(review == crew)
        item, unit, hour = work_price(inputs, crew, "review")[k[mine]].T
        looks = share[mine] * (item + unit * inputs.cohorts.size[k[mine]])
        spend[mine] = looks + hour * review_hours[mine]
    return spend


def _dominated(cost: Floats) -> NDArray[np.bool_]:
    """Tell which options (M, S, k) one with no more answers and no larger share beats or equals.

    Hours of the labelling crew grow with the answers, hours of the reviewing crew with the share,
    so the least cost over the lower left of the grid decides.
    """
    least = cost.copy()
    for i in range(1, cost.shape[0]):
        np.minimum(least[i], least[i - 1], out=least[i])
    for j in range(1, cost.shape[1]):
        np.minimum(least[:, j], least[:, j - 1], out=least[:, j])
    before = np.full(cost.shape, np.inf)
    before[1:] = least[:-1]
    before[:, 1:] = np.minimum(before[:, 1:], least[:, :-1])
    return np.asarray(before <= cost)
