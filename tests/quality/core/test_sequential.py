"""Sequential redundancy: worked posteriors, dependent votes, decisions, play on real answers."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy.stats import beta, betabinom

from quality.core.sequential import (
    ACCEPT,
    ADJUDICATE,
    ASK,
    Dependence,
    Rule,
    Votes,
    cautious,
    next_step,
    posterior,
)
from quality.core.sequential_play import order_of, play, plurality
from quality.core.sequential_race import fixed_votes, race
from routing.core.votes import vote_error

ALONE = Dependence()


def votes_of(labels: list[int], right: object, classes: int = 2) -> Votes:
    """Return votes on one task."""
    return Votes.of([0] * len(labels), labels, np.array(right), n_tasks=1, classes=classes)


def of(
    labels: list[int], right: object, classes: int = 2, how: Dependence = ALONE, **more: object
) -> np.ndarray:
    """Return the posterior of one task."""
    return posterior(votes_of(labels, right, classes), how, **more)[0]  # type: ignore[arg-type]


def test_log_odds_of_one_vote() -> None:
    for rate, odds in ((0.95, 2.9444), (0.9, 2.1972), (0.8, 1.3863), (0.7, 0.8473)):
        p = of([0], [rate])
        assert np.log(p[0] / p[1]) == pytest.approx(odds, abs=5e-5)


def test_worked_posteriors() -> None:
    assert of([0, 1, 1], [0.95, 0.7, 0.7])[0] == pytest.approx(0.7773, abs=5e-5)
    four = of([0, 0, 1], [0.9, 0.8, 0.85], classes=4)
    np.testing.assert_allclose(four, [0.944606, 0.049563, 0.002915, 0.002915], atol=5e-7)
    np.testing.assert_allclose(of([0, 0, 1], [0.9, 0.8, 0.85]), [0.864, 0.136], atol=5e-4)
    rare = [of([0] * m, [0.9] * m, prior=[0.02, 0.98])[0] for m in (1, 2, 3)]
    np.testing.assert_allclose(rare, [0.1552, 0.6231, 0.9370], atol=5e-5)


def test_an_asymmetric_rater() -> None:
    """Class 0 is positive: sensitivity .95, specificity .80, prior .10."""
    for labels, expected in (([0], 0.3455), ([0, 0], 0.7149), ([1], 0.0069), ([0, 1], 0.0319)):
        p = of(labels, [[0.95, 0.80]] * len(labels), prior=[0.1, 0.9])
        assert p[0] == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("rate", "lead", "accuracy", "votes", "fixed"),
    [(0.7, 5, 0.9857, 12.1, 29), (0.8, 3, 0.9846, 4.85, 11), (0.9, 2, 0.9878, 2.44, 5)],
)
def test_a_race(rate: float, lead: int, accuracy: float, votes: float, fixed: int) -> None:
    found = race(rate, 0.98)
    assert found.lead == lead
    assert found.accuracy == pytest.approx(accuracy, abs=5e-5)
    assert found.votes == pytest.approx(votes, abs=0.05)
    assert fixed_votes(rate, found.accuracy) == fixed


def test_a_race_with_a_cap() -> None:
    assert race(0.9, 0.98, cap=5).accuracy == pytest.approx(0.98496, abs=5e-6)
    assert race(0.9, 0.98, cap=5).votes == pytest.approx(2.392, abs=5e-4)
    assert race(0.8, 0.98, cap=5).accuracy == pytest.approx(0.94208, abs=5e-6)
    assert race(0.8, 0.98, cap=5).votes == pytest.approx(3.96, abs=5e-3)
    # A cap out of reach is no cap; a cap of one is one vote.
    far, free = race(0.7, 0.98, cap=2_000), race(0.7, 0.98)
    assert (far.accuracy, far.votes) == pytest.approx((free.accuracy, free.votes))
    assert (race(0.7, 0.98, cap=1).accuracy, race(0.7, 0.98, cap=1).votes) == (0.7, 1.0)


def test_majorities() -> None:
    """Fixed votes, mixed annotators and even numbers, by the posterior's label."""
    table = {
        0.6: (0.6, 0.648, 0.68256, 0.710208, 0.733432),
        0.7: (0.7, 0.784, 0.83692, 0.873964, 0.901191),
        0.8: (0.8, 0.896, 0.94208, 0.966656, 0.980419),
        0.9: (0.9, 0.972, 0.99144, 0.997272, 0.999109),
        0.95: (0.95, 0.99275, 0.998842, 0.999806, 0.999967),
    }
    for rate, row in table.items():
        found = [chance([rate] * m, [rate] * m) for m in (1, 3, 5, 7, 9)]
        np.testing.assert_allclose(found, row, atol=5e-7)
        assert chance([rate] * 4, [rate] * 4) == pytest.approx(row[1])
        np.testing.assert_allclose(
            [1 - vote_error(np.array(rate), m, 0.0, 2) for m in (3, 5)], row[1:3], atol=1e-3
        )
    assert chance([0.9, 0.8, 0.7], [0.8] * 3) == pytest.approx(0.902)
    assert chance([0.95, 0.7, 0.7], [0.8] * 3) == pytest.approx(0.889)
    # Weighed by what they are worth, one expert and two others are no worse than the expert.
    assert chance([0.95, 0.7, 0.7], [0.95, 0.7, 0.7]) == pytest.approx(0.95)


