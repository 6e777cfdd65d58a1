"""What is taken already of people and pools: by assignments, and by other projects' placements.

Hours, answers and hours of harmful content of each annotator by plan day, and hours of each pool,
of which a vendor declared so many. Work placed on a crew counts against its members in proportion
to the hours they had there, whichever crew they are in now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, Sum
from numpy.typing import NDArray

from common.time import zone
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, Harm
from routing.models import Assignment, Decision, Project, RunCrew

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Taken:
    """What is taken by annotator id and by pool id, each (D,) by plan day.

    hours : of people, still to be worked; answers, harm_hours : of people, those of today's
    submitted work among them; pool_hours : of pools, those of today's submitted work among them
    """

    hours: Mapping[int, Floats]
    answers: Mapping[int, Floats]
    harm_hours: Mapping[int, Floats]
    pool_hours: Mapping[int, Floats]


class _Sums(dict[int, Floats]):
    """Sums by id and day."""

    def __init__(self, days: int) -> None:
        super().__init__()
        self.days = days

    def add(self, key: int, day: int, amount: float) -> None:
        self.setdefault(key, np.zeros(self.days))[day] += amount


def read_taken(
    project_ids: Sequence[int], pool_ids: Sequence[int], first_day: date, days: int
) -> Taken:
    """Return what is taken by work that is not for a run of these projects to place."""
    hours, answers, harm, pools = (_Sums(days) for _ in range(4))
    start = datetime.combine(first_day, datetime.min.time(), zone(settings.OPERATION_TIME_ZONE))
    held = (
        Assignment.objects.filter(
            Q(state__in=LIVE_ASSIGNMENTS) | Q(state=AssignmentState.SUBMITTED, ended_at__gte=start),
            annotator__pool_id__in=pool_ids,
        )
        .values_list("annotator_id", "annotator__pool_id", "state", "task__harm")
        .annotate(seconds=Sum("effort_seconds"), n=Count("pk"))
        .order_by()
    )
    for annotator, pool, state, harmful, seconds, n in held:
        own = (seconds or 0.0) / 3600
        if state != AssignmentState.SUBMITTED:
            hours.add(annotator, 0, own)
        answers.add(annotator, 0, n)
        harm.add(annotator, 0, own if harmful != Harm.NONE else 0.0)
        pools.add(pool, 0, own)

    uses = _placed(project_ids, first_day, days)
    decisions = {
        d.pk: d
        for d in Decision.objects.filter(pk__in={u[0] for u in uses}).only(
            "run_id", "chosen", "key"
        )
    }
    crews = {
        (crew.run_id, crew.number): crew
        for crew in RunCrew.objects.filter(
            run_id__in={d.run_id for d in decisions.values()}, pool_id__in=pool_ids
        )
    }
    for decision_id, arrangement, day, count in uses:
        decision = decisions.get(decision_id)
        if decision is None:
            continue
        chosen = next((c for c in decision.chosen if c["arrangement"] == arrangement), None)
        if chosen is None:
            continue
        offset = (first_day - date.fromisoformat(chosen["first_day"])).days
        for crew_number, crew_hours, crew_answers in (
            (chosen["label"], chosen["label_hours"], chosen["label_answers"]),
            (chosen["review"], chosen["review_hours"], chosen["review_share"]),
        ):
            crew = crews.get((decision.run_id, crew_number))
            if crew is None:
                continue
            pools.add(crew.pool_id, day, count * crew_hours)
            for annotator, share in _shares(crew, day + offset):
                hours.add(annotator, day, count * crew_hours * share)
                answers.add(annotator, day, count * crew_answers * share)
                if decision.key["harmful"]:
                    harm.add(annotator, day, count * crew_hours * share)
    return Taken(hours, answers, harm, pools)


def _shares(crew: RunCrew, day: int) -> list[tuple[int, float]]:
    """Return each member's share of the crew's hours on one of its run's days."""
    rows = [(m["id"], m["hours"][day] if 0 <= day < len(m["hours"]) else 0.0) for m in crew.members]
    total = sum(hours for _id, hours in rows)
    if total <= 0:
        return [(annotator, 1 / len(rows)) for annotator, _hours in rows]
    return [(annotator, hours / total) for annotator, hours in rows]


def _placed(
    project_ids: Sequence[int], first_day: date, days: int
) -> list[tuple[int, int, int, int]]:
    """Return (decision, arrangement, plan day, tasks) of other projects' open placements."""
    runs = list(
        Project.objects.filter(current_run__isnull=False)
        .exclude(pk__in=project_ids)
        .values_list("pk", "current_run_id")
    )
    found: list[tuple[int, int, int, int]] = []
    with connection.cursor() as cursor:
        for project_id, run_id in runs:
            cursor.execute(
                "SELECT p.decision_id, p.arrangement, p.day, count(*) FROM routing_placement p "
                "JOIN routing_task t ON t.id = p.task_id WHERE p.run_id = %s AND t.project_id = %s "
                "AND t.state = 'open' AND p.day < %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                [run_id, project_id, first_day + timedelta(days=days)],
            )
            for decision, arrangement, day, count in cursor.fetchall():
                # What was placed on an earlier day and is still open is done today.
                when = day if isinstance(day, date) else date.fromisoformat(day)
                found.append((decision, arrangement, max((when - first_day).days, 0), count))
    return found
