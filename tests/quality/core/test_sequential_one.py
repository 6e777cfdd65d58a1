"""One task decided by itself is decided as among many."""

import numpy as np
import pytest

from quality.core.sequential import ACCEPT, ADJUDICATE, ASK, Dependence, Rule, Votes, next_step
from quality.core.sequential_one import confidences, decide

INDEPENDENT = Dependence()


@pytest.mark.parametrize("seed", range(120))
def test_equal_to_the_arrays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes = int(rng.choice([2, 3, 5, 40]))
    n = int(rng.integers(1, 8))
    # Numbered without gaps, in an order of their own.
    _words, label = np.unique(rng.integers(0, classes, n), return_inverse=True)
    right = rng.uniform(0.0, 1.0, n)
    same = None if rng.random() < 0.3 else float(rng.uniform(0.05, 1.0))
    dependence = Dependence(float(rng.choice([0.0, 0.05, 0.3, 0.6])), same)
    rule = Rule(
        target=float(rng.uniform(0.5, 0.999)),
        cap=n + int(rng.integers(0, 3)),
        least=1,
        typical=None if rng.random() < 0.5 else float(rng.uniform(0.3, 0.97)),
    )
    votes = Votes.of(np.zeros(n, dtype=int), label, right, n_tasks=1, classes=classes)
    wanted = next_step(votes, rule, dependence)
    found = decide(label.tolist(), right.tolist(), rule, dependence, classes=classes)
    given = set(label.tolist())
    if int(wanted.label[0]) in given:
        assert found.confidence == pytest.approx(float(wanted.confidence[0]), abs=1e-9)
        assert found.label == wanted.label[0]
        if abs(found.confidence - rule.target) > 1e-6:
            assert found.action == wanted.action[0]
    else:
        # All who answered are worse than chance: no label that was given is accepted for it.
        assert found.confidence <= float(wanted.confidence[0]) + 1e-9


def test_ten_thousand_classes_are_as_many_as_were_given() -> None:
    few = confidences([0, 0, 1], [0.9, 0.8, 0.7], Dependence(0.2), classes=10_000)
    votes = Votes.of([0, 0, 0], [0, 0, 1], [0.9, 0.8, 0.7], n_tasks=1, classes=10_000)
    step = next_step(votes, Rule(0.5, 3), Dependence(0.2))
    assert few.shape == (2,)
    assert few[0] == pytest.approx(float(step.confidence[0]), abs=1e-9)


def test_published_odds() -> None:
    """DOMAIN 5.8: .95 for A against two .7 for B is P(A) = .7773 with two classes."""
    found = confidences([0, 1, 1], [0.95, 0.7, 0.7], INDEPENDENT, classes=2)
    assert found[0] == pytest.approx(0.7773, abs=5e-5)
    four = confidences([0, 0, 1], [0.9, 0.8, 0.85], INDEPENDENT, classes=4)
    assert four.tolist() == pytest.approx([0.944606, 0.049563], abs=5e-6)
    # A single answer is worth its annotator's rate.
    assert confidences([0], [0.83], INDEPENDENT, classes=7).tolist() == pytest.approx([0.83])


def test_accept_ask_adjudicate() -> None:
    rule = Rule(0.95, 3, typical=0.8)
    assert decide([0], [0.97], rule, INDEPENDENT, classes=4).action == ACCEPT
    assert decide([0], [0.8], rule, INDEPENDENT, classes=4).action == ASK
    assert decide([0, 1], [0.8, 0.8], rule, INDEPENDENT, classes=4).action == ADJUDICATE
    assert decide([0, 1], [0.8, 0.8], Rule(0.95, 3), INDEPENDENT, classes=4).action == ASK
    assert decide([0, 1, 2], [0.8] * 3, Rule(0.95, 3), INDEPENDENT, classes=4).action == ADJUDICATE
    # Who errs together is believed later.
    assert decide([0, 0], [0.8, 0.8], Rule(0.95, 3), INDEPENDENT, classes=2).action == ASK
    assert decide([0, 0], [0.9, 0.9], Rule(0.95, 3), INDEPENDENT, classes=2).action == ACCEPT
    assert decide([0, 0], [0.9, 0.9], Rule(0.95, 3), Dependence(0.5), classes=2).action == ASK


@pytest.mark.parametrize(
    ("label", "right", "classes", "named"),
    [
        ([], [], 2, "label"),
        ([0, 2], [0.9, 0.9], 4, "gaps"),
        ([0], [0.9, 0.9], 2, "right"),
        ([0], [1.1], 2, "right"),
        ([0, 1, 2], [0.9] * 3, 2, "classes"),
    ],
)
def test_bad_arguments_are_named(
    label: list[int], right: list[float], classes: int, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        decide(label, right, Rule(0.9, 3), INDEPENDENT, classes=classes)
