"""Work in hand for tests of answers: a project routed, tasks claimed, answers handed in."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user
from quality.models import Judgment
from quality.services.submitting import submit
from routing.models import Assignment, Placement, Project, Task
from routing.services.claiming import claim
from tests.conftest import NOW, World
from workforce.models import Annotator

MINUTE = timedelta(minutes=1)


def only(
    *modes: str, answers: int = 1, share: float = 0.0, choice: str = "", **cell: Any
) -> Callable[[Any], None]:
    """Return rules under which work goes one way: so many answers, such a share reviewed."""

    def change(document: Any) -> None:
        document["answers"], document["review_shares"] = [answers], [share]
        document.pop("newcomers", None)
        if choice:
            document["review_choices"] = [choice]
        for row in document["matrix"].values():
            for entry in row.values():
                entry.update({"modes": list(modes), "target_error": 0.3, **cell})

    return change


def routed(world: World, tasks: int = 3, *, rules: Any = None, **values: Any) -> Project:
    """Make a project of one kind of work and route it."""
    project = world.add_project(rules=rules or only("in_house"))
    world.add_tasks(project, tasks, **values)
    world.route("street")
    placed = Placement.objects.filter(task__project=project).count()
    assert placed == tasks, "the work must be placed"
    project.refresh_from_db()
    return project


def login(world: World, annotator: Annotator) -> User:
    """Return the login of an annotator, made when there is none."""
    if annotator.user_id is None:
        annotator.user = create_user(
            email=f"{annotator.public_id}@house.example",
            name=annotator.name,
            organisation=annotator.organisation,
            roles=[Role.ANNOTATOR],
            password="pass",
            **world.as_("admin"),
        )
        annotator.save()
    return annotator.user


def people(pool: str = "in-house") -> list[Annotator]:
    """Return the annotators of a pool."""
    return list(Annotator.objects.filter(pool__key=pool).order_by("pk"))


def take(world: World, annotator: Annotator, at: datetime = NOW) -> Assignment:
    """Have an annotator claim a task."""
    (made,) = claim(annotator, acting_user=login(world, annotator), now=at)
    return made


def take_this(world: World, annotator: Annotator, task: Task, at: datetime = NOW) -> Assignment:
    """Have an annotator claim all they get, and return their hold on one task."""
    claim(annotator, count=10, acting_user=login(world, annotator), now=at)
    return Assignment.objects.get(annotator=annotator, task=task, state="reserved")


def answer(
    world: World,
    assignment: Assignment,
    label: Any = "cat",
    *,
    seconds: float | None = 10.0,
    at: datetime = NOW + MINUTE,
    **values: Any,
) -> Judgment:
    """Hand in an answer as its annotator."""
    annotator = Annotator.objects.get(pk=assignment.annotator_id)
    return submit(
        assignment,
        answer=label,
        raw_seconds=seconds,
        **{"source": "form", "acting_user": login(world, annotator), "now": at, **values},
    )


def state(task: Task | int) -> str:
    """Return the state of a task as it is now."""
    pk = task if isinstance(task, int) else task.pk
    return str(Task.objects.values_list("state", flat=True).get(pk=pk))


def seats(task: Task | int) -> tuple[int, int, int]:
    """Return seats asked, opened and taken in the run in force."""
    pk = task if isinstance(task, int) else task.pk
    row = Placement.objects.get(task=pk, run=Task.objects.get(pk=pk).project.current_run_id)
    return row.asked, row.opened, row.taken
