"""Newcomers' share from the policy to the run: what they get, what it costs, and its limits."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from routing.models import Decision, Placement, Run
from routing.services.replay import replay
from routing.services.reports import stored_report
from tests.conftest import NOW, World
from workforce.models import Proficiency


def promise(**values: Any) -> Any:
    """Return a change of the rules: newcomers get a fifth of the low-risk work; vendors alone."""

    def rules(document: dict[str, Any]) -> None:
        document["newcomers"] = {"share": 0.2, "price": 5, **values}
        document["pools"] = ["alpha", "beta"]

    return rules


def make_beta_new(world: World) -> None:
    """Vendor beta is dearer than alpha (11 an hour, not 9), and little is known of its people."""
    Proficiency.objects.filter(annotator__pool__key="beta").update(n=10, n_gold=0)


def given_to(run: str, pool: str) -> int:
    return Placement.objects.filter(run__public_id=run, pool__key=pool).count()


def dearer(run: str) -> float:
    """Return what the cheapest arrangement of beta costs a task more than that of alpha."""
    report = stored_report(Run.objects.get(public_id=run))
    rows = [row for row in report.examples[0]["candidates"] if row["open"]]
    least = {
        pool: min(row["cost"] for row in rows if row["label_crew"].startswith(pool))
        for pool in ("Alpha", "Beta")
    }
    return least["Beta"] - least["Alpha"]


def test_without_a_promise_the_cheaper_vendor_has_it_all(world: World) -> None:
    make_beta_new(world)
    world.add_tasks(world.add_project(rules=promise(share=0)), 100, use="advisory")
    report = world.route("street")
    assert given_to(report.run, "alpha") == 100
    assert report.newcomers == []


def test_newcomers_get_their_share_and_the_run_says_what_it_costs(world: World) -> None:
    make_beta_new(world)
    world.add_tasks(world.add_project(rules=promise()), 100, use="advisory")
    report = world.route("street")
    assert given_to(report.run, "beta") == 20
    assert given_to(report.run, "alpha") == 80
    (row,) = report.newcomers
    assert (row["tasks"], row["promised"], row["got"]) == (100, 20, 20)
    assert row["crews"] == [{"crew": "Beta", "tasks": 20}]
    # Twenty tasks at what beta costs more: to the accuracy of the stored prices (float32).
    assert row["cost"] == pytest.approx(20 * dearer(report.run), rel=1e-4)
    assert row["cost"] > 0
    assert row["off"] < 1e-6
    # The bound is of the same problem, and greedy, which has no eye for newcomers, pays for it.
    assert report.lower_bound <= report.cost <= report.baselines["greedy"] + 1e-9
    greedy = report.baselines["greedy"]
    assert greedy == pytest.approx(report.cost - row["cost"] + 20 * 5, rel=1e-6)
    # What is chosen is not said to be dearer than the runner-up: the promise has its price.
    decision = Decision.objects.get(run__public_id=report.run)
    assert decision.difference == pytest.approx(0, abs=0.05)
    run = Run.objects.get(public_id=report.run)
    assert stored_report(run).newcomers == report.newcomers
    assert replay(run).identical


def test_a_share_that_costs_more_than_its_price_is_missed(world: World) -> None:
    make_beta_new(world)
    world.add_tasks(world.add_project(rules=promise(price=1e-6)), 100, use="advisory")
    report = world.route("street")
    assert given_to(report.run, "beta") == 0
    (row,) = report.newcomers
    assert (row["promised"], row["got"]) == (20, 0)
    assert row["cost"] == pytest.approx(0, abs=1e-9)


def test_high_risk_work_is_none_of_it_unless_the_policy_says_so(world: World) -> None:
    make_beta_new(world)
    project = world.add_project(rules=promise())
    world.add_tasks(project, 50, use="business_critical", data_class="internal")
    report = world.route("street")
    assert Decision.objects.get(run__public_id=report.run).key["risk"] == "high"
    assert report.newcomers == []


def test_hours_end_the_share_and_the_shortfall_is_seen(world: World) -> None:
    """Beta has one person with a quarter of an hour: the promise is kept as far as that goes."""
    make_beta_new(world)
    world.add_tasks(world.add_project(rules=promise(share=0.9)), 2_000, use="advisory")
    from datetime import time

    from workforce.models import Annotator, Shift

    keep = Annotator.objects.filter(pool__key="beta").first()
    Shift.objects.filter(annotator__pool__key="beta").exclude(annotator=keep).delete()
    Shift.objects.filter(annotator=keep).update(starts=time(15), ends=time(15, 30))
    report = world.route("street")
    (row,) = report.newcomers
    assert row["promised"] == 1_800
    assert 0 < row["got"] < 300
    assert row["got"] == given_to(report.run, "beta")
    assert row["cost"] == pytest.approx(row["got"] * dearer(report.run), rel=0.01)


def test_where_newcomers_are_the_cheaper_the_promise_costs_nothing(world: World) -> None:
    Proficiency.objects.filter(annotator__pool__key="alpha").update(n=10, n_gold=0)
    world.add_tasks(world.add_project(rules=promise()), 30, use="advisory")
    report = world.route("street")
    (row,) = report.newcomers
    assert row["got"] == 30
    assert row["cost"] is None
    out = StringIO()
    call_command("route", "--project", "street", "--now", NOW.isoformat(), "--dry-run", stdout=out)
    assert "newcomers" in out.getvalue()
    assert "had it so without the promise" in " ".join(out.getvalue().split())
