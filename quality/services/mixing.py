"""What claims mix in: gold, at a rate that follows how little is known of the annotator.

The wider the interval of somebody's rate in a skill, the more of the tasks under it are gold. Which
gold task comes, and when, is luck: no pattern tells it from work. It is of the same project and
task type as the work that it stands beside, and none that this human being ever had.
"""

import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from common.sql import among, not_among, rows, sql_time
from quality.core.gold_rate import gold_rate
from quality.routines import LOOKED, SOME, UNSEEN, UNSEEN_GOLD
from routing.choices import Purpose
from routing.models import TaskType
from routing.seams import Mixed
from workforce.models import Proficiency

KEPT = 4_000  # annotators in a process
MOST = 2_000


class GoldMix:
    """Gold for claims (`routing.seams.MixSource`)."""

    name = "quality.gold"
    version = "1"
    routine = UNSEEN_GOLD.name
    purpose = Purpose.GOLD.value

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, dict[int, float], float]] = OrderedDict()
        self._luck = secrets.SystemRandom()

    def wanted(self, *, annotator_id: int, facts: int, at: datetime) -> float:
        """Return the highest chance of gold over the annotator's skills; `pick` thins it."""
        _rates, most = self._of(annotator_id, facts, at)
        return most

    def chances(
        self, *, annotator_id: int, facts: int, at: datetime
    ) -> tuple[Mapping[int, float], float]:
        """Return the chance of gold by skill, and that of a skill of which nothing is known."""
        rates, _most = self._of(annotator_id, facts, at)
        return rates, gold_rate(None, None)

    def pick(
        self,
        *,
        annotator_id: int,
        luck: float,
        humans: Sequence[int],
        project_id: int,
        task_type_id: int,
        besides: Sequence[int],
        at: datetime,
    ) -> Mixed | None:
        """Return a gold task of this project and type that none of these humans ever had."""
        held = self._kept.get(annotator_id)
        if held is not None:
            _version, rates, _most = held
            if luck >= rates.get(_skill_of(task_type_id), gold_rate(None, None)):
                return None
        found = unseen_gold(
            humans,
            project_id,
            task_type_id,
            at,
            besides=besides,
            begin=self._luck.random(),
            most=SOME,
        )
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
    humans: Sequence[int],
    project_id: int,
    task_type_id: int,
    at: datetime,
    *,
    besides: Sequence[int] = (),
    begin: float = 0.0,
    most: int = MOST,
) -> list[int]:
    """Return up to `most` ids of gold tasks of a project and type that these humans never had.

    None of a qualification set, whose answers people have seen, and none whose gold is in doubt.
    By hand, since claims wait for it: building the query took longer than all the rest of a claim.

    Parameters
    ----------
    humans : as assignments name them: persons' ids, and annotators' negative
    begin : in [0, 1), where in the order of making to begin; it goes on from the start
    most : it looks through `LOOKED` times as many, so that a claim of somebody who has had nearly
        all of the gold does not wait for all of it to be asked about
    """
    human, h = among("a.human", humans)
    person, p = among("n.person_id", [one for one in humans if one > 0] or [0])
    account, n = among("n.id", [-one for one in humans if one < 0] or [0])
    apart, b = not_among("t.id", besides or [0])
    time = sql_time(at)
    found: list[int] = []
    for side in (">=", "<"):
        sql = UNSEEN.format(human=human, person=person, account=account, apart=apart, side=side)
        left = most - len(found)
        values = [project_id, task_type_id, time, time, begin, LOOKED * most, *h, *p, *n, *b, left]
        found += [pk for (pk,) in rows(sql, values, prepare=False)]
        if len(found) >= most or not begin:
            break
    return found


_skills: dict[int, int] = {}


def _skill_of(task_type_id: int) -> int:
    """Return the skill of a task type; kept for good, a type's skill is given once."""
    if task_type_id not in _skills:
        _skills[task_type_id] = TaskType.objects.values_list("skill_id", flat=True).get(
            pk=task_type_id
        )
    return _skills[task_type_id]
