"""Checking an answer: its size, the schema of its task type, the form its metric compares, and the
labels of the guideline version it was given under."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from quality.core.normal import normal_label
from quality.core.score import check_form
from quality.errors import BadAnswer
from routing.choices import Metric
from routing.core.answer_schema import answer_form
from routing.models import GuidelineVersion

MAX_BYTES = 1 << 20  # of an answer as JSON
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it, behind no single backslash


@dataclass(frozen=True)
class Checked:
    """A valid answer with its normalised label, empty where its type is not put to a vote."""

    answer: Any
    label: str


@dataclass(frozen=True)
class Ontology:
    """The labels that a guideline version allows for a task type; none named = any.

    by_fold : the one label that is written so but for case
    """

    labels: frozenset[str]
    by_fold: dict[str, str]

    def __len__(self) -> int:
        return len(self.labels)

    def spelt(self, label: str) -> str:
        """Return the label as the guideline spells it; empty if it has none of that name."""
        if not self.labels or label in self.labels:
            return label
        return self.by_fold.get(label.casefold(), "")


NO_ONTOLOGY = Ontology(frozenset(), {})


def check_answer(answer: Any, *, schema: str, metric: str, ontology: Ontology) -> Checked:
    """Check an answer and return it with its normalised label.

    Parameters
    ----------
    schema : of the task type, as JSON text

    Raises
    ------
    BadAnswer
        Naming the rule that it breaks, and where.
    """
    _check_json(answer)
    form = answer_form(schema)
    breach = form.breach(answer)
    if breach is not None:
        raise BadAnswer(
            _("The answer breaks the schema of its task type at %(path)s: %(message)s")
            % {"path": breach.path or "/", "message": breach.message},
            field="answer",
            rule=breach.rule,
            path=breach.path,
        )
    try:
        check_form(metric, answer)
    except ValueError as error:
        raise BadAnswer(str(error), field="answer", rule=metric) from error
    if metric != Metric.EXACT:
        if ontology.labels:
            _check_parts(answer, ontology)
        return Checked(answer, "")
    label = ontology.spelt(normal_label(form.label_part(answer)))
    if not label:
        raise BadAnswer(
            _("The answer has no label, or none that the guideline names."),
            field="answer",
            rule="label",
        )
    return Checked(answer, label)


def _check_json(answer: Any) -> None:
    """Refuse what is no JSON, too large, or holds characters that no database keeps."""
    try:
        # Half of a character that takes two cannot be encoded.
        text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise BadAnswer(_("The answer is no JSON."), field="answer", rule="json") from error
    if size > MAX_BYTES:
        raise BadAnswer(
            _("The answer has %(size)s bytes, %(most)s are allowed.")
            % {"size": format(size, ","), "most": format(MAX_BYTES, ",")},
            field="answer",
            rule="size",
        )
    if NUL.search(text):
        raise BadAnswer(_("The answer holds a NUL character."), field="answer", rule="json")


def _check_parts(answer: Any, ontology: Ontology) -> None:
    """Refuse shapes and spans with labels that the guideline does not name."""
    for place, part in enumerate(answer if isinstance(answer, list) else ()):
        if not isinstance(part, dict) or part.get("label") is None:
            continue
        if ontology.spelt(normal_label(part["label"])) != normal_label(part["label"]):
            raise BadAnswer(
                _("Part %(place)s of the answer has a label that the guideline does not name.")
                % {"place": place + 1},
                field="answer",
                rule="label",
                path=f"/{place}/label",
            )


@lru_cache(maxsize=1024)
def ontology_of(guideline: UUID | None, task_type: str) -> Ontology:
    """Return the labels that a guideline version allows for a task type, by its key.

    `labels` of its ontology is a list (names, or mappings with a `name`), or such a list by task
    type. Kept for good: versions never change (a trigger holds it), and public ids are random.
    """
    if guideline is None:
        return NO_ONTOLOGY
    ontology = GuidelineVersion.objects.values_list("ontology", flat=True).get(public_id=guideline)
    return read_ontology(ontology, task_type)


def read_ontology(ontology: Any, task_type: str) -> Ontology:
    """Return the labels that an ontology allows for a task type."""
    named = ontology.get("labels") if isinstance(ontology, dict) else None
    if isinstance(named, dict):
        named = named.get(task_type)
    labels = frozenset(_names(named)) if isinstance(named, list) else frozenset()
    folds: dict[str, set[str]] = {}
    for label in labels:
        folds.setdefault(label.casefold(), set()).add(label)
    return Ontology(labels, {k: next(iter(v)) for k, v in folds.items() if len(v) == 1})


def _names(named: Iterable[Any]) -> Iterable[str]:
    for entry in named:
        label = normal_label(entry.get("name") if isinstance(entry, dict) else entry)
        if label:
            yield label
