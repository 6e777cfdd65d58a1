"""Placements as rows without foreign keys: what the writer refuses and what the check finds."""

from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from routing.errors import RunFailed
from routing.models import Decision, Placement, Run
from routing.services import writing
from routing.services.placing import strange_placements
from tests.conftest import World

NOWHERE = 10**12


def check() -> str:
    out = StringIO()
    call_command("check_placements", stdout=out)
    return out.getvalue()


@pytest.fixture
def routed(world: World) -> World:
    for key in ("first", "second"):
        world.add_tasks(world.add_project(key), 6)
        world.route(key)
    return world


def test_placements_of_a_run_are_found_sound(routed: World) -> None:
    assert Placement.objects.count() == 12
    assert "belong together" in check()


@pytest.mark.parametrize("column", ["task_id", "decision_id", "pool_id", "run_id"])
def test_an_id_that_does_not_exist_is_found(routed: World, column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE routing_placement SET {column} = %s + id WHERE id IN "
            "(SELECT id FROM routing_placement ORDER BY id LIMIT 2)",
            [NOWHERE],
        )
    found = {name: count for name, count in strange_placements().items() if count}
    assert found == {column: 2}
    with pytest.raises(CommandError, match=f"2 without {column}"):
        check()


def test_rows_that_lost_what_they_name_are_found(routed: World) -> None:
    """What a delete beside the ORM leaves behind."""
    run = Run.objects.earliest("pk")
    Decision.objects.filter(run=run)._raw_delete("default")
    with pytest.raises(CommandError, match="6 without decision_id"):
        check()


def test_a_decision_of_another_project_is_found(routed: World) -> None:
    first, second = Run.objects.order_by("pk")
    other = Decision.objects.filter(run=second).first()
    Placement.objects.filter(run=first).update(decision=other)
    with pytest.raises(CommandError, match="6 without decision of the task's project"):
        check()


@pytest.mark.parametrize("column", ["decision", "pool"])
def test_a_run_refuses_to_write_rows_that_name_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, column: str
) -> None:
    project = world.add_project()
    world.add_tasks(project, 4)
    made = writing.placement_columns

    def planted(*args: Any) -> Any:
        rows = made(*args)
        return replace(rows, **{column: np.full(len(rows), NOWHERE)})

    monkeypatch.setattr(writing, "placement_columns", planted)
    with pytest.raises(RunFailed, match="do not exist"):
        world.route("street")
    project.refresh_from_db()
    assert project.current_run is None
    assert not Placement.objects.exists()


def test_a_row_that_breaks_a_rule_of_the_table_stops_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are handed over by a thread: what the server says of them must not get lost."""
    world.add_tasks(world.add_project(), 4)
    made = writing.placement_columns

    def planted(*args: Any) -> Any:
        rows = made(*args)
        return replace(rows, asked=np.zeros(len(rows), dtype=np.int16))

    monkeypatch.setattr(writing, "placement_columns", planted)
    with pytest.raises(RunFailed, match="asks_for_answers"):
        world.route("street")
    assert not Placement.objects.exists()


def test_what_breaks_while_rows_are_written_stops_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_tasks(world.add_project(), 4)

    def broken(*args: Any) -> None:
        raise ValueError("no words for this")

    with monkeypatch.context() as patch:
        patch.setattr(writing.explaining, "decisions", broken)
        with pytest.raises(RunFailed, match="no words for this"):
            world.route("street")
    assert not Placement.objects.exists()
    assert world.route("street").routed == 4
