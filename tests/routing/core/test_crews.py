"""Crews partition the people by what gates read; cohorts the tasks by what the router reads."""

import numpy as np
import pytest

from routing.core.cohorts import group, mean_of, step
from tests.routing.core.small import Small


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("pool", 0, 1),
        ("level", 2, 3),
        ("clearance", 0, 1),
        ("residency", 0, 1),
        ("certified", [1], [2]),
        ("speaks", [True], [False]),
        ("exposure", True, False),
        ("answers", 9, np.inf),
    ],
)
def test_people_differ_by_what_a_gate_reads(name: str, one: object, other: object) -> None:
    def crews(first: object, second: object) -> int:
        return len(
            Small(
                people=[{name: first}, {name: second}],
                cohorts=[{"harm": 1}],
                certificates=("c",),
                languages=("de",),
                countries=("DE",),
            )
            .inputs()
            .crews
        )

    assert crews(one, other) == 2
    assert crews(one, one) == crews(other, other) == 1


@pytest.mark.parametrize("name", ["rate", "speed", "wage", "hours", "evidence"])
def test_people_of_a_crew_may_differ_in_all_else(name: str) -> None:
    assert len(Small(people=[{name: 0.5}, {name: 0.7}]).inputs().crews) == 1


def test_hours_are_counted_once_and_persons_too() -> None:
    crews = (
        Small(
            days=2,
            people=[
                {"hours": [1.0, 2.0], "person": 1},
                {"hours": [4.0, 0.0], "person": 1},
                {"hours": [8.0, 8.0], "person": 2},
                {"hours": [0.0, 0.0], "person": 3},
            ],
        )
        .inputs()
        .crews
    )
    assert crews.hours.tolist() == [[13.0, 10.0]]
    assert crews.members.tolist() == [[2, 2]]


def test_rates_are_weighted_by_hours_and_the_unknown_counts_as_the_prior() -> None:
    crews = (
        Small(people=[{"rate": 0.9, "hours": 3.0}, {"rate": float("nan"), "hours": 1.0}])
        .inputs()
        .crews
    )
    assert crews.rate[0, 0] == pytest.approx((0.9 * 3 + 0.85) / 4)


def test_tasks_alike_in_every_column_form_a_cohort() -> None:
    rng = np.random.default_rng(2)
    columns = [rng.integers(0, 4, 500), rng.integers(-3, 3, 500), rng.random(500) < 0.5]
    cohort, first = group(columns)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    by_hand = {row: n for n, row in enumerate(sorted(set(rows)))}
    assert cohort.tolist() == [by_hand[row] for row in rows]
    assert [rows[n] for n in first] == sorted(set(rows))
    with pytest.raises(ValueError, match="equal length"):
        group([np.zeros(2), np.zeros(3)])


def test_wide_columns_are_squeezed_and_too_many_refused() -> None:
    wide = [np.arange(40) * 10**12 + n for n in range(20)]
    cohort, _first = group(wide)
    assert cohort.tolist() == list(range(40))


def test_steps_are_of_the_square_root_of_two() -> None:
    assert step(np.array([1.0, 1.18, 1.2, 2.0, 4.0, 0.0])).tolist() == [0, 0, 1, 2, 4, -10_000]
    means = mean_of(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1]), np.array([2, 1]))
    assert means.tolist() == [2.0, 5.0]
