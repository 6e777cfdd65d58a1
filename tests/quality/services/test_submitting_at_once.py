"""The usual answer in one round trip does what the long way does, and gives way where it cannot."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quality.models import Judgment, Label
from quality.services import submitting, submitting_at_once
from routing.models import Assignment, Placement, Project, Task
from routing.services import claiming
from tests.both_ways import Rows, rows_of, undone
from tests.conftest import NOW, World
from tests.quality.services.test_settling import rates, voted
from tests.quality.services.work import MINUTE, answer, login, only, people, routed, seats, take
from workforce.models import Annotator

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="the routine is one of PostgreSQL's"
)
TABLES = (
    "routing.Assignment",
    "routing.AssignmentStep",
    "routing.Placement",
    "routing.Task",
    "routing.TaskStep",
    "quality.Judgment",
    "quality.Label",
    "quality.Review",
    "quality.ReviewChance",
    "audit.Event",
)


def _both_ways(act: Callable[[], Judgment], monkeypatch: pytest.MonkeyPatch) -> tuple[Rows, Rows]:
    """Return the rows after the short and after the long way."""

    def checked() -> None:
        made = act()
        stored = Judgment.objects.get(pk=made.pk)
        for name in ("public_id", "answer", "label", "billable_seconds", "attempt"):
            assert getattr(stored, name) == getattr(made, name)

    with monkeypatch.context() as patch:
        patch.setattr(submitting, "_by_steps", _never)
        short = undone(checked, TABLES)
    with monkeypatch.context() as patch:
        patch.setattr(submitting_at_once, "possible", lambda: False)
        return short, undone(checked, TABLES)


def _never(*_given: Any, **_named: Any) -> Judgment:
    raise AssertionError("the short way was not taken")


def test_a_single_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    routed(world)
    mine = take(world, people()[0])
    short, long = _both_ways(lambda: answer(world, mine, confidence=0.7), monkeypatch)
    assert short == long
    assert [row["value"] for row in short["quality.Label"]] == ["cat"]
    with CaptureQueriesContext(connection) as queries:
        answer(world, mine)
    statements = [q["sql"] for q in queries if "quality_" in q["sql"] or "routing_" in q["sql"]]
    assert len(statements) == 2, statements


def test_answers_of_a_vote(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    task = voted(world, target=0.02)
    rates(0.8)
    first = take(world, people()[0])
    short, long = _both_ways(lambda: answer(world, first), monkeypatch)
    assert short == long
    assert short["audit.Event"][-1]["data"]["outcome"] == "asked another"
    assert [row["opened"] for row in short["routing.Placement"]] == [2]
    answer(world, first)
    second = take(world, people()[1])
    short, long = _both_ways(lambda: answer(world, second), monkeypatch)
    assert short == long
    told = short["audit.Event"][-1]["data"]["outcome"]
    assert told in ("accepted", "asked another")
    assert seats(task)[1] == 2


def test_an_answer_that_waits_for_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    voted(world, target=0.02)
    rates(0.8)
    Placement.objects.update(opened=3)
    first = take(world, people()[0])
    short, long = _both_ways(lambda: answer(world, first), monkeypatch)
    assert short == long
    assert short["audit.Event"][-1]["data"]["outcome"] == "waits for answers"


def test_accepted_for_what_another_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seats that nobody has taken are closed; the label stands on the surest answer."""
    voted(world, target=0.2)
    rates(0.9)
    low = people()[1]
    low.proficiencies.update(rate=0.6, rate_lower=0.6, rate_upper=0.6)
    Placement.objects.update(opened=3)
    firsts = take(world, people()[0]), take(world, low)
    monkeypatch.setattr(submitting, "settle", lambda *a, **k: "waits for answers")
    with monkeypatch.context() as patch:
        patch.setattr(submitting_at_once, "possible", lambda: False)
        answer(world, firsts[0])
    monkeypatch.undo()
    short, long = _both_ways(lambda: answer(world, firsts[1]), monkeypatch)
    assert short == long
    (label,) = short["quality.Label"]
    assert (label["by"], label["value"]) == ("vote", "cat")
    assert [row["opened"] for row in short["routing.Placement"]] == [2]


