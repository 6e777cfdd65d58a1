"""Gold in numbers: from labels that a check made or confirmed, and from a file.

A file has a row per task: `task` is its external id in the project; the answer stands in `label`
(a label, or a text) or in `answer` (JSON). Rows that say what is gold already are left.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history

from accounts.models import User
from accounts.permissions import require
from audit.services.events import digest_of, record_event
from common.errors import AppError, Conflict
from common.files import BadField, FileReport, Refusal, rows_of
from quality.choices import GoldSource
from quality.errors import BadAnswer
from quality.models import GoldAnswer, Label
from quality.services.gold import (
    MANAGE,
    NO_GOLD,
    gold_value,
    make_gold_from,
    make_gold_from_review,
)
from quality.services.rightness import Value, checked_answer, value_of
from routing.choices import Metric
from routing.models import Project, Task

BATCH = 2_000


def candidates() -> QuerySet[Label]:
    """Return the labels in force that an adjudication or a quality review stands behind.

    Of tasks that are not gold. A review that only drew the answer does not count: it says the same.
    """
    gold = GoldAnswer.objects.filter(task=OuterRef("task"), retired_at__isnull=True)
    return (
        Label.objects.filter(ended_at__isnull=True)
        .filter(Q(adjudication__isnull=False) | Q(review__isnull=False))
        .exclude(Exists(gold))
        .exclude(task__state__in=NO_GOLD)
    )


@dataclass(frozen=True)
class Made:
    """What came of making gold of labels: how many were made, and why others were not."""

    made: int
    refused: tuple[tuple[str, str], ...]


@transaction.atomic
def make_gold_of(labels: Sequence[Label], *, acting_user: User, now: datetime) -> Made:
    """Make the tasks of labels gold, each by the check behind it; the others say why not.

    Labels that ended meanwhile, or whose check does not say what they say, are left out.
    """
    require(acting_user, MANAGE)
    rows = (
        Label.objects.filter(pk__in=[label.pk for label in labels])
        .select_related("task__task_type", "task__guideline", "adjudication", "review__task")
        .select_related("review__judgment", "review__accepted", "review__task__task_type")
        .order_by("pk")
    )
    made, refused = 0, []
    for label in rows:
        try:
            _from_label(label, acting_user, now)
        except AppError as error:
            refused.append((label.task.external_id, str(error)))
        else:
            made += 1
    return Made(made, tuple(refused))


def _from_label(label: Label, acting_user: User, now: datetime) -> None:
    if label.ended_at is not None:
        raise Conflict(_("The label is in force no more."))
    if label.adjudication is not None:
        said = Value(label.adjudication.answer, label.adjudication.label)
        if said != value_of(label):
            raise Conflict(_("The adjudication says something else than the label."))
        make_gold_from(label.adjudication, acting_user=acting_user, now=now)
    elif label.review is not None:
        make_gold_from_review(label.review, acting_user=acting_user, now=now)
    else:
        raise Conflict(_("No check stands behind this label."))


class _Refused(Exception):
    """A row is refused and all are to be."""


def import_gold(
    path: Path,
    project: Project,
    *,
    keep_good: bool = False,
    check_only: bool = False,
    acting_user: User,
    now: datetime,
) -> FileReport:
    """Import gold of a project's tasks from CSV or NDJSON.

    With a refused row nothing is written, or with `keep_good` everything but the refused rows. The
    same file twice changes nothing.

    Parameters
    ----------
    check_only : tell what would be made and write nothing

    Raises
    ------
    Invalid
        If the file as a whole cannot be read (common.files.rows_of).
    """
    require(acting_user, MANAGE)
    found = FileReport()
    try:
        with transaction.atomic():
            rows = _read(path, project, found)
            gold = [_row(task, value, acting_user, now) for task, value in rows]
            bulk_create_with_history(
                gold, GoldAnswer, batch_size=BATCH, default_user=acting_user, default_date=now
            )
            found.made = len(gold)
            if check_only or (found.refused and not keep_good):
                raise _Refused
            if gold:
                record_event(
                    "gold.imported",
                    acting_user=acting_user,
                    now=now,
                    subject="project",
                    subject_id=project.public_id,
                    made=found.made,
                    refused=len(found.refused),
                    digest=digest_of(str(task.public_id) for task, _value in rows),
                )
    except _Refused:
        if not check_only:
            found.made = found.unchanged = 0
    return found


def _row(task: Task, value: Value, acting_user: User, now: datetime) -> GoldAnswer:
    return GoldAnswer(
        task=task,
        label=value.label,
        answer=value.answer,
        source=GoldSource.IMPORT,
        set_by=acting_user,
        set_at=now,
    )


def _read(path: Path, project: Project, found: FileReport) -> list[tuple[Task, Value]]:
    """Return the tasks that the file makes gold; what is refused stands in the report."""
    lines: list[tuple[int, dict[str, Any]]] = []
    seen: dict[str, int] = {}
    for number, row in rows_of(path, required=("task",), optional=("label", "answer")):
        found.rows += 1
        if isinstance(row, Refusal):
            found.refused.append(row)
            continue
        name = str(row["task"] if row["task"] is not None else "").strip()
        first = seen.setdefault(name, number)
        if not name:
            found.refuse(number, BadField("task", "required", _("it is empty")))
        elif first != number:
            words = _("the task stands in row %(row)s already") % {"row": first}
            found.refuse(number, BadField("task", "once", words))
        else:
            lines.append((number, {**row, "task": name}))
    tasks = _tasks(project, [row["task"] for _number, row in lines])
    held = _held(list(tasks.values()))
    good = []
    for number, row in lines:
        try:
            task = tasks.get(row["task"])
            value = _value(row, task)
            if task is None or value is None:
                continue
            before = held.get(task.pk)
            if before is None:
                good.append((task, value))
            elif _same(gold_value(before), value):
                found.unchanged += 1
            else:
                words = _("it has another gold answer in force: retire it first")
                raise BadField("task", "one_in_force", words)
        except BadField as error:
            found.refuse(number, error)
    found.refused.sort(key=lambda refusal: refusal.row)
    return good


def _tasks(project: Project, names: Sequence[str]) -> dict[str, Task]:
    found: dict[str, Task] = {}
    for start in range(0, len(names), BATCH):
        rows = Task.objects.filter(
            project=project, external_id__in=names[start : start + BATCH]
        ).select_related("task_type", "guideline")
        found.update((task.external_id, task) for task in rows)
    return found


def _held(tasks: Sequence[Task]) -> dict[int, GoldAnswer]:
    found: dict[int, GoldAnswer] = {}
    for start in range(0, len(tasks), BATCH):
        some = [task.pk for task in tasks[start : start + BATCH]]
        rows = GoldAnswer.objects.filter(task__in=some, retired_at__isnull=True)
        found.update((gold.task_id, gold) for gold in rows)
    return found


def _value(row: dict[str, Any], task: Task | None) -> Value | None:
    if task is None:
        raise BadField("task", "known", _("the project has no such task"))
    if task.state in NO_GOLD:
        raise BadField("task", "state", _("it was taken out of work"))
    label, answer = row.get("label"), row.get("answer")
    label = None if label in (None, "") else str(label)
    if isinstance(answer, str) and answer.strip() == "":
        answer = None
    if (label is None) == (answer is None):
        raise BadField("label", "one_of", _("a row has a label or an answer"))
    field = "label" if label is not None else "answer"
    try:
        checked = checked_answer(task, label if label is not None else _json(answer, task))
    except BadAnswer as error:
        raise BadField(field, error.rule, str(error)) from error
    return Value(checked.answer, checked.label)


def _json(answer: Any, task: Task) -> Any:
    """Return an answer of a CSV file as JSON; those of NDJSON are JSON already."""
    if not isinstance(answer, str):
        return answer
    try:
        return json.loads(answer)
    except ValueError as error:
        if task.task_type.metric in (Metric.EXACT, Metric.WER):
            return answer  # a label or a text in the wrong column says the same
        raise BadField("answer", "json", _("this is no JSON: %s") % error) from error


def _same(one: Value, other: Value) -> bool:
    return one.label == other.label if one.label else one == other


__all__ = ["Made", "candidates", "import_gold", "make_gold_of"]
