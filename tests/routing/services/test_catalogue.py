"""The catalogue's schemas of answers reach the database, and a broken one is found."""

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

from common.errors import Invalid
from routing.checks import check_answer_schemas
from routing.core.answer_schema import AnswerForm
from routing.models import TaskType
from routing.services.catalogue import load_catalogue
from tests.conftest import World

ENTRY = """
task_types:
  birds: {{name: Birds, modality: image, unit: item, base: 6, per_unit: 0, typical: 1,
    metric: exact, threshold: 1, classes: 4, skill: image-classification, answer: {answer}}}
"""


def load(world: World, folder: Path, answer: str) -> TaskType:
    path = folder / "more.yaml"
    path.write_text(ENTRY.format(answer=answer), encoding="utf-8")
    load_catalogue(path, **world.by)
    return TaskType.objects.get(key="birds")


def test_every_usual_type_has_a_schema(world: World) -> None:
    for row in TaskType.objects.all():
        assert row.answer_schema, row.key
    boxes = AnswerForm(TaskType.objects.get(key="bounding-box").answer_schema)
    assert boxes.breach([{"x": 0, "y": 0, "width": 1, "height": 1, "label": "car"}]) is None
    assert check_answer_schemas(databases=["default"]) == []


def test_a_schema_of_ones_own(world: World, tmp_path: Path) -> None:
    made = load(world, tmp_path, "{type: string, enum: [robin, wren]}")
    assert AnswerForm(made.answer_schema).breach("owl") is not None


@pytest.mark.parametrize("answer", ["nothing-like-it", "{type: strin}", "[1]"])
def test_a_bad_schema_is_refused_and_named(world: World, tmp_path: Path, answer: str) -> None:
    with pytest.raises(Invalid, match="birds"):
        load(world, tmp_path, answer)
    assert not TaskType.objects.filter(key="birds").exists()


def test_a_broken_schema_in_the_database_is_found(world: World) -> None:
    row = TaskType.objects.get(key="sentiment")
    row.answer_schema = {"$ref": "https://example.org/schema.json"}
    with pytest.raises(ValidationError, match="begins with"):
        row.full_clean()
    TaskType.objects.filter(pk=row.pk).update(answer_schema=row.answer_schema)
    (found,) = check_answer_schemas(databases=["default"])
    assert found.id == "routing.W001"
    assert "sentiment" in str(found.msg)
    call_command("check", databases=["default"])
