"""Alarms: one open per kind and subject, an owner, an outcome, and quiet where it is known."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from audit.models import Event
from common.errors import Conflict, Forbidden, Invalid
from common.languages import translated
from common.words import said
from quality.models import Alarm, AlarmStep
from quality.selectors import alarms_waiting
from quality.services import alarms
from quality.services.alarms import Subject, close_alarm, open_alarm, own_alarm, watcher
from tests.conftest import NOW, World
from workforce.models import Annotator, Skill

DAY = timedelta(days=1)


def subject(**values: Any) -> Subject:
    person = Annotator.objects.order_by("pk")[0]
    return Subject(**{"annotator": person.pk, "skill": Skill.objects.all()[0].pk, **values})


def drift(world: World, *, wrong: int = 6, days: int = 0, **values: Any) -> Alarm | None:
    return open_alarm(
        "drift",
        subject(**values),
        text=said("%(wrong)s of the last %(n)s were wrong", wrong=wrong, n=20),
        details={"wrong": wrong, "n": 20},
        acting_user=watcher(),
        now=NOW + days * DAY,
    )


def test_it_works(world: World) -> None:
    alarm = drift(world)
    assert alarm is not None
    assert (alarm.state, alarm.times, alarm.owner) == ("open", 1, None)
    assert translated(alarm.text) == "6 of the last 20 were wrong"
    quality = world.users["quality"]
    own_alarm(alarm, quality, **world.as_("quality"))
    close_alarm(alarm, "acted", "Trained on the new guideline.", **world.as_("quality"))
    alarm.refresh_from_db()
    assert (alarm.state, alarm.owner, alarm.outcome) == ("closed", quality, "acted")
    steps = list(AlarmStep.objects.values_list("from_state", "to_state", "actor__name"))
    assert steps == [("open", "owned", "quality"), ("owned", "closed", "quality")]
    kinds = list(Event.objects.filter(kind__startswith="alarm.").values_list("kind", flat=True))
    assert sorted(kinds) == ["alarm.closed", "alarm.opened", "alarm.owned"]


def test_the_same_again_changes_nothing_and_more_of_it_raises_it_again(world: World) -> None:
    first = drift(world)
    events = Event.objects.count()
    assert drift(world, days=1) == first
    assert Event.objects.count() == events
    worse = drift(world, wrong=9, days=2)
    assert worse == first
    assert worse is not None
    assert (worse.times, worse.details["wrong"], worse.raised_at) == (2, 9, NOW + 2 * DAY)
    assert worse.opened_at == NOW
    other = drift(world, name="field")
    assert other != first
    assert Alarm.objects.count() == 2


def test_a_closed_one_comes_back_unless_it_is_known(world: World) -> None:
    first = drift(world)
    assert first is not None
    close_alarm(first, "chance", "Two bad pictures.", **world.as_("quality"))
    second = drift(world, days=1)
    assert second is not None
    assert second != first
    by = {"acting_user": world.users["quality"], "now": NOW + DAY}
    close_alarm(second, "known", "A hard month.", quiet_days=10, **by)
    assert drift(world, wrong=12, days=10) is None
    third = drift(world, days=11)
    assert third is not None
    assert third.state == "open"


def test_what_the_database_holds_by_itself(world: World) -> None:
    alarm = drift(world)
    assert alarm is not None
    row = {name: getattr(alarm, name) for name in ("kind", "subject", "text", "opened_at")}
    with pytest.raises(IntegrityError), transaction.atomic():
        Alarm.objects.create(**row, raised_at=NOW)  # a second open one
    for values in (
        {"state": "owned", "steps": 1, "owner": world.users["quality"]},  # no step
        {"outcome": "acted"},  # not closed
        {"owner": world.users["quality"]},  # nobody has it in hand
        {"subject": "annotator=0"},
        {"quiet_until": NOW + DAY},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Alarm.objects.filter(pk=alarm.pk).update(**values)
    close_alarm(alarm, "acted", "Done.", **world.as_("quality"))
    for values in ({"comment": "Nothing."}, {"outcome": "chance"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Alarm.objects.filter(pk=alarm.pk).update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        AlarmStep.objects.all().delete()


def test_two_who_take_it_at_once(world: World) -> None:
    alarm = drift(world)
    assert alarm is not None
    stale = Alarm.objects.get(pk=alarm.pk)
    own_alarm(alarm, world.users["quality"], **world.as_("quality"))
    with pytest.raises(Conflict):
        own_alarm(stale, world.users["operations"], **world.by)
    assert Alarm.objects.get().owner == world.users["quality"]


def test_two_who_open_it_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one opens it after this one has found none."""
    real, others = alarms._quiet, []

    def meanwhile(*args: Any) -> bool:
        if not others:
            others.append(None)
            others.append(drift(world))
        return real(*args)

    monkeypatch.setattr(alarms, "_quiet", meanwhile)
    mine = drift(world, wrong=7)
    assert mine == others[1]
    assert Alarm.objects.get().times == 2


def test_handing_over_and_back(world: World) -> None:
    alarm = drift(world)
    assert alarm is not None
    assert alarms_waiting(world.users["quality"]) == 1
    own_alarm(alarm, world.users["quality"], **world.as_("quality"))
    own_alarm(alarm, world.users["quality"], **world.by)  # the same again
    own_alarm(alarm, world.users["operations"], **world.as_("quality"))
    assert alarms_waiting(world.users["quality"]) == 0
    own_alarm(alarm, None, **world.by)
    assert Alarm.objects.get().state == "open"
    assert AlarmStep.objects.count() == 3
    with pytest.raises(Invalid, match="does not handle"):
        own_alarm(alarm, world.users["finance"], **world.by)


def test_closing_says_what_came_of_it(world: World) -> None:
    alarm = drift(world)
    assert alarm is not None
    with pytest.raises(Invalid, match="no such outcome"):
        close_alarm(alarm, "whatever", "x", **world.by)
    with pytest.raises(Invalid, match="Say what was done"):
        close_alarm(alarm, "acted", "  ", **world.by)
    with pytest.raises(Invalid, match="1 to 366"):
        close_alarm(alarm, "known", "x", quiet_days=0, **world.by)
    close_alarm(alarm, "acted", "Done.", **world.by)
    assert Alarm.objects.get().owner == world.users["operations"]
    with pytest.raises(Conflict, match="closed"):
        close_alarm(alarm, "acted", "Done.", **world.by)


def test_only_who_may_handles_alarms(world: World) -> None:
    alarm = drift(world)
    assert alarm is not None
    for name in ("finance", "auditor", "admin"):
        with pytest.raises(Forbidden):
            own_alarm(alarm, world.users["quality"], **world.as_(name))
        with pytest.raises(Forbidden):
            close_alarm(alarm, "acted", "x", **world.as_(name))
        with pytest.raises(Forbidden):
            open_alarm("drift", subject(name="z"), text="x", **world.as_(name))
