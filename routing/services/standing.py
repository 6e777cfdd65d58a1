"""One annotator against the gates: the plan's own gates, with the annotator as a crew of one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from common.time import local_date
from routing import seams
from routing.core.crews import PRIOR_RATE, PRIOR_RATE_LOWER
from routing.core.gates import NO_PRICE, NOT_IN_POLICY, OPEN, touch_gates
from routing.core.policy import ATTESTATIONS, CompiledPolicy
from routing.core.tables import Crews, Inputs, Pools, Projects, Vendors
from routing.services.basis import Basis
from routing.services.rules_now import ProjectRules, RulesNow
from routing.services.supply import KINDS, speaks
from vendors.choices import WORKING_STATES, VendorState
from vendors.selectors import attestation_cover
from workforce.choices import PoolKind
from workforce.models import Annotator, Pool
from workforce.selectors import PeopleTable, read_people

Codes = NDArray[np.uint8]
COUNTS = ("valid", "bridged", "expiring")
HIGH = 2  # from this risk band upward the lower bound of a rate counts
HAIR = 1e-9


@dataclass(frozen=True)
class Standing:
    """The facts of one annotator that gates read, as of now.

    table : a table of one person, none if they may not work now
    attested : (5,) bool, of the vendor; priced : ids of the task types that have a price
    """

    annotator: Annotator
    table: PeopleTable
    attested: NDArray[np.bool_]
    priced: frozenset[int] | None
    skills: tuple[int, ...]
    certificates: tuple[int, ...]

    @property
    def may_work(self) -> bool:
        """Whether the annotator is active, and so are the pool and its vendor."""
        pool = self.annotator.pool
        if not len(self.table) or not pool.is_active or pool.kind == PoolKind.HYBRID:
            return False
        return pool.vendor is None or pool.vendor.state in WORKING_STATES


def read_standing(annotator: Annotator, rules: RulesNow, now: datetime) -> Standing:
    """Read the facts of an annotator (with `pool__vendor`)."""
    pool = annotator.pool
    table = read_people(
        pool_ids=[pool.pk],
        annotator_ids=[annotator.pk],
        skill_ids=rules.skills,
        certification_type_ids=rules.certificates,
        now=now,
        days=0,
        time_zone=settings.OPERATION_TIME_ZONE,
    )
    attested = attested_of(pool, local_date(now, settings.OPERATION_TIME_ZONE))
    priced = priced_of(pool, rules, now)
    return Standing(annotator, table, attested, priced, rules.skills, rules.certificates)


def attested_of(pool: Pool, on: date) -> NDArray[np.bool_]:
    """Return which attestations of the pool's vendor (5,) count on a day."""
    if pool.vendor_id is None:
        return np.zeros(len(ATTESTATIONS), dtype=bool)
    cover = attestation_cover(vendor_ids=[pool.vendor_id], on=on)
    return np.array([cover[pool.vendor_id, k].state in COUNTS for k in ATTESTATIONS])


def priced_of(pool: Pool, rules: RulesNow, now: datetime) -> frozenset[int] | None:
    """Return the ids of the task types whose labels have a price; None: own staff needs none."""
    if pool.kind == PoolKind.IN_HOUSE:
        return None
    types = sorted(rules.skill_of)
    prices = seams.prices.get().prices(pool_ids=[pool.pk], task_type_ids=types, at=now)
    return frozenset(y for p, activity, y in prices if activity == "label" and p == pool.pk)


def gates_of(standing: Standing, basis: Basis, rules: RulesNow) -> Codes:
    """Return the code of the first gate that shuts each cohort of a run (K,), 0 = open.

    A project that is closed, has another run in force or no policy is shut as not in the policy.
    """
    inputs = basis.inputs
    served = [rules.projects.get(int(pk)) for pk in inputs.projects.id]
    known = [row for row in served if row is not None and row.policy is not None]
    if not known or not standing.may_work:
        return np.full(len(inputs.cohorts), NOT_IN_POLICY, dtype=np.uint8)
    # A project that is not served gets the rules of another: it is shut below.
    shut = touch_gates(
        _inputs_for(standing, inputs, rules, [row if row in known else known[0] for row in served])
    )
    code = shut.shut[:, 0].copy()
    gone = np.array([row is None or row.policy is None for row in served])
    code[gone[inputs.cohorts.project]] = NOT_IN_POLICY
    if standing.priced is not None:
        priced = np.array([int(pk) in standing.priced for pk in inputs.types.id])
        code[(code == OPEN) & ~priced[inputs.cohorts.task_type]] = NO_PRICE
    return code


