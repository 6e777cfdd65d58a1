"""Arrangements: who labels, how many answers at most, who reviews, which share, chosen how.

For every pair (labelling crew, reviewing crew or none) and cohort all (answers, share, choice) of
the policy's grids are priced at once; those above the cell's target error are dropped, then those
where another of the same pair costs no more money and no more hours of either crew. What is left
stands in a few slots per pair: slot (pair, j) may mean another number of answers for another
cohort, which keeps the planner's columns few.

    ε      = ε_m (1 − c(ρ)) + (1 − ε_m) ρ f
    money  = answers · price(h v) + ρ · review price + P(rejected) · rework + ε · cost of an error
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from routing.core.gates import OPEN, GateTable
from routing.core.pricing import Options, Pricing
from routing.core.tables import IN_HOUSE, MODEL, OUTSOURCED, Bits, Floats, Inputs, Ints

T = TypeVar("T", bound=np.generic)

SLOTS = 4
MODE_IN_HOUSE, MODE_OUTSOURCED, MODE_HYBRID, MODE_MODEL = range(4)
REVIEWERS_PER_POOL = 3


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
    rule_share: Floats
    rule_of: Ints

    @property
    def label_of(self) -> Ints:
        """Labelling crew of each slot (A,)."""
        return self.label[self.pair]

    @property
    def review_of(self) -> Ints:
        """Reviewing crew of each slot (A,), −1 = none."""
        return self.review[self.pair]


@dataclass(frozen=True)
class Offers:
    """Options (n,) to be added to candidates, at most one for a cohort and a pair of crews.

    answers : position in the grid of answers; value : reduced cost at which it was offered
    """

    cohort: Ints
    label: Ints
    review: Ints
    answers: Ints
    share: Floats
    choice: Ints
    value: Floats


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


def label_answers(inputs: Inputs, label: Ints, k: Ints, label_hours: Floats) -> Floats:
    """Return the answers expected for a task, rework among them: hours over hours of one answer.

    label, k : labelling crew and cohort, of shapes that broadcast to that of `label_hours`
    """
    crews = inputs.crews
    skill = inputs.types.skill[inputs.cohorts.task_type[k]]
    own = inputs.cohorts.hours[k] * crews.speed[label, skill]
    rated = crews.answer_hours[label]
    return np.asarray(label_hours / np.where(np.isfinite(rated), rated, own))


def candidates(inputs: Inputs, pricing: Pricing) -> Candidates:
    """Price the arrangements that usually matter; routing.core.menu finds the others that do."""
    label, review, mode = _pairs(inputs, pricing.gates)
    K, Q = len(inputs.cohorts), len(label)
    A = Q * SLOTS
    # Slots are rows while they are filled: each pair writes lines of its own.
    cost = np.full((Q, SLOTS, K), np.inf)
    spend, lh, rh = (np.zeros((Q, SLOTS, K)) for _ in range(3))
    error, share = (np.zeros((Q, SLOTS, K), dtype=np.float32) for _ in range(2))
    answers, choice = (np.zeros((Q, SLOTS, K), dtype=np.int8) for _ in range(2))
    bad = np.zeros((Q, SLOTS, K), dtype=np.uint64)
    shut = np.zeros((Q, K), dtype=np.uint8)
    rule_cost = np.full((Q, K), np.inf)
    rule_spend, rule_lh, rule_rh, rule_share = (np.zeros((Q, K)) for _ in range(4))
    for q in range(Q):
        shut[q] = pricing.shut(int(label[q]), int(review[q]), int(mode[q]))
        rows = np.flatnonzero(shut[q] == OPEN)
        if not len(rows):
            continue
        options = pricing.options(int(label[q]), int(review[q]), rows)
        shut[q, rows] = options.why
        kept, valid = _slots(options)
        at = np.arange(len(rows))
        for target, source in (
            (spend, options.spend),
            (error, options.error),
            (lh, options.label_hours),
            (rh, options.review_hours),
            (bad, options.bad),
            (choice, options.choice),
        ):
            target[q][:, rows] = source[kept, at]
        cost[q][:, rows] = np.where(valid, options.cost[kept, at], np.inf)
        answers[q][:, rows] = options.answers[kept]
        share[q][:, rows] = options.share[kept]
        best, found = pricing.by_rule(options, rows, int(mode[q]))
        chosen = best[found], at[found]
        rule_cost[q, rows[found]] = options.cost[chosen]
        rule_spend[q, rows[found]] = options.spend[chosen]
        rule_lh[q, rows[found]] = options.label_hours[chosen]
        rule_rh[q, rows[found]] = options.review_hours[chosen]
        rule_share[q, rows[found]] = options.share[best[found]]
    used = np.flatnonzero(np.isfinite(cost.reshape(A, K)).any(axis=1))

    def by_cohort(slots: NDArray[T]) -> NDArray[T]:
        return np.ascontiguousarray(slots.reshape(A, K)[used].T)

    return Candidates(
        label=label,
        review=review,
        mode=mode,
        shut=np.ascontiguousarray(shut.T),
        pair=np.repeat(np.arange(Q), SLOTS)[used],
        cost=by_cohort(cost),
        spend=by_cohort(spend),
        error=by_cohort(error),
        answers=by_cohort(answers),
        share=by_cohort(share),
        choice=by_cohort(choice),
        label_hours=by_cohort(lh),
        review_hours=by_cohort(rh),
        bad=by_cohort(bad),
        rule_cost=np.ascontiguousarray(rule_cost.T),
        rule_spend=np.ascontiguousarray(rule_spend.T),
        rule_label_hours=np.ascontiguousarray(rule_lh.T),
        rule_review_hours=np.ascontiguousarray(rule_rh.T),
        rule_share=np.ascontiguousarray(rule_share.T),
        rule_of=pricing.rule_of,
    )


def extended(inputs: Inputs, pricing: Pricing, found: Candidates, offers: Offers) -> Candidates:
    """Return the candidates with one slot more for every pair of crews that has offers."""
    C, K = len(inputs.crews) + 1, len(inputs.cohorts)
    known = {int(key): q for q, key in enumerate(found.label * C + found.review)}
    pairs: list[tuple[int, int, int]] = []
    shut, slots, of = [], [], []
    for key in np.unique(offers.label * C + offers.review).tolist():
        mine = np.flatnonzero(offers.label * C + offers.review == key)
        label, review = int(offers.label[mine[0]]), int(offers.review[mine[0]])
        if key not in known:
            known[key] = len(found.label) + len(pairs)
            mode = mode_of(inputs, label, review)
            code = pricing.shut(label, review, mode)
            rows = np.flatnonzero(code == OPEN)
            code[rows] = pricing.options(label, review, rows).why
            pairs.append((label, review, mode))
            shut.append(code)
        rows = offers.cohort[mine]
        priced = pricing.single(
            label, review, rows, offers.answers[mine], offers.share[mine], offers.choice[mine]
        )
        of.append(known[key])
        slots.append((rows, priced))
    more = np.array(pairs, dtype=np.int64).reshape(len(pairs), 3)
    none = np.full((K, len(pairs)), np.inf)

    def grown(now: NDArray[T], name: str, empty: float) -> NDArray[T]:
        added = np.full((K, len(slots)), empty, dtype=now.dtype)
        for column, (rows, priced) in enumerate(slots):
            added[rows, column] = getattr(priced, name)[0]
        return np.concatenate([now, added], axis=1)

    return replace(
        found,
        label=np.concatenate([found.label, more[:, 0]]),
        review=np.concatenate([found.review, more[:, 1]]),
        mode=np.concatenate([found.mode, more[:, 2]]),
        shut=np.concatenate([found.shut, *(code[:, None] for code in shut)], axis=1),
        pair=np.concatenate([found.pair, np.array(of, dtype=np.int64)]),
        cost=grown(found.cost, "cost", np.inf),
        spend=grown(found.spend, "spend", 0.0),
        error=grown(found.error, "error", 0.0),
        answers=grown(found.answers, "answers", 0),
        share=grown(found.share, "share", 0.0),
        choice=grown(found.choice, "choice", 0),
        label_hours=grown(found.label_hours, "label_hours", 0.0),
        review_hours=grown(found.review_hours, "review_hours", 0.0),
        bad=grown(found.bad, "bad", 0),
        rule_cost=np.concatenate([found.rule_cost, none], axis=1),
        rule_spend=np.concatenate([found.rule_spend, np.zeros_like(none)], axis=1),
        rule_label_hours=np.concatenate([found.rule_label_hours, np.zeros_like(none)], axis=1),
        rule_review_hours=np.concatenate([found.rule_review_hours, np.zeros_like(none)], axis=1),
        rule_share=np.concatenate([found.rule_share, np.zeros_like(none)], axis=1),
    )


def _pairs(inputs: Inputs, gates: GateTable) -> tuple[Ints, Ints, Ints]:
    """Return the pairs of crews to begin with.

    Of each pool a labelling crew may be reviewed by, the few crews that are open for most tasks
    (then those of the best rate); the others are priced in where they are worth it.
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


def _slots(options: Options) -> tuple[Ints, NDArray[np.bool_]]:
    """Return SLOTS options per cohort (SLOTS, k) to begin with, and which of them stand for one.

    The cheapest of those kept, and among them always the one of fewest hours: where capacity is
    dear it is the one that is worth its money.
    """
    kept = np.where(options.kept, options.cost, np.inf)
    number, k = kept.shape
    order = np.argsort(kept, axis=0, kind="stable")[:SLOTS]
    hours = np.where(options.kept, options.label_hours + options.review_hours, np.inf)
    fewest = np.argmin(hours, axis=0)
    absent = ~(order == fewest).any(axis=0)
    order[-1, absent] = fewest[absent]
    valid = options.kept[order, np.arange(k)]
    if number < SLOTS:
        order = np.pad(order, ((0, SLOTS - number), (0, 0)))
        valid = np.pad(valid, ((0, SLOTS - number), (0, 0)))
    return order, valid
