"""Teams and vendors like for like, and everybody's ratings as a file: pages without rows of theirs.

They stand under the estimations, whose numbers they tell.
"""

from datetime import timedelta
from typing import Any

import pandas as pd
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from accounts.console_admin import actor
from accounts.permissions import can
from common.time import utc_now
from quality.admin.files import csv_answer
from quality.admin.pictures import intervals
from quality.admin.tables import number
from quality.reports.comparing import Comparison, compare_pools
from quality.reports.ratings import VIEW, ratings

PERIODS = (30, 90, 365)
PLACES = {
    "ratio": 3,
    "seconds": 1,
    "hourly": 1,
    "hourly_lower": 1,
    "hourly_upper": 1,
    "cost": 4,
    "cost_lower": 4,
    "cost_upper": 4,
}


class ComparingPages:
    """Adds the pages to an admin."""

    admin_site: AdminSite

    def get_urls(self) -> list[Any]:
        own = [
            path(address, self.admin_site.admin_view(view), name=name)
            for address, view, name in (
                ("comparison/", self.comparison, "quality_comparison"),
                ("comparison/csv/", self.comparison_csv, "quality_comparison_csv"),
                ("ratings/csv/", self.ratings_csv, "quality_ratings_csv"),
            )
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def comparison(self, request: HttpRequest) -> HttpResponse:
        """Return the page of pools like for like."""
        days = _days(request)
        found = _compared(request, days)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Teams and vendors like for like"),
            "rows": [_shown(row) for row in found.table.to_dict("records")],
            "strata": [
                {**row, "share": f"{row['share']:.0%}"} for row in found.strata.to_dict("records")
            ],
            "covered": f"{found.covered:.0%}",
            "picture": _picture(found),
            "days": days,
            "periods": [
                {"days": n, "title": _("last %(n)s days") % {"n": n}, "chosen": n == days}
                for n in PERIODS
            ],
        }
        return render(request, "admin/quality/comparison.html", context)

    def comparison_csv(self, request: HttpRequest) -> HttpResponse:
        """Return the comparison as a file."""
        found = _compared(request, _days(request))
        return csv_answer("comparison", found.table, permission=VIEW, user=actor(request))

    def ratings_csv(self, request: HttpRequest) -> HttpResponse:
        """Return everybody's ratings as a file."""
        _check(request)
        table = ratings(acting_user=actor(request), now=utc_now())
        return csv_answer("ratings", table, permission=VIEW, user=actor(request))


def _check(request: HttpRequest) -> None:
    if not can(actor(request), VIEW):
        raise PermissionDenied


def _days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in map(str, PERIODS) else PERIODS[1]


def _compared(request: HttpRequest, days: int) -> Comparison:
    _check(request)
    now = utc_now()
    return compare_pools(acting_user=actor(request), now=now, since=now - timedelta(days=days))


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the page tells it; None where nothing is known."""
    shares = ("crude", "accuracy", "lower", "upper")
    found = {name: None if pd.isna(row[name]) else f"{row[name]:.3f}" for name in shares}
    for name, places in PLACES.items():
        found[name] = None if pd.isna(row[name]) else number(row[name], places)
    return {**row, **found}


def _picture(found: Comparison) -> Any:
    rows = [
        (row["name"], row["accuracy"], row["lower"], row["upper"])
        for row in found.table.to_dict("records")
        if not pd.isna(row["accuracy"])
    ]
    if not rows:
        return ""
    low = max(min(row[2] for row in rows) - 0.05, 0.0)
    title = _("Share right on one mix of work; the table below says the same")
    return intervals(rows, title=title, low=low)
