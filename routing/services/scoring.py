"""Complexity, risk and expected effort of tasks, from their columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from routing.choices import Band
from routing.core import effort, score
from routing.core.tables import Floats, Ints
from routing.models import Domain, EffortEstimate, Project, Task, TaskType
from routing.services.reading import TaskColumns, tasks_by_id


@dataclass(frozen=True)
class Scored:
    """Tasks (n,) with what they were scored by.

    project, task_type : positions in the lists given; domain : 0 = none, else 1 + position by id
    """

    project: Ints
    task_type: Ints
    domain: Ints
    features: score.TaskFeatures
    scores: score.Scores


@dataclass(frozen=True)
class Factor:
    """One factor of a score, for a person to read: its value in [0, 1] and what it adds."""

    name: str
    value: float
    weight: float
    adds: float


@dataclass(frozen=True)
class TaskScore:
    """Complexity and risk of one task with their factors, and its expected seconds of work."""

    complexity: float
    complexity_band: str
    complexity_factors: tuple[Factor, ...]
    risk: float
    risk_band: str
    risk_factors: tuple[Factor, ...]
    seconds: float
    version: str = score.SCORER_VERSION


def score_columns(
    tasks: TaskColumns,
    projects: Sequence[Project],
    types: Sequence[TaskType],
    domains: Mapping[int, Domain],
) -> Scored:
    """Score tasks whose projects, types and domains are all given."""
    project = place_of(tasks.project, [p.pk for p in projects])
    task_type = place_of(tasks.task_type, [t.pk for t in types])
    domain_ids = [0, *sorted(domains)]
    domain = place_of(tasks.domain, domain_ids)
    error_cost = np.where(
        np.isnan(tasks.error_cost),
        np.array([p.error_cost_micro / 1e6 for p in projects])[project],
        tasks.error_cost,
    )
    typical = np.array([t.typical_size for t in types])[task_type]
    expertise = np.array([0.0] + [domains[d].expertise for d in domain_ids[1:]])[domain]
    features = score.TaskFeatures(
        size_ratio=tasks.size / typical,
        classes=tasks.classes,
        disagreement=tasks.disagreement,
        entropy=tasks.entropy,
        expertise=expertise,
        edge_case=tasks.edge_case,
        data_class=tasks.data_class,
        use=tasks.use,
        harm=tasks.harm,
        has_residency=tasks.residency != b"",
        error_cost=error_cost,
    )
    return Scored(project, task_type, domain, features, score.score(features))


def default_seconds(tasks: TaskColumns, types: Sequence[TaskType], task_type: Ints) -> Floats:
    """Return the seconds of each task by its type's default, before anything is learned."""
    base = np.array([t.effort_base_seconds for t in types])[task_type]
    unit = np.array([t.effort_unit_seconds for t in types])[task_type]
    return effort.default_seconds(base, unit, tasks.size)


def expected_seconds(
    tasks: TaskColumns, types: Sequence[TaskType], scored: Scored, now: datetime
) -> Floats:
    """Return expected seconds: the type's default times what was learned for type and band."""
    factor, spread = learned_effort(types, now)
    at = scored.task_type, scored.scores.complexity_band
    return effort.expected_seconds(
        default_seconds(tasks, types, scored.task_type), factor[at], spread[at]
    )


def learned_effort(types: Sequence[TaskType], now: datetime) -> tuple[Floats, Floats]:
    """Return log factor and log spread (types, 4) as of `now`; the prior where nothing is known."""
    place = {t.pk: number for number, t in enumerate(types)}
    factor = np.full((len(types), 4), effort.USUAL_LOG_FACTOR)
    spread = np.full((len(types), 4), effort.USUAL_SPREAD)
    for row in _latest_effort(types, now):
        at = place[row.task_type_id], Band.values.index(row.complexity_band)
        factor[at], spread[at] = row.log_factor, row.log_spread
    return factor, spread


def effort_versions(types: Sequence[TaskType], now: datetime) -> dict[str, list[str]]:
    """Return which effort estimates count as of `now`, in words by type key, for a run's record."""
    keys = {t.pk: t.key for t in types}
    found: dict[str, list[str]] = {}
    for row in sorted(
        _latest_effort(types, now), key=lambda r: Band.values.index(r.complexity_band)
    ):
        text = f"{row.complexity_band} as of {row.as_of.isoformat()}: {row.n} durations"
        found.setdefault(keys[row.task_type_id], []).append(text)
    return found


def _latest_effort(types: Sequence[TaskType], now: datetime) -> list[EffortEstimate]:
    """Return the latest estimate of each type and band as of `now`; one query."""
    latest = (
        EffortEstimate.objects.filter(task_type__in=[t.pk for t in types], as_of__lte=now)
        .annotate(
            newest=Window(
                RowNumber(),
                partition_by=[F("task_type"), F("complexity_band")],
                order_by=F("as_of").desc(),
            )
        )
        .filter(newest=1)
    )
    return list(latest)


def scored_tasks(ids: Sequence[int]) -> tuple[TaskColumns, list[TaskType], Scored]:
    """Return the columns of tasks by id, their types, and their scores as of the features now."""
    tasks = tasks_by_id(ids)
    types = list(TaskType.objects.filter(pk__in=np.unique(tasks.task_type).tolist()).order_by("pk"))
    projects = list(Project.objects.filter(pk__in=np.unique(tasks.project).tolist()).order_by("pk"))
    domains = {domain.pk: domain for domain in Domain.objects.all()}
    return tasks, types, score_columns(tasks, projects, types, domains)


def explain_task(task: Task, now: datetime) -> TaskScore:
    """Return a task's scores with what each factor adds, so that a person can read why."""
    tasks, types, scored = scored_tasks([task.pk])
    features, scores = scored.features, scored.scores
    return TaskScore(
        complexity=float(scores.complexity[0]),
        complexity_band=Band.values[scores.complexity_band[0]],
        complexity_factors=_factors(
            score.COMPLEXITY_FACTORS, score.complexity_factors(features), score.COMPLEXITY_WEIGHTS
        ),
        risk=float(scores.risk[0]),
        risk_band=Band.values[scores.risk_band[0]],
        risk_factors=_factors(score.RISK_FACTORS, score.risk_factors(features), score.RISK_WEIGHTS),
        seconds=float(expected_seconds(tasks, types, scored, now)[0]),
    )


def _factors(names: Sequence[str], values: list[Floats], weights: Floats) -> tuple[Factor, ...]:
    adds = score.contributions(values, weights)[0]
    rows = [
        Factor(name, float(value[0]), float(weight), float(add))
        for name, value, weight, add in zip(names, values, weights, adds, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: -row.adds))


def place_of(values: Ints, ids: Sequence[int]) -> Ints:
    """Return the position of each id in a list that holds them all."""
    order = np.argsort(np.array(ids, dtype=np.int64), kind="stable")
    return np.asarray(order[np.searchsorted(np.array(ids, dtype=np.int64)[order], values)])
