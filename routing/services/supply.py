"""Who could do the work, as columns: vendors, pools, people, prices."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from common.time import zone
from routing import seams
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState
from routing.core.policy import ATTESTATIONS
from routing.core.tables import (
    ALWAYS,
    IN_HOUSE,
    MAX_DAYS,
    MODEL,
    OUTSOURCED,
    Crews,
    Floats,
    Inputs,
    People,
    Pools,
    Rates,
    Vendors,
)
from routing.errors import CurrencyMixed
from routing.models import Assignment, TaskType
from routing.services.scope import Scope
from routing.services.taken import Taken
from vendors.models import Contract, Vendor
from vendors.selectors import attestation_cover, contracts_on
from workforce.choices import PartRole, PoolKind
from workforce.selectors import PeopleTable, PoolRow, declared_hours, read_people

LOOK_AHEAD_DAYS = 14
KINDS = {PoolKind.IN_HOUSE: IN_HOUSE, PoolKind.OUTSOURCED: OUTSOURCED, PoolKind.MODEL: MODEL}


def next_working_day(scope: Scope) -> date | None:
    """Return the first day after the horizon on which people of the run's pools have hours."""
    days = min(scope.days + LOOK_AHEAD_DAYS, MAX_DAYS)
    table = read_people(
        pool_ids=[row.id for row in scope.pools],
        skill_ids=[],
        certification_type_ids=[],
        now=scope.now,
        days=days,
        time_zone=settings.OPERATION_TIME_ZONE,
    )
    there = np.flatnonzero(table.hours[~table.is_model].sum(axis=0)[scope.days :] > 0)
    return scope.first_day + timedelta(days=scope.days + int(there[0])) if len(there) else None


def vendor_columns(scope: Scope, pools: Sequence[PoolRow]) -> Vendors:
    ids = sorted({row.vendor_id for row in pools if row.vendor_id is not None})
    keys = dict(Vendor.objects.filter(pk__in=ids).values_list("pk", "key"))
    cover = attestation_cover(vendor_ids=ids, on=scope.first_day)
    contracts = contracts_on(scope.first_day, ids)
    V = len(ids)
    days = np.zeros((V, len(ATTESTATIONS)), dtype=np.int64)
    commitment, shortfall, used = np.zeros(V), np.zeros(V), np.zeros(V)
    cap = np.ones(V)
    for v, vendor_id in enumerate(ids):
        for a, kind in enumerate(ATTESTATIONS):
            state = cover[vendor_id, kind]
            if state.state in ("valid", "bridged", "expiring"):
                days[v, a] = _days_left(state.last_day, scope.first_day)
        caps = [p.document.get("share_caps", {}).get(keys[vendor_id]) for p in scope.policies]
        caps = [float(c) for c in caps if c is not None]
        contract = contracts.get(vendor_id)
        if contract is not None:
            if contract.share_cap is not None:
                caps.append(float(contract.share_cap))
            owed = _owed(contract, vendor_id, scope)
            commitment[v], shortfall[v] = owed, float(contract.shortfall_share) if owed else 0.0
            used[v] = _tasks_in_window(contract, vendor_id)
        cap[v] = min(caps, default=1.0)
    return Vendors(
        id=np.array(ids, dtype=np.int64),
        key=tuple(keys[i] for i in ids),
        attested_days=days,
        commitment=commitment,
        shortfall_price=shortfall,
        share_cap=cap,
        used=used,
    )


def _days_left(last_day: date | None, first_day: date) -> int:
    return ALWAYS if last_day is None else (last_day - first_day).days + 1


def _tasks_in_window(contract: Contract, vendor_id: int) -> int:
    """Count the vendor's assignments since the contract began (held or submitted)."""
    start = datetime.combine(contract.starts_on, datetime.min.time(), zone(contract.time_zone))
    return (
        Assignment.objects.filter(
            annotator__pool__vendor_id=vendor_id,
            reserved_at__gte=start,
            state__in=[*LIVE_ASSIGNMENTS, AssignmentState.SUBMITTED],
        )
        .values("task_id")
        .distinct()
        .count()
    )


