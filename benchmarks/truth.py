"""How true the accuracies are, and how fast: every figure of docs/benchmarks.md on them.

    python -m benchmarks.truth                      # intervals, labels, scores
    python -m benchmarks.truth --set NAME=FOLDER    # also these answer.csv and truth.csv
    python -m benchmarks.truth --large              # also 10,000,000 answers
    python -m benchmarks.truth --only peer          # beside crowd-kit's DawidSkene

Only numpy, scipy and the standard library are needed; `peer` needs crowd-kit, which is no
requirement of the project: pip install crowd-kit==1.4.2 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
into an environment of its own, and run this there, so that both run in one process.

The interval score at 90 % is width + 20 × the distance by which the true share right lies outside,
over annotators with at least 20 answers; the answer [0, 1], which says nothing, scores 1. "rate
held" splits the tasks in half and counts the hidden half's share right, its binomial deviation
allowed for.
"""

import argparse
import csv
import resource
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.core import truth_numeric
from quality.core.truth import estimate
from tests.quality.core.truth_sets import FAMILIES, Crowd, read, real, simulated

SHARES = (0.0, 0.02, 0.1, 0.3)
LEAST = 20
# Crowds that the method was not looked at on while it was made.
UNSEEN = ("skewed", "uneven", "copy", "confuse", "lean")
EMOTION = Path(__file__).parent.parent / "tests" / "data" / "emotion"


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["intervals", "labels", "scores", "peer"])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    sets = {"dog": real("dog"), "duck": real("duck")}
    for given in options.set:
        name, folder = given.split("=", 1)
        sets[name] = read(Path(folder))
    tables = {"intervals": intervals, "labels": labels, "scores": scores, "peer": peer}
    chosen = [options.only] if options.only else ["intervals", "labels", "scores"]
    for name in chosen:
        tables[name](sets, options.draws)
    if options.large:
        large()


