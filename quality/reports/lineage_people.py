"""Who gave an answer, and what stood proven of them at that instant: skill, certificates, vendor.

Facts change and are verified anew: every version of a fact that ever was verified is looked at, and
the one that had been verified last at the instant counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Max

from accounts.models import User
from common.time import local_date
from quality.choices import TryState
from quality.models import Judgment, QualificationTry
from routing.models import Task
from vendors.choices import COUNTED, AttestationKind
from vendors.models import Attestation, Contract
from vendors.selectors import attestation_state
from workforce.choices import AnnotatorKind, FactState
from workforce.models import Annotator, AnnotatorSkill, Certification, CertificationType, Pool

# A version of a record as it was, or the record as it is.
Version = Any


def proofs_of(task: Task, given: Sequence[Judgment]) -> dict[int, dict[str, Any]]:
    """Return `by`, `skill`, `certificates` and `attestations` of each judgment, by its pk."""
    people = sorted({row.annotator_id for row in given})
    skills = _versions(AnnotatorSkill, people, skill=task.task_type.skill_id)
    proofs = _versions(Certification, people)
    models = _histories(people)
    vendors = _Vendors(given)
    tries = _tries(task, people)
    kinds = _kinds(proofs)
    names = _names(skills, proofs)
    wanted = {kind.pk for kind in task.project.required_certifications.all()}
    if task.domain is not None and task.domain.certification_id is not None:
        wanted.add(task.domain.certification_id)
    found = {}
    for row in given:
        at, who = row.submitted_at, row.annotator
        found[row.pk] = {
            "by": _by(row, _then(models[who.pk], at)),
            "skill": _skill(task, _verified(skills[who.pk], at), tries[who.pk], at, names),
            "certificates": _certificates(proofs[who.pk], who, at, kinds, wanted, names),
            "attestations": vendors.cover(_pool(row), at, task.project.required_attestations),
        }
    return found


def _pool(row: Judgment) -> Pool:
    """Return the pool for which an answer was given: people change pools."""
    return row.assignment.pool if row.assignment is not None else row.annotator.pool


def _by(row: Judgment, version: Version | None) -> dict[str, Any]:
    who, pool = row.annotator, _pool(row)
    found: dict[str, Any] = {
        "annotator": str(who.public_id),
        "name": who.name,
        "kind": str(who.kind),
        "pool": pool.key,
        "pool_kind": str(pool.kind),
        "vendor": pool.vendor.key if pool.vendor is not None else None,
        "model": None,
    }
    if who.kind == AnnotatorKind.MODEL:
        was = version if version is not None else who
        found["model"] = {
            "name": was.model_name,
            "version": was.model_version,
            "prompt_sha256": was.prompt_hash,
        }
    return found


def _versions(model: Any, people: Sequence[int], **only: int) -> Mapping[int, list[Version]]:
    """Return every verified version of the facts of annotators, by annotator."""
    found: dict[int, list[Version]] = defaultdict(list)
    where = {"annotator_id__in": people, **{f"{name}_id": value for name, value in only.items()}}
    for every in (model.history, model.objects):
        for row in every.filter(**where, state=FactState.VERIFIED):
            found[row.annotator_id].append(row)
    return found


def _histories(people: Sequence[int]) -> Mapping[int, list[Version]]:
    found: dict[int, list[Version]] = defaultdict(list)
    rows = Annotator.history.filter(id__in=people, kind=AnnotatorKind.MODEL)
    for row in rows.order_by("history_date", "history_id"):
        found[row.id].append(row)
    return found


def _then(versions: Sequence[Version], at: datetime) -> Version | None:
    """Return the version in force at an instant; the first, of what was recorded later."""
    before = [row for row in versions if row.history_date <= at]
    return before[-1] if before else versions[0] if versions else None


def _verified(versions: Iterable[Version], at: datetime) -> Version | None:
    """Return the version that had been verified last at an instant."""
    known = [row for row in versions if row.verified_at <= at]
    return max(known, key=lambda row: row.verified_at) if known else None


def _skill(
    task: Task,
    version: Version | None,
    tries: Sequence[QualificationTry],
    at: datetime,
    names: Mapping[int, str],
) -> dict[str, Any]:
    passed = [row for row in tries if row.finished_at is not None and row.finished_at <= at]
    last = passed[-1] if passed else None
    return {
        "key": task.task_type.skill.key,
        "level": version.level if version is not None else None,
        "verified_by": names.get(version.verified_by_id) if version is not None else None,
        "verified_at": version.verified_at.isoformat() if version is not None else None,
        "qualification": None
        if last is None
        else {
            "set": last.set.name,
            "right": last.right,
            "asked": last.asked,
            "level": last.level,
            "finished_at": last.finished_at.isoformat() if last.finished_at else None,
        },
    }


def _tries(task: Task, people: Sequence[int]) -> Mapping[int, list[QualificationTry]]:
    found: dict[int, list[QualificationTry]] = defaultdict(list)
    for row in (
        QualificationTry.objects.filter(
            annotator__in=people, set__skill=task.task_type.skill_id, state=TryState.PASSED
        )
        .select_related("set")
        .order_by("finished_at", "pk")
    ):
        found[row.annotator_id].append(row)
    return found


def _kinds(proofs: Mapping[int, list[Version]]) -> dict[int, str]:
    ids = {row.type_id for rows in proofs.values() for row in rows}
    return dict(CertificationType.objects.filter(pk__in=ids).values_list("pk", "key"))


def _certificates(
    versions: Sequence[Version],
    who: Annotator,
    at: datetime,
    kinds: Mapping[int, str],
    wanted: set[int],
    names: Mapping[int, str],
) -> list[dict[str, Any]]:
    """Return the certificates verified by an instant, each as it stood, in force or lapsed."""
    by_id: dict[int, list[Version]] = defaultdict(list)
    for row in versions:
        by_id[row.id].append(row)
    today = local_date(at, who.time_zone)
    found = []
    for pk in sorted(by_id):
        row = _verified(by_id[pk], at)
        if row is None:
            continue
        found.append(
            {
                "type": kinds.get(row.type_id, ""),
                "required": row.type_id in wanted,
                "valid": row.issued_on <= today and (row.lapses_at is None or row.lapses_at > at),
                "issuer": row.issuer,
                "number": row.number,
                "issued_on": row.issued_on.isoformat(),
                "valid_until": row.valid_until.isoformat() if row.valid_until else None,
                "verified_by": names.get(row.verified_by_id),
                "verified_at": row.verified_at.isoformat(),
            }
        )
    return found


class _Vendors:
    """What the vendors behind some answers had attested, on any day."""

    def __init__(self, given: Sequence[Judgment]) -> None:
        pools = {_pool(row).pk: _pool(row) for row in given}
        ids = {pool.vendor_id for pool in pools.values() if pool.vendor_id is not None}
        self.rows: dict[int, list[Version]] = defaultdict(list)
        history = Attestation.history
        for rows in (history.filter(vendor_id__in=ids), Attestation.objects.filter(vendor__in=ids)):
            for row in rows:
                if row.verified_at is not None:
                    self.rows[row.vendor_id].append(row)
        ends = Contract.objects.filter(vendor__in=ids).values_list("vendor_id")
        self.ends: dict[int, date] = dict(ends.annotate(end=Max("ends_on")).order_by())

    def cover(self, pool: Pool, at: datetime, required: Sequence[str]) -> list[dict[str, Any]]:
        """Return the state of every kind that is required or was ever attested."""
        if pool.vendor_id is None:
            return []
        by_id: dict[int, list[Version]] = defaultdict(list)
        for row in self.rows[pool.vendor_id]:
            by_id[row.id].append(row)
        known = [row for rows in by_id.values() if (row := _verified(rows, at)) is not None]
        on = local_date(at, settings.OPERATION_TIME_ZONE)
        found = []
        for kind in AttestationKind.values:
            mine = [row for row in known if row.kind == kind]
            if not mine and kind not in required:
                continue
            cover = attestation_state(mine, on, contracts_end=self.ends.get(pool.vendor_id))
            found.append(
                {
                    "kind": kind,
                    "required": kind in required,
                    "state": str(cover.state),
                    "valid": cover.state in COUNTED,
                    "last_day": cover.last_day.isoformat() if cover.last_day else None,
                    "issuers": sorted({row.issuer for row in mine}),
                }
            )
        return found


def _names(*tables: Mapping[int, list[Version]]) -> dict[int, str]:
    """Return the names of those who verified, by user id."""
    ids = {row.verified_by_id for table in tables for rows in table.values() for row in rows}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "name"))
