"""Each gate, open and shut: a crew that passes it, and the same crew one step short of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from routing.core import gates
from routing.core.arrangements import candidates, mode_of
from routing.core.decide import decide
from routing.core.gates import GATES, OPEN, touch_gates
from routing.core.pricing import Pricing
from routing.core.tables import IN_HOUSE, MODEL, OUTSOURCED, Inputs
from tests.routing.core.small import Small

VENDOR = {"kind": OUTSOURCED, "vendor": 0}
ROBOT = {"kind": MODEL}
SAFE = {"gates": {"models_may_see": ["public", "internal"]}}


def one(pool: dict[str, Any], person: dict[str, Any], **more: Any) -> Small:
    """One crew of one member and one cohort."""
    return Small(pools=[dict(pool)], people=[dict(person)], **more)


# code, operation, what shuts it: changes to (pool, person, cohort) or to fields of the operation
CASES: list[tuple[int, Small, Callable[[Small], None]]] = [
    (
        gates.NOT_IN_POLICY,
        one({"key": "a"}, {}, policy={"pools": ["a"]}),
        lambda s: s.pools[0].update(key="b"),
    ),
    (
        gates.UNCOVERED,
        one({}, {}, cohorts=[{"safety_critical": True}]),
        lambda s: s.project.update(covers_safety=False),
    ),
    (gates.CONFLICT, one(VENDOR, {}), lambda s: s.project.update(excluded=(0,))),
    (gates.BARRED, one(VENDOR, {}), lambda s: s.project.update(barred=(0,))),
    (
        gates.CALIBRATING,
        one({**VENDOR, "calibrating": True}, {}),
        lambda s: s.cohorts[0].update(risk=1),
    ),
    (
        gates.ATTESTATION,
        one(VENDOR, {}, vendors=[{"attested": {"nda": 1}}], project={"attestations": ("nda",)}),
        lambda s: s.vendors[0].update(attested={"nda": 0}),
    ),
    (
        gates.ATTESTATION,
        one(
            VENDOR,
            {},
            cohorts=[{"data_class": 2}],
            policy={"gates": {"attestations": {"pii": ["gdpr_dpa"]}}},
        ),
        lambda s: s.vendors[0].update(attested={"gdpr_dpa": 0}),
    ),
    (gates.SKILL, one({}, {"level": 1}), lambda s: s.people[0].update(level=0)),
    (
        gates.LEVEL,
        one({}, {"level": 3}, project={"level": 3}),
        lambda s: s.people[0].update(level=2),
    ),
    (
        gates.LEVEL,
        one(
            {}, {"level": 3}, cohorts=[{"complexity": 2}], policy={"gates": {"level": {"high": 3}}}
        ),
        lambda s: s.people[0].update(level=2),
    ),
    (
        gates.CERTIFICATE,
        one({}, {"certified": [1]}, certificates=("c",), cohorts=[{"certificate": 0}]),
        lambda s: s.people[0].update(certified=[0]),
    ),
    (
        gates.CERTIFICATE,
        one({}, {"certified": [1]}, certificates=("c",), project={"certificates": (0,)}),
        lambda s: s.people[0].update(certified=[0]),
    ),
    (
        gates.RESIDENCY,
        one({}, {"residency": 1}, countries=("DE", "PL"), cohorts=[{"residency": 1}]),
        lambda s: s.people[0].update(residency=2),
    ),
    (
        gates.LANGUAGE,
        one({}, {"speaks": [True]}, languages=("de",), cohorts=[{"language": 1}]),
        lambda s: s.people[0].update(speaks=[False]),
    ),
    (
        gates.CLEARANCE,
        one({}, {"clearance": 2}, project={"clearance": 2}),
        lambda s: s.people[0].update(clearance=1),
    ),
    (
        gates.CLEARANCE,
        one(
            {},
            {"clearance": 2},
            cohorts=[{"data_class": 3}],
            policy={"gates": {"clearance": {"phi": 2}}},
        ),
        lambda s: s.people[0].update(clearance=1),
    ),
    (
        gates.HARM,
        one({}, {"exposure": True, "harm_hours": 8.0}, cohorts=[{"harm": 1}]),
        lambda s: s.people[0].update(exposure=False),
    ),
    (
        gates.DATA,
        one(ROBOT, {"answer_hours": 0.01}, cohorts=[{"data_class": 1}], policy=SAFE),
        lambda s: s.cohorts[0].update(data_class=2),
    ),
    (gates.NO_PRICE, one(VENDOR, {}), lambda s: s.pools[0].update(price=None)),
    (gates.NO_HOURS, one({}, {}), lambda s: s.people[0].update(hours=0.0)),
    (
        gates.MODE,
        one(VENDOR, {}, policy={"cell": {"modes": ["outsourced"]}}),
        lambda s: s.policy.update(cell={"modes": ["in_house", "hybrid", "model"]}),
    ),
    (
        gates.TARGET,
        one(
            {},
            {"rate": 0.9},
            policy={"cell": {"target_error": 0.1}, "review_shares": [0.0], "answers": [1]},
        ),
        lambda s: s.people[0].update(rate=0.89),
    ),
]


def shown(inputs: Inputs) -> int:
    """Return the gate of the only crew, labelling alone."""
    found = candidates(inputs, Pricing(inputs, touch_gates(inputs)))
    if not found.shut.size:
        return int(touch_gates(inputs).shut[0, 0])
    return int(found.shut[0, 0])


@pytest.mark.parametrize(
    ("code", "small", "shut"), CASES, ids=[f"{GATES[c[0]][0]} {n}" for n, c in enumerate(CASES)]
)
def test_each_gate_opens_and_shuts(code: int, small: Small, shut: Callable[[Small], None]) -> None:
    inputs = small.inputs()
    assert shown(inputs) == OPEN
    assert decide(inputs).plan.waiting.sum() == 0
    shut(small)
    inputs = small.inputs()
    assert shown(inputs) == code
    assert decide(inputs).plan.waiting.sum() == 10


def test_every_gate_has_a_case() -> None:
    pairs_only = {gates.MEMBERS, gates.REVIEWER}
    assert {code for code, _small, _shut in CASES} | pairs_only == set(range(1, len(GATES)))


@pytest.mark.parametrize("members", [2, 3])
def test_a_vote_takes_as_many_members_as_answers(members: int) -> None:
    small = Small(
        pools=[{}],
        people=[{} for _ in range(members)],
        policy={"answers": [3], "review_shares": [0.0], "cell": {"answers": [3]}},
    )
    assert shown(small.inputs()) == (OPEN if members == 3 else gates.MEMBERS)


@pytest.mark.parametrize("other", ["another person", "the same person", "no hours"])
def test_a_crew_that_reviews_itself_has_one_member_more(other: str) -> None:
    second: dict[str, Any] = {
        "another person": {"person": 2},
        "the same person": {"person": 1},
        "no hours": {"person": 2, "hours": 0.0},
    }[other]
    small = Small(
        pools=[{}],
        people=[{"person": 1}, second],
        policy={"answers": [1], "review_shares": [1.0]},
    )
    assert shown(small.inputs()) == (OPEN if other == "another person" else gates.MEMBERS)


def test_no_reviewer_where_his_gates_are_shut() -> None:
    small = Small(
        pools=[{}, VENDOR],
        people=[{"pool": 1}, {"pool": 0, "level": 4}],
        reviews=[(1, 0)],
        policy={"review_shares": [1.0], "answers": [1], "cell": {"modes": ["hybrid"]}},
        cohorts=[{}, {"complexity": 3}],
    )
    assert decide(small.inputs()).plan.waiting.tolist() == [0, 0]
    small.policy["gates"] = {"level": {"critical": 5}}
    small.people[0]["level"] = 5
    inputs = small.inputs()
    found = candidates(inputs, Pricing(inputs, touch_gates(inputs)))
    vendor, house = inputs.crews.member_of.tolist()
    pair = (found.label == vendor) & (found.review == house)
    assert found.shut[:, pair].T.tolist() == [[OPEN, gates.REVIEWER]]
    assert decide(inputs).plan.waiting.tolist() == [0, 10]


KINDS: dict[str, dict[str, Any]] = {
    "house": {"kind": IN_HOUSE},
    "house too": {"kind": IN_HOUSE},
    "vendor": {"kind": OUTSOURCED, "vendor": 0},
    "its other pool": {"kind": OUTSOURCED, "vendor": 0},
    "other vendor": {"kind": OUTSOURCED, "vendor": 1},
    "model": {"kind": MODEL},
}
HOUSE_ONLY, OUTSIDE, BOTH, NOBODY, NEVER = 0, 1, 2, 3, -1


@pytest.mark.parametrize(
    ("label", "review", "mode"),
    [
        ("house", None, HOUSE_ONLY),
        ("vendor", None, OUTSIDE),
        ("model", None, NOBODY),
        ("house", "house", HOUSE_ONLY),
        ("house", "house too", HOUSE_ONLY),
        ("house", "vendor", BOTH),
        ("house", "model", NEVER),
        ("vendor", "vendor", OUTSIDE),
        ("vendor", "its other pool", OUTSIDE),
        ("vendor", "house", BOTH),
        ("vendor", "other vendor", NEVER),
        ("vendor", "model", NEVER),
        ("model", "house", BOTH),
        ("model", "vendor", OUTSIDE),
        ("model", "model", NEVER),
    ],
)
def test_by_whom_a_pair_touches_a_task(label: str, review: str | None, mode: int) -> None:
    """Every pair is offered by a hybrid pool, so that only the kinds decide."""
    names = list(KINDS)
    every = [(a, b) for a in range(len(names)) for b in range(len(names))]
    inputs = Small(
        pools=list(KINDS.values()),
        vendors=[{}, {}],
        people=[{"pool": n} for n in range(len(names))],
        reviews=every,
    ).inputs()
    crew = {name: int(inputs.crews.member_of[n]) for n, name in enumerate(names)}
    assert mode_of(inputs, crew[label], -1 if review is None else crew[review]) == mode


def test_pools_review_each_other_only_where_a_hybrid_pool_says_so() -> None:
    small = Small(pools=[{}, VENDOR], people=[{"pool": 0}, {"pool": 1}])
    inputs = small.inputs()
    house, vendor = inputs.crews.member_of.tolist()
    assert mode_of(inputs, vendor, house) == NEVER
    small.reviews = [(1, 0)]
    assert mode_of(small.inputs(), vendor, house) == BOTH
    assert mode_of(small.inputs(), house, vendor) == NEVER


@pytest.mark.parametrize("lapses", ["certificate", "attestation"])
def test_what_lapses_shuts_the_days_after(lapses: str) -> None:
    """In force on day 0 and 1 of four; the hours of day 0 and 1 hold a part of the work."""
    small = one(
        VENDOR,
        {"certified": [2 if lapses == "certificate" else 4], "hours": 0.5},
        days=4,
        vendors=[{"attested": {"nda": 2 if lapses == "attestation" else 4}}],
        certificates=("c",),
        project={"certificates": (0,), "attestations": ("nda",)},
        policy={"answers": [1], "review_shares": [0.0]},
        cohorts=[{"count": 40}],
    )
    plan = decide(small.inputs()).plan
    assert set(plan.day.tolist()) == {0, 1}
    assert (plan.tasks.sum(), plan.waiting.sum()) == (10, 30)


def test_all_gates_that_shut_are_kept() -> None:
    small = one(
        {},
        {"clearance": 0, "residency": 2, "level": 0},
        countries=("DE", "PL"),
        cohorts=[{"residency": 1}],
        project={"clearance": 1},
    )
    table = touch_gates(small.inputs())
    bits = {code for code in range(1, len(GATES)) if table.every[0, 0] >> code & 1}
    assert bits == {gates.SKILL, gates.RESIDENCY, gates.CLEARANCE}
    assert table.shut[0, 0] == gates.SKILL
    assert table.bad[0, 0] == np.uint64(1)
