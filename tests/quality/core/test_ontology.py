"""What differs between two ontologies, and which labels mean something else now."""

from typing import Any

import pytest

from quality.core.ontology import (
    differences,
    fields_in,
    labels_in,
    touched_attributes,
    touched_labels,
)


def told(old: Any, new: Any) -> list[tuple[str, tuple[str, ...], str]]:
    return [
        (change.kind, change.before, change.after)
        for change in differences({"labels": old}, {"labels": new})
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["b", "a"], []),
        (["a"], [{"name": "a"}], []),
        (["a", "b"], ["a"], [("removed", ("b",), "")]),
        (["a"], ["a", "b"], [("added", (), "b")]),
        (["a"], [{"name": "b", "was": "a"}], [("renamed", ("a",), "b")]),
        (
            [{"name": "a", "definition": "x"}],
            [{"name": "b", "was": "a", "definition": "y"}],
            [("changed", ("a",), "b")],
        ),
        (
            [{"name": "a", "definition": "x"}],
            [{"name": "a", "definition": "y"}],
            [("changed", ("a",), "a")],
        ),
        (["a", "b"], [{"name": "c", "was": ["a", "b"]}], [("merged", ("a", "b"), "c")]),
        # One swallows another and keeps its name.
        (["a", "b"], [{"name": "a", "was": ["a", "b"]}], [("merged", ("a", "b"), "a")]),
        (["a", "b"], [{"name": "a", "was": ["b"]}], [("merged", ("a", "b"), "a")]),
        (
            ["a"],
            [{"name": "b", "was": "a"}, {"name": "c", "was": "a"}],
            [("split", ("a",), "b"), ("split", ("a",), "c")],
        ),
        # A part is split off; the rest keeps the name and means less.
        (
            ["a"],
            ["a", {"name": "b", "was": "a"}],
            [("split", ("a",), "a"), ("split", ("a",), "b")],
        ),
        (["Red  fox"], ["Red fox"], []),
        (
            ["a"],
            [{"name": "b", "was": "never there"}],
            [("added", (), "b"), ("removed", ("a",), "")],
        ),
    ],
)
def test_changes_of_labels(old: Any, new: Any, expected: Any) -> None:
    assert told(old, new) == expected


def test_which_labels_are_touched() -> None:
    changes = differences(
        {"labels": ["a", "b", "c", "d"]},
        {"labels": ["a", {"name": "x", "was": "b"}, {"name": "c", "definition": "new"}, "e"]},
    )
    assert touched_labels(changes, "any") == {"b", "c", "d"}


def test_labels_by_task_type() -> None:
    old = {"labels": {"ner": ["PER", "ORG"], "sentiment": ["good", "bad"]}}
    new = {"labels": {"ner": ["PER"], "sentiment": ["good", "bad"]}}
    changes = differences(old, new)
    assert touched_labels(changes, "ner") == {"ORG"}
    assert touched_labels(changes, "sentiment") == frozenset()
    # Labels that stood for all are parted by type later.
    changes = differences({"labels": ["good", "bad", "PER"]}, new)
    assert touched_labels(changes, "sentiment") == {"PER"}
    assert touched_labels(changes, "ner") == {"good", "bad"}


def test_attributes() -> None:
    old = {"labels": ["a"], "attributes": {"hidden": "more than half", "far": "20 m"}}
    new = {"labels": ["a"], "attributes": {"hidden": "a tenth", "far": "20 m", "wet": ""}}
    changes = differences(old, new)
    assert touched_attributes(changes, "x") == {"hidden"}
    assert touched_labels(changes, "x") == frozenset()
    old = {"attributes": ["hidden", {"name": "far", "unit": "m"}]}
    new = {"attributes": [{"name": "far", "unit": "ft"}]}
    assert touched_attributes(differences(old, new), "x") == {"hidden", "far"}


@pytest.mark.parametrize("nothing", [None, {}, [], "labels", {"labels": "a"}, {"labels": [None]}])
def test_no_ontology_at_all(nothing: Any) -> None:
    assert differences(nothing, nothing) == []
    assert [c.kind for c in differences(nothing, {"labels": ["a"]})] == ["added"]


def test_labels_and_fields_in_answers() -> None:
    assert labels_in("cat") == {"cat"}
    assert labels_in({"label": "cat", "comment": "x"}) == {"cat"}
    boxes = [{"x": 1, "label": "car"}, {"x": 2, "label": "van", "attributes": {"hidden": True}}]
    assert labels_in(boxes) == {"car", "van"}
    assert fields_in(boxes) == {"x", "label", "attributes", "hidden"}
    assert fields_in({"label": "cat", "hidden": True}) == {"label", "hidden"}
    assert labels_in(None) == labels_in([]) == labels_in({}) == frozenset()
    assert fields_in("cat") == frozenset()
