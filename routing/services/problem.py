"""From the database to a run's inputs: pools, people, prices, cohorts, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models import Count, Sum
from numpy.typing import NDArray

from common.time import local_date, zone
from routing import seams
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState
from routing.core import cohorts as grouping
from routing.core import effort, score
from routing.core.crews import partition
from routing.core.policy import ATTESTATIONS, compile_policy
from routing.core.tables import (
    ALWAYS,
    IN_HOUSE,
    MODEL,
    OUTSOURCED,
    Budget,
    Cohorts,
    Crews,
    Floats,
    Inputs,
    Ints,
    People,
    Pools,
    Projects,
    Rates,
    Types,
    Vendors,
)
from routing.errors import CurrencyMixed
from routing.models import Assignment, Domain, EffortEstimate, Policy, Project, TaskType
from routing.services.reading import TaskColumns
from vendors.models import Contract, Vendor
from vendors.selectors import attestation_cover, contracts_on
from workforce.choices import PartRole, PoolKind
from workforce.models import CertificationType, Skill
from workforce.selectors import PeopleTable, PoolRow, declared_hours, pool_rows, read_people

KINDS = {PoolKind.IN_HOUSE: IN_HOUSE, PoolKind.OUTSOURCED: OUTSOURCED, PoolKind.MODEL: MODEL}


@dataclass(frozen=True)
class Scope:
    """What a run is about: projects with the policy of each, and the pools it may use."""

    projects: list[Project]
    policies: list[Policy]
    pools: list[PoolRow]
    now: datetime
    days: int
    currency: str

    @property
    def first_day(self) -> date:
        """Plan day 0, in the operation's zone."""
        return local_date(self.now, settings.OPERATION_TIME_ZONE)


@dataclass(frozen=True)
class Problem:
    """A run's inputs beside the columns that placing needs."""

    inputs: Inputs
    tasks: TaskColumns
    cohort: Ints
    task_hours: Floats
    people: PeopleTable
    versions: dict[str, object]


def usable_pools(policies: Sequence[Policy]) -> list[PoolRow]:
    """Return the active pools that the policies name, or all where one names none."""
    rows = pool_rows()
    named: set[str] | None = set()
    for policy in policies:
        keys = policy.document.get("pools") or []
        named = None if named is None or not keys else named | set(keys)
    return [row for row in rows if named is None or row.key in named]


def check_currency(projects: Sequence[Project], pools: Sequence[PoolRow]) -> str:
    """Return the one currency of a run.

    Raises
    ------
    CurrencyMixed
        If projects or pools differ; the text names them.
    """
    currency = projects[0].currency
    others = [f"{p.key} ({p.currency})" for p in projects if p.currency != currency]
    if others:
        raise CurrencyMixed(
            f"Projects of one run share a currency; {currency} is not that of "
            f"{', '.join(others)}. Route them one after the other.",
            field="project",
            rule="one_currency",
        )
    strange = [p for p in pools if p.kind != PoolKind.HYBRID and p.currency != currency]
    if strange:
        names = ", ".join(f"{pool.name} ({pool.currency})" for pool in strange)
        raise CurrencyMixed(
            f"The run is in {currency}, but these pools are priced in another currency: {names}. "
            "Name the pools to use in the policy; there is no dated exchange rate yet.",
            field="pools",
            rule="one_currency",
            pools=[pool.key for pool in strange],
        )
    return str(currency)


def read_problem(scope: Scope, tasks: TaskColumns, other_hours: "OtherHours") -> Problem:
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
    vendors = _vendors(scope, own)
    pools = _pools(scope, own, vendors)
    people = _people(scope, table, pools, countries, languages, other_hours)
    crews = partition(people, harmful=bool((tasks.harm > 0).any()))
    type_columns = _types(types, skills, scope.now)
    built = _cohorts(scope, tasks, types, domains, kinds, countries, languages)
    inputs = Inputs(
        days=scope.days,
        pools=pools,
        vendors=vendors,
        crews=crews,
        projects=_projects(scope, vendors, kinds),
        types=type_columns,
        cohorts=built.cohorts,
        rates=_rates(scope, own, types),
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
        "estimates": _estimates_version(scope.now),
    }
    return Problem(inputs, tasks, built.cohort, built.hours, table, versions)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _estimates_version(now: datetime) -> str:
    from workforce.models import Proficiency

    latest = Proficiency.objects.filter(as_of__lte=now).order_by("-as_of").first()
    return f"{latest.version} as of {latest.as_of.isoformat()}" if latest else "none"


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