def intervals(sets: dict[str, Crowd], draws: int) -> None:
    """Print scores, errors and shares held, by share of gold."""
    _head("answers", "gold", "score", "error", "held", "width", "rate held")
    for share in SHARES:
        for name, crowd in sets.items():
            many = draws if share else 1
            _row(name, share, [(crowd, k) for k in range(many)])
        for family in FAMILIES:
            _row(
                f"*{family}*", share, [(simulated(family, k), k) for k in range(max(draws // 2, 1))]
            )
        for family in UNSEEN:
            _row(f"*{family}* (unseen)", share, [(unseen(family, k), k) for k in range(8)])


def unseen(kind: str, seed: int) -> Crowd:
    """Return a crowd of one of UNSEEN: 600 tasks, 50 annotators, 4 classes."""
    rng = np.random.default_rng(seed + 5000)
    T, W, C = 600, 50, 4
    rate = rng.beta(6, 3, W)
    share = np.array([0.8, 0.1, 0.06, 0.04]) if kind == "skewed" else np.full(C, 1 / C)
    truth = rng.choice(C, T, p=share)
    each = rng.integers(1, 9, T) if kind == "uneven" else np.full(T, 6)
    task = np.repeat(np.arange(T), each)
    load = rng.dirichlet(np.full(W, 0.7)) if kind == "uneven" else np.full(W, 1 / W)
    load = (load + 0.002) / (load + 0.002).sum()
    annotator = np.concatenate([rng.choice(W, m, replace=False, p=load) for m in each])
    n = len(task)
    right = rng.random(n) < rate[annotator]
    label = np.where(right, truth[task], (truth[task] + rng.integers(1, C, n)) % C)
    if kind == "copy":  # fifteen give the answer of one of three leaders, right .7 of the time
        leaders = np.where(rng.random((T, 3)) < 0.6, truth[:, None], rng.integers(0, C, (T, 3)))
        copies = annotator < 15
        label[copies] = leaders[task[copies], annotator[copies] % 3]
    if kind == "confuse":  # everyone takes classes 0 and 1 for each other
        label = np.where((truth[task] < 2) & (rng.random(n) < 0.35), 1 - truth[task], label)
    if kind == "lean":  # half of class 3 looks like class 0 to all
        bad = ((truth == 3) & (rng.random(T) < 0.5))[task]
        label = np.where(bad & (rng.random(n) < 0.8), 0, label)
    return Crowd(task, annotator, label, truth)


def _head(*names: str) -> None:
    print(f"| {' | '.join(names)} |")
    print("|---" * len(names) + "|", flush=True)


def _row(name: str, share: float, crowds: list[tuple[Crowd, int]]) -> None:
    rows = []
    for crowd, seed in crowds:
        found = estimate(crowd.task, crowd.annotator, crowd.label, gold=crowd.gold(share, seed))
        n, right = np.bincount(crowd.annotator), crowd.right()
        of = n >= LEAST
        low, high, true = found.lower[of], found.upper[of], right[of]
        outside = np.maximum(low - true, 0) + np.maximum(true - high, 0)
        error = np.average(np.abs(found.accuracy[of] - true), weights=n[of])
        held = np.mean(outside <= 1e-12)
        score = np.mean(high - low + 20 * outside)
        rows.append((score, error, held, np.mean(high - low), _rate_held(crowd, share, seed)))
    cells = " | ".join(f"{value:.3f}" for value in np.nanmean(rows, axis=0))
    print(f"| {name} | {share:.0%} | {cells} |", flush=True)


def _rate_held(crowd: Crowd, share: float, seed: int) -> float:
    seen = np.random.default_rng(seed).random(len(crowd.truth)) < 0.5
    now = seen[crowd.task]
    gold = np.where(seen, crowd.gold(share, seed), -1)
    found = estimate(crowd.task[now], crowd.annotator[now], crowd.label[now], gold=gold)
    W = len(found.rate)
    later = ~now & (crowd.annotator < W)
    after = crowd.annotator[later]
    n = np.bincount(after, minlength=W)
    good = np.bincount(after, (crowd.label == crowd.truth[crowd.task])[later], minlength=W)
    true, spread = good / np.maximum(n, 1), found.rate * (1 - found.rate) / np.maximum(n, 1)
    low = found.rate - np.hypot(found.rate - found.rate_lower, 1.645 * np.sqrt(spread))
    high = found.rate + np.hypot(found.rate_upper - found.rate, 1.645 * np.sqrt(spread))
    of = (n >= LEAST) & np.isfinite(found.accuracy)
    return float(((low <= true) & (true <= high))[of].mean()) if of.any() else float("nan")


def labels(sets: dict[str, Crowd], draws: int) -> None:
    """Print how often labels are right where they say so, off gold."""
    edges = (0.0, 0.6, 0.8, 0.95, 1.01)
    names = ("below .6", ".6–.8", ".8–.95", ".95–1")
    _head("answers", "gold", *(f"{name}: says, is" for name in names), "right")
    for share in (0.0, 0.1):
        for name, crowd in sets.items():
            say, hold = [], []
            for k in range(draws if share else 1):
                gold = crowd.gold(share, k)
                found = estimate(crowd.task, crowd.annotator, crowd.label, gold=gold)
                table = found.probability[gold < 0]
                say.append(table.max(axis=1))
                hold.append(table.argmax(axis=1) == crowd.truth[gold < 0])
            said, held = np.concatenate(say), np.concatenate(hold)
            cells = []
            for low, high in pairwise(edges):
                of = (said >= low) & (said < high)
                cells.append(f"{said[of].mean():.3f}, {held[of].mean():.3f}" if of.any() else "–")
            print(f"| {name} | {share:.0%} | {' | '.join(cells)} | {held.mean():.4f} |", flush=True)


def scores(_sets: dict[str, Crowd], draws: int) -> None:
    """Print the numeric variant's figures on the emotion scores."""
    task, annotator, score, value = _emotion()
    mean = np.bincount(task, score) / np.bincount(task)
    n = np.bincount(annotator)
    print(f"emotion: mean absolute error of the plain mean {np.abs(mean - value).mean():.2f}")
    _head("gold", "tolerance", "score", "error", "held", "error of values", "values held")
    for share in SHARES:
        for tolerance in (10.0, 20.0):
            rows = []
            for k in range(draws if share else 1):
                gold = np.full(len(value), np.nan)
                some = np.random.default_rng(k).permutation(len(value))[: round(share * len(value))]
                gold[some] = value[some]
                found = truth_numeric.estimate(
                    task, annotator, score, tolerance=tolerance, gold=gold
                )
                true = np.bincount(annotator, np.abs(score - value[task]) <= tolerance) / n
                outside = np.maximum(found.lower - true, 0) + np.maximum(true - found.upper, 0)
                unseen = np.isnan(gold)
                inside = (found.value_lower <= value) & (value <= found.value_upper)
                rows.append(
                    (
                        np.mean(found.upper - found.lower + 20 * outside),
                        np.average(np.abs(found.accuracy - true), weights=n),
                        np.mean(outside <= 1e-12),
                        np.abs(found.value - value)[unseen].mean(),
                        inside[unseen].mean(),
                    )
                )
            cells = " | ".join(f"{value_:.3f}" for value_ in np.mean(rows, axis=0))
            print(f"| {share:.0%} | {tolerance:.0f} | {cells} |", flush=True)


def _emotion() -> tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]
]:
    with (EMOTION / "answer.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (EMOTION / "truth.csv").open() as file:
        truth = {row["question"]: float(row["truth"]) for row in csv.DictReader(file)}
    tasks = {question: i for i, question in enumerate(sorted(truth))}
    people = {worker: i for i, worker in enumerate(sorted({row["worker"] for row in rows}))}
    return (
        np.array([tasks[row["question"]] for row in rows]),
        np.array([people[row["worker"]] for row in rows]),
        np.array([float(row["answer"]) for row in rows]),
        np.array([truth[question] for question in tasks]),
    )


def crowd_of(tasks: int, answers: int, annotators: int, classes: int, seed: int) -> Crowd:
    """Return independent answers of annotators with beta(8, 2) rates, in random order."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, tasks)
    each = answers // tasks
    task = np.concatenate(
        [np.repeat(np.arange(tasks), each), rng.integers(0, tasks, answers - each * tasks)]
    )
    annotator = rng.integers(0, annotators, answers)
    right = rng.random(answers) < rng.beta(8, 2, annotators)[annotator]
    label = np.where(
        right, truth[task], (truth[task] + rng.integers(1, classes, answers)) % classes
    )
    order = rng.permutation(answers)
    return Crowd(task[order], annotator[order], label[order], truth)


def peer(sets: dict[str, Crowd], _draws: int) -> None:
    """Print time and label accuracy beside crowd-kit's, in one process, medians of seven."""
    try:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene
    except ImportError:
        sys.exit("crowd-kit is not installed here: see the head of benchmarks/truth.py")
    made = {f"8,000 tasks, {C} classes": crowd_of(8000, 25_000, 300, C, 0) for C in (2, 4, 10)}
    _head("answers", "n", "rounds", "crowd-kit s", "s", "ratio", "crowd-kit right", "right")
    for name, crowd in {**made, **sets}.items():
        frame = pd.DataFrame({"task": crowd.task, "worker": crowd.annotator, "label": crowd.label})
        theirs, ours = [], []
        for _run in range(7):
            started = time.perf_counter()
            fitted = DawidSkene().fit(frame)
            theirs.append(time.perf_counter() - started)
            started = time.perf_counter()
            found = estimate(crowd.task, crowd.annotator, crowd.label)
            ours.append(time.perf_counter() - started)
        told = fitted.labels_
        of = told.index.to_numpy()
        slow, fast = statistics.median(theirs), statistics.median(ours)
        ratio = statistics.median(a / b for a, b in zip(theirs, ours, strict=True))
        print(
            f"| {name} | {len(crowd.task):,} | {len(fitted.loss_history_)} | {slow:.3f} "
            f"| {fast:.4f} | {ratio:.0f} | {(told.to_numpy() == crowd.truth[of]).mean():.4f} "
            f"| {(found.probability.argmax(axis=1) == crowd.truth)[of].mean():.4f} |",
            flush=True,
        )


def large() -> None:
    """Print seconds and peak memory of 10,000,000 answers, 5 % of the tasks gold."""
    crowd = crowd_of(2_500_000, 10_000_000, 20_000, 4, 0)
    gold = crowd.gold(0.05, 0)
    started = time.perf_counter()
    found = estimate(crowd.task, crowd.annotator, crowd.label, gold=gold)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    right = (found.probability.argmax(axis=1) == crowd.truth).mean()
    print(f"10,000,000 answers: {seconds:.0f} s, peak {peak:.2f} GiB, labels right {right:.4f}")


if __name__ == "__main__":
    main()
