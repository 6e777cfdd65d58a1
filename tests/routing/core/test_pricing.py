"""What an option costs, by the formulas written out; careful rates from high risk on."""

from typing import Any

import numpy as np
import pytest

from routing.core.arrangements import candidates, label_answers
from routing.core.gates import touch_gates
from routing.core.pricing import Pricing
from routing.core.tables import MODEL, OUTSOURCED, Inputs
from tests.routing.core.small import Small


def priced(small: Small) -> tuple[Inputs, Pricing]:
    inputs = small.inputs()
    return inputs, Pricing(inputs, touch_gates(inputs))


def reviewed(**person: Any) -> Small:
    """A vendor's crew at 10 an hour, reviewed by the house at 30 an hour."""
    return Small(
        pools=[{}, {"kind": OUTSOURCED, "vendor": 0, "price": 10.0}],
        people=[
            {"pool": 1, "rate": 0.8, "rate_lower": 0.7, "speed": 1.5, **person},
            {"pool": 0, "rate": 0.96, "rate_lower": 0.9, "speed": 0.5},
        ],
        reviews=[(1, 0)],
        policy={"answers": [1], "review_choices": ["random"], "review_effort": 0.4},
        types={"spoil": 0.01},
    )


@pytest.mark.parametrize(("risk", "rate", "good"), [(1, 0.8, 0.96), (2, 0.7, 0.9), (3, 0.7, 0.9)])
def test_an_option_by_the_formulas(risk: int, rate: float, good: float) -> None:
    small = reviewed()
    small.cohorts = [{"hours": 0.2, "error_cost": 6.0, "risk": risk}]
    inputs, pricing = priced(small)
    vendor, house = inputs.crews.member_of.tolist()
    options = pricing.options(vendor, house, np.array([0]))
    at = options.share.tolist().index(0.25)
    wrong, share, spoil = 1 - rate, 0.25, 0.01
    error = wrong * (1 - share * good) + rate * share * spoil
    rejected = wrong * share * good + rate * share * spoil
    answer_hours, look_hours = 0.2 * 1.5, 0.2 * 0.4 * 0.5
    money = 10 * answer_hours + share * 30 * look_hours
    assert options.error[at, 0] == pytest.approx(error)
    assert options.spend[at, 0] == pytest.approx(money)
    assert options.cost[at, 0] == pytest.approx(money + error * 6.0)
    assert options.label_hours[at, 0] == pytest.approx((1 + rejected) * answer_hours)
    assert options.review_hours[at, 0] == pytest.approx(share * look_hours)
    one = pricing.single(
        vendor, house, np.array([0]), np.array([0]), np.array([0.25]), np.array([0])
    )
    for name in ("error", "spend", "cost", "label_hours", "review_hours", "bad"):
        assert getattr(one, name)[0, 0] == getattr(options, name)[at, 0]


def test_rework_costs_money_where_the_card_says_so() -> None:
    inputs, pricing = priced(reviewed())
    vendor, house = inputs.crews.member_of.tolist()
    free = pricing.options(vendor, house, np.array([0])).spend[-1, 0]
    inputs.rates.rework_billable[:] = True
    paid = pricing.options(vendor, house, np.array([0])).spend[-1, 0]
    rejected = 0.2 * 0.96 + 0.8 * 0.01
    assert paid - free == pytest.approx(rejected * 10 * 0.1 * 1.5)


def test_the_answers_behind_hours_are_those_asked_and_those_again() -> None:
    inputs, pricing = priced(reviewed())
    found = candidates(inputs, pricing)
    vendor, house = inputs.crews.member_of.tolist()
    at = (found.label_of == vendor) & (found.review_of == house) & (found.share[0] == 1.0)
    answers = label_answers(
        inputs, found.label_of[at], np.zeros(at.sum(), int), found.label_hours[0, at]
    )
    assert answers.tolist() == pytest.approx([1 + 0.2 * 0.96 + 0.8 * 0.01])


