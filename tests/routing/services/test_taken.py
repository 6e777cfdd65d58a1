"""What others have taken: declared hours, harmful content and answers, across projects."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from routing.choices import AssignmentState
from routing.models import Decision, Placement, Project, TaskType
from tests.conftest import NOW, TODAY, World
from workforce.models import Annotator
from workforce.services import people
from workforce.services.availability import declare_capacity


def only(*pools: str) -> Any:
    def rules(document: dict[str, Any]) -> None:
        document["pools"] = list(pools)
        document["wait_price"] = 100

    return rules


def placed(*projects: Project) -> dict[str, dict[tuple[str, date], float]]:
    """Add up hours, answers and harmful hours by pool and day of the projects' current runs."""
    total: dict[str, dict[tuple[str, date], float]] = defaultdict(lambda: defaultdict(float))
    for project in projects:
        project.refresh_from_db()
        for row in Placement.objects.filter(run=project.current_run).select_related("decision"):
            chosen = next(c for c in row.decision.chosen if c["arrangement"] == row.arrangement)
            for pool, hours, answers in (
                (chosen["pool"], chosen["label_hours"], chosen["label_answers"]),
                (chosen["review_pool"], chosen["review_hours"], chosen["review_share"]),
            ):
                total["hours"][pool, row.day] += hours
                total["answers"][pool, row.day] += answers
                if row.decision.key["harmful"]:
                    total["harm"][pool, row.day] += hours
    return total


def two_projects(world: World, *pools: str, **tasks: Any) -> tuple[Project, Project]:
    """Two projects that together have far more work than the pools may do, routed in turn."""
    made = []
    for key in ("first", "second"):
        project = world.add_project(key, rules=only(*pools))
        world.add_tasks(project, 250, **tasks)
        made.append(project)
    world.route("first", days=2)
    world.route("second", days=2)
    return made[0], made[1]


def test_declared_hours_are_sold_once(world: World) -> None:
    for day, hours in ((0, "0.2"), (1, "0.1")):
        declare_capacity(
            world.pools["alpha"], TODAY + timedelta(days=day), Decimal(hours), **world.by
        )
    first, second = two_projects(world, "alpha")
    for projects in ((first,), (first, second)):
        for day, hours in ((0, 0.2), (1, 0.1)):
            sold = placed(*projects)["hours"]["alpha", TODAY + timedelta(days=day)]
            assert 0.7 * hours < sold <= hours * (1 + 1e-6)
    # Routed again, the first has what it had: its own placements are not in its way.
    before = placed(first)["hours"]
    world.route("first", days=2)
    assert placed(first)["hours"] == pytest.approx(before)


def test_reviews_for_other_projects_count(world: World) -> None:
    """Beta is barred, alpha labels at .92: at a target of .05 the house reviews, and is short."""

    def rules(document: dict[str, Any]) -> None:
        only("alpha", "in-house", "hybrid")(document)
        for row in document["matrix"].values():
            for cell in row.values():
                cell.update(modes=["hybrid"], target_error=0.05, answers=[1])

    boxes = TaskType.objects.get(key="bounding-box")
    Annotator.objects.filter(pool__key="in-house").exclude(name="own 0").delete()
    shown = []
    for key in ("first", "second"):
        project = world.add_project(key, rules=rules)
        world.add_tasks(project, 900, task_type=boxes, size=40.0)
        world.route(key)
        shown.append(project)
    house = placed(shown[0])["hours"]["in-house", TODAY]
    assert house > 0.5
    both = placed(*shown)["hours"]["in-house", TODAY]
    assert both <= 8 * 0.8 * (1 + 1e-6)


@pytest.mark.parametrize("pool", ["in-house", "alpha"])
def test_no_more_harmful_content_than_the_caps_allow(world: World, pool: str) -> None:
    Annotator.objects.filter(pool__key=pool).update(exposure_cap_minutes=5)
    members = Annotator.objects.filter(pool__key=pool).count()
    first, second = two_projects(world, pool, harm="mild", size=30.0)
    for day in (0, 1):
        hours = placed(first, second)["harm"][pool, TODAY + timedelta(days=day)]
        assert 0.7 * members * 5 / 60 < hours <= members * 5 / 60 * (1 + 1e-6)
    waits = Decision.objects.filter(run=second.current_run, waiting__gt=0).first()
    assert waits is not None
    assert "harmful content that the caps of" in waits.reason


