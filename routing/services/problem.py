"""From the database to a run's inputs, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings

from routing import seams
from routing.core import score
from routing.core.crews import partition
from routing.core.policy import ATTESTATIONS, compile_policy
from routing.core.tables import Budget, Floats, Inputs, Ints, Projects, Vendors
from routing.models import Domain, Project, TaskType
from routing.services.demand import cohort_columns, type_columns
from routing.services.reading import TaskColumns
from routing.services.scope import Scope
from routing.services.scoring import effort_versions
from routing.services.supply import (
    people_columns,
    pool_columns,
    rate_columns,
    vendor_columns,
)
from routing.services.taken import Taken
from workforce.choices import PoolKind
from workforce.models import CertificationType, Skill
from workforce.selectors import PeopleTable, read_people


@dataclass(frozen=True)
class Problem:
    """A run's inputs beside the columns that placing needs."""

    inputs: Inputs
    tasks: TaskColumns
    cohort: Ints
    task_hours: Floats
    people: PeopleTable
    versions: dict[str, object]


def read_problem(scope: Scope, tasks: TaskColumns, taken: Taken) -> Problem:
    """Return the inputs of a run over some open tasks."""
    types = list(TaskType.objects.filter(pk__in=np.unique(tasks.task_type).tolist()).order_by("pk"))
    domains = {domain.pk: domain for domain in Domain.objects.all()}
    skills = list(Skill.objects.filter(pk__in={t.skill_id for t in types}).order_by("pk"))
    kinds = _certificate_kinds(scope.projects, tasks, domains)
    own = [row for row in scope.pools if row.kind != PoolKind.HYBRID]
    table = read_people(
        pool_ids=[row.id for row in own],
        skill_ids=[skill.pk for skill in skills],
        certification_type_ids=[kind.pk for kind in kinds],
        now=scope.now,
        days=scope.days,
        time_zone=settings.OPERATION_TIME_ZONE,
    )
    countries = tuple(sorted({_text(v) for v in np.unique(tasks.residency)} - {""}))
    languages = tuple(sorted({_text(v) for v in np.unique(tasks.language)} - {""}))
    vendors = vendor_columns(scope, own)
    pools = pool_columns(scope, own, vendors, taken)
    people = people_columns(scope, table, pools, countries, languages, taken)
    crews = partition(people, harmful=bool((tasks.harm > 0).any()))
    type_rows, facts = type_columns(types, skills, scope.now)
    built = cohort_columns(scope, tasks, types, domains, kinds, countries, languages)
    rates = rate_columns(scope, own, types)
    inputs = Inputs(
        days=scope.days,
        pools=pools,
        vendors=vendors,
        crews=crews,
        projects=_projects(scope, vendors, kinds),
        types=type_rows,
        cohorts=built.cohorts,
        rates=rates,
        countries=countries,
        languages=languages,
        skills=tuple(skill.key for skill in skills),
        certificates=tuple(kind.key for kind in kinds),
        budgets=_budgets(scope),
    )
    versions: dict[str, object] = {
        **seams.versions(),
        "scorer": score.SCORER_VERSION,
        "numpy": np.__version__,
        "estimates": {skill.key: table.estimates.get(skill.pk, []) for skill in skills},
        "facts": facts,
        "effort": effort_versions(types, scope.now),
        "rates": {pools.key[p]: version for p, _y, _a, _words, version in rates.told},
    }
    return Problem(inputs, tasks, built.cohort, built.hours, table, versions)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _certificate_kinds(
    projects: Sequence[Project], tasks: TaskColumns, domains: Mapping[int, Domain]
) -> list[CertificationType]:
    """Return the kinds of certificate that the work at hand asks for."""
    asked = {domains[d].certification_id for d in np.unique(tasks.domain).tolist() if d in domains}
    for project in projects:
        asked |= set(project.required_certifications.values_list("pk", flat=True))
    return list(
        CertificationType.objects.filter(pk__in=[pk for pk in asked if pk is not None]).order_by(
            "pk"
        )
    )


def _projects(scope: Scope, vendors: Vendors, kinds: Sequence[CertificationType]) -> Projects:
    J, V, T = len(scope.projects), len(vendors.id), len(kinds)
    vendor_place = {int(v): number for number, v in enumerate(vendors.id)}
    kind_place = {kind.pk: number for number, kind in enumerate(kinds)}
    excluded = np.zeros((J, V), dtype=bool)
    barred = np.zeros((J, V), dtype=np.int64)
    certificates = np.zeros((J, T), dtype=bool)
    attestations = np.zeros((J, len(ATTESTATIONS)), dtype=bool)
    reasons: list[str] = []
    extra = seams.gates.get().gates(
        project_ids=[p.pk for p in scope.projects], vendor_ids=vendors.id.tolist(), at=scope.now
    )
    for j, project in enumerate(scope.projects):
        for vendor_id in project.excluded_vendors.values_list("pk", flat=True):
            if vendor_id in vendor_place:
                excluded[j, vendor_place[vendor_id]] = True
        for kind_id in project.required_certifications.values_list("pk", flat=True):
            certificates[j, kind_place[kind_id]] = True
        attestations[j] = [kind in project.required_attestations for kind in ATTESTATIONS]
        for gate in extra:
            if gate.vendor_id in vendor_place and gate.project_id in (None, project.pk):
                reasons.append(gate.reason)
                barred[j, vendor_place[gate.vendor_id]] = len(reasons)
    return Projects(
        id=np.array([p.pk for p in scope.projects], dtype=np.int64),
        key=tuple(p.key for p in scope.projects),
        level=np.array([p.minimum_level for p in scope.projects], dtype=np.int8),
        clearance=np.array([p.minimum_clearance for p in scope.projects], dtype=np.int8),
        attestations=attestations,
        certificates=certificates,
        excluded=excluded,
        barred=barred,
        bar_reasons=tuple(reasons),
        late_cost=np.array([p.late_cost_micro / 1e6 for p in scope.projects]),
        covers_safety=np.array([p.covers_safety_critical for p in scope.policies], dtype=bool),
        policies=tuple(compile_policy(policy.document) for policy in scope.policies),
    )


def _budgets(scope: Scope) -> tuple[Budget, ...]:
    place = {project.pk: number for number, project in enumerate(scope.projects)}
    rows = seams.rows.get().rows(project_ids=list(place), at=scope.now)
    return tuple(
        Budget(row.name, tuple(place[p] for p in row.project_ids if p in place), row.amount)
        for row in rows
    )
