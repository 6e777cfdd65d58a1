"""Votes and reviews against enumeration, and the worked numbers of their sources."""

from itertools import product

import numpy as np
import pytest

from routing.core.review import LEAST_CERTAIN, RANDOM, after_review, caught, fit_kappa
from routing.core.votes import expected_answers, vote_error


def by_enumeration(rate: float, answers: int, classes: int) -> float:
    """Error of plurality over independent answers, ties at random, over every outcome."""
    error = 0.0
    for outcome in product(range(classes), repeat=answers):
        chance = 1.0
        for label in outcome:
            chance *= rate if label == 0 else (1 - rate) / (classes - 1)
        counts = [outcome.count(c) for c in range(classes)]
        top = max(counts)
        winners = [c for c in range(classes) if counts[c] == top]
        error += chance * (1 - (1 / len(winners) if 0 in winners else 0.0))
    return error


@pytest.mark.parametrize("answers", [2, 3, 4, 5])
@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("rate", [0.55, 0.8, 0.93])
def test_independent_votes_are_enumerated(rate: float, answers: int, classes: int) -> None:
    found = float(vote_error(np.array(rate), answers, 0.0, classes))
    assert found == pytest.approx(by_enumeration(rate, answers, classes), abs=2e-4)


def test_one_answer_is_the_rate() -> None:
    assert float(vote_error(np.array(0.9), 1, 0.3, 4)) == pytest.approx(0.1)
    assert float(expected_answers(np.array(0.9), 1, 0.3, 4)) == 1.0


def test_annotators_who_err_together_help_each_other_less() -> None:
    rates = np.array([0.7, 0.8, 0.9])
    alone = vote_error(rates, 5, 0.0, 2)
    together = vote_error(rates, 5, 0.3, 2)
    assert (together > alone).all()
    assert (together < 1 - rates).all()


def test_a_decided_vote_asks_no_more() -> None:
    # Three answers, two classes: the third is asked only when the first two differ.
    asked = float(expected_answers(np.array(0.9), 3, 0.0, 2))
    assert asked == pytest.approx(2 + 2 * 0.9 * 0.1, abs=1e-3)


@pytest.mark.parametrize(
    "bad", [{"answers": 10}, {"dispersion": 1.0}, {"dispersion": -0.1}, {"classes": 1}]
)
def test_arguments_out_of_range(bad: dict) -> None:
    fields = {"answers": 3, "dispersion": 0.1, "classes": 2, **bad}
    with pytest.raises(ValueError, match=next(iter(bad))):
        vote_error(np.array(0.9), **fields)


def test_review_formula() -> None:
    # ε = ε_m (1 − ρ g) + (1 − ε_m) ρ f, worked by hand.
    delivered, rejected = after_review(np.array(0.1), 0.5, np.array(0.9), RANDOM, 0.02)
    assert float(delivered) == pytest.approx(0.1 * (1 - 0.45) + 0.9 * 0.5 * 0.02)
    assert float(rejected) == pytest.approx(0.1 * 0.45 + 0.9 * 0.5 * 0.02)


def test_the_least_certain_tenth_holds_more_errors() -> None:
    g = np.array(1.0)
    assert float(caught(0.1, g, LEAST_CERTAIN)) > float(caught(0.1, g, RANDOM))
    assert float(caught(1.0, g, LEAST_CERTAIN)) == pytest.approx(1.0)
    assert float(caught(0.0, g, LEAST_CERTAIN)) == 0.0


def test_kappa_is_found_again() -> None:
    share = np.linspace(0.05, 0.9, 12)
    assert fit_kappa(share, 1 - (1 - share) ** 3.0) == pytest.approx(3.0)
    assert fit_kappa(np.array([0.0, 1.0]), np.array([0.0, 1.0])) == pytest.approx(2.5)
