"""Reads of people for routing: a constant number of queries, whatever their number."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import User
from common.errors import Invalid
from common.time import local_date
from common.words import said
from vendors.choices import WORKING_STATES, VendorState
from workforce.choices import AnnotatorKind, AnnotatorStatus, FactState, PoolKind
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    Certification,
    DeclaredCapacity,
    Pool,
    Proficiency,
)
from workforce.presence import plan_hours

Floats = NDArray[np.float64]
NEVER = date.max
FEW = 100


@dataclass(frozen=True)
class PoolRow:
    """A pool as routing reads it; `parts` of a hybrid pool are (pool id, role)."""

    id: int
    key: str
    name: str
    kind: str
    vendor_id: int | None
    vendor_key: str
    vendor_state: str
    currency: str
    parts: tuple[tuple[int, str], ...]

    @property
    def calibrating(self) -> bool:
        """Whether its vendor may do low-risk work only."""
        return self.vendor_state == VendorState.CALIBRATION


@dataclass(frozen=True)
class PeopleTable:
    """Annotators (N,) that may work, one row each.

    person : person id, or −annotator id when alone: the same number = the same human being
    languages, residency, clearance : verified ones only, else empty
    level : (N, S) verified level by skill, 0 = none
    certified_until : (N, T) ordinal of the last day of a verified certificate, 0 = none
    exposure_minutes : of harmful content a day; daily_cap : answers a day, inf = no cap
    hours : (N, D) plan hours net of utilisation, gold and absence
    rate, rate_lower, speed : (N, S), NaN = nothing known; evidence : (N, S) answers behind the rate
    estimates : of each skill id, by which version and as of when at the latest, and how many people
    """

    annotator_id: NDArray[np.int64]
    pool_id: NDArray[np.int64]
    person: NDArray[np.int64]
    is_model: NDArray[np.bool_]
    languages: list[frozenset[str]]
    residency: list[str]
    clearance: NDArray[np.int8]
    exposure_minutes: Floats
    daily_cap: Floats
    level: NDArray[np.int8]
    certified_until: NDArray[np.int64]
    hours: Floats
    hourly_cost: Floats
    rate_limit: Floats
    rate: Floats
    rate_lower: Floats
    speed: Floats
    evidence: Floats
    estimates: dict[int, list[str]]

    def __len__(self) -> int:
        return len(self.annotator_id)


def pool_rows() -> list[PoolRow]:
    """Return the active pools: those of vendors only while the vendor may be sent work."""
    pools = (
        Pool.objects.filter(is_active=True)
        .filter(Q(vendor__isnull=True) | Q(vendor__state__in=WORKING_STATES))
        .select_related("vendor")
        .prefetch_related("parts")
        .order_by("pk")
    )
    return [
        PoolRow(
            id=pool.pk,
            key=pool.key,
            name=pool.name,
            kind=pool.kind,
            vendor_id=pool.vendor_id,
            vendor_key=pool.vendor.key if pool.vendor else "",
            vendor_state=pool.vendor.state if pool.vendor else "",
            currency=pool.currency,
            parts=tuple((part.part_id, part.role) for part in pool.parts.all()),
        )
        for pool in pools
    ]


def idle_pools() -> list[tuple[str, str, str]]:
    """Return (key, name, why) of pools that get no work for now: inactive, or vendor suspended."""
    pools = Pool.objects.filter(
        Q(is_active=False) & (Q(vendor__isnull=True) | Q(vendor__state__in=WORKING_STATES))
        | Q(vendor__state=VendorState.SUSPENDED)
    ).order_by("pk")
    suspended, inactive = said("vendor suspended"), said("pool inactive")
    return [
        (key, name, suspended if state == VendorState.SUSPENDED else inactive)
        for key, name, state in pools.values_list("key", "name", "vendor__state")
    ]


def login_of(annotator: Annotator, email: str) -> User:
    """Return the user of an e-mail in the annotator's organisation.

    Raises
    ------
    Invalid
        If there is none; one of another organisation looks the same.
    """
    user = User.objects.filter(
        email=email.strip().lower(), organisation_id=annotator.organisation_id
    ).first()
    if user is None:
        raise Invalid(
            _("There is no such login in the annotator's organisation."),
            field="email",
            rule="known",
        )
    return user


def declared_hours(*, pool_ids: Iterable[int], first_day: date, days: int) -> dict[int, Floats]:
    """Return declared hours by pool (days,), NaN where a day has none declared."""
    found: dict[int, Floats] = {}
    rows = DeclaredCapacity.objects.filter(
        pool_id__in=list(pool_ids), day__gte=first_day, day__lt=first_day + timedelta(days=days)
    ).values_list("pool_id", "day", "hours")
    for pool_id, day, hours in rows:
        line = found.setdefault(pool_id, np.full(days, np.nan))
        line[(day - first_day).days] = float(hours)
    return found


def read_people(
    *,
    pool_ids: Iterable[int],
    skill_ids: Sequence[int],
    certification_type_ids: Sequence[int],
    now: datetime,
    days: int,
    time_zone: str,
    annotator_ids: Iterable[int] | None = None,
) -> PeopleTable:
    """Return the annotators of pools (of all, or those named) who may work from `now` on.

    Paused ones come back by themselves when their term is over; those who left do not.
    """
    rows = Annotator.objects.filter(pool_id__in=list(pool_ids))
    if annotator_ids is not None:
        rows = rows.filter(pk__in=list(annotator_ids))
    people = list(
        rows.filter(
            Q(status=AnnotatorStatus.ACTIVE)
            | Q(status=AnnotatorStatus.PAUSED, paused_until__lte=now)
        )
        .exclude(pool__kind=PoolKind.HYBRID)
        .select_related("pool")
        .order_by("pk")
    )
    row = {annotator.pk: number for number, annotator in enumerate(people)}
    N, S, T = len(people), len(skill_ids), len(certification_type_ids)
    known = _proficiency(row, skill_ids, now, (N, S))
    verified = [a.facts_verified_at is not None and a.facts_verified_at <= now for a in people]
    return PeopleTable(
        annotator_id=np.array([a.pk for a in people], dtype=np.int64),
        pool_id=np.array([a.pool_id for a in people], dtype=np.int64),
        person=np.array([a.person_id or -a.pk for a in people], dtype=np.int64),
        is_model=np.array([a.kind == AnnotatorKind.MODEL for a in people], dtype=bool),
        languages=[
            frozenset(a.languages) if ok else frozenset()
            for a, ok in zip(people, verified, strict=True)
        ],
        residency=[a.residency if ok else "" for a, ok in zip(people, verified, strict=True)],
        clearance=np.array(
            [a.clearance if ok else 0 for a, ok in zip(people, verified, strict=True)],
            dtype=np.int8,
        ),
        exposure_minutes=np.array([a.exposure_cap_minutes for a in people], dtype=np.float64),
        daily_cap=np.array(
            [np.inf if a.daily_cap is None else a.daily_cap for a in people], dtype=np.float64
        ),
        level=_levels(row, skill_ids, now, (N, S)),
        certified_until=_certificates(row, certification_type_ids, now, (N, T)),
        hours=plan_hours(people, now, days, time_zone),
        hourly_cost=np.array(
            [np.nan if a.hourly_cost_micro is None else a.hourly_cost_micro / 1e6 for a in people],
            dtype=np.float64,
        ),
        rate_limit=np.array([a.rate_limit_per_hour or np.nan for a in people], dtype=np.float64),
        rate=known.rate,
        rate_lower=known.lower,
        speed=known.speed,
        evidence=known.evidence,
        estimates=known.estimates,
    )


def _few(row: dict[int, int]) -> dict[str, list[int]]:
    """Return the condition that rows are of these annotators, where these are few."""
    return {"annotator_id__in": sorted(row)} if len(row) <= FEW else {}


def _levels(
    row: dict[int, int], skill_ids: Sequence[int], now: datetime, shape: tuple[int, int]
) -> NDArray[np.int8]:
    place = {skill: number for number, skill in enumerate(skill_ids)}
    level = np.zeros(shape, dtype=np.int8)
    rows = AnnotatorSkill.objects.filter(
        skill_id__in=skill_ids, state=FactState.VERIFIED, verified_at__lte=now, **_few(row)
    ).values_list("annotator_id", "skill_id", "level")
    for annotator, skill, value in rows:
        if annotator in row:
            level[row[annotator], place[skill]] = value
    return level


def _certificates(
    row: dict[int, int], type_ids: Sequence[int], now: datetime, shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Return the last day (ordinal) on which each certificate holds; 0 = none in force.

    One begins with its day of issue, where its holder is; what follows without a gap counts on.
    """
    place = {kind: number for number, kind in enumerate(type_ids)}
    until = np.zeros(shape, dtype=np.int64)
    rows = (
        Certification.objects.filter(
            type_id__in=type_ids, state=FactState.VERIFIED, verified_at__lte=now, **_few(row)
        )
        .filter(Q(lapses_at__isnull=True) | Q(lapses_at__gt=now))
        .order_by("issued_on", "pk")
        .values_list("annotator_id", "type_id", "valid_until", "issued_on", "annotator__time_zone")
    )
    for annotator, kind, valid_until, issued, time_zone in rows:
        if annotator in row:
            at = row[annotator], place[kind]
            last = (valid_until or NEVER).toordinal()
            if issued <= local_date(now, str(time_zone)) or issued.toordinal() <= until[at] + 1:
                until[at] = max(until[at], last)
    return until


