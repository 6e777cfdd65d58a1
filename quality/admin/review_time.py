"""How much time goes into checks, above the queue of reviews and as a file."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.console_admin import actor
from accounts.permissions import can
from common.time import utc_now
from quality.admin.files import csv_answer
from quality.reports.qa_share import LEAST, MOST, VIEW, qa_share

SHARE_DAYS = 30


def share_csv(request: HttpRequest) -> HttpResponse:
    """Return the share of checks as a file."""
    if not can(actor(request), VIEW):
        raise PermissionDenied
    return csv_answer("qa-share", _shares(request), permission=VIEW, user=actor(request))


def _shares(request: HttpRequest) -> Any:
    now = utc_now()
    return qa_share(acting_user=actor(request), since=now - timedelta(days=SHARE_DAYS), until=now)


def share_context(request: HttpRequest) -> dict[str, Any]:
    words = {
        "under": _("too little is checked"),
        "within": _("as wanted"),
        "over": _("checks take much"),
        "none": _("nobody labelled"),
    }
    rows = []
    for row in _shares(request).to_dict("records"):
        second = row["second_reviews"]
        rows.append(
            {
                **row,
                "labelled": f"{row['label_seconds'] / 3600:,.1f} h",
                "checked": f"{(row['review_seconds'] + row['adjudication_seconds']) / 3600:,.1f} h",
                "share": "–" if row["band"] == "none" else f"{row['share']:.0%}",
                "words": words[row["band"]],
                "agreement": f"{row['agreement']:.0%} ({row['lower']:.0%} – {row['upper']:.0%})"
                if second
                else "–",
            }
        )
    return {
        "shares": rows,
        "share_days": SHARE_DAYS,
        "share_least": f"{LEAST:.0%}",
        "share_most": f"{MOST:.0%}",
    }
