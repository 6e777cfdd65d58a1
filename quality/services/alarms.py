"""Opening an alarm, taking it in hand, closing it with an outcome."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.choices import CONSOLE_ROLES
from accounts.models import User
from accounts.permissions import PERMISSIONS, can, require
from accounts.services.users import system_user
from audit.services.events import record_event
from common.errors import Conflict, Invalid
from common.words import to_json
from quality.choices import ALARM_TRANSITIONS, AlarmKind, AlarmOutcome, AlarmState
from quality.models import Alarm, AlarmStep
from quality.services.steps import Course, take_step

PERMISSION = "alarms.manage"
# Scheduled watching, and what is noticed while an annotator works, acts as this system user.
WATCHER = "system.watch"
QUIET_DAYS = 30
COURSE = Course(AlarmStep, "alarm", ALARM_TRANSITIONS)


@dataclass(frozen=True)
class Subject:
    """What an alarm is about: ids of rows, and a name for a further part (a field, a segment)."""

    annotator: int | None = None
    skill: int | None = None
    project: int | None = None
    task_type: int | None = None
    guideline: int | None = None
    task: int | None = None
    name: str = ""

    @property
    def key(self) -> str:
        """Return the one word per part that is compared.

        Examples
        --------
        >>> Subject(annotator=3, skill=7).key
        'annotator=3 skill=7'
        """
        parts = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return " ".join(f"{name}={value}" for name, value in parts if value not in (None, ""))

    @property
    def rows(self) -> dict[str, int]:
        """Return the columns of the rows it names."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {f"{name}_id": pk for name, pk in named.items() if name != "name" and pk is not None}


def watcher() -> User:
    """Return the system user under which the house watches."""
    return system_user(WATCHER)


def handlers() -> QuerySet[User]:
    """Return the people of the house who may have an alarm in hand, by name."""
    roles = PERMISSIONS[PERMISSION] & CONSOLE_ROLES
    may = Q(memberships__role__in=roles) | Q(is_superuser=True)
    return User.objects.filter(may, is_active=True).distinct().order_by("name", "email")


def seen_by(rows: QuerySet[Alarm], user: User) -> QuerySet[Alarm]:
    """Leave out the alarms that tell which task is gold, for who may not see gold."""
    return rows if can(user, "gold.view") else rows.exclude(kind=AlarmKind.GOLD)


def open_alarm(
    kind: str,
    subject: Subject,
    *,
    text: str,
    details: dict[str, Any] | None = None,
    acting_user: User,
    now: datetime,
) -> Alarm | None:
    """Open an alarm, or raise the open one of this kind and subject again.

    What is found a second time with the same words and details changes nothing. Returns None while
    the same is known and accepted.

    Parameters
    ----------
    text : what was found (common.words.said), without names, e-mails or answers of people
    details : figures and names of labels, as JSON
    """
    require(acting_user, PERMISSION)
    found = {"text": to_json(text), "details": {**(details or {}), **_named(subject)}}
    with transaction.atomic():
        alarm = _open_one(kind, subject)
        if alarm is None:
            if _quiet(kind, subject, now):
                return None
            alarm = _make(kind, subject, found, acting_user=acting_user, now=now)
            if alarm is not None:
                return alarm
            alarm = _open_one(kind, subject)  # somebody was quicker
            if alarm is None:
                raise Conflict
        _raise_again(alarm, found, acting_user=acting_user, now=now)
    return alarm


def _named(subject: Subject) -> dict[str, str]:
    return {"name": subject.name} if subject.name else {}


def _open_one(kind: str, subject: Subject) -> Alarm | None:
    rows = Alarm.objects.select_for_update(of=("self",)).exclude(state=AlarmState.CLOSED)
    return rows.filter(kind=kind, subject=subject.key).first()


def _quiet(kind: str, subject: Subject, now: datetime) -> bool:
    known = Alarm.objects.filter(kind=kind, subject=subject.key, outcome=AlarmOutcome.KNOWN)
    return known.filter(quiet_until__gt=now).exists()


