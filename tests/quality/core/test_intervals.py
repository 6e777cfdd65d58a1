"""Intervals of shares: worked numbers, statsmodels as a second opinion, coverage, bad input."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from quality.core.intervals import clopper_pearson, jeffreys, posterior, units_for, wilson

WORKED = {
    (10, 10): ((0.7225, 1), (0.6915, 1), (0.7828, 1.0000)),
    (9, 10): ((0.5958, 0.9821), (0.5550, 0.9975), (0.6187, 0.9890)),
    (0, 20): ((0, 0.1611), (0, 0.1684), (0.0000, 0.1166)),
    (47, 50): ((0.8378, 0.9794), (0.8345, 0.9875), (0.8485, 0.9828)),
    (950, 1000): ((0.9347, 0.9619), (0.9346, 0.9627), (0.9352, 0.9622)),
    (81, 263): ((0.2553, 0.3662), (0.2527, 0.3676), (0.2545, 0.3656)),
}
METHODS = (wilson, clopper_pearson, jeffreys)


@pytest.mark.parametrize("counts", WORKED)
def test_worked_intervals(counts: tuple[int, int]) -> None:
    for method, expected in zip(METHODS, WORKED[counts], strict=True):
        assert np.round(method(*counts), 4) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("method", "name"), [(wilson, "wilson"), (clopper_pearson, "beta"), (jeffreys, "jeffreys")]
)
def test_statsmodels_agrees(
    method: Callable[..., tuple[np.ndarray, np.ndarray]], name: str
) -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(1, 400, 200)
    x = rng.integers(0, n + 1)
    for level in (0.8, 0.9, 0.99):
        low, high = method(x, n, level=level)
        other = proportion_confint(x, n, alpha=1 - level, method=name)
        inner = (x > 0) & (x < n)
        np.testing.assert_allclose(low[inner], other[0][inner], atol=1e-10)
        np.testing.assert_allclose(high[inner], other[1][inner], atol=1e-10)


def test_clopper_pearson_holds_for_every_share() -> None:
    n, x = 37, np.arange(38)
    low, high = clopper_pearson(x, n, level=0.9)
    for p in np.linspace(0.01, 0.99, 197):
        assert binom.pmf(x, n, p)[(low <= p) & (p <= high)].sum() >= 0.9


def test_no_evidence_says_nothing() -> None:
    for method in METHODS:
        low, high = method([0, 1], [0, 2])
        assert (low[0], high[0]) == (0, 1)
        assert 0 < low[1] < 0.5 < high[1] < 1


def test_a_small_perfect_record_ranks_below_a_long_good_one() -> None:
    low, _high = wilson([10, 950], [10, 1000])
    assert np.round(low, 4).tolist() == [0.7225, 0.9347]


@pytest.mark.parametrize(
    ("counts", "mean", "low", "high", "chance"),
    [
        ((10, 10), 0.9600, 0.8678, 0.9982, 0.706),
        ((9, 10), 0.9267, 0.8119, 0.9892, 0.367),
        ((3, 5), 0.8720, 0.7190, 0.9696, 0.090),
        ((470, 500), 0.9400, 0.9181, 0.9587, 0.168),
    ],
)
def test_shrinkage_to_a_pool(
    counts: tuple[int, int], mean: float, low: float, high: float, chance: float
) -> None:
    found = posterior(*counts, mean=0.94, strength=20)
    assert float(found.mean) == pytest.approx(mean, abs=5e-5)
    assert [float(v) for v in found.interval()] == pytest.approx([low, high], abs=5e-5)
    assert float(found.at_least(0.95)) == pytest.approx(chance, abs=5e-4)


def test_flat_prior_and_a_crew() -> None:
    flat = posterior(10, 10)
    assert float(flat.mean) == pytest.approx(0.9167, abs=5e-5)
    assert [float(v) for v in flat.interval()] == pytest.approx([0.7151, 0.9977], abs=5e-5)
    assert float(flat.at_least(0.95)) == pytest.approx(0.431, abs=5e-4)
    crew = posterior([9, 180], [10, 200], mean=0.92, strength=20)
    np.testing.assert_allclose(crew.mean, [0.91333, 0.90182], atol=5e-6)
    low, high = crew.interval(0.9)
    np.testing.assert_allclose(low, [0.81717, 0.86694], atol=5e-6)
    np.testing.assert_allclose(high, [0.97825, 0.93254], atol=5e-6)


def test_units_for_a_width() -> None:
    assert units_for([0.95, 0.95, 0.90], [0.02, 0.03, 0.03]).tolist() == [457, 203, 385]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: wilson(3, 2), "hits"),
        (lambda: wilson(-1, 2), "hits"),
        (lambda: wilson(1.5, 2), "hits"),
        (lambda: wilson(np.nan, 2), "hits"),
        (lambda: wilson("3", 4), "hits"),
        (lambda: jeffreys(1, 2, level=1.0), "level"),
        (lambda: clopper_pearson(1, -2), "n"),
        (lambda: posterior(1, 2, mean=1.0), "mean"),
        (lambda: posterior(1, 2, strength=0), "strength"),
        (lambda: units_for(0.0, 0.1), "share"),
        (lambda: units_for(0.5, 0.0), "half_width"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
