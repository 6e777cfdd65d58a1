"""Draws that can be done again, and the chance of the least certain."""

import numpy as np
import pytest

from quality.core.review_draw import FEW, FLOOR, chance_of_review, luck, thinned

KEY = b"key"


def test_luck_hangs_on_key_and_subject_only() -> None:
    assert luck(KEY, "review", "a", 1) == luck(KEY, "review", "a", 1)
    others = {luck(KEY, "review", "a", 2), luck(KEY, "audit", "a", 1), luck(b"other", "a", 1)}
    assert len(others | {luck(KEY, "review", "a", 1)}) == 4
    # Parts do not run into each other.
    assert luck(KEY, "a", "bc") != luck(KEY, "ab", "c")


def test_luck_is_uniform() -> None:
    found = np.array([luck(KEY, "review", n) for n in range(20_000)])
    assert (found >= 0).all()
    assert (found < 1).all()
    counts = np.histogram(found, bins=20, range=(0, 1))[0]
    # Chi-square with 19 degrees of freedom: 43.8 is passed once in a thousand.
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 43.8


@pytest.mark.parametrize("share", [0.05, 0.2, 0.6])
@pytest.mark.parametrize("kind", ["spread", "few values", "all alike"])
def test_the_share_is_kept_whatever_certainties_look_like(share: float, kind: str) -> None:
    rng = np.random.default_rng(3)
    certainties = {
        "spread": rng.beta(8, 2, size=3_000),
        "few values": rng.choice([0.8, 0.9, 0.95], p=[0.1, 0.3, 0.6], size=3_000),
        "all alike": np.full(3_000, 0.9),
    }[kind]
    chances = [
        chance_of_review(p, certainties[max(0, n - 200) : n], share)
        for n, p in enumerate(certainties)
    ]
    assert np.mean(chances) == pytest.approx(share, abs=0.012)
    assert min(chances) >= FLOOR * share
    if kind != "all alike":
        low = certainties < np.quantile(certainties, share / 2)
        high = certainties > np.quantile(certainties, (1 + share) / 2)
        if low.any() and high.any():
            assert np.mean(np.array(chances)[low]) > 2 * np.mean(np.array(chances)[high])


def test_with_few_tasks_behind_it_all_have_the_same_chance() -> None:
    past = np.linspace(0, 1, FEW - 1)
    assert chance_of_review(0.0, past, 0.3) == chance_of_review(1.0, past, 0.3) == 0.3


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all_are_exact(share: float) -> None:
    assert chance_of_review(0.5, np.linspace(0, 1, 50), share) == share


def test_weights_and_thinning_make_the_sample_honest() -> None:
    """Errors sit where certainty is low: counted as they are they would be far too many."""
    rng = np.random.default_rng(5)
    n, share = 20_000, 0.3
    certainty = rng.beta(5, 1.2, size=n)
    wrong = rng.random(n) > certainty
    chance = np.array(
        [
            chance_of_review(p, certainty[max(0, i - 200) : i], share)
            for i, p in enumerate(certainty)
        ]
    )
    drawn = rng.random(n) < chance
    assert wrong[drawn].mean() > wrong.mean() + 0.1
    weight = drawn / chance
    assert (weight * wrong).sum() / weight.sum() == pytest.approx(wrong.mean(), abs=0.02)
    least = FLOOR * share
    kept = np.array([drawn[i] and thinned(KEY, chance[i], least, i) for i in range(n)])
    assert kept.mean() == pytest.approx(least, abs=0.006)
    assert wrong[kept].mean() == pytest.approx(wrong.mean(), abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((1.5, np.zeros(3), 0.1), "certainty"),
        ((0.5, np.array([0.2, np.nan]), 0.1), "last"),
        ((0.5, np.zeros(3), -0.1), "share"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[float, np.ndarray, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        chance_of_review(*arguments)
    with pytest.raises(ValueError, match="least"):
        thinned(KEY, 0.1, 0.2, 1)
