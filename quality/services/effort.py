"""Learning effort from the seconds of judgments: per type and band, and per annotator."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from accounts.models import User
from accounts.permissions import require
from quality.models import Judgment
from quality.services.answers import Floats, Ints, read_answers, read_ids
from routing.choices import Band
from routing.core import effort
from routing.models import EffortEstimate, TaskType
from routing.services.effort import record_effort
from routing.services.reading import TaskColumns
from routing.services.scoring import Scored, default_seconds, learned_effort, scored_tasks
from workforce.choices import AnnotatorKind
from workforce.models import Annotator

TASKS_AT_ONCE = 50_000  # whose columns are held at a time


@dataclass(frozen=True)
class Refit:
    """What a refit read and wrote."""

    durations: int
    groups: int


def refit_effort(*, acting_user: User, now: datetime) -> Refit:
    """Fit the effort of every task type and band from the durations known at `now`, and keep it.

    Billable seconds of people are read, raw ones where no rule has derived billable ones; models
    are left out. A second refit as of the same time changes nothing. Reading takes its time and
    writes nothing; what is written, is at once.
    """
    require(acting_user, "effort.refit")
    every = read_ids(Judgment.objects.all(), "task_id")
    answers = read_answers(every, now, labelled=False).timed(model_ids())
    if not len(answers):
        return Refit(0, 0)
    tasks, row = np.unique(answers.task, return_inverse=True)
    people, who = np.unique(answers.annotator, return_inverse=True)
    columns, types, scored = scored_tasks(tasks.tolist())
    group = scored.task_type * 4 + scored.scores.complexity_band
    found = effort.fit(
        answers.seconds,
        default_seconds(columns, types, scored.task_type)[row],
        group[row],
        len(types) * 4,
        who,
        len(people),
    )
    rows = [
        EffortEstimate(
            task_type=types[g // 4],
            complexity_band=Band.values[g % 4],
            as_of=now,
            n=int(found.n[g]),
            log_factor=float(found.log_factor[g]),
            log_spread=float(found.log_spread[g]),
            log_lower=float(found.log_lower[g]),
            log_upper=float(found.log_upper[g]),
        )
        for g in np.flatnonzero(found.n).tolist()
    ]
    record_effort(rows, acting_user=acting_user, now=now)
    return Refit(len(answers), len(rows))


def model_ids() -> list[int]:
    """Return the ids of the annotators that are models."""
    return list(Annotator.objects.filter(kind=AnnotatorKind.MODEL).values_list("pk", flat=True))


@dataclass(frozen=True)
class Durations:
    """What is known of how long answers took, (N,): who, seconds, and what was to be expected."""

    annotator: Ints
    seconds: Floats
    usual: Floats


def scored_parts(tasks: Ints) -> Iterator[tuple[TaskColumns, list[TaskType], Scored]]:
    """Yield the columns of tasks (ids, ascending), their types and scores, some at a time."""
    for start in range(0, len(tasks), TASKS_AT_ONCE):
        yield scored_tasks(tasks[start : start + TASKS_AT_ONCE].tolist())


def usual_seconds(tasks: Ints, now: datetime) -> Floats:
    """Return the median seconds that the effort model expects of tasks (ids, ascending)."""
    found = []
    for columns, types, scored in scored_parts(tasks):
        factor, _spread = learned_effort(types, now)
        at = scored.task_type, scored.scores.complexity_band
        found.append(default_seconds(columns, types, scored.task_type) * np.exp(factor[at]))
    return np.concatenate(found) if found else np.zeros(0)


def speed_factors(durations: Sequence[Durations]) -> dict[int, float]:
    """Return each annotator's time over what the effort model expects, shrunk to 1.

    2 = takes twice as long. Annotators without known times are missing.
    """
    if not durations:
        return {}
    people, who = np.unique(
        np.concatenate([part.annotator for part in durations]), return_inverse=True
    )
    seconds = np.concatenate([part.seconds for part in durations])
    usual = np.concatenate([part.usual for part in durations])
    speed = effort.fit_speed(seconds, usual, who, len(people))
    return dict(zip(people.tolist(), np.exp(speed).tolist(), strict=True))
