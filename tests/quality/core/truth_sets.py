"""Answers to test the estimators on: simulated crowds, and the real sets that come with them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Crowd:
    """Answers, and the truth that the estimator does not see."""

    task: Ints
    annotator: Ints
    label: Ints
    truth: Ints

    def gold(self, share: float, seed: int) -> Ints:
        """Return (T,) the truth of a random share of the tasks, else −1."""
        T = len(self.truth)
        known = np.full(T, -1, dtype=np.int64)
        drawn = np.random.default_rng(seed).permutation(T)[: round(share * T)]
        known[drawn] = self.truth[drawn]
        return known

    def right(self) -> NDArray[np.float64]:
        """Return (W,) true shares right."""
        n = np.bincount(self.annotator)
        return np.bincount(self.annotator, self.label == self.truth[self.task]) / np.maximum(n, 1)


def real(name: str) -> Crowd:
    """Return dog or duck."""
    return read(ROOT / "console" / "demo" / "data" / name)


def read(folder: Path) -> Crowd:
    """Return the answers and truths of a folder, without tasks whose truth is not known."""
    with (folder / "truth.csv").open() as file:
        truth = {r["question"]: r["truth"] for r in csv.DictReader(file)}
    with (folder / "answer.csv").open() as file:
        rows = [(r["question"], r["worker"], r["answer"]) for r in csv.DictReader(file)]
    rows = [row for row in rows if row[0] in truth]
    ids = [sorted({row[k] for row in rows}) for k in range(3)]
    ids[2] = sorted({*ids[2], *(truth[q] for q in ids[0])})
    at = [{value: i for i, value in enumerate(column)} for column in ids]
    task, annotator, label = (np.array([at[k][row[k]] for row in rows]) for k in range(3))
    return Crowd(task, annotator, label, np.array([at[2][truth[q]] for q in ids[0]]))


def simulated(kind: str, seed: int, *, tasks: int = 400, annotators: int = 40) -> Crowd:
    """Return a crowd of one of FAMILIES; rates are beta(12, 4) unless the family says else."""
    rng = np.random.default_rng(seed)
    C = {"many": 20, "two": 2}.get(kind, 3)
    each = {"two": 3, "ten": 10}.get(kind, 5)
    rate = rng.beta(12, 4, annotators)
    truth = rng.integers(0, C, tasks)
    task = np.repeat(np.arange(tasks), each)
    annotator = np.concatenate([rng.choice(annotators, each, replace=False) for _ in range(tasks)])
    n = len(task)
    chance = rate[annotator]
    wrong = (truth[task] + rng.integers(1, C, n)) % C
    if kind == "hard":  # three tasks in ten are much harder than the others
        shift = np.where(rng.random(tasks) < 0.3, -1.8, 0.6)[task]
        chance = 1 / (1 + np.exp(-(np.log(chance / (1 - chance)) + shift)))
    if kind == "trap":  # on one task in five most of those who err give the same wrong answer
        trap = (rng.random(tasks) < 0.2)[task]
        bait = ((truth + rng.integers(1, C, tasks)) % C)[task]
        chance = np.where(trap, np.clip(chance - 0.35, 0.02, 1), np.minimum(chance + 0.05, 0.99))
        wrong = np.where(trap & (rng.random(n) < 0.85), bait, wrong)
    label = np.where(rng.random(n) < chance, truth[task], wrong)
    if kind == "spam":  # a third always give their favourite class
        spammer = rng.random(annotators) < 0.35
        label = np.where(spammer[annotator], rng.integers(0, C, annotators)[annotator], label)
    return Crowd(task, annotator, label, truth)


FAMILIES = ("plain", "two", "ten", "many", "hard", "trap", "spam")
