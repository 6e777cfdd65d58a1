"""The answers whose agreement is measured: those of work, by task, annotator and field."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Q

from quality.core.agreement_measure import Given
from quality.models import Judgment
from routing.choices import Metric, Purpose
from routing.models import Project, TaskType

BATCH = 5_000
# Words as different as these are no choice among labels: they are remarks.
LONGEST_WORD = 200
# What an answer says beside its label, by the forms of the catalogue.
REMARKS = frozenset({"label", "comment", "note"})


@dataclass(frozen=True)
class Answered:
    """The last answers of everybody, sorted by task and annotator.

    rows : task, annotator, guideline (None = no version), label, answer
    """

    rows: list[tuple[int, int, int | None, str, Any]]

    @property
    def versions(self) -> list[int]:
        """Ids of the guideline versions that answers were given under, ascending."""
        return sorted({row[2] for row in self.rows if row[2] is not None})

    def under(self, guideline: int) -> "Answered":
        """Return the answers given under one version."""
        return Answered([row for row in self.rows if row[2] == guideline])


def read_answered(
    project: Project, task_type: TaskType, *, since: datetime | None, now: datetime
) -> Answered:
    """Return the answers to tasks of a type, submitted by `now`; the last attempt of each.

    Work and gold: nobody who answers can tell them apart. Qualification is no work.
    """
    given = Q(assignment__isnull=True) | Q(assignment__purpose__in=(Purpose.LABEL, Purpose.GOLD))
    rows = Judgment.objects.filter(
        given, task__project=project, task__task_type=task_type, submitted_at__lte=now
    )
    if since is not None:
        rows = rows.filter(submitted_at__gte=since)
    last: dict[tuple[int, int], tuple[int, int, int | None, str, Any]] = {}
    columns = ("task_id", "annotator_id", "guideline_id", "label", "answer")
    for row in (
        rows.order_by("task_id", "annotator_id", "attempt").values_list(*columns).iterator(BATCH)
    ):
        last[row[0], row[1]] = row
    return Answered(list(last.values()))


def fields_of(answered: Answered, task_type: TaskType) -> Iterator[tuple[str, str, Given]]:
    """Yield name, kind (words, numbers, parts) and answers of each field that can be compared.

    The label has no name. Members of an answer that are numbers, yes or no, or one of few words are
    fields; remarks are none.
    """
    if task_type.metric == Metric.EXACT:
        yield "", "words", _given({(r[0], r[1]): r[3] for r in answered.rows if r[3]})
    else:
        yield "", "parts", _given({(r[0], r[1]): r[4] for r in answered.rows})
    if task_type.metric == Metric.ABSOLUTE:
        yield from _numbers(answered)
        return
    for name, values in sorted(_members(answered).items()):
        if all(_is_number(value) for value in values.values()):
            yield name, "numbers", _given({key: float(value) for key, value in values.items()})
        elif _is_choice(values):
            yield name, "words", _given({key: str(value) for key, value in values.items()})


def _numbers(answered: Answered) -> Iterator[tuple[str, str, Given]]:
    """Yield scores: one number, or one by name or place."""
    by_name: dict[str, dict[tuple[int, int], float]] = defaultdict(dict)
    for task, annotator, _version, _label, answer in answered.rows:
        for name, value in _scores(answer).items():
            by_name[name][task, annotator] = float(value)
    for name, values in sorted(by_name.items()):
        yield name, "numbers", _given(values)


def _scores(answer: Any) -> Mapping[str, float]:
    if _is_number(answer):
        return {"score": answer}
    if isinstance(answer, list):
        return {str(place + 1): value for place, value in enumerate(answer) if _is_number(value)}
    if isinstance(answer, dict):
        return {str(name)[:60]: value for name, value in answer.items() if _is_number(value)}
    return {}


def _members(answered: Answered) -> dict[str, dict[tuple[int, int], Any]]:
    found: dict[str, dict[tuple[int, int], Any]] = defaultdict(dict)
    for task, annotator, _version, _label, answer in answered.rows:
        if isinstance(answer, dict):
            for name, value in answer.items():
                if name not in REMARKS and isinstance(value, str | bool | int | float):
                    found[str(name)[:60]][task, annotator] = value
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_choice(values: Mapping[tuple[int, int], Any]) -> bool:
    words = {str(value) for value in values.values()}
    short = all(len(word) <= LONGEST_WORD for word in words)
    return short and 2 * len(words) <= max(len(values), 4)


def _given(values: Mapping[tuple[int, int], Any]) -> Given:
    keys = np.array(list(values), dtype=np.int64).reshape(-1, 2)
    return Given(keys[:, 0], keys[:, 1], list(values.values()))
