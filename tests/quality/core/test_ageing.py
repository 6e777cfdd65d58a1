"""What an answer still says, by its age."""

import numpy as np
import pytest

from quality.core.ageing import LEAST, weights


def test_half_after_each_half_life() -> None:
    assert weights(np.array([0.0, 90, 180, 270]), 90) == pytest.approx([1, 0.5, 0.25, 0.125])


def test_none_is_no_ageing() -> None:
    assert weights(np.array([0.0, 1e6]), None).tolist() == [1, 1]


def test_never_nothing_and_never_more_than_one() -> None:
    assert weights(np.array([1e9]), 1).tolist() == [LEAST]
    assert weights(np.array([-5.0]), 1).tolist() == [1]
    assert len(weights(np.zeros(0), 30)) == 0


@pytest.mark.parametrize("days", [0, -1, float("nan")])
def test_a_half_life_is_above_zero(days: float) -> None:
    with pytest.raises(ValueError, match="half_life_days"):
        weights(np.zeros(1), days)
