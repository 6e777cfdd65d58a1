"""The field by which a form of the console asks for an answer, by the schema of the task type.

A label is chosen where few are named, else typed; text is written; anything else is JSON. What the
schema and the guideline ask is checked by the services.
"""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from quality.services.answer_checks import read_ontology
from routing.choices import Metric
from routing.core.answer_schema import LABEL_KEYWORD
from routing.models import GuidelineVersion, Task
from routing.selectors import labels_of

CHOSEN = 300  # labels that stand in a list; more are typed
EMPTY_TEXT = '""'


class AnswerField(forms.CharField):
    """An answer; empty = None."""

    def __init__(self, *, kind: str, member: str = "", **kwargs: Any) -> None:
        self.kind, self.member = kind, member
        super().__init__(required=False, strip=kind != "text", **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text.strip():
            return None
        if self.kind == "text":
            return "" if text.strip() == EMPTY_TEXT else text.replace("\r\n", "\n")
        if self.kind == "json":
            try:
                return json.loads(text, parse_constant=_no_number)
            except (ValueError, RecursionError) as error:
                raise forms.ValidationError(
                    _("This is no JSON: %(why)s."), params={"why": str(error)[:100]}
                ) from error
        return {self.member: text} if self.member else text


def answer_field(
    task: Task, guideline: GuidelineVersion | None, *, given: Any = None, label: Any = ""
) -> AnswerField:
    """Return the field for an answer to a task; `given` is what stands in it where it is JSON."""
    schema: Mapping[str, Any] = task.task_type.answer_schema or {}
    if task.task_type.metric == Metric.EXACT:
        return _label_field(task, guideline, schema, label)
    if task.task_type.metric == Metric.WER:
        return AnswerField(
            kind="text",
            label=label,
            widget=UnfoldAdminTextareaWidget(),
            initial=given if isinstance(given, str) else "",
            help_text=_('Two quotes ("") stand for an empty text.'),
        )
    return AnswerField(
        kind="json",
        label=label,
        widget=UnfoldAdminTextareaWidget(attrs={"spellcheck": "false"}),
        initial="" if given is None else json.dumps(given, ensure_ascii=False, indent=1),
        help_text=_("As JSON, in the form of the answer above."),
    )


def _label_field(
    task: Task, guideline: GuidelineVersion | None, schema: Mapping[str, Any], label: Any
) -> AnswerField:
    branches = [row for row in schema.get("anyOf", [schema]) if isinstance(row, Mapping)]
    plain = next((row for row in branches if row.get("type") == "string" or "enum" in row), None)
    member = str(schema.get(LABEL_KEYWORD, "")) if schema and plain is None else ""
    if schema and plain is None and not member:
        return AnswerField(
            kind="json",
            label=label,
            widget=UnfoldAdminTextareaWidget(attrs={"spellcheck": "false"}),
            help_text=_("As JSON, in the form of the answer above."),
        )
    options = [(str(value), str(value)) for value in (plain or {}).get("enum", [])]
    options = options or labels_of(guideline, task.task_type.key)
    if not options and guideline is not None:
        by_type = read_ontology(guideline.ontology, task.task_type.key)
        options = [(name, name) for name in sorted(by_type.labels)]
    widget: forms.Widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    if 0 < len(options) <= CHOSEN:
        widget = UnfoldAdminSelectWidget(choices=[("", "–"), *options])
    return AnswerField(
        kind="label",
        member=member,
        label=label,
        widget=widget,
        help_text=_("One of the labels of the guideline.") if options else "",
    )


def _no_number(name: str) -> Any:
    raise ValueError(name)