def _vendors(scope: Scope, pools: Sequence[PoolRow]) -> Vendors:
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


def _pools(scope: Scope, rows: Sequence[PoolRow], vendors: Vendors) -> Pools:
    place = {row.id: number for number, row in enumerate(rows)}
    declared = declared_hours(pool_ids=place, first_day=scope.first_day, days=scope.days)
    lines = np.full((len(rows), scope.days), np.nan)
    for pool_id, hours in declared.items():
        lines[place[pool_id]] = hours
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


@dataclass(frozen=True)
class OtherHours:
    """Hours taken already: by annotator on day 0 (live assignments) and by day (placements)."""

    by_annotator: Mapping[int, NDArray[np.float64]]


def _people(
    scope: Scope,
    table: PeopleTable,
    pools: Pools,
    countries: tuple[str, ...],
    languages: tuple[str, ...],
    other: OtherHours,
) -> People:
    place = {int(pool): number for number, pool in enumerate(pools.id)}
    hours = table.hours.copy()
    for number, annotator in enumerate(table.annotator_id.tolist()):
        taken = other.by_annotator.get(annotator)
        if taken is not None:
            hours[number] = np.maximum(hours[number] - taken, 0.0)
    left = table.certified_until - scope.first_day.toordinal() + 1
    certified = np.where(table.certified_until > 0, np.clip(left, 0, scope.days), 0)
    speaks = np.array(
        [[_speaks(known, language) for language in languages] for known in table.languages],
        dtype=bool,
    ).reshape(len(table), len(languages))
    country = {code: number + 1 for number, code in enumerate(countries)}
    return People(
        id=table.annotator_id,
        pool=np.array([place[p] for p in table.pool_id.tolist()], dtype=np.int64),
        person=table.person,
        level=table.level,
        certified_days=certified.astype(np.int64),
        speaks=speaks,
        residency=np.array([country.get(code, 0) for code in table.residency], dtype=np.int64),
        clearance=table.clearance,
        exposure=table.exposure,
        hours=hours,
        rate=table.rate,
        rate_lower=table.rate_lower,
        speed=table.speed,
        hourly_cost=table.hourly_cost,
        answer_hours=1.0 / table.rate_limit,
    )


def _speaks(known: frozenset[str], language: str) -> bool:
    """Tell whether someone speaks a language: de-AT serves work in de, not the other way round."""
    return any(
        code == language or code.lower().startswith(f"{language.lower()}-") for code in known
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
        policies=tuple(compile_policy(policy.document) for policy in scope.policies),
    )


def _types(types: Sequence[TaskType], skills: Sequence[Skill], now: datetime) -> Types:
    place = {skill.pk: number for number, skill in enumerate(skills)}
    facts = seams.quality.get().facts(task_type_ids=[t.pk for t in types], at=now)
    known = [facts.get(t.pk, seams.QualityFacts()) for t in types]
    return Types(
        id=np.array([t.pk for t in types], dtype=np.int64),
        key=tuple(t.key for t in types),
        skill=np.array([place[t.skill_id] for t in types], dtype=np.int64),
        votes=np.array([t.can_vote for t in types], dtype=bool),
        dispersion=np.array([f.dispersion for f in known]),
        difficulty=np.array([f.difficulty for f in known]).reshape(len(types), 4),
        spoil=np.array([f.spoil for f in known]),
    )


def _rates(scope: Scope, pools: Sequence[PoolRow], types: Sequence[TaskType]) -> Rates:
    shape = (len(pools), len(types), 3)
    tables = {"label": np.full(shape, np.nan), "review": np.full(shape, np.nan)}
    billable = np.zeros(shape[:2], dtype=bool)
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
                        f"The rate card of {row.name} is in {price.currency}, the run in "
                        f"{scope.currency}.",
                        field="pools",
                        rule="one_currency",
                    )
                table[p, y] = (price.per_item, price.per_unit, price.per_hour)
                billable[p, y] |= activity == "label" and price.rework_billable
    return Rates(tables["label"], tables["review"], billable)


def _budgets(scope: Scope) -> tuple[Budget, ...]:
    place = {project.pk: number for number, project in enumerate(scope.projects)}
    rows = seams.rows.get().rows(project_ids=list(place), at=scope.now)
    return tuple(
        Budget(row.name, tuple(place[p] for p in row.project_ids if p in place), row.amount)
        for row in rows
    )


@dataclass(frozen=True)
class _Grouped:
    cohorts: Cohorts
    cohort: Ints
    hours: Floats


