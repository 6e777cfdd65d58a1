"""Intervals hold: on the real answers at their stated figures, and on seven simulated crowds.

The interval score at 90 % is width + 20 × the distance by which the truth lies outside: the answer
[0, 1], which says nothing, scores 1.
"""

import numpy as np
import pytest

from quality.core.truth import TruthEstimate, estimate
from tests.quality.core.truth_sets import FAMILIES, Crowd, real, simulated


def judged(crowd: Crowd, found: TruthEstimate, *, least: int = 20) -> tuple[float, float, float]:
    """Return mean interval score, weighted mean absolute error, share held."""
    n, right = np.bincount(crowd.annotator), crowd.right()
    of = n >= least
    low, high, right, n = found.lower[of], found.upper[of], right[of], n[of]
    outside = np.maximum(low - right, 0) + np.maximum(right - high, 0)
    error = np.average(np.abs(found.accuracy[of] - right), weights=n)
    return float(np.mean(high - low + 20 * outside)), float(error), float(np.mean(outside <= 1e-12))


def mean_judged(crowds, share: float) -> tuple[float, float, float]:
    rows = [
        judged(crowd, estimate(crowd.task, crowd.annotator, crowd.label, gold=crowd.gold(share, k)))
        for k, crowd in enumerate(crowds)
    ]
    return tuple(np.mean(rows, axis=0))


@pytest.mark.parametrize(
    ("name", "score", "error", "held"), [("dog", 0.26, 0.047, 0.85), ("duck", 0.25, 0.040, 0.80)]
)
def test_a_tenth_of_gold_on_real_answers(name: str, score: float, error: float, held: float):
    found = mean_judged([real(name)] * 20, 0.1)
    assert found[0] <= score
    assert found[1] <= error
    assert found[2] >= held


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tenth_of_gold_on_simulated_crowds(family: str) -> None:
    _score, _error, held = mean_judged([simulated(family, k) for k in range(8)], 0.1)
    assert held >= 0.85


@pytest.mark.parametrize("family", FAMILIES)
def test_five_gold_tasks_on_simulated_crowds(family: str) -> None:
    _score, _error, held = mean_judged([simulated(family, k) for k in range(8)], 5 / 400)
    assert held >= 0.85


@pytest.mark.parametrize("family", FAMILIES)
def test_without_gold_the_interval_holds_and_says_little(family: str) -> None:
    crowds = [simulated(family, k) for k in range(6)]
    score, _error, held = mean_judged(crowds, 0.0)
    told, _error, _held = mean_judged(crowds, 0.1)
    assert held >= 0.85
    assert score > 1.2 * told


@pytest.mark.parametrize("family", FAMILIES)
def test_the_rate_holds_for_the_next_answers(family: str) -> None:
    # Tasks are split: those before are seen, a tenth of them gold; those after are counted.
    inside = []
    for k in range(6):
        crowd = simulated(family, k, tasks=800)
        seen = crowd.task < 400
        found = estimate(
            crowd.task[seen],
            crowd.annotator[seen],
            crowd.label[seen],
            gold=np.where(np.arange(400) % 10 == 0, crowd.truth[:400], -1),
        )
        W = len(found.rate)
        after = crowd.annotator[~seen]
        n = np.bincount(after, minlength=W)
        good = np.bincount(after, (crowd.label == crowd.truth[crowd.task])[~seen], minlength=W)
        # The count ahead is itself a draw: its binomial deviation is added to the interval's.
        share = good / np.maximum(n, 1)
        slack = np.sqrt(found.rate * (1 - found.rate) / np.maximum(n, 1)) * 1.645
        low = found.rate - np.hypot(found.rate - found.rate_lower, slack)
        high = found.rate + np.hypot(found.rate_upper - found.rate, slack)
        inside.append(((low <= share) & (share <= high))[n >= 20].mean())
        assert (found.rate_upper > found.rate_lower).all()
    assert np.mean(inside) >= 0.88


@pytest.mark.parametrize("name", ["dog", "duck"])
def test_labels_are_right_as_often_as_they_say(name: str) -> None:
    crowd = real(name)
    said, held = [], []
    for k in range(20):
        gold = crowd.gold(0.1, k)
        table = estimate(crowd.task, crowd.annotator, crowd.label, gold=gold).probability[gold < 0]
        said.append(table.max(axis=1))
        held.append(table.argmax(axis=1) == crowd.truth[gold < 0])
    say, hold = np.concatenate(said), np.concatenate(held)
    for low, high in ((0.5, 0.75), (0.75, 0.95), (0.95, 1.01)):
        of = (say >= low) & (say < high)
        assert hold[of].mean() == pytest.approx(say[of].mean(), abs=0.08)
    assert hold.mean() == pytest.approx(say.mean(), abs=0.03)
