"""Answers as values: checked as those of a task, and whether one is right by another."""

import json
from dataclasses import dataclass
from typing import Any

from quality.core.score import score
from quality.models import Judgment, Label
from quality.services.answer_checks import Checked, check_answer, ontology_of
from routing.choices import Metric
from routing.models import Task, TaskType


@dataclass(frozen=True)
class Value:
    """An answer in full, and its normalised label (empty where the type is not put to a vote)."""

    answer: Any
    label: str


def value_of(row: Judgment | Label) -> Value:
    """Return what a judgment or an accepted label says."""
    return Value(row.answer, row.label if isinstance(row, Judgment) else row.value)


def is_right(task_type: TaskType, reference: Value, given: Value) -> bool:
    """Tell whether an answer is right by a reference: its score reaches the type's threshold.

    Labels are compared as they are normalised; an answer that lacks the metric's form is wrong.
    """
    if task_type.metric == Metric.EXACT and reference.label and given.label:
        return reference.label == given.label
    try:
        return score(task_type.metric, reference.answer, given.answer) >= task_type.threshold
    except ValueError:
        return False


def checked_answer(task: Task, answer: Any) -> Checked:
    """Check an answer to a task by the schema of its type and the guideline it stands under.

    Raises
    ------
    BadAnswer
        Naming the rule that it breaks, and where.
    """
    task_type = task.task_type
    guideline = task.guideline.public_id if task.guideline is not None else None
    return check_answer(
        answer,
        schema=json.dumps(task_type.answer_schema),
        metric=task_type.metric,
        ontology=ontology_of(guideline, task_type.key),
    )
