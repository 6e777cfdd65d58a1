"""Bounds from stratified samples, against all lies of the wrong units there are."""

from itertools import product

import numpy as np
import pytest

from quality.core.sampling import wrong_units
from quality.core.sampling_strata import _found, wrong_units_of_strata


def worst(N: np.ndarray, n: np.ndarray, D: int, x: int) -> float:
    """Return the highest P(X ≥ x) over all ways in which D units can lie."""
    lies = (np.array(lie) for lie in product(*(range(size + 1) for size in N)))
    return max(_found(N, n, lie, x) for lie in lies if lie.sum() == D)


def by_all_lies(N: np.ndarray, n: np.ndarray, x: int, tail: float) -> int:
    return next(D for D in range(x, int(N.sum()) + 1) if worst(N, n, D, x) > tail)


@pytest.mark.parametrize("seed", range(25))
def test_against_all_lies(seed: int) -> None:
    rng = np.random.default_rng(seed)
    N = rng.integers(1, [14, 9, 5][: rng.integers(1, 4)])
    n = np.array([rng.integers(0, size + 1) for size in N])
    n[int(rng.integers(len(n)))] = 1 + (N.min() - 1) // 2
    n = np.minimum(n, N)
    x = int(rng.integers(0, min(int(n.sum()), 4) + 1))
    level = float(rng.choice([0.8, 0.9, 0.95]))
    tail = (1 - level) / 2
    fewest, most = wrong_units_of_strata(N, n, x, level=level)
    assert fewest == by_all_lies(N, n, x, tail)
    assert most == N.sum() - by_all_lies(N, n, int(n.sum()) - x, tail)


@pytest.mark.parametrize(("lot", "size", "found"), [(1000, 80, 0), (1000, 80, 2), (50, 50, 3)])
def test_one_stratum_is_a_simple_draw(lot: int, size: int, found: int) -> None:
    given = np.array([lot]), np.array([size])
    assert wrong_units_of_strata(*given, found) == wrong_units(lot, size, found)


def test_they_hold_where_those_of_a_simple_draw_do_not() -> None:
    """All wrong units sit in the stratum that is hardly looked at."""
    N, n, wrong = np.array([900, 100]), np.array([10, 70]), np.array([90, 0])
    rng = np.random.default_rng(1)
    simple = strata = 0
    for _ in range(300):
        x = int(sum(rng.hypergeometric(d, s - d, k) for s, k, d in zip(N, n, wrong, strict=True)))
        simple += wrong_units(1000, 80, x)[1] >= 90
        strata += wrong_units_of_strata(N, n, x)[1] >= 90
    assert simple / 300 < 0.9
    assert strata / 300 >= 0.95


def test_proportional_draws_lose_little() -> None:
    N, n = np.array([5000, 3000, 1500, 500]), np.array([100, 60, 30, 10])
    low, high = wrong_units_of_strata(N, n, 5)
    one_low, one_high = wrong_units(10_000, 200, 5)
    assert low <= one_low
    assert one_high <= high <= 1.05 * one_high


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (([5], [6], 1), "sizes"),
        (([5], [0], 0), "sizes"),
        (([5, 5], [1], 0), "sizes"),
        (([5], [2], 3), "found"),
        (([5], [2.5], 1), "sizes"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[list[int], list[int], int], named: str) -> None:
    lots, sizes, found = arguments
    with pytest.raises(ValueError, match=named):
        wrong_units_of_strata(np.array(lots), np.array(sizes), found)