def chance(rates: list[float], read_as: list[float], low: list[float] | None = None) -> float:
    """Return the chance that the likeliest class is right, truth 0; ties count half."""
    total = 0.0
    for labels in product((0, 1), repeat=len(rates)):
        p = of(list(labels), read_as)
        weight = np.prod([r if k == 0 else 1 - r for r, k in zip(rates, labels, strict=True)])
        total += weight * (0.5 if abs(p[0] - 0.5) < 1e-9 else float(p[0] > 0.5))
    return float(total)


def test_votes_correlated_by_item() -> None:
    """90 % easy items at .95 and 10 % hard ones at .45: three votes .936, five .9396."""
    for m, expected in ((3, 0.936), (5, 0.9396)):
        mixed = 0.9 * chance([0.95] * m, [0.9] * m) + 0.1 * chance([0.45] * m, [0.9] * m)
        assert mixed == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("dispersion", [0.02, 0.1, 0.3, 0.6])
def test_equal_rates_are_beta_binomial(dispersion: float) -> None:
    strength = 1 / dispersion - 1
    for rate in (0.6, 0.8, 0.93):
        a, b = rate * strength, (1 - rate) * strength
        for m in (1, 2, 5, 9):
            for j in range(m + 1):
                p = of([0] * j + [1] * (m - j), [rate] * m, how=Dependence(dispersion))
                exact = np.log(betabinom.pmf(j, m, a, b) / betabinom.pmf(m - j, m, a, b))
                assert np.log(p[0] / p[1]) == pytest.approx(exact, abs=0.02)


def test_unequal_rates_share_the_items_quantile() -> None:
    u = (np.arange(200_000) + 0.5) / 200_000
    rates, labels, strength = [0.95, 0.75, 0.6], [0, 1, 1], 1 / 0.2 - 1
    chances = [beta.ppf(u, r * strength, (1 - r) * strength) for r in rates]
    like = [
        np.mean(
            np.prod([p if k == c else 1 - p for p, k in zip(chances, labels, strict=True)], axis=0)
        )
        for c in (0, 1)
    ]
    found = of(labels, rates, how=Dependence(0.2))
    assert found[0] == pytest.approx(like[0] / sum(like), abs=2e-4)


def test_dependent_votes_say_less() -> None:
    alone, together = of([0] * 5, [0.8] * 5), of([0] * 5, [0.8] * 5, how=Dependence(0.2))
    assert 0.8 < together[0] < alone[0]


def test_same_errors_make_wrong_votes_meet() -> None:
    three, rates = [0, 0, 1], [0.8] * 3
    spread = of(three, rates, classes=5)
    alike = of(three, rates, classes=5, how=Dependence(0.0, 0.9))
    # If 0 is wrong, its two votes are the same error: likelier now, so class 1 gains.
    assert alike[1] > spread[1]
    # P(two wrong votes alike) is q by construction: two votes for 0 where 1 is true.
    q = 0.6
    pair = of([0, 0], [0.8] * 2, classes=5, how=Dependence(0.0, q))
    odds = 0.8**2 / (0.2**2 * q / 4)
    assert pair[0] / pair[1] == pytest.approx(odds, rel=1e-9)
    other = of([0, 1], [0.8] * 2, classes=5, how=Dependence(0.0, q))
    odds = 0.8 * 0.2 / 4 / (0.2**2 * (1 - q) / 12)
    assert other[0] / other[2] == pytest.approx(odds, rel=1e-9)
    # At the chance of evenly spread errors nothing changes; on two classes it cannot matter.
    np.testing.assert_allclose(of(three, rates, 5, Dependence(0.0, 0.25)), spread)
    np.testing.assert_allclose(of(three, rates, 2, Dependence(0.0, 1.0)), of(three, rates, 2))


