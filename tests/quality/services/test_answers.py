"""Answers come as columns, the same on both databases."""

from datetime import timedelta

import numpy as np
import pytest

from quality.models import Judgment
from quality.services import answers as module
from quality.services.answers import read_answers, read_ids
from tests.conftest import NOW, World
from workforce.models import Annotator


@pytest.fixture
def given(world: World) -> list[int]:
    """Three tasks: one answered twice by one person, one later than now, one without a label."""
    tasks = world.add_tasks(world.add_project("past"), 4)
    first, second = Annotator.objects.filter(pool__key="in-house").order_by("pk")[:2]
    rows = [
        (tasks[1], second, 1, "ä cat", None, None, 1),
        (tasks[0], first, 2, "dog", 7.5, None, 2),
        (tasks[0], first, 1, "ä cat", 9.0, None, 3),
        (tasks[0], second, 1, "ä cat", 4.0, 3.0, 4),
        (tasks[1], first, 1, "dog", None, None, -1),
        (tasks[2], first, 1, "", 5.0, None, 5),
    ]
    Judgment.objects.bulk_create(
        Judgment(
            task=task,
            annotator=person,
            attempt=attempt,
            answer=label,
            label=label,
            raw_seconds=raw,
            billable_seconds=billable,
            time_rule="" if billable is None else "test",
            source="import",
            submitted_at=NOW - timedelta(seconds=ago, microseconds=250_000),
        )
        for task, person, attempt, label, raw, billable, ago in rows
    )
    return [task.pk for task in tasks]


def test_the_last_attempts_by_task_and_annotator(given: list[int]) -> None:
    found = read_answers(np.array(given), NOW)
    first, second = Annotator.objects.filter(pool__key="in-house").order_by("pk")[:2]
    assert found.task.tolist() == [given[0], given[0], given[1]]
    assert found.annotator.tolist() == [first.pk, second.pk, second.pk]
    assert [found.words[code] for code in found.label] == ["dog", "ä cat", "ä cat"]
    assert found.seconds.tolist()[:2] == [7.5, 3.0]
    assert np.isnan(found.seconds[2])
    assert found.submitted.tolist() == [NOW.timestamp() - ago - 0.25 for ago in (2, 4, 1)]
    assert len(found.timed()) == 2


def test_answers_without_a_label_where_they_are_asked_for(given: list[int]) -> None:
    found = read_answers(np.array(given), NOW, labelled=False)
    assert found.task.tolist()[-1] == given[2]
    assert found.words[found.label[-1]] == ""
    assert len(found) == 4


def test_reading_some_at_a_time_changes_nothing(
    given: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_answers(np.array(given), NOW)
    monkeypatch.setattr(module, "TASKS_A_QUERY", dict.fromkeys(module.TASKS_A_QUERY, 1))
    parts = read_answers(np.array(given), NOW)
    words = [[found.words[code] for code in found.label] for found in (whole, parts)]
    assert words[0] == words[1]
    for name in ("task", "annotator", "submitted"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist()


def test_ids_come_once_and_in_order(given: list[int]) -> None:
    assert read_ids(Judgment.objects.all(), "task_id").tolist() == given[:3]
    assert read_ids(Judgment.objects.filter(label="bird"), "task_id").tolist() == []
    assert len(read_answers(np.zeros(0, dtype=np.int64), NOW)) == 0
