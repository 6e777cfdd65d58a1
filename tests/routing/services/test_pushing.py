"""A shift's work pushed to people: planned, edited, committed, undone."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.choices import Role
from accounts.models import Job
from accounts.services.jobs import start_job
from accounts.services.users import create_user, system_user
from audit.models import Event
from benchmarks.serving import make_serving
from common.errors import Conflict, Forbidden, Invalid
from common.time import local_date, utc_now
from quality.services.gold import make_gold
from routing.choices import PushWhy
from routing.errors import (
    LimitReached,
    NotEligible,
    PushBegun,
    PushBusy,
    PushOver,
    PushRefused,
    TaskTaken,
)
from routing.models import Assignment, Placement, Push, PushLine, Task
from routing.selectors import in_hand
from routing.services import assignments, pushing
from routing.services.claiming import claim
from routing.services.push_commit import commit_push
from routing.services.push_edits import choices_for, move_line
from routing.services.push_steps import COMMIT_JOB, UNDO_JOB
from routing.services.push_undo import undo_push
from routing.services.pushing import discard_push, plan_anew, start_push
from tests.conftest import NOW, TODAY, World
from workforce.models import Annotator, AnnotatorSkill, Pool, Shift

pytestmark = pytest.mark.django_db


@pytest.fixture
def routed(world: World) -> World:
    world.add_tasks(world.add_project(in_progress_limit=50), 40)
    world.route("street", days=1)
    return world


def pool_of_work() -> Pool:
    """The pool that the work went to."""
    return Pool.objects.get(pk=Placement.objects.values_list("pool_id", flat=True).first())


def push(world: World, **values: Any) -> Push:
    return start_push(pool_of_work(), TODAY, **{**world.by, **values})


def given(made: Push) -> Any:
    return made.lines.filter(annotator__isnull=False)


def test_it_works_from_plan_to_undo(routed: World) -> None:
    """Given placed work, when a shift is pushed, its people find it in their queues."""
    made = push(routed)
    assert made.state == "draft"
    assert made.lines.count() == 40
    assert given(made).count() == 40
    assert made.lower_bound <= made.planned_cost
    lines = list(given(made).select_related("annotator"))
    assert {line.annotator.pool_id for line in lines} == {made.pool_id}
    hours = {row["annotator"]: row["hours"] for row in made.people}
    for annotator, limit in hours.items():
        load = sum(line.effort_seconds for line in lines if line.annotator_id == annotator)
        assert load <= limit * 3600 + 1e-6
    assert not Assignment.objects.exists()  # nothing is held by a draft

    line = lines[0]
    other = Annotator.objects.filter(pool=made.pool).exclude(pk=line.annotator_id).first()
    moved = move_line(line, other, **routed.by)
    assert (moved.annotator_id, moved.edited) == (other.pk, True)
    move_line(lines[1], None, **routed.by)

    done = commit_push(made, **routed.by)
    assert (done.given, dict(done.passed)) == (39, {})
    labels = Assignment.objects.filter(push_line__push=made)
    assert labels.count() == 39
    assert set(labels.values_list("state", flat=True)) == {"reserved"}
    row = labels.get(task=line.task)
    assert (row.annotator_id, row.assigned_by) == (other.pk, routed.users["operations"])
    # The shift ends at four in the afternoon in Berlin.
    assert row.lease_until == NOW + timedelta(hours=8)
    assert row in list(in_hand(other, NOW + timedelta(hours=7)))
    assert Task.objects.filter(state="held").count() == 39
    assert Placement.objects.filter(taken=1).count() == 39
    again = commit_push(made, **routed.by)
    assert again.given == 39
    assert labels.count() == 39

    later = {**routed.by, "now": NOW + timedelta(minutes=5)}
    assert undo_push(made, **later).state == "undone"
    undo_push(made, **later)
    assert set(Assignment.objects.values_list("state", flat=True)) == {"withdrawn"}
    assert Task.objects.filter(state="open").count() == 40
    assert Placement.objects.filter(taken=0).count() == 40
    kinds = Event.objects.filter(kind__startswith="push.").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == [
        "push.started",
        "push.planned",
        "push.edited",
        "push.edited",
        "push.committed",
        "push.undone",
    ]


def test_what_is_begun_cannot_be_undone_as_a_whole(routed: World) -> None:
    made = push(routed)
    commit_push(made, **routed.by)
    assignments.start(Assignment.objects.first(), **routed.by)
    with pytest.raises(PushBegun):
        undo_push(made, **routed.by)
    assert Assignment.objects.filter(state="reserved").count() == Assignment.objects.count() - 1


def test_a_gate_that_shuts_between_preview_and_commit(routed: World) -> None:
    made = push(routed)
    line = given(made).select_related("annotator").first()
    theirs = given(made).filter(annotator=line.annotator).count()
    AnnotatorSkill.objects.filter(annotator=line.annotator).delete()
    with pytest.raises(PushRefused) as refused:
        commit_push(made, all_or_nothing=True, **routed.by)
    assert refused.value.data["passed"] == theirs
    assert not Assignment.objects.exists()
    assert not PushLine.objects.exclude(why="").exists()
    done = commit_push(made, **routed.by)
    assert (done.given, dict(done.passed)) == (40 - theirs, {"gate": theirs})
    shut = made.lines.filter(why="gate")
    assert {row.annotator_id for row in shut} == {line.annotator_id}
    assert all(row.gate for row in shut)  # skill not verified
    assert not Assignment.objects.filter(annotator=line.annotator).exists()


def test_a_task_that_somebody_claims_meanwhile_is_passed_over(routed: World) -> None:
    made = push(routed)
    claimer = Annotator.objects.filter(pool=made.pool).first()
    taken = {row.task_id for row in claim(claimer, count=3, **routed.by)}
    lines = made.lines.filter(task__in=taken)
    done = commit_push(made, **routed.by)
    assert done.passed[PushWhy.GONE] == 3
    assert set(lines.values_list("why", flat=True)) == {"gone"}
    assert Assignment.objects.filter(task__in=taken).count() == 3


def test_edits_are_held_to_the_gates(routed: World) -> None:
    made = push(routed)
    line = given(made).first()
    pool = made.pool
    unskilled = routed.add_person(pool.key, "no skill", skills=())
    away = routed.add_person(pool.key, "not there", days=())
    stranger = Annotator.objects.exclude(pool=pool).first()
    choices = choices_for(line, **routed.by)
    found = {choice.annotator.pk: choice for choice in choices}
    assert stranger.pk not in found
    assert found[unskilled.pk].why == "gate"
    assert found[away.pk].why == "hours"
    assert found[line.annotator_id].more == pytest.approx(0.0)
    costs = [choice.more for choice in choices if choice.more is not None]
    assert costs == sorted(costs)
    assert choices[-1].more is None
    with pytest.raises(NotEligible):
        move_line(line, unskilled, **routed.by)
    with pytest.raises(LimitReached):
        move_line(line, away, **routed.by)
    had = Annotator.objects.filter(pool=pool).exclude(
        pk__in=[line.annotator_id, unskilled.pk, away.pk]
    )[0]
    routed.assign(line.task, had, state="skipped", ended_at=NOW, skip_reason="unclear")
    with pytest.raises(TaskTaken):
        move_line(line, had, **routed.by)
    line.refresh_from_db()
    assert not line.edited


def test_more_tasks_than_hours_the_urgent_ones_are_given(routed: World) -> None:
    urgent = Task.objects.order_by("-pk")[:5]
    Task.objects.filter(pk__in=[row.pk for row in urgent]).update(due_at=NOW + timedelta(hours=3))
    routed.route("street", days=1)
    pool = pool_of_work()
    effort = push(routed)
    seconds = given(effort).first().effort_seconds
    discard_push(effort, **routed.by)
    keep = Annotator.objects.filter(pool=pool).first()
    Shift.objects.filter(annotator__pool=pool).exclude(annotator=keep).delete()
    ends = NOW + timedelta(hours=1) + timedelta(seconds=8.5 * seconds / 0.8)
    Shift.objects.filter(annotator=keep).update(ends=ends.time())
    made = push(routed)
    assert given(made).count() in (8, 9)
    assert set(made.lines.filter(annotator=None).values_list("why", flat=True)) == {"hours"}
    assert {row.pk for row in urgent} <= set(given(made).values_list("task_id", flat=True))
    assert {line.annotator_id for line in given(made)} == {keep.pk}
    line = made.lines.filter(annotator=None).first()
    with pytest.raises(LimitReached):
        move_line(line, keep, **routed.by)


def test_nobody_there_and_nothing_to_do(routed: World) -> None:
    pool = pool_of_work()
    Shift.objects.filter(annotator__pool=pool).delete()
    made = push(routed)
    assert not given(made).exists()
    assert made.lines.count() == 40
    assert commit_push(made, **routed.by).given == 0
    other = Pool.objects.exclude(pk=pool.pk).filter(kind="outsourced").first()
    nothing = start_push(other, TODAY, **routed.by)
    assert nothing.state == "draft"
    assert not nothing.lines.exists()
    assert commit_push(nothing, **routed.by).given == 0
    assert undo_push(nothing, **routed.by).state == "undone"


def test_limits_of_tasks_in_hand_and_of_a_day(world: World) -> None:
    world.add_tasks(world.add_project(in_progress_limit=3), 40)
    world.route("street", days=1)
    pool = pool_of_work()
    people = list(Annotator.objects.filter(pool=pool).order_by("pk"))
    Annotator.objects.filter(pk=people[0].pk).update(daily_cap=2)
    made = push(world)
    counts = [given(made).filter(annotator=row).count() for row in people]
    assert counts == [2] + [3] * (len(people) - 1)
    assert set(made.lines.filter(annotator=None).values_list("why", flat=True)) == {"limit"}
    discard_push(made, **world.by)
    beyond = push(world, beyond_limit=True)
    assert given(beyond).count() == 40
    assert given(beyond).filter(annotator=people[0]).count() <= 2
    assert commit_push(beyond, **world.by).given == 40


def test_one_human_with_two_accounts_gets_a_task_once(routed: World) -> None:
    from workforce.services.people import join_as_one

    pool = pool_of_work()
    first, _second = Annotator.objects.filter(pool=pool).order_by("pk")[:2]
    double = Annotator.objects.exclude(pool=pool).first()
    join_as_one([first, double], note="same", **routed.by)
    join = Task.objects.first()
    # What the other account answered is not for this one.
    done = routed.assign(join, double, state="submitted", ended_at=NOW)
    Assignment.objects.filter(pk=done.pk).update(human=-double.pk)
    made = push(routed)
    line = made.lines.get(task=join)
    assert line.annotator_id != first.pk
    with pytest.raises(TaskTaken):
        move_line(line, first, **routed.by)


def test_one_open_push_and_who_may(routed: World) -> None:
    made = push(routed)
    with pytest.raises(PushBusy):
        push(routed)
    anew = plan_anew(made, **routed.by)
    made.refresh_from_db()
    assert (made.state, anew.state) == ("discarded", "draft")
    with pytest.raises(PushOver):
        commit_push(made, **routed.by)
    commit_push(anew, **routed.by)
    with pytest.raises(PushOver):  # another manager was quicker
        commit_push(anew, **routed.as_("second"))
    with pytest.raises(PushOver):
        move_line(given(anew).first(), None, **routed.by)
    vendor = create_user(
        email="v@x.example",
        name="V",
        organisation=routed.vendors["alpha"].organisation,
        roles=[Role.VENDOR_MANAGER],
        **routed.as_("admin"),
    )
    for who in (vendor, routed.users["finance"], routed.users["quality"]):
        by = {"acting_user": who, "now": NOW}
        for step in (commit_push, undo_push, discard_push, plan_anew):
            with pytest.raises(Forbidden):
                step(anew, **by)
        with pytest.raises(Forbidden):
            start_push(anew.pool, TODAY, **by)
        with pytest.raises(Forbidden):
            choices_for(given(anew).first(), **by)


def test_days_and_pools_that_cannot_be_pushed(routed: World) -> None:
    with pytest.raises(Invalid) as refused:
        start_push(routed.pools["hybrid"], TODAY, **routed.by)
    assert refused.value.field == "pool"
    for days in (-1, 7):
        with pytest.raises(Invalid) as refused:
            start_push(pool_of_work(), TODAY + timedelta(days=days), **routed.by)
        assert refused.value.field == "day"
    tomorrow = start_push(pool_of_work(), TODAY + timedelta(days=1), **routed.by)
    assert given(tomorrow).count() == 40
    with pytest.raises(Invalid):
        commit_push(tomorrow, **routed.by)
    assert commit_push(tomorrow, **{**routed.by, "now": NOW + timedelta(days=1)}).given == 40


def test_a_large_push_goes_by_jobs(
    routed: World, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    """Planned, committed and undone by the jobs that pages start for large ones."""
    monkeypatch.setattr(pushing, "PAIRS_AT_ONCE", 1)
    monkeypatch.setattr("accounts.services.job_runner.utc_now", lambda: NOW)
    with django_capture_on_commit_callbacks(execute=True):
        made = push(routed)
        assert made.state == "planning"
    made.refresh_from_db()
    assert made.state == "draft", Job.objects.values_list("error", flat=True)
    user = routed.users["operations"]
    for kind, arguments, state, live in (
        (COMMIT_JOB, {"all_or_nothing": True}, "committed", 40),
        (UNDO_JOB, {"reason": "wrong day"}, "undone", 0),
    ):
        with django_capture_on_commit_callbacks(execute=True):
            job = start_job(
                kind, {"push": str(made.public_id), **arguments}, acting_user=user, now=NOW
            )
        job.refresh_from_db()
        made.refresh_from_db()
        assert (job.state, made.state) == ("done", state), job.error
        assert Assignment.objects.filter(state="reserved").count() == live


def test_gold_is_mixed_into_a_push_and_takes_no_seat(
    routed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is only ever given work is measured, too; nothing in the plan tells it apart."""
    project = Task.objects.all()[0].project
    for task in routed.add_tasks(project, 6):
        make_gold(task, answer="cat", **routed.as_("quality"))
    monkeypatch.setattr("routing.services.push_commit.random.random", lambda: 0.0)
    made = push(routed)
    assert commit_push(made, **routed.by).given == 40
    gold = Assignment.objects.filter(purpose="gold")
    assert gold.exists()
    assert gold.filter(decision__isnull=False).count() == gold.count()
    by_person = gold.values_list("annotator", "task")
    assert len(by_person) == len(set(by_person))
    assert sum(Placement.objects.values_list("taken", flat=True)) == 40
    assert not made.lines.filter(task__in=gold.values("task")).exists()
    beside = Assignment.objects.filter(purpose="label", annotator__in=gold.values("annotator"))
    assert set(gold.values_list("lease_until")) <= set(beside.values_list("lease_until"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer: nobody is beside it"
)
def test_two_who_commit_at_one_time_give_once(db: None) -> None:
    served = make_serving(60, 4, now=utc_now())
    by = {"acting_user": system_user("system.test"), "now": utc_now()}
    day = local_date(by["now"], settings.OPERATION_TIME_ZONE)
    made = start_push(Pool.objects.get(key="own"), day, **by)
    assert (made.state, given(made).count()) == ("draft", 60)
    found: list[Any] = []
    barrier = threading.Barrier(4)

    def commit() -> None:
        barrier.wait(20)
        try:
            found.append(commit_push(made, **by).given)
        except Conflict as error:
            found.append(error)
        connection.close()

    def take(token: int) -> None:
        annotator = Annotator.objects.get(pk=served.annotators[token])
        barrier.wait(20)
        claim(annotator, count=5, acting_user=annotator.user, now=by["now"])
        connection.close()

    threads = [threading.Thread(target=commit) for _two in range(2)]
    threads += [threading.Thread(target=take, args=(token,)) for token in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    labels = Assignment.objects.filter(purpose="label")
    tasks = list(labels.values_list("task", flat=True))
    assert len(tasks) == len(set(tasks)) == 60
    assert sum(Placement.objects.values_list("taken", flat=True)) == 60
    # Both who committed are told the same; claims took what was left, or came first.
    assert len({str(one) for one in found}) == 1, found
    assert found[0] == PushLine.objects.filter(assignment__isnull=False).count()
