"""Facts of task types: measured with the accuracies, read by the next run, replayed the same."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from quality.models import GoldAnswer, Judgment, TypeFacts
from quality.services.accuracy import estimate_accuracy
from quality.services.facts import MeasuredQuality
from quality.services.truths import gold_in_force
from routing import seams
from routing.core.record import unpack
from routing.core.tables import RECORD_TYPES
from routing.models import Run, TaskType
from routing.services.replay import replay
from tests.conftest import NOW, World
from workforce.models import Annotator, Proficiency

HOUR = timedelta(hours=1)


def answered(world: World, *, items: int = 300, hard: float = 0.3, gold: bool = True) -> None:
    """Give four of the house's people work on gold: easy items right .97, hard ones right .5."""
    project = world.add_project("past")
    tasks = world.add_tasks(project, items)
    people = list(Annotator.objects.filter(pool__key="in-house").order_by("pk")[:4])
    rng = np.random.default_rng(1)
    rows = []
    for number, task in enumerate(tasks):
        chance = 0.5 if number < items * hard else 0.97
        rows += [
            Judgment(
                task=task,
                annotator=person,
                answer=label,
                label=label,
                source="import",
                submitted_at=NOW - HOUR,
            )
            for person in people
            for label in ["cat" if rng.random() < chance else "dog"]
        ]
    Judgment.objects.bulk_create(rows)
    if gold:
        GoldAnswer.objects.bulk_create(
            GoldAnswer(
                task=task,
                label="cat",
                source="expert",
                set_by=world.users["quality"],
                set_at=NOW - HOUR,
            )
            for task in tasks
        )


def test_facts_are_measured_kept_and_read_by_the_next_run(world: World) -> None:
    street = world.add_project()
    world.add_tasks(street, 20)
    before = world.route("street")
    answered(world)
    estimate_accuracy(project_key="past", **world.as_("quality"))
    facts = TypeFacts.objects.get()
    assert facts.task_type.key == "image-classification"
    assert (facts.items, facts.answers, facts.pairs) == (300, 1_200, 1_800)
    # Var of the items' chance over A(1 − A): .7·.3·.47² / (.829·.171) = .33
    assert facts.dispersion == pytest.approx(0.33, abs=0.08)
    assert facts.same_error > 0.9
    world.route("street")
    old, new = Run.objects.get(public_id=before.run), Run.objects.order_by("-pk")[0]
    assert old.versions["facts"] == {"image-classification": "defaults"}
    assert new.versions["quality"] == "quality.type-facts 1"
    named = new.versions["facts"]["image-classification"]
    assert named == f"{facts.version} as of {NOW.isoformat()}"
    types = unpack(bytes(new.record.inputs), *RECORD_TYPES).types
    assert types.dispersion.tolist() == [facts.dispersion]
    assert types.difficulty.tolist() == [list(facts.difficulty)]
    # A later measurement changes no recorded run.
    TypeFacts.objects.update(dispersion=0.8)
    assert replay(new).identical


def test_votes_that_err_together_cost_more(world: World) -> None:
    """Three answers of people who err together are worth less: the plan's error rises."""
    project = world.add_project(rules=three_answers)
    world.add_tasks(project, 5)
    report = world.route("street")
    assert report.routed == 5
    usual = report.cost
    TypeFacts.objects.create(
        task_type=TaskType.objects.get(key="image-classification"),
        as_of=NOW,
        version="test",
        dispersion=0.6,
        same_error=1.0,
        items=1,
        answers=1,
        pairs=1,
    )
    assert world.route("street").cost > usual * 1.05


def three_answers(document: dict) -> None:  # type: ignore[type-arg]
    document["answers"] = [3]
    document["review_shares"] = [0]
    document["pools"] = ["in-house"]
    for row in document["matrix"].values():
        for cell in row.values():
            cell["target_error"] = 0.5


def test_facts_count_from_their_time_on(world: World) -> None:
    kind = TaskType.objects.get(key="image-classification")
    for hours, dispersion in ((3, 0.2), (1, 0.3)):
        TypeFacts.objects.create(
            task_type=kind,
            as_of=NOW - hours * HOUR,
            version="test",
            dispersion=dispersion,
            same_error=0.5,
            difficulty_high=0.4,
            items=1,
            answers=1,
            pairs=0,
        )
    assert isinstance(seams.quality.get(), MeasuredQuality)

    def at(when: object) -> object:
        return seams.quality.get().facts(task_type_ids=[kind.pk], at=when).get(kind.pk)  # type: ignore[arg-type]

    assert at(NOW).dispersion == 0.3  # type: ignore[union-attr]
    assert at(NOW - 2 * HOUR).dispersion == 0.2  # type: ignore[union-attr]
    assert at(NOW).difficulty == (0, 0, 0.4, 0)  # type: ignore[union-attr]
    # Nobody has reviewed reviews yet: the default.
    assert at(NOW).spoil == seams.QualityFacts().spoil  # type: ignore[union-attr]
    assert at(NOW - 4 * HOUR) is None


def test_without_gold_nothing_is_measured(world: World) -> None:
    """Agreement alone cannot tell errors that are common from answers that are right."""
    answered(world, gold=False)
    estimate_accuracy(project_key="past", **world.as_("quality"))
    assert Proficiency.objects.filter(as_of=NOW).count() == 4
    assert not TypeFacts.objects.exists()


def test_gold_counts_while_it_is_in_force(world: World) -> None:
    answered(world, items=4)
    GoldAnswer.objects.filter(task__external_id="t0").update(retired_at=NOW)
    assert gold_in_force(NOW).count() == 3
    assert gold_in_force(NOW - timedelta(minutes=1)).count() == 4
    assert gold_in_force(NOW - 2 * HOUR).count() == 0


def test_asked_twice_as_of_one_time_nothing_is_written_twice(world: World) -> None:
    answered(world, items=40)
    first = estimate_accuracy(project_key="past", **world.as_("quality"))
    counts = (Proficiency.objects.count(), TypeFacts.objects.count())
    assert estimate_accuracy(project_key="past", **world.as_("quality")) == first
    assert (Proficiency.objects.count(), TypeFacts.objects.count()) == counts


@pytest.mark.parametrize(
    "wrong", [{"dispersion": 1.0}, {"dispersion": -0.1}, {"same_error": 0.0}, {"spoil": 1.5}]
)
def test_the_database_refuses_impossible_facts(world: World, wrong: dict[str, float]) -> None:
    good = {"dispersion": 0.1, "same_error": 0.5, "items": 1, "answers": 1, "pairs": 1}
    kind = TaskType.objects.get(key="image-classification")
    with pytest.raises(IntegrityError), transaction.atomic():
        TypeFacts.objects.create(task_type=kind, as_of=NOW, version="test", **{**good, **wrong})
