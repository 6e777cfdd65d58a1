"""Schemas of answers: checked before they are used, and nothing is fetched."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from routing.core.answer_schema import AnswerForm, answer_form, schema_problems

CATALOGUE = Path(__file__).parents[3] / "routing" / "catalogue.yaml"
ANSWERS: dict[str, Any] = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["answers"]
BOX = {"x": 0, "y": 0, "width": 2, "height": 3, "label": "car"}
TRIANGLE = {"points": [[0, 0], [1, 0], [0, 1]], "label": "car"}
GOOD: dict[str, list[Any]] = {
    "label": ["cat", {"label": "cat", "comment": "hidden by a bush"}],
    "boxes": [[], [BOX], [{**BOX, "track": 7, "frame": 12}]],
    "shapes": [[BOX, TRIANGLE]],
    "cuboids": [[{**BOX, "z": 1.5, "depth": 4, "yaw": 0.3}]],
    "spans": [[], [{"start": 0, "end": 4, "label": "PER", "id": "e1"}]],
    "text": ["", "the quick brown fox"],
    "ranking": [["b", "a"], {"a": 1, "b": 0.5}],
}
BAD: dict[str, list[tuple[Any, str, str]]] = {
    "label": [
        (7, "", "anyOf"),
        ("", "", "minLength"),
        ({"label": ""}, "/label", "minLength"),
        ({"comment": "none"}, "", "required"),
        ("x" * 201, "", "maxLength"),
    ],
    "boxes": [
        ({}, "", "type"),
        ([{**BOX, "width": 0}], "/0/width", "exclusiveMinimum"),
        ([BOX, {"x": 1}], "/1", "required"),
        ([{**BOX, "colour": 1}], "/0", "additionalProperties"),
    ],
    "shapes": [([{"points": [[0, 0]]}], "/0/points", "minItems")],
    "cuboids": [([{**BOX, "yaw": "left"}], "/0/yaw", "type")],
    "spans": [([{"start": -1, "end": 2}], "/0/start", "minimum")],
    "text": [(["a"], "", "type")],
    "ranking": [(["a", "a"], "", "uniqueItems"), ({"a": "first"}, "/a", "type")],
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_catalogue(name: str) -> None:
    assert schema_problems(ANSWERS[name]) == []
    form = AnswerForm(ANSWERS[name])
    for answer in GOOD[name]:
        assert form.breach(answer) is None
    for answer, path, rule in BAD[name]:
        breach = form.breach(answer)
        assert breach is not None
        assert (breach.path, breach.rule) == (path, rule)


def test_the_label_of_an_answer() -> None:
    form = AnswerForm(ANSWERS["label"])
    assert form.label_part("cat") == form.label_part({"label": "cat", "comment": "x"}) == "cat"
    assert AnswerForm({}).label_part({"label": "cat"}) == {"label": "cat"}


def test_an_empty_schema_takes_anything() -> None:
    assert answer_form("{}").breach([1, {"a": None}]) is None


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ([], "mapping"),
        ({"type": "strin"}, "type"),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "2020-12"),
        ({"$ref": "https://example.org/schema.json"}, "begins with #"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "begins with #"),
        ({"$ref": "#/$defs/missing"}, "leads nowhere"),
        ({"$ref": "#"}, "leads nowhere"),
        ({"$id": "https://example.org"}, "not used"),
        ({"pattern": "("}, "regular expression|pattern"),
        ({"x-label": 3}, "x-label"),
        ({"enum": [float("nan")]}, "plain JSON"),
        ({"enum": ["x" * 70_000]}, "at most"),
    ],
)
def test_bad_schemas_are_told(schema: Any, told: str) -> None:
    import re

    (problem, *_more) = schema_problems(schema)
    assert re.search(told, problem)


def test_a_changed_schema_is_another_form() -> None:
    one, two = json.dumps({"type": "string"}), json.dumps({"type": "number"})
    assert answer_form(one).breach("a") is None
    assert answer_form(two).breach("a") is not None


def test_a_long_answer_is_not_told_whole() -> None:
    breach = AnswerForm({"type": "number"}).breach("x" * 100_000)
    assert breach is not None
    assert len(breach.message) <= 200