def test_no_more_answers_than_the_caps_allow(world: World) -> None:
    Annotator.objects.filter(pool__key="alpha").update(daily_cap=7)
    first, second = two_projects(world, "alpha")
    for day in (0, 1):
        answers = placed(first, second)["answers"]["alpha", TODAY + timedelta(days=day)]
        assert 3 * 7 - 4 < answers <= 3 * 7 * (1 + 1e-6)
    waits = Decision.objects.filter(run=second.current_run, waiting__gt=0).first()
    assert waits is not None
    assert "answers a day that the caps of" in waits.reason


@pytest.mark.parametrize("state", ["reserved", "in_progress", "submitted", "yesterday", "skipped"])
def test_what_is_held_or_done_today_counts_into_the_caps(world: World, state: str) -> None:
    """Five of a cap of seven are held or given: two are left, of one task each."""
    Annotator.objects.filter(pool__key="alpha").exclude(name="alpha 0").delete()
    person = Annotator.objects.get(name="alpha 0")
    Annotator.objects.filter(pk=person.pk).update(daily_cap=7)
    declare_capacity(world.pools["alpha"], TODAY, Decimal("6"), **world.by)

    def rules(document: dict[str, Any]) -> None:
        only("alpha")(document)
        document["answers"], document["review_shares"] = [1], [0.0]

    project = world.add_project(rules=rules)
    ended = state not in AssignmentState.values or state in ("submitted", "skipped")
    real = "submitted" if state == "yesterday" else state
    for task in world.add_tasks(project, 5):
        world.set_state(
            task, "accepted" if real == "submitted" else "held" if not ended else "cancelled"
        )
        world.assign(
            task,
            person,
            skip_reason="other" if real == "skipped" else "",
            state=real,
            effort_seconds=720.0,
            reserved_at=NOW - timedelta(hours=20),
            lease_until=NOW + timedelta(hours=2),
            ended_at=(
                (NOW - timedelta(hours=12) if state == "yesterday" else NOW) if ended else None
            ),
        )
    world.add_tasks(project, 30)
    counts = state not in ("yesterday", "skipped")
    report = world.route("street")
    assert report.routed == (2 if counts else 7)
    # An hour of work is off the six declared as well.
    from routing.core.record import unpack
    from routing.core.tables import RECORD_TYPES
    from routing.models import RunRecord

    inputs = unpack(bytes(RunRecord.objects.get().inputs), *RECORD_TYPES)
    assert inputs.pools.declared[0, 0] == pytest.approx(5.0 if counts else 6.0)


def test_accounts_of_one_person_share_their_caps(world: World) -> None:
    for key in ("alpha", "beta"):
        Annotator.objects.filter(pool__key=key).exclude(name=f"{key} 0").delete()
    one, other = Annotator.objects.get(name="alpha 0"), Annotator.objects.get(name="beta 0")
    people.join_as_one([one, other], **world.by)
    Annotator.objects.filter(pk=one.pk).update(daily_cap=10, exposure_cap_minutes=20)
    Annotator.objects.filter(pk=other.pk).update(daily_cap=6, exposure_cap_minutes=60)
    project = world.add_project(rules=only("alpha", "beta"))
    world.add_tasks(project, 60)
    world.add_tasks(project, 60, harm="mild", size=30.0)
    world.route("street")
    sums = placed(project)
    answers = sum(sums["answers"][pool, TODAY] for pool in ("alpha", "beta"))
    harm = sum(sums["harm"][pool, TODAY] for pool in ("alpha", "beta"))
    assert 4 < answers <= 6 * (1 + 1e-6)
    assert harm <= 20 / 60 * (1 + 1e-6)
