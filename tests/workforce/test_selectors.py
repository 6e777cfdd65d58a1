"""What routing reads of people: verified facts only, in force now, each human being once."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.conftest import NOW, TODAY, World
from workforce.models import Annotator, CertificationType, Skill
from workforce.selectors import NEVER, PeopleTable, read_people
from workforce.services import people


def read(world: World, *pools: str, now: datetime = NOW, days: int = 1) -> PeopleTable:
    return read_people(
        pool_ids=[world.pools[key].pk for key in pools],
        skill_ids=[Skill.objects.get(key="image-classification").pk],
        certification_type_ids=[CertificationType.objects.get(key="radiologist").pk],
        now=now,
        days=days,
        time_zone="Europe/Berlin",
    )


def certify(world: World, person: Annotator, **dates: Any) -> Any:
    proof = people.declare_certification(
        person,
        type=CertificationType.objects.get(key="radiologist"),
        issuer="Chamber",
        **{"number": "1", "issued_on": date(2025, 1, 1), "valid_until": TODAY, **dates},
        **world.by,
    )
    return people.verify_certification(proof, **world.by)


def last_day(world: World, person: Annotator, now: datetime = NOW) -> date | None:
    table = read(world, "in-house", now=now)
    at = table.annotator_id.tolist().index(person.pk)
    until = int(table.certified_until[at, 0])
    return date.fromordinal(until) if until else None


def test_a_certificate_counts_through_its_last_day_where_its_holder_is(world: World) -> None:
    berlin = Annotator.objects.get(name="own 0")
    certify(world, berlin)
    assert last_day(world, berlin) == TODAY
    midnight = datetime.fromisoformat("2026-03-03T00:00:00+01:00")
    assert last_day(world, berlin, midnight - timedelta(seconds=1)) == TODAY
    assert last_day(world, berlin, midnight) is None


def test_a_certificate_counts_from_its_day_of_issue_where_its_holder_is(world: World) -> None:
    person = Annotator.objects.get(name="own 0")
    certify(world, person, issued_on=TODAY + timedelta(days=1), valid_until=None)
    begins = datetime.fromisoformat("2026-03-03T00:00:00+01:00")
    assert last_day(world, person) is None
    assert last_day(world, person, begins - timedelta(seconds=1)) is None
    assert last_day(world, person, begins) == NEVER


def test_a_renewal_issued_ahead_closes_no_gap(world: World) -> None:
    person = Annotator.objects.get(name="own 0")
    certify(world, person)
    certify(world, person, issued_on=TODAY + timedelta(days=20), valid_until=None, number="2")
    assert last_day(world, person) == TODAY


def test_a_renewal_without_a_gap_counts_on(world: World) -> None:
    person = Annotator.objects.get(name="own 0")
    certify(world, person)
    certify(world, person, issued_on=TODAY + timedelta(days=1), valid_until=None, number="2")
    assert last_day(world, person) == NEVER


@pytest.mark.parametrize("fact", ["residency", "languages", "clearance", "level"])
def test_facts_count_once_verified(world: World, fact: str) -> None:
    world.add_person("in-house", "declared", verified=False)
    table = read(world, "in-house")
    at = table.annotator_id.tolist().index(Annotator.objects.get(name="declared").pk)
    known = {
        "residency": [bool(word) for word in table.residency],
        "languages": [bool(words) for words in table.languages],
        "clearance": (table.clearance > 0).tolist(),
        "level": (table.level[:, 0] > 0).tolist(),
    }[fact]
    assert known == [n != at for n in range(len(table))]


def test_accounts_of_one_person_have_one_number(world: World) -> None:
    one, other = Annotator.objects.get(name="alpha 0"), Annotator.objects.get(name="beta 0")
    assert len(np.unique(read(world, "alpha", "beta").person)) == 6
    people.join_as_one([one, other], **world.by)
    table = read(world, "alpha", "beta")
    number = dict(zip(table.annotator_id.tolist(), table.person.tolist(), strict=True))
    assert number[one.pk] == number[other.pk]
    assert len(np.unique(table.person)) == 5
