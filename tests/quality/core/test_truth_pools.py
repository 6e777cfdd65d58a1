"""Blocks are added up per annotator, and rates shrunk to the annotator's own pool."""

import numpy as np
import pytest

from quality.core.truth import estimate
from quality.core.truth_interval import Tally
from quality.core.truth_pools import combine, pool_rates, pool_strengths

FIELDS = ("accuracy", "lower", "upper", "rate", "rate_lower", "rate_upper")


def told(right, n) -> Tally:
    """What gold for everything tells: counts, without doubt."""
    right, n = np.asarray(right, dtype=float), np.asarray(n, dtype=float)
    none = np.zeros(len(n))
    return Tally(n, right, right, n - right, none, none, none, none, none, np.zeros((1, len(n))))


def crowd(seed: int, rates, *, tasks=200, votes=4, classes=3, share=0.1):
    """Return answers of annotators with these rates, the truth, and so much gold."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, tasks)
    who = np.concatenate([rng.choice(len(rates), votes, replace=False) for _ in range(tasks)])
    task = np.repeat(np.arange(tasks), votes)
    good = rng.random(len(task)) < np.asarray(rates)[who]
    wrong = (truth[task] + rng.integers(1, classes, len(task))) % classes
    gold = np.where(rng.random(tasks) < share, truth, -1)
    return task, who, np.where(good, truth[task], wrong), truth, gold


def test_the_strength_of_each_pool_is_that_of_its_planted_beta() -> None:
    rng = np.random.default_rng(6)
    pool = np.repeat([0, 1], 400)
    n = np.full(800, 200.0)
    rates = np.concatenate([rng.beta(16, 4, 400), rng.beta(6, 4, 400)])
    right = rng.binomial(200, rates).astype(float)
    strength = pool_strengths(right, n, np.zeros(800), pool, 2)
    assert strength == pytest.approx([20, 10], rel=0.25)
    found = pool_rates(right, n, np.zeros(800), pool, strength, np.zeros(2))
    assert found.mean == pytest.approx([0.8, 0.6], abs=0.02)
    assert (found.trust > 0.99).all()


def test_people_of_two_pools_are_shrunk_to_their_own() -> None:
    """Ten are right .95, ten .6; in each pool one has answered five times, four of them rightly."""
    pool = np.repeat([0, 1], 11)
    n = np.where(np.arange(22) % 11 == 10, 5, 400)
    right = np.where(n == 5, 4, np.where(pool == 0, 380, 240))
    found = combine([told(right, n)], [np.arange(22)], pool)
    assert found.accuracy[[10, 21]] == pytest.approx([0.8, 0.8])
    assert found.rate[10] == pytest.approx(0.93, abs=0.02)
    assert found.rate[21] == pytest.approx(0.62, abs=0.02)
    # A pool hangs on nothing of another: its rates are the same where there is no other.
    alone = combine([told(right[:11], n[:11])], [np.arange(11)], pool[:11])
    for field in FIELDS:
        assert getattr(alone, field) == pytest.approx(getattr(found, field)[:11])


def test_one_person_of_many_answers_is_one_person() -> None:
    n = np.array([10_000, *[40] * 10, 4])
    right = np.array([6_000, *[38] * 10, 3])
    found = combine([told(right, n)], [np.arange(12)], np.zeros(12, dtype=int))
    assert found.rate[0] == pytest.approx(0.6, abs=0.01)
    assert found.rate[11] > 0.8


def test_counts_of_blocks_add_up() -> None:
    first, second = told([900, 40], [1_000, 50]), told([1, 5], [5, 5])
    # The first of the one block is the second of the other.
    found = combine([first, second], [np.array([0, 1]), np.array([2, 0])], np.zeros(3, dtype=int))
    assert found.accuracy == pytest.approx([905 / 1_005, 40 / 50, 1 / 5])
    assert found.lower == pytest.approx(found.accuracy)
    assert found.rate[0] == pytest.approx(0.9, abs=0.01)
    whole = combine([told([905, 40, 1], [1_005, 50, 5])], [np.arange(3)], np.zeros(3, dtype=int))
    for field in FIELDS:
        assert getattr(found, field) == pytest.approx(getattr(whole, field))


def test_work_cut_into_projects_makes_nobody_surer() -> None:
    """Twenty blocks of twenty tasks without gold, against one block: doubts do not average out."""
    rates = np.full(10, 0.8)
    blocks = [crowd(seed, rates, tasks=20, share=0) for seed in range(20)]
    cut = [estimate(t, w, y, gold=gold) for t, w, y, _truth, gold in blocks]
    who = [np.arange(len(found.rate)) for found in cut]
    many = combine([found.tally for found in cut], who, np.zeros(10, dtype=int))
    task, annotator, label, _truth, gold = crowd(0, rates, tasks=400, share=0)
    one = estimate(task, annotator, label, gold=gold)
    # Averaged as if they were independent, the widths would be a quarter.
    for low, high in (("lower", "upper"), ("rate_lower", "rate_upper")):
        widths = [(getattr(found, high) - getattr(found, low)).mean() for found in (many, one)]
        assert widths[0] > 0.8 * widths[1]


def test_intervals_hold_over_two_projects_and_two_pools() -> None:
    """Planted rates of two pools; two projects with other classes share half of the annotators."""
    accuracy, rate, width = [], [], []
    for seed in range(12):
        rng = np.random.default_rng(100 + seed)
        pool = np.repeat([0, 1], 15)
        rates = np.where(pool == 0, rng.beta(36, 4, 30), rng.beta(14, 6, 30))
        members = (np.arange(0, 22), np.arange(8, 30))
        tallies, right, n = [], np.zeros(30), np.zeros(30)
        for block, who in enumerate(members):
            task, w, label, truth, gold = crowd(
                1_000 * seed + block, rates[who], classes=2 + 2 * block, votes=5
            )
            tallies.append(estimate(task, w, label, gold=gold).tally)
            right[who] += np.bincount(w, label == truth[task], minlength=len(who))
            n[who] += np.bincount(w, minlength=len(who))
        found = combine(tallies, members, pool)
        share = right / n
        accuracy.append(((found.lower <= share) & (share <= found.upper)).mean())
        rate.append(((found.rate_lower <= rates) & (rates <= found.rate_upper)).mean())
        width.append((found.rate_upper - found.rate_lower).mean())
        assert np.corrcoef(found.rate, rates)[0, 1] > 0.7
    assert np.mean(accuracy) >= 0.9
    assert np.mean(rate) >= 0.9
    assert np.mean(width) < 0.3


def test_next_to_nothing_known_says_next_to_nothing() -> None:
    one = np.zeros(1, dtype=int)
    found = estimate(one, one, one)
    assert (found.lower[0], found.upper[0]) == (0, 1)
    assert found.rate_lower[0] < 0.3
    assert found.rate_upper[0] > 0.95
    assert 0.6 < found.rate[0] < 0.8
    # A few who agree about one task, and one who was right about one gold task.
    for votes in (2, 3):
        agree = estimate(one.repeat(votes), np.arange(votes), one.repeat(votes))
        assert (agree.lower < 0.3).all()
        assert (agree.rate_lower < 0.5).all()
    gold = estimate(one, one, one, gold=one)
    assert (gold.accuracy[0], gold.lower[0], gold.upper[0]) == (1, 1, 1)
    assert gold.rate_lower[0] < 0.5


def test_a_lone_answer_beside_a_known_crowd_has_no_bounds_of_its_own() -> None:
    task, who, label, _truth, gold = crowd(3, np.full(20, 0.95), share=0.2)
    found = estimate(
        np.append(task, 200), np.append(who, 20), np.append(label, 1), gold=np.append(gold, -1)
    )
    assert (found.lower[20], found.upper[20]) == (0, 1)
    # Its rate is the pool's.
    assert found.rate[20] == pytest.approx(0.93, abs=0.04)
    assert found.rate_upper[20] - found.rate_lower[20] > 0.08


def test_pools_and_annotators_without_answers() -> None:
    nothing = combine([], [], np.zeros(0, dtype=int))
    assert nothing.rate.shape == (0,)
    # Pool 1 has nobody, the second person of pool 0 no answers.
    found = combine([told([90], [100])], [np.array([0])], np.array([0, 0, 2]))
    assert np.isnan(found.accuracy).tolist() == [False, True, True]
    assert found.rate[0] == pytest.approx(0.9, abs=0.03)
    assert 0.7 < found.rate[1] < 0.9
    assert found.rate[2] == pytest.approx(0.7)
    assert found.rate_upper[2] - found.rate_lower[2] > 0.6


def test_blocks_in_any_order_and_pools_by_any_number() -> None:
    blocks = [crowd(seed, np.linspace(0.6, 0.9, 12)) for seed in range(3)]
    tallies = [estimate(t, w, y, gold=gold).tally for t, w, y, _truth, gold in blocks]
    who = [np.arange(12), np.arange(4, 16), np.arange(8, 20)]
    pool = np.arange(20) % 2
    straight = combine(tallies, who, pool)
    back = combine(tallies[::-1], who[::-1], 3 - pool)
    for field in FIELDS:
        assert getattr(straight, field) == pytest.approx(getattr(back, field))
