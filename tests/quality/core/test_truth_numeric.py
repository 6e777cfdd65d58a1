"""Truth from scores: planted truth, degenerate input, and the published emotion scores."""

import csv
from pathlib import Path

import numpy as np
import pytest

from quality.core.truth_numeric import estimate

EMOTION = Path(__file__).parents[2] / "data" / "emotion"


def planted(seed: int, *, tasks=300, annotators=30, each=6):
    """Scores of annotators whose bias and spread are known."""
    rng = np.random.default_rng(seed)
    value, bias = rng.normal(50, 20, tasks), rng.normal(0, 4, annotators)
    spread = rng.uniform(2, 12, annotators)
    task = np.repeat(np.arange(tasks), each)
    annotator = np.concatenate([rng.choice(annotators, each, replace=False) for _ in range(tasks)])
    score = value[task] + bias[annotator] + rng.normal(size=len(task)) * spread[annotator]
    return task, annotator, score, value, bias, spread


def emotion():
    with (EMOTION / "answer.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (EMOTION / "truth.csv").open() as file:
        truth = {r["question"]: float(r["truth"]) for r in csv.DictReader(file)}
    tasks, people = sorted(truth), sorted({r["worker"] for r in rows})
    task_at = {q: i for i, q in enumerate(tasks)}
    person_at = {w: i for i, w in enumerate(people)}
    task = np.array([task_at[r["question"]] for r in rows])
    annotator = np.array([person_at[r["worker"]] for r in rows])
    score = np.array([float(r["answer"]) for r in rows])
    return task, annotator, score, np.array([truth[q] for q in tasks])


def drawn(value, share: float, seed: int):
    gold = np.full(len(value), np.nan)
    some = np.random.default_rng(seed).permutation(len(value))[: round(share * len(value))]
    gold[some] = value[some]
    return gold


def within(task, annotator, score, value, tolerance: float):
    n = np.bincount(annotator)
    return np.bincount(annotator, np.abs(score - value[task]) <= tolerance) / n


def test_planted_truth_bias_and_spread_are_found() -> None:
    task, annotator, score, value, bias, spread = planted(0)
    found = estimate(task, annotator, score, tolerance=6, gold=drawn(value, 0.2, 0))
    mean = np.bincount(task, score) / np.bincount(task)
    assert found.converged
    assert np.abs(found.value - value).mean() < 0.8 * np.abs(mean - value).mean()
    assert np.corrcoef(found.bias, bias)[0, 1] > 0.85
    assert np.corrcoef(found.spread, spread)[0, 1] > 0.9


def test_intervals_hold_with_gold() -> None:
    inside, values = [], []
    for seed in range(8):
        task, annotator, score, value, _bias, _spread = planted(seed)
        gold = drawn(value, 0.1, seed)
        found = estimate(task, annotator, score, tolerance=6, gold=gold)
        right = within(task, annotator, score, value, 6)
        inside.append(((found.lower <= right) & (right <= found.upper)).mean())
        unseen = np.isnan(gold)
        held = (found.value_lower <= value) & (value <= found.value_upper)
        values.append(held[unseen].mean())
        assert (found.rate_upper > found.rate_lower).all()
    assert np.mean(inside) >= 0.85
    assert np.mean(values) >= 0.85


def test_real_scores_are_judged_honestly() -> None:
    task, annotator, score, value = emotion()
    right = within(task, annotator, score, value, 20)
    inside, error = [], []
    for seed in range(10):
        found = estimate(task, annotator, score, tolerance=20, gold=drawn(value, 0.1, seed))
        inside.append(((found.lower <= right) & (right <= found.upper)).mean())
        error.append(np.abs(found.accuracy - right).mean())
    assert np.mean(inside) >= 0.8
    assert np.mean(error) <= 0.06


def test_gold_everywhere_is_plain_counting() -> None:
    task, annotator, score, value, _bias, _spread = planted(1)
    found = estimate(task, annotator, score, tolerance=6, gold=value)
    right = within(task, annotator, score, value, 6)
    for field in ("accuracy", "lower", "upper"):
        assert getattr(found, field) == pytest.approx(right)
    assert np.array_equal(found.value, value)


def test_order_means_nothing_and_inputs_are_read_only() -> None:
    task, annotator, score, value, _bias, _spread = planted(2)
    gold = drawn(value, 0.1, 0)
    for array in (task, annotator, score, gold):
        array.flags.writeable = False
    a = estimate(task, annotator, score, tolerance=6, gold=gold)
    order = np.random.default_rng(3).permutation(len(task))
    b = estimate(task[order], annotator[order], score[order], tolerance=6, gold=gold)
    assert b.value == pytest.approx(a.value)
    assert b.rate == pytest.approx(a.rate)


def test_nothing_one_and_all_equal() -> None:
    none = np.zeros(0, dtype=int)
    assert estimate(none, none, none, tolerance=1).value.shape == (0,)
    one = estimate(np.array([0]), np.array([0]), np.array([3.0]), tolerance=1)
    assert one.rate_lower[0] < one.rate_upper[0]
    same = estimate(np.arange(10), np.zeros(10, dtype=int), np.full(10, 3.0), tolerance=1)
    assert same.value == pytest.approx(np.full(10, 3.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": np.array([np.nan])}, "score must hold finite"),
        ({"tolerance": 0.0}, "tolerance must be above 0"),
        ({"gold": np.array([np.inf])}, "gold must hold finite"),
        ({"task": np.array([1]), "gold": np.array([1.0])}, "gold must hold one entry"),
        ({"weight": np.array([2.0])}, "weight must"),
        ({"prior": (0.0, 1.0)}, "prior must"),
        ({"score": np.array([1.0, 2.0])}, "equal length"),
    ],
)
def test_bad_input_is_named(change, words) -> None:
    given = {
        "task": np.array([0]),
        "annotator": np.array([0]),
        "score": np.array([1.0]),
        "tolerance": 1.0,
        **change,
    }
    with pytest.raises(ValueError, match=words):
        estimate(given.pop("task"), given.pop("annotator"), given.pop("score"), **given)
