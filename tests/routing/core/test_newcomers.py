"""Who counts as a newcomer, and what is promised to whom."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from routing.core.newcomers import hours_weighted_median, newcomer_crews, newcomer_rows


def by_hand(values: np.ndarray, hours: np.ndarray) -> float:
    """Return the least value at or below which half of the hours lie."""
    for value in np.sort(values):
        if hours[values <= value].sum() >= hours.sum() / 2 - 1e-12:
            return float(value)
    raise AssertionError


def test_the_median_by_hours_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    for _case in range(200):
        n, groups = int(rng.integers(1, 40)), int(rng.integers(1, 6))
        group = rng.integers(0, groups, n)
        values, hours = rng.integers(0, 9, n).astype(float), rng.integers(0, 4, n) + 1e-9
        found = hours_weighted_median(values, hours, group, groups)
        for g in range(groups):
            mine = group == g
            assert found[g] == (by_hand(values[mine], hours[mine]) if mine.any() else 0)


def test_one_veteran_among_newcomers_makes_no_veterans() -> None:
    evidence, hours = np.array([900.0, 3, 4, 0]), np.full(4, 8.0)
    assert hours_weighted_median(evidence, hours, np.zeros(4, int), 1).tolist() == [3]


def inputs(**policy: Any) -> Any:
    """Two projects, three cohorts (risk low, low, high of the first; low of the second), two crews.

    Crew 0 has 500 answers behind its rate, crew 1 has 10.
    """
    first = {"newcomer_share": 0.25, "newcomer_evidence": 50, "newcomer_risk": 0}
    rules = SimpleNamespace(**{**first, "newcomer_price": 2.0, **policy})
    none = SimpleNamespace(**{**first, "newcomer_share": 0.0, "newcomer_price": 0.0})
    return SimpleNamespace(
        projects=SimpleNamespace(policies=(rules, none)),
        types=SimpleNamespace(skill=np.array([0])),
        crews=SimpleNamespace(evidence=np.array([[500.0], [10.0]])),
        cohorts=Cohorts(
            project=np.array([0, 0, 0, 1]),
            task_type=np.zeros(4, int),
            risk=np.array([0, 0, 2, 0], dtype=np.int8),
            count=np.array([40, 20, 10, 30]),
        ),
    )


class Cohorts(SimpleNamespace):
    def __len__(self) -> int:
        return len(self.count)


def rows(given: Any, slots: list[tuple[int, int]]) -> tuple[list[Any], np.ndarray]:
    k, label = (np.array(column) for column in zip(*slots, strict=True))
    return newcomer_rows(given, k, label, newcomer_crews(given))


EVERYWHERE = [(k, crew) for k in range(4) for crew in (0, 1)]


def test_the_share_is_of_low_risk_work_that_a_newcomer_may_do() -> None:
    (row,), new = rows(inputs(), EVERYWHERE)
    assert (row.project, row.tasks, row.promised, row.price) == (0, 60, 15.0, 2.0)
    assert row.cohorts.tolist() == [True, True, False, False]
    assert new.tolist() == [False, True] * 4
    # Where no newcomer is open the work does not count.
    (row,), _new = rows(inputs(), [slot for slot in EVERYWHERE if slot != (0, 1)])
    assert (row.tasks, row.promised) == (20, 5.0)


def test_up_to_the_band_that_the_policy_names() -> None:
    (row,), _new = rows(inputs(newcomer_risk=2), EVERYWHERE)
    assert row.tasks == 70


@pytest.mark.parametrize(
    "slots",
    [
        [(k, 0) for k in range(4)],  # no newcomer is open
        [(k, 1) for k in range(4)],  # nobody else is
    ],
)
def test_a_promise_that_says_nothing_is_no_row(slots: list[tuple[int, int]]) -> None:
    assert rows(inputs(), slots)[0] == []


def test_evidence_decides_who_is_new() -> None:
    assert newcomer_crews(inputs()).tolist() == [[False, True]] * 4
    assert newcomer_crews(inputs(newcomer_evidence=10))[0].tolist() == [False, False]
    assert newcomer_crews(inputs(newcomer_evidence=501))[0].tolist() == [True, True]
