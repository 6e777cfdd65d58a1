"""The bound of a run holds for the whole menu, whatever the candidates to begin with leave out."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from routing.core import arrangements, decide
from routing.core.arrangements import Candidates, Offers, candidates, extended, mode_of
from routing.core.gates import OPEN, touch_gates
from routing.core.menu import Menu
from routing.core.pricing import Pricing
from routing.core.rows import plan_rows
from routing.core.tables import MODEL, OUTSOURCED, Budget, Inputs
from tests.routing.core.small import Small


def tight(seed: int) -> Inputs:
    """Many crews that differ a little in rate, speed and hours; hours for a part of the work."""
    rng = np.random.default_rng(seed)
    days = int(rng.integers(1, 3))
    pools: list[dict[str, Any]] = [
        {},
        {"kind": OUTSOURCED, "vendor": 0, "price": 9.0},
        {"kind": OUTSOURCED, "vendor": 1, "price": 12.0, "declared": rng.uniform(1, 4, days)},
        {"kind": MODEL, "price": 0.5},
    ]
    people: list[dict[str, Any]] = [
        {
            "pool": int(pool),
            "clearance": level,
            "rate": float(rate),
            "rate_lower": float(rate) - 0.05,
            "speed": float(rng.uniform(0.7, 1.4)),
            "wage": float(rng.uniform(25, 40)),
            "hours": rng.uniform(0.2, 3.0, days),
            "exposure": True,
            "harm_hours": float(rng.uniform(0.2, 2.0)),
            "answers": float(rng.integers(4, 30)) if rng.random() < 0.3 else np.inf,
            "evidence": float(rng.integers(0, 100)),
        }
        # Two or three people make each of four crews of a pool, apart by clearance.
        for pool in (0, 1, 2)
        for level in range(4)
        for rate in rng.uniform(0.75, 0.99, rng.integers(2, 4))
    ]
    people.append({"pool": 3, "rate": 0.8, "answer_hours": 0.002, "hours": rng.uniform(0.05, 0.3)})
    cohorts = [
        {
            "count": int(rng.integers(3, 60)),
            "hours": float(rng.uniform(0.02, 0.2)),
            "error_cost": float(rng.uniform(0.5, 20)),
            "risk": int(rng.integers(0, 4)),
            "complexity": int(rng.integers(0, 4)),
            "due": int(rng.integers(1, days + 1)),
            "harm": int(rng.random() < 0.3),
        }
        for _ in range(6)
    ]
    return Small(
        days=days,
        pools=pools,
        people=people,
        cohorts=cohorts,
        reviews=[(1, 0), (2, 0), (3, 0), (3, 1), (3, 2)],
        vendors=[
            {"commitment": float(rng.uniform(0, 40)), "shortfall_price": 0.5, "share_cap": 0.7},
            {"share_cap": 0.6, "used": float(rng.integers(0, 9))},
        ],
        policy={
            "answers": [1, 3],
            "review_shares": [0.0, 0.1, 0.25, 0.5, 1.0],
            "wait_price": float(rng.uniform(2, 40)),
            "cell": {"target_error": float(rng.uniform(0.08, 0.2))},
            "newcomers": {"share": 0.2, "evidence": 50, "price": 1.0},
        },
        types={"spoil": 0.02},
        budgets=(Budget("cap", (0,), float(rng.uniform(50, 400))),) if seed % 2 else (),
    ).inputs()


def everything(inputs: Inputs) -> Candidates:
    """Return candidates with every option of every pair of crews, priced one by one."""
    pricing = Pricing(inputs, touch_gates(inputs))
    found, C = candidates(inputs, pricing), len(inputs.crews)
    every = np.uint64((1 << inputs.days) - 1)
    options = itertools.product(
        range(len(pricing.answer_grid)), pricing.review_grid, pricing.choices
    )
    for i, share, choice in options:
        parts = []
        for label, review in itertools.product(range(C), range(C) if share else [-1]):
            mode = mode_of(inputs, label, review)
            if mode < 0 or (not share and choice):
                continue
            rows = np.flatnonzero(pricing.shut(label, review, mode) == OPEN)
            rows = rows[pricing.fits(i, share, rows)]
            at = [np.full(len(rows), value) for value in (label, review, i, share, choice)]
            priced = pricing.single(label, review, rows, *at[2:])
            good = (priced.error[0] <= pricing.target[rows]) & (priced.bad[0] != every)
            parts.append([column[good] for column in (rows, *at, np.zeros(len(rows)))])
        if parts:
            columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
            found = extended(inputs, pricing, found, Offers(*columns))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_the_menu_finds_the_least_of_all_arrangements(seed: int) -> None:
    """Against every option priced one by one, at the prices of a plan over few candidates."""
    inputs = tight(seed)
    pricing = Pricing(inputs, touch_gates(inputs))
    found = candidates(inputs, pricing)
    rows, _notes = plan_rows(inputs, found)
    problem = decide.make_problem(inputs, found, rows)
    first = decide.Outcome(found, rows, problem, decide.solve(problem), ())
    have = decide.least_of(first)
    least, offers = Menu(inputs, pricing).least(decide.charges(inputs, first), have)

    full = everything(inputs)
    all_rows, _notes = plan_rows(inputs, full)
    # The same rows over more columns, at the same prices: windows have none.
    place = {
        (kind, name, of): r
        for r, (kind, name, of) in enumerate(
            zip(all_rows.kinds, all_rows.names, all_rows.of, strict=True)
        )
    }
    plan = first.plan
    R, D = all_rows.capacity.shape
    prices, commitment, share = np.zeros((R, D)), np.zeros(R), np.zeros(R)
    for r, key in enumerate(zip(rows.kinds, rows.names, rows.of, strict=True)):
        if key in place:
            prices[place[key]] = plan.prices[r]
            commitment[place[key]] = plan.commitment_prices[r]
            share[place[key]] = plan.share_prices[r]
    priced = replace(plan, prices=prices, commitment_prices=commitment, share_prices=share)
    whole = decide.make_problem(inputs, full, all_rows)
    brute = decide.least_of(decide.Outcome(full, all_rows, whole, priced, ()))
    assert np.all(least <= brute + 1e-7)
    # Only an option whose rework does not fit what is left of a row is counted as if it did.
    np.testing.assert_allclose(least, brute, rtol=1e-6, atol=1e-6)
    assert np.all(offers.value < have[offers.cohort])


@pytest.mark.parametrize("seed", range(8))
def test_the_bound_holds_for_a_plan_over_everything(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = tight(seed)
    monkeypatch.setattr(arrangements, "REVIEWERS_PER_POOL", 1)
    monkeypatch.setattr(arrangements, "SLOTS", 2)
    cut = decide.decide(inputs).plan
    monkeypatch.undo()
    usual = decide.decide(inputs).plan
    full = everything(inputs)
    rows, _notes = plan_rows(inputs, full)
    best = decide.solve(decide.make_problem(inputs, full, rows))
    for plan in (cut, usual):
        assert plan.lower_bound <= best.cost * (1 + 1e-9) + 1e-9
        # … and it is worth something: what was priced in comes near to the plan over everything.
        assert plan.lower_bound >= best.lower_bound - 0.01 * abs(best.cost)
    assert cut.gap == pytest.approx((cut.cost - cut.lower_bound) / cut.cost)


def test_a_reviewer_beyond_the_first_few_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one reviewer who is good enough stands last among those of his pool."""
    monkeypatch.setattr(arrangements, "REVIEWERS_PER_POOL", 2)
    inputs = Small(
        people=[
            {"pool": 1, "rate": 0.8},
            *({"pool": 0, "clearance": n, "rate": 0.5} for n in range(3)),
            {"pool": 0, "clearance": 3, "rate": 0.99, "level": 3},
        ],
        # Most of the work asks for a level that the good one does not have.
        cohorts=[{"count": 10}, {"count": 90, "complexity": 3}],
        reviews=[(1, 0)],
        policy={
            "cell": {"modes": ["hybrid"], "target_error": 0.05},
            "gates": {"level": {"critical": 4}},
            "review_shares": [1.0],
        },
    ).inputs()
    pricing = Pricing(inputs, touch_gates(inputs))
    first = candidates(inputs, pricing)
    outcome = decide.decide(inputs)
    good = int(inputs.crews.member_of[4])
    vendor = int(inputs.crews.member_of[0])
    assert (vendor, good) not in zip(first.label.tolist(), first.review.tolist(), strict=True)
    assert outcome.plan.waiting.tolist() == [0, 90]
    assert set(outcome.candidates.review_of[outcome.plan.arrangement].tolist()) == {good}
    assert outcome.plan.lower_bound <= outcome.plan.cost
