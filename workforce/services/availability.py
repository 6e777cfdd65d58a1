"""Shifts, leave, public holidays and declared capacity."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from decimal import Decimal

import holidays
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.records import save_record
from audit.services.events import record_event
from common.errors import Invalid
from workforce.choices import PoolKind
from workforce.models import Annotator, DeclaredCapacity, Leave, Pool, PublicHoliday, Shift

PEOPLE = "people.manage"


@transaction.atomic
def set_week(
    annotator: Annotator,
    weekdays: Iterable[int],
    *,
    starts: time,
    ends: time,
    valid_from: date,
    acting_user: User,
    now: datetime,
) -> list[Shift]:
    """Give an annotator the same shift on some weekdays; shifts that are there stay.

    Raises
    ------
    Invalid
        If the shift is empty or a weekday is none.
    """
    require(acting_user, PEOPLE)
    there = {
        (shift.weekday, shift.starts, shift.valid_from)
        for shift in Shift.objects.filter(annotator=annotator)
    }
    return [
        save_record(
            Shift(
                annotator=annotator,
                weekday=weekday,
                starts=starts,
                ends=ends,
                valid_from=valid_from,
            ),
            permission=PEOPLE,
            acting_user=acting_user,
            now=now,
        )
        for weekday in weekdays
        if (weekday, starts, valid_from) not in there
    ]


def add_leave(
    annotator: Annotator,
    *,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    acting_user: User,
    now: datetime,
) -> Leave:
    """Add time away [starts_at, ends_at).

    Raises
    ------
    Invalid
        If it ends before it starts.
    """
    if ends_at <= starts_at:
        raise Invalid(_("Leave starts before it ends."), field="ends_at", rule="dates_in_order")
    leave = Leave(annotator=annotator, kind=kind, starts_at=starts_at, ends_at=ends_at)
    return save_record(leave, permission=PEOPLE, acting_user=acting_user, now=now)


@transaction.atomic
def load_holidays(
    *, country: str, years: Iterable[int], subdivision: str = "", acting_user: User, now: datetime
) -> int:
    """Add the public holidays of a country that are missing; returns how many.

    Raises
    ------
    Invalid
        If the calendar of the country (or its part) is not known.
    """
    require(acting_user, PEOPLE)
    try:
        calendar = holidays.country_holidays(
            country, subdiv=subdivision or None, years=sorted(set(years))
        )
    except NotImplementedError as error:
        raise Invalid(
            _("There is no calendar of %(country)s %(subdivision)s.")
            % {"country": country, "subdivision": subdivision},
            field="country",
            rule="known",
        ) from error
    there = set(
        PublicHoliday.objects.filter(country=country, subdivision=subdivision).values_list(
            "day", flat=True
        )
    )
    rows = PublicHoliday.objects.bulk_create(
        PublicHoliday(country=country, subdivision=subdivision, day=day, name=name[:200])
        for day, name in sorted(calendar.items())
        if day not in there
    )
    if rows:
        record_event(
            "holidays.loaded", acting_user=acting_user, now=now, country=country, days=len(rows)
        )
    return len(rows)


@transaction.atomic
def declare_capacity(
    pool: Pool, day: date, hours: Decimal, *, acting_user: User, now: datetime
) -> DeclaredCapacity:
    """Declare a pool's net hours of a day; a second declaration replaces the first.

    Raises
    ------
    Invalid
        If hours are negative.
    """
    row = DeclaredCapacity.objects.filter(pool=pool, day=day).first()
    row = row or DeclaredCapacity(pool=pool, day=day)
    row.hours = hours
    return save_capacity(row, acting_user=acting_user, now=now)


def save_capacity(
    row: DeclaredCapacity,
    *,
    changed: Sequence[str] | None = None,
    acting_user: User,
    now: datetime,
) -> DeclaredCapacity:
    """Save a declaration as the user's; in which nothing is changed stays as it is.

    Raises
    ------
    Invalid
        If hours are negative, the pool is no vendor's, or the day is declared already.
    """
    if not row._state.adding and changed == []:
        return row
    if not row.hours.is_finite() or row.hours < 0:
        raise Invalid(_("Hours are not negative."), field="hours", rule="not_negative")
    if row.pool.kind != PoolKind.OUTSOURCED:
        raise Invalid(
            _("Capacity is declared for the pools of vendors."), field="pool", rule="outsourced"
        )
    row.declared_by = acting_user
    return save_record(row, permission=PEOPLE, changed=changed, acting_user=acting_user, now=now)
