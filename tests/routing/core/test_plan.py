"""The planner against exact integer programs, planted optima, and input that is none."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from routing.core.plan import PlanProblem, solve


def random_problem(seed: int) -> PlanProblem:
    """A small instance in which capacities, due days, commitments and share caps bind."""
    rng = np.random.default_rng(seed)
    K, A, R, D = (
        int(rng.integers(1, 6)),
        int(rng.integers(1, 5)),
        int(rng.integers(1, 4)),
        int(rng.integers(1, 4)),
    )
    cost = np.round(rng.uniform(1, 10, (K, A)), 2)
    cost[rng.random((K, A)) < 0.25] = np.inf
    outside = rng.random(R) < 0.6
    capacity = np.round(rng.uniform(0, 12, (R, D)), 1)
    capacity[rng.random((R, D)) < 0.2] = np.inf
    return PlanProblem(
        count=rng.integers(0, 9, K),
        cost=cost,
        hours=np.round(rng.uniform(0.2, 2, (K, A)), 2),
        use=(rng.random((R, A)) < 0.5) * np.round(rng.uniform(0.5, 1.5, (R, A)), 1),
        capacity=capacity,
        due=rng.integers(1, D + 1, K),
        delay_cost=np.round(rng.uniform(0, 0.5, K), 2),
        wait_cost=np.round(rng.uniform(5, 25, K), 1),
        commitment=np.where(rng.random(R) < 0.3, np.round(rng.uniform(1, 8, R), 1), 0.0),
        shortfall_price=np.round(rng.uniform(0, 4, R), 1),
        outside=outside,
        share_cap=np.where(rng.random(R) < 0.5, 0.6, 1.0),
    )


def exact(problem: PlanProblem) -> float:
    """The optimum by one integer program over every column, written down independently."""
    cost = np.asarray(problem.cost, dtype=float)
    K, A = cost.shape
    capacity = np.asarray(problem.capacity, dtype=float)
    R, D = capacity.shape
    hours, use = np.asarray(problem.hours, dtype=float), np.asarray(problem.use, dtype=float)
    columns = [
        (k, a, d)
        for k in range(K)
        for a in range(A)
        for d in range(int(problem.due[k]))
        if np.isfinite(cost[k, a])
    ]
    n = len(columns)
    amount = np.array([[use[r, a] * hours[k, a] for k, a, _d in columns] for r in range(R)])
    amount = amount.reshape(R, n)
    prices = [cost[k, a] + problem.delay_cost[k] * d for k, a, d in columns]
    objective = np.concatenate([prices, problem.wait_cost, problem.shortfall_price])
    constraints = []
    total = n + K + R
    equal = np.zeros((K, total))
    for i, (k, _a, _d) in enumerate(columns):
        equal[k, i] = 1
    equal[:, n : n + K] = np.eye(K)
    constraints.append(LinearConstraint(equal, problem.count, problem.count))
    for r in range(R):
        for d in range(D):
            if np.isfinite(capacity[r, d]):
                row = np.zeros(total)
                row[:n] = [amount[r, i] if c[2] == d else 0.0 for i, c in enumerate(columns)]
                constraints.append(LinearConstraint(row, -np.inf, capacity[r, d]))
        row = np.zeros(total)
        row[:n], row[n + K + r] = amount[r], 1
        constraints.append(LinearConstraint(row, problem.commitment[r], np.inf))
        cap = np.broadcast_to(problem.share_cap, (R,))[r]
        if problem.outside[r] and cap < 1:
            outside = amount[np.asarray(problem.outside)].sum(axis=0)
            largest = max(
                (
                    use[r, a] * hours[k, a]
                    for k in range(K)
                    for a in range(A)
                    if np.isfinite(cost[k, a]) and problem.count[k] > 0
                ),
                default=0.0,
            )
            row = np.zeros(total)
            row[:n] = amount[r] - cap * outside
            constraints.append(LinearConstraint(row, -np.inf, largest))
    whole = np.concatenate([np.ones(n + K), np.zeros(R)])
    found = milp(objective, constraints=constraints, integrality=whole, bounds=Bounds(0, np.inf))
    assert found.success, found.message
    return float(found.fun)


def check_feasible(problem: PlanProblem, result) -> float:
    """Check every row of a result by hand and return its cost."""
    cost = np.asarray(problem.cost, dtype=float)
    capacity = np.asarray(problem.capacity, dtype=float)
    R, D = capacity.shape
    placed = np.bincount(result.cohort, result.tasks, minlength=len(problem.count))
    assert (placed + result.waiting == problem.count).all()
    assert (result.waiting >= 0).all()
    assert (result.tasks > 0).all()
    assert (result.day < np.asarray(problem.due)[result.cohort]).all()
    assert np.isfinite(cost[result.cohort, result.arrangement]).all()
    use = np.zeros((R, D))
    for k, a, d, n in zip(result.cohort, result.arrangement, result.day, result.tasks, strict=True):
        use[:, d] += problem.use[:, a] * problem.hours[k, a] * n
    assert (use <= capacity * (1 + 1e-8) + 1e-9).all()
    total = use.sum(axis=1)
    money = float(
        (
            cost[result.cohort, result.arrangement]
            + np.asarray(problem.delay_cost)[result.cohort] * result.day
        )
        @ result.tasks
    )
    missing = np.maximum(problem.commitment - total, 0)
    return money + float(problem.wait_cost @ result.waiting + problem.shortfall_price @ missing)


@pytest.mark.parametrize("block", range(10))
def test_small_instances_against_exact_programs(block: int) -> None:
    for seed in range(block * 20, block * 20 + 20):
        problem = random_problem(seed)
        result = solve(problem)
        best = exact(problem)
        cost = check_feasible(problem, result)
        assert cost == pytest.approx(result.cost, abs=1e-6), seed
        assert result.lower_bound <= best + 1e-6, seed
        assert best <= result.cost + 1e-6, seed
        assert result.cost == pytest.approx(best, rel=1e-6, abs=1e-6), seed


def base(**changes) -> PlanProblem:
    fields = {
        "count": np.array([5]),
        "cost": np.array([[2.0, 1.0]]),
        "hours": np.array([[1.0, 1.0]]),
        "use": np.eye(2),
        "capacity": np.array([[10.0], [3.0]]),
        "due": np.array([1]),
        "delay_cost": np.zeros(1),
        "wait_cost": np.array([50.0]),
        "commitment": np.zeros(2),
        "shortfall_price": np.zeros(2),
        "outside": np.array([False, False]),
        "share_cap": 1.0,
    }
    return PlanProblem(**{**fields, **changes})


def test_the_cheap_hours_go_first_and_the_rest_elsewhere() -> None:
    result = solve(base())
    assert result.cost == pytest.approx(3 * 1 + 2 * 2)
    assert result.status == "optimal"
    # One hour more of the cheap crew would save one.
    assert result.prices[1, 0] == pytest.approx(1.0)


def test_no_capacity_means_all_wait() -> None:
    result = solve(base(capacity=np.zeros((2, 1))))
    assert result.waiting.tolist() == [5]
    assert result.cost == pytest.approx(250)
    assert result.gap == pytest.approx(0)


def test_no_arrangement_and_no_tasks() -> None:
    gated = solve(base(cost=np.full((1, 2), np.inf)))
    assert gated.waiting.tolist() == [5]
    empty = solve(base(count=np.array([0])))
    assert empty.cost == 0
    assert empty.gap == 0


def test_a_commitment_is_met_where_the_shortfall_costs_more() -> None:
    # Five units promised at 3 each: the dearer crew saves its shortfall.
    result = solve(base(commitment=np.array([5.0, 0.0]), shortfall_price=np.array([3.0, 0.0])))
    assert result.arrangement.tolist() == [0]
    assert result.cost == pytest.approx(10)


def test_planted_optimum_is_found_and_proven() -> None:
    """Tight capacities sized for a planted plan whose prices prove it."""
    rng = np.random.default_rng(5)
    K, A = 300, 6
    count = rng.integers(20, 60, K)
    planted = rng.integers(0, A, K)
    price = rng.uniform(0.5, 2.0, A)
    hours = np.full((K, A), 1.0)
    cost = rng.uniform(5.0, 9.0, (K, A))
    # With these prices the planted arrangement is each cohort's cheapest by 0.5 at least.
    reduced = cost + price
    cost[np.arange(K), planted] = reduced.min(axis=1) - 0.5 - price[planted]
    capacity = np.bincount(planted, count, minlength=A).astype(float)[:, None]
    result = solve(
        PlanProblem(
            count=count,
            cost=cost,
            hours=hours,
            use=np.eye(A),
            capacity=capacity,
            due=np.ones(K, dtype=int),
            delay_cost=np.zeros(K),
            wait_cost=np.full(K, 100.0),
            commitment=np.zeros(A),
            shortfall_price=np.zeros(A),
            outside=np.zeros(A, dtype=bool),
            share_cap=1.0,
        )
    )
    optimum = float(cost[np.arange(K), planted] @ count)
    assert result.cost == pytest.approx(optimum, rel=1e-9)
    assert result.lower_bound <= optimum * (1 + 1e-12)
    assert result.gap < 1e-9


def test_equal_input_gives_equal_output() -> None:
    first, second = solve(random_problem(3)), solve(random_problem(3))
    for name in ("cohort", "arrangement", "day", "tasks", "waiting"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert first.cost == second.cost


def test_amount_replaces_use_and_may_be_sparse() -> None:
    dense = solve(base(amount={1: np.array([[0.0, 2.0]])}))
    thin = solve(base(amount={1: sparse.coo_array(np.array([[0.0, 2.0]]))}))
    # Two units a task: only one fits the three.
    assert dense.cost == thin.cost == pytest.approx(1 + 4 * 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", np.array([-1])),
        ("count", np.array([1.5])),
        ("cost", np.array([[np.nan, 1.0]])),
        ("wait_cost", np.array([np.inf])),
        ("hours", np.array([[1.0]])),
        ("due", np.array([0])),
        ("due", np.array([2])),
        ("capacity", np.array([[-1.0], [1.0]])),
        ("share_cap", 1.5),
        ("use", np.array([[np.inf, 0], [0, 1]])),
    ],
)
def test_bad_fields_are_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        solve(base(**{field: value}))