def test_a_model_takes_the_time_of_its_limit() -> None:
    _inputs, pricing = priced(
        Small(
            pools=[{"kind": MODEL, "price": 2.0}],
            people=[{"answer_hours": 0.002, "rate": 0.9}],
            cohorts=[{"hours": 3.0}],
            policy={"answers": [1], "review_shares": [0.0]},
        )
    )
    options = pricing.options(0, -1, np.array([0]))
    assert options.label_hours[0, 0] == 0.002
    assert options.spend[0, 0] == pytest.approx(0.004)


def test_own_hours_are_free_at_marginal_cost() -> None:
    small = Small(pools=[{}], people=[{"wage": 30.0}], policy={"review_shares": [0.0]})
    _inputs, pricing = priced(small)
    assert pricing.options(0, -1, np.array([0])).spend[0, 0] == pytest.approx(3.0)
    small.policy["cost_basis"] = "marginal"
    _inputs, pricing = priced(small)
    options = pricing.options(0, -1, np.array([0]))
    assert options.spend[0, 0] == 0
    assert options.label_hours[0, 0] == pytest.approx(0.1)


def test_what_is_harder_is_answered_worse() -> None:
    inputs, pricing = priced(Small(pools=[{}], people=[{"rate": 0.9}], cohorts=[{"complexity": 2}]))
    inputs.types.difficulty[0, 2] = 0.7
    pricing = Pricing(inputs, touch_gates(inputs))
    odds = 0.9 / 0.1 * np.exp(-0.7)
    assert pricing.options(0, -1, np.array([0])).error[0, 0] == pytest.approx(1 / (1 + odds))


def test_without_a_vote_two_answers_are_adjudicated() -> None:
    small = Small(
        pools=[{}],
        people=[{"rate": 0.8}, {"rate": 0.8}, {"rate": 0.8}],
        types={"votes": False, "dispersion": 0.1, "spoil": 0.0},
        policy={"answers": [1, 2, 3], "review_shares": [0.0, 0.5, 1.0]},
        cohorts=[{"error_cost": 100.0}],
    )
    _inputs, pricing = priced(small)
    allowed = pricing.options(0, 0, np.array([0])).allowed[:, 0].reshape(3, 2)
    # Two answers go with an adjudicator who looks at each task; three are no vote here.
    assert allowed.tolist() == [[True, True], [False, True], [False, False]]
    both = 0.2 * (0.2 + 0.1 * 0.8)
    error = pricing.options(0, 0, np.array([0])).error[3, 0]
    assert error == pytest.approx(both * (1 - 0.8))


def test_an_even_vote_is_never_asked() -> None:
    small = Small(pools=[{}], people=[{} for _ in range(5)], policy={"answers": [1, 2, 3, 5]})
    _inputs, pricing = priced(small)
    options = pricing.options(0, -1, np.array([0]))
    assert options.answers[options.allowed[:, 0]].tolist() == [1, 3, 5]


def test_an_option_is_dropped_only_where_another_takes_no_more_of_anything() -> None:
    """All grids, many cohorts: what is kept and what is dropped, option by option."""
    rng = np.random.default_rng(4)
    small = reviewed()
    small.people.append({"pool": 1, "rate": 0.8, "speed": 1.5})
    small.people.append({"pool": 1, "rate": 0.8, "speed": 1.5})
    small.policy = {"answers": [1, 3], "review_shares": [0.1, 0.25, 0.5, 1.0]}
    small.cohorts = [
        {"error_cost": float(cost), "hours": float(hours)}
        for cost, hours in zip(rng.uniform(0, 30, 200), rng.uniform(0.01, 1, 200), strict=True)
    ]
    inputs, pricing = priced(small)
    vendor, house = int(inputs.crews.member_of[0]), int(inputs.crews.member_of[1])
    options = pricing.options(vendor, house, np.arange(200))
    dropped = options.allowed & ~options.kept
    assert dropped.any()
    assert (options.kept.sum(axis=0) >= 1).all()
    for o, k in np.argwhere(dropped):
        better = (
            options.kept[:, k]
            & (options.cost[:, k] <= options.cost[o, k])
            & (options.label_hours[:, k] <= options.label_hours[o, k] + 1e-12)
            & (options.review_hours[:, k] <= options.review_hours[o, k] + 1e-12)
        )
        assert better.any()
