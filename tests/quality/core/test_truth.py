"""The estimator against planted truth, an independent EM, and degenerate input."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from quality.core import truth, truth_em
from quality.core.truth import estimate
from quality.core.truth_input import answers_iv
from tests.quality.core.truth_sets import Crowd, real, simulated

FIELDS = ("accuracy", "lower", "upper", "rate", "rate_lower", "rate_upper")
# Label accuracy of crowd-kit 1.4.2's DawidSkene at its defaults, without gold.
CROWD_KIT = {"dog": 0.84263, "duck": 0.88889}


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
    gold = np.where(np.arange(len(true)) % 5 == 0, true, -1)
    found = estimate(task, annotator, label, gold=gold)
    assert found.converged
    assert (found.probability.argmax(axis=1) == true).mean() > 0.93
    assert np.abs(found.rate - rate).mean() < 0.05
    assert found.probability.sum(axis=1) == pytest.approx(np.ones(len(true)))
    assert (found.rate_lower <= found.rate).all()
    assert (found.rate <= found.rate_upper).all()


def test_planted_labels_are_found_without_gold_and_rates_are_told_apart() -> None:
    task, annotator, label, true, rate = planted(1)
    found = estimate(task, annotator, label)
    assert (found.probability.argmax(axis=1) == true).mean() > 0.92
    # How much the votes are worth together is not known: all are taken lower, in the right order.
    assert np.corrcoef(found.rate, rate)[0, 1] > 0.85
    assert np.abs(found.rate - rate).mean() < 0.09
    assert ((found.rate_lower <= rate) & (rate <= found.rate_upper)).mean() > 0.9


def test_the_labels_are_those_of_an_independent_em() -> None:
    task, annotator, label, _true, _rate = planted(2, tasks=120, annotators=10)
    mine = estimate(task, annotator, label).probability.argmax(axis=1)
    other = plain_em(task, annotator, label, 120, 10, 3).argmax(axis=1)
    assert (mine == other).mean() > 0.97


def test_em_is_plain_em_where_there_is_no_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth_em, "STRENGTH", 0.02)
    monkeypatch.setattr(truth_em, "TOLERANCE", 1e-12)
    task, annotator, label, _true, _rate = planted(3, tasks=300, annotators=6)
    answers = answers_iv(task, annotator, label, None, 300)
    fitted = truth_em.fit(answers, np.full(300, -1), 3)
    other = plain_em(task, annotator, label, 300, 6, 3, rounds=200)
    # Shares and unmet classes keep a trace of prior, felt where the answers are split.
    assert fitted.probability == pytest.approx(other, abs=0.08)
    assert np.abs(fitted.probability - other).mean() < 0.002


def test_evidence_leaves_a_task_out_as_if_it_were_not_there() -> None:
    # Counted by loops over the other tasks' answers.
    task, annotator, label, _true, _rate = planted(4, tasks=30, annotators=6)
    answers = answers_iv(task, annotator, label, None, 30)
    fitted = truth_em.fit(answers, np.full(30, -1), 3)
    _whole, apart = truth_em.evidence(answers, fitted)
    for t in range(30):
        counts = np.zeros((6, 3, 3))
        for s, w, c in zip(task, annotator, label, strict=True):
            if s != t:
                counts[w, c] += fitted.probability[s]
        counts += truth_em.STRENGTH * fitted.base
        chance = np.log(counts / counts.sum(axis=1, keepdims=True))
        mine = sum(chance[w, c] for s, w, c in zip(task, annotator, label, strict=True) if s == t)
        assert apart[t] == pytest.approx(mine - mine.max(), abs=1e-9)


def test_confusion_is_true_by_observed() -> None:
    # Class 0 is always seen; class 1 is taken for 0 four times of ten, by everyone.
    rng = np.random.default_rng(0)
    true = np.arange(600) % 2
    task, annotator = np.repeat(np.arange(600), 4), np.tile(np.arange(4), 600)
    label = np.where((true[task] == 1) & (rng.random(2400) < 0.4), 0, true[task])
    found = estimate(task, annotator, label, gold=true)
    assert found.confusion is not None
    assert found.confusion[:, 0, 0] == pytest.approx(np.ones(4), abs=0.02)
    assert found.confusion[:, 1, 0] == pytest.approx(np.full(4, 0.4), abs=0.07)
    assert found.confusion.sum(axis=2) == pytest.approx(np.ones((4, 2)))


@pytest.mark.parametrize("name", ["dog", "duck"])
def test_labels_of_real_answers_are_as_good_as_crowd_kits(name: str) -> None:
    crowd = real(name)
    found = estimate(crowd.task, crowd.annotator, crowd.label)
    assert (found.probability.argmax(axis=1) == crowd.truth).mean() >= CROWD_KIT[name] - 0.003


def test_order_of_tasks_annotators_and_answers_means_nothing() -> None:
    crowd = simulated("hard", 3)
    rng = np.random.default_rng(1)
    T, W = len(crowd.truth), int(crowd.annotator.max()) + 1
    new_task, new_person = rng.permutation(T), rng.permutation(W)
    shuffled = rng.permutation(len(crowd.task))
    gold = crowd.gold(0.1, 2)
    moved_gold = np.empty_like(gold)
    moved_gold[new_task] = gold
    a = estimate(crowd.task, crowd.annotator, crowd.label, gold=gold)
    b = estimate(
        new_task[crowd.task][shuffled],
        new_person[crowd.annotator][shuffled],
        crowd.label[shuffled],
        gold=moved_gold,
    )
    assert b.probability[new_task] == pytest.approx(a.probability, abs=1e-6)
    for field in FIELDS:
        assert getattr(b, field)[new_person] == pytest.approx(getattr(a, field), abs=1e-6)


def test_inputs_are_read_only_and_equal_input_gives_equal_output() -> None:
    crowd = simulated("plain", 5)
    gold, weight = crowd.gold(0.1, 0), np.full(len(crowd.task), 0.5)
    inputs = (crowd.task, crowd.annotator, crowd.label, gold, weight)
    copies = [array.copy() for array in inputs]
    for array in inputs:
        array.flags.writeable = False
    a, b = (estimate(*inputs[:3], gold=gold, weight=weight) for _run in range(2))
    assert np.array_equal(a.probability, b.probability)
    for field in FIELDS:
        assert np.array_equal(getattr(a, field), getattr(b, field))
    for array, copy in zip(inputs, copies, strict=True):
        assert np.array_equal(array, copy)


def test_gold_everywhere_is_plain_counting() -> None:
    task, annotator, label, true, _rate = planted(3)
    found = estimate(task, annotator, label, gold=true)
    right = np.bincount(annotator, label == true[task]) / np.bincount(annotator)
    assert found.accuracy == pytest.approx(right)
    assert found.lower == pytest.approx(right)
    assert found.upper == pytest.approx(right)
    assert (found.probability[np.arange(len(true)), true] == 1).all()
    assert (found.rate_upper - found.rate_lower > 0.02).all()


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


def test_weights_make_old_answers_count_less() -> None:
    # Annotator 0 was wrong in the first half, and is right in the second.
    true = np.zeros(200, dtype=int)
    task, annotator = np.tile(np.arange(200), 3), np.repeat(np.arange(3), 200)
    label = np.where((annotator == 0) & (task < 100), 1, 0)
    whole = estimate(task, annotator, label, gold=true)
    weight = np.where(task < 100, 0.25, 1.0)
    recent = estimate(task, annotator, label, gold=true, weight=weight)
    assert whole.accuracy[0] == pytest.approx(0.5)
    assert recent.accuracy[0] == pytest.approx(0.8)
    assert recent.rate[0] > whole.rate[0]
    same = estimate(task, annotator, label, gold=true, weight=np.ones(600))
    assert np.array_equal(same.rate, whole.rate)


def test_an_answer_given_twice_is_one_voice() -> None:
    crowd = simulated("plain", 7)
    once = estimate(crowd.task, crowd.annotator, crowd.label)
    twice = estimate(*(np.repeat(x, 3) for x in (crowd.task, crowd.annotator, crowd.label)))
    # Said three times by each, the votes weigh no more; matrices are a little surer.
    assert (twice.probability.argmax(1) == once.probability.argmax(1)).mean() > 0.97
    assert twice.probability.max(axis=1).mean() == pytest.approx(
        once.probability.max(axis=1).mean(), abs=0.03
    )
    both = estimate(np.array([0, 0, 0]), np.array([0, 0, 1]), np.array([0, 1, 0]))
    assert both.probability[0, 0] > 0.5


def test_one_rate_per_annotator_where_matrices_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    task, annotator, label, true, rate = planted(4)
    gold = np.where(np.arange(len(true)) % 5 == 0, true, -1)
    monkeypatch.setattr(truth, "MATRIX_LIMIT", 10)
    found = estimate(task, annotator, label, gold=gold)
    assert found.confusion is None
    assert (found.probability.argmax(axis=1) == true).mean() > 0.93
    assert np.abs(found.rate - rate).mean() < 0.05
    assert found.probability.sum(axis=1) == pytest.approx(np.ones(len(true)))
    monkeypatch.setattr(truth, "TABLE_LIMIT", 10)
    thin = estimate(task, annotator, label, gold=gold)
    assert sparse.issparse(thin.probability)
    assert (
        np.asarray(thin.probability.argmax(axis=1)).reshape(-1) == found.probability.argmax(axis=1)
    ).all()


def test_ten_thousand_classes() -> None:
    task, annotator, label, true, rate = planted(8, tasks=3000, annotators=20, classes=10_000)
    label[0] = 9_999
    gold = np.where(np.arange(3000) % 10 == 0, true, -1)
    found = estimate(task, annotator, label, gold=gold)
    assert found.confusion is None
    assert found.probability.shape == (3000, 10_000)
    assert (found.probability.argmax(axis=1) == true).mean() > 0.98
    assert np.abs(found.rate - rate).mean() < 0.03
    right = np.bincount(annotator, label == true[task]) / np.bincount(annotator)
    assert ((found.lower <= right) & (right <= found.upper)).mean() >= 0.85


def test_a_class_nobody_used_and_a_task_nobody_answered() -> None:
    crowd = simulated("plain", 9)
    gold = np.concatenate([crowd.gold(0.1, 0), [5, -1]])
    found = estimate(crowd.task, crowd.annotator, crowd.label, gold=gold)
    assert found.probability.shape == (402, 6)
    assert found.probability[400, 5] == 1
    assert found.probability[401].sum() == pytest.approx(1)
    assert found.probability[401].max() < 0.6
    assert all(np.isfinite(getattr(found, field)).all() for field in FIELDS)


def test_one_annotator_alone_is_not_believed_blindly() -> None:
    task, label = np.arange(50), np.arange(50) % 2
    found = estimate(task, np.zeros(50, dtype=int), label)
    assert found.upper[0] - found.lower[0] > 0.3
    assert found.rate_upper[0] - found.rate_lower[0] > 0.2
    gold = np.where(task < 20, 1 - label, -1)  # wrong wherever it can be told
    told = estimate(task, np.zeros(50, dtype=int), label, gold=gold)
    assert told.rate[0] < 0.5
    assert told.accuracy[0] < found.accuracy[0]


def test_a_crowd_that_errs_alike_is_only_found_out_by_gold() -> None:
    task, annotator = np.repeat(np.arange(100), 5), np.tile(np.arange(5), 100)
    label, true = np.zeros(500, dtype=int), np.ones(100, dtype=int)
    blind = estimate(task, annotator, label)
    # Unanimity is no proof: some doubt stays.
    assert (blind.lower < 0.95).all()
    assert (blind.upper - blind.lower > 0.05).all()
    told = estimate(task, annotator, label, gold=np.where(np.arange(100) < 30, true, -1))
    assert (told.accuracy < 0.3).all()
    assert (told.lower <= 0.01).all()


def test_nothing_and_little() -> None:
    empty = np.zeros(0, dtype=int)
    found = estimate(empty, empty, empty)
    assert found.converged
    assert found.probability.shape[0] == 0
    assert found.rate.shape == (0,)
    one = estimate(np.array([0]), np.array([0]), np.array([1]))
    assert one.probability.shape == (1, 2)
    assert one.rate_lower[0] < one.rate_upper[0]
    skipped = estimate(np.array([0]), np.array([2]), np.array([0]))
    assert np.isnan(skipped.accuracy[0])
    assert 0 < skipped.rate[0] < 1
    gold_only = estimate(empty, empty, empty, gold=np.array([1, -1]))
    assert gold_only.probability[0].tolist() == [0, 1]
    assert gold_only.accuracy.shape == (0,)


@pytest.mark.parametrize(
    ("task", "annotator", "label", "gold", "words"),
    [
        ([0, 1], [0], [0], None, "equal length"),
        ([-1], [0], [0], None, "task must not be negative"),
        ([0], [-1], [0], None, "annotator must not be negative"),
        ([0], [0], [0.5], None, "label must hold integers"),
        ([[0]], [0], [0], None, "task must have one dimension"),
        ([0, 1], [0, 0], [0, 0], [1], "gold must hold one entry"),
        ([0], [0], [0], [-2], "gold holds classes"),
        ([0], [0], [0], [0.0], "gold must hold integers"),
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


@pytest.mark.parametrize("weight", [[0.0], [1.1], [np.nan], [1.0, 1.0]])
def test_bad_weights_are_named(weight) -> None:
    one = np.array([0])
    with pytest.raises(ValueError, match="weight must"):
        estimate(one, one, one, weight=np.array(weight))


def test_bad_priors_are_named() -> None:
    one = np.array([0])
    with pytest.raises(ValueError, match="prior must hold two positive"):
        estimate(one, one, one, prior=(1.0, 0.0))
    given = estimate(np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros(0, dtype=int))
    assert given.rate.size == 0
    assert estimate(one, one + 1, one, prior=(9.0, 1.0)).rate[0] == pytest.approx(0.9)


def test_more_gold_narrows_the_interval() -> None:
    crowd: Crowd = real("dog")
    widths = [
        float(np.mean(found.upper - found.lower))
        for found in (
            estimate(crowd.task, crowd.annotator, crowd.label, gold=crowd.gold(share, 0))
            for share in (0.0, 0.1, 0.3, 0.6)
        )
    ]
    assert all(few > many for few, many in pairwise(widths))
