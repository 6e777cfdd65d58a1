"""The profile of an annotator: pictures and tables, each number with the rows behind it.

Stands beside the annotator's page of the workforce; console.navigation puts the two under one tab
bar.
"""

from datetime import date
from typing import Any

import pandas as pd
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from accounts.access import scoped
from accounts.console_admin import actor
from accounts.permissions import can
from common.errors import NotFound
from quality.admin.files import csv_answer
from quality.admin.profile_shown import page_of
from quality.admin.spans import days_of, linker, read_choice, read_span
from quality.admin.tables import Cell, Head, number, table
from quality.reports.profile import Profile, annotator_profile
from quality.reports.profile_facts import facts_of
from quality.reports.profile_rows import KINDS, profile_rows
from quality.reports.ratings import VIEW
from quality.reports.spans import Span
from workforce.models import Annotator, Skill

SHOWN_ROWS = 50


class ProfilePages:
    """Adds the pages to an admin."""

    admin_site: AdminSite

    def get_urls(self) -> list[Any]:
        own = [
            path(
                f"annotator/<str:object_id>/{address}", self.admin_site.admin_view(view), name=name
            )
            for address, view, name in (
                ("", self.profile, "quality_profile"),
                ("csv/<str:name>/", self.profile_csv, "quality_profile_csv"),
                ("rows/<str:kind>/", self.profile_rows, "quality_profile_rows"),
            )
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def profile(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the page of an annotator's profile."""
        found = _profile(request, object_id)
        user, span = actor(request), found.span
        facts = facts_of(found.annotator, span, acting_user=user)
        context = {
            **self.admin_site.each_context(request),
            **page_of(found, facts, user),
            "title": _("Profile of %(name)s") % {"name": found.annotator.name},
            "skills": _skills(found),
            **days_of(span.since, span.until),
        }
        return render(request, "admin/quality/profile.html", context)

    def profile_csv(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Return one of the tables as a file."""
        found = _profile(request, object_id)
        tables = {
            "estimates": found.estimates.drop(columns="skill_name"),
            "days": _with_dates(found.output.table),
            "types": found.by_type,
            "throughput": found.outputs,
            "agreement": found.agreement.drop(columns="agreement"),
            "errors": found.errors,
            "reviews": found.reviews,
        }
        if name not in tables or (name in ("errors", "reviews") and found.errors.columns.empty):
            raise Http404
        return csv_answer(f"profile-{name}", tables[name], permission=VIEW, user=actor(request))

    def profile_rows(self, request: HttpRequest, object_id: str, kind: str) -> HttpResponse:
        """Return the rows behind a number, on a page or as a file."""
        annotator, span = _asked(request, object_id)
        user = actor(request)
        if kind not in KINDS:
            raise Http404
        title, permission = KINDS[kind]
        if not can(user, permission):
            raise PermissionDenied
        asked = {
            name: request.GET.get(name, "")[:60]
            for name in ("task_type", "why", "category", "severity")
        }
        day = request.GET.get("day", "")
        try:
            rows = profile_rows(
                annotator,
                span,
                kind,
                acting_user=user,
                day=int(day) if day.isdecimal() and len(day) < 8 else None,
                **asked,
            )
        except NotFound as error:
            raise Http404 from error
        if "csv" in request.GET:
            name = f"profile-{kind}"
            return csv_answer(name, rows, permission=permission, user=user)
        page = Paginator(rows.to_dict("records"), SHOWN_ROWS).get_page(request.GET.get("p"))
        link = linker({**_choices(span), **asked, "day": day})
        address = reverse("admin:quality_profile_rows", args=[annotator.pk, kind])
        context = {
            **self.admin_site.each_context(request),
            "title": f"{title} · {annotator.name}",
            "back": linker(_choices(span))(reverse("admin:quality_profile", args=[annotator.pk])),
            "count": len(rows),
            "page": page,
            "table": _rows_table(list(page), can(user, "lineage.view")),
            "csv": link(address, csv="1"),
            "previous": link(address, p=page.number - 1) if page.has_previous() else "",
            "next": link(address, p=page.number + 1) if page.has_next() else "",
            **days_of(span.since, span.until),
        }
        return render(request, "admin/quality/profile_rows.html", context)


def _asked(request: HttpRequest, object_id: str) -> tuple[Annotator, Span]:
    """Return whom and what the address asks for, if the user may see it."""
    user = actor(request)
    if not can(user, VIEW):
        raise PermissionDenied
    rows = scoped(Annotator.objects.select_related("pool__vendor"), user)
    short = object_id.isdecimal() and len(object_id) < 19
    annotator = rows.filter(pk=int(object_id)).first() if short else None
    if annotator is None:
        raise Http404
    since, until = read_span(request)
    return annotator, Span(since, until, read_choice(request, "skill", Skill.objects.all()))


def _profile(request: HttpRequest, object_id: str) -> Profile:
    annotator, span = _asked(request, object_id)
    return annotator_profile(annotator, span, acting_user=actor(request))


def _choices(span: Span) -> dict[str, str]:
    """Return what the address says of a span."""
    skill = span.skill.key if span.skill is not None else ""
    return {**days_of(span.since, span.until), "skill": skill}


def _skills(found: Profile) -> list[dict[str, Any]]:
    """Return the skills to choose from: all, for the address may name any."""
    chosen = found.span.skill
    return [
        {"key": skill.key, "name": skill.name, "chosen": chosen is not None and skill == chosen}
        for skill in Skill.objects.order_by("name")
    ]


def _with_dates(days: pd.DataFrame) -> pd.DataFrame:
    return days.assign(day=[date.fromordinal(day).isoformat() for day in days["day"]])


def _rows_table(rows: list[dict[str, Any]], traced: bool) -> dict[str, Any]:
    heads = [
        Head(_("task")),
        Head(_("project")),
        Head(_("task type")),
        Head(_("when")),
        Head(_("label")),
        Head(_("billable seconds"), number=True),
        Head(_("outcome")),
    ]
    shown = []
    for row in rows:
        address = reverse("admin:quality_lineage", args=[row["task_id"]]) if traced else ""
        shown.append(
            [
                Cell(row["task"], address),
                row["project"],
                row["task_type"],
                row["at"].strftime("%Y-%m-%d %H:%M UTC"),
                row["label"] or "–",
                Cell(number(row["seconds"], 1), note=_faults(row)),
                row["outcome"],
            ]
        )
    return table(_("Newest first"), heads, shown, empty=_("Nothing stands behind it."))


def _faults(row: dict[str, Any]) -> str:
    """Return the rule by which seconds were derived, and the faults it met."""
    return " · ".join(part for part in (row["rule"], row["faults"]) if part)
