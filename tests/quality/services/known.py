"""Answers of known truth for the tests of what watches: gold and random reviews, one a minute."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from quality.models import GoldAnswer, Judgment, Review
from routing.models import Project, TaskType
from tests.conftest import NOW, World
from workforce.models import Annotator, Proficiency

MINUTE = timedelta(minutes=1)


def people(pool: str = "in-house") -> list[Annotator]:
    return list(Annotator.objects.filter(pool__key=pool).order_by("pk"))


def usual(rate: float) -> None:
    """Have everybody be estimated at this rate."""
    Proficiency.objects.update(rate=rate, rate_lower=rate - 0.03, rate_upper=rate + 0.03)


def answers(
    world: World,
    annotator: Annotator,
    wrong: Iterable[int],
    *,
    start: datetime = NOW - timedelta(days=3),
    by: str = "gold",
    project: str = "known",
    task_type: str = "image-classification",
    **of_task: Any,
) -> list[Judgment]:
    """Have somebody answer a task a minute: right (0) or wrong (1), as gold or a random review."""
    where = Project.objects.filter(key=project).first() or world.add_project(project)
    made = []
    for number, bad in enumerate(wrong):
        at = start + number * MINUTE
        task = world.add_tasks(where, 1, task_type=TaskType.objects.get(key=task_type), **of_task)[
            0
        ]
        label = "b" if bad else "a"
        row = Judgment.objects.create(
            task=task,
            annotator=annotator,
            answer=label,
            label=label,
            source="import",
            submitted_at=at,
        )
        made.append(row)
        if by == "gold":
            GoldAnswer.objects.create(
                task=task, label="a", source="expert", set_by=world.users["quality"], set_at=start
            )
        elif by == "review":
            review(world, row, bad, at=at)
    return made


def review(world: World, judgment: Judgment, bad: int, *, at: datetime, **values: Any) -> Review:
    """Record a review that is done."""
    reviewer = people()[-1]
    error = {"outcome": "reject", "category": "wrong_label", "severity": "major"}
    return Review.objects.create(
        **{
            "task": judgment.task,
            "judgment": judgment,
            "why": "random",
            "probability": 0.1,
            "state": "done",
            "reviewer": reviewer,
            "created_at": at,
            "decided_at": at,
            **(error if bad else {"outcome": "accept"}),
            **values,
        }
    )
