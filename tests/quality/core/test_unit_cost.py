"""Cost per accepted label: the parts add up, and the interval is that of the share accepted."""

import numpy as np
import pytest

from quality.core.intervals import jeffreys
from quality.core.unit_cost import cost_per_accepted


def test_the_worked_example_of_in_house_cost() -> None:
    # 46 an hour at 49.4529 the hour, 94 of 100 accepted: 1.1437 per accepted label.
    unit = 49.4529 / 46
    cost = cost_per_accepted(
        94, 6, accepted_money=94 * unit, rejected_money=6 * unit, review_money=0.0
    )
    assert float(cost.value) == pytest.approx(1.1437, abs=5e-5)
    low, high = jeffreys(94, 100, level=0.9)
    assert float(cost.lower) == pytest.approx(unit / high)
    assert float(cost.upper) == pytest.approx(unit / low)
    assert float(cost.labelling + cost.review + cost.rework) == pytest.approx(float(cost.value))


def test_a_price_paid_for_accepted_answers_only_is_certain_without_reviews() -> None:
    cost = cost_per_accepted(50, 5, accepted_money=5.0, rejected_money=0.0, review_money=0.0)
    assert float(cost.lower) == float(cost.value) == float(cost.upper) == pytest.approx(0.1)


def test_few_decisions_are_wide_none_has_no_cost() -> None:
    cost = cost_per_accepted(
        [4, 400, 0, 0],
        [1, 100, 3, 0],
        accepted_money=[4.0, 400.0, 0.0, 0.0],
        rejected_money=[1.0, 100.0, 3.0, 0.0],
        review_money=[1.0, 100.0, 0.6, 0.0],
    )
    assert cost.value[:2] == pytest.approx([1.5, 1.5])
    width = cost.upper - cost.lower
    assert width[0] > 5 * width[1] > 0
    for i in (2, 3):
        assert np.isnan(cost.value[i])
        assert np.isnan(cost.lower[i])


def test_without_a_rejection_the_upper_end_still_pays_for_errors() -> None:
    cost = cost_per_accepted(10, 0, accepted_money=10.0, rejected_money=0.0, review_money=0.0)
    assert float(cost.value) == 1.0
    assert float(cost.upper) > 1.1


def test_what_is_no_money() -> None:
    with pytest.raises(ValueError, match="review_money"):
        cost_per_accepted(1, 1, accepted_money=1.0, rejected_money=1.0, review_money=-1.0)
    with pytest.raises(ValueError, match="accepted_money"):
        cost_per_accepted([1], [1], accepted_money=1.0, rejected_money=[1.0], review_money=[1.0])
