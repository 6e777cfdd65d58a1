"""The rules of the projects whose work is served now: what every annotator's gates have in common.

Kept in the process under the version of the facts, like what is worked out from it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from common.time import local_date
from routing import seams
from routing.choices import PolicyState
from routing.core.policy import ATTESTATIONS, CompiledPolicy, compile_policy
from routing.models import Domain, GuidelineVersion, Policy, Project, TaskType
from vendors.models import Vendor
from workforce.models import CertificationType, Skill

QUARTER = 900  # seconds: days begin on one everywhere


@dataclass(frozen=True)
class ProjectRules:
    """What claims read of an open project that has a run in force.

    policy : None = nothing is published, nothing is served
    barred : vendor ids that an extra gate shuts out, by reason
    """

    id: int
    key: str
    link_template: str
    run_id: int
    run_public_id: UUID
    run_first_day: date
    carried: tuple[tuple[int, int, int], ...]
    lease_minutes: int
    in_progress_limit: int
    guideline_id: int | None
    guideline_number: int | None
    level: int
    clearance: int
    attestations: NDArray[np.bool_]
    certificates: frozenset[int]
    excluded: frozenset[int]
    barred: frozenset[int]
    covers_safety: bool
    policy: CompiledPolicy | None


@dataclass(frozen=True)
class RulesNow:
    """Rules in force under a version of the facts, until something lapses by itself.

    skill_of, type_keys : skill id and key of each task type
    certificate_of : kind asked by each domain
    """

    version: int
    until: datetime
    projects: Mapping[int, ProjectRules]
    skill_of: Mapping[int, int]
    type_keys: Mapping[int, str]
    certificate_of: Mapping[int, int]
    skills: tuple[int, ...]
    certificates: tuple[int, ...]


_kept: list[RulesNow] = []


def rules_now(version: int, now: datetime) -> RulesNow:
    """Return the rules in force under a version of the facts."""
    if _kept and _kept[0].version == version and now < _kept[0].until:
        return _kept[0]
    found = _read(version, now)
    _kept[:] = [found]
    return found


def rules_at(version: int, at: datetime) -> RulesNow:
    """Return the rules that will be in force at a later time, as far as is known; not kept."""
    return _read(version, at)


def rules_known() -> RulesNow | None:
    """Return the rules that this process read last: for what is shown, not for what is decided."""
    return _kept[0] if _kept else None


def next_quarter(now: datetime) -> datetime:
    """Return the next instant at which a day may begin somewhere."""
    return datetime.fromtimestamp((int(now.timestamp()) // QUARTER + 1) * QUARTER, UTC)


def _read(version: int, now: datetime) -> RulesNow:
    rows = list(
        Project.objects.filter(is_open=True, current_run__isnull=False)
        .select_related("current_run")
        .order_by("pk")
    )
    ids = [row.pk for row in rows]
    policies = {
        policy.project_id: policy
        for policy in Policy.objects.filter(project_id__in=ids, state=PolicyState.PUBLISHED)
    }
    excluded = _pairs(Project.excluded_vendors.through, "project_id", "vendor_id", ids)
    asked = _pairs(
        Project.required_certifications.through, "project_id", "certificationtype_id", ids
    )
    barred: dict[int, set[int]] = defaultdict(set)
    vendors = list(Vendor.objects.values_list("pk", flat=True))
    for gate in seams.gates.get().gates(project_ids=ids, vendor_ids=vendors, at=now):
        for project_id in ids if gate.project_id is None else [gate.project_id]:
            barred[project_id].add(gate.vendor_id)
    guidelines, changes = _guidelines(ids, now)
    projects = {
        row.pk: _rules(row, policies.get(row.pk), excluded, asked, barred, guidelines)
        for row in rows
    }
    return RulesNow(
        version=version,
        until=min([next_quarter(now), *changes]),
        projects=projects,
        skill_of=dict(TaskType.objects.values_list("pk", "skill_id")),
        type_keys=dict(TaskType.objects.values_list("pk", "key")),
        certificate_of={
            pk: kind
            for pk, kind in Domain.objects.values_list("pk", "certification_id")
            if kind is not None
        },
        skills=tuple(Skill.objects.order_by("pk").values_list("pk", flat=True)),
        certificates=tuple(CertificationType.objects.order_by("pk").values_list("pk", flat=True)),
    )


def _rules(
    row: Project,
    policy: Policy | None,
    excluded: Mapping[int, set[int]],
    asked: Mapping[int, set[int]],
    barred: Mapping[int, set[int]],
    guidelines: Mapping[int, tuple[int, int]],
) -> ProjectRules:
    run = row.current_run
    if run is None:
        raise RuntimeError("a project without a run in force is not served")
    return ProjectRules(
        id=row.pk,
        key=row.key,
        link_template=row.link_template,
        run_id=run.pk,
        run_public_id=run.public_id,
        run_first_day=local_date(run.now, settings.OPERATION_TIME_ZONE),
        carried=tuple((int(p), int(c), int(d)) for p, c, d in run.carried),
        lease_minutes=row.lease_minutes,
        in_progress_limit=row.in_progress_limit,
        guideline_id=guidelines.get(row.pk, (None, None))[0],
        guideline_number=guidelines.get(row.pk, (None, None))[1],
        level=row.minimum_level,
        clearance=row.minimum_clearance,
        attestations=np.array([kind in row.required_attestations for kind in ATTESTATIONS]),
        certificates=frozenset(asked.get(row.pk, ())),
        excluded=frozenset(excluded.get(row.pk, ())),
        barred=frozenset(barred.get(row.pk, ())),
        covers_safety=bool(policy and policy.covers_safety_critical),
        policy=compile_policy(policy.document) if policy is not None else None,
    )


def _pairs(table: type, one: str, other: str, ids: list[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    rows = table._default_manager.filter(**{f"{one}__in": ids})  # type: ignore[attr-defined]
    for first, second in rows.values_list(one, other):
        found[first].add(second)
    return found


def _guidelines(ids: list[int], now: datetime) -> tuple[dict[int, tuple[int, int]], list[datetime]]:
    """Return id and number of the guideline in force by project, and when others come in force."""
    in_force: dict[int, tuple[int, int]] = {}
    changes: list[datetime] = []
    rows = GuidelineVersion.objects.filter(project_id__in=ids).order_by("project_id", "number")
    for pk, project_id, number, since in rows.values_list(
        "pk", "project_id", "number", "effective_from"
    ):
        if since <= now:
            in_force[project_id] = pk, number
        else:
            changes.append(since)
    return in_force, changes


__all__ = ["ProjectRules", "RulesNow", "next_quarter", "rules_now"]
