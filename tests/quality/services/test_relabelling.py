"""Relabelling: what a guideline change touches, reopened exactly, with old judgments kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Job
from accounts.services.jobs import start_job
from audit.models import Event
from common.errors import Conflict, Forbidden, Invalid
from quality.models import Judgment, Label, Relabel, RelabelTask, Review
from quality.services import relabel_batches
from quality.services.relabel_query import Query
from quality.services.relabel_undo import undo_relabel
from quality.services.relabelling import apply_relabel, drop_relabel, list_relabel
from routing.models import GuidelineVersion, Placement, Project, Task, TaskStep
from routing.services.assignments import release
from routing.services.claiming import claim
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.quality.services.work import MINUTE, answer, login, only, people, state

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OLD = {"labels": ["cat", "dog", "fox"]}
NEW = {"labels": ["cat", {"name": "canine", "was": ["dog", "fox"]}]}


def by(world: World, later: timedelta = HOUR) -> dict[str, Any]:
    return {"acting_user": world.users["quality"], "now": NOW + later}


def version(world: World, number: int, ontology: Any) -> GuidelineVersion:
    return add_guideline(
        Project.objects.get(),
        content=f"Version {number}",
        ontology=ontology,
        effective_from=NOW,
        change_note="" if number == 1 else "dogs and foxes are one",
        **world.by,
    )


@pytest.fixture
def labelled(world: World) -> World:
    """Five tasks under the first version: a cat, two dogs and a fox accepted, one open."""
    project = world.add_project(rules=only("in_house"))
    first = version(world, 1, OLD)
    world.add_tasks(project, 5, guideline=first)
    world.route("street")
    person = people()[0]
    made = claim(person, count=4, acting_user=login(world, person), now=NOW)
    for row, label in zip(made, ("cat", "dog", "dog", "fox"), strict=True):
        answer(world, row, label)
    version(world, 2, NEW)
    return world


def versions() -> tuple[GuidelineVersion, GuidelineVersion]:
    first, second = GuidelineVersion.objects.order_by("number")
    return first, second


def listed(world: World, **query: Any) -> Relabel:
    return list_relabel(*versions(), query=Query(**query), **by(world))


def of(label: str) -> list[Task]:
    return [row.task for row in Label.objects.filter(value=label).order_by("task_id")]


def test_the_list_names_what_the_ontology_touches_and_changes_nothing(labelled: World) -> None:
    steps = TaskStep.objects.count()
    relabel = listed(labelled)
    rows = {(row.task.pk, row.what, row.why) for row in relabel.listed.all()}
    assert rows == {
        *((task.pk, "dog", "label") for task in of("dog")),
        *((task.pk, "fox", "label") for task in of("fox")),
    }
    assert (relabel.tasks, relabel.state) == (3, "listed")
    assert relabel.changes[0]["kind"] == "merged"
    assert TaskStep.objects.count() == steps
    assert Label.objects.filter(ended_at__isnull=True).count() == 4


def test_by_query(labelled: World) -> None:
    assert listed(labelled, difference=False, labels=("cat",)).tasks == 1
    assert listed(labelled, labels=("cat",)).tasks == 4
    assert listed(labelled, difference=False, labels=("never seen",)).tasks == 0
    assert listed(labelled, since=NOW + HOUR).tasks == 0
    assert listed(labelled, until=NOW + HOUR).tasks == 3
    assert listed(labelled, task_types=("sentiment",)).tasks == 0
    row = listed(labelled, difference=False, labels=("dog",)).listed.all()[0]
    assert (row.why, row.what) == ("asked", "dog")


def test_by_field(labelled: World) -> None:
    task = of("cat")[0]
    Label.objects.filter(task=task).update(answer={"label": "cat", "hidden": True})
    found = listed(labelled, difference=False, fields=("hidden",))
    assert [(row.task, row.why, row.what) for row in found.listed.all()] == [
        (task, "asked", "hidden")
    ]


def test_applied_it_reopens_exactly_these_and_keeps_the_judgments(labelled: World) -> None:
    relabel = listed(labelled)
    touched, kept = [*of("dog"), *of("fox")], of("cat")
    judgments = Judgment.objects.count()
    apply_relabel(relabel, **by(labelled))
    assert (relabel.state, relabel.reopened, relabel.passed) == ("applied", 3, 0)
    second = versions()[1]
    for task in touched:
        task.refresh_from_db()
        assert (task.state, task.attempt, task.guideline) == ("open", 2, second)
        assert not Label.objects.filter(task=task, ended_at__isnull=True).exists()
    assert [state(task) for task in kept] == ["accepted"]
    assert Judgment.objects.count() == judgments
    (event,) = Event.objects.filter(kind="task.relabelled")
    assert event.data["count"] == 3
    # They are served at once, to whoever answered before as well, under the new version.
    person = people()[0]
    made = claim(person, count=9, acting_user=login(labelled, person), now=NOW + HOUR)
    again = [row for row in made if row.task in touched]
    assert {(row.attempt, row.guideline) for row in again} == {(2, second)}
    done = answer(labelled, again[0], "canine", at=NOW + 2 * HOUR)
    assert state(again[0].task) == "accepted"
    label = Label.objects.get(task=done.task, ended_at__isnull=True)
    assert (label.value, label.attempt) == ("canine", 2)
    assert Label.objects.filter(task=done.task).count() == 2


def test_the_next_run_places_what_was_reopened(labelled: World) -> None:
    apply_relabel(listed(labelled), **by(labelled))
    found = labelled.route("street")
    assert found.tasks == 4
    assert Placement.objects.filter(run__public_id=found.run, task__attempt=2).count() == 3


def test_twice_is_once(labelled: World) -> None:
    relabel = listed(labelled)
    apply_relabel(relabel, **by(labelled))
    events = Event.objects.count()
    apply_relabel(Relabel.objects.get(), **by(labelled))
    assert Event.objects.count() == events
    assert set(Task.objects.values_list("attempt", flat=True)) == {1, 2}


def test_what_changed_since_is_passed_over(labelled: World) -> None:
    relabel = listed(labelled)
    first = of("fox")[0]
    other = list_relabel(
        *versions(), query=Query(difference=False, labels=("fox",)), **by(labelled)
    )
    apply_relabel(other, **by(labelled))
    apply_relabel(relabel, **by(labelled))
    assert (relabel.reopened, relabel.passed) == (2, 1)
    row = relabel.listed.get(task=first)
    assert (row.reopened_at, row.passed) == (None, "changed since it was listed")
    first.refresh_from_db()
    assert first.attempt == 2


def test_undone_while_nobody_has_answered(labelled: World) -> None:
    before = list(Task.objects.order_by("pk").values("pk", "state", "attempt", "guideline_id"))
    labels = list(Label.objects.order_by("pk").values("pk", "ended_at"))
    seats = list(Placement.objects.order_by("pk").values("pk", "taken", "opened"))
    relabel = listed(labelled)
    apply_relabel(relabel, **by(labelled))
    person = people()[1]
    made = claim(person, count=9, acting_user=login(labelled, person), now=NOW + HOUR)
    assert len(made) == 4
    undo_relabel(relabel, **by(labelled, DAY))
    held = {row.task_id for row in made if row.attempt == 1}
    after = list(Task.objects.order_by("pk").values("pk", "state", "attempt", "guideline_id"))
    assert [row for row in after if row["pk"] not in held] == [
        row for row in before if row["pk"] not in held
    ]
    assert list(Label.objects.order_by("pk").values("pk", "ended_at")) == labels
    for row in made:
        row.refresh_from_db()
        assert row.state == ("reserved" if row.task_id in held else "withdrawn")
        release(row, acting_user=login(labelled, person), now=NOW + DAY) if row.attempt == 1 else 0
    assert list(Placement.objects.order_by("pk").values("pk", "taken", "opened")) == seats
    relabel.refresh_from_db()
    assert relabel.state == "undone"
    undo_relabel(relabel, **by(labelled, DAY))
    with pytest.raises(Conflict):
        apply_relabel(relabel, **by(labelled, DAY))


def test_not_undone_once_somebody_has_answered(labelled: World) -> None:
    relabel = listed(labelled)
    apply_relabel(relabel, **by(labelled))
    person = people()[1]
    made = claim(person, count=9, acting_user=login(labelled, person), now=NOW + HOUR)
    (row, *_rest) = [row for row in made if row.attempt == 2]
    answer(labelled, row, "canine", at=NOW + 2 * HOUR)
    with pytest.raises(Conflict, match="1 of its tasks"):
        undo_relabel(relabel, **by(labelled, DAY))
    assert Relabel.objects.get().state == "applied"


def test_a_task_with_another_run_meanwhile_is_asked_no_more(labelled: World) -> None:
    relabel = listed(labelled)
    apply_relabel(relabel, **by(labelled))
    run = labelled.route("street").run
    undo_relabel(relabel, **by(labelled, DAY))
    for row in Placement.objects.filter(run__public_id=run, task__state="accepted"):
        assert (row.taken, row.opened) == (0, 0)
    assert set(Task.objects.values_list("state", flat=True)) == {"accepted", "open"}


def test_answers_that_wait_for_checks_are_touched_too(world: World) -> None:
    project = world.add_project(rules=only("in_house", share=1.0))
    world.add_tasks(project, 2, guideline=version(world, 1, OLD))
    world.route("street")
    person = people()[0]
    made = claim(person, count=2, acting_user=login(world, person), now=NOW)
    for row, label in zip(made, ("cat", "dog"), strict=True):
        answer(world, row, label)
    version(world, 2, NEW)
    dog = made[1].task
    review = Review.objects.filter(task=dog).first()
    relabel = listed(world)
    assert [(row.task, row.why, row.state) for row in relabel.listed.all()] == [
        (dog, "answer", "answered")
    ]
    apply_relabel(relabel, **by(world))
    assert state(dog) == "rework"
    if review is not None:
        review.refresh_from_db()
        assert review.state == "cancelled"
    undo_relabel(relabel, **by(world, DAY))
    assert state(dog) == "answered"
    if review is not None:
        review.refresh_from_db()
        assert review.state == "pending"


def test_killed_in_the_middle_it_goes_on_from_there(
    labelled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quality.services import relabelling

    monkeypatch.setattr(relabel_batches, "BATCH", 1)
    relabel = listed(labelled)
    real, done = relabelling.reopen_tasks, []

    def killed(*args: Any, **kwargs: Any) -> None:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(real(*args, **kwargs))

    monkeypatch.setattr(relabelling, "reopen_tasks", killed)
    with pytest.raises(KeyboardInterrupt):
        apply_relabel(relabel, **by(labelled))
    assert Relabel.objects.get().state == "applying"
    assert Task.objects.filter(attempt=2).count() == 1
    monkeypatch.setattr(relabelling, "reopen_tasks", real)
    apply_relabel(Relabel.objects.get(), **by(labelled))
    assert Task.objects.filter(attempt=2).count() == 3
    assert Relabel.objects.get().reopened == 3


def test_as_a_job(labelled: World, django_capture_on_commit_callbacks: Any) -> None:
    relabel = listed(labelled)
    arguments = {"relabel": str(relabel.public_id)}
    for kind, result in (
        ("relabel", {"reopened": 3, "passed": 0}),
        ("relabel_undo", {"state": "undone"}),
    ):
        with django_capture_on_commit_callbacks(execute=True):
            made = start_job(kind, arguments, **labelled.as_("quality"))
        job = Job.objects.get(pk=made.pk)
        assert (job.state, job.result) == ("done", result), job.error


def test_one_at_a_time_and_dropped_for_good(labelled: World) -> None:
    first, second = listed(labelled), listed(labelled)
    with transaction.atomic():
        relabel_batches.begin(first, "applying", **by(labelled))
    with pytest.raises(Conflict, match="under way"):
        apply_relabel(second, **by(labelled))
    drop_relabel(second, **by(labelled))
    with pytest.raises(Conflict):
        apply_relabel(second, **by(labelled))
    with pytest.raises(IntegrityError), transaction.atomic():
        Relabel.objects.filter(pk=second.pk).update(state="applied", steps=2, applied_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        RelabelTask.objects.update(undone_at=NOW)


def test_what_is_refused(labelled: World) -> None:
    first, second = versions()
    with pytest.raises(Invalid, match="older version"):
        list_relabel(second, first, **by(labelled))
    with pytest.raises(Invalid, match="asks for nothing"):
        listed(labelled, difference=False)
    with pytest.raises(Invalid, match="no task type"):
        listed(labelled, task_types=("flying",))
    with pytest.raises(Invalid, match="after the beginning"):
        listed(labelled, since=NOW, until=NOW - MINUTE)
    relabel = listed(labelled)
    for name in ("finance", "auditor"):
        with pytest.raises(Forbidden):
            list_relabel(first, second, **labelled.as_(name))
        with pytest.raises(Forbidden):
            apply_relabel(relabel, **labelled.as_(name))
        with pytest.raises(Forbidden):
            undo_relabel(relabel, **labelled.as_(name))


def test_as_many_statements_for_many_tasks(world: World) -> None:
    """A batch is set-based: labels, tasks, seats, steps and events in a few statements."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost(count: int) -> int:
        project = Project.objects.first() or world.add_project(rules=only("in_house"))
        old = GuidelineVersion.objects.filter(number=1).first() or version(world, 1, OLD)
        tasks = world.add_tasks(project, count, guideline=old, state="accepted")
        Label.objects.bulk_create(
            Label(task=task, answer="dog", value="dog", by="answer", accepted_at=NOW)
            for task in tasks
        )
        new = GuidelineVersion.objects.filter(number=2).first() or version(world, 2, NEW)
        relabel = list_relabel(old, new, **by(world))
        assert relabel.tasks == count
        with CaptureQueriesContext(connection) as captured:
            apply_relabel(relabel, **by(world))
        return len(captured)

    assert cost(40) == cost(4) < 70