def _cohorts(
    scope: Scope,
    tasks: TaskColumns,
    types: Sequence[TaskType],
    domains: Mapping[int, Domain],
    kinds: Sequence[CertificationType],
    countries: tuple[str, ...],
    languages: tuple[str, ...],
) -> _Grouped:
    """Score the tasks and group them."""
    project = _place(tasks.project, [p.pk for p in scope.projects])
    task_type = _place(tasks.task_type, [t.pk for t in types])
    domain_ids = [0, *sorted(domains)]
    domain = _place(tasks.domain, domain_ids)
    error_cost = np.where(
        np.isnan(tasks.error_cost),
        np.array([p.error_cost_micro / 1e6 for p in scope.projects])[project],
        tasks.error_cost,
    )
    classes = np.where(
        np.isnan(tasks.classes), np.array([t.classes for t in types])[task_type], tasks.classes
    )
    scores = score.score(features(tasks, types, task_type, domains, domain_ids, domain, error_cost))
    hours = task_hours(tasks, types, task_type, scores.complexity_band, scope.now)
    due, due_day, late = _due(scope, tasks)
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
    return _Grouped(
        Cohorts(
            project=project[first],
            task_type=task_type[first],
            domain=np.array(domain_ids, dtype=np.int64)[domain[first]],
            certificate=certificate_of[domain[first]],
            complexity=scores.complexity_band[first],
            risk=scores.risk_band[first],
            data_class=tasks.data_class[first],
            harm=(tasks.harm[first] > 0).astype(np.int8),
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


def features(
    tasks: TaskColumns,
    types: Sequence[TaskType],
    task_type: Ints,
    domains: Mapping[int, Domain],
    domain_ids: Sequence[int],
    domain: Ints,
    error_cost: Floats,
) -> score.TaskFeatures:
    """Return what the scorer reads."""
    typical = np.array([t.typical_size for t in types])[task_type]
    expertise = np.array([0.0] + [domains[d].expertise for d in domain_ids[1:]])[domain]
    return score.TaskFeatures(
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


def task_hours(
    tasks: TaskColumns,
    types: Sequence[TaskType],
    task_type: Ints,
    band: NDArray[np.int8],
    now: datetime,
) -> Floats:
    """Return expected hours: the type's default times what was learned for type and band."""
    base = np.array([t.effort_base_seconds for t in types])[task_type]
    unit = np.array([t.effort_unit_seconds for t in types])[task_type]
    default = effort.default_seconds(base, unit, tasks.size)
    place = {t.pk: number for number, t in enumerate(types)}
    factor, spread, n = (np.zeros((len(types), 4)) for _ in range(3))
    rows = EffortEstimate.objects.filter(task_type_id__in=place, as_of__lte=now).order_by("as_of")
    bands = {name: number for number, name in enumerate(("low", "medium", "high", "critical"))}
    for row in rows:
        at = place[row.task_type_id], bands[row.complexity_band]
        factor[at], spread[at], n[at] = row.log_factor, row.log_spread, row.n
    seconds = effort.expected_seconds(
        default, factor[task_type, band], spread[task_type, band], n[task_type, band]
    )
    return seconds / 3600.0


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
    project = _place(tasks.project, [p.pk for p in scope.projects])
    may_be_late = late_price[project] | overdue
    day = np.where(np.isnan(days), D, np.clip(np.nan_to_num(days), -366, D)).astype(np.int64)
    late = np.where(overdue, np.maximum(-day, 0), 0)
    due = np.where(may_be_late, D, np.clip(day + 1, 1, D))
    # Beyond the horizon all due days look the same.
    due_day = np.clip(day, 0, D)
    # Overdue work on its own day is flagged by one late day, so that it is told apart.
    late = np.where(overdue & (late == 0), 1, late)
    return due.astype(np.int64), due_day, late.astype(np.int64)


def _place(values: Ints, ids: Sequence[int]) -> Ints:
    """Return the position of each id in a list that holds them all."""
    order = np.argsort(np.array(ids, dtype=np.int64), kind="stable")
    return np.asarray(order[np.searchsorted(np.array(ids, dtype=np.int64)[order], values)])


def _place_bytes(values: NDArray[np.bytes_], words: tuple[str, ...]) -> Ints:
    """Return 1 + the position of each word, 0 for the empty one."""
    known = np.array([b"", *(word.encode() for word in words)], dtype=values.dtype)
    return np.searchsorted(known, values).astype(np.int64)


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
