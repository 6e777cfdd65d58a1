"""Facts of a task type: planted truth, worked numbers, real labels, bad input."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from quality.core.facts import (
    DEFAULT_DISPERSION,
    TypeFacts,
    fit_difficulty,
    fit_dispersion,
    measure,
    others_rate,
)
from routing.core.votes import vote_error

DATA = Path("console/demo/data")


def answers(
    rng: np.random.Generator,
    items: int,
    overlap: int,
    *,
    rates: np.ndarray,
    dispersion: float,
    delta: np.ndarray | None = None,
    classes: int = 2,
    mistaken: float = 0.0,
) -> tuple[np.ndarray, ...]:
    """Return (right, item, annotator, label, band) of a crowd that errs together as planted.

    The truth is 0; a wrong answer is 1 with chance `mistaken`, else any of the other classes.
    """
    item = np.repeat(np.arange(items), overlap)
    annotator = np.concatenate(
        [rng.choice(len(rates), overlap, replace=False) for _ in range(items)]
    )
    band = rng.integers(0, 4, items)[item]
    shift = np.zeros(4) if delta is None else delta
    odds = np.log(rates / (1 - rates))[annotator] - shift[band]
    mean = 1 / (1 + np.exp(-odds))
    luck = rng.random(items)[item]
    strength = 1 / dispersion - 1 if dispersion else np.inf
    chance = mean if not dispersion else beta.ppf(luck, mean * strength, (1 - mean) * strength)
    right = rng.random(len(item)) < chance
    wrong = np.where(rng.random(len(item)) < mistaken, 1, rng.integers(1, classes, len(item)))
    return right, item, annotator, np.where(right, 0, wrong), band.astype(np.int8)


@pytest.mark.parametrize("planted", [0.0, 0.05, 0.15, 0.3])
def test_a_planted_dispersion_is_found(planted: float) -> None:
    rng = np.random.default_rng(3)
    rates = np.clip(rng.normal(0.88, 0.05, 30), 0.6, 0.98)
    found = [
        measure(*answers(rng, 2_000, 4, rates=rates, dispersion=planted), classes=2)
        for _ in range(5)
    ]
    assert np.mean([f.dispersion for f in found]) == pytest.approx(planted, abs=0.03)
    assert all(f.items == 2_000 and f.answers == 8_000 and f.pairs == 12_000 for f in found)
    # The standard error is what the estimates scatter by.
    assert all(abs(f.dispersion - planted) < 4 * f.dispersion_error for f in found)


def test_annotators_of_unequal_skill_do_not_look_like_common_errors() -> None:
    """Good annotators answer one half of the items, poor ones the other: no error is common."""
    rng = np.random.default_rng(4)
    good = answers(rng, 800, 4, rates=np.full(15, 0.97), dispersion=0.0)
    poor = answers(rng, 800, 4, rates=np.full(15, 0.65), dispersion=0.0)
    right = np.concatenate([good[0], poor[0]])
    item = np.concatenate([good[1], poor[1] + 800])
    annotator = np.concatenate([good[2], poor[2] + 15])
    found = measure(right, item, annotator, *one_band(right), classes=2)
    assert found.dispersion < 0.03
    # One rate for all would take the crews' difference for common errors.
    pooled, _error, _pairs = fit_dispersion(right, np.full(len(right), right.mean()), item)
    assert pooled > 0.1


def test_the_worked_example_of_correlated_votes() -> None:
    """90 % easy items at .95 and 10 % hard ones at .45: 3 votes are right .936, 5 votes .9396.

    Independent votes would be right .972 and .991. The beta has the example's variance (φ = .25)
    but not its two points, hence the tolerance.
    """
    rng = np.random.default_rng(5)
    items, overlap = 4_000, 5
    item = np.repeat(np.arange(items), overlap)
    annotator = np.tile(np.arange(40), items * overlap // 40)
    chance = np.where(rng.random(items) < 0.9, 0.95, 0.45)[item]
    right = rng.random(len(item)) < chance
    found = measure(right, item, annotator, *one_band(right), classes=2)
    assert found.dispersion == pytest.approx(0.25, abs=0.03)
    for answers_asked, exact in ((3, 0.936), (5, 0.9396)):
        predicted = 1 - float(vote_error(np.array(0.9), answers_asked, found.dispersion, 2))
        assert predicted == pytest.approx(exact, abs=0.007)


@pytest.mark.parametrize(("name", "off"), [("dog", 0.036), ("duck", 0.022)])
def test_the_error_of_votes_of_real_annotators_is_foretold(name: str, off: float) -> None:
    """From the facts, against counting over random draws of m answers; and not from the defaults.

    The dogs' four breeds are mistaken in pairs: wrong answers meet as if classes were two.
    """
    right, item, annotator, labels, truth = real(name)
    words, code = np.unique(np.append(labels, truth), return_inverse=True)
    given, wanted = code[: len(labels)], code[len(labels) :]
    low = np.zeros(len(right), dtype=np.int8)
    found = measure(right, item, annotator, given, low, classes=len(words))
    alike = round(1 + 1 / found.same_error)
    assert alike == 2
    rng = np.random.default_rng(1)
    rate = np.array(right.mean())
    for m in (3, 5, 7, 9):
        wrong = []
        for one in range(item.max() + 1):
            rows = np.flatnonzero(item == one)
            drawn = rng.permuted(np.tile(given[rows], (100, 1)), axis=1)[:, :m]
            counts = (drawn[:, :, None] == np.arange(len(words))).sum(axis=1)
            best = counts == counts.max(axis=1, keepdims=True)
            wrong.append(1 - (best[:, wanted[rows[0]]] / best.sum(axis=1)).mean())
        measured = float(np.mean(wrong))
        by_facts = float(vote_error(rate, m, found.dispersion, alike))
        independent = float(vote_error(rate, m, 0.0, len(words)))
        assert abs(by_facts - measured) < off
        assert m == 3 or abs(by_facts - measured) < 0.6 * abs(independent - measured)


def one_band(right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of two classes and a band that is always low."""
    return np.where(right, 0, 1), np.zeros(len(right), dtype=np.int8)


