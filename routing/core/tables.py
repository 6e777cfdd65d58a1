"""The columns a run decides from: pools, crews, cohorts, and the rules of projects and types.

Everything is an array or a plain value, so that a run's inputs can be packed and replayed. Codes
count along routing.core.policy's BANDS, MODES, DATA_CLASSES and ATTESTATIONS; pool kinds are
0 in-house, 1 outsourced, 2 model. Days are plan days: 0 is what is left of today.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.core.policy import CompiledPolicy, TierRule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bits = NDArray[np.uint64]

IN_HOUSE, OUTSOURCED, MODEL = 0, 1, 2
MAX_DAYS = 62  # days of a gate are kept as bits
ALWAYS = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Pools:
    """Pools (P,) that hold people or a model; hybrid pools appear as `pairs`.

    vendor : index into Vendors, −1 = the house
    calibrating : bool, the vendor may do low-risk work only
    declared : (P, D) hours declared for the day, NaN = none declared
    pairs : (P, P) bool [labelling, reviewing], offered by a hybrid pool
    """

    id: Ints
    key: tuple[str, ...]
    name: tuple[str, ...]
    kind: NDArray[np.int8]
    vendor: Ints
    calibrating: Bools
    declared: Floats
    pairs: Bools


@dataclass(frozen=True)
class Vendors:
    """Vendors (V,).

    attested_days : (V, 5) int, plan days (from day 0) on which each kind is in force
    commitment : money still owed to the horizon; shortfall_price : per unit of money
    share_cap : [0, 1], 1 = none; used : tasks already in the contract's window
    """

    id: Ints
    key: tuple[str, ...]
    attested_days: Ints
    commitment: Floats
    shortfall_price: Floats
    share_cap: Floats
    used: Floats


@dataclass(frozen=True)
class People:
    """Annotators (N,) that may work in the horizon; see workforce.selectors.read_people.

    person : the same number = the same human being
    level : (N, S) verified level of each asked skill, 0 = none
    certified_days : (N, T) plan days on which each asked certificate holds
    speaks : (N, L) bool, languages asked; residency : (N,) index into the countries asked, 0 = none
    exposure : bool, opted in to harmful content
    harm_hours : (N, D) of harmful content that a day may still hold; answers : (N, D) that a day
        may still hold, inf = no cap
    hours : (N, D) plan hours; rate, rate_lower, speed : (N, S), NaN = nothing known
    evidence : (N, S) answers behind the rate
    answer_hours : hours that one answer takes a model, NaN for people
    """

    id: Ints
    pool: Ints
    person: Ints
    level: NDArray[np.int8]
    certified_days: Ints
    speaks: Bools
    residency: Ints
    clearance: NDArray[np.int8]
    exposure: Bools
    harm_hours: Floats
    answers: Floats
    hours: Floats
    rate: Floats
    rate_lower: Floats
    speed: Floats
    evidence: Floats
    hourly_cost: Floats
    answer_hours: Floats


@dataclass(frozen=True)
class Crews:
    """Crews (C,): people of one pool alike in all that the gates ask for.

    harm_hours, answers : (C, D) what the members' caps leave together, inf = no cap
    evidence : (C, S), half of the hours belong to people with so many answers behind their rate, or
        fewer
    """

    pool: Ints
    member_of: Ints
    hours: Floats
    harm_hours: Floats
    answers: Floats
    members: Ints
    level: NDArray[np.int8]
    certified_days: Ints
    speaks: Bools
    residency: Ints
    clearance: NDArray[np.int8]
    exposure: Bools
    rate: Floats
    rate_lower: Floats
    speed: Floats
    evidence: Floats
    hourly_cost: Floats
    answer_hours: Floats

    def __len__(self) -> int:
        return len(self.pool)


@dataclass(frozen=True)
class Projects:
    """Rules of projects (J,) beside their policies.

    attestations : (J, 5) bool asked of vendors; certificates : (J, T) bool asked of people
    excluded : (J, V) bool; barred : (J, V) int, 0 or 1 + index into `bar_reasons` (extra gates)
    late_cost : money per task and late day; 0 = a due day is hard
    covers_safety : (J,) bool, the policy covers safety-critical work (published under four eyes)
    """

    id: Ints
    key: tuple[str, ...]
    level: NDArray[np.int8]
    clearance: NDArray[np.int8]
    attestations: Bools
    certificates: Bools
    excluded: Bools
    barred: Ints
    bar_reasons: tuple[str, ...]
    late_cost: Floats
    covers_safety: Bools
    policies: tuple[CompiledPolicy, ...]


@dataclass(frozen=True)
class Types:
    """Task types (Y,): the skill's index, whether answers are voted on, measured facts.

    dispersion, same_error (NaN = errors spread evenly), spoil : (Y,); difficulty : (Y, 4), see
    routing.seams.QualityFacts
    """

    id: Ints
    key: tuple[str, ...]
    skill: Ints
    votes: Bools
    dispersion: Floats
    same_error: Floats
    difficulty: Floats
    spoil: Floats


@dataclass(frozen=True)
class Cohorts:
    """Cohorts (K,) of tasks that look the same to the router.

    hours, size, error_cost : means over the tasks; due : 1..D, placed before that day index
    late : days already late on day 0 (0 = not overdue); certificate : of the domain, −1 = none
    safety_critical : bool, the labels are for safety-critical use
    """

    project: Ints
    task_type: Ints
    domain: Ints
    certificate: Ints
    complexity: NDArray[np.int8]
    risk: NDArray[np.int8]
    data_class: NDArray[np.int8]
    harm: NDArray[np.int8]
    safety_critical: Bools
    residency: Ints
    language: Ints
    classes: Ints
    due: Ints
    due_day: Ints
    late: Ints
    count: Ints
    hours: Floats
    size: Floats
    error_cost: Floats

    def __len__(self) -> int:
        return len(self.count)


@dataclass(frozen=True)
class Rates:
    """Prices: money per item, per unit of size and per hour, NaN where there is no price.

    label, review : (P, Y, 3); rework_billable : (P, Y) bool
    told : (pool, type, activity, in words, version) of each price, for people to read
    """

    label: Floats
    review: Floats
    rework_billable: Bools
    told: tuple[tuple[int, int, str, str, str], ...] = ()


@dataclass(frozen=True)
class Budget:
    """An extra plan row: spend of some projects at most `amount` in the horizon."""

    name: str
    projects: tuple[int, ...]
    amount: float


@dataclass(frozen=True)
class Inputs:
    """All that a run decides from."""

    days: int
    pools: Pools
    vendors: Vendors
    crews: Crews
    projects: Projects
    types: Types
    cohorts: Cohorts
    rates: Rates
    countries: tuple[str, ...]
    languages: tuple[str, ...]
    skills: tuple[str, ...]
    certificates: tuple[str, ...]
    budgets: tuple[Budget, ...] = ()


RECORD_TYPES = (
    Pools,
    Vendors,
    People,
    Crews,
    Projects,
    Types,
    Cohorts,
    Rates,
    Budget,
    Inputs,
    CompiledPolicy,
    TierRule,
)


def bad_days(good: Ints, days: int) -> Bits:
    """Return bits of the plan days from `good` on, on which something no longer holds."""
    every = np.uint64((1 << days) - 1)
    held = np.clip(good, 0, days).astype(np.uint64)
    return every & ~((np.uint64(1) << held) - np.uint64(1))