def _make(
    kind: str, subject: Subject, found: dict[str, Any], *, acting_user: User, now: datetime
) -> Alarm | None:
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(
                kind=kind,
                subject=subject.key,
                opened_at=now,
                raised_at=now,
                **subject.rows,
                **found,
            )
    except IntegrityError:
        return None
    _record(alarm, "opened", acting_user=acting_user, now=now)
    return alarm


def _raise_again(alarm: Alarm, found: dict[str, Any], *, acting_user: User, now: datetime) -> None:
    if {"text": alarm.text, "details": alarm.details} == found:
        return
    later = max(now, alarm.raised_at)
    Alarm.objects.filter(pk=alarm.pk).update(times=F("times") + 1, raised_at=later, **found)
    alarm.refresh_from_db()
    _record(alarm, "raised", acting_user=acting_user, now=now, times=alarm.times)


def own_alarm(alarm: Alarm, owner: User | None, *, acting_user: User, now: datetime) -> Alarm:
    """Take an alarm in hand for somebody, or give it back (None); the same again changes nothing.

    Raises
    ------
    Invalid
        If the owner may not handle alarms.
    Conflict
        If it is closed, or somebody else changed it meanwhile.
    """
    require(acting_user, PERMISSION)
    if owner is not None and not (can(owner, PERMISSION) and owner.is_staff):
        raise Invalid(_("This person does not handle alarms."), field="owner", rule="may")
    if alarm.state != AlarmState.CLOSED and alarm.owner_id == (owner and owner.pk):
        return alarm
    to_state = AlarmState.OWNED if owner is not None else AlarmState.OPEN
    with transaction.atomic():
        _step(alarm, to_state, {"owner": owner}, acting_user=acting_user, now=now)
        _record(
            alarm,
            "owned" if owner is not None else "given_back",
            acting_user=acting_user,
            now=now,
            owner=str(owner.public_id) if owner is not None else None,
        )
    return alarm


def close_alarm(
    alarm: Alarm,
    outcome: str,
    comment: str,
    *,
    quiet_days: int | None = None,
    acting_user: User,
    now: datetime,
) -> Alarm:
    """Close an alarm with what came of it; who closes one without an owner becomes its owner.

    Parameters
    ----------
    quiet_days : where it is known and accepted, for how long the same is not raised again
        (QUIET_DAYS if not given)

    Raises
    ------
    Invalid
        If the outcome is none, or nothing is said about it.
    Conflict
        If it is closed, or somebody else changed it meanwhile.
    """
    require(acting_user, PERMISSION)
    comment = comment.strip()
    if outcome not in AlarmOutcome.values:
        raise Invalid(_("There is no such outcome."), field="outcome", rule="known")
    if not comment:
        raise Invalid(_("Say what was done, or why nothing."), field="comment", rule="required")
    quiet_until = None
    if outcome == AlarmOutcome.KNOWN:
        days = QUIET_DAYS if quiet_days is None else quiet_days
        if not 1 <= days <= 366:
            raise Invalid(_("From 1 to 366 days."), field="quiet_days", rule="range")
        quiet_until = now + timedelta(days=days)
    with transaction.atomic():
        _step(
            alarm,
            AlarmState.CLOSED,
            {
                "owner": alarm.owner or acting_user,
                "outcome": outcome,
                "comment": comment,
                "quiet_until": quiet_until,
                "closed_at": now,
            },
            acting_user=acting_user,
            now=now,
        )
        _record(alarm, "closed", note=comment, acting_user=acting_user, now=now, outcome=outcome)
    return alarm


def _step(
    alarm: Alarm, to_state: str, values: dict[str, Any], *, acting_user: User, now: datetime
) -> None:
    take_step(
        alarm,
        to_state,
        COURSE,
        values=values,
        of_step={"owner": values["owner"]},
        acting_user=acting_user,
        now=now,
    )


def _record(
    alarm: Alarm, what: str, *, note: str = "", acting_user: User, now: datetime, **data: Any
) -> None:
    record_event(
        f"alarm.{what}",
        acting_user=acting_user,
        now=now,
        subject="alarm",
        subject_id=alarm.public_id,
        note=note,
        alarm=alarm.kind,
        **data,
    )