def real(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    with (DATA / name / "truth.csv").open() as file:
        truth = {row["question"]: row["truth"] for row in csv.DictReader(file)}
    with (DATA / name / "answer.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["question"] in truth]
    _items, item = np.unique([row["question"] for row in rows], return_inverse=True)
    _people, annotator = np.unique([row["worker"] for row in rows], return_inverse=True)
    labels = np.array([row["answer"] for row in rows])
    truths = np.array([truth[row["question"]] for row in rows])
    return labels == truths, item, annotator, labels, truths


def test_little_data_stays_near_the_default() -> None:
    rng = np.random.default_rng(6)
    rates = np.full(10, 0.9)
    few = [measure(*answers(rng, 5, 3, rates=rates, dispersion=0.0), classes=2) for _ in range(20)]
    assert abs(np.mean([f.dispersion for f in few]) - DEFAULT_DISPERSION) < 0.03
    assert all(np.abs(f.difficulty).max() < 1 for f in few)


def test_a_planted_difficulty_is_found() -> None:
    rng = np.random.default_rng(7)
    rates = np.clip(rng.normal(0.85, 0.05, 30), 0.6, 0.97)
    planted = np.array([-0.6, 0.0, 0.5, 1.0])
    given = answers(rng, 3_000, 4, rates=rates, dispersion=0.1, delta=planted)
    right, _item, _annotator, _label, band = given
    found = measure(*given, classes=2)
    # δ is counted from the mix of bands that an annotator's rate was measured on.
    assert found.difficulty - found.difficulty.mean() == pytest.approx(
        planted - planted.mean(), abs=0.15
    )
    # What routing makes of it: the rate of a band, from the rate over all.
    rate = right.mean()
    for b in range(4):
        odds = np.log(rate / (1 - rate)) - found.difficulty[b]
        assert 1 / (1 + np.exp(-odds)) == pytest.approx(right[band == b].mean(), abs=0.015)


def test_difficulty_is_zero_where_a_band_has_no_answers() -> None:
    rng = np.random.default_rng(8)
    right, item, annotator, _label, _band = answers(
        rng, 500, 3, rates=np.full(12, 0.8), dispersion=0.0
    )
    found = fit_difficulty(
        right, others_rate(right, annotator), item, np.full(len(right), 2, dtype=np.int64)
    )
    assert found[[0, 1, 3]].tolist() == [0, 0, 0]
    assert abs(found[2]) < 0.1


@pytest.mark.parametrize(("mistaken", "same"), [(0.0, 0.25), (0.6, 0.52), (1.0, 1.0)])
def test_a_planted_share_of_same_errors_is_found(mistaken: float, same: float) -> None:
    """Five classes: a wrong answer is class 1 with a planted chance, else any of the other four."""
    rng = np.random.default_rng(10)
    chance = mistaken + (1 - mistaken) / 4
    assert same == pytest.approx(chance**2 + 3 * ((1 - mistaken) / 4) ** 2, abs=0.01)
    given = answers(
        rng, 2_000, 4, rates=np.full(12, 0.7), dispersion=0.1, classes=5, mistaken=mistaken
    )
    assert measure(*given, classes=5).same_error == pytest.approx(same, abs=0.03)


def test_no_answers_and_no_overlap_are_the_defaults() -> None:
    none = np.zeros(0, dtype=np.int64)
    empty = measure(none.astype(bool), none, none, none, none.astype(np.int8), classes=5)
    assert empty.same_error == 0.25
    assert (empty.dispersion, empty.items, empty.pairs) == (DEFAULT_DISPERSION, 0, 0)
    alone = measure(
        np.array([True, False, True]),
        np.arange(3),
        np.zeros(3, dtype=np.int64),
        np.array([0, 1, 0]),
        np.zeros(3, dtype=np.int8),
        classes=2,
    )
    assert alone.dispersion == DEFAULT_DISPERSION
    assert np.isnan(alone.dispersion_error)


def test_all_right_and_all_wrong_give_finite_facts() -> None:
    item, annotator = np.repeat(np.arange(50), 3), np.tile(np.arange(3), 50)
    for right in (np.ones(150, dtype=bool), np.zeros(150, dtype=bool)):
        found = measure(right, item, annotator, *one_band(right), classes=2)
        assert 0 <= found.dispersion < 1
        assert np.isfinite(found.difficulty).all()


def test_the_order_of_answers_and_the_names_of_annotators_do_not_matter() -> None:
    rng = np.random.default_rng(9)
    given = answers(rng, 200, 4, rates=np.full(15, 0.85), dispersion=0.2, classes=4)
    for column in given:
        column.flags.writeable = False
    shuffled, names = rng.permutation(len(given[0])), rng.permutation(15)
    right, item, annotator, label, band = (column[shuffled] for column in given)
    one = measure(*given, classes=4)
    two = measure(right, item, names[annotator], label, band, classes=4)
    assert isinstance(one, TypeFacts)
    assert one.dispersion == pytest.approx(two.dispersion, abs=1e-12)
    assert one.same_error == pytest.approx(two.same_error, abs=1e-12)
    assert one.difficulty == pytest.approx(two.difficulty, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"item": np.array([0])}, "item must have shape"),
        ({"annotator": np.array([0, -1])}, "annotator must hold"),
        ({"label": np.array([0, -1])}, "label must hold"),
        ({"classes": 1}, "classes must be at least 2"),
        ({"band": np.array([0, 4])}, "band must be below 4"),
        ({"item": np.array([0.5, 1.0])}, "item must hold whole numbers"),
    ],
)
def test_bad_columns_are_named(change: dict[str, Any], words: str) -> None:
    good = {
        "right": np.array([True, False]),
        "item": np.array([0, 0]),
        "annotator": np.array([0, 1]),
        "label": np.array([0, 1]),
        "band": np.array([0, 0]),
        "classes": 2,
    }
    with pytest.raises(ValueError, match=words):
        measure(**{**good, **change})  # type: ignore[arg-type]
