"""Hard gates: which crews may touch which cohorts, on which days, and what would open a shut one.

A gate that holds only on some days of the horizon (a certificate or an attestation lapses) shuts
the days after; a gate that never holds shuts the crew out with its code. The first gate that shuts
is the one that is shown, in the order of GATES; all of them are kept as bits, so that each gate can
be counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.words import said
from routing.core.policy import ATTESTATIONS, CompiledPolicy
from routing.core.tables import MODEL, OUTSOURCED, Bits, Inputs, Ints, bad_days

Codes = NDArray[np.uint8]

# code → (what is shown, what would open it)
GATES: tuple[tuple[str, str], ...] = (
    (said("open"), ""),
    (said("pool not in the policy"), said("name the pool in the policy")),
    (
        said("policy does not cover safety-critical work"),
        said("publish, by a second person, a policy that covers it"),
    ),
    (said("conflict of interest"), said("the project excludes this vendor")),
    (said("barred by a rule"), said("settle what the rule names")),
    (said("vendor in calibration"), said("activate the vendor, or lower the risk")),
    (
        said("attestation missing or lapsed"),
        said("record and verify a valid attestation of the vendor"),
    ),
    (said("skill not verified"), said("verify the skill of more annotators")),
    (said("level too low"), said("raise and verify the level, or lower it in policy or project")),
    (said("certificate missing or lapsed"), said("record and verify a valid certificate")),
    (said("residency"), said("verify annotators who live in the country of the data")),
    (said("language"), said("verify annotators who speak the language")),
    (said("clearance"), said("verify annotators with the clearance")),
    (said("harmful content"), said("ask annotators to opt in (exposure cap above zero)")),
    (said("model may not see this data"), said("name the data class in the policy")),
    (said("no price"), said("add a rate line in force for this task type")),
    (said("no hours"), said("add shifts or declared capacity in the horizon")),
    (said("mode not allowed"), said("allow the mode in this cell of the policy")),
    (
        said("error above the target"),
        said("raise accuracy, answers or review share, or the target"),
    ),
    (said("too few members"), said("add members with hours on the same day")),
    (said("no reviewer"), said("verify reviewers, or offer a reviewing part in a hybrid pool")),
)
OPEN, NOT_IN_POLICY, UNCOVERED, CONFLICT, BARRED, CALIBRATING, ATTESTATION, SKILL, LEVEL = range(9)
CERTIFICATE, RESIDENCY, LANGUAGE, CLEARANCE, HARM, DATA, NO_PRICE, NO_HOURS = range(9, 17)
MODE, TARGET, MEMBERS, REVIEWER = range(17, 21)
GATES_VERSION = "2"


@dataclass(frozen=True)
class GateTable:
    """Gates of cohorts × crews: code of the first that shuts (0 = open), and bad days as bits.

    every : all gates that shut, gate n as bit n
    """

    shut: Codes
    bad: Bits
    every: NDArray[np.uint32]


def touch_gates(inputs: Inputs) -> GateTable:
    """Return the gates that hold for whoever touches a task, labelling or reviewing."""
    K, C = len(inputs.cohorts), len(inputs.crews)
    shut = np.zeros((K, C), dtype=np.uint8)
    bad = np.zeros((K, C), dtype=np.uint64)
    every = np.zeros((K, C), dtype=np.uint32)
    for crew in range(C):
        shut[:, crew], bad[:, crew], every[:, crew] = _crew_gates(inputs, crew)
    all_days = np.uint64((1 << inputs.days) - 1)
    return GateTable(shut, np.where(shut == OPEN, bad, all_days), every)


def _crew_gates(inputs: Inputs, crew: int) -> tuple[Codes, Bits, NDArray[np.uint32]]:
    cohorts, crews, projects, days = inputs.cohorts, inputs.crews, inputs.projects, inputs.days
    pool = int(crews.pool[crew])
    kind, vendor = int(inputs.pools.kind[pool]), int(inputs.pools.vendor[pool])
    shut = np.zeros(len(cohorts), dtype=np.uint8)
    bad = np.zeros(len(cohorts), dtype=np.uint64)
    every = np.zeros(len(cohorts), dtype=np.uint32)

    def close(mask: NDArray[np.bool_], code: int) -> None:
        shut[mask & (shut == OPEN)] = code
        every[mask] |= np.uint32(1 << code)

    def close_days(good: Ints, code: int) -> None:
        """Shut the days from `good` on; nothing good shuts the crew out."""
        nonlocal bad
        close(good <= 0, code)
        bad |= bad_days(good, days)

    close(_by_policy(inputs, _outside_policy(inputs, pool)), NOT_IN_POLICY)
    close(cohorts.safety_critical & ~_by_policy(inputs, projects.covers_safety), UNCOVERED)
    if vendor >= 0:
        close(projects.excluded[cohorts.project, vendor], CONFLICT)
        close(projects.barred[cohorts.project, vendor] > 0, BARRED)
        if inputs.pools.calibrating[pool]:
            close(cohorts.risk > 0, CALIBRATING)
        if kind == OUTSOURCED:
            asked = _attestations_asked(inputs)
            for a in range(len(ATTESTATIONS)):
                good = np.where(asked[:, a], inputs.vendors.attested_days[vendor, a], days)
                close_days(good, ATTESTATION)
    skill = inputs.types.skill[cohorts.task_type]
    level = crews.level[crew][skill] if crews.level.shape[1] else np.zeros(len(skill))
    close(level == 0, SKILL)
    close((level > 0) & (level < _level_asked(inputs)), LEVEL)
    for t in range(crews.certified_days.shape[1]):
        asked_t = projects.certificates[cohorts.project, t] | (cohorts.certificate == t)
        close_days(np.where(asked_t, crews.certified_days[crew, t], days), CERTIFICATE)
    residency = _by_policy(inputs, np.array([p.residency for p in projects.policies], dtype=bool))
    close(
        residency & (cohorts.residency > 0) & (cohorts.residency != crews.residency[crew]),
        RESIDENCY,
    )
    speaks = np.concatenate([[True], crews.speaks[crew]])
    close(~speaks[cohorts.language], LANGUAGE)
    close(crews.clearance[crew] < _clearance_asked(inputs), CLEARANCE)
    if kind == MODEL:
        may = np.array([p.models_may_see for p in projects.policies])
        close(~may[cohorts.project, cohorts.data_class], DATA)
    else:
        close((cohorts.harm > 0) & ~crews.exposure[crew], HARM)
    if crews.hours[crew].max(initial=0.0) <= 0:
        close(np.ones(len(cohorts), dtype=bool), NO_HOURS)
    # Days on which nobody works are shut as well, so that no plan stands on an empty crew.
    idle = sum(1 << d for d in range(days) if crews.members[crew, d] == 0)
    bad |= np.uint64(idle)
    return shut, bad, every


def _by_policy(inputs: Inputs, values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return values[inputs.cohorts.project]


def _outside_policy(inputs: Inputs, pool: int) -> NDArray[np.bool_]:
    key = inputs.pools.key[pool]
    return np.array([bool(p.pools) and key not in p.pools for p in inputs.projects.policies])


def _cell(inputs: Inputs, field: str) -> NDArray[np.generic]:
    """Return the value of each cohort's policy cell."""
    tables = np.stack([getattr(p, field) for p in inputs.projects.policies])
    c = inputs.cohorts
    return np.asarray(tables[c.project, c.complexity, c.risk])


def _level_asked(inputs: Inputs) -> NDArray[np.int8]:
    by_cell = _cell(inputs, "level").astype(np.int8)
    return np.maximum(by_cell, inputs.projects.level[inputs.cohorts.project])


def _clearance_asked(inputs: Inputs) -> NDArray[np.int8]:
    c = inputs.cohorts
    by_class = np.stack([p.clearance for p in inputs.projects.policies])[c.project, c.data_class]
    return np.maximum(by_class, inputs.projects.clearance[c.project])


def _attestations_asked(inputs: Inputs) -> NDArray[np.bool_]:
    c = inputs.cohorts
    by_class = np.stack([_attestation_table(p) for p in inputs.projects.policies])
    return np.asarray(by_class[c.project, c.data_class] | inputs.projects.attestations[c.project])


def _attestation_table(policy: CompiledPolicy) -> NDArray[np.bool_]:
    return np.array([[kind in kinds for kind in ATTESTATIONS] for kinds in policy.attestations])
