"""Claims: who gets which task, in which order, and never twice."""

from datetime import timedelta

import pytest

from accounts.choices import Role
from accounts.services.users import create_user
from audit.models import Event
from common.errors import Forbidden, NotFound
from routing.errors import NotLive, SeatGone
from routing.models import Assignment, Placement, Task
from routing.services import assignments
from routing.services.claiming import claim
from routing.tasks import expire_leases
from tests.conftest import NOW, World
from workforce.models import Annotator

pytestmark = pytest.mark.django_db


@pytest.fixture
def routed(world: World) -> World:
    world.add_tasks(world.add_project(in_progress_limit=10), 6)
    world.route("street", days=2)
    return world


def holder(world: World) -> Annotator:
    """Somebody of the pool that the work went to."""
    pool = Placement.objects.values_list("pool_id", flat=True).first()
    return Annotator.objects.filter(pool_id=pool).order_by("pk").first()


def test_it_works(routed: World) -> None:
    annotator = holder(routed)
    (made,) = claim(annotator, **routed.by)
    assert (made.state, made.purpose, made.annotator_id) == ("reserved", "label", annotator.pk)
    assert made.lease_until == NOW + timedelta(minutes=30)
    task = Task.objects.get(pk=made.task_id)
    assert (task.state, task.steps) == ("held", 1)
    placement = Placement.objects.get(task=task)
    assert (placement.taken, placement.opened) == (1, 1)


def test_a_batch_takes_different_tasks_until_there_are_none(routed: World) -> None:
    annotator = holder(routed)
    made = claim(annotator, count=4, **routed.by) + claim(annotator, count=4, **routed.by)
    assert len({row.task_id for row in made}) == len(made) == 6
    assert claim(annotator, **routed.by) == []


def test_a_released_task_is_open_again(routed: World) -> None:
    (made,) = claim(holder(routed), **routed.by)
    for _twice in range(2):
        assert assignments.release(made, **routed.by).state == "released"
    assert Task.objects.get(pk=made.task_id).state == "open"
    assert Placement.objects.get(task=made.task_id).taken == 0


def test_a_skipped_task_goes_to_others(routed: World) -> None:
    annotator = holder(routed)
    skipped = [row.task_id for row in claim(annotator, count=6, **routed.by)]
    for row in Assignment.objects.all():
        assignments.skip(row, reason="unclear", **routed.by)
    assert claim(annotator, **routed.by) == []
    other = Annotator.objects.filter(pool=annotator.pool_id).exclude(pk=annotator.pk).first()
    assert sorted(row.task_id for row in claim(other, count=6, **routed.by)) == sorted(skipped)


def test_an_expired_lease_frees_the_task_and_a_late_answer_is_taken_if_it_is_still_free(
    routed: World,
) -> None:
    annotator = holder(routed)
    (made,) = claim(annotator, **routed.by)
    later = {**routed.by, "now": NOW + timedelta(minutes=31)}
    with pytest.raises(NotLive):
        assignments.heartbeat(made, **later)
    assert assignments.expire_leases(**later) == 1
    assert Task.objects.get(pk=made.task_id).state == "open"
    done = assignments.submit_assignment(made, **later)
    assert (done.state, done.steps) == ("submitted", 3)
    assert Placement.objects.get(task=made.task_id).taken == 1


def test_the_sweep_by_the_minute_ends_what_ran_out_once(
    routed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = claim(holder(routed), count=3, **routed.by)
    assignments.start(made[0], **routed.by)
    monkeypatch.setattr("routing.tasks.utc_now", lambda: NOW + timedelta(minutes=29))
    assert expire_leases() == 0
    monkeypatch.setattr("routing.tasks.utc_now", lambda: NOW + timedelta(minutes=31))
    assert (expire_leases(), expire_leases()) == (3, 0)
    assert set(Assignment.objects.values_list("state", flat=True)) == {"expired"}
    assert set(Task.objects.filter(pk__in=[r.task_id for r in made]).values_list("state")) == {
        ("open",)
    }
    assert not Placement.objects.filter(taken__gt=0).exists()
    told = Event.objects.get(kind="assignment.expired")
    assert (told.actor.email.split("@")[0], told.data["count"]) == ("system.leases", 3)


def test_a_late_answer_is_refused_when_somebody_else_has_the_task(routed: World) -> None:
    annotator = holder(routed)
    made = claim(annotator, count=6, **routed.by)
    later = {**routed.by, "now": NOW + timedelta(minutes=31)}
    assignments.expire_leases(**later)
    other = Annotator.objects.filter(pool=annotator.pool_id).exclude(pk=annotator.pk).first()
    assert len(claim(other, count=6, **later)) == 6
    for row in made:
        with pytest.raises(SeatGone):
            assignments.submit_assignment(row, **later)


def test_nobody_works_for_somebody_else(routed: World) -> None:
    annotator, other = Annotator.objects.filter(pool=holder(routed).pool_id)[:2]
    logins = [
        create_user(
            email=f"p{row.pk}@x.example",
            name="P",
            organisation=row.organisation,
            roles=[Role.ANNOTATOR],
            **routed.as_("admin"),
        )
        for row in (annotator, other)
    ]
    for row, login in zip((annotator, other), logins, strict=True):
        Annotator.objects.filter(pk=row.pk).update(user=login)
        row.refresh_from_db()
    (made,) = claim(annotator, acting_user=logins[0], now=NOW)
    with pytest.raises(NotFound):
        claim(annotator, acting_user=logins[1], now=NOW)
    for step in (assignments.start, assignments.heartbeat, assignments.submit_assignment):
        with pytest.raises(NotFound):
            step(made, acting_user=logins[1], now=NOW)
    with pytest.raises(Forbidden):
        assignments.start(made, **routed.as_("finance"))