def _owed(contract: Contract, vendor_id: int, scope: Scope) -> float:
    """Return what is still owed × working days of the horizon / working days left.

    What was earned so far is the submitted work at the prices of the seam.
    """
    promised = contract.minimum_commitment_micro / 1e6
    if promised <= 0:
        return 0.0
    start = datetime.combine(contract.starts_on, datetime.min.time(), zone(contract.time_zone))
    done = (
        Assignment.objects.filter(
            annotator__pool__vendor_id=vendor_id,
            state=AssignmentState.SUBMITTED,
            ended_at__gte=start,
        )
        .values("annotator__pool_id", "task__task_type_id")
        .annotate(n=Count("pk"), size=Sum("task__size"), seconds=Sum("effort_seconds"))
    )
    rows = list(done)
    prices = seams.prices.get().prices(
        pool_ids=sorted({row["annotator__pool_id"] for row in rows}),
        task_type_ids=sorted({row["task__task_type_id"] for row in rows}),
        at=scope.now,
    )
    earned = 0.0
    for row in rows:
        price = prices.get((row["annotator__pool_id"], "label", row["task__task_type_id"]))
        if price is not None:
            earned += (
                price.per_item * row["n"]
                + price.per_unit * row["size"]
                + price.per_hour * row["seconds"] / 3600
            )
    horizon = _working_days(scope.first_day, scope.first_day + timedelta(days=scope.days))
    left = _working_days(scope.first_day, contract.ends_on)
    return max(promised - earned, 0.0) * min(horizon / left, 1.0) if left else 0.0


def _working_days(first: date, end: date) -> int:
    return int(np.busday_count(first, end))


def pool_columns(scope: Scope, rows: Sequence[PoolRow], vendors: Vendors, taken: Taken) -> Pools:
    place = {row.id: number for number, row in enumerate(rows)}
    declared = declared_hours(pool_ids=place, first_day=scope.first_day, days=scope.days)
    lines = np.full((len(rows), scope.days), np.nan)
    for pool_id, hours in declared.items():
        # Declared once for all projects: what others use of it is gone.
        used = taken.pool_hours.get(pool_id, 0.0)
        lines[place[pool_id]] = np.maximum(hours - used, 0.0)
    pairs = np.zeros((len(rows), len(rows)), dtype=bool)
    for hybrid in scope.pools:
        labels = [place[p] for p, role in hybrid.parts if role == PartRole.LABELS and p in place]
        reviews = [place[p] for p, role in hybrid.parts if role == PartRole.REVIEWS and p in place]
        for label in labels:
            for review in reviews:
                pairs[label, review] = True
    vendor_place = {int(v): number for number, v in enumerate(vendors.id)}
    return Pools(
        id=np.array([row.id for row in rows], dtype=np.int64),
        key=tuple(row.key for row in rows),
        name=tuple(row.name for row in rows),
        kind=np.array([KINDS[PoolKind(row.kind)] for row in rows], dtype=np.int8),
        vendor=np.array(
            [-1 if row.vendor_id is None else vendor_place[row.vendor_id] for row in rows],
            dtype=np.int64,
        ),
        calibrating=np.array([row.calibrating for row in rows], dtype=bool),
        declared=lines,
        pairs=pairs,
    )


def people_columns(
    scope: Scope,
    table: PeopleTable,
    pools: Pools,
    countries: tuple[str, ...],
    languages: tuple[str, ...],
    taken: Taken,
) -> People:
    place = {int(pool): number for number, pool in enumerate(pools.id)}
    hours = table.hours.copy()
    for number, annotator in enumerate(table.annotator_id.tolist()):
        if annotator in taken.hours:
            hours[number] = np.maximum(hours[number] - taken.hours[annotator], 0.0)
    harm, answers = _caps_left(table, taken, scope.days)
    left = table.certified_until - scope.first_day.toordinal() + 1
    certified = np.where(table.certified_until > 0, np.clip(left, 0, scope.days), 0)
    spoken = np.array(
        [[speaks(known, language) for language in languages] for known in table.languages],
        dtype=bool,
    ).reshape(len(table), len(languages))
    country = {code: number + 1 for number, code in enumerate(countries)}
    return People(
        id=table.annotator_id,
        pool=np.array([place[p] for p in table.pool_id.tolist()], dtype=np.int64),
        person=table.person,
        level=table.level,
        certified_days=certified.astype(np.int64),
        speaks=spoken,
        residency=np.array([country.get(code, 0) for code in table.residency], dtype=np.int64),
        clearance=table.clearance,
        exposure=table.exposure_minutes > 0,
        harm_hours=harm,
        answers=answers,
        hours=hours,
        rate=table.rate,
        rate_lower=table.rate_lower,
        speed=table.speed,
        evidence=table.evidence,
        hourly_cost=table.hourly_cost,
        answer_hours=1.0 / table.rate_limit,
    )


