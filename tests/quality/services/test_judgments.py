"""Answers from files, and the accuracies made of them."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from common.errors import Invalid
from quality.models import Estimation, GoldAnswer, Judgment
from quality.services.importing import import_judgments
from routing.models import Project, Task
from tests.conftest import World
from workforce.models import Annotator, Proficiency

DATA = Path("console/demo/data")


def write(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.django_db
def test_everything_missing_is_made_and_twice_changes_nothing(tmp_path: Path) -> None:
    answers = write(tmp_path, "question,worker,answer\nq1,w1,0\nq1,w2,1\nq2,w1,1\n")
    truths = write(tmp_path, "question,truth\nq1,0\n", "t.csv")
    arguments = (str(answers), "--project", "cats", "--gold", str(truths))
    call_command("import_judgments", *arguments, stdout=StringIO())
    project = Project.objects.get(key="cats")
    assert {task.state for task in Task.objects.filter(project=project)} == {"answered"}
    assert Task.objects.first().task_type.key == "image-classification"
    people = Annotator.objects.filter(source="import")
    assert people.count() == 2
    assert {(p.pool.kind, p.user_id) for p in people} == {("in_house", None)}
    assert GoldAnswer.objects.get().label == "0"
    out = StringIO()
    call_command("import_judgments", *arguments, stdout=out)
    assert "0 judgments imported (3 there already)" in out.getvalue()
    assert Judgment.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "row", "rule"),
    [
        ("question,worker,answer\nq,w,0\nq,w,1\n", 3, "one_answer"),
        ("question,worker,answer\nq,w,\n", 2, "required"),
        ("question,worker,answer\nq,w\n", 2, "columns"),
        (f"question,worker,answer\n{'q' * 1_000_000},w,1\n", 2, "length"),
    ],
)
def test_a_bad_row_refuses_the_file(tmp_path: Path, text: str, row: int, rule: str) -> None:
    from accounts.services.users import system_user
    from tests.conftest import NOW

    with pytest.raises(Invalid) as caught:
        import_judgments(
            write(tmp_path, text),
            project_key="cats",
            acting_user=system_user("system.import"),
            now=NOW,
        )
    assert (caught.value.row, caught.value.rule) == (row, rule)
    assert not Judgment.objects.exists()
    assert not Project.objects.exists()


@pytest.mark.django_db
def test_a_second_answer_that_differs_is_refused_later_too(tmp_path: Path) -> None:
    first = write(tmp_path, "question,worker,answer\nq1,w1,0\n")
    call_command("import_judgments", str(first), "--project", "cats", stdout=StringIO())
    second = write(tmp_path, "question,worker,answer\nq2,w1,0\nq1,w1,1\n", "b.csv")
    with pytest.raises(CommandError, match="Row 3"):
        call_command("import_judgments", str(second), "--project", "cats")
    assert Judgment.objects.count() == 1


@pytest.mark.django_db
def test_the_real_answers_and_the_files_written(tmp_path: Path) -> None:
    """The ducks: 108 images, 39 annotators, with their published truth as gold."""
    call_command(
        "import_judgments",
        str(DATA / "duck" / "answer.csv"),
        "--project",
        "duck",
        "--gold",
        str(DATA / "duck" / "truth.csv"),
        stdout=StringIO(),
    )
    people, labels = tmp_path / "people.csv", tmp_path / "labels.csv"
    call_command(
        "estimate_accuracy",
        "--project",
        "duck",
        "--annotators",
        str(people),
        "--labels",
        str(labels),
        stdout=StringIO(),
    )
    rows = list(csv.DictReader(people.open()))
    assert list(rows[0]) == [
        "annotator",
        "skill",
        "n",
        "n_gold",
        "accuracy",
        "lower",
        "upper",
        "rate",
        "rate_lower",
        "rate_upper",
    ]
    assert len(rows) == 39
    truths = {r["question"]: r["truth"] for r in csv.DictReader((DATA / "duck/truth.csv").open())}
    answers = list(csv.DictReader((DATA / "duck/answer.csv").open()))
    for row in rows:
        mine = [r for r in answers if r["worker"] == row["annotator"]]
        share = sum(truths[r["question"]] == r["answer"] for r in mine) / len(mine)
        assert float(row["accuracy"]) == pytest.approx(share)
        assert float(row["rate_lower"]) <= float(row["rate"]) <= float(row["rate_upper"])
    assert len(list(csv.DictReader(labels.open()))) == 108
    assert Estimation.objects.get().gold == 108
    assert Proficiency.objects.filter(skill__key="image-classification").count() == 39


def test_imported_tasks_are_not_routed(world: World, tmp_path: Path) -> None:
    project = world.add_project("cats")
    import_judgments(
        write(tmp_path, "question,worker,answer\nq1,w1,0\n"),
        project_key="cats",
        **world.as_("quality"),
    )
    world.add_tasks(project, 2)
    assert world.route("cats").tasks == 2


@pytest.mark.django_db
def test_no_answers_yet_is_said() -> None:
    with pytest.raises(CommandError, match="no project"):
        call_command("estimate_accuracy", "--project", "none")
