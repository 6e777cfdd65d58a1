"""People: rules that the database holds, status, verification, files."""

from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from common.errors import Conflict, Invalid
from tests.conftest import NOW, World
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    Certification,
    CertificationType,
    Pool,
    PoolPart,
    PublicHoliday,
    Skill,
)
from workforce.services import availability, people
from workforce.services.roster import import_annotators


def test_an_annotator_belongs_to_the_pools_employer(world: World) -> None:
    person = Annotator.objects.filter(pool__key="alpha").first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Annotator.objects.filter(pk=person.pk).update(pool=world.pools["beta"])
    with pytest.raises(IntegrityError), transaction.atomic():
        Annotator.objects.filter(pk=person.pk).update(pool=world.pools["hybrid"])
    with pytest.raises(Invalid, match="owns no people"):
        people.create_annotator(world.pools["hybrid"], name="x", **world.by)


def test_a_hybrid_pool_names_pools_that_are_not(world: World) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PoolPart.objects.bulk_create(
            [PoolPart(hybrid=world.pools["alpha"], part=world.pools["beta"], role="labels")]
        )


def test_an_outsourced_pool_and_no_other_names_a_vendor(world: World) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Pool.objects.filter(key="alpha").update(vendor=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Pool.objects.filter(key="in-house").update(vendor=world.vendors["alpha"])


def test_the_verifier_belongs_to_the_house_and_is_not_the_holder(world: World, vendor_user) -> None:
    row = AnnotatorSkill.objects.filter(annotator__pool__key="alpha").first()
    with pytest.raises(IntegrityError), transaction.atomic():
        AnnotatorSkill.objects.filter(pk=row.pk).update(verified_by=vendor_user)
    own = AnnotatorSkill.objects.filter(annotator__pool__key="in-house").first()
    Annotator.objects.filter(pk=own.annotator_id).update(user=world.users["second"])
    with pytest.raises(IntegrityError), transaction.atomic():
        AnnotatorSkill.objects.filter(pk=own.pk).update(verified_by=world.users["second"])


def test_a_changed_level_is_declared_again(world: World) -> None:
    row = AnnotatorSkill.objects.filter(annotator__pool__key="alpha").first()
    people.declare_skill(row.annotator, row.skill, 5, **world.by)
    row.refresh_from_db()
    assert (row.level, row.state, row.verified_by) == (5, "declared", None)


def test_status_steps(world: World) -> None:
    person = Annotator.objects.first()
    week, month = NOW + timedelta(days=7), NOW + timedelta(days=30)
    for values, words in (
        ({}, "has a reason"),
        ({"reason": " ", "until": week}, "has a reason"),
        ({"reason": "tired"}, "has a term"),
        ({"reason": "tired", "until": NOW}, "in the future"),
    ):
        with pytest.raises(Invalid, match=words):
            people.change_status(person, "paused", **values, **world.by)
    with pytest.raises(Invalid, match="cannot become"):
        people.change_status(person, "gone", **world.by)
    people.change_status(person, "paused", reason="tired", until=week, **world.by)
    people.change_status(person, "paused", reason="tired", until=week, **world.by)
    assert person.transitions.count() == 1
    # Longer, or for another reason, is a step of its own.
    people.change_status(person, "paused", reason="tired", until=month, **world.by)
    assert (person.status, person.paused_until) == ("paused", month)
    people.change_status(person, "active", **world.by)
    people.change_status(person, "active", **world.by)
    person.refresh_from_db()
    assert (person.status, person.pause_reason, person.paused_until) == ("active", "", None)
    assert list(person.transitions.values_list("sequence", flat=True)) == [1, 2, 3]
    assert person.history.first().history_user == world.users["operations"]


def test_dates_of_a_certificate_in_the_wrong_order(world: World) -> None:
    with pytest.raises(Invalid) as caught:
        people.declare_certification(
            Annotator.objects.first(),
            type=CertificationType.objects.first(),
            issuer="x",
            number="1",
            issued_on=date(2026, 2, 1),
            valid_until=date(2026, 1, 1),
            **world.by,
        )
    assert (caught.value.field, caught.value.rule) == ("valid_until", "dates_in_order")


def test_a_certificate_lapses_at_the_holders_next_midnight(world: World) -> None:
    proof = people.declare_certification(
        Annotator.objects.filter(pool__key="in-house").first(),
        type=CertificationType.objects.first(),
        issuer="x",
        number="1",
        issued_on=date(2026, 1, 1),
        valid_until=date(2026, 3, 31),
        **world.by,
    )
    # Berlin is on summer time by then.
    assert proof.lapses_at.isoformat() == "2026-03-31T22:00:00+00:00"


def test_leave_in_the_wrong_order_and_holidays(world: World) -> None:
    with pytest.raises(Invalid, match="before it ends"):
        availability.add_leave(
            Annotator.objects.first(),
            kind="vacation",
            starts_at=NOW,
            ends_at=NOW - timedelta(hours=1),
            **world.by,
        )
    made = availability.load_holidays(country="DE", years=[2026], **world.by)
    assert made > 5
    assert availability.load_holidays(country="DE", years=[2026], **world.by) == 0
    assert PublicHoliday.objects.filter(day=date(2026, 1, 1)).exists()
    with pytest.raises(Invalid, match="no calendar"):
        availability.load_holidays(country="XX", years=[2026], **world.by)


def test_holidays_and_leave_take_hours_away(world: World) -> None:
    world.add_tasks(world.add_project(), 1)
    before = world.route("street", dry_run=True)
    PublicHoliday.objects.create(country="DE", day=NOW.date(), name="Feast")
    after = world.route("street", dry_run=True)

    def hours(report):
        return next(row["available"] for row in report.by_pool if row["pool"] == "In-house")

    assert hours(before) > 0
    assert hours(after) == 0


HEADER = "name,pool,email,skills,hours_per_day,certificate,issuer,number,issued_on,valid_until\n"


def roster(world: World, tmp_path: Path, rows: str, **values):
    path = tmp_path / "people.csv"
    path.write_text(HEADER + rows)
    return import_annotators(path, **world.by, **values)


def test_people_from_a_file(world: World, tmp_path: Path) -> None:
    rows = (
        "Ann,alpha,ann@a.example,text-spans:3 text-classification,8,"
        "attorney,Bar,7,2025-01-01,2027-01-01\n"
    )
    found = roster(world, tmp_path, rows, verified=True)
    assert (found.made, found.refused) == (1, [])
    ann = Annotator.objects.get(email="ann@a.example")
    assert sorted(ann.skills.values_list("skill__key", "level", "state")) == [
        ("text-classification", 1, "verified"),
        ("text-spans", 3, "verified"),
    ]
    assert ann.certifications.get().state == "verified"
    assert ann.shifts.count() == 5
    assert roster(world, tmp_path, rows, verified=True).unchanged == 1


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        ("A,nowhere,,,,,,,,", "pool", "known"),
        (",alpha,,,,,,,,", "name", "required"),
        ("A,alpha,,juggling:2,,,,,,", "skills", "known"),
        ("A,alpha,,text-spans:9,,,,,,", "skills", "level"),
        ("A,alpha,,,-3,,,,,", "hours_per_day", "not_negative"),
        ("A,alpha,,,NaN,,,,,", "hours_per_day", "not_negative"),
        ("A,alpha,,,30,,,,,", "hours_per_day", "range"),
        ("A,alpha,,,,attorney,Bar,1,2026-02-01,2026-01-01", "valid_until", "dates_in_order"),
        ("A,alpha,,,,wizard,Bar,1,2026-02-01,", "certificate", "known"),
        ("A,alpha,not-an-email,,,,,,,", "email", "valid"),
        ("A,hybrid,,,,,,,,", "pool", "not_hybrid"),
        (f"A,alpha,,{'x' * 1_000_000},,,,,,", "skills", "length"),
    ],
)
def test_a_bad_row_of_people(world: World, tmp_path: Path, row: str, field: str, rule: str) -> None:
    before = Annotator.objects.count()
    found = roster(world, tmp_path, f"Good,alpha,,,,,,,,\n{row}\n")
    assert [(r.row, r.field, r.rule) for r in found.refused] == [(3, field, rule)]
    assert Annotator.objects.count() == before
    assert roster(world, tmp_path, f"Good,alpha,,,,,,,,\n{row}\n", keep_good=True).made == 1