def _caps_left(table: PeopleTable, taken: Taken, days: int) -> tuple[Floats, Floats]:
    """Return hours of harmful content and answers (N, D) that each one's caps leave by day.

    Accounts of one person share the least of their caps: what one account has taken is gone for
    the others, and what is left is spread over them evenly. A model is harmed by nothing.
    """
    harm = np.where(table.is_model, np.inf, table.exposure_minutes / 60.0)
    left = []
    for cap, used in ((harm, taken.harm_hours), (table.daily_cap, taken.answers)):
        own = np.zeros((len(table), days))
        for number, annotator in enumerate(table.annotator_id.tolist()):
            if annotator in used:
                own[number] = used[annotator]
        _persons, human, accounts = np.unique(table.person, return_inverse=True, return_counts=True)
        least = np.full(len(accounts), np.inf)
        np.minimum.at(least, human, cap)
        gone = np.zeros((len(accounts), days))
        np.add.at(gone, human, own)
        rest = np.maximum(least[:, None] - gone, 0.0) / accounts[:, None]
        left.append(rest[human])
    return left[0], left[1]


def speaks(known: frozenset[str], language: str) -> bool:
    """Tell whether someone speaks a language: de-AT serves work in de, not the other way round."""
    return any(
        code == language or code.lower().startswith(f"{language.lower()}-") for code in known
    )


def rate_columns(scope: Scope, pools: Sequence[PoolRow], types: Sequence[TaskType]) -> Rates:
    shape = (len(pools), len(types), 3)
    tables = {"label": np.full(shape, np.nan), "review": np.full(shape, np.nan)}
    billable = np.zeros(shape[:2], dtype=bool)
    told: list[tuple[int, int, str, str, str]] = []
    prices = seams.prices.get().prices(
        pool_ids=[row.id for row in pools], task_type_ids=[t.pk for t in types], at=scope.now
    )
    for p, row in enumerate(pools):
        for y, task_type in enumerate(types):
            for activity, table in tables.items():
                price = prices.get((row.id, activity, task_type.pk))
                if price is None:
                    continue
                if price.currency != scope.currency:
                    raise CurrencyMixed(
                        _("The rate card of %(row)s is in %(currency)s, the run in %(currency2)s.")
                        % {
                            "row": row.name,
                            "currency": price.currency,
                            "currency2": scope.currency,
                        },
                        field="pools",
                        rule="one_currency",
                    )
                table[p, y] = (price.per_item, price.per_unit, price.per_hour)
                billable[p, y] |= activity == "label" and price.rework_billable
                told.append((p, y, activity, price.words, price.version))
    return Rates(tables["label"], tables["review"], billable, tuple(told))


def crew_names(inputs: Inputs, crews: Crews) -> list[str]:
    """Return a short name of each crew: its pool, a number, and what sets it apart there."""
    traits = [_traits(inputs, crews, c) for c in range(len(crews))]
    names = []
    for c in range(len(crews)):
        pool = inputs.pools.name[crews.pool[c]]
        beside = [traits[d] for d in np.flatnonzero(crews.pool == crews.pool[c]).tolist()]
        if len(beside) == 1:
            names.append(pool[:300])
            continue
        number = int((crews.pool[:c] == crews.pool[c]).sum()) + 1
        own = [word for word in traits[c] if not all(word in other for other in beside)]
        more = ", …" if len(own) > 4 else ""
        names.append(f"{pool} · {number} ({', '.join(own[:4]) or 'none of these'}{more})"[:300])
    return names


def _traits(inputs: Inputs, crews: Crews, c: int) -> list[str]:
    """Return what the members of a crew share, in words."""
    parts = [
        f"{skill} {int(level)}"
        for skill, level in zip(inputs.skills, crews.level[c], strict=True)
        if level
    ]
    parts += [
        f"{kind} for {int(days)} days" if days < inputs.days else kind
        for kind, days in zip(inputs.certificates, crews.certified_days[c], strict=True)
        if days
    ]
    parts += [word for word, ok in zip(inputs.languages, crews.speaks[c], strict=True) if ok]
    if crews.residency[c]:
        parts.append(inputs.countries[crews.residency[c] - 1])
    if crews.clearance[c]:
        parts.append(f"clearance {int(crews.clearance[c])}")
    if crews.exposure[c]:
        parts.append("takes harmful content")
    return parts