def test_errors_go_where_they_usually_go() -> None:
    spread = np.array([[0, 0.9, 0.1], [0.9, 0, 0.1], [0.5, 0.5, 0]])
    p = of([0], [0.7], classes=3, spread=spread)
    weight = np.array([0.7, 0.3 * 0.9, 0.3 * 0.5])
    np.testing.assert_allclose(p, weight / weight.sum())
    # With common errors: two wrong votes for one class, share m, are alike at (α m + 1) / (α + 1).
    q, by_chance = 0.9, 0.9**2 + 0.1**2
    alpha = (1 - q) / (q - by_chance)
    p = of([0, 0], [0.7] * 2, classes=3, how=Dependence(0.0, q), spread=spread)
    odds = 0.7**2 / (0.3**2 * 0.9 * (alpha * 0.9 + 1) / (alpha + 1))
    assert p[0] / p[1] == pytest.approx(odds, rel=1e-9)


def test_many_tasks_are_many_single_tasks() -> None:
    rng = np.random.default_rng(1)
    task = np.sort(rng.integers(0, 40, 150))
    label, rate = rng.integers(0, 4, 150), rng.uniform(0.4, 0.95, 150)
    prior = rng.dirichlet(np.ones(4), 40)
    how = Dependence(0.15, 0.7)
    order = rng.permutation(150)
    many = Votes.of(task[order], label[order], rate[order], n_tasks=40, classes=4)
    table = posterior(many, how, prior=prior)
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    for t in range(40):
        mine = task == t
        one = of(label[mine].tolist(), rate[mine], 4, how, prior=prior[t])
        np.testing.assert_allclose(table[t], one, atol=1e-12)
    large = Votes.of([0, 1, 1], [9_999, 3, 3], [0.9, 0.8, 0.8], n_tasks=40, classes=10_000)
    found = posterior(large, how)
    assert found[:2].argmax(axis=1).tolist() == [9_999, 3]
    np.testing.assert_allclose(found[2:], 1e-4)


def test_where_risk_is_high_lower_bounds_are_read() -> None:
    read = cautious(
        [0.9, 0.9, 0.9, 0.2], [0.7, 0.7, 0.1, 0.1], [True, False, True, True], classes=2
    )
    np.testing.assert_allclose(read, [0.7, 0.9, 0.5, 0.2])
    bold, careful = of([0, 0], [0.9] * 2), of([0, 0], [0.7] * 2)
    assert careful[0] < bold[0]
    # Read as chance, a vote of somebody unknown says nothing.
    np.testing.assert_allclose(of([0, 1], [0.9, 0.5]), of([0], [0.9]))


def test_accept_ask_adjudicate() -> None:
    votes = Votes.of([0, 0, 1, 2, 2, 2, 2], [1, 1, 0, 0, 1, 0, 1], [0.9] * 7, n_tasks=4, classes=2)
    step = next_step(votes, Rule(0.98, 4), ALONE)
    assert step.action.tolist() == [ACCEPT, ASK, ADJUDICATE, ASK]
    assert step.label.tolist() == [1, 0, 0, 0]
    np.testing.assert_allclose(step.confidence, [0.81 / 0.82, 0.9, 0.5, 0.5])
    assert next_step(votes, Rule(0.98, 4, least=3), ALONE).action.tolist()[0] == ASK
    # Four answers at even, one more of .9 would give .9: hopeless below a cap of six.
    assert next_step(votes, Rule(0.98, 5), ALONE).action.tolist()[2] == ASK
    assert next_step(votes, Rule(0.98, 5, typical=0.9), ALONE).action.tolist()[2] == ADJUDICATE
    assert next_step(votes, Rule(0.98, 6, typical=0.9), ALONE).action.tolist()[2] == ASK
    assert next_step(votes, Rule(0.98, 5, typical=0.9), ALONE).action.tolist()[3] == ASK


def test_everybody_wrong_and_one_annotator_only() -> None:
    certain = of([1] * 40, [1.0] * 40)
    assert np.isfinite(certain).all()
    assert certain[1] == pytest.approx(1.0)
    assert of([1], [0.0])[0] == pytest.approx(0.999)
    # Agreement of any number is not certainty where annotators err together.
    assert of([1] * 40, [0.8] * 40, how=Dependence(0.2))[1] < 0.9999


def crowd(
    rng: np.random.Generator, tasks: int, rate: float, dispersion: float
) -> tuple[Votes, np.ndarray]:
    """Return 30 answers to each task of two classes, and the truth."""
    truth = rng.integers(0, 2, tasks)
    p = np.full(tasks, rate)
    if dispersion:
        strength = 1 / dispersion - 1
        p = rng.beta(rate * strength, (1 - rate) * strength, tasks)
    task = np.repeat(np.arange(tasks), 30)
    right = rng.random(len(task)) < p[task]
    label = np.where(right, truth[task], 1 - truth[task])
    return Votes.of(task, label, np.full(len(task), rate), n_tasks=tasks, classes=2), truth