@dataclass(frozen=True)
class Known:
    """The latest estimates (N, S), see PeopleTable."""

    rate: Floats
    lower: Floats
    speed: Floats
    evidence: Floats
    estimates: dict[int, list[str]]


def known_of(annotator_ids: Sequence[int], skill_ids: Sequence[int], at: datetime) -> Known:
    """Return what was known of annotators (N,) in skills (S,) at a time; NaN = nothing."""
    row = {pk: number for number, pk in enumerate(annotator_ids)}
    return _proficiency(row, skill_ids, at, (len(row), len(skill_ids)))


def _proficiency(
    row: dict[int, int], skill_ids: Sequence[int], now: datetime, shape: tuple[int, int]
) -> Known:
    """Return the latest rate, its lower bound, speed factor and number of answers as of `now`."""
    place = {skill: number for number, skill in enumerate(skill_ids)}
    rate, lower, speed = (np.full(shape, np.nan) for _ in range(3))
    evidence = np.zeros(shape)
    used: dict[tuple[int, str], list[datetime]] = defaultdict(list)
    latest = (
        Proficiency.objects.filter(skill_id__in=skill_ids, as_of__lte=now, **_few(row))
        .annotate(
            newest=Window(
                RowNumber(), partition_by=[F("annotator"), F("skill")], order_by=F("as_of").desc()
            )
        )
        .filter(newest=1)
        .values_list(
            "annotator_id", "skill_id", "rate", "rate_lower", "speed", "n", "version", "as_of"
        )
    )
    for annotator, skill, value, low, factor, n, version, as_of in latest:
        if annotator in row:
            at = row[annotator], place[skill]
            rate[at], lower[at], speed[at] = value, low, factor
            evidence[at] = n
            used[skill, version].append(as_of)
    estimates: dict[int, list[str]] = {}
    for (skill, version), times in sorted(used.items()):
        text = f"{version} as of {max(times).isoformat()}: {len(times)} annotators"
        estimates.setdefault(skill, []).append(text)
    return Known(rate, lower, speed, evidence, estimates)
