"""A routed project with reviews, and answers as they stand after submission."""

from typing import Any

from django.db import transaction

from quality.models import Judgment
from routing.models import Decision, Placement, Task
from routing.services.task_states import move_tasks
from tests.conftest import NOW, World


def routed_project(
    world: World,
    *,
    tasks: int = 6,
    share: float = 1.0,
    choice: str = "random",
    key: str = "street",
    **values: Any,
) -> list[Task]:
    """Route tasks with one answer each, labelled and reviewed by own staff."""
    from routing.services.run import route

    def rules(document: dict[str, Any]) -> None:
        document["answers"], document["review_shares"] = [1], [share]
        document["review_choices"], document["pools"] = [choice], ["in-house"]
        for row in document["matrix"].values():
            for cell in row.values():
                cell["target_error"] = 1.0

    project = world.add_project(key, rules=rules, **values)
    made = world.add_tasks(project, tasks)
    route(project_keys=[key], **world.by)
    assert Placement.objects.filter(task__project=project).count() == tasks
    return made


def placed(task: Task) -> tuple[Decision, int]:
    """Return the decision on a task and its arrangement."""
    placement = Placement.objects.select_related("decision").get(task=task)
    return placement.decision, placement.arrangement


def answered(world: World, task: Task, person: Any, label: str = "cat", **values: Any) -> Judgment:
    """Return a person's answer to a task, with the assignment submitted and the task answered."""
    task.refresh_from_db()
    placement = Placement.objects.filter(task=task).first()
    held = world.assign(
        task,
        person,
        state="submitted",
        ended_at=NOW,
        started_at=NOW,
        attempt=task.attempt,
        decision_id=placement.decision_id if placement is not None else None,
    )
    given = Judgment.objects.create(
        task=task,
        annotator=person,
        assignment=held,
        attempt=task.attempt,
        answer=label,
        label=label,
        raw_seconds=10.0,
        source="form",
        submitted_at=NOW,
        **values,
    )
    with transaction.atomic():
        move_tasks([task.pk], from_state=task.state, to_state="answered", **world.by)
    task.refresh_from_db()
    return given


def login(world: World, person: Any, *roles: str) -> Any:
    """Return the login of an annotator, made when there is none."""
    from accounts.choices import Role
    from accounts.services.users import create_user

    if person.user_id is None:
        person.user = create_user(
            email=f"{person.public_id}@people.example",
            name=person.name,
            organisation=person.organisation,
            roles=[Role.ANNOTATOR, *roles],
            password="pass",
            **world.as_("admin"),
        )
        person.save()
    return person.user


def people(world: World, pool: str = "in-house") -> list[Any]:
    """Return the annotators of a pool, with logins."""
    from workforce.models import Annotator

    found = list(Annotator.objects.filter(pool=world.pools[pool]).order_by("pk"))
    for person in found:
        login(world, person)
    return found


def as_person(world: World, person: Any) -> dict[str, Any]:
    """Return the keywords of somebody who acts now."""
    return {"acting_user": login(world, person), "now": NOW}


def drawn_review(world: World, task: Task, person: Any, label: str = "cat") -> Any:
    """Return the review of a person's answer to a task whose arrangement reviews all."""
    from quality.services.reviews import draw_review

    judgment = answered(world, task, person, label)
    decision, arrangement = placed(task)
    with transaction.atomic():
        return draw_review(
            task, judgment.pk, decision, arrangement=arrangement, certainty=0.9, **world.by
        )
