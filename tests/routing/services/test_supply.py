"""What a run reads of vendors and people, asked of the run: placements, rows and reasons."""

from datetime import timedelta
from typing import Any

import pytest

from routing.core.decide import decide
from routing.core.record import unpack
from routing.core.tables import RECORD_TYPES, Inputs
from routing.models import Assignment, Domain, Placement, Run, RunRecord, Task, TaskType
from routing.services.reports import stored_report
from tests.conftest import NOW, TODAY, World
from tests.workforce.test_selectors import certify
from vendors.services.vendors import change_state
from workforce.models import Annotator, Pool, Shift


def inputs_of(report: Any) -> Inputs:
    """Return what a run decided from."""
    record = RunRecord.objects.get(run__public_id=report.run)
    found = unpack(bytes(record.inputs), *RECORD_TYPES)
    assert isinstance(found, Inputs)
    return found


def only(*pools: str) -> Any:
    def rules(document: dict[str, Any]) -> None:
        document["pools"] = list(pools)

    return rules


@pytest.mark.parametrize("days", [0, 1])
def test_a_certificate_holds_work_through_its_last_day(world: World, days: int) -> None:
    """Nobody works today; whose certificate ends today does nothing tomorrow."""
    Shift.objects.filter(weekday=TODAY.weekday()).delete()
    for person in Annotator.objects.filter(pool__key="in-house"):
        certify(world, person, valid_until=TODAY + timedelta(days=days))
    project = world.add_project(rules=only("in-house"))
    world.add_tasks(project, 3, domain=Domain.objects.get(key="radiology"))
    report = world.route("street", days=2)
    assert report.routed == (3 if days else 0)
    assert inputs_of(report).crews.certified_days.max() == days + 1


@pytest.mark.parametrize(("left", "days"), [(0, 1), (1, 2), (30, 31)])
def test_an_attestation_about_to_lapse_counts_to_its_last_day(
    world: World, left: int, days: int
) -> None:
    world.attest("alpha", "gdpr_dpa", valid_until=TODAY + timedelta(days=left))
    world.add_tasks(world.add_project(rules=only("alpha", "beta")), 4, data_class="pii")
    report = world.route("street", days=2)
    assert set(Placement.objects.values_list("pool__key", flat=True)) == {"alpha"}
    vendors = inputs_of(report).vendors
    gdpr = 3
    assert vendors.attested_days[vendors.key.index("alpha"), gdpr] == days
    assert vendors.attested_days[vendors.key.index("beta"), gdpr] == 0


def finished(world: World, annotator: Annotator, tasks: list[Task], **values: Any) -> None:
    for task in tasks:
        world.set_state(task, "accepted")
        world.assign(
            task,
            annotator,
            **{
                "state": "submitted",
                "effort_seconds": 3600.0,
                "reserved_at": NOW - timedelta(days=5),
                "lease_until": NOW - timedelta(days=4),
                "ended_at": NOW - timedelta(days=4),
                **values,
            },
        )


def test_what_was_earned_is_off_the_commitment(world: World) -> None:
    """300 promised over the year, 10 hours at 9 done: of the 210 left the horizon's share."""
    world.add_vendor(
        "gamma",
        hourly="9",
        people=1,
        minimum_commitment_micro=300_000_000,
        shortfall_share="0.5",
    )
    project = world.add_project(rules=only("gamma"))
    world.add_tasks(project, 2)
    before = inputs_of(world.route("street", days=5)).vendors
    left = 5 / 219  # working days of the horizon, and from today to the end of the contract
    assert before.commitment.tolist() == [pytest.approx(300 * left)]
    assert before.shortfall_price.tolist() == [0.5]
    finished(world, Annotator.objects.get(name="gamma 0"), world.add_tasks(project, 10))
    after = inputs_of(world.route("street", days=5)).vendors
    assert after.commitment.tolist() == [pytest.approx(210 * left)]


def test_the_contracts_window_counts_into_a_share_cap(world: World) -> None:
    """Alpha, the cheaper one, may have half: of ten alone, of thirty where beta had twenty."""

    def rules(document: dict[str, Any]) -> None:
        document["pools"] = ["alpha", "beta"]
        document["share_caps"] = {"alpha": 0.5}

    project = world.add_project(rules=rules)
    world.add_tasks(project, 10)

    def to_alpha() -> int:
        report = world.route("street")
        return Placement.objects.filter(run__public_id=report.run, pool__key="alpha").count()

    assert to_alpha() <= 6
    done = world.add_tasks(project, 20)
    finished(world, Annotator.objects.get(name="beta 0"), done)
    report = world.route("street")
    assert inputs_of(report).vendors.used.tolist() == [0, 20]
    assert to_alpha() == 10
    # What beta held before its contract began is not in the window.
    Assignment.objects.update(reserved_at=NOW - timedelta(days=400))
    assert inputs_of(world.route("street")).vendors.used.tolist() == [0, 0]
    assert to_alpha() <= 6


def test_the_bound_that_is_reported_is_the_dual_value(world: World) -> None:
    """Hours that bind in parts of a task: the bound lies below the cost, and is proven apart."""

    def rules(document: dict[str, Any]) -> None:
        document["pools"] = ["in-house"]
        document["wait_price"] = 100

    Annotator.objects.filter(pool__key="in-house").exclude(name="own 0").delete()
    boxes = TaskType.objects.get(key="bounding-box")
    world.add_tasks(world.add_project(rules=rules), 60, task_type=boxes, size=200.0)
    report = world.route("street")
    assert report.waiting > 0
    again = decide(inputs_of(report)).plan
    assert report.lower_bound == pytest.approx(again.lower_bound, rel=1e-12)
    assert report.lower_bound < report.cost
    assert report.gap == pytest.approx((report.cost - report.lower_bound) / report.cost)
    assert report.gap > 0


def test_each_gate_is_counted_and_what_opens_it_is_said(world: World) -> None:
    """Five tasks in a language that nobody speaks, three of them for people of one country."""
    Annotator.objects.filter(name="own 0").update(languages=["fr"])
    project = world.add_project(rules=only("in-house"))
    world.add_tasks(project, 2, language="ja")
    world.add_tasks(project, 3, language="fr", residency="CH")
    world.add_tasks(project, 4)
    report = world.route("street")
    assert (report.routed, report.waiting) == (4, 5)
    assert [(row["gate"], row["tasks"], row["alone"]) for row in report.gates] == [
        ("residency", 3, 3),
        ("language", 5, 2),
    ]
    assert "who speak the language" in report.gates[1]["opens"]
    assert stored_report(Run.objects.get(public_id=report.run)).gates == report.gates


@pytest.mark.parametrize("case", ["vendor", "pool", "not named", "ended"])
def test_who_is_left_out_for_a_state_is_named(world: World, case: str) -> None:
    named = ("in-house",) if case == "not named" else ("in-house", "alpha")
    world.add_tasks(world.add_project(rules=only(*named)), 2, language="ja")
    if case == "pool":
        Pool.objects.filter(key="alpha").update(is_active=False)
    else:
        state = "ended" if case == "ended" else "suspended"
        change_state(world.vendors["alpha"], state, reason="late invoices", **world.by)
    report = world.route("street")
    words = {"vendor": "Alpha (vendor suspended)", "pool": "Alpha (pool inactive)"}.get(case)
    told = [note for note in report.notes if note.startswith("left out of the run")]
    opens = report.waiting_reasons[0]["opens"]
    if words is None:
        assert told == []
        assert "bring back" not in opens
    else:
        assert told == [f"left out of the run: {words}"]
        assert opens.endswith(f"; or bring back {words}")
