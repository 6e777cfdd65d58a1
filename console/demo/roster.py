"""Who works on a day of the demo's week, for how long, and how they answer."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db.models import F

from common.time import local_date, start_of_day, zone
from console.demo.answering import SPEED, Person
from console.demo.past import TEAMS, numbered, planted
from console.demo.truth import REAL, luck
from routing.models import Placement
from workforce.choices import PoolKind
from workforce.models import Annotator, ExternalId, Pool, Shift
from workforce.selectors import declared_hours, read_people

# Of the crowd behind the real answers so many come on a day, for some minutes each.
CROWD, CROWD_HOURS = 16, 0.09
MODEL_HOURS = 8.0
# Of this vendor somebody answers badly from the first day on, and comes on all days from then on.
BAD = "coral"
LEAST_HOURS, MOST_HOURS = 0.3, 1.5  # of one of a vendor's people: many come for a while
SPARE = 1.8  # hours sent over the hours that the work left takes by the plan
REVIEWING = 14.0  # hours of own staff a day beside their own labels
BEGINS = time(6, 30)  # of the operation: after the morning's routing


@dataclass(frozen=True)
class Turn:
    """Somebody's work of a day: from when on, and for how many hours."""

    annotator: Annotator
    person: Person
    begins: datetime
    hours: float


def cast(turns_bad: datetime) -> dict[int, Person]:
    """Return how every annotator of the demo answers, by id."""
    people: dict[int, Person] = {}
    for pool in (*TEAMS, "model"):
        for number, annotator in numbered(pool):
            person = planted(annotator, pool, number)
            bad = turns_bad if pool == BAD and number == bad_number(turns_bad) else None
            people[annotator.pk] = replace(person, turns=bad, speed=SPEED.get(pool, 1.0))
    for row in ExternalId.objects.filter(account__in=REAL).order_by("pk"):
        name = f"{row.account} {row.external_id}"
        speed = float(luck("speed", name).lognormal(0, 0.25))
        people[row.annotator_id] = Person(
            name=name,
            pool="in-house",
            rate=0.8,
            crowd=row.account,
            worker=row.external_id,
            speed=speed,
        )
    return people


def bad_number(turns_bad: datetime) -> int:
    """Return which person of the vendor turns bad: one whose five days begin on that day."""
    return local_date(turns_bad, settings.OPERATION_TIME_ZONE).weekday()


def turns(day: date, people: dict[int, Person], *, days: int) -> list[Turn]:
    """Return who works on a day, by pool and in an order that changes from day to day.

    days : on which what is placed now is to be done; as many come as that asks for
    """
    left = hours_left()
    begin = start_of_day(day, settings.OPERATION_TIME_ZONE)
    found: list[Turn] = []
    for pool in Pool.objects.exclude(kind="hybrid").order_by("pk"):
        table = read_people(
            pool_ids=[pool.pk],
            skill_ids=[],
            certification_type_ids=[],
            now=begin,
            days=1,
            time_zone=settings.OPERATION_TIME_ZONE,
        )
        hours = dict(zip(table.annotator_id.tolist(), table.hours[:, 0].tolist(), strict=True))
        rows = Annotator.objects.filter(pk__in=hours).select_related("pool")
        here = [a for a in rows if hours[a.pk] > 0 and a.pk in people]
        # The vendor sends first whom it sent before; the rest take turns.
        here.sort(key=lambda a: (not _regular(people[a.pk]), luck(day, a.pk).random()))
        needed = left.get(pool.pk, 0.0) * SPARE / days
        if pool.kind == PoolKind.IN_HOUSE:
            needed += REVIEWING
        found += list(_within(pool, here, hours, people, day, needed))
    return found


def _regular(person: Person) -> bool:
    return person.turns is not None


def _within(
    pool: Pool,
    here: list[Annotator],
    hours: dict[int, float],
    people: dict[int, Person],
    day: date,
    needed: float,
) -> Iterator[Turn]:
    """Yield the turns of a pool: of a vendor's no more hours than it declared for the day."""
    declared = declared_hours(pool_ids=[pool.pk], first_day=day, days=1).get(pool.pk)
    left = min(float(declared[0]), needed) if declared is not None else needed
    starts = dict(
        Shift.objects.filter(annotator__in=here, weekday=day.weekday()).values_list(
            "annotator_id", "starts"
        )
    )
    zone_of = zone(settings.OPERATION_TIME_ZONE)
    opens = datetime.combine(day, BEGINS, zone_of)
    crowd = 0
    for annotator in here:
        person = people[annotator.pk]
        if person.crowd:
            crowd += 1
            if crowd > CROWD:
                continue
        most = hours[annotator.pk]
        if pool.vendor_id is not None and not _regular(person):
            most = MOST_HOURS
        mine = MODEL_HOURS if person.model else min(hours[annotator.pk], most, left)
        if person.crowd:
            mine = CROWD_HOURS
        elif mine < LEAST_HOURS:
            continue
        elif not person.model:
            left -= mine
        starts_at = starts.get(annotator.pk, BEGINS)
        local = datetime.combine(day, starts_at, zone(annotator.time_zone))
        later = timedelta(seconds=int(luck(day, person.name).integers(0, 900)))
        yield Turn(annotator, person, max(local, opens) + later, mine)


def hours_left() -> dict[int, float]:
    """Return the hours that the answers placed and not yet taken are expected to take, by pool."""
    rows = Placement.objects.filter(
        run=F("task__project__current_run"), task__state__in=("open", "held", "rework")
    )
    found: dict[int, float] = defaultdict(float)
    for pool, key, seats in rows.values_list("pool_id", "decision__key", F("asked") - F("taken")):
        found[pool] += float(key["hours"]) * min(max(seats, 0), 1)
    return found
