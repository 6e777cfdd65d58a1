"""Which label is taken for which: by the truth that was chosen, one answer a task and person."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from common.errors import Forbidden, NotFound
from quality.core.confusion import Confusion
from quality.models import Adjudication, Judgment, Label
from quality.reports.confusion import Asked, confused, confused_rows, confused_table
from routing.models import TaskType
from tests.conftest import NOW, World
from tests.quality.services.known import answers, people, review


def asked(**values: Any) -> Asked:
    return Asked(
        **{
            "task_type": TaskType.objects.get(key="image-classification"),
            "source": "gold",
            "since": NOW - timedelta(days=30),
            "until": NOW + timedelta(days=1),
            **values,
        }
    )


def found(world: World, **values: Any) -> Confusion:
    return confused(asked(**values), acting_user=world.users["quality"])


def test_gold_that_was_asked_unseen(world: World) -> None:
    first, second = people()[:2]
    answers(world, first, [0, 0, 1])
    answers(world, second, [1, 1], project="other")
    every = found(world)
    assert every.labels == ("a", "b")
    assert every.counts.tolist() == [[2, 3], [0, 0]]
    assert (every.checked, every.right) == (5, 2)
    assert found(world, annotator=second).checked == 2
    project = Judgment.objects.filter(annotator=first)[0].task.project
    assert found(world, project=project).checked == 3
    assert found(world, since=NOW).checked == 0
    assert found(world, task_type=TaskType.objects.get(key="sentiment")).labels == ()
    table = confused_table(asked(), acting_user=world.users["quality"])
    assert table.values.tolist() == [["a", "b", 3], ["a", "a", 2]]
    rows = confused_rows(asked(annotator=first), "a", "b", acting_user=world.users["quality"])
    assert (len(rows), rows["annotator"].unique().tolist()) == (1, ["own 0"])


def test_a_second_attempt_stands_for_the_first(world: World) -> None:
    (row, *_others) = answers(world, people()[0], [1, 0])
    Judgment.objects.create(
        task=row.task,
        annotator=row.annotator,
        attempt=2,
        answer="a",
        label="a",
        source="import",
        submitted_at=row.submitted_at,
    )
    assert found(world).counts.tolist() == [[2]]
    assert len(confused_rows(asked(), "a", "b", acting_user=world.users["quality"])) == 0


def test_what_random_reviews_found(world: World) -> None:
    rows = answers(world, people()[0], [0, 1, 1, 0, 1], by="")
    review(world, rows[0], 0, at=NOW)
    fix = {"outcome": "fix", "answer": "c", "label": "c"}
    review(world, rows[1], 1, at=NOW, **fix)
    # Rejected: what the task was given afterwards is right; where it has nothing, it is not known.
    review(world, rows[2], 1, at=NOW)
    Label.objects.create(task=rows[2].task, answer="a", value="a", by="vote", accepted_at=NOW)
    review(world, rows[4], 1, at=NOW)
    # Looked at for a reason: says nothing of how often.
    review(world, rows[3], 1, at=NOW, why="evidence", probability=None, **fix)
    seen = found(world, source="reviews")
    assert dict(zip(seen.labels, seen.counts.tolist(), strict=True)) == {
        "a": [1, 1, 0],
        "b": [0, 0, 0],
        "c": [0, 1, 0],
    }


def test_what_was_adjudicated(world: World) -> None:
    rows = answers(world, people()[0], [1, 0], by="")
    Adjudication.objects.create(
        task=rows[0].task,
        why="unsure",
        opened_at=NOW,
        answer="a",
        label="a",
        reason="it is",
        decided_by=world.users["quality"],
        decided_at=NOW,
    )
    assert found(world, source="adjudicated").counts.tolist() == [[0, 1], [0, 0]]
    assert found(world, source="adjudicated", until=NOW - timedelta(hours=1)).checked == 0


def test_who_may_count_and_who_may_open(world: World, vendor_user: User) -> None:
    answers(world, people()[0], [1])
    operations = world.users["operations"]
    assert confused(asked(), acting_user=operations).checked == 1
    with pytest.raises(Forbidden):
        confused_rows(asked(), "a", "b", acting_user=operations)  # it would tell gold from work
    with pytest.raises(NotFound):
        confused(asked(source="secrets"), acting_user=operations)
    for user in (vendor_user, world.users["finance"]):
        for read in (confused, confused_table):
            with pytest.raises(Forbidden):
                read(asked(), acting_user=user)
        with pytest.raises(Forbidden):
            confused_rows(asked(), "a", "b", acting_user=user)
