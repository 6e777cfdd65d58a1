"""Reading an answer from a form, showing one in it, and searching among many labels."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from console.queue.parts import CHOICE, NUMBER, SEVERAL, TEXT, Asked, Option, Part

MAX_JSON = 2_000_000  # characters
SHORT = 80  # characters of an answer that stands in one line
FOUND = 20  # labels of a search that are shown
CONFIDENCE = "confidence"  # the member that says how sure somebody is


@dataclass(frozen=True)
class Read:
    """What a form says: the answer, or what is wrong by the name of the field."""

    answer: Any = None
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class Field:
    """A part as a page shows it: with what was typed, and what is wrong with it."""

    part: Part
    number: int
    value: str = ""
    chosen: Sequence[str] = ()
    error: str = ""
    nothing: bool = False
    found: Sequence[Option] | None = None


def read_answer(asked: Asked, data: Any) -> Read:
    """Return the answer that a form holds.

    data : a QueryDict, or a mapping whose values may be lists
    """
    if not asked.parts:
        return _read_json(str(data.get("json", "")))
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for part in asked.parts:
        try:
            value = _read(part, data)
        except ValueError as error:
            errors[part.name] = str(error)
            continue
        if value is not None:
            values[part.member] = value
        elif part.required:
            errors[part.name] = _missing(part)
    if errors:
        return Read(errors=errors)
    first = asked.parts[0].member
    if asked.bare and set(values) == {first}:
        return Read(values[first])
    return Read(values)


def _missing(part: Part) -> str:
    if part.kind in (CHOICE, SEVERAL):
        return _("Choose an answer.")
    if part.empty:
        return _("Write the text, or say that there is none.")
    return _("This is needed.")


def _read(part: Part, data: Any) -> Any:
    """Return the value of a part, None where there is none.

    Raises
    ------
    ValueError
        In words, if it is none that the part takes.
    """
    if part.kind == SEVERAL:
        names = set(_list(data, part.name))
        chosen = [option.value for option in part.options if option.name in names]
        return chosen if chosen or (part.required and part.empty) else None
    text = str(data.get(part.name, ""))
    if part.kind == TEXT:
        if not text.strip():
            return "" if part.empty and data.get(f"{part.name}.nothing") else None
        # Browsers send line ends as CR LF; what was typed had LF.
        text = text.replace("\r\n", "\n")
    else:
        text = text.strip()
    if part.searched and data.get(f"{part.name}.pick"):
        text = str(data[f"{part.name}.pick"])
    if not text:
        return None
    if part.kind == CHOICE:
        return _chosen(part, text)
    if part.kind == NUMBER:
        return _number(part, text)
    if len(text) > part.longest:
        raise ValueError(
            _("This has %(count)s characters, %(most)s are allowed.")
            % {"count": f"{len(text):,}", "most": f"{part.longest:,}"}
        )
    return text


def _list(data: Any, name: str) -> list[str]:
    if hasattr(data, "getlist"):
        return list(data.getlist(name))
    value = data.get(name, [])
    return list(value) if isinstance(value, list | tuple) else [str(value)]


def _chosen(part: Part, text: str) -> Any:
    for same in (
        lambda option: option.name == text,
        lambda option: option.words == text,
        lambda option: text.casefold() in option.folded,
    ):
        found = [option for option in part.options if same(option)]
        if len(found) == 1:
            return found[0].value
    raise ValueError(_("%(label)s is none of the labels of the guideline.") % {"label": text[:100]})


def _number(part: Part, text: str) -> int | float:
    try:
        value: int | float = int(text)
    except ValueError:
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            raise ValueError(_("This is no number.")) from None
    if not math.isfinite(value) or (part.whole and not float(value).is_integer()):
        raise ValueError(_("This is no whole number.") if part.whole else _("This is no number."))
    if part.least is not None and value < part.least:
        raise ValueError(_("At least %(least)s.") % {"least": part.least})
    if part.most is not None and value > part.most:
        raise ValueError(_("At most %(most)s.") % {"most": part.most})
    return int(value) if part.whole else value


def _read_json(text: str) -> Read:
    if not text.strip():
        return Read(errors={"json": _("This is needed.")})
    if len(text) > MAX_JSON:
        return Read(errors={"json": _("The answer is too long.")})
    try:
        return Read(json.loads(text, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        return Read(errors={"json": _("This is no JSON: %(why)s.") % {"why": str(error)[:100]}})


def _no_number(name: str) -> Any:
    raise ValueError(name)


def confidence_of(asked: Asked, answer: Any) -> float | None:
    """Return how sure somebody says to be, where the schema asks for it as a share."""
    part = next((part for part in asked.parts if part.member == CONFIDENCE), None)
    value = answer.get(CONFIDENCE) if part is not None and isinstance(answer, Mapping) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    return None


def field_of_path(asked: Asked, path: str) -> str:
    """Return the name of the field that a breach of the schema is about, "" = none of them."""
    if not asked.parts:
        return "json"
    member = path.strip("/").split("/")[0]
    named = next((part.name for part in asked.parts if part.member and part.member == member), "")
    return named or (asked.parts[0].name if len(asked.parts) == 1 else "")


def fields_of(
    asked: Asked, data: Any = None, errors: Mapping[str, str] | None = None
) -> list[Field]:
    """Return the fields of a form with what was typed, and what is wrong with it."""
    given, wrong = data if data is not None else {}, errors or {}
    found = []
    for number, part in enumerate(asked.parts):
        row = Field(part, number, error=wrong.get(part.name, ""))
        if part.kind == SEVERAL:
            row.chosen = _list(given, part.name)
        else:
            pick = str(given.get(f"{part.name}.pick", "")) if part.searched else ""
            row.value = pick or str(given.get(part.name, ""))
            if part.searched:
                words = {option.name: option.words for option in part.options}
                row.value = words.get(row.value, row.value)
        row.nothing = bool(given.get(f"{part.name}.nothing"))
        if part.searched and (row.error or given.get("find") == part.name):
            row.found = matching(part.options, row.value)
        found.append(row)
    return found


def data_of(asked: Asked, answer: Any) -> dict[str, Any] | None:
    """Return an answer as the form would send it; None where the form cannot hold all of it."""
    if not asked.parts:
        return {"json": json.dumps(answer, ensure_ascii=False, indent=2)}
    first = asked.parts[0]
    bare = not isinstance(answer, Mapping) or not first.member
    values: Mapping[str, Any] = {first.member: answer} if bare else answer
    parts = {part.member: part for part in asked.parts}
    if not set(values) <= set(parts):
        return None
    found: dict[str, Any] = {}
    for member, value in values.items():
        part = parts[member]
        if part.kind == SEVERAL:
            found[part.name] = [o.name for o in part.options if o.value in value]
        elif part.kind == CHOICE:
            found[part.name] = next((o.name for o in part.options if _same(o.value, value)), value)
        else:
            found[part.name] = value
        if value == "" and part.empty:
            found[f"{part.name}.nothing"] = "on"
    return found


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def shown_answer(asked: Asked, answer: Any) -> list[dict[str, Any]]:
    """Return an answer as rows of title and text, to be read."""
    data = data_of(asked, answer) if asked.parts else None
    if data is None:
        text = (
            answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, indent=2)
        )
        return [{"title": "", "text": text, "code": not isinstance(answer, str)}]
    rows = []
    for part in asked.parts:
        if part.name not in data:
            continue
        words = {option.name: option.words for option in part.options}
        value = data[part.name]
        names = value if isinstance(value, list) else [value]
        text = ", ".join(words.get(str(name), str(name)) for name in names)
        rows.append({"title": part.title, "text": text, "code": False})
    return rows if len(rows) > 1 else [{**row, "title": ""} for row in rows]


def matching(options: Iterable[Option], text: str, most: int = FOUND) -> list[Option]:
    """Return the options that a text may mean, the nearest first.

    Those that are it, begin with it, have a word that begins with it, hold it, hold all its words.
    """
    wanted = text.strip().casefold()
    if not wanted:
        return list(options)[:most]
    words = wanted.split()
    groups: list[list[Option]] = [[], [], [], [], []]
    for option in options:
        near = _nearness(option, wanted, words)
        if near is not None:
            groups[near].append(option)
    return [option for group in groups for option in group][:most]


def _nearness(option: Option, wanted: str, words: Sequence[str]) -> int | None:
    names = option.folded
    if wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names):
        return 1
    if any(f" {wanted}" in name for name in names):
        return 2
    if any(wanted in name for name in names):
        return 3
    if any(all(word in name for word in words) for name in names):
        return 4
    return None


def written(data: Any) -> list[str]:
    """Return what was typed into the fields of an answer, to be copied from a page without them."""
    names = [name for name in data if name in ("json", "answer") or name.startswith("answer.")]
    return [text for name in names for text in _list(data, name) if text.strip()]


def short(answer: Any) -> str:
    """Return an answer in one line."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= SHORT else f"{line[: SHORT - 1]}…"
