"""Error rates by segment: exact tests, corrections against statsmodels, false alarms, bad input."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests

from quality.core.bias import adjust, by_segment
from quality.core.intervals import wilson


def counts(table: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return (wrong, segment) of (wrong, n) by segment."""
    wrong = np.concatenate([np.arange(n) < x for x, n in table])
    return wrong, np.repeat(np.arange(len(table)), [n for _x, n in table])


def test_a_segment_that_stands_out() -> None:
    table = [(10, 200), (12, 200), (40, 200), (9, 200)]
    found = by_segment(*counts(table))
    assert found.segment.tolist() == [0, 1, 2, 3]
    assert found.wrong.tolist() == [10, 12, 40, 9]
    np.testing.assert_allclose(found.rate, [0.05, 0.06, 0.2, 0.045])
    np.testing.assert_allclose(found.difference[2], 0.2 - 31 / 600)
    assert found.worse.tolist() == [False, False, True, False]
    low, high = wilson([10, 12, 40, 9], 200)
    np.testing.assert_array_equal(found.lower, low)
    np.testing.assert_array_equal(found.upper, high)
    for row, (x, n) in enumerate(table):
        sides = [
            fisher_exact([[x, n - x], [71 - x, 800 - n - 71 + x]], alternative=side).pvalue
            for side in ("less", "greater")
        ]
        assert found.p_value[row] == pytest.approx(min(1.0, 2 * min(sides)), rel=1e-9)


@pytest.mark.parametrize(("method", "name"), [("holm", "holm"), ("benjamini-hochberg", "fdr_bh")])
def test_statsmodels_adjusts_alike(method: str, name: str) -> None:
    rng = np.random.default_rng(1)
    for size in (1, 2, 7, 40):
        p = rng.random(size) ** 3
        p[rng.integers(size)] = p[0]
        p.setflags(write=False)
        np.testing.assert_allclose(
            adjust(p, method=method), multipletests(p, method=name)[1], atol=1e-12
        )


def test_false_alarms_are_as_rare_as_said() -> None:
    rng = np.random.default_rng(2)
    segment = np.repeat(np.arange(30), 60)
    alarms = [by_segment(rng.random(1_800) < 0.1, segment).worse.any() for _ in range(300)]
    assert np.mean(alarms) <= 0.05
    # Without correction most of these sets would have raised one.
    raw = [(by_segment(rng.random(1_800) < 0.1, segment).p_value <= 0.05).any() for _ in range(100)]
    assert np.mean(raw) > 0.3


def test_degenerate_segments() -> None:
    one = by_segment([1, 0, 0], [4, 4, 4])
    assert one.segment.tolist() == [4]
    assert one.p_value.tolist() == [1.0]
    assert np.isnan(one.difference).all()
    assert not one.worse.any()
    assert by_segment([], []).segment.size == 0
    assert not by_segment([1, 1, 1, 1], [0, 0, 1, 1]).worse.any()


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: by_segment([2, 0], [0, 1]), "wrong"),
        (lambda: by_segment([0.5, 0], [0, 1]), "wrong"),
        (lambda: by_segment([1], [0, 1]), "wrong"),
        (lambda: by_segment([1, 0], [0, -1]), "segment"),
        (lambda: by_segment([1, 0], [0, 1], method="none"), "method"),
        (lambda: by_segment([1, 0], [0, 1], alpha=0), "alpha"),
        (lambda: by_segment([1, 0], [0, 1], level=1), "level"),
        (lambda: adjust([0.5, 1.5]), "p_value"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
