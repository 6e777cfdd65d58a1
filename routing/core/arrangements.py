"""Arrangements: who labels, how many answers at most, who reviews, which share, chosen how.

For every pair (labelling crew, reviewing crew or none) and cohort all (answers, share, choice) of
the policy's grids are priced at once; those above the cell's target error are dropped, then those
where another of the same pair costs no more money and no more hours of either crew. What is left
stands in a few slots per pair: slot (pair, j) may mean another number of answers for another
cohort, which keeps the planner's columns few.

    ε      = ε_m (1 − c(ρ)) + (1 − ε_m) ρ f
    money  = answers · price(h v) + ρ · review price + P(rejected) · rework + ε · cost of an error
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
    touch_gates,
)
from routing.core.review import after_review
from routing.core.tables import IN_HOUSE, MODEL, OUTSOURCED, Bits, Floats, Inputs, Ints
from routing.core.votes import MAX_CLASSES, expected_answers, vote_error

SLOTS = 4
MODE_IN_HOUSE, MODE_OUTSOURCED, MODE_HYBRID, MODE_MODEL = range(4)
REVIEWERS_PER_POOL = 3
HIGH_RISK = 2  # from this risk band upward the lower bound of a rate is used


@dataclass(frozen=True)
class Candidates:
    """What each cohort could be given.

    Pairs (Q,): label, review (crew index, −1 = none), mode; `shut` (K, Q) the gate code that shuts
    the pair for the cohort, 0 = open. Slots (A,): `pair`; and (K, A): cost (money of the objective
    per task, inf = not allowed), spend (money paid), error, answers asked, share, choice, hours of
    both crews per task, and `bad` bits of the days on which it may not be used.
    """

    label: Ints
    review: Ints
    mode: Ints
    shut: NDArray[np.uint8]
    pair: Ints
    cost: Floats
    spend: Floats
    error: NDArray[np.float32]
    answers: NDArray[np.int8]
    share: NDArray[np.float32]
    choice: NDArray[np.int8]
    label_hours: Floats
    review_hours: Floats
    bad: Bits
    rule_cost: Floats
    rule_spend: Floats
    rule_label_hours: Floats
    rule_review_hours: Floats
    rule_of: Ints

    @property
    def label_of(self) -> Ints:
        """Labelling crew of each slot (A,)."""
        return self.label[self.pair]

    @property
    def review_of(self) -> Ints:
        """Reviewing crew of each slot (A,), −1 = none."""
        return self.review[self.pair]


def mode_of(inputs: Inputs, label: int, review: int) -> int:
    """Return by which people a task is touched; −1 where the pair is never allowed."""
    pools, crews = inputs.pools, inputs.crews
    a = int(crews.pool[label])
    kind, vendor = int(pools.kind[a]), int(pools.vendor[a])
    if review < 0:
        return {IN_HOUSE: MODE_IN_HOUSE, OUTSOURCED: MODE_OUTSOURCED, MODEL: MODE_MODEL}[kind]
    b = int(crews.pool[review])
    if a != b and not pools.pairs[a, b]:
        return -1
    other, other_vendor = int(pools.kind[b]), int(pools.vendor[b])
    if other == MODEL:
        return -1  # a person answers for what a model found, never the other way round
    if kind == OUTSOURCED and other == OUTSOURCED and vendor != other_vendor:
        return -1
    if kind == IN_HOUSE and other == IN_HOUSE:
        return MODE_IN_HOUSE
    if other == OUTSOURCED and kind in (OUTSOURCED, MODEL):
        return MODE_OUTSOURCED
    return MODE_HYBRID


def candidates(inputs: Inputs) -> Candidates:
    """Price every arrangement of every cohort."""
    gates = touch_gates(inputs)
    label, review, mode = _pairs(inputs, gates)
    K, Q = len(inputs.cohorts), len(label)
    pricing = _Pricing(inputs, gates)
    A = Q * SLOTS
    cost = np.full((K, Q, SLOTS), np.inf)
    spend, lh, rh = (np.zeros((K, Q, SLOTS)) for _ in range(3))
    error, share = (np.zeros((K, Q, SLOTS), dtype=np.float32) for _ in range(2))
    answers, choice = (np.zeros((K, Q, SLOTS), dtype=np.int8) for _ in range(2))
    bad = np.zeros((K, Q, SLOTS), dtype=np.uint64)
    shut = np.zeros((K, Q), dtype=np.uint8)
    rule_cost = np.full((K, Q), np.inf)
    rule_spend, rule_lh, rule_rh = (np.zeros((K, Q)) for _ in range(3))
    for q in range(Q):
        shut[:, q] = pricing.shut(int(label[q]), int(review[q]), int(mode[q]))
        rows = np.flatnonzero(shut[:, q] == OPEN)
        if not len(rows):
            continue
        options = pricing.options(int(label[q]), int(review[q]), rows)
        shut[rows, q] = options.why
        kept, valid = _slots(options)
        for target, source in (
            (cost, options.cost),
            (spend, options.spend),
            (error, options.error),
            (lh, options.label_hours),
            (rh, options.review_hours),
            (bad, options.bad),
        ):
            target[rows, q] = np.take_along_axis(source, kept, axis=1)
        cost[rows, q] = np.where(valid, cost[rows, q], np.inf)
        answers[rows, q] = options.answers[kept]
        share[rows, q] = options.share[kept]
        choice[rows, q] = np.take_along_axis(options.choice, kept, axis=1)
        best, found = pricing.by_rule(options, rows, int(mode[q]))
        rule_cost[rows[found], q] = options.cost[found, best[found]]
        rule_spend[rows[found], q] = options.spend[found, best[found]]
        rule_lh[rows[found], q] = options.label_hours[found, best[found]]
        rule_rh[rows[found], q] = options.review_hours[found, best[found]]
    flat = cost.reshape(K, A)
    used = np.isfinite(flat).any(axis=0)
    pick = np.flatnonzero(used)
    return Candidates(
        label=label,
        review=review,
        mode=mode,
        shut=shut,
        pair=np.repeat(np.arange(Q), SLOTS)[pick],
        cost=flat[:, pick],
        spend=spend.reshape(K, A)[:, pick],
        error=error.reshape(K, A)[:, pick],
        answers=answers.reshape(K, A)[:, pick],
        share=share.reshape(K, A)[:, pick],
        choice=choice.reshape(K, A)[:, pick],
        label_hours=lh.reshape(K, A)[:, pick],
        review_hours=rh.reshape(K, A)[:, pick],
        bad=bad.reshape(K, A)[:, pick],
        rule_cost=rule_cost,
        rule_spend=rule_spend,
        rule_label_hours=rule_lh,
        rule_review_hours=rule_rh,
        rule_of=pricing.rule_of,
    )


def _pairs(inputs: Inputs, gates: GateTable) -> tuple[Ints, Ints, Ints]:
    """Return the pairs of crews that may work together, fewest reviewers that matter.

    Of each pool a labelling crew may be reviewed by, the crews count that are open for most tasks
    (then those of the best rate): more would only repeat them.
    """
    crews, C = inputs.crews, len(inputs.crews)
    # A policy may know no review at all, or none without one: such pairs have no option.
    shares = {share for policy in inputs.projects.policies for share in policy.review_grid}
    alone, reviewed = 0.0 in shares, any(share > 0 for share in shares)
    reach = inputs.cohorts.count @ (gates.shut == OPEN) if len(inputs.cohorts) else np.zeros(C)
    rate = crews.rate.mean(axis=1) if crews.rate.shape[1] else np.zeros(C)
    order = np.lexsort((np.arange(C), -rate, -reach))
    pairs: list[tuple[int, int, int]] = []
    for label in range(C):
        if not reach[label]:
            continue
        if alone:
            pairs.append((label, -1, mode_of(inputs, label, -1)))
        per_pool: dict[int, int] = {}
        for review in order if reviewed else ():
            mode = mode_of(inputs, label, int(review))
            pool = int(crews.pool[review])
            if mode < 0 or not reach[review]:
                continue
            if per_pool.get(pool, 0) >= REVIEWERS_PER_POOL and review != label:
                continue
            per_pool[pool] = per_pool.get(pool, 0) + 1
            pairs.append((label, int(review), mode))
    if not pairs:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty.copy(), empty.copy()
    columns = np.array(pairs, dtype=np.int64)
    return columns[:, 0], columns[:, 1], columns[:, 2]


@dataclass(frozen=True)
class _Options:
    """All options of one pair for some cohorts (k, O); `kept` are allowed and not dominated."""

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


class _Pricing:
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
        self.marginal = np.array([p.marginal for p in policies])[c.project]
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
        priced = ~np.isnan(self._price(label, "label")).any(axis=1)
        code[(code == OPEN) & ~priced] = NO_PRICE
        if review >= 0:
            other = self.gates.shut[:, review]
            code[(code == OPEN) & (other != OPEN)] = REVIEWER
            priced = ~np.isnan(self._price(review, "review")).any(axis=1)
            code[(code == OPEN) & ~priced] = NO_PRICE
        every = np.uint64((1 << inputs.days) - 1)
        code[(code == OPEN) & (self._bad(label, review) == every)] = NO_HOURS
        code[(code == OPEN) & ~self.modes[:, mode]] = MODE
        if inputs.pools.calibrating[pool]:
            code[(code == OPEN) & (c.risk > 0)] = CALIBRATING
        return code

    def _bad(self, label: int, review: int) -> Bits:
        bad = self.gates.bad[:, label]
        return bad | self.gates.bad[:, review] if review >= 0 else bad

    def _price(self, crew: int, activity: str) -> Floats:
        """Return the price (K, 3) per item, unit and hour; in-house without a card by wage."""
        inputs, c = self.inputs, self.inputs.cohorts
        pool = int(inputs.crews.pool[crew])
        table = inputs.rates.label if activity == "label" else inputs.rates.review
        price = table[pool, c.task_type].copy()
        if inputs.pools.kind[pool] == IN_HOUSE:
            missing = np.isnan(price).any(axis=1)
            wage = float(inputs.crews.hourly_cost[crew])
            price[missing] = (0.0, 0.0, wage)
            # At marginal cost the hours of own staff are paid already.
            price[self.marginal] = 0.0
        return np.asarray(price)

    def _rate(self, crew: int, rows: Ints) -> Floats:
        """Return the chance that an answer is right: logistic(logit(rate) − δ)."""
        crews, risk = self.inputs.crews, self.inputs.cohorts.risk[rows]
        usual = crews.rate[crew][self.skill[rows]]
        careful = crews.rate_lower[crew][self.skill[rows]]
        rate = np.clip(np.where(risk >= HIGH_RISK, careful, usual), 1e-6, 1 - 1e-6)
        odds = np.log(rate) - np.log1p(-rate) - self.harder[rows]
        return np.asarray(1.0 / (1.0 + np.exp(-odds)))

    def options(self, label: int, review: int, rows: Ints) -> _Options:
        """Price all options of a pair for the cohorts `rows`."""
        inputs, c = self.inputs, self.inputs.cohorts
        shares = [s for s in self.review_grid if (s > 0) == (review >= 0)]
        M, S = len(self.answer_grid), len(shares)
        k = len(rows)
        hours = c.hours[rows]
        rate = self._rate(label, rows)
        price = self._price(label, "label")[rows]
        speed = inputs.crews.speed[label][self.skill[rows]]
        one = inputs.crews.answer_hours[label]
        answer_hours = np.full(k, one) if np.isfinite(one) else hours * speed
        answer_price = price[:, 0] + price[:, 1] * c.size[rows] + price[:, 2] * answer_hours
        billable = inputs.rates.rework_billable[inputs.crews.pool[label], c.task_type[rows]]
        rework_price = np.where(billable, answer_price, 0.0)
        if review >= 0:
            good = self._rate(review, rows)
            look_hours = hours * self.effort[rows] * inputs.crews.speed[review][self.skill[rows]]
            rp = self._price(review, "review")[rows]
            look_price = rp[:, 0] + rp[:, 1] * c.size[rows] + rp[:, 2] * look_hours
        shape = (k, M, S)
        cost, spend = np.full(shape, np.inf), np.zeros(shape)
        error, lh, rh = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        choice = np.zeros(shape, dtype=np.int8)
        allowed = np.zeros(shape, dtype=bool)
        bad = np.zeros(shape, dtype=np.uint64)
        base_bad = self._bad(label, review)[rows]
        member_bad = self._member_bits(label, review)
        for i, m in enumerate(self.answer_grid):
            wrong, asked = self._vote(rate, m, rows)
            ok = self._answers_ok(i, m, rows)
            for j, share in enumerate(shares):
                fits = ok & self.reviews_allowed[rows, self.review_grid.index(share)]
                if m == 2:
                    fits &= self.votes[rows] | (share == 1.0)
                best = np.full(k, np.inf)
                for n, ch in enumerate(self.choices if review >= 0 else [0]):
                    if review >= 0:
                        delivered, rejected = after_review(wrong, share, good, ch, self.spoil[rows])
                        extra = share * look_price
                    else:
                        delivered, rejected, extra = wrong, np.zeros(k), 0.0
                    paid = asked * answer_price + extra + rejected * rework_price
                    total = paid + delivered * c.error_cost[rows]
                    total = np.where(
                        self.choice_allowed[rows, n] if review >= 0 else True, total, np.inf
                    )
                    # The target is kept by the choice that errs least; cost decides among equals.
                    total = np.where(delivered <= self.target[rows] + 1e-12, total, np.inf)
                    better = total < best
                    best = np.where(better, total, best)
                    choice[better, i, j] = ch
                    error[better, i, j] = delivered[better]
                    spend[better, i, j] = paid[better]
                    lh[better, i, j] = ((asked + rejected) * answer_hours)[better]
                    rh[better, i, j] = (share * look_hours)[better] if review >= 0 else 0.0
                cost[:, i, j] = np.where(fits, best, np.inf)
                allowed[:, i, j] = np.isfinite(cost[:, i, j])
                bad[:, i, j] = base_bad | member_bad[i]
        every = np.uint64((1 << inputs.days) - 1)
        enough = bad != every
        why = np.where(allowed.any(axis=(1, 2)), MEMBERS, TARGET).astype(np.uint8)
        allowed &= enough
        cost = np.where(allowed, cost, np.inf)
        why = np.where(allowed.any(axis=(1, 2)), OPEN, why).astype(np.uint8)
        kept = allowed & ~_dominated(cost)
        flat = (k, M * S)
        return _Options(
            answers=np.repeat(np.array(self.answer_grid, dtype=np.int8), S),
            share=np.tile(np.array(shares, dtype=np.float32), M),
            choice=choice.reshape(flat),
            cost=cost.reshape(flat),
            spend=spend.reshape(flat),
            error=error.reshape(flat),
            label_hours=lh.reshape(flat),
            review_hours=rh.reshape(flat),
            bad=bad.reshape(flat),
            allowed=allowed.reshape(flat),
            kept=kept.reshape(flat),
            why=why,
        )

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

    def _member_bits(self, label: int, review: int) -> list[np.uint64]:
        """Return, for each number of answers, the days with too few members."""
        crews = self.inputs.crews
        bits = []
        for m in self.answer_grid:
            need = m + (1 if review == label else 0)
            short = crews.members[label] < need
            bits.append(np.uint64(sum(1 << d for d in np.flatnonzero(short))))
        return bits

    def by_rule(self, options: _Options, rows: Ints, mode: int) -> tuple[Ints, NDArray[np.bool_]]:
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
            & (options.answers[None, :] >= least_m[:, None])
            & (options.share[None, :] >= least_s[:, None] - 1e-6)
            & applies[:, None]
        )
        best = np.argmin(np.where(fits, options.cost, np.inf), axis=1)
        return best, np.asarray(fits.any(axis=1))


def _dominated(cost: Floats) -> NDArray[np.bool_]:
    """Tell which options another one with no more answers and no larger share beats or equals.

    Hours of the labelling crew grow with the answers, hours of the reviewing crew with the share,
    so the least cost over the lower left of the grid decides.
    """
    least = np.minimum.accumulate(np.minimum.accumulate(cost, axis=1), axis=2)
    before = np.full(cost.shape, np.inf)
    before[:, 1:, :] = least[:, :-1, :]
    before[:, :, 1:] = np.minimum(before[:, :, 1:], least[:, :, :-1])
    return np.asarray(before <= cost)


def _slots(options: _Options) -> tuple[Ints, NDArray[np.bool_]]:
    """Return SLOTS options per cohort (k, SLOTS) and which of them stand for one.

    The cheapest of those kept, and among them always the one of fewest hours: where capacity is
    dear it is the one that is worth its money.
    """
    kept = np.where(options.kept, options.cost, np.inf)
    number = kept.shape[1]
    order = np.argsort(kept, axis=1, kind="stable")[:, :SLOTS]
    hours = np.where(options.kept, options.label_hours + options.review_hours, np.inf)
    fewest = np.argmin(hours, axis=1)
    absent = ~(order == fewest[:, None]).any(axis=1)
    order[absent, -1] = fewest[absent]
    valid = np.take_along_axis(options.kept, order, axis=1)
    if number < SLOTS:
        order = np.pad(order, ((0, 0), (0, SLOTS - number)))
        valid = np.pad(valid, ((0, 0), (0, SLOTS - number)))
    return order, valid
