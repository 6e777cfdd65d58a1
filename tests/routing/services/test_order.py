"""A project's own order of its tasks, as claims serve it, with its random share."""

from typing import Any

import numpy as np
import pytest

from routing.models import Assignment, Placement, Project, Task
from routing.services.claiming import claim
from tests.conftest import World
from workforce.models import Annotator

pytestmark = pytest.mark.django_db
COUNT = 40


def routed(world: World, order: str, share: float, values: Any = None) -> Project:
    """Route tasks of planted entropies or disagreements, in no order of their making."""
    project = world.add_project(
        sampling_order=order, random_share=share, in_progress_limit=2 * COUNT
    )
    tasks = world.add_tasks(project, COUNT)
    if values is not None:
        name = {"uncertainty": "entropy", "disagreement": "disagreement"}[order]
        for task, value in zip(tasks, values, strict=True):
            setattr(task, name, value)
        Task.objects.bulk_update(tasks, [name])
    world.route("street", days=1)
    placed = Placement.objects.filter(task__project=project)
    # One pool has it all, so that one person sees the whole order.
    assert placed.count() == COUNT
    assert placed.values("pool").distinct().count() == 1
    return project


def served(world: World, name: str) -> list[Any]:
    """Return something of the tasks in the order in which somebody gets them, one by one."""
    pool = Placement.objects.values_list("pool_id", flat=True).first()
    annotator = Annotator.objects.filter(pool_id=pool).order_by("pk").first()
    made: list[Assignment] = []
    while len(made) < COUNT:
        row = claim(annotator, **world.by)
        if not row:
            break
        made += row
    assert len(made) == COUNT
    value = dict(Task.objects.values_list("pk", name))
    return [value[row.task_id] for row in made]


@pytest.mark.parametrize(
    ("order", "name"), [("uncertainty", "entropy"), ("disagreement", "disagreement")]
)
def test_the_highest_come_first(world: World, order: str, name: str) -> None:
    values = np.random.default_rng(3).permutation(np.linspace(0.1, 0.15, COUNT))
    routed(world, order, 0.0, values)
    got = served(world, name)
    assert got == sorted(values.tolist(), reverse=True)


def test_what_is_not_known_comes_last(world: World) -> None:
    values = [None if i % 4 == 0 else 0.1 + i / 1000 for i in range(COUNT)]
    routed(world, "uncertainty", 0.0, values)
    unknown = [value is None for value in served(world, "entropy")]
    assert unknown == [False] * 30 + [True] * 10


def test_a_fixed_share_is_served_at_random(world: World) -> None:
    """Of whatever has been served so far about that share was drawn; the others are in order."""
    values = np.random.default_rng(4).permutation(np.linspace(0.1, 0.15, COUNT))
    routed(world, "uncertainty", 0.5, values)
    ordered = sorted(values.tolist(), reverse=True)
    got = served(world, "entropy")
    assert got != ordered
    assert sorted(got, reverse=True) == ordered
    # The tasks that were not drawn are the longest falling row: about half of them, at least.
    assert COUNT * 0.3 <= _falling(got) <= COUNT * 0.8


def test_random_order_is_reproducible_and_no_order_of_making(world: World) -> None:
    project = routed(world, "random", 0.1)
    first = _urgencies(project)
    world.route("street", days=1)
    assert _urgencies(project) == first
    order = list(first)
    assert order != sorted(order)
    assert len(set(first.values())) > COUNT // 2
    assert served(world, "pk") == order


def test_in_order_of_due_time_nothing_is_drawn(world: World) -> None:
    routed(world, "due", 1.0)
    got = served(world, "pk")
    assert got == sorted(got)


def _urgencies(project: Project) -> dict[int, int]:
    project.refresh_from_db()
    # Of equal urgency, as they were inserted.
    rows = Placement.objects.filter(run=project.current_run).order_by("urgency", "pk")
    return dict(rows.values_list("task_id", "urgency"))


def _falling(values: list[float]) -> int:
    """Return the length of the longest falling subsequence."""
    best: list[int] = []
    for i, value in enumerate(values):
        best.append(1 + max((best[j] for j in range(i) if values[j] > value), default=0))
    return max(best)
