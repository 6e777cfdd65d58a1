"""What the built-in form asks for, reads and shows again, by the schema of a task type."""

from typing import Any

import pytest

from console.queue.answers import (
    confidence_of,
    data_of,
    field_of_path,
    fields_of,
    matching,
    read_answer,
    shown_answer,
)
from console.queue.parts import JSON, Asked, asked_for
from routing.models import GuidelineVersion, TaskType
from routing.services.catalogue import DEFAULT_FILE
from routing.services.policies import parse_yaml

ANSWERS = parse_yaml(DEFAULT_FILE.read_text())["answers"]


def form(schema: Any, *, metric: str = "exact", labels: Any = None) -> Asked:
    guideline = None if labels is None else GuidelineVersion(ontology={"labels": labels})
    return asked_for(TaskType(key="kind", metric=metric, answer_schema=schema), guideline)


def label_form(labels: Any) -> Asked:
    return form(ANSWERS["label"], labels=labels)


def test_a_few_labels_stand_one_below_the_other_with_keys() -> None:
    asked = label_form([{"name": "cat", "title": "A cat"}, "dog"])
    label, comment = asked.parts
    assert label.radios
    assert [(o.name, o.words, o.key) for o in label.options] == [
        ("cat", "A cat", "1"),
        ("dog", "dog", "2"),
    ]
    assert (comment.kind, comment.required) == ("text", False)
    # By itself the label is the answer; with a word on it, an object.
    assert read_answer(asked, {"answer.label": "cat"}).answer == "cat"
    both = {"answer.label": "cat", "answer.comment": "small\r\nand grey"}
    assert read_answer(asked, both).answer == {"label": "cat", "comment": "small\nand grey"}
    assert read_answer(asked, {}).errors == {"answer.label": "Choose an answer."}
    assert (
        "none of the labels" in read_answer(asked, {"answer.label": "cow"}).errors["answer.label"]
    )


def test_the_tenth_label_has_the_key_of_zero_and_eleven_are_searched() -> None:
    ten, eleven = (label_form([f"label {n}" for n in range(count)]) for count in (10, 11))
    assert [o.key for o in ten.parts[0].options] == [*"1234567890"]
    assert ten.keys
    assert not ten.search
    assert eleven.search
    assert not eleven.keys


def test_labels_by_task_type() -> None:
    assert [o.name for o in label_form({"kind": ["a", "b"], "other": ["c"]}).parts[0].options] == [
        "a",
        "b",
    ]


def test_ten_thousand_labels_are_searched_by_what_is_typed() -> None:
    labels = [{"name": f"Q{n}", "title": f"street {n}"} for n in range(9_998)]
    labels += [{"name": "x1", "title": "Springfield"}, {"name": "x2", "title": "Springfield"}]
    asked = label_form(labels)
    options = asked.parts[0].options
    assert [o.name for o in matching(options, "street 77")[:2]] == ["Q77", "Q770"]
    assert next(o.name for o in matching(options, "77 street")) == "Q77"
    assert matching(options, "q9997")[0].words == "street 9997"
    assert matching(options, "nothing like this") == []
    assert len(matching(options, "")) == 20
    # By name, by words in any case, and by what was picked among those found.
    for data in (
        {"answer.label": "Q12"},
        {"answer.label": " Street 12 "},
        {"answer.label": "str", "answer.label.pick": "Q12"},
    ):
        assert read_answer(asked, data).answer == "Q12", data
    # Two labels of the same words are told apart by their names.
    assert {o.words for o in options[-2:]} == {"Springfield · x1", "Springfield · x2"}
    assert read_answer(asked, {"answer.label": "Springfield"}).errors


def test_what_cannot_be_taken_offers_what_was_meant() -> None:
    asked = label_form([f"street {n}" for n in range(50)])
    data = {"answer.label": "treet 4"}
    (row, _comment) = fields_of(asked, data, read_answer(asked, data).errors)
    assert row.value == "treet 4"
    assert row.found is not None
    assert row.found[0].name == "street 4"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("0,5", 0.5),
        ("-1", "At least 0."),
        ("11", "At most 10."),
        ("a", "This"),
    ],
)
def test_scores(text: str, answer: Any) -> None:
    asked = form({"type": "number", "minimum": 0, "maximum": 10}, metric="absolute")
    read = read_answer(asked, {"answer": text})
    if isinstance(answer, str):
        assert read.errors["answer"].startswith(answer)
    else:
        assert (read.answer, read.errors) == (answer, {})


