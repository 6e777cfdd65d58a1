"""What a run decides: overdue work first, delay at its price, the bound beside the cost."""

import numpy as np
import pytest

from routing.core.baselines import greedy, tier_rules
from routing.core.decide import day_costs, decide, wait_costs
from routing.core.tables import OUTSOURCED
from tests.routing.core.small import Small

ONE_ANSWER = {"answers": [1], "review_shares": [0.0]}


def test_overdue_work_is_done_before_all_other() -> None:
    """Hours of two days for two cohorts alike; the overdue one stands last in the table."""
    small = Small(
        days=2,
        pools=[{}],
        people=[{"hours": 1.0}],
        cohorts=[{"count": 10}, {"count": 10, "late": 3, "due_day": 0}],
        policy=ONE_ANSWER,
    )
    plan = decide(small.inputs()).plan
    assert dict(zip(plan.cohort.tolist(), plan.day.tolist(), strict=True)) == {0: 1, 1: 0}
    # Where the hours do not last for both, the overdue one does not wait either.
    small.people = [{"hours": [1.0, 0.0]}]
    assert decide(small.inputs()).plan.waiting.tolist() == [10, 0]


def test_late_days_are_priced_from_the_due_day_on() -> None:
    small = Small(
        days=3,
        pools=[{}],
        people=[{}],
        cohorts=[{"due_day": 1}, {"late": 2, "due_day": 0}, {"due_day": 3}],
        project={"late_cost": 7.0},
    )
    inputs = small.inputs()
    late = day_costs(inputs)
    np.testing.assert_allclose(late, [[0, 0, 7], [14, 21, 28], [0, 0, 0]], atol=1.1)
    np.testing.assert_allclose(wait_costs(inputs), 50 + late[:, -1])
    # Among days without a late one the first is the cheapest.
    assert np.all(np.diff(late, axis=1) > 0)


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_is_below_the_cost_and_below_what_rules_of_thumb_cost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = Small(
        pools=[{}, {"kind": OUTSOURCED, "vendor": 0}],
        people=[
            {"pool": int(p), "hours": float(h)}
            for p, h in zip([0, 0, 1, 1], rng.uniform(1, 3, 4), strict=True)
        ],
        reviews=[(1, 0)],
        cohorts=[{"count": 17, "hours": float(h)} for h in rng.uniform(0.05, 0.3, 4)],
        policy={
            "tier_rules": [{"modes": ["in_house", "outsourced"], "answers": 1, "review_share": 0.0}]
        },
    ).inputs()
    outcome = decide(inputs)
    plan = outcome.plan
    # Hours bind in parts of tasks, so that the bound lies truly below.
    assert plan.lower_bound < plan.cost
    assert plan.gap == pytest.approx((plan.cost - plan.lower_bound) / plan.cost)
    rules = tier_rules(inputs, outcome)
    for base in (greedy(inputs, outcome).cost, rules.cost if rules is not None else None):
        assert base is not None
        assert plan.lower_bound <= base


def test_rules_of_thumb_obey_their_order_and_their_effort() -> None:
    """The house first, though dearer; each task reviewed in full."""
    small = Small(
        pools=[{}, {"kind": OUTSOURCED, "vendor": 0, "price": 5.0}],
        people=[{"pool": 0, "wage": 30.0}, {"pool": 0, "wage": 30.0}, {"pool": 1}],
        reviews=[(1, 0)],
        cohorts=[{"count": 5, "error_cost": 0.0}],
        policy={"review_choices": ["random"], "review_effort": 0.5},
    )

    def cost(modes: list[str], share: float) -> float | None:
        small.policy["tier_rules"] = [{"modes": modes, "answers": 1, "review_share": share}]
        inputs = small.inputs()
        found = tier_rules(inputs, decide(inputs))
        return found.cost if found is not None else None

    assert cost(["in_house", "outsourced"], 0.0) == pytest.approx(5 * 0.1 * 30)
    assert cost(["outsourced", "in_house"], 0.0) == pytest.approx(5 * 0.1 * 5)
    assert cost(["in_house"], 1.0) == pytest.approx(5 * 0.1 * 30 * 1.5)
    assert cost(["hybrid"], 1.0) == pytest.approx(5 * (0.1 * 5 + 0.05 * 30))
    # A model only: there is none, so all wait.
    assert cost(["model"], 0.0) == pytest.approx(5 * 50, rel=1e-3)


def test_greedy_takes_the_cheapest_while_hours_last() -> None:
    inputs = Small(
        pools=[{}, {"kind": OUTSOURCED, "vendor": 0, "price": 5.0}],
        people=[{"pool": 0, "hours": 0.25}, {"pool": 1, "hours": 0.35}],
        cohorts=[{"count": 10, "error_cost": 0.0}],
        policy=ONE_ANSWER,
    ).inputs()
    found = greedy(inputs, decide(inputs))
    assert (found.waiting, found.waiting_cost) == (5, pytest.approx(5 * 50, rel=1e-3))
    assert found.cost - found.waiting_cost == pytest.approx(3 * 0.5 + 2 * 3.0, rel=1e-3)