def test_one_email_twice(world: World, tmp_path: Path) -> None:
    rows = "A,alpha,same@a.example,,,,,,,\nB,alpha,SAME@a.example,,,,,,,\n"
    found = roster(world, tmp_path, rows)
    assert [(r.row, r.field, r.rule) for r in found.refused] == [(3, "email", "once")]
    # At two vendors it is allowed: two annotators, joined by a person row if they are one.
    found = roster(world, tmp_path, "A,alpha,same@a.example,,,,,,,\nB,beta,same@a.example,,,,,,,\n")
    assert found.made == 2
    with pytest.raises((Invalid, Conflict)):
        people.create_annotator(world.pools["alpha"], name="C", email="Same@a.example", **world.by)


def test_the_command(world: World, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(HEADER + "A,alpha,,juggling:2,,,,,,\n")
    with pytest.raises(CommandError, match="1 of 1 rows"):
        call_command("import_annotators", str(path), stderr=StringIO())
    assert "juggling" in (tmp_path / "p.csv.refused.csv").read_text()


def test_proofs_are_counted_only_when_verified(world: World) -> None:
    world.add_tasks(world.add_project(), 2)
    AnnotatorSkill.objects.update(state="declared", verified_by=None, verified_at=None)
    report = world.route("street")
    assert report.waiting == 2
    assert "skill not verified" in report.waiting_reasons[0]["reason"]
    assert Skill.objects.exists()
    assert not Certification.objects.exists()