def worse_than(standing: Standing, basis: Basis, rules: RulesNow) -> NDArray[np.bool_]:
    """Tell for each pair that the run placed by whether its crew's rate is above the annotator's.

    Returns
    -------
    (n,) bool along `basis.placed`; from risk band high upward lower bounds are compared.
    """
    inputs = basis.inputs
    cohort, crew = basis.placed.T
    task_type = inputs.cohorts.task_type[cohort]
    skill = inputs.types.skill[task_type]
    place = {pk: number for number, pk in enumerate(standing.skills)}
    mine = np.array([place[rules.skill_of[int(pk)]] for pk in inputs.types.id], dtype=np.int64)
    rate = np.nan_to_num(standing.table.rate[0], nan=PRIOR_RATE)[mine][task_type]
    lower = np.nan_to_num(standing.table.rate_lower[0], nan=PRIOR_RATE_LOWER)[mine][task_type]
    risky = inputs.cohorts.risk[cohort] >= HIGH
    theirs = np.where(risky, inputs.crews.rate_lower[crew, skill], inputs.crews.rate[crew, skill])
    return np.asarray(np.where(risky, lower, rate) < theirs - HAIR)


def _inputs_for(
    standing: Standing, inputs: Inputs, rules: RulesNow, served: Sequence[ProjectRules]
) -> Inputs:
    """Return a run's inputs with this annotator as their only crew, under today's rules."""
    place = {pk: number for number, pk in enumerate(standing.skills)}
    types = replace(
        inputs.types,
        skill=np.array([place[rules.skill_of[int(pk)]] for pk in inputs.types.id], dtype=np.int64),
    )
    kind_of = {pk: number for number, pk in enumerate(standing.certificates)}
    asked = [
        kind_of[rules.certificate_of[d]] if d in rules.certificate_of else -1
        for d in inputs.cohorts.domain.tolist()
    ]
    return replace(
        inputs,
        days=1,
        pools=_pool(standing),
        vendors=_vendors(standing),
        crews=_crew(standing, inputs),
        projects=_projects(standing, inputs.projects, served),
        types=types,
        cohorts=replace(inputs.cohorts, certificate=np.array(asked, dtype=np.int64)),
    )


def _pool(standing: Standing) -> Pools:
    pool = standing.annotator.pool
    vendor = pool.vendor
    return Pools(
        id=np.array([pool.pk]),
        key=(pool.key,),
        name=(pool.name,),
        kind=np.array([KINDS[PoolKind(pool.kind)]], dtype=np.int8),
        vendor=np.array([-1 if vendor is None else 0]),
        calibrating=np.array([vendor is not None and vendor.state == VendorState.CALIBRATION]),
        declared=np.full((1, 1), np.nan),
        pairs=np.zeros((1, 1), dtype=bool),
    )


def _vendors(standing: Standing) -> Vendors:
    vendor = standing.annotator.pool.vendor
    V = 0 if vendor is None else 1
    nothing = np.zeros(V)
    return Vendors(
        id=np.array([] if vendor is None else [vendor.pk], dtype=np.int64),
        key=() if vendor is None else (vendor.key,),
        attested_days=np.repeat(standing.attested[None, :].astype(np.int64), V, axis=0),
        commitment=nothing,
        shortfall_price=nothing,
        share_cap=np.ones(V),
        used=nothing,
    )


def _crew(standing: Standing, inputs: Inputs) -> Crews:
    """Return the annotator as a crew of one: who asks for work is there, whatever shifts say."""
    table = standing.table
    country = {code: number + 1 for number, code in enumerate(inputs.countries)}
    one = np.ones((1, 1))
    return Crews(
        pool=np.zeros(1, dtype=np.int64),
        member_of=np.zeros(1, dtype=np.int64),
        hours=one,
        harm_hours=one,
        answers=one,
        members=np.ones((1, 1), dtype=np.int64),
        level=table.level,
        # Only certificates that have not lapsed where their holder is are read.
        certified_days=(table.certified_until > 0).astype(np.int64),
        speaks=np.array(
            [[speaks(table.languages[0], language) for language in inputs.languages]], dtype=bool
        ).reshape(1, len(inputs.languages)),
        residency=np.array([country.get(table.residency[0], 0)]),
        clearance=table.clearance,
        exposure=table.exposure_minutes > 0,
        rate=table.rate,
        rate_lower=table.rate_lower,
        speed=table.speed,
        evidence=table.evidence,
        hourly_cost=table.hourly_cost,
        answer_hours=1.0 / table.rate_limit,
    )


def _projects(standing: Standing, old: Projects, served: Sequence[ProjectRules]) -> Projects:
    vendor = standing.annotator.pool.vendor_id
    V = 0 if vendor is None else 1
    policies: list[CompiledPolicy] = [row.policy for row in served if row.policy is not None]
    return Projects(
        id=old.id,
        key=old.key,
        level=np.array([row.level for row in served], dtype=np.int8),
        clearance=np.array([row.clearance for row in served], dtype=np.int8),
        attestations=np.stack([row.attestations for row in served]),
        certificates=np.array(
            [[kind in row.certificates for kind in standing.certificates] for row in served],
            dtype=bool,
        ).reshape(len(served), len(standing.certificates)),
        excluded=np.array([[vendor in row.excluded] * V for row in served], dtype=bool).reshape(
            len(served), V
        ),
        barred=np.array([[vendor in row.barred] * V for row in served], dtype=np.int64).reshape(
            len(served), V
        ),
        bar_reasons=("",),
        late_cost=old.late_cost,
        covers_safety=np.array([row.covers_safety for row in served], dtype=bool),
        policies=tuple(policies),
    )
