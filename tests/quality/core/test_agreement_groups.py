"""Agreement by pair and by label: equal to tables made by hand, confusion, many labels."""

from collections import Counter
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from quality.core.agreement import cohen, krippendorff
from quality.core.agreement_groups import by_label, by_pair, confused_most, confusion
from tests.quality.core.truth_sets import real

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def crowd(seed: int) -> Arrays:
    """Return answers of seven to 60 units, about half of them given."""
    rng = np.random.default_rng(seed)
    unit, who = np.nonzero(rng.random((60, 7)) < 0.5)
    true = rng.integers(0, 4, 60)
    label = np.where(rng.random(len(unit)) < 0.6, true[unit], rng.integers(0, 4, len(unit)))
    return unit, who, label


def test_pairs_are_tables_by_hand() -> None:
    for seed in range(5):
        unit, who, label = crowd(seed)
        found = by_pair(unit, who, label)
        given = {(u, w): v for u, w, v in zip(unit, who, label, strict=True)}
        row = 0
        for a, b in combinations(range(7), 2):
            both = [u for u in range(60) if (u, a) in given and (u, b) in given]
            table = np.zeros((4, 4), dtype=int)
            for u in both:
                table[given[u, a], given[u, b]] += 1
            assert (found.first[row], found.second[row], found.n[row]) == (a, b, len(both))
            assert found.observed[row] == pytest.approx(np.trace(table) / len(both))
            expected = cohen(table)
            assert expected is not None
            assert found.kappa[row] == pytest.approx(expected.value, abs=1e-12)
            assert found.standard_error[row] == pytest.approx(expected.standard_error, abs=1e-12)
            row += 1
        assert row == len(found.n)


def test_labels_are_one_against_the_rest() -> None:
    unit, who, label = crowd(11)
    found = by_label(unit, who, label)
    for k, alpha in zip(found.label, found.alpha, strict=True):
        assert alpha == pytest.approx(krippendorff(unit, (label == k).astype(int)), abs=1e-12)
    two = by_label([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1], [3, 3, 3, 5, 5, 5])
    assert two.label.tolist() == [3, 5]
    assert two.n.tolist() == [3, 3]
    np.testing.assert_allclose(two.agreement, [2 / 3, 2 / 3])


def test_the_labels_confused_most_are_named() -> None:
    unit = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4]
    who = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2]
    label = [1, 2, 2, 1, 3, 1, 3, 3, 1, 1, 3]
    found = confused_most(unit, who, label)
    assert list(zip(found.low, found.high, strict=True)) == [(1, 2), (1, 3)]
    # Two units of two say (1, 2); one of two and two of three pairs of a unit of three (1, 3).
    np.testing.assert_allclose(found.pairs, [4.0, 4.0])
    np.testing.assert_allclose(found.share, [0.5, 0.5])
    assert len(confused_most(unit, who, label, top=1).low) == 1


def test_order_of_answers_and_names_of_annotators_do_not_matter() -> None:
    unit, who, label = crowd(12)
    order = np.random.default_rng(1).permutation(len(unit))
    for array in (unit, who, label):
        array.setflags(write=False)
    one, two = by_pair(unit, who, label), by_pair(unit[order], who[order], label[order])
    np.testing.assert_array_equal(one.kappa, two.kappa)
    turned = by_pair(unit, 6 - who, label)
    assert sorted(turned.kappa.round(12)) == sorted(one.kappa.round(12))


def test_dog_confuses_two_breeds() -> None:
    dog = real("dog")
    found = confused_most(dog.task, dog.annotator, dog.label, top=2)
    counted: Counter[tuple[int, int]] = Counter()
    for task in range(len(dog.truth)):
        given = dog.label[dog.task == task].tolist()
        for a, b in combinations(given, 2):
            if a != b:
                counted[min(a, b), max(a, b)] += 2 / (len(given) - 1)  # type: ignore[assignment]
    (first, most), _second = counted.most_common(2)
    assert (found.low[0], found.high[0]) == first
    assert found.pairs[0] == pytest.approx(most)
    assert found.share[0] == pytest.approx(most / sum(counted.values()))


def test_degenerate_answers() -> None:
    same = by_pair([0, 0, 1, 1], [0, 1, 0, 1], [2, 2, 2, 2])
    assert same.observed.tolist() == [1.0]
    assert np.isnan(same.kappa).all()
    assert np.isnan(same.standard_error).all()
    alone = by_pair([0, 1], [0, 1], [1, 1])
    assert alone.n.size == 0
    assert by_pair([], [], []).n.size == 0
    assert by_label([], [], []).n.size == 0
    one = by_label([0, 0], [0, 1], [4, 4])
    assert one.label.tolist() == [4]
    assert np.isnan(one.alpha).all()
    assert confused_most([0, 0], [0, 1], [4, 4]).pairs.size == 0


def test_confusion_rows_are_true_labels() -> None:
    found = confusion([0, 0, 1, 2], [0, 1, 1, 0], 3)
    assert found.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: by_pair([0, 0], [1, 1], [2, 3]), "annotator"),
        (lambda: by_pair([0, 0], [1, 2], [2, -3]), "label"),
        (lambda: by_pair([0, 0.5], [1, 2], [2, 3]), "unit"),
        (lambda: by_label([0], [1, 2], [2]), "annotator"),
        (lambda: confused_most([0], [1], [2], top=0), "top"),
        (lambda: confusion([0, 3], [0, 1], 3), "true"),
        (lambda: confusion([0, 1], [0, 4], 3), "observed"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
