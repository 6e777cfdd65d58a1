"""The estimator against planted truth, an independent EM, and degenerate input."""

import numpy as np
import pytest
from scipy import sparse

from quality.core import truth
from quality.core.truth import common_rate, estimate


def planted(seed: int, *, tasks=400, annotators=25, classes=3, each=5):
    """Answers of annotators whose rates are known."""
    rng = np.random.default_rng(seed)
    rate = rng.uniform(0.55, 0.95, annotators)
    true = rng.integers(0, classes, tasks)
    task = np.repeat(np.arange(tasks), each)
    annotator = np.concatenate([rng.choice(annotators, each, replace=False) for _ in range(tasks)])
    right = rng.random(len(task)) < rate[annotator]
    wrong = (true[task] + rng.integers(1, classes, len(task))) % classes
    return task, annotator, np.where(right, true[task], wrong), true, rate


def plain_em(task, annotator, label, T, W, C, rounds=60):
    """Dawid and Skene by loops, written independently, with the same shrinkage left out."""
    p = np.zeros((T, C))
    for t, c in zip(task, label, strict=True):
        p[t, c] += 1
    p /= p.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        conf = np.full((W, C, C), 0.01)
        for t, w, c in zip(task, annotator, label, strict=True):
            conf[w, :, c] += p[t]
        conf /= conf.sum(axis=2, keepdims=True)
        share = p.mean(axis=0)
        logp = np.log(share)[None, :].repeat(T, axis=0)
        for t, w, c in zip(task, annotator, label, strict=True):
            logp[t] += np.log(conf[w, :, c])
        p = np.exp(logp - logp.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
    return p


def test_planted_rates_and_labels_are_found() -> None:
    task, annotator, label, true, rate = planted(1)
    found = estimate(task, annotator, label)
    assert found.converged
    assert (found.probability.argmax(axis=1) == true).mean() > 0.93
    assert np.abs(found.rate - rate).mean() < 0.05
    assert found.probability.sum(axis=1) == pytest.approx(np.ones(len(true)))
    assert (found.rate_lower <= found.rate).all()
    assert (found.rate <= found.rate_upper).all()


def test_the_labels_are_those_of_an_independent_em() -> None:
    task, annotator, label, _true, _rate = planted(2, tasks=120, annotators=10)
    mine = estimate(task, annotator, label).probability.argmax(axis=1)
    other = plain_em(task, annotator, label, 120, 10, 3).argmax(axis=1)
    assert (mine == other).mean() > 0.97


def test_rates_hold_nine_times_of_ten() -> None:
    inside = []
    for seed in range(12):
        task, annotator, label, true, rate = planted(seed + 10, each=4)
        gold = np.where(np.arange(len(true)) % 3 == 0, true, -1)
        found = estimate(task, annotator, label, gold=gold)
        inside.append(((found.rate_lower <= rate) & (rate <= found.rate_upper)).mean())
    assert 0.82 <= np.mean(inside) <= 0.99


def test_share_right_holds_with_gold() -> None:
    inside = []
    for seed in range(12):
        task, annotator, label, true, _rate = planted(seed + 30, each=4)
        gold = np.where(np.arange(len(true)) % 3 == 0, true, -1)
        found = estimate(task, annotator, label, gold=gold)
        right = np.bincount(annotator, label == true[task]) / np.bincount(annotator)
        inside.append(((found.lower <= right) & (right <= found.upper)).mean())
    assert np.mean(inside) >= 0.8


def test_gold_everywhere_is_plain_counting() -> None:
    task, annotator, label, true, _rate = planted(3)
    found = estimate(task, annotator, label, gold=true)
    right = np.bincount(annotator, label == true[task]) / np.bincount(annotator)
    assert found.accuracy == pytest.approx(right)
    assert found.lower == pytest.approx(right)
    assert found.upper == pytest.approx(right)
    assert (found.probability[np.arange(len(true)), true] == 1).all()


def test_few_answers_are_shrunk_to_the_others() -> None:
    # Nine annotators right in 90 of 100; the tenth wrong in its only answer.
    task = np.arange(901)
    annotator = np.concatenate([np.repeat(np.arange(9), 100), [9]])
    truth_ = np.zeros(901, dtype=int)
    label = np.where(np.arange(901) % 10 == 0, 1, 0)
    label[-1] = 1
    found = estimate(task, annotator, label, gold=truth_)
    assert found.accuracy[9] == 0
    assert found.rate[9] > 0.8
    assert found.rate_upper[9] - found.rate_lower[9] > 0.05


def test_one_rate_per_annotator_where_matrices_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, annotator, label, true, rate = planted(4)
    monkeypatch.setattr(truth, "MATRIX_LIMIT", 10)
    found = estimate(task, annotator, label)
    assert found.confusion is None
    assert (found.probability.argmax(axis=1) == true).mean() > 0.93
    assert np.abs(found.rate - rate).mean() < 0.05
    monkeypatch.setattr(truth, "TABLE_LIMIT", 10)
    thin = estimate(task, annotator, label)
    assert sparse.issparse(thin.probability)
    assert (
        np.asarray(thin.probability.argmax(axis=1)).reshape(-1) == found.probability.argmax(axis=1)
    ).all()


def test_nothing_and_little() -> None:
    empty = np.zeros(0, dtype=int)
    found = estimate(empty, empty, empty)
    assert found.probability.shape[0] == 0
    assert found.rate.shape == (0,)
    one = estimate(np.array([0]), np.array([0]), np.array([1]))
    assert one.probability.shape == (1, 2)
    skipped = estimate(np.array([0]), np.array([2]), np.array([0]))
    assert np.isnan(skipped.accuracy[0])
    assert 0 < skipped.rate[0] < 1


@pytest.mark.parametrize(
    ("task", "annotator", "label", "gold", "words"),
    [
        ([0, 1], [0], [0], None, "equal length"),
        ([-1], [0], [0], None, "task must not be negative"),
        ([0], [0], [0.5], None, "label must hold integers"),
        ([0, 1], [0, 0], [0, 0], [1], "gold must hold one entry"),
        ([0], [0], [0], [-2], "gold holds classes"),
    ],
)
def test_bad_input_is_named(task, annotator, label, gold, words) -> None:
    with pytest.raises(ValueError, match=words):
        estimate(
            np.array(task),
            np.array(annotator),
            np.array(label),
            gold=None if gold is None else np.array(gold),
        )


def test_equal_input_gives_equal_output() -> None:
    task, annotator, label, _true, _rate = planted(5)
    a, b = estimate(task, annotator, label), estimate(task, annotator, label)
    assert np.array_equal(a.probability, b.probability)
    assert np.array_equal(a.rate, b.rate)


def test_the_common_rate_is_the_planted_beta() -> None:
    rng = np.random.default_rng(6)
    n = np.full(400, 200.0)
    good = rng.binomial(200, rng.beta(16, 4, 400)).astype(float)
    a, b = common_rate(good, n)
    assert a / (a + b) == pytest.approx(0.8, abs=0.02)
    assert a + b == pytest.approx(20, rel=0.25)
