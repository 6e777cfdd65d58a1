"""What differs between two versions of an ontology: which labels mean something else now.

An ontology names labels, as a list or as a list per task type; an entry is a name, or a mapping
with a `name`, whatever defines it, and `was`: the name (or names) that it had before. Attributes
are a list of entries or a mapping by name. Names are compared in their normal form.

| change | an entry that |
|---|---|
| removed | is there no more, under no name |
| renamed | has one former name and otherwise says the same |
| merged | has several former names |
| split | shares a former name with another entry |
| changed | says something else than before |
| added | has no former name: which labels it takes from cannot be known |
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quality.core.normal import normal_label

KINDS = ("removed", "renamed", "merged", "split", "changed", "added")
# Answers that carry such a label were given for another meaning than it has now.
TOUCHED = ("removed", "renamed", "merged", "split", "changed")


@dataclass(frozen=True, order=True)
class Change:
    """One difference. before : old names, () where added; after : the new name, "" where removed.

    task_type : key whose labels these are, "" = all; attribute : whether it is one, else a label
    """

    task_type: str
    attribute: bool
    kind: str
    before: tuple[str, ...]
    after: str


def differences(old: Any, new: Any) -> list[Change]:
    """Return what differs between two ontologies, in a fixed order.

    Examples
    --------
    >>> old = {"labels": ["car", "van", "bike"]}
    >>> new = {"labels": [{"name": "vehicle", "was": ["car", "van"]}, "bike"]}
    >>> [(change.kind, change.before, change.after) for change in differences(old, new)]
    [('merged', ('car', 'van'), 'vehicle')]
    """
    found = []
    for part in ("labels", "attributes"):
        before, after = _by_type(old, part), _by_type(new, part)
        for key in sorted(before.keys() | after.keys()):
            # Who parts labels by task type later parts those that stood for all.
            earlier = before.get(key, before.get("", {}))
            later = after.get(key, after.get("", {}))
            if key == "" and len(before.keys() | after.keys()) > 1:
                continue
            for kind, names, name in _changes(earlier, later):
                found.append(Change(key, part == "attributes", kind, names, name))
    return sorted(found)


def touched_labels(changes: list[Change], task_type: str) -> frozenset[str]:
    """Return the old names of labels whose meaning changed for a task type, by its key."""
    return _touched(changes, task_type, attribute=False)


def touched_attributes(changes: list[Change], task_type: str) -> frozenset[str]:
    """Return the old names of attributes whose meaning changed for a task type."""
    return _touched(changes, task_type, attribute=True)


def labels_in(answer: Any) -> frozenset[str]:
    """Return the labels that an answer carries: itself, its label, or those of its parts."""
    if isinstance(answer, Mapping):
        return frozenset({normal_label(answer.get("label"))} - {""})
    if isinstance(answer, list):
        parts = (part.get("label") for part in answer if isinstance(part, Mapping))
        return frozenset({normal_label(label) for label in parts} - {""})
    return frozenset({normal_label(answer)} - {""})


def fields_in(answer: Any) -> frozenset[str]:
    """Return the names of members and attributes that an answer carries, of its parts as well."""
    found: set[str] = set()
    for part in answer if isinstance(answer, list) else [answer]:
        if isinstance(part, Mapping):
            found |= set(map(str, part))
            inner = part.get("attributes")
            if isinstance(inner, Mapping):
                found |= set(map(str, inner))
    return frozenset(found)


def _touched(changes: list[Change], task_type: str, *, attribute: bool) -> frozenset[str]:
    return frozenset(
        name
        for change in changes
        if change.kind in TOUCHED
        and change.attribute == attribute
        and change.task_type in ("", task_type)
        for name in change.before
    )


def _by_type(ontology: Any, part: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return entries by name, by task type ("" = all)."""
    named = ontology.get(part) if isinstance(ontology, Mapping) else None
    if isinstance(named, list):
        return {"": dict(_entries(named))}
    if not isinstance(named, Mapping):
        return {}
    if part == "labels" or all(isinstance(entry, list) for entry in named.values()):
        return {
            str(key): dict(_entries(entries))
            for key, entries in named.items()
            if isinstance(entries, list)
        }
    # Attributes by name: what defines each.
    return {"": dict(_entries([{"name": name, "definition": d} for name, d in named.items()]))}


def _entries(named: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in named:
        said = dict(entry) if isinstance(entry, Mapping) else {"name": entry}
        name = normal_label(said.get("name"))
        if name:
            yield name, said


def _changes(
    old: Mapping[str, dict[str, Any]], new: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    former = {name: _former(entry, old) for name, entry in new.items()}
    taken = Counter(name for names in former.values() for name in names)
    kept = set(new) & set(old)
    for name in old:
        if name not in new and not taken[name]:
            yield "removed", (name,), ""
    for name, entry in new.items():
        names = former[name]
        if name in kept and name not in names:
            # It kept its name; what it took from others (or gave to them) is told by these.
            names = (name, *names) if names else (name,)
        if not names:
            yield "added", (), name
        elif len(names) > 1:
            yield "merged", tuple(sorted(names)), name
        elif taken[names[0]] + (names[0] in kept and name != names[0]) > 1:
            yield "split", names, name
        elif names[0] != name and _says(entry) == _says(old[names[0]]):
            yield "renamed", names, name
        elif _says(entry) != _says(old[names[0]]):
            yield "changed", names, name
        elif taken[name] and name in kept:
            # Another entry was made of part of it.
            yield "split", (name,), name


def _former(entry: Mapping[str, Any], old: Mapping[str, Any]) -> tuple[str, ...]:
    was = entry.get("was", [])
    names = [normal_label(name) for name in (was if isinstance(was, list) else [was])]
    return tuple(dict.fromkeys(name for name in names if name in old))


def _says(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("name", "was")}
