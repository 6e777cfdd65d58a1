"""What the answers of a task type look like: JSON Schema (2020-12), read by jsonschema.

One keyword of our own, `x-label`, names the member of an answer that is its label; an answer that
is no object is its label itself. References go no further than the schema: nothing is ever fetched.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

LABEL_KEYWORD = "x-label"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_SCHEMA = 64 * 1024  # characters of JSON
# Words that would let a schema reach outside itself, or mean something else than it says.
REFUSED = frozenset({"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"})
SHOWN = 200  # characters of a message: it quotes the answer


@dataclass(frozen=True)
class Breach:
    """Where an answer breaks its schema: path from the top, the rule's keyword, and words."""

    path: str
    rule: str
    message: str


class AnswerForm:
    """A schema, made ready to check answers."""

    def __init__(self, schema: dict[str, Any]) -> None:
        # The empty registry fetches nothing.
        self._validator = Draft202012Validator(schema, registry=Registry())
        self.free = not schema
        self.label_member = str(schema.get(LABEL_KEYWORD, ""))

    def breach(self, answer: Any) -> Breach | None:
        """Return what is wrong with an answer, the first thing from the top; None = nothing."""
        if self.free or self._validator.is_valid(answer):
            return None
        error = min(
            _causes(self._validator.iter_errors(answer)), key=lambda e: list(map(str, e.path))
        )
        return Breach(_pointer(error.path), str(error.validator), error.message[:SHOWN])

    def label_part(self, answer: Any) -> Any:
        """Return the part of a valid answer that is its label."""
        if self.label_member and isinstance(answer, dict):
            return answer.get(self.label_member)
        return answer


@lru_cache(maxsize=512)
def answer_form(schema: str) -> AnswerForm:
    """Return the form of a schema, given as JSON text, so that a changed schema is another one."""
    return AnswerForm(json.loads(schema) or {})


def schema_problems(schema: Any) -> list[str]:
    """Return what is wrong with a schema of answers; empty = it can be used.

    Examples
    --------
    >>> schema_problems({"type": "string"})
    []
    >>> schema_problems({"type": "strin"})[0][:30]
    "type: 'strin' is not valid und"
    """
    if not isinstance(schema, dict):
        return ["a schema is a mapping"]
    try:
        length = len(json.dumps(schema, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return ["a schema is plain JSON"]
    if length > MAX_SCHEMA:
        return [f"a schema has {MAX_SCHEMA:,} characters at most, this one {length:,}"]
    if schema.get("$schema", DIALECT) != DIALECT:
        return [f"$schema: only {DIALECT} is read"]
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [f"{_pointer(error.path) or 'schema'}: {error.message[:SHOWN]}"]
    found = [
        problem
        for path, word, value in _words(schema, "")
        if (problem := _refused(path, word, value))
    ]
    member = schema.get(LABEL_KEYWORD, "")
    if LABEL_KEYWORD in schema and not (isinstance(member, str) and member):
        found.append(f"{LABEL_KEYWORD}: it names the member of an answer that is its label")
    return found or _unresolved(schema)


def _refused(path: str, word: str, value: Any) -> str:
    if word in REFUSED:
        return f"{path}: {word} is not used here"
    if word == "$ref" and not (isinstance(value, str) and value.startswith("#")):
        return f"{path}: a reference stays within the schema and begins with #"
    if word == "pattern" and isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            return f"{path}: no regular expression ({error})"
    return ""


def _unresolved(schema: dict[str, Any]) -> list[str]:
    """Return a problem where a reference leads nowhere, or round in a ring."""
    refs = {value for _path, word, value in _words(schema, "") if word == "$ref"}
    for ref in sorted(refs):
        probe = Draft202012Validator({**schema, "$ref": ref}, registry=Registry())
        try:
            probe.is_valid(None)
        except (Unresolvable, RecursionError):
            return [f"$ref: {ref} leads nowhere"]
    return []


def _words(value: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}/{key}", str(key), inner
            yield from _words(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _words(inner, f"{path}/{number}")


def _causes(errors: Any) -> Iterator[ValidationError]:
    """Yield the errors themselves; of a choice that none fits, those of the nearest branch."""
    for error in errors:
        if error.context:
            branches: dict[Any, list[ValidationError]] = {}
            for inner in error.context:
                branches.setdefault(inner.schema_path[0], []).append(inner)
            # The branch whose type fits, if there is one, says what is wrong within.
            typed = [
                b
                for b in branches.values()
                if not any(e.validator == "type" and not e.path for e in b)
            ]
            if typed:
                yield from _causes(min(typed, key=len))
                continue
        yield error


def _pointer(path: Any) -> str:
    return "".join(f"/{part}" for part in path)
