"""Reading answers as columns."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from quality.models import Judgment

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
CHUNK = 50_000


@dataclass(frozen=True)
class Answers:
    """Answers (N,) by task and annotator, the last attempt of each.

    label : position in `words`; skill : id; seconds : billable, else raw, NaN where unknown
    submitted : seconds since 1970
    """

    task: Ints
    annotator: Ints
    skill: Ints
    label: Ints
    seconds: Floats
    submitted: Floats
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.task)

    def of_skill(self, skill: int) -> "Answers":
        """Return the answers that are scored under a skill."""
        return self._take(self.skill == skill)

    def timed(self) -> "Answers":
        """Return the answers whose time is known."""
        return self._take(self.seconds > 0)

    def _take(self, rows: NDArray[np.bool_]) -> "Answers":
        return Answers(
            self.task[rows],
            self.annotator[rows],
            self.skill[rows],
            self.label[rows],
            self.seconds[rows],
            self.submitted[rows],
            self.words,
        )


def read_answers(judgments: QuerySet[Judgment], now: datetime) -> Answers:
    """Return the answers among some judgments that were submitted by `now`, in one query."""
    rows = (
        judgments.filter(submitted_at__lte=now)
        .order_by("task_id", "annotator_id", "attempt")
        .values_list(
            "task_id",
            "annotator_id",
            "task__task_type__skill_id",
            "label",
            Coalesce("billable_seconds", "raw_seconds"),
            "submitted_at",
        )
        .iterator(chunk_size=CHUNK)
    )
    codes: dict[str, int] = {}
    numbers: list[NDArray[np.float64]] = []
    # Chunk by chunk, so that millions of answers never stand as Python rows at once.
    while chunk := list(islice(rows, CHUNK)):
        numbers.append(
            np.array(
                [
                    (
                        task,
                        annotator,
                        skill,
                        codes.setdefault(label, len(codes)),
                        np.nan if seconds is None else seconds,
                        submitted.timestamp(),
                    )
                    for task, annotator, skill, label, seconds, submitted in chunk
                ],
                dtype=np.float64,
            )
        )
    table = np.concatenate(numbers) if numbers else np.zeros((0, 6))
    if len(table):
        # Rows of one task and annotator stand together: the last attempt counts.
        last = np.append((np.diff(table[:, :2], axis=0) != 0).any(axis=1), True)
        table = table[last]
    task, annotator, skill, label = (table[:, i].astype(np.int64) for i in range(4))
    return Answers(task, annotator, skill, label, table[:, 4], table[:, 5], tuple(codes))
