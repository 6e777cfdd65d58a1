"""From cohorts to tasks: the urgent first, by their own effort, what is left tried once more."""

from typing import Any

import numpy as np
import pytest

from routing.core.decide import decide
from routing.core.place import expand, order_tasks, overfull
from routing.core.settle import placed_rows, settle
from tests.routing.core.small import Small


def order_of(cohort: Any, **more: Any) -> Any:
    n = len(cohort)
    columns = {
        "due": np.full(n, np.inf),
        "priority": np.zeros(n, np.int16),
        "created": np.zeros(n),
        "id": np.arange(n),
        **more,
    }
    return order_tasks(cohort, int(cohort.max()) + 1, **columns)


def test_urgency_is_due_time_then_priority_then_age_then_id() -> None:
    order = order_of(
        np.zeros(6, dtype=np.int64),
        due=np.array([9.0, np.inf, 5.0, 9.0, 9.0, 9.0]),
        priority=np.array([0, 9, 0, 1, 0, 0], dtype=np.int16),
        created=np.array([2.0, 0.0, 0.0, 3.0, 1.0, 2.0]),
        id=np.array([7, 1, 2, 3, 4, 6]),
    )
    assert order.row.tolist() == [2, 3, 4, 5, 0, 1]
    assert order.first.tolist() == [0, 6]


def test_earlier_days_go_to_the_more_urgent() -> None:
    cohort = np.array([1, 0, 1, 1, 0], dtype=np.int64)
    order = order_of(cohort, due=np.array([3.0, 2.0, 1.0, 2.0, 1.0]))
    slot, day = expand(
        order,
        cohort=np.array([1, 1, 0]),
        slot=np.array([4, 5, 6]),
        day=np.array([1, 0, 2]),
        tasks=np.array([1, 1, 2]),
        total=5,
    )
    assert day.tolist() == [-1, 2, 0, 1, 2]
    assert slot.tolist() == [-1, 6, 5, 4, 6]


def test_overfull_lets_the_least_urgent_go() -> None:
    out = overfull(
        crew=np.array([0, 0, 0, 1]),
        day=np.zeros(4, dtype=np.int64),
        hours=np.array([1.0, 1.0, 1.0, 1.0]),
        urgency=np.array([2, 0, 1, 3]),
        capacity=np.array([[2.0], [1.0]]),
    )
    assert out.tolist() == [True, False, False, False]


@pytest.mark.parametrize("seed", range(5))
def test_who_waits_is_less_urgent_than_who_is_served(seed: int) -> None:
    """One crew, one cohort, one day: the served are a beginning of the order of urgency.

    Efforts that grow with urgency make the plan's mean too short for the most urgent ones.
    """
    inputs = Small(
        pools=[{}],
        people=[{"hours": 2.0}],
        cohorts=[{"count": 40, "hours": 0.1}],
        policy={"answers": [1], "review_shares": [0.0]},
    ).inputs()
    rng = np.random.default_rng(seed)
    due = rng.permutation(40).astype(float)
    hours = 0.1 * (1.6 - 1.2 * due / 39)
    cohort = np.zeros(40, dtype=np.int64)
    order = order_of(cohort, due=due)
    found = settle(inputs, decide(inputs), order, cohort, hours)
    served = found.slot[order.row] >= 0
    crossing = int(np.argmin(served))
    used = hours[order.row][:crossing].sum()
    assert 0 < crossing < 20
    # The first that waits did not fit behind all that are more urgent.
    assert used <= 2.0 < used + hours[order.row][crossing] + 1e-9
    assert hours[found.slot >= 0].sum() <= 2.0 * (1 + 1e-9)
    # The plan had twenty; the last that is served is a short one that fits what is left.
    assert found.left_out == 20 - crossing


def test_what_waits_is_tried_in_what_is_left_of_other_crews() -> None:
    """The plan fills the vendor by the mean; the long tasks find room in the house."""
    inputs = Small(
        pools=[{}, {"kind": 1, "vendor": 0, "price": 5.0}],
        people=[{"pool": 0, "hours": 8.0}, {"pool": 1, "hours": 1.0}],
        cohorts=[{"count": 10, "hours": 0.1}],
        policy={"answers": [1], "review_shares": [0.0]},
    ).inputs()
    outcome = decide(inputs)
    cohort = np.zeros(10, dtype=np.int64)
    hours = np.full(10, 0.16)
    found = settle(inputs, outcome, order_of(cohort), cohort, hours)
    assert (found.slot >= 0).all()
    by_crew = np.bincount(outcome.candidates.label_of[found.slot], minlength=2)
    house, vendor = inputs.crews.member_of.tolist()
    assert (by_crew[vendor], by_crew[house]) == (6, 4)
    placed = placed_rows(found, cohort, 1)
    assert placed.tasks.sum() == 10
    assert placed.waiting.tolist() == [0]


def test_a_task_longer_than_any_day_waits() -> None:
    inputs = Small(pools=[{}], people=[{}], cohorts=[{"count": 3}]).inputs()
    cohort = np.zeros(3, dtype=np.int64)
    found = settle(inputs, decide(inputs), order_of(cohort), cohort, np.array([0.1, 50.0, 0.1]))
    assert found.day.tolist() == [0, -1, 0]
    assert placed_rows(found, cohort, 1).waiting.tolist() == [1]
