"""How people of the demo answer: real annotators by their own published answers, others as planted.

All luck hangs on who answers what: the same person gives the same answer to the same task, however
often the demo is built.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from console.demo.truth import (
    DATA,
    REAL,
    luck,
    published,
    read_rows,
    right_answer,
    truth_of,
    wrong_answer,
)

SPREAD = 0.45  # of ln(seconds) of one person on one kind of work
LONGEST = 2_400.0
# What the house does not know on the first day: how long work really takes, over the catalogue's
# default, and how fast a vendor's people are, over the usual.
EFFORT = {"bounding-box": 1.3, "sentiment": 0.7, "ner": 1.25, "document-classification": 0.85}
SPEED = {"lakeside": 1.2, "veritas": 0.85, "coral": 1.1, "meridian": 0.8}
SHRINK = 4.0  # answers of the whole crowd that stand behind each row of somebody's confusion


@dataclass(frozen=True)
class Work:
    """A task as somebody sees it who answers it."""

    project: str
    external_id: str
    task_type: str
    size: float
    base_seconds: float
    unit_seconds: float
    metric: str
    threshold: float

    @property
    def truth(self) -> Any:
        """The right answer."""
        return truth_of(self.project, self.external_id, self.task_type, self.size)


@dataclass(frozen=True)
class Person:
    """An annotator as planted.

    name : stable over builds; worker : id in the published answers of `crowd`
    rate : chance to be right; turns : from when on it is `turned` instead
    """

    name: str
    pool: str
    rate: float
    crowd: str = ""
    worker: str = ""
    turns: datetime | None = None
    turned: float = 0.45
    model: bool = False
    speed: float = field(default=1.0)

    def rate_at(self, now: datetime) -> float:
        """Return the chance to be right at a time."""
        return self.turned if self.turns is not None and now >= self.turns else self.rate


@dataclass(frozen=True)
class Confusion:
    """Who answers what, [worker][k_true, k_observed], rows sum to 1; and what they did answer."""

    labels: tuple[str, ...]
    of: dict[str, NDArray[np.float64]]
    given: dict[tuple[str, str], str]


@lru_cache(maxsize=4)
def confusion_of(project: str) -> Confusion:
    """Return the confusion of each annotator of a real set, shrunk to that of all of them."""
    truth, rows = published(project), read_rows(DATA / project / "answer.csv")
    labels = tuple(sorted({*truth.values(), *(row["answer"] for row in rows)}))
    place = {label: number for number, label in enumerate(labels)}
    counts: dict[str, NDArray[np.float64]] = {}
    for row in rows:
        mine = counts.setdefault(row["worker"], np.zeros((len(labels), len(labels))))
        mine[place[truth[row["question"]]], place[row["answer"]]] += 1
    everybody = sum(counts.values(), np.full((len(labels), len(labels)), 0.1))
    everybody = everybody / everybody.sum(axis=1, keepdims=True)
    shrunk = {worker: mine + SHRINK * everybody for worker, mine in counts.items()}
    return Confusion(
        labels,
        {worker: mine / mine.sum(axis=1, keepdims=True) for worker, mine in shrunk.items()},
        {(row["worker"], row["question"]): row["answer"] for row in rows},
    )


def answer(person: Person, work: Work, now: datetime, *, attempt: int = 1) -> Any:
    """Return what somebody answers to a task.

    Whoever was asked this very question by its authors says what they said then; others of the
    crowd answer by their own confusion. An attempt after a rejection is drawn anew.
    """
    rng = luck("answer", person.name, work.project, work.external_id, attempt)
    if work.project in REAL and person.crowd == work.project:
        found = confusion_of(work.project)
        said = found.given.get((person.worker, work.external_id))
        if said is not None and attempt == 1:
            return said
        row = found.of[person.worker][found.labels.index(work.truth)]
        return str(rng.choice(found.labels, p=row))
    right = rng.random() < person.rate_at(now)
    if work.project in REAL:
        others = [label for label in confusion_of(work.project).labels if label != work.truth]
        return work.truth if right else str(rng.choice(others))
    make = right_answer if right else wrong_answer
    return make(work.task_type, work.truth, rng)


def seconds(person: Person, work: Work, *, share: float = 1.0) -> float:
    """Return how long somebody takes: log-normal about what such work takes at their speed.

    share : of the labelling effort, for a review
    """
    if person.model:
        return 0.9
    rng = luck("seconds", person.name, work.project, work.external_id, share)
    usual = max(work.base_seconds + work.unit_seconds * work.size, 1.0)
    usual *= EFFORT.get(work.task_type, 1.0) * person.speed * share
    drawn = usual * float(np.exp(rng.normal(-0.5 * SPREAD**2, SPREAD)))
    return round(min(max(drawn, 1.0), LONGEST), 1)
