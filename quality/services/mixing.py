"""What claims mix in: gold, at a rate that follows how little is known of the annotator.

The wider the interval of somebody's rate in a skill, the more of the tasks under it are gold. Which
gold task comes, and when, is luck: no pattern tells it from work. It is of the same project and
task type as the work that it stands beside, and none that this human being ever had.
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from quality.core.gold_rate import gold_rate
from quality.models import GoldAnswer, Judgment
from quality.services.truths import gold_in_force
from routing.choices import Purpose
from routing.models import Assignment, TaskType
from routing.seams import Mixed
from workforce.models import Annotator, Proficiency

KEPT = 4_000  # annotators in a process
MOST = 2_000  # gold tasks of a project and type among which luck chooses


class GoldMix:
    """Gold for claims (`routing.seams.MixSource`)."""

    name = "quality.gold"
    version = "1"

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, dict[int, float], float]] = OrderedDict()
        self._luck = secrets.SystemRandom()

    def wanted(self, *, annotator_id: int, facts: int, at: datetime) -> float:
        """Return the highest chance of gold over the annotator's skills; `pick` thins it."""
        _rates, most = self._of(annotator_id, facts, at)
        return most

    def pick(
        self,
        *,
        annotator_id: int,
        humans: Sequence[int],
        project_id: int,
        task_type_id: int,
        besides: Sequence[int],
        at: datetime,
    ) -> Mixed | None:
        """Return a gold task of this project and type that none of these humans ever had."""
        held = self._kept.get(annotator_id)
        if held is not None:
            _version, rates, most = held
            mine = rates.get(_skill_of(task_type_id), gold_rate(None, None))
            if self._luck.random() * most >= mine:
                return None
        rows = unseen_gold(humans, project_id, task_type_id, at)
        found = list(rows.exclude(task__in=list(besides))[:MOST])
        if not found:
            return None
        return Mixed(task_id=self._luck.choice(found), purpose=Purpose.GOLD)

    def _of(self, annotator_id: int, facts: int, at: datetime) -> tuple[dict[int, float], float]:
        held = self._kept.get(annotator_id)
        if held is not None and held[0] == facts:
            return held[1], held[2]
        rates = rates_of(annotator_id, at)
        most = max([*rates.values(), gold_rate(None, None)])
        self._kept[annotator_id] = (facts, rates, most)
        self._kept.move_to_end(annotator_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return rates, most


def rates_of(annotator_id: int, at: datetime) -> dict[int, float]:
    """Return the chance of gold by skill, from the latest estimate of each not after a time."""
    latest = (
        Proficiency.objects.filter(annotator=annotator_id, as_of__lte=at)
        .annotate(newest=Window(RowNumber(), partition_by=F("skill"), order_by=F("as_of").desc()))
        .filter(newest=1)
    )
    return {
        skill: gold_rate(lower, upper)
        for skill, lower, upper in latest.values_list("skill_id", "rate_lower", "rate_upper")
    }


def unseen_gold(
    humans: Sequence[int], project_id: int, task_type_id: int, at: datetime
) -> QuerySet[GoldAnswer, Any]:
    """Return the ids of gold tasks of a project and type that these humans never had.

    None of a qualification set, whose answers people have seen, and none whose gold is in doubt.
    """
    accounts = Annotator.objects.filter(
        Q(person__in=[h for h in humans if h > 0]) | Q(pk__in=[-h for h in humans if h < 0])
    )
    had = Assignment.objects.filter(task_id=OuterRef("task_id"), human__in=list(humans))
    answered = Judgment.objects.filter(
        task_id=OuterRef("task_id"), annotator__in=accounts.values("pk")
    )
    return (
        gold_in_force(at)
        .filter(
            task__project=project_id,
            task__task_type=task_type_id,
            task__qualification_item__isnull=True,
        )
        .exclude(task__state__in=("cancelled", "recalled"))
        .exclude(
            task__adjudications__why="gold",
            task__adjudications__decided_at__isnull=True,
            task__adjudications__cancelled_at__isnull=True,
        )
        .exclude(Exists(had))
        .exclude(Exists(answered))
        .order_by("pk")
        .values_list("task_id", flat=True)
    )


_skills: dict[int, int] = {}


def _skill_of(task_type_id: int) -> int:
    """Return the skill of a task type; kept for good, a type's skill is given once."""
    if task_type_id not in _skills:
        _skills[task_type_id] = TaskType.objects.values_list("skill_id", flat=True).get(
            pk=task_type_id
        )
    return _skills[task_type_id]
