"""Confusion: rows are the truth, what is cut still counts, ten thousand labels in a moment."""

import numpy as np
import pytest

from quality.core.confusion import REST, confusion


def test_rows_are_true_and_columns_given() -> None:
    found = confusion([("a", "b", 3), ("a", "a", 1), ("b", "b", 4), ("a", "b", 1)])
    assert found.labels == ("a", "b")
    assert found.counts.tolist() == [[1, 4], [0, 4]]
    assert (found.checked, found.right, found.every, found.cut) == (9, 5, 2, False)
    ((true, given, n, share, low, high),) = found.pairs
    assert (true, given, n, share) == ("a", "b", 4, 0.8)
    assert 0.3 < low < 0.8 < high < 1.0


def test_labels_of_most_mistakes_first_and_the_rest_in_one() -> None:
    answers = [(f"l{i}", f"l{i}", 50) for i in range(9)]
    answers += [("l7", "l2", 9), ("l2", "l7", 5), ("l5", "l0", 1)]
    found = confusion(answers, most=2, pairs=2)
    assert found.labels == ("l2", "l7", REST)
    assert found.counts.sum() == found.checked == 465
    # The mistake between two labels that are not shown stands in the rest, not on the diagonal's
    # account: right ones are counted apart.
    assert found.counts.tolist() == [[50, 5, 0], [9, 50, 0], [0, 0, 351]]
    assert found.right == 450
    assert [pair[:3] for pair in found.pairs] == [("l7", "l2", 9), ("l2", "l7", 5)]


def test_ten_thousand_labels_and_none() -> None:
    rng = np.random.default_rng(1)
    true = rng.integers(0, 10_000, 50_000)
    given = np.where(rng.random(50_000) < 0.8, true, (true + 1) % 10_000)
    found = confusion([(f"{t}", f"{g}", 1) for t, g in zip(true, given, strict=True)])
    assert found.counts.shape == (31, 31)
    assert found.counts.sum() == 50_000
    assert found.every > 9_000
    none = confusion([])
    assert (none.labels, none.counts.shape, none.checked, none.pairs) == ((), (0, 0), 0, ())


def test_what_is_no_count() -> None:
    with pytest.raises(ValueError, match="positive"):
        confusion([("a", "b", 0)])
    with pytest.raises(ValueError, match="most"):
        confusion([], most=0)
