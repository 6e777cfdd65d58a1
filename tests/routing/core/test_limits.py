"""What a day holds: hours, declared hours, harmful content, answers; in plan, settle, greedy."""

from typing import Any

import numpy as np
import pytest

from routing.core.baselines import greedy
from routing.core.decide import Outcome, decide
from routing.core.limits import limits_of, uses_of
from routing.core.place import order_tasks
from routing.core.settle import Settled, settle
from routing.core.tables import Inputs
from tests.routing.core.small import Small


def settled(inputs: Inputs, outcome: Outcome, seed: int | None = None) -> tuple[Settled, Any, Any]:
    """Settle with every task of its cohort's mean effort, or of an effort about it by `seed`."""
    cohort = np.repeat(np.arange(len(inputs.cohorts)), inputs.cohorts.count)
    n = len(cohort)
    order = order_tasks(
        cohort,
        len(inputs.cohorts),
        np.full(n, np.inf),
        np.zeros(n, np.int16),
        np.zeros(n),
        np.arange(n),
    )
    hours = inputs.cohorts.hours[cohort]
    if seed is not None:
        hours = hours * np.random.default_rng(seed).lognormal(0.0, 0.5, n)
    return settle(inputs, outcome, order, cohort, hours), cohort, hours


def used(
    inputs: Inputs, outcome: Outcome, found: Settled, cohort: Any, hours: Any
) -> dict[str, Any]:
    """Add up what is placed by kind of limit, (rows, D), by hand."""
    rows = np.flatnonzero(found.slot >= 0)
    slot, day = found.slot[rows].astype(int), found.day[rows].astype(int)
    uses = uses_of(inputs, outcome.candidates, cohort[rows], slot, row=rows, hours=hours[rows])
    total: dict[str, Any] = {}
    for limit in limits_of(inputs):
        sums = np.zeros(limit.capacity.shape)
        for at, crew, amount in zip(uses.row, uses.crew, uses.amount(limit.kind), strict=True):
            sums[limit.row_of[crew], found.day[at]] += amount
        total[limit.kind] = sums
    assert len(day) == len(rows)
    return total


def limited(kind: str) -> Small:
    """An operation in which one kind of limit is much shorter than all others."""
    person: dict[str, Any] = {"exposure": True, "harm_hours": 8.0}
    person |= {
        "crew": {"hours": 0.6},
        "exposure": {"harm_hours": 0.5},
        "answers": {"answers": 4},
    }.get(kind, {})
    pool = {"kind": 1, "vendor": 0, **({"declared": [1.3, 0.7]} if kind == "declared" else {})}
    return Small(
        days=2,
        pools=[pool],
        people=[dict(person) for _ in range(3)],
        cohorts=[{"count": 60, "harm": 1}, {"count": 60, "harm": 1, "hours": 0.03}],
    )


@pytest.mark.parametrize("kind", ["crew", "declared", "exposure", "answers"])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_each_limit_holds_by_single_effort_and_is_used(kind: str, seed: int | None) -> None:
    inputs = limited(kind).inputs()
    outcome = decide(inputs)
    found, cohort, hours = settled(inputs, outcome, seed)
    placed = used(inputs, outcome, found, cohort, hours)
    for limit in limits_of(inputs):
        assert np.all(placed[limit.kind] <= limit.capacity * (1 + 1e-6) + 1e-6), limit.kind
    tight = next(limit for limit in limits_of(inputs) if limit.kind == kind)
    # The short one is what keeps work waiting: it is filled but for less than a large task.
    assert (found.slot < 0).any()
    assert np.all(placed[kind] > tight.capacity * 0.7)
    row = outcome.rows.kinds.index(kind)
    assert outcome.plan.prices[row].max() > 0
    assert all(price.max() == 0 for r, price in enumerate(outcome.plan.prices) if r != row)


@pytest.mark.parametrize("kind", ["crew", "declared", "exposure", "answers"])
def test_the_plan_and_greedy_keep_each_limit(kind: str) -> None:
    inputs = limited(kind).inputs()
    outcome = decide(inputs)
    plan = outcome.plan
    uses = uses_of(inputs, outcome.candidates, plan.cohort, plan.arrangement)
    for limit in limits_of(inputs):
        sums = np.zeros(limit.capacity.shape)
        np.add.at(
            sums,
            (limit.row_of[uses.crew], plan.day[uses.row]),
            uses.amount(limit.kind) * plan.tasks[uses.row],
        )
        assert np.all(sums <= limit.capacity * (1 + 1e-9) + 1e-9)
    by_greedy = greedy(inputs, outcome).cost
    # Under the same limits greedy cannot cost less than the proven bound.
    assert plan.lower_bound - 1e-9 <= by_greedy
    free = limited("none").inputs()
    assert by_greedy > 2 * decide(free).plan.cost


def test_harmless_work_uses_no_exposure() -> None:
    small = limited("exposure")
    small.cohorts[0]["harm"], small.cohorts[1]["hours"] = 0, 0.2
    inputs = small.inputs()
    plan = decide(inputs).plan
    assert plan.waiting[0] == 0
    assert plan.waiting[1] > 0


def test_a_reviewer_is_exposed_as_well() -> None:
    """Labelled by a vendor without an end of its cap, reviewed in full by a house that has one."""
    inputs = Small(
        pools=[{}, {"kind": 1, "vendor": 0}],
        people=[
            {"pool": 1, "exposure": True, "harm_hours": 8.0, "rate": 0.8},
            {"pool": 0, "exposure": True, "harm_hours": 0.5, "rate": 0.99},
        ],
        reviews=[(1, 0)],
        cohorts=[{"count": 100, "harm": 1}],
        policy={"cell": {"modes": ["hybrid"], "target_error": 0.05}},
    ).inputs()
    outcome = decide(inputs)
    plan = outcome.plan
    hours = outcome.candidates.review_hours[plan.cohort, plan.arrangement] @ plan.tasks
    assert 0.4 < hours <= 0.5 + 1e-9
    assert plan.waiting[0] > 0


def test_reviews_count_into_the_cap_on_answers() -> None:
    inputs = Small(
        pools=[{}, {"kind": 1, "vendor": 0}],
        people=[{"pool": 1, "rate": 0.8}, {"pool": 0, "answers": 5, "rate": 0.99}],
        reviews=[(1, 0)],
        cohorts=[{"count": 40}],
        policy={
            "cell": {"modes": ["hybrid"], "target_error": 0.05},
            "review_shares": [1.0],
        },
    ).inputs()
    assert decide(inputs).plan.tasks.sum() == 5


def test_one_without_a_cap_lends_nobody_his_freedom() -> None:
    inputs = Small(people=[{"answers": 3}, {"answers": 4}, {}, {"hours": 0, "answers": 9}]).inputs()
    crews = inputs.crews
    assert len(crews) == 2
    capped = crews.member_of[0]
    assert crews.member_of.tolist() == [capped, capped, 1 - capped, capped]
    assert crews.answers[capped].tolist() == [7.0]
    assert crews.answers[1 - capped].tolist() == [np.inf]


def test_nobody_takes_more_harmful_content_than_he_has_hours() -> None:
    people = [
        {"exposure": True, "harm_hours": 1.0, "hours": 8.0},
        {"exposure": True, "harm_hours": 4.0, "hours": 0.5},
    ]
    inputs = Small(people=people, cohorts=[{"harm": 1}]).inputs()
    assert inputs.crews.harm_hours.tolist() == [[1.5]]
    calm = Small(people=people, cohorts=[{}]).inputs()
    assert [limit.kind for limit in limits_of(calm)] == ["crew"]
