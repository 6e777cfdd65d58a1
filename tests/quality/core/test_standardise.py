"""Like for like: worked vendors, the kidney stones, missing strata, small cells, bad input."""

from collections.abc import Callable

import numpy as np
import pytest

from quality.core.standardise import (
    indirect,
    standardise,
    standardise_intervals,
    standardise_means,
)

HITS = [[970, 3_520], [4_320, 420]]
N = [[1_000, 4_000], [4_500, 500]]


def test_two_vendors() -> None:
    found = standardise(HITS, N, mix=[0.55, 0.45])
    np.testing.assert_allclose(found.value, [0.9295, 0.9060], atol=5e-5)
    np.testing.assert_allclose(found.crude, [0.898, 0.948], atol=5e-5)
    low, high = found.value - 1.96 * found.standard_error, found.value + 1.96 * found.standard_error
    np.testing.assert_allclose(low, [0.9221, 0.8912], atol=5e-5)
    np.testing.assert_allclose(high, [0.9369, 0.9208], atol=5e-5)
    np.testing.assert_allclose(found.lower, low, atol=1.5e-3)
    np.testing.assert_allclose(found.upper, high, atol=1.5e-3)
    assert found.strata.all()
    assert found.covered == 1.0
    # The mix of both vendors together is the same 5,500 to 4,500.
    np.testing.assert_allclose(standardise(HITS, N).value, found.value)


def test_costs_like_for_like() -> None:
    cost = np.array([[0.80, 2.10], [0.95, 2.60]]) * N
    found, crude = standardise_means(cost, N, mix=[0.55, 0.45])
    np.testing.assert_allclose(found, [1.3850, 1.6925])
    np.testing.assert_allclose(crude, [1.840, 1.115])


def test_indirect_errors() -> None:
    errors = np.array(N) - HITS
    found = indirect(errors, N)
    assert found.hits.tolist() == [510, 260]
    np.testing.assert_allclose(found.expected, [535.96, 234.04], atol=5e-3)
    np.testing.assert_allclose(found.ratio, [0.9516, 1.1109], atol=5e-5)


def test_kidney_stones() -> None:
    # Small and large stones: open surgery 81/87 and 192/263, percutaneous 234/270 and 55/80.
    found = standardise([[81, 192], [234, 55]], [[87, 263], [270, 80]])
    np.testing.assert_allclose(found.value, [0.83255, 0.77888], atol=5e-6)
    np.testing.assert_allclose(found.crude, [273 / 350, 289 / 350])


def test_only_common_strata_are_compared_and_it_says_so() -> None:
    found = standardise([[9, 5, 0], [8, 0, 3]], [[10, 10, 0], [10, 0, 4]], mix=[2, 1, 1])
    assert found.strata.tolist() == [True, False, False]
    assert found.covered == 0.5
    assert found.weight.tolist() == [1.0, 0.0, 0.0]
    np.testing.assert_allclose(found.value, [0.9, 0.8])
    none = standardise([[9, 0], [0, 3]], [[10, 0], [0, 4]])
    assert np.isnan(none.value).all()
    assert none.covered == 0.0
    np.testing.assert_allclose(none.crude, [0.9, 0.75])
    means, crude = standardise_means([[9, 0], [0, 3]], [[10, 0], [0, 4]])
    assert np.isnan(means).all()
    np.testing.assert_allclose(crude, [0.9, 0.75])


def test_small_cells_are_not_certain() -> None:
    found = standardise([[5, 10]], [[5, 10]])
    assert found.standard_error.tolist() == [0.0]
    assert found.lower[0] < 0.8
    assert found.upper[0] == 1.0


def test_intervals_hold() -> None:
    rng = np.random.default_rng(1)
    p, n, w = np.array([0.97, 0.85, 0.7]), np.array([15, 40, 12]), np.array([0.5, 0.3, 0.2])
    held = []
    for _ in range(3_000):
        found = standardise([rng.binomial(n, p)], [n], mix=w, level=0.9)
        held.append(found.lower[0] <= p @ w <= found.upper[0])
    assert 0.88 <= np.mean(held) <= 0.97


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: standardise([[3]], [[2]]), "hits"),
        (lambda: standardise([3], [4]), "hits"),
        (lambda: standardise([[3]], [[4]], mix=[1, 1]), "mix"),
        (lambda: standardise([[3]], [[4]], mix=[-1]), "mix"),
        (lambda: standardise([[3]], [[4]], mix=[np.nan]), "mix"),
        (lambda: standardise([[3]], [[4]], level=0), "level"),
        (lambda: standardise_means([[np.inf]], [[4]]), "total"),
        (lambda: standardise_means([1.0], [[4]]), "total"),
        (lambda: indirect([[5]], [[4]]), "hits"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()


def test_amounts_with_intervals_are_joined_by_the_mix() -> None:
    value = [[0.80, 2.10], [0.95, 2.60]]
    lower, upper = [[0.7, 2.0], [0.9, 2.0]], [[1.0, 2.4], [1.0, np.inf]]
    n = [[1000, 4000], [4500, 500]]
    mean, low, high = standardise_intervals(value, lower, upper, n, mix=[0.55, 0.45])
    assert mean == pytest.approx([1.385, 1.6925])
    assert low[0] == pytest.approx(1.385 - np.hypot(0.55 * 0.1, 0.45 * 0.1))
    assert high[0] == pytest.approx(1.385 + np.hypot(0.55 * 0.2, 0.45 * 0.3))
    assert high[1] == np.inf
    apart = standardise_intervals(
        [[1.0, np.nan], [np.nan, 1.0]], np.full((2, 2), 1.0), np.full((2, 2), 1.0), [[1, 0], [0, 1]]
    )
    assert all(np.isnan(part).all() for part in apart)
    with pytest.raises(ValueError, match="upper"):
        standardise_intervals(value, lower, [[1.0]], n)
