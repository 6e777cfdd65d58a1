"""What work there is, as columns: kinds of work, scores, effort, due days, cohorts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from common.time import zone
from routing import seams
from routing.choices import Use
from routing.core import cohorts as grouping
from routing.core.tables import Cohorts, Floats, Ints, Types
from routing.models import Domain, TaskType
from routing.services.reading import USES, TaskColumns
from routing.services.scope import Scope
from routing.services.scoring import expected_seconds, place_of, score_columns
from workforce.models import CertificationType, Skill


def type_columns(
    types: Sequence[TaskType], skills: Sequence[Skill], now: datetime
) -> tuple[Types, dict[str, str]]:
    """Return the kinds of work with what is measured of each, and the versions of that."""
    place = {skill.pk: number for number, skill in enumerate(skills)}
    facts = seams.quality.get().facts(task_type_ids=[t.pk for t in types], at=now)
    known = [facts.get(t.pk, seams.QualityFacts()) for t in types]
    columns = Types(
        id=np.array([t.pk for t in types], dtype=np.int64),
        key=tuple(t.key for t in types),
        skill=np.array([place[t.skill_id] for t in types], dtype=np.int64),
        votes=np.array([t.can_vote for t in types], dtype=bool),
        dispersion=np.array([f.dispersion for f in known]),
        same_error=np.array(
            [np.nan if f.same_error is None else f.same_error for f in known], dtype=np.float64
        ),
        difficulty=np.array([f.difficulty for f in known]).reshape(len(types), 4),
        spoil=np.array([f.spoil for f in known]),
    )
    return columns, {t.key: f.version for t, f in zip(types, known, strict=True)}


@dataclass(frozen=True)
class Grouped:
    cohorts: Cohorts
    cohort: Ints
    hours: Floats


def cohort_columns(
    scope: Scope,
    tasks: TaskColumns,
    types: Sequence[TaskType],
    domains: Mapping[int, Domain],
    kinds: Sequence[CertificationType],
    countries: tuple[str, ...],
    languages: tuple[str, ...],
) -> Grouped:
    """Score the tasks and group them."""
    scored = score_columns(tasks, scope.projects, types, domains)
    project, task_type, domain = scored.project, scored.task_type, scored.domain
    scores, error_cost = scored.scores, scored.features.error_cost
    domain_ids = [0, *sorted(domains)]
    classes = np.where(
        np.isnan(tasks.classes), np.array([t.classes for t in types])[task_type], tasks.classes
    )
    hours = expected_seconds(tasks, types, scored, scope.now) / 3600.0
    due, due_day, late = _due(scope, tasks)
    safety_critical = tasks.use == USES.index(Use.SAFETY_CRITICAL)
    residency = _place_bytes(tasks.residency, countries)
    language = _place_bytes(tasks.language, languages)
    keys = (
        project,
        due,
        late,
        task_type,
        domain,
        scores.complexity_band,
        scores.risk_band,
        tasks.data_class,
        (tasks.harm > 0).astype(np.int8),
        safety_critical,
        residency,
        language,
        np.minimum(classes, 10).astype(np.int64),
        grouping.step(hours),
        grouping.step(error_cost),
        due_day,
    )
    cohort, first = grouping.group(keys)
    count = np.bincount(cohort, minlength=len(first)).astype(np.int64)
    kind_place = {kind.pk: number for number, kind in enumerate(kinds)}
    certificate_of = np.array(
        [-1] + [kind_place.get(domains[d].certification_id or -1, -1) for d in domain_ids[1:]],
        dtype=np.int64,
    )
    return Grouped(
        Cohorts(
            project=project[first],
            task_type=task_type[first],
            domain=np.array(domain_ids, dtype=np.int64)[domain[first]],
            certificate=certificate_of[domain[first]],
            complexity=scores.complexity_band[first],
            risk=scores.risk_band[first],
            data_class=tasks.data_class[first],
            harm=(tasks.harm[first] > 0).astype(np.int8),
            safety_critical=safety_critical[first],
            residency=residency[first],
            language=language[first],
            classes=np.minimum(classes, 10).astype(np.int64)[first],
            due=due[first],
            due_day=due_day[first],
            late=late[first],
            count=count,
            hours=grouping.mean_of(hours, cohort, count),
            size=grouping.mean_of(tasks.size, cohort, count),
            error_cost=grouping.mean_of(error_cost, cohort, count),
        ),
        cohort,
        hours,
    )


def _due(scope: Scope, tasks: TaskColumns) -> tuple[Ints, Ints, Ints]:
    """Return (placed before this day index, due day index, days late on day 0).

    Overdue work, and work that may be late at a price, may be placed on any day; a task without a
    due time is due when the horizon ends.
    """
    D = scope.days
    tz = zone(settings.OPERATION_TIME_ZONE)
    start = datetime.combine(scope.first_day, datetime.min.time(), tz)
    offset = start.utcoffset() or timedelta(0)
    # Local calendar days by the offset of day 0: a change of clocks inside the horizon moves a due
    # time that lies within the hour beside midnight by a day at most, to the careful side.
    days = np.floor((tasks.due + offset.total_seconds()) / 86_400) - np.floor(
        (start.timestamp() + offset.total_seconds()) / 86_400
    )
    overdue = tasks.due < scope.now.timestamp()
    late_price = np.array([p.late_cost_micro > 0 for p in scope.projects])
    project = place_of(tasks.project, [p.pk for p in scope.projects])
    may_be_late = late_price[project] | overdue
    day = np.where(np.isnan(days), D, np.clip(np.nan_to_num(days), -366, D)).astype(np.int64)
    late = np.where(overdue, np.maximum(-day, 0), 0)
    due = np.where(may_be_late, D, np.clip(day + 1, 1, D))
    # Beyond the horizon all due days look the same.
    due_day = np.clip(day, 0, D)
    # Overdue work on its own day is flagged by one late day, so that it is told apart.
    late = np.where(overdue & (late == 0), 1, late)
    return due.astype(np.int64), due_day, late.astype(np.int64)


def _place_bytes(values: NDArray[np.bytes_], words: tuple[str, ...]) -> Ints:
    """Return 1 + the position of each word, 0 for the empty one."""
    known = np.array([b"", *(word.encode() for word in words)], dtype=values.dtype)
    return np.searchsorted(known, values).astype(np.int64)
