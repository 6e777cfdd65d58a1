"""What a day holds: hours of crews, hours a pool declared, harmful content and answers by caps.

One table of limits is read by the plan (a row of each), by settling and by the baselines, so that
no limit holds in one of them and not in the others. A limit has rows (of crews, of pools) with a
capacity by day; a task uses the rows of the crews that touch it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from routing.core.arrangements import Candidates, label_answers
from routing.core.tables import MODEL, Bools, Floats, Inputs, Ints

Kind = Literal["crew", "declared", "exposure", "answers"]
HAIR = 1e-9


@dataclass(frozen=True)
class Limit:
    """One kind of limit: `row_of` (C,) the row of each crew, capacity (rows, D), inf = none."""

    kind: Kind
    row_of: Ints
    capacity: Floats

    @property
    def binds(self) -> bool:
        """Whether any row has an end."""
        return bool(np.isfinite(self.capacity).any())


@dataclass(frozen=True)
class Uses:
    """Uses (u,) of crews by tasks: label and review of each `row` (of tasks or pairs)."""

    row: Ints
    crew: Ints
    hours: Floats
    answers: Floats
    harmful: Bools

    def amount(self, kind: Kind) -> Floats:
        """Return how much of a limit each use takes (u,)."""
        if kind == "answers":
            return self.answers
        if kind == "exposure":
            return np.where(self.harmful, self.hours, 0.0)
        return self.hours

    def where(self, kept: Bools) -> "Uses":
        """Return some of the uses."""
        return Uses(
            self.row[kept],
            self.crew[kept],
            self.hours[kept],
            self.answers[kept],
            self.harmful[kept],
        )


def limits_of(inputs: Inputs) -> list[Limit]:
    """Return the limits of a run; crews' hours come first."""
    crews = inputs.crews
    own = np.arange(len(crews), dtype=np.int64)
    declared = np.where(np.isnan(inputs.pools.declared), np.inf, inputs.pools.declared)
    limits = [
        Limit("crew", own, crews.hours),
        Limit("declared", crews.pool, declared),
        Limit("exposure", own, crews.harm_hours),
        Limit("answers", own, crews.answers),
    ]
    return [limit for limit in limits if limit.kind == "crew" or limit.binds]


def uses_of(
    inputs: Inputs,
    found: Candidates,
    k: Ints,
    a: Ints,
    *,
    row: Ints | None = None,
    hours: Floats | None = None,
) -> Uses:
    """Return what tasks of cohorts `k` by slots `a` (n,) take of the crews that touch them.

    Parameters
    ----------
    row : (n,) what `Uses.row` shall say, else the position
    hours : (n,) own expected hours of each task, else the mean of its cohort
    """
    row = np.arange(len(k)) if row is None else row
    mean = inputs.cohorts.hours[k]
    own = np.ones(len(k))
    if hours is not None:
        own = np.where(mean > 0, hours / np.where(mean > 0, mean, 1.0), 1.0)
    label, review = found.label_of[a], found.review_of[a]
    # A model takes the time its rate limit gives it, whatever the task holds.
    by_model = inputs.pools.kind[inputs.crews.pool[label]] == MODEL
    harmful = inputs.cohorts.harm[k] > 0
    second = review >= 0
    return Uses(
        row=np.concatenate([row, row[second]]),
        crew=np.concatenate([label, review[second]]),
        hours=np.concatenate(
            [
                found.label_hours[k, a] * np.where(by_model, 1.0, own),
                (found.review_hours[k, a] * own)[second],
            ]
        ),
        answers=np.concatenate(
            [
                label_answers(inputs, label, k, found.label_hours[k, a]),
                found.share[k, a][second].astype(np.float64),
            ]
        ),
        harmful=np.concatenate([harmful, harmful[second]]),
    )


Need = tuple[int, int, float]  # limit, row, amount


class Room:
    """What is left of every limit by day, while tasks are placed one after the other."""

    def __init__(self, inputs: Inputs) -> None:
        self.limits = limits_of(inputs)
        self.left = [limit.capacity.copy() for limit in self.limits]

    def needs(self, uses: Sequence[tuple[int, float, float]], harmful: bool) -> list[Need]:
        """Return what (crew, hours, answers) of one task take together."""
        total: dict[tuple[int, int], float] = {}
        for n, limit in enumerate(self.limits):
            if limit.kind == "exposure" and not harmful:
                continue
            for crew, hours, answers in uses:
                amount = answers if limit.kind == "answers" else hours
                if amount > 0:
                    at = n, int(limit.row_of[crew])
                    total[at] = total.get(at, 0.0) + amount
        return [(n, row, amount) for (n, row), amount in total.items()]

    def number(self, needs: Sequence[Need], day: int, most: int) -> int:
        """Return how many tasks alike still fit a day, `most` at most."""
        for n, row, amount in needs:
            left = self.left[n][row, day]
            if np.isfinite(left):
                most = min(most, int(max(left, 0.0) / amount + HAIR))
        return most

    def take(self, needs: Sequence[Need], day: int, number: int = 1) -> None:
        """Take the room of some tasks alike."""
        for n, row, amount in needs:
            self.left[n][row, day] -= number * amount

    def take_all(self, uses: Uses, day: Ints) -> None:
        """Take the room of all uses on their days (u,)."""
        for left, limit in zip(self.left, self.limits, strict=True):
            np.subtract.at(left, (limit.row_of[uses.crew], day), uses.amount(limit.kind))
