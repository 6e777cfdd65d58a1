"""The plain form of an answer: what it asks for, by the schema of the task type.

Classification is a choice among the labels that the schema or the guideline names, or a word where
neither names any; text is a field to write in; any other answer is made in the labelling tool, or
written as JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from common.errors import Invalid
from routing.choices import Metric
from routing.core.answer_schema import LABEL_KEYWORD
from routing.models import Assignment, GuidelineVersion
from routing.selectors import labels_of

CHOICE, WORD, TEXT, JSON = "choice", "word", "text", "json"
RADIOS = 40  # more labels than these are typed, with suggestions
MAX_JSON = 2_000_000  # characters


@dataclass(frozen=True)
class AnswerField:
    """What is asked for.

    options : (value, words) of the labels to choose from
    member, comment : where label and comment stand in an answer that is an object, "" = nowhere
    bare : whether a label may stand by itself
    """

    kind: str
    options: list[tuple[str, str]] = field(default_factory=list)
    member: str = ""
    comment: str = ""
    bare: bool = True
    longest: int = 0

    @property
    def radios(self) -> bool:
        """Whether the labels are few enough to stand one below the other."""
        return self.kind == CHOICE and len(self.options) <= RADIOS


def answer_field(assignment: Assignment, guideline: GuidelineVersion | None) -> AnswerField:
    """Return what the answer to a task in hand looks like."""
    task_type = assignment.task.task_type
    schema: Mapping[str, Any] = task_type.answer_schema or {}
    branches = [row for row in schema.get("anyOf", [schema]) if isinstance(row, Mapping)]
    member = str(schema.get(LABEL_KEYWORD, ""))
    plain = next((row for row in branches if _is_text(row)), None)
    inside = next((row for row in branches if member in row.get("properties", {})), None)
    if not schema and task_type.metric == Metric.EXACT:
        plain = {"type": "string", "maxLength": 200}
    if plain is None and inside is None:
        return AnswerField(JSON)
    if not member and task_type.metric != Metric.EXACT:
        return AnswerField(TEXT, longest=int((plain or {}).get("maxLength", 0)))
    told = plain if plain is not None else inside["properties"][member]  # type: ignore[index]
    options = [(str(value), str(value)) for value in told.get("enum", [])] or labels_of(guideline)
    return AnswerField(
        CHOICE if options else WORD,
        options,
        member=member if inside is not None else "",
        comment="comment" if inside is not None and "comment" in inside["properties"] else "",
        bare=plain is not None,
        longest=int(told.get("maxLength", 200)),
    )


def _is_text(schema: Mapping[str, Any]) -> bool:
    values = schema.get("enum")
    return schema.get("type") == "string" or (
        isinstance(values, list) and all(isinstance(value, str) for value in values)
    )


def read_answer(asked: AnswerField, data: Mapping[str, Any]) -> Any:
    """Return the answer that a form holds.

    Raises
    ------
    Invalid
        If there is none, a label is none of those to choose from, or JSON cannot be read.
    """
    if asked.kind == JSON:
        return _read_json(str(data.get("json", "")))
    text = str(data.get("answer", ""))
    if asked.kind == TEXT:
        if not text.strip() and not data.get("nothing"):
            raise Invalid(
                _("Write the text, or say that there is none."), field="answer", rule="required"
            )
        # Browsers send line ends as CR LF; what was typed had LF.
        return text.replace("\r\n", "\n")
    label = text.strip()
    if not label:
        raise Invalid(_("Choose an answer."), field="answer", rule="required")
    if asked.options and label not in dict(asked.options):
        raise Invalid(
            _("%(label)s is none of the labels of the guideline.") % {"label": label[:100]},
            field="answer",
            rule="known",
        )
    comment = str(data.get("comment", "")).strip() if asked.comment else ""
    if comment:
        return {asked.member: label, asked.comment: comment}
    return label if asked.bare else {asked.member: label}


def _read_json(text: str) -> Any:
    if len(text) > MAX_JSON:
        raise Invalid(_("The answer is too long."), field="json", rule="length")
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Invalid(
            _("This is no JSON: %(why)s.") % {"why": str(error)[:100]}, field="json", rule="json"
        ) from error


def _no_number(name: str) -> Any:
    raise ValueError(name)
