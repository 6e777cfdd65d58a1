"""Lineage of a task's labels: a page, and the same as a JSON file."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from accounts.access import scoped
from accounts.console_admin import actor
from accounts.permissions import can
from common.time import utc_now
from quality.admin.lineage_shown import page_of
from quality.reports.lineage import VIEW, lineage
from quality.services.exports import export_json
from routing.models import Task


class LineagePages:
    """Adds the pages to an admin."""

    admin_site: AdminSite

    def get_urls(self) -> list[Any]:
        own = [
            path(f"lineage/<str:object_id>/{address}", self.admin_site.admin_view(view), name=name)
            for address, view, name in (
                ("", self.lineage, "quality_lineage"),
                ("json/", self.lineage_json, "quality_lineage_json"),
            )
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def lineage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the page of a task's lineage."""
        task = _task(request, object_id)
        found = lineage(task, acting_user=actor(request), now=utc_now())
        context = {
            **self.admin_site.each_context(request),
            **page_of(found, actor(request)),
            "title": _("Lineage of %(task)s") % {"task": task.external_id},
            "task": task,
            "json": reverse("admin:quality_lineage_json", args=[task.pk]),
        }
        return render(request, "admin/quality/lineage.html", context)

    def lineage_json(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return a task's lineage as a file."""
        task, now = _task(request, object_id), utc_now()
        found = lineage(task, acting_user=actor(request), now=now)
        text = export_json("lineage", found, permission=VIEW, acting_user=actor(request), now=now)
        answer = HttpResponse(text, content_type="application/json; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="lineage-{task.public_id}.json"'
        answer["Cache-Control"] = "no-store"
        return answer


def _task(request: HttpRequest, object_id: str) -> Task:
    user = actor(request)
    if not can(user, VIEW):
        raise PermissionDenied
    short = object_id.isdecimal() and len(object_id) < 19
    task = scoped(Task.objects.all(), user).filter(pk=int(object_id)).first() if short else None
    if task is None:
        raise Http404
    return task
