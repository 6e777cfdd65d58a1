"""Throughput and speed: the intervals hold, days count as one, nothing is known of nothing."""

import numpy as np
import pytest

from quality.core.throughput import measure_rates, measure_speeds

RNG = np.random.default_rng(11)


def planted(
    people: int, days: int, *, sd: float, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Return truth and (annotator, day, units, hours): days differ by a log-normal factor."""
    truth = rng.uniform(5, 60, people)
    who, day = np.repeat(np.arange(people), days), np.tile(np.arange(days), people)
    hours = rng.uniform(1.0, 7.5, len(who))
    luck = rng.lognormal(-0.5 * sd**2, sd, len(who))
    return truth, who, day, rng.poisson(truth[who] * hours * luck).astype(float), hours


@pytest.mark.parametrize(("days", "sd"), [(2, 0.1), (5, 0.3), (20, 0.3), (20, 0.0)])
def test_the_interval_holds_the_planted_rate(days: int, sd: float) -> None:
    truth, *rows = planted(600, days, sd=sd, rng=np.random.default_rng(days))
    found = measure_rates(*rows, 600)
    held = ((found.lower <= truth) & (truth <= found.upper)).mean()
    assert 0.86 <= held <= 0.99, held
    # As if every unit were chance of its own, it would hold far less.
    if sd == 0.3:
        naive = 1.645 * np.sqrt(found.units) / found.exposure
        assert (np.abs(found.value - truth) <= naive).mean() < 0.5


@pytest.mark.parametrize("days", [1, 3, 10])
def test_the_interval_of_one_person_alone_holds(days: int) -> None:
    held, people = 0, 300
    rng = np.random.default_rng(days)
    for _person in range(people):
        truth, *rows = planted(1, days, sd=0.3, rng=rng)
        found = measure_rates(*rows, 1)
        held += bool(found.lower[0] <= truth[0] <= found.upper[0])
    assert held / people >= 0.84


def test_an_odd_day_widens_the_interval_and_does_not_narrow_it() -> None:
    usual = [30.0, 33.0, 28.0, 31.0, 29.0, 30.0, 32.0, 27.0]
    plain = measure_rates([0] * 8, range(8), usual, [1.0] * 8, 1)
    odd = measure_rates([0] * 8, range(8), [*usual[:-1], 300.0], [1.0] * 8, 1)
    assert odd.upper[0] - odd.lower[0] > 5 * (plain.upper[0] - plain.lower[0])
    assert odd.lower[0] < 30 < plain.upper[0] < odd.upper[0]


def test_rates_in_known_numbers() -> None:
    found = measure_rates([0, 0, 0], [1, 2, 3], [50, 40, 60], [5.0, 5.0, 5.0], 1)
    assert found.value.tolist() == [10.0]
    # χ² = (0 + 100 + 100) / 50 = 4 over two days of 50 units: κ = (4 · 50 · .09 + 4 − 2) / (4 · 50
    # + 2 · 50); shrunk as by four days.
    kappa = (4 * 50 * 0.09 + 2) / 300
    assert found.spread[0] == pytest.approx((4 + 4 * (1 + kappa * 50)) / 6)
    assert found.days.tolist() == [3]


def test_answers_or_their_days_are_the_same() -> None:
    _truth, who, day, units, hours = planted(9, 6, sd=0.2, rng=RNG)
    whole = measure_rates(who, day, units, hours, 9)
    halves = measure_rates(
        np.r_[who, who],
        np.r_[day, day],
        np.r_[units - 1, np.ones_like(units)],
        np.r_[hours / 4, hours * 3 / 4],
        9,
    )
    order = RNG.permutation(len(who))
    mixed = measure_rates(who[order], day[order] * 7 + 2, units[order], hours[order], 9)
    for other in (halves, mixed):
        np.testing.assert_allclose(other.lower, whole.lower)
        np.testing.assert_allclose(other.upper, whole.upper)
    names = RNG.permutation(9)
    renamed = measure_rates(names[who], day, units, hours, 9)
    np.testing.assert_allclose(renamed.value[names], whole.value)


def test_little_evidence_is_wide_and_none_is_not_known() -> None:
    found = measure_rates(
        [0, 1, 1, 2, *[4] * 20],
        [0, 0, 1, 0, *range(20)],
        [10, 10, 10, 0, *[10] * 20],
        [1.0, 1.0, 1.0, 2.0, *[1.0] * 20],
        5,
    )
    width = found.upper - found.lower
    assert width[0] > width[1] > width[4] > 0
    # Zero accepted in two hours: the rate is 0, and may be more.
    assert (found.value[2], found.lower[2]) == (0.0, 0.0)
    assert 0 < found.upper[2] < 10
    # No hours at all.
    assert np.isnan(found.value[3])
    assert (found.lower[3], found.upper[3]) == (0.0, np.inf)
    assert found.days.tolist() == [1, 2, 1, 0, 20]
    none = measure_rates([0], [0], [5], [0.0], 1)
    assert np.isnan(none.value[0])
    assert none.units[0] == 0  # without an hour it is no throughput
    assert measure_rates([], [], [], [], 0).value.shape == (0,)


def test_the_interval_of_speed_holds_and_a_clock_left_running_does_not_move_it() -> None:
    people, days, each = 400, 6, 8
    rng = np.random.default_rng(3)
    truth = rng.normal(0.0, 0.3, people)
    who = np.repeat(np.arange(people), days * each)
    day = np.tile(np.repeat(np.arange(days), each), people)
    luck = rng.normal(0.0, 0.15, (people, days))
    usual = rng.uniform(5, 50, len(who))
    seconds = usual * np.exp(truth[who] + luck[who, day] + rng.normal(0, 0.5, len(who)))
    seconds[rng.random(len(who)) < 0.03] *= 200.0
    found = measure_speeds(who, day, seconds, usual, people)
    held = ((np.log(found.lower) <= truth) & (truth <= np.log(found.upper))).mean()
    assert 0.86 <= held <= 0.96, held
    assert np.abs(np.log(found.factor) - truth).mean() < 0.1
    assert found.answers.tolist() == [48] * people
    assert found.days.tolist() == [6] * people


def test_speed_of_nobody_and_of_one_answer() -> None:
    found = measure_speeds([1], [0], [20.0], [10.0], 3)
    assert found.factor[0] == 1.0
    assert found.lower[0] < 0.7 < 1.4 < found.upper[0]
    assert 1.0 < found.factor[1] < 1.5  # one answer of twice the time says little
    assert found.upper[1] - found.lower[1] > 0.8
    assert found.answers.tolist() == [0, 1, 0]
    left_out = measure_speeds([0, 0], [0, 0], [0.0, 5.0], [10.0, 0.0], 1)
    assert left_out.answers.tolist() == [0]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("annotator", [[1], [0], [1.0], [1.0]]),
        ("day", [[0], [0, 1], [1.0], [1.0]]),
        ("units", [[0], [0], [-1.0], [1.0]]),
        ("units", [[0], [0], [np.nan], [1.0]]),
        ("exposure", [[0], [0], [1.0], [1.0, 2.0]]),
    ],
)
def test_what_is_no_such_array(field: str, values: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=field):
        measure_rates(*values, 1)
    with pytest.raises(ValueError, match="level"):
        measure_rates([0], [0], [1.0], [1.0], 1, level=1.0)


def test_arguments_are_left_as_they_are() -> None:
    arrays = [np.array(v) for v in ([0, 0], [0, 1], [3.0, 4.0], [1.0, 2.0])]
    for array in arrays:
        array.setflags(write=False)
    measure_rates(*arrays, 1)
    measure_speeds(*arrays, 1)