def test_gold_is_scored_only(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    routed(world)
    annotator, task = people()[0], Task.objects.order_by("pk")[0]
    by = {"acting_user": login(world, annotator), "now": NOW}
    mine = claiming.take(annotator, task, purpose="gold", **by)
    short, long = _both_ways(lambda: answer(world, mine), monkeypatch)
    assert short == long
    assert short["quality.Label"] == []


def test_reviewed_work_that_luck_lets_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    routed(world, 12, rules=only("in_house", share=0.4, choice="random"))
    luck = submitting_at_once.drawn_at_random
    passed = 0
    for _each in range(6):
        mine = take(world, people()[0])
        task = mine.task
        placed = Placement.objects.get(task=task)
        drawn = luck(placed.decision, placed.arrangement, task.public_id, 1)
        if drawn:
            answer(world, mine)
            assert not Label.objects.filter(task=task).exists()
            continue
        short, long = _both_ways(lambda mine=mine: answer(world, mine), monkeypatch)
        assert short == long
        answer(world, mine)
        assert Label.objects.filter(task=task).exists()
        passed += 1
    assert passed > 0


@pytest.mark.parametrize(
    "change",
    [
        lambda mine: Placement.objects.update(opened=2),
        lambda mine: Task.objects.filter(pk=mine.task_id).update(attempt=2),
        lambda mine: _another_answered(mine),
        lambda mine: Project.objects.update(current_run=None),
    ],
    ids=["a seat was opened", "worked anew", "another answered", "another run is in force"],
)
def test_things_changed_since_they_were_read(
    world: World, monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], Any]
) -> None:
    """Then the routine has written nothing, and the long way looks again."""
    voted(world)
    rates(0.97)
    mine = take(world, people()[0])
    decide = submitting_at_once.outcome_of
    before: Rows = {}

    def meanwhile(*given: Any) -> Any:
        found = decide(*given)
        assert found is not None
        change(mine)
        before.update(rows_of(TABLES))
        return found

    class Looked(Exception):
        pass

    def look(*_given: Any) -> Judgment:
        raise Looked

    monkeypatch.setattr(submitting_at_once, "outcome_of", meanwhile)
    monkeypatch.setattr(submitting, "_by_steps", look)
    with pytest.raises(Looked):
        answer(world, mine)
    assert rows_of(TABLES) == before


def _another_answered(mine: Assignment) -> None:
    other = Annotator.objects.filter(pool__key="in-house").exclude(pk=mine.annotator_id)[0]
    Judgment.objects.create(
        task_id=mine.task_id,
        annotator=other,
        attempt=1,
        answer="cat",
        label="cat",
        source="import",
        time_faults=[],
        submitted_at=NOW,
    )


@pytest.mark.parametrize("purpose", ["label", "gold"])
def test_handed_in_twice_at_one_time(
    world: World, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    """The other one is written after this one has read, and before the routine is called."""
    routed(world)
    annotator = people()[0]
    if purpose == "label":
        mine = take(world, annotator)
    else:
        by = {"acting_user": login(world, annotator), "now": NOW}
        mine = claiming.take(annotator, Task.objects.order_by("pk")[0], purpose="gold", **by)
    decide, first = submitting_at_once.outcome_of, []

    def meanwhile(*given: Any) -> Any:
        found = decide(*given)
        if not first:
            first.append(None)
            first[0] = answer(world, mine, at=NOW + MINUTE)
        return found

    monkeypatch.setattr(submitting_at_once, "outcome_of", meanwhile)
    assert answer(world, mine) == first[0]
    assert Judgment.objects.count() == 1
    assert Label.objects.count() == (purpose == "label")
