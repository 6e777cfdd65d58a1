"""Times and choices that stand in a page's address, read strictly."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from common.time import end_of_day, local_date, start_of_day, utc_now

DAYS = 90
M = TypeVar("M", bound=Model)


def read_span(request: HttpRequest) -> tuple[datetime, datetime]:
    """Return [since, until] as the address says in days of the operation's zone: the last 90.

    What is no day, or ends before it begins, is said on the page, and the usual days are taken.
    """
    now, zone = utc_now(), settings.OPERATION_TIME_ZONE
    today = local_date(now, zone)
    until = _day(request, "until") or today
    since = _day(request, "since") or until - timedelta(days=DAYS)
    if since > until:
        messages.error(request, _("From: it is after the last day. The usual days are shown."))
        since, until = today - timedelta(days=DAYS), today
    return start_of_day(since, zone), min(end_of_day(until, zone), now)


def _day(request: HttpRequest, name: str) -> date | None:
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    # Years that no answer is of would leave the calendar once days are taken off.
    if found is None or not 2000 <= found.year <= 2100:
        words = {"since": _("From"), "until": _("Until")}[name]
        messages.error(
            request,
            _("%(field)s: %(text)s is no day (such as 2026-03-31).")
            % {"field": words, "text": repr(text[:40])},
        )
        return None
    return found


def read_choice(request: HttpRequest, name: str, rows: QuerySet[M], field: str = "key") -> M | None:
    """Return the row that the address names, None for all; what is no such row is said."""
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    found = rows.filter(**{field: text}).first() if "\x00" not in text else None
    if found is None:
        messages.error(
            request,
            _("There is no %(what)s %(text)s; all are shown.")
            % {"what": rows.model._meta.verbose_name, "text": repr(text[:40])},
        )
    return found


def days_of(since: datetime, until: datetime) -> dict[str, str]:
    """Return the first and last day of a span as an address says them."""
    zone = settings.OPERATION_TIME_ZONE
    last = local_date(until - timedelta(microseconds=1), zone)
    return {"since": local_date(since, zone).isoformat(), "until": last.isoformat()}


def linker(base: dict[str, str]) -> Callable[..., str]:
    """Return a function that puts a page's choices, and more of them, behind an address."""

    def link(address: str, **more: Any) -> str:
        asked = {name: value for name, value in {**base, **more}.items() if value not in ("", None)}
        return f"{address}?{urlencode(asked)}" if asked else address

    return link
