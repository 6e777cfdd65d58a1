"""Hours that are taken already: by live assignments, and by other projects' placements."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from django.db import connection
from django.db.models import Sum
from numpy.typing import NDArray

from routing.choices import LIVE_ASSIGNMENTS
from routing.models import Assignment, Decision, Project, RunCrew
from routing.services.supply import OtherHours


def read_other_hours(
    project_ids: Sequence[int], pool_ids: Sequence[int], first_day: date, days: int
) -> OtherHours:
    """Return hours taken by annotator and plan day, by work that is not this run's to place.

    Hours placed on a crew count against its members in proportion to the hours they had there,
    whichever crew they are in now.
    """
    taken: dict[int, NDArray[np.float64]] = {}

    def add(annotator: int, day: int, hours: float) -> None:
        taken.setdefault(annotator, np.zeros(days))[day] += hours

    live = (
        Assignment.objects.filter(state__in=LIVE_ASSIGNMENTS, annotator__pool_id__in=pool_ids)
        .values("annotator_id")
        .annotate(seconds=Sum("effort_seconds"))
    )
    for row in live:
        add(row["annotator_id"], 0, (row["seconds"] or 0.0) / 3600)

    uses = _placed(project_ids, first_day, days)
    decisions = {
        d.pk: d
        for d in Decision.objects.filter(pk__in={u[0] for u in uses}).only("run_id", "chosen")
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
        for chosen in decision.chosen:
            if chosen["arrangement"] != arrangement:
                continue
            for crew_number, hours in (
                (chosen["label"], chosen["label_hours"]),
                (chosen["review"], chosen["review_hours"]),
            ):
                crew = crews.get((decision.run_id, crew_number))
                if crew is not None and hours > 0:
                    offset = (first_day - date.fromisoformat(chosen["first_day"])).days
                    for annotator, share in _shares(crew, day + offset):
                        add(annotator, day, count * hours * share)
            break
    return OtherHours(taken)


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
