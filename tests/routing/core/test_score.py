"""Complexity and risk: in [0, 1], each factor raises them, and the parts add up."""

from typing import Any

import numpy as np
import pytest

from routing.core.score import (
    COMPLEXITY_FACTORS,
    COMPLEXITY_WEIGHTS,
    RISK_FACTORS,
    RISK_WEIGHTS,
    TaskFeatures,
    band,
    complexity_factors,
    contributions,
    risk_factors,
    score,
)

PLAIN: dict[str, Any] = {
    "size_ratio": 1.0,
    "classes": np.nan,
    "disagreement": np.nan,
    "entropy": np.nan,
    "expertise": 0.0,
    "edge_case": False,
    "data_class": 0,
    "use": 0,
    "harm": 0,
    "has_residency": False,
    "error_cost": 0.0,
}
MOST = {
    "size_ratio": 100.0,
    "classes": 1000.0,
    "disagreement": 1.0,
    "entropy": 1.0,
    "expertise": 1.0,
    "edge_case": True,
    "data_class": 4,
    "use": 3,
    "harm": 2,
    "has_residency": True,
    "error_cost": 1e9,
}


def features(**values: Any) -> TaskFeatures:
    return TaskFeatures(**{k: np.array([v]) for k, v in {**PLAIN, **values}.items()})


def test_nothing_known_is_nothing_scored() -> None:
    found = score(features())
    assert (found.complexity[0], found.risk[0]) == (0, 0)
    assert (found.complexity_band[0], found.risk_band[0]) == (0, 0)


@pytest.mark.parametrize("name", list(MOST))
def test_each_factor_raises_one_score_alone(name: str) -> None:
    plain, more = score(features()), score(features(**{name: MOST[name]}))
    of_complexity = list(MOST).index(name) < len(COMPLEXITY_FACTORS)
    raised, same = ("complexity", "risk") if of_complexity else ("risk", "complexity")
    assert getattr(more, raised)[0] > getattr(plain, raised)[0]
    assert getattr(more, same)[0] == getattr(plain, same)[0]


def test_the_parts_add_up_and_nothing_goes_over_one() -> None:
    every = features(**MOST)
    found = score(every)
    assert 0.9 < found.complexity[0] < 1
    assert 0.9 < found.risk[0] < 1
    for factors, weights, names, total in (
        (complexity_factors(every), COMPLEXITY_WEIGHTS, COMPLEXITY_FACTORS, found.complexity),
        (risk_factors(every), RISK_WEIGHTS, RISK_FACTORS, found.risk),
    ):
        parts = contributions(factors, weights)
        assert parts.shape == (1, len(names))
        assert parts.sum() == pytest.approx(total[0])
        assert (parts > 0).all()


def test_a_score_on_an_edge_belongs_to_the_upper_band() -> None:
    assert band(np.array([0.0, 0.2499, 0.25, 0.5, 0.75, 1.0])).tolist() == [0, 0, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("name", "value"), [("size_ratio", -1.0), ("error_cost", np.inf), ("entropy", 1.1)]
)
def test_features_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        features(**{name: value})
