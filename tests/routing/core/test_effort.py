"""Effort: planted truth, outliers, shrinkage, and the default before data."""

import numpy as np
import pytest

from routing.core.effort import (
    MAX_SECONDS,
    USUAL_LOG_FACTOR,
    USUAL_SPREAD,
    default_seconds,
    expected_seconds,
    fit,
    fit_speed,
)


def test_before_data_the_default_is_the_mean() -> None:
    default = default_seconds(np.array([6.0]), np.array([7.0]), np.array([3.0]))
    assert default.tolist() == [27.0]
    usual = expected_seconds(default, np.array([USUAL_LOG_FACTOR]), np.array([USUAL_SPREAD]))
    assert usual == pytest.approx(default)
    found = fit(np.zeros(0), np.zeros(0), np.zeros(0, int), 2, np.zeros(0, int), 1)
    assert expected_seconds(default, found.log_factor[:1], found.log_spread[:1]) == pytest.approx(
        default
    )
    assert found.log_speed.tolist() == [0.0]


def planted(
    rng: np.random.Generator, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return durations of three groups (× .5, 1, 2 of the default) by annotators of known speed."""
    group, annotator = rng.integers(0, 3, n), rng.integers(0, 20, n)
    speed = np.exp(rng.normal(0, 0.3, 20))
    speed /= np.exp(np.median(np.log(speed)))
    default = rng.uniform(10, 200, n)
    mean = default * np.array([0.5, 1.0, 2.0])[group] * speed[annotator]
    seconds = mean * np.exp(rng.normal(0, 0.5, n) - 0.125)
    return seconds, default, group, annotator, speed


def test_planted_factors_and_speeds_are_found() -> None:
    rng = np.random.default_rng(1)
    seconds, default, group, annotator, speed = planted(rng, 20_000)
    found = fit(seconds, default, group, 3, annotator, 20)
    mean = expected_seconds(np.ones(3), found.log_factor, found.log_spread)
    assert mean == pytest.approx([0.5, 1.0, 2.0], rel=0.05)
    assert found.log_spread == pytest.approx(0.5, abs=0.03)
    assert np.exp(found.log_speed) == pytest.approx(speed, rel=0.08)
    assert found.n.sum() == 20_000
    assert found.answers.sum() == 20_000


def test_a_clock_left_running_over_night_does_not_count() -> None:
    rng = np.random.default_rng(2)
    seconds, default, group, annotator, _speed = planted(rng, 6_000)
    before = fit(seconds, default, group, 3, annotator, 20)
    seconds[rng.choice(6_000, 300, replace=False)] = 50_000
    after = fit(seconds, default, group, 3, annotator, 20)
    one = expected_seconds(np.ones(3), before.log_factor, before.log_spread)
    two = expected_seconds(np.ones(3), after.log_factor, after.log_spread)
    assert two == pytest.approx(one, rel=0.12)
    # The mean of the same durations, for comparison, is off by far more.
    assert (seconds / default).mean() > 2 * one.mean()


def test_a_slow_annotator_does_not_make_the_work_look_long() -> None:
    """One who takes three times as long gave half of the answers to one kind of work."""
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], 600)
    annotator = np.where(rng.random(1_200) < np.where(group == 1, 0.6, 0.05), 0, 1)
    annotator = np.where(annotator == 1, 1 + rng.integers(0, 9, 1_200), 0)
    default = np.full(1_200, 30.0)
    seconds = default * np.where(annotator == 0, 3.0, 1.0) * np.exp(rng.normal(0, 0.3, 1_200))
    found = fit(seconds, default, group, 2, annotator, 10)
    assert abs(found.log_factor[1] - found.log_factor[0]) < 0.15
    assert np.exp(found.log_speed[0]) > 2.0
    # Without the annotators' own speeds the second kind looks far longer.
    alone = fit(seconds, default, group, 2, np.zeros(1_200, int), 1)
    assert alone.log_factor[1] - alone.log_factor[0] > 0.4


def test_few_durations_move_little_and_bad_ones_are_left_out() -> None:
    seconds = np.array([300.0, np.nan, -5.0, 0.0, np.inf])
    found = fit(seconds, np.full(5, 10.0), np.zeros(5, int), 1, np.zeros(5, int), 1)
    assert found.n.tolist() == [1]
    mean = float(expected_seconds(np.ones(1), found.log_factor, found.log_spread)[0])
    assert 1.0 < mean < 1.4


def test_speeds_against_what_is_usual() -> None:
    rng = np.random.default_rng(4)
    annotator = np.repeat([0, 1, 2], 400)
    usual = rng.uniform(10, 50, 1_200)
    seconds = usual * np.array([0.5, 1.0, 2.0])[annotator] * np.exp(rng.normal(0, 0.4, 1_200))
    speed = np.exp(fit_speed(seconds, usual, annotator, 4))
    assert speed == pytest.approx([0.5, 1.0, 2.0, 1.0], rel=0.1)


def test_no_task_is_expected_to_take_more_than_the_most() -> None:
    default = np.array([60.0, 1e300])
    found = expected_seconds(default, np.full(2, USUAL_LOG_FACTOR), np.full(2, USUAL_SPREAD))
    np.testing.assert_allclose(found, [60.0, MAX_SECONDS])


def test_the_interval_of_a_factor_holds_what_was_planted() -> None:
    """Nine times in ten by many annotators; by few it is wider, never narrower."""
    rng = np.random.default_rng(11)
    doubt = np.sqrt(0.5 * np.pi * USUAL_SPREAD**2 / 20.0)
    for durations, people, most in ((2_000, 20, 0.95), (300, 8, 0.98), (30, 3, 1.0)):
        held, widths = [], []
        for _each in range(150):
            truth = USUAL_LOG_FACTOR + rng.normal(0, doubt, 3)
            speed = rng.normal(0, 0.2, people)
            speed -= speed.mean()  # what is usual is what these people take together
            group, annotator = rng.integers(0, 3, durations), rng.integers(0, people, durations)
            seconds = 50 * np.exp(
                truth[group] + speed[annotator] + rng.normal(0, USUAL_SPREAD, durations)
            )
            found = fit(seconds, np.full(durations, 50.0), group, 3, annotator, people)
            assert (found.log_lower <= found.log_factor).all()
            held += list((found.log_lower <= truth) & (truth <= found.log_upper))
            widths += list(found.log_upper - found.log_lower)
        assert 0.85 <= np.mean(held) <= most, (durations, np.mean(held))
        # An interval that says nothing would hold everything.
        assert np.median(widths) < 6 * doubt


def test_annotators_who_differ_by_kind_of_work_widen_it() -> None:
    """Their durations are not so many independent ones."""
    rng = np.random.default_rng(12)
    group, annotator = rng.integers(0, 2, 4_000), rng.integers(0, 8, 4_000)
    noise = rng.normal(0, 0.5, 4_000)
    bent = rng.normal(0, 0.4, (2, 8))
    alike = fit(np.exp(noise), np.ones(4_000), group, 2, annotator, 8)
    apart = fit(np.exp(noise + bent[group, annotator]), np.ones(4_000), group, 2, annotator, 8)
    narrow, wide = (found.log_upper - found.log_lower for found in (alike, apart))
    assert (wide > 2 * narrow).all()


def test_without_durations_the_doubt_of_the_default_is_left() -> None:
    found = fit(np.zeros(0), np.zeros(0), np.zeros(0, int), 2, np.zeros(0, int), 1)
    assert np.isfinite(found.log_lower).all()
    assert (found.log_lower < USUAL_LOG_FACTOR).all()
    assert (found.log_upper > USUAL_LOG_FACTOR).all()
    one = fit(np.array([3.0]), np.ones(1), np.zeros(1, int), 1, np.zeros(1, int), 1)
    assert one.log_lower[0] < one.log_factor[0] < one.log_upper[0]
