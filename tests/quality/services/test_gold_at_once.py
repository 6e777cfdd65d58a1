"""Gold mixed in within the one round trip of a claim, as the long way mixes it in."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quality.core.gold_rate import gold_rate
from quality.models import GoldAnswer
from quality.services.gold import make_gold
from routing.errors import LimitReached
from routing.models import Assignment, Placement, Task
from routing.services import claiming
from routing.services.claiming import claim
from tests.both_ways import Rows, undone
from tests.conftest import NOW, World
from workforce.models import Annotator, Proficiency

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="the routine is one of PostgreSQL's"
)
TABLES = (
    "routing.Assignment",
    "routing.Placement",
    "routing.Task",
    "routing.TaskStep",
    "audit.Event",
)


@pytest.fixture
def mixed(world: World, monkeypatch: pytest.MonkeyPatch) -> Annotator:
    """Somebody with work of one kind, beside it two tasks of gold; the process knows them."""
    project = world.add_project(in_progress_limit=5)
    world.add_tasks(project, 8)
    world.route("street", days=2)
    for task in world.add_tasks(project, 2):
        make_gold(task, answer="cat", **world.as_("quality"))
    pool = Placement.objects.values_list("pool_id", flat=True).first()
    annotator = Annotator.objects.filter(pool_id=pool).order_by("pk").first()
    Proficiency.objects.all().delete()
    drawn(monkeypatch, None)
    made = claim(annotator, **world.by)
    assert len(made) == 1
    return annotator


def drawn(monkeypatch: pytest.MonkeyPatch, *luck: float | None) -> None:
    """Let the draws of the next claims be these."""
    monkeypatch.setattr(claiming, "_draw", lambda *_given: list(luck))


def short(world: World, annotator: Annotator, count: int, patch: pytest.MonkeyPatch) -> Rows:
    """Return the rows after a claim that must not take the long way."""

    def never(*_given: Any) -> None:
        raise AssertionError("the short way was not taken")

    with patch.context() as within:
        within.setattr(claiming, "_claim", never)
        return undone(lambda: claim(annotator, count=count, **world.by), TABLES)


def long(world: World, annotator: Annotator, count: int, patch: pytest.MonkeyPatch) -> Rows:
    """Return the rows after a claim by the long way."""
    with patch.context() as within:
        within.setattr(claiming, "claim_at_once", lambda *_given: None)
        return undone(lambda: claim(annotator, count=count, **world.by), TABLES)


def test_one_task_is_gold(world: World, mixed: Annotator, monkeypatch: pytest.MonkeyPatch) -> None:
    GoldAnswer.objects.order_by("-pk")[0].delete()
    drawn(monkeypatch, 0.0)
    one = short(world, mixed, 1, monkeypatch)
    assert one == long(world, mixed, 1, monkeypatch)
    (row,) = [row for row in one["routing.Assignment"] if row["purpose"] == "gold"]
    assert row["task_id"] == GoldAnswer.objects.get().task_id
    # It takes no seat, and its task stays as it is.
    assert sum(row["taken"] for row in one["routing.Placement"]) == 1
    assert Task.objects.get(pk=row["task_id"]).state == "open"
    assert row["decision_id"] is not None


def test_a_batch_with_gold(world: World, mixed: Annotator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three draws for two tasks of gold: none comes twice, the third is ordinary work."""
    drawn(monkeypatch, None, 0.0, 0.0, 0.0)
    batch = short(world, mixed, 4, monkeypatch)
    purposes = [row["purpose"] for row in batch["routing.Assignment"]]
    assert sorted(purposes) == ["gold", "gold", *["label"] * 3]
    gold = {row["task_id"] for row in batch["routing.Assignment"] if row["purpose"] == "gold"}
    assert gold == set(GoldAnswer.objects.values_list("task_id", flat=True))
    other = long(world, mixed, 4, monkeypatch)
    assert sorted(row["purpose"] for row in other["routing.Assignment"]) == sorted(purposes)
    taken = [sum(row["taken"] for row in rows["routing.Placement"]) for rows in (batch, other)]
    assert taken == [3, 3]


def test_the_chance_of_the_skill_thins_the_draws(
    world: World, mixed: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = gold_rate(None, None)
    for luck, wanted in ((chance * 0.999, 1), (chance, 0)):
        drawn(monkeypatch, luck)
        rows = short(world, mixed, 1, monkeypatch)
        assert sum(row["purpose"] == "gold" for row in rows["routing.Assignment"]) == wanted


def test_no_gold_twice_for_one_human(
    world: World, mixed: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn(monkeypatch, 0.0)
    seen = [claim(mixed, **world.by)[0] for _each in range(4)]
    assert [row.purpose for row in seen] == ["gold", "gold", "label", "label"]
    assert len({row.task_id for row in seen}) == 4
    stored = {row.pk: row.purpose for row in Assignment.objects.all()}
    assert all(stored[row.pk] == row.purpose for row in seen)


def test_it_is_one_statement(
    world: World, mixed: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn(monkeypatch, 0.0)
    claim(mixed, **world.by)
    with CaptureQueriesContext(connection) as captured:
        (row,) = claim(mixed, **world.by)
    assert row.purpose == "gold"
    assert len(captured) == 1
    assert row.reserved_at == NOW


def test_a_full_project_is_seen_by_what_is_in_hand(
    world: World, mixed: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All in hand are counted first, and only where they may be too many, by project."""
    monkeypatch.setattr(claiming, "_draw", lambda _pk, count, _now: [None] * count)
    claim(mixed, count=4, **world.by)
    with pytest.raises(LimitReached):
        claim(mixed, **world.by)
