"""The way of large plans: smoothed dual, LP by columns, whole numbers by moves.

Small instances, for which the exact answer is known, are sent down it as well: the limit below
which a problem is one integer program is set to nothing.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.instances import instance
from routing.core import plan_dual, plan_master, plan_round
from routing.core.plan import PlanProblem, _plan_iv, solve
from routing.core.plan_model import Model, build
from routing.core.plan_rows import Rows
from tests.routing.core.test_plan import base, check_feasible, exact, random_problem


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (plan_dual, plan_master, plan_round):
        monkeypatch.setattr(module, "SMALL", 0)


def model_of(problem: PlanProblem) -> Model:
    return build(_plan_iv(problem))


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("block", range(5))
def test_moves_keep_every_row_and_the_bound_holds(block: int) -> None:
    excess = []
    for seed in range(1000 + block * 20, 1020 + block * 20):
        problem = random_problem(seed)
        result = solve(problem)
        best = exact(problem)
        assert check_feasible(problem, result) == pytest.approx(result.cost, abs=1e-6), seed
        assert result.lower_bound <= best + 1e-6, seed
        assert best <= result.cost + 1e-6, seed
        excess.append((result.cost - best) / max(abs(best), 1.0))
    # A handful of tasks a row: here a single task is some per cent of all.
    assert np.mean(excess) < 0.03
    assert np.median(excess) < 0.005


@pytest.mark.parametrize("kind", ["easy", "tight"])
@pytest.mark.parametrize("days", [1, 5])
def test_prices_are_near_to_the_best_before_any_lp(kind: str, days: int) -> None:
    for seed in range(3):
        model = model_of(instance(kind, 20_000, days, seed, cohorts=300))
        rows = Rows(model)
        prices = plan_dual.ascend(model, rows)
        master = plan_master.close(model, rows, prices)
        assert model.lagrangian(prices) <= master.value
        assert model.lagrangian(prices) == pytest.approx(master.value, rel=1e-4)
        assert master.bound == pytest.approx(master.value, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "days", "gap"),
    [("easy", 1, 1e-4), ("tight", 1, 3e-4), ("tight", 5, 2e-3), ("grid", 2, 2e-4)],
)
def test_the_gap_is_small_and_no_row_is_broken(kind: str, days: int, gap: float) -> None:
    problem = instance(kind, 20_000, days, 4, cohorts=300)
    result = solve(problem)
    assert result.gap <= gap
    model = model_of(problem)
    x = np.zeros(len(model.pair), dtype=np.int64)
    pair = {
        key: p
        for p, key in enumerate(
            zip(model.pair_cohort.tolist(), model.pair_arrangement.tolist(), strict=True)
        )
    }
    for k, a, d, n in zip(
        result.cohort.tolist(),
        result.arrangement.tolist(),
        result.day.tolist(),
        result.tasks.tolist(),
        strict=True,
    ):
        x[model.column_of[pair[k, a], d]] += n
    use = model.usage(x)
    assert (use <= np.asarray(problem.capacity) * (1 + 1e-8) + 1e-9).all()
    total = use.sum(axis=1)
    outside = float(total[model.outside].sum())
    capped = model.capped
    limit = model.share_cap * outside + model.allowance
    assert (total[capped] <= limit[capped] * (1 + 1e-8)).all()
    assert model.objective(x, result.waiting) == pytest.approx(result.cost)


def test_equal_input_gives_equal_output() -> None:
    problem = instance("tight", 20_000, 3, 5, cohorts=300)
    first, second = solve(problem), solve(problem)
    assert first.cost == second.cost
    assert first.lower_bound == second.lower_bound
    for name in ("cohort", "arrangement", "day", "tasks", "waiting", "prices"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_a_row_of_equal_amounts_takes_whole_tasks() -> None:
    problem = base(capacity=np.array([[np.inf], [2.75]]))
    result = solve(problem)
    # Two whole tasks, not 2.75: the bound knows it too, so the plan is proven best.
    assert result.cost == pytest.approx(2 * 1 + 3 * 2)
    assert result.status == "optimal"
    assert result.lower_bound == pytest.approx(result.cost)


def test_rows_that_never_end_cost_nothing() -> None:
    problem = instance("easy", 20_000, 2, 6, cohorts=300)
    free = replace(problem, capacity=np.full(np.asarray(problem.capacity).shape, np.inf))
    result = solve(free)
    assert (result.prices == 0).all()
    assert result.cost <= solve(problem).cost * (1 + 1e-9)
