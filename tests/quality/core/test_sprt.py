"""Wald's test: worked numbers, exact risks against simulation, state between observations."""

from collections.abc import Callable

import numpy as np
import pytest

from quality.core.sprt import (
    CLEAR,
    GO_ON,
    PAUSE,
    Sprt,
    SprtState,
    characteristic,
    fixed_sample,
    observe,
    run_length,
)

TEST = Sprt(0.05, 0.15)


def test_steps_bounds_and_lines() -> None:
    assert TEST.wrong_step == pytest.approx(1.098612, abs=5e-7)
    assert TEST.right_step == pytest.approx(-0.111226, abs=5e-7)
    assert TEST.bounds == pytest.approx((2.944439, -2.944439), abs=5e-7)
    assert TEST.lines == pytest.approx((0.0919343, 2.43375, -2.43375), abs=5e-6)
    assert Sprt(0.05, 0.15, 0.01, 0.10).bounds == pytest.approx((4.499810, -2.292535), abs=5e-7)


def test_table() -> None:
    pause, clear = TEST.table([10, 20, 28, 40, 50, 75, 100, 150])
    assert pause.tolist() == [4, 5, 6, 7, 8, 10, 12, 17]
    assert clear.tolist() == [-1, -1, 0, 1, 2, 4, 6, 11]


def test_exact_risks_and_lengths() -> None:
    found = characteristic(TEST, [0.05, 0.15, 0.092])
    np.testing.assert_allclose(found.pause[0], 0.0344, atol=5e-5)
    np.testing.assert_allclose(found.clear[1], 0.0478, atol=5e-5)
    np.testing.assert_allclose(found.mean_n, [55.0, 43.5, 82.1], atol=0.05)
    np.testing.assert_allclose(found.pause + found.clear, 1.0, atol=1e-11)
    assert TEST.approximate_n == pytest.approx((52.2, 37.7), abs=0.05)
    cut = characteristic(TEST, [0.05, 0.15], truncate=150)
    assert (cut.pause[0], cut.clear[1]) == pytest.approx((0.0387, 0.0503), abs=5e-5)
    assert fixed_sample(TEST) == (93, 9)


def test_other_risks() -> None:
    strict = characteristic(Sprt(0.05, 0.15, 0.01, 0.10), [0.05, 0.15])
    assert (strict.pause[0], strict.clear[1]) == pytest.approx((0.0068, 0.0950), abs=5e-5)
    np.testing.assert_allclose(strict.mean_n, [45.3, 60.3], atol=0.05)
    near = characteristic(Sprt(0.05, 0.10, 0.05, 0.10), [0.05, 0.10])
    np.testing.assert_allclose(near.mean_n, [124, 126], atol=0.5)


def test_earliest_decisions() -> None:
    none = np.zeros(3, dtype=int)
    state, decided = observe(TEST, SprtState.start(1), none, [1, 1, 1])
    assert decided.tolist() == [2]
    assert state.status.tolist() == [PAUSE]
    for test, first in ((TEST, 27), (Sprt(0.05, 0.15, 0.01, 0.10), 21)):
        state, decided = observe(test, SprtState.start(1), np.zeros(40, int), np.zeros(40, int))
        assert decided.tolist() == [first - 1]
        assert state.status.tolist() == [CLEAR]
        assert state.answers.tolist() == [first]


def test_simulated_risks_are_the_exact_ones() -> None:
    rng = np.random.default_rng(6)
    S, n = 2_000, 900
    series = np.tile(np.arange(S), n)
    for p in (0.05, 0.092, 0.15):
        state, decided = observe(TEST, SprtState.start(S), series, rng.random(S * n) < p)
        exact = characteristic(TEST, [p])
        assert len(decided) == S
        paused = (state.status == PAUSE).mean()
        assert paused == pytest.approx(exact.pause[0], abs=4 * 0.5 / S**0.5)
        spread = state.answers.std() / S**0.5
        assert state.answers.mean() == pytest.approx(exact.mean_n[0], abs=4 * spread)


def test_a_restarted_test_is_told_by_its_run_length() -> None:
    rng = np.random.default_rng(7)
    S, n, p = 400, 6_000, 0.08
    series = np.tile(np.arange(S), n)
    _state, decided = observe(TEST, SprtState.start(S), series, rng.random(S * n) < p, restart=True)
    assert len(decided) == S
    length = decided // S + 1
    spread = length.std() / S**0.5
    assert length.mean() == pytest.approx(run_length(TEST, [p])[0], abs=4 * spread)
    # Never clearing for good, it pauses a good annotator in the end: no α can be stated.
    assert run_length(TEST, [0.05])[0] == pytest.approx(54.993 / 0.034437, rel=1e-4)


def test_state_is_carried_between_calls() -> None:
    rng = np.random.default_rng(8)
    series, wrong = rng.integers(0, 30, 2_000), rng.random(2_000) < 0.1
    series.setflags(write=False)
    at_once, rows = observe(TEST, SprtState.start(30), series, wrong)
    state, found = SprtState.start(30), []
    for part in np.array_split(np.arange(2_000), 17):
        state, decided = observe(TEST, state, series[part], wrong[part])
        found += part[decided].tolist()
    assert found == rows.tolist()
    for name in ("answers", "errors", "status"):
        assert (getattr(state, name) == getattr(at_once, name)).all()


def test_a_decided_series_rests_until_a_person_restarts_it() -> None:
    state, _rows = observe(TEST, SprtState.start(2), [0, 0, 0, 1], [1, 1, 1, 1])
    again, rows = observe(TEST, state, [0, 0, 1], [1, 1, 0])
    assert rows.size == 0
    assert again.errors.tolist() == [3, 1]
    fresh = again.restarted([0])
    assert fresh.answers.tolist() == [0, 2]
    assert fresh.status.tolist() == [GO_ON, GO_ON]
    assert again.status.tolist() == [PAUSE, GO_ON]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Sprt(0.15, 0.05), "p1"),
        (lambda: Sprt(0.0, 0.05), "p0"),
        (lambda: Sprt(0.05, 0.15, 0.0), "alpha"),
        (lambda: Sprt(0.05, 0.15, 0.6, 0.4), "beta"),
        (lambda: TEST.table([-1]), "n"),
        (lambda: characteristic(TEST, [1.0]), "share"),
        (lambda: characteristic(TEST, [0.1], truncate=0), "truncate"),
        (lambda: observe(TEST, SprtState.start(1), [1], [0]), "series"),
        (lambda: observe(TEST, SprtState.start(1), [0], [2]), "wrong"),
        (lambda: observe(TEST, SprtState.start(1), [0], [np.nan]), "wrong"),
        (lambda: observe(TEST, SprtState.start(1), [0, 0], [1]), "values"),
        (lambda: SprtState.start(1).restarted([1]), "series"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