def test_play_is_the_race() -> None:
    rng = np.random.default_rng(2)
    votes, truth = crowd(rng, 6_000, 0.9, 0.0)
    place = order_of(votes.task, seed=1)
    free = play(votes, place, Rule(0.98, 30), ALONE)
    exact = race(0.9, 0.98)
    assert free.answers.mean() == pytest.approx(exact.votes, abs=0.05)
    assert (free.label == truth).mean() == pytest.approx(exact.accuracy, abs=0.006)
    capped = play(votes, place, Rule(0.98, 5), ALONE)
    assert capped.answers.mean() == pytest.approx(2.392, abs=0.05)
    assert (capped.action == ADJUDICATE).mean() == pytest.approx(np.mean(capped.confidence < 0.98))
    assert (capped.answers[capped.action == ADJUDICATE] == 5).all()


def test_known_dependence_keeps_the_promise_and_denied_breaks_it() -> None:
    rng = np.random.default_rng(3)
    votes, truth = crowd(rng, 6_000, 0.8, 0.25)
    place = order_of(votes.task, seed=1)
    told = play(votes, place, Rule(0.9, 30), Dependence(0.25))
    took = told.action == ACCEPT
    assert (told.label == truth)[took].mean() == pytest.approx(
        told.confidence[took].mean(), abs=0.012
    )
    denied = play(votes, place, Rule(0.9, 30), ALONE)
    took = denied.action == ACCEPT
    assert (denied.label == truth)[took].mean() < denied.confidence[took].mean() - 0.05


def test_play_stops_where_answers_run_out_and_repeats_by_seed() -> None:
    votes = Votes.of([0, 0, 1, 2, 2], [0, 1, 1, 1, 1], [0.6] * 5, n_tasks=4, classes=2)
    place = order_of(votes.task, seed=5)
    assert (place == order_of(votes.task, seed=5)).all()
    assert sorted(place[:2]) == [0, 1]
    found = play(votes, place, Rule(0.9, 9), ALONE)
    assert found.answers.tolist() == [2, 1, 2, 0]
    assert found.action.tolist() == [ASK] * 4
    label, answers = plurality(votes, place, 9, seed=1)
    assert label[[1, 2]].tolist() == [1, 1]
    assert answers.tolist() == [2, 1, 2, 0]
    ties = [plurality(votes, place, 9, seed=s)[0][0] for s in range(40)]
    assert set(ties) == {0, 1}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: Dependence(1.0), "dispersion"),
        (lambda: Dependence(0.1, 1.1), "same_error"),
        (lambda: Votes.of([0], [0], [0.9], n_tasks=1, classes=1), "classes"),
        (lambda: Votes.of([1], [0], [0.9], n_tasks=1, classes=2), "task"),
        (lambda: Votes.of([0], [2], [0.9], n_tasks=1, classes=2), "label"),
        (lambda: Votes.of([0], [0], [1.1], n_tasks=1, classes=2), "right"),
        (lambda: Votes.of([0], [0], [np.nan], n_tasks=1, classes=2), "right"),
        (lambda: Votes.of([0], [0], [[0.9]], n_tasks=1, classes=2), "right"),
        (lambda: of([0], [0.9], prior=[1.0]), "prior"),
        (lambda: of([0], [0.9], prior=[1.0, 0.0]), "prior"),
        (lambda: of([0], [0.9], spread=[[0, 1]]), "spread"),
        (lambda: of([0], [0.9], spread=[[0, 0], [1, 0]]), "spread"),
        (lambda: Rule(1.0, 3), "target"),
        (lambda: Rule(0.9, 0), "cap"),
        (lambda: Rule(0.9, 3, least=4), "least"),
        (lambda: Rule(0.9, 3, typical=1.0), "typical"),
        (lambda: cautious(1.2, 0.5, True, classes=2), "rate"),
        (lambda: race(0.5, 0.9), "rate"),
        (lambda: race(0.8, 1.0), "target"),
        (lambda: race(0.8, 0.9, cap=0), "cap"),
        (lambda: fixed_votes(0.8, 1.0), "accuracy"),
        (lambda: order_of([0], seed=-1), "seed"),
        (lambda: play(votes_of([0], [0.9]), [0, 1], Rule(0.9, 3), ALONE), "place"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
