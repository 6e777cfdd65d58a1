"""What the built-in form asks for, by the schema of a task type and the labels of the guideline.

A label to choose, a text, a number, yes or no, or an object of such members. Any other answer
(boxes, spans, rankings) is made in the labelling tool, or written as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from routing.choices import Metric
from routing.core.answer_schema import LABEL_KEYWORD
from routing.models import GuidelineVersion, TaskType
from routing.selectors import labels_of

CHOICE, SEVERAL, WORD, TEXT, NUMBER = "choice", "several", "word", "text", "number"
RADIOS = 10  # more labels than keys are searched by typing
SIDE_BY_SIDE = 4  # characters of each value
SHORT = 200  # characters up to which a text is one line
MAX_TEXT = 500_000


@dataclass(frozen=True)
class Option:
    """One of the values to choose from.

    value : as it stands in the answer; name : as forms send it; words : as people read it
    key : that chooses it, "" = none
    """

    value: Any
    name: str
    words: str
    key: str = ""

    @cached_property
    def folded(self) -> tuple[str, str]:
        """Words and name without case, as they are searched."""
        return self.words.casefold(), self.name.casefold()


@dataclass(frozen=True)
class Part:
    """One field of the form.

    name : of the form's field; member : of the answer, "" = the answer itself
    longest : characters of a text; least, most : of a number, None = any; whole : no fractions
    empty : whether an empty text, or none of the values, is an answer
    """

    name: str
    member: str
    kind: str
    title: str
    help: str = ""
    required: bool = True
    options: tuple[Option, ...] = ()
    longest: int = MAX_TEXT
    least: float | None = None
    most: float | None = None
    whole: bool = False
    empty: bool = False

    @property
    def radios(self) -> bool:
        """Whether the values are few enough to stand one below the other."""
        return self.kind == CHOICE and len(self.options) <= RADIOS

    @property
    def short(self) -> bool:
        """Whether the values are so short that they stand side by side."""
        return all(len(option.words) <= SIDE_BY_SIDE for option in self.options)

    @property
    def bounds(self) -> tuple[str, str]:
        """Least and most, as attributes of the page read them in any language."""
        return str(self.least), str(self.most)

    @property
    def searched(self) -> bool:
        """Whether the values are so many that they are searched."""
        return self.kind == CHOICE and not self.radios


@dataclass(frozen=True)
class Asked:
    """What a form asks for; no parts = JSON.

    bare : whether the value of the first part, alone, is the answer
    """

    parts: tuple[Part, ...] = ()
    bare: bool = False

    @property
    def keys(self) -> bool:
        """Whether number keys choose."""
        return any(option.key for part in self.parts if part.radios for option in part.options)

    @property
    def typed(self) -> bool:
        """Whether the first field is a text of several lines, where Enter is a new line."""
        return not self.parts or self.parts[0].kind == TEXT

    @property
    def search(self) -> bool:
        """Whether something is searched."""
        return any(part.searched for part in self.parts)


JSON = Asked()


def asked_for(task_type: TaskType, guideline: GuidelineVersion | None) -> Asked:
    """Return what the answer to a task of a type looks like under a guideline."""
    labels = labels_of(guideline, task_type.key) if task_type.metric == Metric.EXACT else []
    schema = json.dumps(task_type.answer_schema or _usual(task_type))
    return _asked(schema, tuple(labels), get_language() or "")


@lru_cache(maxsize=64)
def _asked(text: str, labels: tuple[tuple[str, str], ...], language: str) -> Asked:
    """Return what a schema asks for; kept, since ten thousand labels take a while to lay out.

    language : in which titles are
    """
    schema: Mapping[str, Any] = json.loads(text)
    branches = [row for row in schema.get("anyOf", [schema]) if isinstance(row, Mapping)]
    member = str(schema.get(LABEL_KEYWORD, ""))
    inside = next((row for row in branches if _fits(row, member)), None)
    plain = next((part for row in branches if (part := _part("", row, True, "", labels))), None)
    parts = _members(inside, member, labels) if inside is not None else None
    if parts is None:
        return JSON if plain is None else Asked(_with_keys([plain]), bare=True)
    # A label that may stand by itself needs nothing else beside it.
    bare = plain is not None and all(not part.required for part in parts[1:])
    return Asked(_with_keys(parts), bare=bare)


def _usual(task_type: TaskType) -> Mapping[str, Any]:
    """Return the schema of a type that has none, by what its metric compares."""
    if task_type.metric == Metric.EXACT:
        return {"type": "string", "minLength": 1, "maxLength": SHORT}
    if task_type.metric == Metric.ABSOLUTE:
        return {"type": "number"}
    return {"type": "string"} if task_type.metric == Metric.WER else {}


def _fits(schema: Mapping[str, Any], member: str) -> bool:
    members = schema.get("properties")
    return isinstance(members, Mapping) and bool(members) and (not member or member in members)


def _members(
    schema: Mapping[str, Any], label: str, labels: Sequence[tuple[str, str]]
) -> list[Part] | None:
    """Return the parts of an object; None where a needed one is not simple.

    The label comes first, then what is needed in the order in which the schema says so: databases
    do not keep the order of members.
    """
    needed = list(schema.get("required", ()))
    required = set(needed)
    place = {name: number for number, name in enumerate(needed)}
    found = []
    members = schema["properties"]
    for name in sorted(members, key=lambda name: (name != label, place.get(name, len(needed)))):
        inner = members[name]
        part = (
            _part(name, inner, name in required, label, labels)
            if isinstance(inner, Mapping)
            else None
        )
        if part is not None:
            found.append(part)
        elif name in required:
            return None
    # What is asked for but described nowhere cannot be given here.
    return found if found and required <= set(members) else None


def _part(
    member: str,
    schema: Mapping[str, Any],
    required: bool,
    label: str,
    labels: Sequence[tuple[str, str]],
) -> Part | None:
    """Return the field of a simple schema, None for any other.

    label : the member that is the label, "" = the answer itself
    """
    part = Part(
        name=f"answer.{member}" if member else "answer",
        member=member,
        kind="",
        title=str(schema.get("title") or _title(member)),
        help=str(schema.get("description", "")),
        required=required,
    )
    values = schema.get("enum")
    if isinstance(values, list):
        return _choice(part, values)
    match schema.get("type"):
        case "string":
            longest = min(int(schema.get("maxLength", MAX_TEXT)), MAX_TEXT)
            if member == label and labels:
                return replace(part, kind=CHOICE, options=_labels(labels))
            empty = not member and not schema.get("minLength") and longest > SHORT
            kind = WORD if longest <= SHORT else TEXT
            return replace(part, kind=kind, longest=longest, empty=empty)
        case "boolean":
            return replace(
                part,
                kind=CHOICE,
                options=(Option(True, "yes", _("yes")), Option(False, "no", _("no"))),
            )
        case "integer" | "number" as kind:
            return _number(part, schema, whole=kind == "integer")
        case "array":
            items = schema.get("items")
            inner = items.get("enum") if isinstance(items, Mapping) else None
            chosen = _choice(part, inner) if isinstance(inner, list) else None
            empty = not schema.get("minItems")
            return None if chosen is None else replace(chosen, kind=SEVERAL, empty=empty)
    return None


def _choice(part: Part, values: Sequence[Any]) -> Part | None:
    if not values or not all(isinstance(v, str | int | float | bool) for v in values):
        return None
    options = tuple(Option(v, _name(v), _name(v)) for v in values)
    if len({option.name for option in options}) < len(options):
        return None
    return replace(part, kind=CHOICE, options=options)


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def _labels(labels: Sequence[tuple[str, str]]) -> tuple[Option, ...]:
    """Return labels as options; words that stand for two of them say which."""
    times: dict[str, int] = {}
    for _value, words in labels:
        times[words] = times.get(words, 0) + 1
    return tuple(
        Option(value, value, words if times[words] == 1 else f"{words} · {value}")
        for value, words in labels
    )


def _number(part: Part, schema: Mapping[str, Any], *, whole: bool) -> Part:
    least, most = schema.get("minimum"), schema.get("maximum")
    if whole and isinstance(least, int) and isinstance(most, int) and 0 < most - least < RADIOS + 1:
        options = tuple(Option(v, str(v), str(v)) for v in range(least, most + 1))
        if len(options) <= RADIOS:
            return replace(part, kind=CHOICE, options=options)
    return replace(part, kind=NUMBER, least=least, most=most, whole=whole)


def _with_keys(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Give the values their keys: a score its own digit, anything else its place.

    In which of several fields a key chooses is told by the focus.
    """
    return tuple(
        replace(part, options=tuple(_keyed(part.options))) if part.radios else part
        for part in parts
    )


def _keyed(options: Sequence[Option]) -> Sequence[Option]:
    values = [option.value for option in options]
    if all(isinstance(v, int) and not isinstance(v, bool) and 0 <= v <= 10 for v in values):
        # Ten has the key of zero, where there is no zero.
        keys = {v: str(v % 10) for v in values if v < 10 or 0 not in values}
        return [replace(option, key=keys.get(option.value, "")) for option in options]
    return [replace(option, key=str((n + 1) % 10)) for n, option in enumerate(options)]


def _title(member: str) -> str:
    known = {
        "": _("Answer"),
        "label": _("Answer"),
        "comment": _("Comment"),
        "confidence": _("How sure are you?"),
    }
    words = member.replace("_", " ").replace("-", " ").strip()
    return known.get(member) or (words[:1].upper() + words[1:])
