"""A shift's plan: every limit kept, a bound that holds, the urgent first, odd input."""

import itertools

import numpy as np
import pytest

from routing.core import push
from routing.core.push import HOURS, LIMIT, NOBODY, PLACED, leaving_prices, plan_push, value
from routing.core.push_cohorts import Limits, Load, by_cohorts


def instance(rng, m, n, kinds, groups=1):
    """Return cost, hours and the group of tasks of a few kinds; some pairs are not allowed."""
    kind = rng.integers(0, kinds, n)
    hours = rng.lognormal(-1.5, 0.5, kinds)[kind] * rng.lognormal(0, 0.3, m)[:, None]
    cost = hours * rng.uniform(8, 30, m)[:, None] + rng.uniform(0, 1, (m, kinds))[:, kind]
    cost[(rng.random((m, kinds)) < 0.2)[:, kind]] = np.inf
    return cost, hours, rng.integers(0, groups, kinds)[kind]


def limits_of(m, n, group, *, capacity, left=np.inf, answers=np.inf, harmful=0.0, harm=np.inf):
    G = int(group.max(initial=0)) + 1
    return Limits(
        np.full(m, capacity),
        group,
        np.full((m, G), left),
        np.full(m, answers),
        np.arange(n) < harmful * n,
        np.full(m, harm),
    )


def best(cost, hours, limits, skip):
    """Return the least cost over every plan there is."""
    m, n = cost.shape
    least = np.inf
    for plan in itertools.product(range(-1, m), repeat=n):
        agent = np.array(plan)
        price = value(agent, cost, skip)
        if price < least and Load(agent, np.where(np.isfinite(cost), hours, 0), limits).kept():
            least = price
    return least


@pytest.mark.parametrize("seed", range(12))
def test_no_plan_beats_the_bound_and_none_breaks_a_limit(seed):
    rng = np.random.default_rng(seed)
    m, n = 2, 7
    cost, hours, group = instance(rng, m, n, 4, 2)
    limits = limits_of(
        m, n, group, capacity=0.7, left=rng.integers(1, 4), answers=3.0, harmful=0.4, harm=0.3
    )
    skip = leaving_prices(cost, np.arange(n))
    truth = best(cost, hours, limits, skip)
    found = plan_push(cost, hours, limits, np.arange(n))
    assert Load(found.agent, np.where(np.isfinite(cost), hours, 0), limits).kept()
    assert found.lower_bound <= truth + 1e-9 <= found.cost + 2e-9
    agent, bound = by_cohorts(cost, np.where(np.isfinite(cost), hours, 0), limits, skip)
    assert bound <= truth + 1e-9 <= value(agent, cost, skip) + 2e-9


@pytest.mark.parametrize("left", [np.inf, 5.0, 15.0])
def test_many_people_and_tasks_come_near_to_the_bound(left):
    rng = np.random.default_rng(3)
    m, n = 40, 800
    cost, hours, group = instance(rng, m, n, 30, 3)
    limits = limits_of(m, n, group, capacity=9.0, left=left)
    found = plan_push(cost, hours, limits, np.arange(n))
    assert Load(found.agent, hours, limits).kept()
    assert found.cost <= found.lower_bound * 1.02
    assert np.isfinite(cost[found.agent[found.agent >= 0], np.flatnonzero(found.agent >= 0)]).all()


def test_where_hours_are_short_blocks_are_worked_over(monkeypatch):
    rng = np.random.default_rng(5)
    m, n = 40, 800
    cost, hours, group = instance(rng, m, n, 30)
    limits = limits_of(m, n, group, capacity=3.0)
    rank = np.arange(n)
    found = plan_push(cost, hours, limits, rank)
    monkeypatch.setattr(push, "NEAR", 1.0)
    rough = plan_push(cost, hours, limits, rank)
    assert found.cost < rough.cost
    assert found.lower_bound == pytest.approx(rough.lower_bound)
    assert Load(found.agent, hours, limits).kept()
    assert set(found.why[found.agent < 0]) == {HOURS}


def test_of_tasks_that_are_alike_the_urgent_ones_are_given():
    n = 10
    cost, hours = np.ones((2, n)), np.ones((2, n))
    order = np.arange(n)
    found = plan_push(cost, hours, limits_of(2, n, order * 0, capacity=3.0), order)
    assert (found.agent[:6] >= 0).all()
    assert (found.agent[6:] < 0).all()
    assert found.cost == pytest.approx(found.lower_bound)
    counted = plan_push(cost, hours, limits_of(2, n, order * 0, capacity=9.0, left=2.0), order)
    assert (counted.agent[:4] >= 0).all()
    assert counted.why.tolist() == [PLACED] * 4 + [LIMIT] * 6


def test_odd_input():
    none = np.zeros(0, dtype=np.int64)
    nobody = plan_push(
        np.zeros((0, 3)), np.zeros((0, 3)), limits_of(0, 3, none[:0], capacity=1.0), np.arange(3)
    )
    assert nobody.agent.tolist() == [-1] * 3
    assert set(nobody.why) == {NOBODY}
    nothing = plan_push(np.zeros((3, 0)), np.zeros((3, 0)), limits_of(3, 0, none, capacity=1), none)
    assert (len(nothing.agent), nothing.cost, nothing.lower_bound) == (0, 0.0, 0.0)
    one = np.zeros(1, dtype=np.int64)
    shut = plan_push(
        np.full((1, 1), np.inf), np.ones((1, 1)), limits_of(1, 1, one, capacity=1), one
    )
    assert (shut.agent.tolist(), shut.why.tolist()) == ([-1], [NOBODY])
    for limits in (
        limits_of(1, 1, one, capacity=0.0),
        limits_of(1, 1, one, capacity=1.0, left=0.0),
        limits_of(1, 1, one, capacity=1.0, answers=0.0),
    ):
        assert plan_push(np.zeros((1, 1)), np.ones((1, 1)), limits, one).agent.tolist() == [-1]
    free = plan_push(np.zeros((1, 1)), np.ones((1, 1)), limits_of(1, 1, one, capacity=1.0), one)
    assert (free.agent.tolist(), free.cost) == ([0], 0.0)
    with pytest.raises(ValueError, match="cost"):
        plan_push(np.full((1, 1), np.nan), np.ones((1, 1)), limits_of(1, 1, one, capacity=1.0), one)
