"""People from a file: annotators with skills, hours and a certificate each."""

from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Invalid
from common.files import BadField, FileReport, Refusal, rows_of
from common.money import to_micro
from workforce.models import Annotator, CertificationType, Pool, Skill
from workforce.services import availability, people

REQUIRED = ("name", "pool")
OPTIONAL = (
    "email",
    "languages",
    "residency",
    "time_zone",
    "clearance",
    "hourly_cost",
    "skills",
    "hours_per_day",
    "starts_on",
    "certificate",
    "issuer",
    "number",
    "issued_on",
    "valid_until",
)
WORK_BEGINS = 8
LIMIT = 2_000


class _Refused(Exception):
    """Rolls the transaction back: the whole file is refused."""


def import_annotators(
    path: Path,
    *,
    keep_good: bool = False,
    verified: bool = False,
    acting_user: User,
    now: datetime,
) -> FileReport:
    """Import people from CSV or NDJSON.

    Columns: name, pool (its key); e-mail; languages and skills parted by blanks or semicolons,
    a skill as key:level; hours_per_day (Monday to Friday from 8:00); a certificate with issuer,
    number, issued_on and valid_until. Someone whose e-mail the organisation has already is left
    as they are. With `verified` the house vouches for facts, skills and certificates; otherwise
    they are declared and no gate counts them.

    Raises
    ------
    Invalid
        If the file as a whole cannot be read.
    """
    require(acting_user, "people.manage")
    found = FileReport()
    reader = _Reader(verified, acting_user, now)
    try:
        with transaction.atomic():
            for number, row in rows_of(path, required=REQUIRED, optional=OPTIONAL):
                found.rows += 1
                if isinstance(row, Refusal):
                    found.refused.append(row)
                    continue
                try:
                    with transaction.atomic():
                        if reader(row):
                            found.made += 1
                        else:
                            found.unchanged += 1
                except BadField as error:
                    found.refuse(number, error)
                except Invalid as error:
                    found.refuse(number, BadField(error.field or "row", error.rule, str(error)))
            if found.refused and not keep_good:
                raise _Refused
            record_event(
                "annotators.imported",
                acting_user=acting_user,
                now=now,
                rows=found.rows,
                made=found.made,
                refused=len(found.refused),
            )
    except _Refused:
        found.made = found.unchanged = 0
    return found


