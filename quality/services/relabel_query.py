"""Which tasks a guideline change touches: by what differs in the ontology, and by query."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from common.errors import Invalid
from quality.choices import RelabelWhy
from quality.core.normal import normal_label
from quality.core.ontology import (
    Change,
    fields_in,
    labels_in,
    touched_attributes,
    touched_labels,
)
from quality.models import Judgment, Label
from routing.choices import TaskState
from routing.models import GuidelineVersion, Project, Task, TaskType

BATCH = 2_000
# Tasks that have an answer that counts: what is open is answered by the new version anyway.
STATES = (TaskState.HELD, TaskState.ANSWERED, TaskState.ACCEPTED)


@dataclass(frozen=True)
class Query:
    """Which tasks to redo, of those answered under another version than the new one.

    difference : those whose labels or attributes mean something else by the ontology
    labels, fields : those whose answer carries one of them, whatever the ontology says
    since, until : of these only what was answered in [since, until)
    task_types : of these only these kinds of work (keys); empty = all
    """

    difference: bool = True
    labels: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    task_types: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return what is stored of it."""
        found = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        for name in ("since", "until"):
            at = getattr(self, name)
            found[name] = at.isoformat() if at is not None else None
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Query":
        """Return the query that was stored."""
        return cls(
            difference=bool(stored.get("difference", True)),
            labels=tuple(stored.get("labels", ())),
            fields=tuple(stored.get("fields", ())),
            since=_stored_time(stored.get("since")),
            until=_stored_time(stored.get("until")),
            task_types=tuple(stored.get("task_types", ())),
        )

    def check(self, project: Project) -> None:
        """Refuse what asks for nothing, or for what there is not.

        Raises
        ------
        Invalid
            Naming the field.
        """
        if not (self.difference or self.labels or self.fields):
            raise Invalid(_("It asks for nothing."), field="difference", rule="something")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise Invalid(_("The end is after the beginning."), field="until", rule="order")
        known = set(TaskType.objects.values_list("key", flat=True))
        unknown = sorted(set(self.task_types) - known)
        if unknown:
            raise Invalid(
                _("There is no task type %(key)s.") % {"key": ", ".join(unknown)},
                field="task_types",
                rule="known",
            )


def _stored_time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None


@dataclass(frozen=True)
class Touched:
    """A task that is touched, and by what."""

    task: int
    state: str
    attempt: int
    guideline: int | None
    label: int | None
    why: str
    what: str


def touched_tasks(
    project: Project, new: GuidelineVersion, changes: list[Change], query: Query
) -> Iterator[Touched]:
    """Yield the tasks that are touched, by id.

    An accepted task by its label; one that is not accepted yet by any answer of its attempt.
    """
    for task_type in _types(project, query):
        labels = frozenset(map(normal_label, query.labels))
        fields = frozenset(query.fields)
        if query.difference:
            labels |= touched_labels(changes, task_type.key)
            fields |= touched_attributes(changes, task_type.key)
        if not labels and not fields:
            continue
        asked = frozenset(map(normal_label, query.labels)) | frozenset(query.fields)
        yield from _accepted(project, task_type, new, labels, fields, asked, query)
        yield from _answered(project, task_type, new, labels, fields, asked, query)


def _types(project: Project, query: Query) -> QuerySet[TaskType]:
    used = Task.objects.filter(project=project).values("task_type")
    rows = TaskType.objects.filter(pk__in=used).order_by("pk")
    return rows.filter(key__in=query.task_types) if query.task_types else rows


def _older(new: GuidelineVersion, path: str) -> Q:
    """Return the condition that something was done under another version than the new one."""
    return Q(**{f"{path}__isnull": True}) | ~Q(**{path: new.pk})


def _accepted(
    project: Project,
    task_type: TaskType,
    new: GuidelineVersion,
    labels: frozenset[str],
    fields: frozenset[str],
    asked: frozenset[str],
    query: Query,
) -> Iterator[Touched]:
    rows = Label.objects.filter(
        _older(new, "task__guideline"),
        ended_at__isnull=True,
        task__project=project,
        task__task_type=task_type,
        task__state=TaskState.ACCEPTED,
    )
    rows = _in_time(rows, "accepted_at", query)
    if task_type.can_vote and not fields:
        rows = rows.filter(value__in=labels)
    columns = ("task_id", "task__attempt", "task__guideline_id", "pk", "value", "answer")
    for task, attempt, guideline, label, value, answer in (
        rows.order_by("task_id").values_list(*columns).iterator(BATCH)
    ):
        found = _hit(labels_in(answer) | {value}, fields_in(answer), labels, fields)
        if found is None:
            continue
        is_field, what = found
        why = RelabelWhy.FIELD if is_field else RelabelWhy.LABEL
        why = RelabelWhy.ASKED if what in asked else why
        yield Touched(task, TaskState.ACCEPTED, attempt, guideline, label, why, what)


def _answered(
    project: Project,
    task_type: TaskType,
    new: GuidelineVersion,
    labels: frozenset[str],
    fields: frozenset[str],
    asked: frozenset[str],
    query: Query,
) -> Iterator[Touched]:
    rows = Judgment.objects.filter(
        _older(new, "task__guideline"),
        task__project=project,
        task__task_type=task_type,
        task__state__in=(TaskState.HELD, TaskState.ANSWERED),
        assignment__purpose="label",
        assignment__attempt=F("task__attempt"),
    )
    rows = _in_time(rows, "submitted_at", query)
    columns = ("task_id", "task__state", "task__attempt", "task__guideline_id", "label", "answer")
    last = None
    for task, state, attempt, guideline, value, answer in (
        rows.order_by("task_id", "pk").values_list(*columns).iterator(BATCH)
    ):
        if task == last:
            continue
        found = _hit(labels_in(answer) | {value}, fields_in(answer), labels, fields)
        if found is None:
            continue
        last = task
        is_field, what = found
        why = RelabelWhy.FIELD if is_field else RelabelWhy.ANSWER
        why = RelabelWhy.ASKED if what in asked else why
        yield Touched(task, state, attempt, guideline, None, why, what)


def _in_time(rows: QuerySet[Any], column: str, query: Query) -> QuerySet[Any]:
    if query.since is not None:
        rows = rows.filter(**{f"{column}__gte": query.since})
    if query.until is not None:
        rows = rows.filter(**{f"{column}__lt": query.until})
    return rows


def _hit(
    own_labels: frozenset[str],
    own_fields: frozenset[str],
    labels: frozenset[str],
    fields: frozenset[str],
) -> tuple[bool, str] | None:
    """Return whether it is a field, and the first name of what is touched; None = nothing is."""
    if own_labels & labels:
        return False, min(own_labels & labels)
    if own_fields & fields:
        return True, min(own_fields & fields)[:200]
    return None
