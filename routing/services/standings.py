"""All people of a pool against the gates, read at once: for plans, not for one claim."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings

from common.time import local_date
from routing.services.eligibility import Eligibility, worked_out
from routing.services.rules_now import RulesNow
from routing.services.standing import Standing, attested_of, priced_of
from workforce.models import Annotator, Pool
from workforce.presence import ends_of_work
from workforce.selectors import PeopleTable, read_people


@dataclass(frozen=True)
class Member:
    """One person of a pool on a day.

    hours : still to come that day; until : when the day's work ends, None = not there
    """

    annotator: Annotator
    who: Eligibility
    standing: Standing
    hours: float
    until: datetime | None


def read_members(pool: Pool, rules: RulesNow, at: datetime) -> list[Member]:
    """Return the people of a pool (with `vendor`) that may work at a time, in order of their ids.

    A constant number of queries, whatever their number. Hours are those from `at` to the end of
    its day. Of the accounts of one human being the one with most hours is returned.
    """
    table = read_people(
        pool_ids=[pool.pk],
        skill_ids=rules.skills,
        certification_type_ids=rules.certificates,
        now=at,
        days=1,
        time_zone=settings.OPERATION_TIME_ZONE,
    )
    people = Annotator.objects.select_related("pool__vendor").in_bulk(table.annotator_id.tolist())
    accounts = _accounts(people.values())
    attested = attested_of(pool, local_date(at, settings.OPERATION_TIME_ZONE))
    priced = priced_of(pool, rules, at)
    ends = ends_of_work(list(people.values()), at, settings.OPERATION_TIME_ZONE)
    bases: dict[int, Any] = {}
    found = []
    for number in _one_each(table):
        annotator = people[int(table.annotator_id[number])]
        standing = Standing(
            annotator, _row(table, number), attested, priced, rules.skills, rules.certificates
        )
        who = worked_out(standing, accounts[annotator.pk], rules, at, bases=bases)
        hours = float(table.hours[number, 0])
        found.append(Member(annotator, who, standing, hours, ends.get(annotator.pk)))
    return found


def _accounts(people: Any) -> dict[int, list[Annotator]]:
    """Return the accounts of each one's human being."""
    people = list(people)
    persons = {row.person_id for row in people if row.person_id is not None}
    every: dict[int, list[Annotator]] = {}
    if persons:
        for row in Annotator.objects.filter(person_id__in=persons).order_by("pk"):
            every.setdefault(row.person_id or 0, []).append(row)
    return {row.pk: every.get(row.person_id or 0, [row]) for row in people}


def _one_each(table: PeopleTable) -> list[int]:
    """Return one row of each human being, that with most hours."""
    best: dict[int, int] = {}
    for number, human in enumerate(table.person.tolist()):
        held = best.get(human)
        if held is None or table.hours[number, 0] > table.hours[held, 0]:
            best[human] = number
    return sorted(best.values())


def _row(table: PeopleTable, number: int) -> PeopleTable:
    """Return a table of one of its people."""
    values: dict[str, Any] = {}
    for one in fields(table):
        column = getattr(table, one.name)
        if isinstance(column, np.ndarray | list):
            values[one.name] = column[number : number + 1]
    return replace(table, **values)


def humans_of(members: Sequence[Member]) -> dict[int, int]:
    """Return the row of each number by which assignments call one of these human beings."""
    return {human: row for row, member in enumerate(members) for human in member.who.humans}