class _Reader:
    """Applies one row by the services of people."""

    def __init__(self, verified: bool, acting_user: User, now: datetime) -> None:
        self.verified = verified
        self.by: Any = {"acting_user": acting_user, "now": now}
        self.today = now.date()
        self.pools = {pool.key: pool for pool in Pool.objects.select_related("vendor")}
        self.skills = {skill.key: skill for skill in Skill.objects.all()}
        self.certificates = {kind.key: kind for kind in CertificationType.objects.all()}
        self.seen: set[tuple[int, str]] = set()

    def __call__(self, row: dict[str, Any]) -> bool:
        """Make the annotator of a row; False if the organisation has the e-mail already."""
        row = {name: _text(value, name) for name, value in row.items()}
        pool = self.pools.get(row["pool"])
        if pool is None:
            raise BadField("pool", "known", f"there is no pool {row['pool'][:60]!r}")
        if not row["name"]:
            raise BadField("name", "required", "it is empty")
        email = row.get("email", "").lower()
        skills = self._skills(row.get("skills", ""))
        hours = _hours(row.get("hours_per_day", ""))
        if email:
            employer = pool.vendor.organisation_id if pool.vendor is not None else 0
            if (employer, email) in self.seen:
                raise BadField("email", "once", "this e-mail stands in the file twice")
            self.seen.add((employer, email))
            there = Annotator.objects.filter(email__iexact=email)
            there = (
                there.filter(organisation_id=employer)
                if pool.vendor is not None
                else there.filter(organisation__kind="house")
            )
            if there.exists():
                return False
        annotator = people.create_annotator(
            pool,
            name=row["name"],
            email=email,
            source="file",
            languages=_words(row.get("languages", "")),
            residency=row.get("residency", "").upper(),
            time_zone=row.get("time_zone", "") or pool.time_zone,
            clearance=_clearance(row.get("clearance", "")),
            hourly_cost_micro=_cost(row.get("hourly_cost", "")),
            **self.by,
        )
        self._proofs(annotator, row, skills)
        if hours:
            minutes = WORK_BEGINS * 60 + round(hours * 60)
            availability.set_week(
                annotator,
                range(5),
                starts=time(WORK_BEGINS),
                ends=time(minutes // 60 % 24, minutes % 60),
                valid_from=_date(row.get("starts_on", ""), "starts_on") or self.today,
                **self.by,
            )
        return True

    def _proofs(
        self, annotator: Annotator, row: dict[str, str], skills: list[tuple[Skill, int]]
    ) -> None:
        if self.verified:
            people.verify_facts(annotator, **self.by)
        for skill, level in skills:
            held = people.declare_skill(annotator, skill, level, **self.by)
            if self.verified:
                people.verify_skill(held, **self.by)
        if not row.get("certificate"):
            return
        kind = self.certificates.get(row["certificate"])
        if kind is None:
            raise BadField(
                "certificate", "known", f"there is no certificate {row['certificate'][:60]!r}"
            )
        issued = _date(row.get("issued_on", ""), "issued_on")
        if issued is None:
            raise BadField("issued_on", "required", "a certificate has a day of issue")
        proof = people.declare_certification(
            annotator,
            type=kind,
            issuer=row.get("issuer", ""),
            number=row.get("number", ""),
            issued_on=issued,
            valid_until=_date(row.get("valid_until", ""), "valid_until"),
            **self.by,
        )
        if self.verified:
            people.verify_certification(proof, **self.by)

    def _skills(self, text: str) -> list[tuple[Skill, int]]:
        found = []
        for word in _words(text):
            key, _colon, level = word.partition(":")
            if key not in self.skills:
                raise BadField("skills", "known", f"there is no skill {key[:60]!r}")
            if level and level not in "12345":
                raise BadField("skills", "level", f"{level[:20]!r} is no level from 1 to 5")
            found.append((self.skills[key], int(level or 1)))
        return found


def _text(value: Any, name: str) -> str:
    if isinstance(value, list):
        value = " ".join(str(item) for item in value)
    text = "" if value is None else str(value).strip()
    if len(text) > LIMIT:
        raise BadField(name, "length", f"it has {len(text):,} characters, {LIMIT:,} are allowed")
    return text


def _words(text: str) -> list[str]:
    return text.replace(";", " ").replace(",", " ").split()


def _hours(text: str) -> float:
    if not text:
        return 0.0
    try:
        hours = Decimal(text)
    except InvalidOperation as error:
        raise BadField("hours_per_day", "number", f"{text[:40]!r} is no number") from error
    if not hours.is_finite() or hours < 0:
        raise BadField("hours_per_day", "not_negative", "hours are not negative")
    if hours > 16:
        raise BadField("hours_per_day", "range", "a day has at most 16 hours of work")
    return float(hours)


def _clearance(text: str) -> int:
    if text not in ("", "0", "1", "2", "3"):
        raise BadField("clearance", "range", f"{text[:40]!r} is none of 0, 1, 2, 3")
    return int(text or 0)


def _cost(text: str) -> int | None:
    if not text:
        return None
    try:
        micro = to_micro(text)
    except ValueError as error:
        raise BadField("hourly_cost", "number", str(error)[:200]) from error
    if micro < 0:
        raise BadField("hourly_cost", "not_negative", "an hourly cost is not negative")
    return micro


def _date(text: str, name: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadField(name, "date", f"{text[:40]!r} is no ISO 8601 date") from error
