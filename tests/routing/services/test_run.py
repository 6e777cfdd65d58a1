"""A run from end to end: what it writes, what it refuses, and that it can be replayed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count

from common.errors import Forbidden, Invalid, NotFound
from routing.errors import CurrencyMixed, NothingPublished, RunBusy, RunFailed
from routing.models import (
    Decision,
    Placement,
    Project,
    Run,
    RunCrew,
    RunRecord,
    Task,
    TaskType,
)
from routing.services import run as run_module
from routing.services import writing
from routing.services.placing import strange_placements
from routing.services.replay import replay
from routing.services.reports import stored_report
from tests.conftest import NOW, TODAY, World
from workforce.models import Annotator, AnnotatorSkill, Pool, Shift
from workforce.services.availability import declare_capacity


def test_every_task_is_placed_or_waits_with_a_reason(world: World) -> None:
    project = world.add_project()
    world.add_tasks(project, 60)
    report = world.route("street")
    assert report.tasks == 60
    assert report.routed + report.waiting == 60
    assert sum(report.by_mode.values()) == report.routed == 60
    assert Placement.objects.filter(run__public_id=report.run).count() == 60
    project.refresh_from_db()
    assert str(project.current_run.public_id) == report.run
    assert 0 <= report.gap < 0.01
    assert report.lower_bound <= report.cost
    assert report.currency == "EUR"
    assert set(report.seconds) == {"score", "solve", "place"}
    assert not any(strange_placements().values())
    # The plan is not worse than greedy, which obeys the same gates and hours.
    assert report.cost <= report.baselines["greedy"] + 1e-9


def test_the_command_prints_the_fixed_figures(world: World) -> None:
    world.add_tasks(world.add_project(), 5)
    out = StringIO()
    call_command("route", "--all", "--json", "--now", NOW.isoformat(), stdout=out)
    figures = json.loads(out.getvalue())
    assert list(figures) == [
        "run",
        "tasks",
        "cohorts",
        "routed",
        "waiting",
        "cost",
        "lower_bound",
        "gap",
        "spend",
        "currency",
        "seconds",
        "by_mode",
        "baselines",
    ]
    assert list(figures["by_mode"]) == ["in_house", "outsourced", "hybrid", "model"]
    assert set(figures["baselines"]) == {"greedy", "tier_rules"}
    out = StringIO()
    call_command("route", "--all", "--now", NOW.isoformat(), stdout=out)
    assert "no plan can cost less than" in out.getvalue()
    assert "Decision" in out.getvalue()


def test_a_dry_run_writes_nothing(world: World) -> None:
    world.add_tasks(world.add_project(), 5)
    report = world.route("street", dry_run=True)
    assert report.run is None
    assert report.routed == 5
    assert not Run.objects.exists()
    assert not Placement.objects.exists()


def test_only_who_may_route_routes(world: World) -> None:
    world.add_tasks(world.add_project(), 1)
    with pytest.raises(Forbidden):
        world.route("street", **world.as_("finance"))


def test_unknown_project_days_out_of_range_and_no_policy(world: World) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        world.route("nowhere")
    project = world.add_project()
    with pytest.raises(Invalid, match="1 to 62"):
        world.route("street", days=0)
    with pytest.raises(NothingPublished, match="version 9"):
        world.route("street", policy_version=9)
    Project.objects.filter(pk=project.pk).update(is_open=False)
    with pytest.raises(NotFound):
        world.route()


def test_no_tasks_and_one_task(world: World) -> None:
    project = world.add_project()
    empty = world.route("street")
    assert (empty.tasks, empty.cost, empty.gap) == (0, 0, 0)
    world.add_tasks(project, 1)
    one = world.route("street")
    assert (one.tasks, one.routed) == (1, 1)


def test_no_people_means_all_wait(world: World) -> None:
    world.add_tasks(world.add_project(), 4)
    world.everybody_leaves()
    report = world.route("street")
    assert report.waiting == 4
    assert report.waiting_reasons[0]["reason"] == "no annotators in the pools of this run"


def test_capacity_zero_means_all_wait_with_the_reason(world: World) -> None:
    world.add_tasks(world.add_project(), 4)
    Shift.objects.all().delete()
    report = world.route("street")
    assert report.waiting == 4
    assert "no hours" in report.waiting_reasons[0]["reason"]
    assert "shifts" in report.waiting_reasons[0]["opens"]


def test_all_gated_out_names_the_gate(world: World) -> None:
    from routing.models import Domain

    project = world.add_project()
    world.add_tasks(project, 3, domain=Domain.objects.get(key="radiology"))
    report = world.route("street")
    assert report.waiting == 3
    assert report.waiting_reasons[0]["reason"] == "gate: certificate missing or lapsed"
    decision = Decision.objects.get(run__public_id=report.run)
    assert decision.reason == "gate: certificate missing or lapsed"


@pytest.mark.parametrize("state", ["declared", "lapsed", "verified"])
def test_a_certificate_counts_when_verified_and_through_its_last_day(
    world: World, state: str
) -> None:
    from routing.models import Domain
    from workforce.models import CertificationType
    from workforce.services.people import declare_certification, verify_certification

    project = world.add_project()
    world.add_tasks(project, 2, domain=Domain.objects.get(key="radiology"))
    for person in Annotator.objects.filter(pool__key="in-house"):
        proof = declare_certification(
            person,
            type=CertificationType.objects.get(key="radiologist"),
            issuer="Chamber",
            number=str(person.pk),
            issued_on=date(2025, 1, 1),
            valid_until=TODAY - timedelta(days=1) if state == "lapsed" else TODAY,
            **world.by,
        )
        if state != "declared":
            verify_certification(proof, **world.by)
    report = world.route("street")
    assert report.routed == (2 if state == "verified" else 0)


def test_overdue_tasks_are_kept_flagged_and_first(world: World) -> None:
    project = world.add_project()
    late = world.add_tasks(project, 3, due_at=NOW - timedelta(days=2))
    world.add_tasks(project, 3, due_at=NOW + timedelta(days=1))
    report = world.route("street", days=2)
    assert report.routed == 6
    assert any("3 tasks are overdue" in note for note in report.notes)
    days = Placement.objects.filter(task__in=late).values_list("day", flat=True)
    assert set(days) == {TODAY}


def test_a_due_day_is_kept(world: World) -> None:
    project = world.add_project()
    tasks = world.add_tasks(project, 4, due_at=NOW + timedelta(days=1))
    world.route("street", days=5)
    for day in Placement.objects.filter(task__in=tasks).values_list("day", flat=True):
        assert day <= TODAY + timedelta(days=1)


def test_placements_break_no_gate(world: World) -> None:
    """Checked by rules of its own: vendors without a DPA never touch personal data, and so on."""
    project = world.add_project()
    world.add_tasks(project, 10, data_class="pii")
    world.add_tasks(project, 10, data_class="public")
    world.add_tasks(project, 10, residency="DE", data_class="internal")
    world.attest("alpha", "gdpr_dpa")
    world.route("street")
    for row in Placement.objects.select_related("task", "pool", "decision"):
        crews = {
            crew.number: crew for crew in RunCrew.objects.filter(run=row.run).select_related("pool")
        }
        chosen = next(c for c in row.decision.chosen if c["arrangement"] == row.arrangement)
        touched = [crews[chosen["label"]]]
        if chosen["review"] is not None:
            touched.append(crews[chosen["review"]])
        for crew in touched:
            if row.task.data_class == "pii":
                assert crew.pool.key in ("in-house", "alpha")
            if row.task.residency:
                people = Annotator.objects.filter(pk__in=[m["id"] for m in crew.members])
                assert {person.residency for person in people} == {row.task.residency}
            ids = [m["id"] for m in crew.members]
            skilled = AnnotatorSkill.objects.filter(
                annotator_id__in=ids,
                skill=row.task.task_type.skill,
                state="verified",
            )
            assert skilled.count() == len(ids)
        assert chosen["error"] <= 0.15 + 1e-9


def _hours_by_crew_day(run: Run) -> dict[tuple[int, date], float]:
    used: dict[tuple[int, date], float] = {}
    decisions = {d.pk: d for d in Decision.objects.filter(run=run)}
    rows = (
        Placement.objects.filter(run=run)
        .values("decision_id", "arrangement", "day")
        .annotate(n=Count("pk"))
    )
    for row in rows:
        chosen = next(
            c
            for c in decisions[row["decision_id"]].chosen
            if c["arrangement"] == row["arrangement"]
        )
        for crew, hours in (
            (chosen["label"], chosen["label_hours"]),
            (chosen["review"], chosen["review_hours"]),
        ):
            if crew is not None:
                key = (crew, row["day"])
                used[key] = used.get(key, 0.0) + row["n"] * hours
    return used


def test_hours_are_never_oversold_even_across_projects(world: World) -> None:
    boxes = TaskType.objects.get(key="bounding-box")
    rules = lambda d: d.update(wait_price=200)  # noqa: E731
    first = world.add_project("first", rules=rules)
    second = world.add_project("second", rules=rules)
    for project in (first, second):
        world.add_tasks(project, 1500, task_type=boxes, size=40.0)
    there = sum(
        sum(crew.hours) for crew in RunCrew.objects.filter(run__public_id=world.route("first").run)
    )
    world.route("second")
    spent = 0.0
    for project in (first, second):
        project.refresh_from_db()
        run = project.current_run
        assert run.waiting > 0
        capacity = {
            (crew.number, TODAY + timedelta(days=d)): hours
            for crew in RunCrew.objects.filter(run=run)
            for d, hours in enumerate(crew.hours)
        }
        for key, hours in _hours_by_crew_day(run).items():
            assert hours <= capacity[key] * (1 + 1e-6) + 1e-6
            spent += hours
    # Both together stay within what was there before the first one came.
    assert spent <= there * (1 + 1e-6)
    assert spent > 0.8 * there


def test_hours_of_live_assignments_are_taken_off(world: World) -> None:
    project = world.add_project()
    tasks = world.add_tasks(project, 2)
    before = world.route("street")
    free = sum(row["available"] for row in before.by_pool if row["pool"] == "In-house")
    world.set_state(tasks[0], "held")
    person = Annotator.objects.filter(pool__key="in-house").first()
    world.assign(tasks[0], person, effort_seconds=7200.0)
    after = world.route("street")
    assert sum(
        row["available"] for row in after.by_pool if row["pool"] == "In-house"
    ) == pytest.approx(free - 2.0)
    assert after.tasks == 1


def test_kept_placements_are_carried_over(world: World) -> None:
    project = world.add_project()
    tasks = world.add_tasks(project, 4)
    first = world.route("street")
    world.set_state(tasks[0], "held")
    second = world.route("street")
    assert second.tasks == 3
    rows = Placement.objects.filter(run__public_id=second.run)
    assert rows.count() == 4
    assert str(rows.get(task=tasks[0]).decision.run.public_id) == first.run


def test_tasks_claimed_while_the_run_decides_are_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = world.add_project()
    tasks = world.add_tasks(project, 5)
    decide = run_module.decide

    def meanwhile(inputs: Any) -> Any:
        world.set_state(tasks[2], "held")
        return decide(inputs)

    monkeypatch.setattr(run_module, "decide", meanwhile)
    report = world.route("street")
    assert report.tasks == 4
    assert not Placement.objects.filter(task=tasks[2]).exists()
    assert report.lower_bound <= report.cost


def test_two_currencies_are_refused_by_name(world: World) -> None:
    world.add_tasks(world.add_project(), 1)
    Pool.objects.filter(key="beta").update(currency="USD")
    with pytest.raises(CurrencyMixed, match=r"Beta \(USD\)"):
        world.route("street")
    assert not Run.objects.exists()


def test_the_second_of_two_runs_is_told_who_runs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add_tasks(world.add_project(), 2)
    decide = run_module.decide
    told: list[str] = []

    @contextmanager
    def taken(pool_ids: Any) -> Iterator[int | None]:
        yield min(pool_ids)

    def second(inputs: Any) -> Any:
        # Advisory locks belong to a session, so within one the second run is made to find it taken.
        with monkeypatch.context() as patch:
            patch.setattr(run_module, "pool_locks", taken)
            with pytest.raises(RunBusy) as caught:
                world.route("street")
        told.append(str(caught.value))
        return decide(inputs)

    monkeypatch.setattr(run_module, "decide", second)
    assert world.route("street").routed == 2
    assert "operations" in told[0]
    assert "In-house" in told[0]


def test_a_run_that_breaks_leaves_the_old_placements(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = world.add_project()
    world.add_tasks(project, 3)
    first = world.route("street")

    def broken(*args: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writing, "carry_over", broken)
        with pytest.raises(RunFailed, match="No space left"):
            world.route("street")
    project.refresh_from_db()
    assert str(project.current_run.public_id) == first.run
    assert Placement.objects.count() == 3
    failed = Run.objects.get(state="failed")
    assert "No space left" in failed.error
    assert world.route("street").routed == 3


def test_a_killed_run_is_marked_by_the_next(world: World) -> None:
    world.add_tasks(world.add_project(), 2)
    pool = Pool.objects.get(key="in-house")
    dead = Run.objects.create(
        requested_by=world.users["second"],
        now=NOW,
        pool_ids=[pool.pk],
        started_at=NOW,
        currency="EUR",
    )
    world.route("street")
    dead.refresh_from_db()
    assert dead.state == "failed"
    assert "ended before it was done" in dead.error


def test_replay_is_identical_after_the_data_changed(world: World) -> None:
    project = world.add_project()
    world.add_tasks(project, 30, entropy=0.4)
    report = world.route("street", days=2)
    world.everybody_leaves()
    Task.objects.all().update(size=9.0)
    Shift.objects.all().delete()
    found = replay(Run.objects.get(public_id=report.run))
    assert found.identical
    assert found.holds
    assert found.differences == []
    out = StringIO()
    call_command("replay", report.run, stdout=out)
    assert "identical" in out.getvalue()


def test_replay_of_a_changed_record_is_told(world: World) -> None:
    from routing.core.record import pack, unpack

    world.add_tasks(world.add_project(), 3)
    run = Run.objects.get(public_id=world.route("street").run)
    table = unpack(bytes(run.record.candidates))
    table["plan"]["cost"] = 1.0
    table["plan"]["tasks"] = np.array([1])
    RunRecord.objects.filter(run=run).update(candidates=pack(table))
    with pytest.raises(CommandError, match="the run 1"):
        call_command("replay", str(run.public_id), stdout=StringIO())


def test_a_cap_with_one_eligible_vendor_is_not_applied_and_said_so(world: World) -> None:
    def rules(document: dict[str, Any]) -> None:
        document["pools"] = ["alpha"]
        document["share_caps"] = {"alpha": 0.3}

    world.add_tasks(world.add_project(rules=rules), 10)
    report = world.route("street")
    assert report.routed == 10
    assert any("share caps were not applied" in note for note in report.notes)


def test_share_caps_hold_up_to_one_task(world: World) -> None:
    def rules(document: dict[str, Any]) -> None:
        document["pools"] = ["alpha", "beta"]
        document["share_caps"] = {"alpha": 0.5}

    world.add_tasks(world.add_project(rules=rules), 20)
    world.route("street")
    alpha = Placement.objects.filter(pool__key="alpha").count()
    assert 0 < alpha <= 0.5 * Placement.objects.count() + 1


def test_share_caps_hold_when_other_vendors_lose_tasks_by_their_own_effort(world: World) -> None:
    def rules(document: dict[str, Any]) -> None:
        document["pools"] = ["alpha", "beta"]
        document["share_caps"] = {"alpha": 0.5}
        document["wait_price"] = 500

    # The plan counts the mean of a cohort; its urgent half is larger, and it is what beta's
    # declared hours are filled with.
    project = world.add_project(rules=rules)
    boxes = TaskType.objects.get(key="bounding-box")
    late = NOW + timedelta(hours=6)
    for size, due in ((36.0, late), (30.0, late + timedelta(hours=1))):
        world.add_tasks(project, 200, task_type=boxes, size=size, due_at=due)
    declare_capacity(world.pools["beta"], TODAY, Decimal("5"), **world.by)
    report = world.route("street")
    assert any("their own effort is above the mean" in note for note in report.notes)
    rows = Placement.objects.filter(run__public_id=report.run)
    alpha = rows.filter(pool__key="alpha").count()
    assert 10 < alpha <= 0.5 * rows.count() + 1


def test_a_vendor_excluded_by_the_project_gets_nothing(world: World) -> None:
    world.add_tasks(world.add_project(excluded_vendors=[world.vendors["alpha"]]), 10)
    world.route("street")
    assert not Placement.objects.filter(pool__key="alpha").exists()


def test_declared_capacity_holds_the_pool_as_a_whole(world: World) -> None:
    def rules(document: dict[str, Any]) -> None:
        document["pools"] = ["alpha"]
        document["wait_price"] = 100

    declare_capacity(world.pools["alpha"], TODAY, Decimal("0.05"), **world.by)
    world.add_tasks(world.add_project(rules=rules), 60)
    report = world.route("street")
    used = next(row["hours"] for row in report.by_pool if row["pool"] == "Alpha")
    assert used <= 0.05 * (1 + 1e-6)
    assert report.waiting > 0
    assert "declared hours of Alpha" in report.waiting_reasons[0]["reason"]


def test_a_stored_report_reads_as_it_was_made(world: World) -> None:
    world.add_tasks(world.add_project(), 12)
    made = world.route("street")
    read = stored_report(Run.objects.get(public_id=made.run))
    assert read.as_json() == made.as_json()
    assert read.waiting_reasons == made.waiting_reasons
    assert [e["number"] for e in read.examples] == [e["number"] for e in made.examples]
    first = read.examples[0]
    assert any(row["chosen"] for row in first["candidates"])


def test_progress_is_told(world: World) -> None:
    world.add_tasks(world.add_project(), 2)
    steps: list[str] = []
    world.route("street", report=lambda step, done, total: steps.append(step))
    assert steps == [
        "reading tasks",
        "scoring",
        "solving",
        "placing",
        "writing",
        "taking effect",
        "done",
    ]


def test_work_waits_where_that_costs_less(world: World) -> None:
    def rules(document: dict[str, Any]) -> None:
        document["wait_price"] = 0
        document["wait_price_per_hour"] = 0
        for row in document["matrix"].values():
            for cell in row.values():
                cell.pop("wait_price", None)

    world.add_tasks(world.add_project(rules=rules), 6)
    report = world.route("street")
    assert (report.routed, report.cost) == (0, 0)
    assert "waiting costs less" in report.waiting_reasons[0]["reason"]
