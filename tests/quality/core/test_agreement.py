"""Coefficients of agreement: published examples, libraries as a second opinion, bad input."""

from collections.abc import Callable

import krippendorff as library
import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from quality.core import agreement
from quality.core.agreement import cohen, exact_match, fleiss, krippendorff
from quality.core.agreement_bootstrap import (
    Settings,
    cohen_interval,
    fleiss_interval,
    krippendorff_interval,
    mean_interval,
)

FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
FOUR = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
THREE = (
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
)


def answers(rows: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return (unit, value) of a table of observers × units, gaps as dots."""
    found = [
        (unit, int(word)) for row in rows for unit, word in enumerate(row.split()) if word != "."
    ]
    unit, value = np.array(found).T
    return unit, value


def table(rows: tuple[str, ...]) -> np.ndarray:
    return np.array([[np.nan if w == "." else float(w) for w in row.split()] for row in rows])


def value(found: agreement.Kappa | None) -> float:
    assert found is not None
    return found.value


def test_cohen_of_the_textbook() -> None:
    found = cohen([[20, 5], [10, 15]])
    assert found is not None
    assert found.value == pytest.approx(0.4, abs=1e-12)
    assert found.standard_error == pytest.approx(0.1270, abs=5e-5)


def test_margins_and_prevalence_move_kappa() -> None:
    assert value(cohen([[45, 15], [25, 15]])) == pytest.approx(0.1304, abs=5e-5)
    assert value(cohen([[25, 35], [5, 35]])) == pytest.approx(0.2593, abs=5e-5)
    assert value(cohen([[118, 5], [2, 0]])) == pytest.approx(-0.0234, abs=5e-5)


def test_weighted_kappa() -> None:
    counts = [[44, 5, 1], [7, 20, 3], [9, 5, 6]]
    for weights, expected in ((None, 0.4915), ("linear", 0.4737), ("quadratic", 0.4545)):
        assert value(cohen(counts, weights=weights)) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_statsmodels_finds_the_same_kappa_and_error(weights: str | None) -> None:
    rng = np.random.default_rng(1)
    for _case in range(30):
        C = int(rng.integers(2, 6))
        counts = rng.integers(0, 20, (C, C)) + np.eye(C, dtype=int)
        other = cohens_kappa(counts, wt=weights)
        found = cohen(counts, weights=weights)
        assert found is not None
        assert found.value == pytest.approx(other.kappa, abs=1e-12)
        assert found.standard_error == pytest.approx(other.std_kappa, abs=1e-12)


def test_fleiss_of_the_textbook() -> None:
    assert fleiss(FLEISS) == pytest.approx(0.20993070442195522, abs=1e-15)
    rng = np.random.default_rng(2)
    for _case in range(20):
        counts = rng.multinomial(6, rng.dirichlet(np.ones(4)), size=15)
        assert fleiss(counts) == pytest.approx(fleiss_kappa(counts), abs=1e-12)


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(
    ("rows", "metric", "expected"),
    [
        (FOUR, "nominal", 113 / 152),
        (FOUR, "ordinal", 0.815388),
        (FOUR, "interval", 0.849107),
        (FOUR, "ratio", 0.797403),
        (THREE, "nominal", 0.691358),
        (THREE, "interval", 0.810845),
    ],
)
def test_krippendorff_of_the_textbook(
    rows: tuple[str, ...],
    metric: str,
    expected: float,
    dense: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not dense:
        monkeypatch.setattr(agreement, "DENSE", 0)
    assert krippendorff(*answers(rows), metric=metric) == pytest.approx(expected, abs=5e-7)


def test_pairable_answers() -> None:
    for rows, pairable in ((FOUR, 40), (THREE, 26)):
        assert len(agreement.units_iv(*answers(rows), "nominal").unit) == pairable


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval", "ratio"])
def test_sparse_sums_are_the_librarys(metric: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "DENSE", 0)
    rng = np.random.default_rng(3)
    for _case in range(25):
        data = rng.integers(0, 6, (5, 20)) * rng.choice([0.5, 3.0])
        data[rng.random(data.shape) < 0.4] = np.nan
        other = library.alpha(data, level_of_measurement=metric)  # type: ignore[arg-type]
        _who, unit = np.nonzero(np.isfinite(data))
        found = krippendorff(unit, data[np.isfinite(data)], metric=metric)
        assert found == pytest.approx(other, abs=1e-10)


def test_far_off_values_cost_no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "DENSE", 0)
    unit, values = answers(FOUR)
    for shift, scale in ((1e9, 1.0), (0.0, 1e-9), (-5e6, 1e3)):
        found = krippendorff(unit, shift + scale * values, metric="interval")
        assert found == pytest.approx(0.849107, abs=5e-6)


def test_nothing_left_to_explain_is_undefined() -> None:
    assert cohen([[7, 0], [0, 0]]) is None
    assert cohen([[0, 0], [0, 0]]) is None
    assert cohen(np.zeros((0, 0), dtype=int)) is None
    assert fleiss([[3, 0], [3, 0]]) is None
    assert fleiss(np.zeros((0, 3), dtype=int)) is None
    assert krippendorff([0, 0, 1, 1], [2, 2, 2, 2]) is None
    assert krippendorff([0, 1, 2], [1, 2, 3]) is None
    assert krippendorff([], []) is None
    assert exact_match([0, 1], [1, 1]) is None
    settings = Settings(seed=1)
    assert cohen_interval([[7, 0], [0, 0]], settings) is None
    assert krippendorff_interval([0, 0], [1, 1], settings) is None
    assert fleiss_interval(np.zeros((0, 3), dtype=int), settings) is None
    assert mean_interval([], [], settings) is None


def test_exact_match_counts_units_alike() -> None:
    # 1 of 1 pairs equal, and 1 of 3.
    assert exact_match([0, 0, 1, 1, 1, 2], [5, 5, 1, 1, 2, 9]) == pytest.approx((1 + 1 / 3) / 2)


def test_ten_thousand_labels() -> None:
    rng = np.random.default_rng(4)
    unit = np.repeat(np.arange(50_000), 2)
    true = rng.integers(0, 10_000, 50_000)
    wrong = rng.random(100_000) < 0.1
    label = np.where(wrong, rng.integers(0, 10_000, 100_000), true[unit])
    found = krippendorff(unit, label)
    assert found == pytest.approx(0.81, abs=0.01)
    interval = krippendorff_interval(unit, label, Settings(seed=1, replicates=200))
    assert interval is not None
    assert interval.lower < 0.81 + 0.005
    assert interval.upper > 0.81 - 0.005
    assert interval.upper - interval.lower < 0.01


def resampled(
    statistic: Callable[[np.ndarray], float | None], n: int, replicates: int
) -> np.ndarray:
    """Return quantiles of the statistic over units drawn one replicate at a time."""
    rng = np.random.default_rng(5)
    found = [statistic(rng.integers(0, n, n)) for _ in range(replicates)]
    return np.quantile([v for v in found if v is not None], [0.05, 0.95])


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval", "ratio"])
def test_replicates_at_once_are_replicates_one_by_one(metric: str) -> None:
    rng = np.random.default_rng(6)
    data = np.clip(rng.integers(1, 6, 40)[:, None] + rng.integers(-1, 2, (40, 3)), 0, 6)

    def alpha(rows: np.ndarray) -> float | None:
        return krippendorff(np.repeat(np.arange(40), 3), data[rows].ravel(), metric=metric)

    slow = resampled(alpha, 40, 1_500)
    unit = np.repeat(np.arange(40), 3)
    settings = Settings(seed=2, replicates=6_000, level=0.9)
    fast = krippendorff_interval(unit, data.ravel(), settings, metric=metric)
    assert fast is not None
    assert fast.defined == 1.0
    np.testing.assert_allclose([fast.lower, fast.upper], slow, atol=0.02)


def test_intervals_of_kappa_are_resampled_units() -> None:
    counts = np.array([[44, 5, 1], [7, 20, 3], [9, 5, 6]])
    cells = np.repeat(np.arange(9), counts.ravel())
    for weights in (None, "linear", "quadratic"):

        def kappa(rows: np.ndarray, weights: str | None = weights) -> float:
            drawn = np.bincount(cells[rows], minlength=9).reshape(3, 3)
            return value(cohen(drawn, weights=weights))

        slow = resampled(kappa, 100, 1_500)
        fast = cohen_interval(counts, Settings(2, 6_000, 0.9), weights=weights)
        assert fast is not None
        np.testing.assert_allclose([fast.lower, fast.upper], slow, atol=0.02)
    table = np.array(FLEISS)
    slow = resampled(lambda rows: fleiss(table[rows]), 10, 1_500)
    fast = fleiss_interval(table, Settings(2, 6_000, 0.9))
    assert fast is not None
    np.testing.assert_allclose([fast.lower, fast.upper], slow, atol=0.02)


def test_undefined_replicates_are_counted() -> None:
    found = cohen_interval([[3, 0], [0, 1]], Settings(seed=1, replicates=4_000))
    assert found is not None
    # All four draws from the first cell, or all from the second.
    assert found.defined == pytest.approx(1 - 0.75**4 - 0.25**4, abs=0.03)


def test_the_interval_of_a_mean_draws_units_whole() -> None:
    rng = np.random.default_rng(7)
    unit = np.repeat(np.arange(50), 20)
    score = np.repeat(rng.random(50), 20)
    found = mean_interval(unit, score, Settings(seed=3, level=0.9))
    assert found is not None
    half = 1.645 * score.std() / 50**0.5
    assert found.lower == pytest.approx(score.mean() - half, abs=0.012)
    assert found.upper == pytest.approx(score.mean() + half, abs=0.012)


def test_a_seed_decides_and_arguments_stay() -> None:
    unit, values = answers(FOUR)
    for array in (unit, values):
        array.setflags(write=False)
    first = krippendorff_interval(unit, values, Settings(seed=4))
    assert first == krippendorff_interval(unit, values, Settings(seed=4))
    assert first != krippendorff_interval(unit, values, Settings(seed=5))
    order = np.random.default_rng(8).permutation(len(unit))
    assert first == krippendorff_interval(unit[order], values[order], Settings(seed=4))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: cohen([[1, 2]]), "table"),
        (lambda: cohen([[1, -2], [0, 1]]), "table"),
        (lambda: cohen([[1, 2], [0, 1]], weights="cubic"), "weights"),
        (lambda: fleiss([[1, 2], [2, 2]]), "counts"),
        (lambda: fleiss([[1, 0], [1, 0]]), "counts"),
        (lambda: fleiss([1, 2]), "counts"),
        (lambda: krippendorff([0, 0], [1, 2], metric="circular"), "metric"),
        (lambda: krippendorff([0, 0], [1, np.nan]), "value"),
        (lambda: krippendorff([0, 0], [1, -2], metric="ratio"), "value"),
        (lambda: krippendorff([0, 0], [1]), "value"),
        (lambda: krippendorff([0, -1], [1, 2]), "unit"),
        (lambda: Settings(seed=-1), "seed"),
        (lambda: Settings(seed=1, replicates=0), "replicates"),
        (lambda: Settings(seed=1, level=1.0), "level"),
        (lambda: krippendorff_interval([0, 0], [1, 2], Settings(1), metric="x"), "metric"),
        (lambda: mean_interval([0, 0], [1.0], Settings(1)), "score"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
