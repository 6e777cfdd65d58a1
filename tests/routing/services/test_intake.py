"""Tasks from files: good ones, every kind of bad one, twice the same."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from common.errors import Invalid, NotFound
from routing.models import Placement, Task, TaskType
from routing.services.intake import import_tasks
from tests.conftest import World

HEADER = "external_id,task_type,size,entropy,due,data_class,payload_reference,payload\n"


@pytest.fixture
def project(world: World):
    return world.add_project(reference_hosts=["img.example.com"])


def write(tmp_path: Path, text: str | bytes, name: str = "tasks.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def run(world: World, path: Path, **values):
    return import_tasks(path, project_key="street", **world.by, **values)


def test_good_rows_are_made_once(world: World, project, tmp_path: Path) -> None:
    path = write(
        tmp_path,
        HEADER
        + "a,image-classification,2,0.5,2026-03-05,pii,https://img.example.com/a.jpg,\n"
        + 'b,bounding-box,,,2026-03-05T10:00:00+01:00,,,"some, text"\n'
        + "c,ner,10,,,,,\n",
    )
    found = run(world, path)
    assert (found.rows, found.made, found.unchanged, found.refused) == (3, 3, 0, [])
    task = Task.objects.get(external_id="a")
    assert (task.size, task.entropy, task.data_class) == (2.0, 0.5, "pii")
    assert task.due_at.isoformat() == "2026-03-05T23:59:59+00:00"
    assert Task.objects.get(external_id="b").payload == "some, text"
    again = run(world, path)
    assert (again.made, again.unchanged) == (0, 3)
    assert Task.objects.count() == 3


def test_ndjson(world: World, project, tmp_path: Path) -> None:
    lines = [
        {"external_id": "j1", "task_type": "ner", "size": 12.5, "payload": {"text": "hi"}},
        {"external_id": "j2", "task_type": "ner", "entropy": float("nan")},
        {"external_id": "j3", "task_type": "ner", "colour": "red"},
    ]
    text = "\n".join(json.dumps(line) for line in lines) + "\n[1]\n{broken\n"
    found = run(world, write(tmp_path, text, "tasks.ndjson"), keep_good=True)
    assert found.made == 1
    assert Task.objects.get(external_id="j1").payload == {"text": "hi"}
    assert [(r.row, r.field, r.rule) for r in found.refused] == [
        (2, "entropy", "finite"),
        (3, "colour", "unknown"),
        (4, "", "json"),
        (5, "", "json"),
    ]


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        (",ner,1,,,,,", "external_id", "required"),
        ("x,painting,1,,,,,", "task_type", "known"),
        ("x,ner,-1,,,,,", "size", "range"),
        ("x,ner,nan,,,,,", "size", "finite"),
        ("x,ner,inf,,,,,", "size", "finite"),
        ("x,ner,1e308,,,,,", "size", "range"),
        ("x,ner,10000001,,,,,", "size", "range"),
        ("x,bounding-box,9e6,,,,,", "size", "effort"),
        ("x,ner,many,,,,,", "size", "number"),
        ("x,ner,1,1.2,,,,", "entropy", "range"),
        ("x,ner,1,,31.12.2026,,,", "due", "date"),
        ("x,ner,1,,,secret,,", "data_class", "known"),
        ("x,ner,1,,,,http://img.example.com/a,", "payload_reference", "https"),
        ("x,ner,1,,,,https://evil.example.com/a,", "payload_reference", "host"),
        ("x,ner,1,,,,https://img.example.com/a,text", "payload", "one_payload"),
        ("x,ner,1,,", "", "columns"),
        (f"x,ner,1,,,,,{'p' * 70_000}", "payload", "size"),
        (f"{'x' * 1_000_000},ner,1,,,,,", "external_id", "length"),
    ],
)
def test_a_bad_row_names_row_field_and_rule(
    world: World, project, tmp_path: Path, row: str, field: str, rule: str
) -> None:
    path = write(tmp_path, HEADER + "good,ner,1,,,,,\n" + row + "\n")
    found = run(world, path)
    assert [(r.row, r.field, r.rule) for r in found.refused] == [(3, field, rule)]
    # One bad row refuses the file …
    assert Task.objects.count() == 0
    assert found.made == 0
    # … unless the good ones are wanted.
    assert run(world, path, keep_good=True).made == 1
    assert Task.objects.get().external_id == "good"


def test_the_database_refuses_sizes_beyond_counting(world: World, project) -> None:
    task = world.add_tasks(project, 1)[0]
    for size in (1e308, float("inf"), 10_000_001.0, -1.0):
        with pytest.raises(IntegrityError), transaction.atomic():
            Task.objects.filter(pk=task.pk).update(size=size)
    Task.objects.filter(pk=task.pk).update(size=10_000_000.0)


def test_a_task_of_the_largest_size_waits_and_leaves_the_others_alone(
    world: World, project
) -> None:
    boxes = TaskType.objects.get(key="bounding-box")
    huge = world.add_tasks(project, 1, task_type=boxes, size=10_000_000.0)[0]
    world.add_tasks(project, 3)
    report = world.route("street")
    assert (report.routed, report.waiting) == (3, 1)
    assert not Placement.objects.filter(task=huge).exists()
    assert report.lower_bound <= report.cost


def test_the_same_id_twice_in_a_file(world: World, project, tmp_path: Path) -> None:
    found = run(world, write(tmp_path, HEADER + "a,ner,1,,,,,\na,ner,2,,,,,\n"))
    assert [(r.row, r.rule) for r in found.refused] == [(3, "once")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"", "not_empty"),
        (HEADER.encode(), "not_empty"),
        (b"external_id,task_type\n\xff\xfe,ner\n", "encoding"),
        (b"external_id\na\n", "missing"),
        (b"external_id,task_type,task_type\na,ner,ner\n", "doubled"),
        (b"external_id,task_type,colour\na,ner,red\n", "unknown"),
    ],
)
def test_a_bad_file_is_refused_as_a_whole(
    world: World, project, tmp_path: Path, text: bytes, rule: str
) -> None:
    with pytest.raises(Invalid) as caught:
        run(world, write(tmp_path, text))
    assert caught.value.rule == rule
    if rule in ("missing", "doubled"):
        assert "task_type" in str(caught.value)


def test_no_such_file_and_project(world: World, project, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no file"):
        run(world, tmp_path / "none.csv")
    with pytest.raises(NotFound):
        import_tasks(tmp_path / "x", project_key="none", **world.by)


def test_due_in_the_past_is_kept_and_said(world: World, project, tmp_path: Path) -> None:
    found = run(world, write(tmp_path, HEADER + "a,ner,1,,2020-01-01,,,\n"))
    assert found.made == 1
    assert "due in the past" in found.notes[0]


def test_the_command_writes_the_refused_rows(world: World, project, tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "a,ner,1,,,,,\nb,none,1,,,,,\n")
    with pytest.raises(CommandError, match="1 of 2 rows are refused"):
        call_command("import_tasks", str(path), "--project", "street", stderr=StringIO())
    assert not Task.objects.exists()
    refused = (tmp_path / "tasks.csv.refused.csv").read_text()
    assert "3,task_type,known" in refused
    out = StringIO()
    call_command(
        "import_tasks",
        str(path),
        "--project",
        "street",
        "--keep-good",
        stdout=out,
        stderr=StringIO(),
    )
    assert "1 tasks made" in out.getvalue()


def test_a_crash_in_the_middle_leaves_nothing(
    world: World, project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from routing.services import intake

    monkeypatch.setattr(intake, "CHUNK", 2)
    write_chunk = intake._write
    calls = []

    def dies(chunk, found):
        calls.append(len(chunk))
        if len(calls) == 2:
            raise KeyboardInterrupt
        write_chunk(chunk, found)

    monkeypatch.setattr(intake, "_write", dies)
    rows = "".join(f"r{i},ner,1,,,,,\n" for i in range(5))
    with pytest.raises(KeyboardInterrupt):
        run(world, write(tmp_path, HEADER + rows))
    assert not Task.objects.exists()
