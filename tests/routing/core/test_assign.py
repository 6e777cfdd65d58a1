"""Assignment against enumeration and integer programs, published instances, and odd input."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from benchmarks.assign import best_known, generated, read
from routing.core.assign import AssignResult, assign
from routing.core.assign_bound import capacity_bound, knapsack_bound, relax

GAP = Path(__file__).parents[2] / "data" / "gap"


def random_instance(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A small instance; about half of them cannot place every job."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(1, 4)), int(rng.integers(1, 7))
    if rng.random() < 0.5:
        cost = rng.integers(-5, 20, (m, n)).astype(float)
        load = rng.integers(0, 8, (m, n)).astype(float)
        capacity = rng.integers(0, 16, m).astype(float)
    else:
        cost = np.round(rng.uniform(-2, 10, (m, n)), 2)
        load = np.round(rng.exponential(3, (m, n)), 2)
        capacity = np.round(rng.uniform(0, 10, m), 1)
    cost[rng.random((m, n)) < 0.2] = np.inf
    if rng.random() < 0.1:
        cost[np.isfinite(cost)] = 1.0
    return cost, load, capacity


def enumerated(
    cost: np.ndarray, load: np.ndarray, capacity: np.ndarray, skip: np.ndarray | None
) -> tuple[int, float]:
    """Return jobs placed and cost of the best plan, over every plan there is."""
    m, n = cost.shape
    best = (-1, np.inf)
    for choice in product(range(-1, m), repeat=n):
        used, total, placed = np.zeros(m), 0.0, 0
        for j, i in enumerate(choice):
            if i >= 0:
                used[i] += load[i, j]
                total += cost[i, j]
                placed += 1
            elif skip is not None:
                total += skip[j]
        if total == np.inf or (used > capacity + 1e-9).any():
            continue
        key = (placed, total)
        if skip is not None:
            better = total < best[1]
        else:
            better = placed > best[0] or (placed == best[0] and total < best[1])
        if better:
            best = key
    return best


def check(
    result: AssignResult,
    cost: np.ndarray,
    load: np.ndarray,
    capacity: np.ndarray,
    skip: np.ndarray | None = None,
) -> int:
    """Check that the plan fits and costs what it says; return the jobs placed."""
    job = np.flatnonzero(result.agent >= 0)
    agent = result.agent[job]
    used = np.bincount(agent, load[agent, job], minlength=len(capacity))
    assert (used <= capacity + 1e-9).all()
    left = 0.0 if skip is None else float(skip[result.agent < 0].sum())
    assert result.cost == pytest.approx(float(cost[agent, job].sum()) + left, abs=1e-9)
    assert np.isfinite(result.cost)
    assert result.lower_bound <= result.cost
    assert len(job) <= result.most_placed
    return len(job)


@pytest.mark.parametrize("block", range(12))
def test_as_many_jobs_as_can_be_then_least_cost(block: int) -> None:
    for seed in range(25 * block, 25 * block + 25):
        cost, load, capacity = random_instance(seed)
        placed, optimum = enumerated(cost, load, capacity, None)
        result = assign(cost, load, capacity)
        assert check(result, cost, load, capacity) == placed, seed
        assert result.most_placed >= placed
        assert result.lower_bound <= optimum + 1e-9, seed
        assert result.cost == pytest.approx(optimum, abs=1e-7), seed
        assert result.status == ("optimal" if placed == cost.shape[1] else "partial"), seed


@pytest.mark.parametrize("block", range(8))
def test_leaving_a_job_at_its_price(block: int) -> None:
    for seed in range(1000 + 25 * block, 1025 + 25 * block):
        cost, load, capacity = random_instance(seed)
        rng = np.random.default_rng(seed)
        skip = np.round(rng.uniform(-1, 12, cost.shape[1]), 1)
        if seed % 3 == 0:
            skip[:] = skip[0]
        given = skip if seed % 3 else skip[0]
        _placed, optimum = enumerated(cost, load, capacity, skip)
        result = assign(cost, load, capacity, skip_cost=given)
        check(result, cost, load, capacity, skip)
        assert result.status == "optimal", seed
        assert result.lower_bound <= optimum + 1e-9, seed
        assert result.cost == pytest.approx(optimum, abs=1e-7), seed


def integer_program(cost: np.ndarray, load: np.ndarray, capacity: np.ndarray) -> float:
    """The optimum by HiGHS to a gap of 0, every job placed; inf where that cannot be."""
    m, n = cost.shape
    rows = np.zeros((m, m * n))
    for i in range(m):
        rows[i, i * n : (i + 1) * n] = load[i]
    found = milp(
        cost.ravel(),
        integrality=np.ones(m * n),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(rows, -np.inf, capacity),
            LinearConstraint(np.tile(np.eye(n), m), 1, 1),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return float(np.rint(found.fun)) if found.status == 0 else np.inf


@pytest.mark.parametrize("seed", range(30))
def test_middling_instances_against_an_integer_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(2, 6)), int(rng.integers(10, 25))
    load = rng.integers(5, 26, (m, n)).astype(float)
    cost = rng.integers(10, 51, (m, n)).astype(float)
    capacity = np.floor(rng.uniform(0.75, 1.0) * load.sum(axis=1) / m)
    optimum = integer_program(cost, load, capacity)
    result = assign(cost, load, capacity)
    placed = check(result, cost, load, capacity)
    if np.isfinite(optimum):
        assert placed == n
        assert result.lower_bound <= optimum <= result.cost
        assert result.cost <= 1.01 * optimum
        if result.status == "optimal":
            assert result.cost == optimum
    else:
        assert placed < n
        assert result.status == "partial"


@pytest.mark.parametrize(
    "name", ["a05100", "c05100", "c0515_1", "c0530_2", "c0848_3", "c1060_4", "c10200"]
)
def test_published_instances(name: str) -> None:
    cost, load, capacity = read(GAP / name)
    lower, upper = best_known(GAP)[name]
    result = assign(cost, load, capacity)
    assert check(result, cost, load, capacity) == cost.shape[1]
    assert result.lower_bound <= lower
    assert upper <= result.cost <= 1.004 * upper
    assert result.gap <= 0.005


@pytest.mark.parametrize(
    ("kind", "m", "n", "most"),
    [("d", 5, 100, 0.01), ("d", 10, 100, 0.01), ("e", 10, 100, 0.01), ("e", 20, 100, 0.025)],
)
def test_gap_on_generated_instances(kind: str, m: int, n: int, most: float) -> None:
    cost, load, capacity = generated(kind, m, n, seed=3)
    result = assign(cost, load, capacity)
    assert check(result, cost, load, capacity) == n
    assert 0 <= result.gap <= most


def test_order_of_agents_and_jobs_does_not_matter() -> None:
    for seed in range(40):
        cost, load, capacity = random_instance(seed)
        rng = np.random.default_rng(seed)
        rows, columns = rng.permutation(cost.shape[0]), rng.permutation(cost.shape[1])
        first = assign(cost, load, capacity)
        again = assign(cost[np.ix_(rows, columns)], load[np.ix_(rows, columns)], capacity[rows])
        assert again.cost == pytest.approx(first.cost, abs=1e-9), seed
        assert again.status == first.status


def test_order_hardly_matters_where_optimality_is_not_proven() -> None:
    cost, load, capacity = generated("d", 5, 100, seed=1)
    rng = np.random.default_rng(1)
    rows, columns = rng.permutation(5), rng.permutation(100)
    first = assign(cost, load, capacity)
    again = assign(cost[np.ix_(rows, columns)], load[np.ix_(rows, columns)], capacity[rows])
    assert abs(again.cost - first.cost) <= 0.005 * first.cost
    assert again.lower_bound <= first.cost
    assert first.lower_bound <= again.cost


def test_equal_input_gives_equal_output_and_is_not_written() -> None:
    cost, load, capacity = generated("e", 6, 60, seed=2)
    skip = np.full(60, 500.0)
    for x in (cost, load, capacity, skip):
        x.flags.writeable = False
    first = assign(cost, load, capacity, skip_cost=skip, effort=0.3)
    again = assign(cost, load, capacity, skip_cost=skip, effort=0.3)
    assert first.agent.tolist() == again.agent.tolist()
    assert (first.cost, first.lower_bound) == (again.cost, again.lower_bound)


def test_more_effort_does_not_worsen() -> None:
    cost, load, capacity = generated("d", 8, 80, seed=5)
    little, much = (assign(cost, load, capacity, effort=effort) for effort in (0.05, 2))
    assert much.cost <= little.cost


@pytest.mark.parametrize("m", [0, 3])
@pytest.mark.parametrize("n", [0, 4])
@pytest.mark.parametrize("skip", [None, 2.0])
def test_nothing_to_do(m: int, n: int, skip: float | None) -> None:
    result = assign(np.full((m, n), np.inf), np.ones((m, n)), np.ones(m), skip_cost=skip)
    assert result.agent.tolist() == [-1] * n
    assert result.cost == result.lower_bound == (n * skip if skip else 0.0)
    assert result.status == ("partial" if n and skip is None else "optimal")
    assert result.gap == 0.0


def test_no_capacity_takes_jobs_without_load_only() -> None:
    result = assign([[1.0, 2.0], [3.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]], [0.0, 0.0])
    assert result.agent.tolist() == [0, -1]
    assert (result.status, result.cost, result.most_placed) == ("partial", 1.0, 1)


def test_no_load_is_the_cheapest_agent_each() -> None:
    cost = np.random.default_rng(0).random((4, 50))
    result = assign(cost, np.zeros((4, 50)), np.zeros(4))
    assert result.agent.tolist() == cost.argmin(axis=0).tolist()
    assert result.status == "optimal"


def test_a_job_too_big_for_all_stays() -> None:
    result = assign([[1.0, 1.0]], [[9.0, 2.0]], [5.0])
    assert result.agent.tolist() == [-1, 0]
    assert (result.status, result.most_placed) == ("partial", 1)
    assert assign([[1.0, 1.0]], [[9.0, 2.0]], [5.0], skip_cost=7).cost == 8.0


def test_capacity_without_limit() -> None:
    result = assign([[5.0, 5.0], [1.0, 1.0]], [[1.0, 1.0], [2.0, 2.0]], [np.inf, 2.0])
    assert (result.cost, result.status) == (6.0, "optimal")


def test_equal_costs_are_proven() -> None:
    result = assign(np.ones((5, 40)), np.ones((5, 40)), np.full(5, 8.0))
    assert (result.cost, result.status) == (40.0, "optimal")


def test_the_most_jobs_are_proven_where_capacity_is_short() -> None:
    result = assign(np.ones((4, 30)), np.ones((4, 30)), np.full(4, 5.0))
    assert int((result.agent >= 0).sum()) == result.most_placed == 20
    assert (result.cost, result.lower_bound, result.status) == (20.0, 20.0, "partial")


def test_more_jobs_than_there_is_room_for() -> None:
    """More are placed than by taking the smallest loads first, and nearly as many as can be."""
    cost, load, capacity = generated("d", 10, 100, seed=4)
    capacity = 0.15 * capacity
    result = assign(cost, load, capacity)
    placed = check(result, cost, load, capacity)
    left, taken = capacity.copy(), np.zeros(100, dtype=bool)
    for pair in np.argsort(load, axis=None):
        i, j = divmod(int(pair), 100)
        if not taken[j] and load[i, j] <= left[i]:
            taken[j], left[i] = True, left[i] - load[i, j]
    assert result.status == "partial"
    assert taken.sum() <= placed <= result.most_placed <= placed + 2


def test_sums_of_tenths_fit() -> None:
    assert assign([[1.0, 1.0, 1.0]], [[0.1, 0.1, 0.1]], [0.3]).status == "optimal"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cost": [[np.nan, 1.0]]}, "cost"),
        ({"cost": [[-np.inf, 1.0]]}, "cost"),
        ({"cost": [1.0, 1.0]}, "cost"),
        ({"load": [[np.nan, 1.0]]}, "load"),
        ({"load": [[-1.0, 1.0]]}, "load"),
        ({"load": [[np.inf, 1.0]]}, "load"),
        ({"load": [[1.0]]}, "load"),
        ({"capacity": [np.nan]}, "capacity"),
        ({"capacity": [-1.0]}, "capacity"),
        ({"capacity": [1.0, 1.0]}, "capacity"),
        ({"skip_cost": np.nan}, "skip_cost"),
        ({"skip_cost": np.inf}, "skip_cost"),
        ({"skip_cost": [1.0]}, "skip_cost"),
        ({"effort": 0}, "effort"),
        ({"effort": np.nan}, "effort"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], field: str) -> None:
    given: dict[str, object] = {"cost": [[1.0, 1.0]], "load": [[1.0, 1.0]], "capacity": [2.0]}
    given |= change
    with pytest.raises(ValueError, match=field):
        assign(given.pop("cost"), given.pop("load"), given.pop("capacity"), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1.0, 0.37])
def test_bounds_hold_for_any_multipliers(scale: float) -> None:
    """No plan costs less than either bound, whatever the prices (here: random ones)."""
    for seed in range(60):
        cost, load, capacity = random_instance(seed)
        cost = np.where(load <= capacity[:, None], cost, np.inf)
        load = np.where(np.isfinite(cost), load, 0.0) * scale
        capacity = capacity * scale
        placed, optimum = enumerated(cost, load, capacity, None)
        if placed < cost.shape[1]:
            continue
        rng = np.random.default_rng(seed)
        price = rng.exponential(2.0, len(capacity))
        assert capacity_bound(cost, load, capacity, price) <= optimum + 1e-9
        v = rng.normal(3.0, 5.0, cost.shape[1])
        assert knapsack_bound(cost, load, capacity, v, optimum, 0.1) <= optimum + 1e-9
        best = relax(cost, load, capacity).price
        assert capacity_bound(cost, load, capacity, best) <= optimum + 1e-9
