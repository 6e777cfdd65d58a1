"""Gap and speed of the planner beside HiGHS on the full LP of the same instance.

    python -m benchmarks.plan --kinds easy tight --tasks 10000 100000 1000000 --days 1 --seeds 5
    python -m benchmarks.plan --kinds tight --tasks 1000000 --days 14 --seeds 5

Prints medians over the seeds: columns, gap in per cent, seconds, HiGHS' seconds (scipy's linprog
on the whole LP, model building not counted), their ratio, and tasks that wait.
"""

import argparse
import statistics
import time

import numpy as np
from scipy.optimize import linprog

from benchmarks.instances import COHORTS, instance
from routing.core.plan import PlanProblem, _plan_iv, solve
from routing.core.plan_master import program
from routing.core.plan_model import build
from routing.core.plan_rows import Rows


def full_lp_seconds(problem: PlanProblem) -> tuple[float, float]:
    """Return seconds and value of HiGHS on the LP with every column."""
    model = build(_plan_iv(problem))
    whole = program(model, Rows(model), np.arange(len(model.pair)))
    started = time.perf_counter()
    found = linprog(
        whole.cost, A_ub=whole.upper, b_ub=whole.right, bounds=(0, None), method="highs"
    )
    return time.perf_counter() - started, float(found.fun) + whole.constant


def main() -> None:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="+", default=["easy", "tight", "grid"])
    parser.add_argument("--tasks", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--days", nargs="+", type=int, default=[1])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cohorts", type=int, default=COHORTS)
    parser.add_argument("--no-highs", action="store_true")
    options = parser.parse_args()
    print("| kind | tasks | days | columns | gap % | worst % | s | HiGHS s | ratio | waiting |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind in options.kinds:
        for tasks in options.tasks:
            for days in options.days:
                row = [_one(kind, tasks, days, seed, options) for seed in range(options.seeds)]
                _print(kind, tasks, days, row)


def _one(
    kind: str, tasks: int, days: int, seed: int, options: argparse.Namespace
) -> tuple[int, float, float, float, int]:
    problem = instance(kind, tasks, days, seed, options.cohorts)
    started = time.perf_counter()
    result = solve(problem)
    seconds = time.perf_counter() - started
    highs, value = (float("nan"), result.lower_bound)
    if not options.no_highs:
        highs, value = full_lp_seconds(problem)
        if abs(value - result.lower_bound) > 1e-6 * abs(value):
            print(f"  bound {result.lower_bound} is below the LP's {value}")
    columns = int(np.isfinite(np.asarray(problem.cost)).sum()) * days
    return columns, result.gap, seconds, highs, int(result.waiting.sum())


def _print(
    kind: str, tasks: int, days: int, rows: list[tuple[int, float, float, float, int]]
) -> None:
    columns, gaps, seconds, highs, waiting = zip(*rows, strict=True)
    ratio = statistics.median(s / h for s, h in zip(seconds, highs, strict=True))
    print(
        f"| {kind} | {tasks:,} | {days} | {int(statistics.median(columns)):,} "
        f"| {100 * statistics.median(gaps):.5f} | {100 * max(gaps):.5f} "
        f"| {statistics.median(seconds):.2f} | {statistics.median(highs):.2f} | {ratio:.2f} "
        f"| {int(statistics.median(waiting)):,} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
