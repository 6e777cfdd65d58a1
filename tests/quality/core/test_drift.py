"""Drift charts: published run lengths, a chain of Brook and Evans, simulation, carried state."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import ndtr

from quality.core.drift import (
    BernoulliCusum,
    Cusum,
    Ewma,
    steps_for,
    watch_cusum,
    watch_ewma,
    watch_wrongs,
)
from quality.core.drift_run_length import (
    limit_for_cusum,
    limit_for_ewma,
    limit_for_wrongs,
    of_cusum,
    of_ewma,
    of_wrongs,
)


@pytest.mark.parametrize(
    ("limit", "lengths"),
    [
        (22, (259, 56, 27, 18)),
        (28, (520, 80, 36, 22)),
        (33, (955, 104, 43, 26)),
        (44, (3337, 165, 60, 36)),
    ],
)
def test_bernoulli_run_lengths(limit: int, lengths: tuple[int, ...]) -> None:
    chart = BernoulliCusum(*steps_for(0.05, 0.15), limit)
    found = of_wrongs(chart, [0.05, 0.10, 0.15, 0.20])
    np.testing.assert_allclose(found, lengths, atol=0.5)


def test_whole_steps_follow_the_likelihood() -> None:
    assert steps_for(0.05, 0.15) == (10, 1)
    for p0, p1 in ((0.3, 0.5), (0.01, 0.02), (0.2, 0.9), (0.001, 0.3)):
        up, down = steps_for(p0, p1)
        ratio = np.log(p1 / p0) / -np.log((1 - p1) / (1 - p0))
        assert up / down == pytest.approx(ratio, rel=0.05)


@pytest.mark.parametrize(
    ("limit", "in_control", "shifted"), [(4, 167.7, 8.38), (5, 465.4, 10.38), (4.77, 368.5, 9.92)]
)
def test_cusum_run_lengths(limit: float, in_control: float, shifted: float) -> None:
    found = of_cusum(Cusum(0.5, limit), [0.0, 1.0, -1.0])
    assert found[0] == pytest.approx(in_control, abs=0.07)
    assert found[1] == pytest.approx(shifted, abs=0.005)
    assert found[2] == pytest.approx(found[1], rel=1e-9)


@pytest.mark.parametrize(
    ("weight", "width", "lengths"),
    [
        (0.1, 2.814, (499.5, 31.3, 10.33)),
        (0.2, 2.962, (499.7, 41.8, 10.5)),
        (0.05, 2.615, (499.8, 28.8, 11.4)),
    ],
)
def test_ewma_run_lengths(weight: float, width: float, lengths: tuple[float, ...]) -> None:
    found = of_ewma(Ewma(weight, width), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(found, lengths, rtol=0.004)


def chain(edges: np.ndarray, middle: np.ndarray, centre: np.ndarray, sd: float) -> np.ndarray:
    """Return the run length from the middle of each cell (Brook and Evans)."""
    share = ndtr((edges[None, :] - centre[:, None]) / sd)
    return np.linalg.solve(np.eye(len(middle)) - np.diff(share, axis=1), np.ones(len(middle)))


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_a_chain_of_cells_agrees(shift: float) -> None:
    h = Ewma(0.15, 2.7).limit
    edges = np.linspace(-h, h, 602)
    middle = (edges[1:] + edges[:-1]) / 2
    found = chain(edges, middle, 0.85 * middle + 0.15 * shift, 0.15)[300]
    assert found == pytest.approx(of_ewma(Ewma(0.15, 2.7), shift)[0], rel=1e-3)
    width = 2 * 3.0 / (2 * 600 - 1)
    middle = width * np.arange(600)
    edges = np.concatenate([[-60.0], middle + width / 2])
    sides = [chain(edges, middle, middle + sign * shift - 0.4, 1.0)[0] for sign in (1, -1)]
    assert 1 / sum(1 / side for side in sides) == pytest.approx(
        of_cusum(Cusum(0.4, 3.0), shift)[0], rel=1e-3
    )


def test_limits_for_a_wanted_run_length() -> None:
    assert limit_for_cusum(0.5, 465.4).limit == pytest.approx(5.0, abs=1e-3)
    assert limit_for_ewma(0.1, 499.58).width == pytest.approx(2.814, abs=1e-3)
    chart = limit_for_wrongs(10, 1, share=0.05, wanted=900)
    assert of_wrongs(chart, 0.05)[0] >= 900
    less = BernoulliCusum(10, 1, chart.limit - 1)
    assert of_wrongs(less, 0.05)[0] < 900
    assert limit_for_wrongs(10, 1, share=0.05, wanted=1).limit == 1


def first_alarms(rows: np.ndarray, S: int) -> np.ndarray:
    """Return the first alarm of each of S series whose observations come by turns."""
    first = np.full(S, -1)
    series, at = rows % S, rows // S
    order = np.argsort(-at, kind="stable")
    first[series[order]] = at[order] + 1
    assert (first > 0).all()
    return first


def test_simulated_run_lengths_are_the_exact_ones() -> None:
    rng = np.random.default_rng(9)
    S, n = 1_000, 700
    series = np.tile(np.arange(S), n)
    chart = BernoulliCusum(10, 1, 28)
    wrong = rng.random(S * n) < 0.12
    z = rng.standard_normal(S * n) + 0.6
    for rows, exact in (
        (watch_wrongs(chart, np.zeros(S, int), series, wrong)[1], of_wrongs(chart, 0.12)),
        (watch_cusum(Cusum(), np.zeros((S, 2)), series, z)[1], of_cusum(Cusum(), 0.6)),
        (watch_ewma(Ewma(), np.zeros(S), series, z)[1], of_ewma(Ewma(), 0.6)),
    ):
        length = first_alarms(rows, S)
        assert length.mean() == pytest.approx(exact[0], abs=4 * length.std() / S**0.5)


def test_a_chart_by_hand() -> None:
    state, alarms = watch_wrongs(
        BernoulliCusum(10, 1, 22), np.zeros(1, int), [0] * 6, [0, 1, 0, 1, 1, 0]
    )
    assert alarms.tolist() == [4]  # 0, 10, 9, 19, 29 → alarm and anew, 0
    assert state.tolist() == [0]
    level, alarms = watch_cusum(
        Cusum(0.5, 2.0), np.zeros((2, 2)), [0, 1, 0, 1], [2.0, -1.0, 1.5, 0.2]
    )
    assert alarms.tolist() == [2]  # 1.5, then 2.5
    np.testing.assert_allclose(level, [[0, 0], [0, 0]], atol=1e-12)
    level, alarms = watch_ewma(Ewma(0.5, 1.0), np.zeros(1), [0, 0], [0.8, -0.8])
    assert alarms.tolist() == []
    np.testing.assert_allclose(level, [-0.2])


def test_state_is_carried_between_calls() -> None:
    rng = np.random.default_rng(10)
    series = rng.integers(0, 20, 3_000)
    wrong, z = (rng.random(3_000) < 0.1).astype(int), rng.standard_normal(3_000)
    for watch, chart, start, values in (
        (watch_wrongs, BernoulliCusum(10, 1, 28), np.zeros(20, int), wrong),
        (watch_cusum, Cusum(0.5, 3.0), np.zeros((20, 2)), z),
        (watch_ewma, Ewma(0.2, 2.0), np.zeros(20), z),
    ):
        start.setflags(write=False)
        whole, rows = watch(chart, start, series, values)  # type: ignore[operator]
        assert rows.size
        state, found = start, []
        for part in np.array_split(np.arange(3_000), 11):
            state, alarms = watch(chart, state, series[part], values[part])  # type: ignore[operator]
            found += part[alarms].tolist()
        assert found == rows.tolist()
        np.testing.assert_array_equal(state, whole)


def test_nothing_new_changes_nothing() -> None:
    state, alarms = watch_ewma(Ewma(), np.array([0.3]), [], [])
    assert state.tolist() == [0.3]
    assert alarms.size == 0
    assert of_wrongs(BernoulliCusum(10, 1, 22), 0.0)[0] == np.inf
    assert of_wrongs(BernoulliCusum(10, 1, 22), 1.0)[0] == 3


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: BernoulliCusum(0, 1, 5), "up"),
        (lambda: BernoulliCusum(1, 1, 0), "limit"),
        (lambda: Cusum(-0.1, 5), "slack"),
        (lambda: Cusum(0.5, 0), "limit"),
        (lambda: Ewma(0.0, 3), "weight"),
        (lambda: Ewma(0.1, 0), "width"),
        (lambda: steps_for(0.2, 0.1), "p1"),
        (lambda: of_wrongs(BernoulliCusum(1, 1, 5), 1.2), "share"),
        (lambda: of_cusum(Cusum(), np.nan), "shift"),
        (lambda: limit_for_wrongs(10, 1, share=0.05, wanted=0.5), "wanted"),
        (lambda: limit_for_wrongs(10, 1, share=0.0, wanted=10), "share"),
        (lambda: limit_for_cusum(0.5, 0.5), "wanted"),
        (lambda: limit_for_ewma(0.1, 1e9), "wanted"),
        (lambda: watch_wrongs(BernoulliCusum(1, 1, 5), np.zeros(1, int), [0], [3]), "wrong"),
        (lambda: watch_cusum(Cusum(), np.zeros((1, 2)), [1], [0.0]), "series"),
        (lambda: watch_ewma(Ewma(), np.zeros(1), [0], [np.inf]), "values"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
