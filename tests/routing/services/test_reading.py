"""Open tasks as columns: what the server packs is what the ORM reads."""

from dataclasses import fields
from datetime import timedelta

import numpy as np
import pytest

from routing.choices import DataClass, Harm, Use
from routing.models import Domain, Task, TaskType
from routing.services import reading
from routing.services.reading import TaskColumns, open_task_ids, open_tasks, tasks_by_id
from tests.conftest import NOW, World


@pytest.fixture
def mixed(world: World) -> list[int]:
    """Two projects whose tasks lie mixed and apart, with every word and every kind of nothing."""
    first, second = world.add_project("first"), world.add_project("second")
    types = list(TaskType.objects.order_by("pk")[:3])
    domain = Domain.objects.first()
    tasks = [
        Task(
            project=(first, second)[number % 2],
            external_id=f"m{number}",
            task_type=types[number % len(types)],
            domain=domain if number % 4 == 0 else None,
            size=number / 3,
            classes=number if number % 3 else None,
            disagreement=number / 100 if number % 5 else None,
            entropy=number / 90 if number % 7 else None,
            edge_case=number % 3 == 0,
            data_class=DataClass.values[number % len(DataClass.values)],
            use=Use.values[number % len(Use.values)],
            harm=Harm.values[number % len(Harm.values)],
            residency=("", "DE", "KE")[number % 3],
            language=("", "en", "zh-Hant-TW")[number % 3],
            error_cost_micro=number * 10_000 if number % 2 else None,
            priority=(0, 7, 32_000)[number % 3],
            due_at=NOW + timedelta(microseconds=number * 1_234_567) if number % 4 else None,
            created_at=NOW - timedelta(days=number),
            state="held" if number % 6 == 5 else "open",
        )
        for number in range(60)
    ]
    # Ids far apart: a project may have few open tasks among millions of others.
    for number, task in enumerate(tasks):
        task.pk = 10 + number * (1 if number < 40 else 50_000)
    Task.objects.bulk_create(tasks)
    return [first.pk, second.pk]


def same(read: TaskColumns, expected: TaskColumns) -> None:
    for column in fields(TaskColumns):
        got, wanted = getattr(read, column.name), getattr(expected, column.name)
        assert got.dtype == wanted.dtype, column.name
        np.testing.assert_array_equal(got, wanted, err_msg=column.name)


@pytest.mark.parametrize("block", [3, 50_000])
def test_columns_are_those_of_the_tasks(
    mixed: list[int], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK", block)
    for ids in (mixed, mixed[:1], mixed[1:]):
        rows = Task.objects.filter(project_id__in=ids, state="open")
        same(open_tasks(ids), tasks_by_id(list(rows.values_list("pk", flat=True))))


def test_only_open_tasks_are_read_in_the_order_of_their_ids(mixed: list[int]) -> None:
    expected = sorted(
        Task.objects.filter(project_id__in=mixed, state="open").values_list("pk", flat=True)
    )
    assert open_task_ids(mixed).tolist() == expected == open_tasks(mixed).id.tolist()
    assert len(expected) == 50


def test_nothing_open_is_no_rows(world: World) -> None:
    project = world.add_project()
    assert len(open_tasks([project.pk])) == len(open_tasks([])) == 0
    assert open_task_ids([project.pk]).tolist() == []
