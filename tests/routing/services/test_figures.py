"""The figures of a run: what each pool is paid, waiting apart from work, and what would help."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from routing.models import Decision, Run, TaskType
from routing.services.reports import savings
from tests.conftest import NOW, World


def reviewed_at(share: float, *modes: str) -> Any:
    def rules(document: dict[str, Any]) -> None:
        document["review_shares"] = [share]
        document["answers"] = [1]
        for row in document["matrix"].values():
            for cell in row.values():
                cell.pop("answers", None), cell.pop("review_shares", None)
                cell["modes"] = list(modes)

    return rules


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_money_goes_to_the_pool_that_does_the_work(world: World, share: float) -> None:
    """A vendor labels, own staff review: each is paid for its part."""
    world.add_tasks(world.add_project(rules=reviewed_at(share, "hybrid")), 8)
    report = world.route("street")
    (chosen,) = report.examples[0]["chosen"]
    label, review = chosen["pool"], chosen["review_pool"]
    assert (chosen["mode"], review) == ("hybrid", "in-house")
    pools = {pool.name: key for key, pool in world.pools.items()}
    paid = {pools[row["pool"]]: row for row in report.by_pool}
    # Own staff earn 30 an hour, the vendors 9 and 11.
    assert paid[review]["spend"] == pytest.approx(8 * chosen["review_hours"] * 30)
    # One answer each; doing rejected ones again is not billable.
    wage = {"alpha": 9, "beta": 11}[label]
    assert paid[label]["spend"] == pytest.approx(8 * report.examples[0]["key"]["hours"] * wage)
    assert sum(row["spend"] for row in report.by_pool) == pytest.approx(report.spend)
    assert (paid[label]["tasks"], paid[review]["tasks"]) == (8, 0)
    assert paid[review]["reviews"] == pytest.approx(8 * share)
    other = "beta" if label == "alpha" else "alpha"
    assert (paid[other]["spend"], paid[other]["reviews"]) == (0, 0)


def test_only_the_vendors_part_counts_for_its_commitment(world: World) -> None:
    """A commitment is missed by what own reviewers are paid, not met by it."""
    world.add_vendor("gamma", minimum_commitment_micro=365_000_000, shortfall_share="1", hourly="9")
    from workforce.services.pools import add_part

    add_part(world.pools["hybrid"], world.pools["gamma"], "labels", **world.by)
    world.add_tasks(world.add_project(rules=reviewed_at(1.0, "hybrid")), 4)
    report = world.route("street")
    (chosen,) = report.examples[0]["chosen"]
    assert chosen["pool"] == "gamma"
    fees = 4 * report.examples[0]["key"]["hours"] * 9
    rest = 4 * (chosen["cost"] + chosen["lateness"])
    owed = report.cost - rest
    assert fees > 0
    assert owed + fees == pytest.approx(_owed(world), rel=1e-6)


def _owed(world: World) -> float:
    """The commitment that the run saw, from its record."""
    from routing.core.record import unpack
    from routing.core.tables import RECORD_TYPES
    from routing.models import RunRecord

    inputs = unpack(bytes(RunRecord.objects.get().inputs), *RECORD_TYPES)
    return float(inputs.vendors.commitment[inputs.vendors.key.index("gamma")])


def test_waiting_is_told_apart_from_work(world: World) -> None:
    """Cheapest first fills the vendors' hours with what anybody may do; the plan keeps them."""
    boxes = TaskType.objects.get(key="bounding-box")
    project = world.add_project()
    world.add_tasks(project, 3_000, task_type=boxes, size=40.0)
    report = world.route("street")
    assert report.waiting > 0
    plan = report.compared["plan"]
    assert (plan["cost"], plan["waiting"]) == (report.cost, report.waiting)
    waits = Decision.objects.filter(waiting__gt=0)
    assert sum(d.waiting for d in waits) == plan["waiting"]
    # By the default rules 25 a task and 60 an hour of its effort, and a little for the delay.
    each = 25 + 60 * report.examples[0]["key"]["hours"]
    assert plan["waiting_cost"] == pytest.approx(each * report.waiting, rel=1e-3)
    for saving in savings(report.compared):
        assert saving.saved == pytest.approx(saving.cost - report.cost)
        assert saving.on_work + saving.on_waiting == pytest.approx(saving.saved)
        assert saving.on_waiting == pytest.approx(
            each * (saving.waiting - report.waiting), rel=1e-3
        )
    assert {s.name for s in savings(report.compared)} == {"greedy", "the project's tier rules"}
    assert report.as_json()["baselines"]["greedy"] == report.compared["greedy"]["cost"]
    assert Run.objects.get().compared == report.compared


def test_a_project_without_tier_rules_is_compared_with_greedy_alone(world: World) -> None:
    world.add_tasks(world.add_project(rules=lambda document: document.pop("tier_rules")), 3)
    report = world.route("street")
    assert report.compared["tier_rules"] is None
    assert report.as_json()["baselines"]["tier_rules"] is None
    assert [s.name for s in savings(report.compared)] == ["greedy"]


def test_in_the_evening_the_run_says_how_many_days_to_plan(world: World) -> None:
    world.add_tasks(world.add_project(), 4)
    evening = NOW + timedelta(hours=11)  # six in the evening, shifts end at four
    report = world.route("street", now=evening)
    assert report.waiting == 4
    (row,) = report.waiting_reasons
    assert row["reason"] == "gate: no hours"
    assert row["opens"] == "plan 2 days or more: there are hours on 2026-03-03"
    friday = evening + timedelta(days=4)
    (row,) = world.route("street", now=friday).waiting_reasons
    assert row["opens"] == "plan 4 days or more: there are hours on 2026-03-09"
    assert world.route("street", now=friday, days=4).waiting == 0
    # Who has left has no hours later either.
    world.everybody_leaves()
    assert (
        world.route("street", now=evening, dry_run=True).waiting_reasons[0]["opens"]
        != (row["opens"])
    )


def test_the_report_prints_waiting_apart(world: World) -> None:
    world.add_tasks(world.add_project(), 5)
    out = StringIO()
    call_command("route", "--project", "street", "--now", NOW.isoformat(), stdout=out)
    assert "against greedy: " in out.getvalue()
    assert "(0 tasks wait there, 0 here)" in " ".join(out.getvalue().split())
