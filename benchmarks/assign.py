"""Cost, own bound and processor seconds of assignment, beside the best known and HiGHS.

    python -m benchmarks.assign
    python -m benchmarks.assign --highs 10
    python -m benchmarks.assign --large

Prints one line per published instance (tests/data/gap) and per generated one: type d, load
U{1…100}, cost 111 − load + U{−10…10}; type e, load 1 − 10 ln U(0,1], cost 1000/load − 10 U, both
with capacity .8 Σ load / m per agent. --highs N adds scipy's `milp` under a limit of N seconds;
--large is 200 agents × 5,000 jobs.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from routing.core.assign import assign

Floats = NDArray[np.float64]

PUBLISHED = Path(__file__).parents[1] / "tests" / "data" / "gap"
SIZES = ((5, 100), (10, 100), (20, 100), (5, 200), (10, 200), (20, 200), (10, 400), (20, 400))


def read(path: Path) -> tuple[Floats, Floats, Floats]:
    """Return cost, load and capacity of a file in OR-Library form."""
    numbers = np.array(path.read_text().split(), dtype=np.float64)
    m, n = int(numbers[0]), int(numbers[1])
    cost, load, capacity = np.split(numbers[2:], [m * n, 2 * m * n])
    return cost.reshape(m, n), load.reshape(m, n), capacity


def best_known(folder: Path) -> dict[str, tuple[float, float]]:
    """Return the best-known lower and upper bound per instance."""
    lines = (line.split() for line in (folder / "bounds_min.txt").read_text().splitlines())
    return {name.removesuffix("_Min"): (float(low), float(high)) for name, low, high in lines}


def generated(kind: str, m: int, n: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return cost, load and capacity of a random instance of type d (whole) or e (real)."""
    rng = np.random.default_rng([seed, m, n])
    if kind == "d":
        load = rng.integers(1, 101, (m, n)).astype(np.float64)
        cost = 111.0 - load + rng.integers(-10, 11, (m, n))
    else:
        load = 1.0 - 10.0 * np.log(1.0 - rng.random((m, n)))
        cost = 1000.0 / load - 10.0 * rng.random((m, n))
    return cost, load, 0.8 * load.sum(axis=1) / m


def highs(cost: Floats, load: Floats, capacity: Floats, seconds: float) -> float:
    """Return the cost that scipy's milp finds in so many seconds, inf if none."""
    m, n = cost.shape
    agent, job = np.divmod(np.arange(m * n), n)
    column = np.arange(m * n)
    use = sparse.csr_array((load.ravel(), (agent, column)), shape=(m, m * n))
    once = sparse.csr_array((np.ones(m * n), (job, column)), shape=(n, m * n))
    found = milp(
        cost.ravel(),
        integrality=np.ones(m * n),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(use, -np.inf, capacity), LinearConstraint(once, 1, 1)],
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    return float(found.fun) if found.x is not None else float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--highs", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--effort", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    print(
        "| instance | m | n | cost | own bound | gap % | worst % | best known | CPU s | HiGHS % |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    if options.large:
        for kind in "de":
            _generated(kind, 200, 5_000, options)
        return
    known = best_known(PUBLISHED)
    for path in sorted(PUBLISHED.glob("[abc]*[0-9]")):
        _print(path.name, [read(path)], f"{known[path.name][1]:.0f}", options)
    for kind in "de":
        for m, n in SIZES:
            _generated(kind, m, n, options)


def _generated(kind: str, m: int, n: int, options: argparse.Namespace) -> None:
    instances = [generated(kind, m, n, seed) for seed in range(options.seeds)]
    _print(kind, instances, "", options)


def _print(
    name: str,
    instances: list[tuple[Floats, Floats, Floats]],
    known: str,
    options: argparse.Namespace,
) -> None:
    """Print the median instance by gap, the worst gap, and medians of seconds and of HiGHS."""
    rows = []
    for cost, load, capacity in instances:
        started = time.process_time()
        result = assign(cost, load, capacity, effort=options.effort)
        seconds = time.process_time() - started
        other = float("nan")
        if options.highs:
            value = highs(cost, load, capacity, options.highs)
            other = 100 * (value - result.lower_bound) / result.lower_bound
        rows.append((result.gap, result.cost, result.lower_bound, seconds, other))
    gap, value, bound, _seconds, _other = sorted(rows)[len(rows) // 2]
    m, n = instances[0][0].shape
    print(
        f"| {name} | {m} | {n} | {value:,.0f} | {bound:,.0f} | {100 * gap:.3f} "
        f"| {100 * max(row[0] for row in rows):.3f} | {known} "
        f"| {statistics.median(row[3] for row in rows):.2f} "
        f"| {statistics.median(row[4] for row in rows):.3f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