def test_a_short_scale_has_the_key_of_its_score() -> None:
    asked = form({"type": "integer", "minimum": 0, "maximum": 5}, metric="absolute")
    assert [(o.value, o.key) for o in asked.parts[0].options][3] == (3, "3")
    assert read_answer(asked, {"answer": "3"}).answer == 3
    ten = form({"type": "integer", "minimum": 1, "maximum": 10}, metric="absolute")
    assert ten.parts[0].options[-1].key == "0"
    whole = form({"type": "integer", "minimum": 0, "maximum": 100}, metric="absolute")
    assert read_answer(whole, {"answer": "4.5"}).errors == {"answer": "This is no whole number."}
    assert read_answer(whole, {"answer": "nan"}).errors
    assert read_answer(form({}, metric="absolute"), {"answer": "-2.25"}).answer == -2.25


def test_text_may_be_none_only_if_that_is_said() -> None:
    asked = form(ANSWERS["text"], metric="wer")
    assert read_answer(asked, {"answer": " one\r\ntwo "}).answer == " one\ntwo "
    assert read_answer(asked, {"answer": "  "}).errors["answer"].startswith("Write the text")
    assert read_answer(asked, {"answer": "", "answer.nothing": "on"}).answer == ""


SEVERAL = {
    "type": "object",
    "required": ["tone", "fit"],
    "properties": {
        "tone": {"enum": ["kind", "rude"], "title": "Tone"},
        "fit": {"type": "boolean", "description": "Does it answer?"},
        "topics": {"type": "array", "items": {"enum": ["a", "b", "c"]}},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "why_so": {"type": "string", "maxLength": 80},
    },
    "additionalProperties": False,
}


def test_an_answer_of_several_fields() -> None:
    asked = form(SEVERAL, metric="exact")
    assert [part.kind for part in asked.parts] == [
        "choice",
        "choice",
        "several",
        "choice",
        "number",
        "word",
    ]
    assert [part.title for part in asked.parts][-2:] == ["How sure are you?", "Why so"]
    data = {
        "answer.tone": "rude",
        "answer.fit": "no",
        "answer.topics": ["a", "c"],
        "answer.confidence": "0.75",
        "answer.why_so": "x",
    }
    read = read_answer(asked, data)
    assert read.answer == {
        "tone": "rude",
        "fit": False,
        "topics": ["a", "c"],
        "confidence": 0.75,
        "why_so": "x",
    }
    assert confidence_of(asked, read.answer) == 0.75
    assert set(read_answer(asked, {"answer.why_so": "y" * 81}).errors) == {
        "answer.tone",
        "answer.fit",
        "answer.why_so",
    }
    # Shown again it is the same answer; number keys choose in the field that has the focus.
    assert read_answer(asked, data_of(asked, read.answer)).answer == read.answer
    assert [bool(part.options and part.options[0].key) for part in asked.parts][:2] == [True, True]
    assert shown_answer(asked, read.answer)[2] == {"title": "Topics", "text": "a, c", "code": False}
    assert field_of_path(asked, "/why_so") == "answer.why_so"
    assert field_of_path(asked, "") == ""


@pytest.mark.parametrize(
    "schema",
    [
        ANSWERS["boxes"],
        ANSWERS["spans"],
        ANSWERS["ranking"],
        {"type": "object", "required": ["box"], "properties": {"box": {"type": "object"}}},
        {"type": "object", "required": ["other"], "properties": {"one": {"type": "string"}}},
    ],
)
def test_what_is_not_simple_is_json(schema: Any) -> None:
    asked = form(schema, metric="iou")
    assert asked == JSON
    assert read_answer(asked, {"json": '[{"x": 1}]'}).answer == [{"x": 1}]
    for text in ("", "[1", "NaN", "[" * 100_000):
        assert "json" in read_answer(asked, {"json": text}).errors, text[:10]


def test_an_answer_that_the_form_cannot_hold_is_told() -> None:
    asked = label_form(["cat"])
    assert data_of(asked, {"label": "cat", "colour": "grey"}) is None
    assert data_of(asked, "cat") == {"answer.label": "cat"}
    assert shown_answer(JSON, [1])[0] == {"title": "", "text": "[\n  1\n]", "code": True}
