"""The demo's week: seven days that people, leads and the nightly routines live before this morning.

Each day is one step that is done once: the night's learning and watching, the lead's decisions, the
day's delivery and its routing, each of which finds what stands; then the work of the day in one
transaction with an event that says that it was lived. A day that was killed is lived again.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.conf import settings
from django.db import transaction

from accounts.services.users import system_user
from audit.models import Event
from audit.services.events import record_event
from common.time import local_date, zone
from console.demo.day import Day, read_work, sweep
from console.demo.desk import LEFT, adjudicate, decide_pauses, watch, work_off_alarms
from console.demo.once import change_guideline, draw_audits, newcomer, settle_audits
from console.demo.roster import cast, turns
from console.demo.staff import Staff, staff
from console.demo.work import deliver
from quality.services.learning import learn, night_of
from routing.choices import RunState
from routing.models import Project, Run
from routing.services.run import route

AHEAD = 3  # days that the last run plans
# The morning of the newcomer's test; mornings before the last one, of audits and a new guideline.
JOINS, AUDITED_BEFORE, CHANGED_BEFORE = 1, 3, 2
PLANNED, DECIDED, LIVED = "demo.week_planned", "demo.desk_done", "demo.day_lived"


@dataclass(frozen=True)
class Delivery:
    """Work that comes in on a morning: of street scenes and of the claims desk."""

    day: int
    street: int
    desk: int

    @property
    def counts(self) -> tuple[int, int]:
        """Return how many come of both."""
        return self.street, self.desk


# On these mornings work comes in and is routed, up to the next one; the last is this morning.
USUAL = (Delivery(0, 450, 320), Delivery(3, 360, 300), Delivery(7, 900, 600))


def projects() -> list[str]:
    """Return the keys of the demo's projects."""
    return list(Project.objects.filter(is_demo=True).order_by("pk").values_list("key", flat=True))


def morning_of(day: date) -> datetime:
    """Return six in the morning of a day of the operation."""
    at = datetime.combine(day, time(6), zone(settings.OPERATION_TIME_ZONE))
    return at.astimezone(UTC)


def plan_week(first: datetime) -> None:
    """Note in the log that this demo has a week, and when it begins; the caller's transaction."""
    record_event(
        PLANNED,
        acting_user=system_user("system.demo"),
        now=first,
        subject="demo",
        subject_id=local_date(first, settings.OPERATION_TIME_ZONE).isoformat(),
    )


def first_day() -> date | None:
    """Return on which day the week of this demo begins, None where it has none."""
    event = Event.objects.filter(kind=PLANNED).order_by("pk").first()
    return None if event is None else date.fromisoformat(event.subject_id)


def live(first: date, tell: Callable[[str], None], *, plan: Sequence[Delivery] = USUAL) -> None:
    """Live what is left of the week, and route the work of the morning after it."""
    who, last = staff(), plan[-1].day
    for number in range(last + 1):
        now = morning_of(first + timedelta(days=number))
        if _done(LIVED, now):
            continue
        tell(f"day {number + 1} of the week" if number < last else "this morning")
        _morning(number, who, now, plan)
        if number < last:
            _work(number, first, who, now, plan)


def _day(now: datetime) -> str:
    return local_date(now, settings.OPERATION_TIME_ZONE).isoformat()


def _done(kind: str, now: datetime) -> bool:
    """Tell whether a step of the day of an instant was done."""
    return Event.objects.filter(kind=kind, subject="demo", subject_id=_day(now)).exists()


def _mark(kind: str, now: datetime, at: datetime, done: Counter[str]) -> None:
    """Note that a step of a day was done, in its own transaction, with what came of it."""
    record_event(
        kind,
        acting_user=system_user("system.demo"),
        now=at,
        subject="demo",
        subject_id=_day(now),
        done=dict(sorted(done.items())),
    )


def _morning(number: int, who: Staff, now: datetime, plan: Sequence[Delivery]) -> None:
    """Learn and watch by night, decide what is open, take a delivery in and route it."""
    if number:
        learn(night_of(now), acting_user=system_user("system.quality"), tell=_silent)
        _desk(number, who, now, last=plan[-1].day)
    coming = next((one for one in plan if one.day == number), None)
    if coming is None or Run.objects.filter(now=now, state=RunState.DONE).exists():
        return
    if number:
        before = [one.counts for one in plan if one.day < number]
        street, desk = (sum(counts) for counts in zip(*before, strict=True))
        deliver(coming.counts, who, now, first=(street, desk))
    route(
        project_keys=projects(),
        days=_until(number, plan) or AHEAD,
        acting_user=system_user("system.routing"),
        now=now,
    )


def _until(number: int, plan: Sequence[Delivery]) -> int:
    """Return the days until the next run, 0 after the last one."""
    return min((one.day - number for one in plan if one.day > number), default=0)


def _desk(number: int, who: Staff, now: datetime, *, last: int) -> None:
    """Watch by night and decide in the morning, which is done once."""
    watch(now - timedelta(hours=2))
    if _done(DECIDED, now):
        return
    with transaction.atomic():
        at = now - timedelta(hours=1)
        # What the last night brings is left for whoever opens the demo.
        done = Counter() if number == last else decide_pauses(who, at)
        done.update(work_off_alarms(who, at))
        begin = now - timedelta(days=number)
        if number == JOINS:
            done.update(newcomer(who, read_work(), at))
        if number == last - AUDITED_BEFORE:
            done.update(draw_audits(who, begin, at))
        if number == last - CHANGED_BEFORE:
            done.update(change_guideline(who, begin + timedelta(minutes=1), at))
        _mark(DECIDED, now, at, done)


def _silent(step: str, done: int, total: int) -> None:
    """Tell nothing of the steps of a night."""


@transaction.atomic
def _work(number: int, first: date, who: Staff, now: datetime, plan: Sequence[Delivery]) -> None:
    """Let a day be worked: all of it, or nothing where the process dies."""
    by = system_user("system.demo")
    people = cast(morning_of(first + timedelta(days=plan[0].day)))
    day = local_date(now, settings.OPERATION_TIME_ZONE)
    work = read_work()
    worked = Day(turns(day, people, days=_until(number, plan)), work, people, by)
    ended = worked.run()
    ended = max(ended, now + timedelta(hours=14)) + timedelta(hours=2)
    worked.done["expired"] += sweep(by, ended)
    left = LEFT if number == plan[-1].day - 1 else 0
    worked.done.update(adjudicate(who, work, ended, leave=left))
    worked.done.update(settle_audits(who, ended))
    _mark(LIVED, now, ended, worked.done)
