"""Which label is taken for which: the matrix, the pairs in words, and the tasks behind a count."""

from typing import Any

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
from quality.admin.files import csv_answer
from quality.admin.spans import days_of, linker, read_choice, read_span
from quality.admin.tables import Cell, Head, number, span, table
from quality.core.confusion import REST, Confusion
from quality.reports.confusion import (
    SOURCES,
    Asked,
    confused,
    confused_rows,
    confused_table,
    kinds_of_work,
    may_open,
    usual_kind,
)
from quality.reports.ratings import VIEW
from routing.models import Project
from workforce.models import Annotator

SHOWN_ROWS = 50
LONGEST = 24  # characters of a label in the matrix; the whole stands in the table and on hover


class ConfusionPages:
    """Adds the pages to an admin."""

    admin_site: AdminSite

    def get_urls(self) -> list[Any]:
        own = [
            path(address, self.admin_site.admin_view(view), name=name)
            for address, view, name in (
                ("confusion/", self.confusion, "quality_confusion"),
                ("confusion/csv/", self.confusion_csv, "quality_confusion_csv"),
                ("confusion/rows/", self.confusion_rows, "quality_confusion_rows"),
            )
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def confusion(self, request: HttpRequest) -> HttpResponse:
        """Return the page of a confusion matrix."""
        asked, user = _asked(request), actor(request)
        found = confused(asked, acting_user=user) if asked is not None else None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Labels taken for others"),
            "fields": _fields(request, asked),
            "kept": [(name, request.GET.get(name, "")) for name in ("annotator",) if asked],
            "asked": asked,
            **(_shown(asked, found, may_open(user, asked.source)) if asked and found else {}),
        }
        if asked is not None:
            context |= days_of(asked.since, asked.until)
        return render(request, "admin/quality/confusion.html", context)

    def confusion_csv(self, request: HttpRequest) -> HttpResponse:
        """Return all pairs of labels with their counts as a file."""
        asked = _asked(request)
        if asked is None:
            raise Http404
        counts = confused_table(asked, acting_user=actor(request))
        return csv_answer("confusion", counts, permission=VIEW, user=actor(request))

    def confusion_rows(self, request: HttpRequest) -> HttpResponse:
        """Return the answers behind a count."""
        asked, user = _asked(request), actor(request)
        if asked is None:
            raise Http404
        if not may_open(user, asked.source):
            raise PermissionDenied
        true, given = request.GET.get("true", ""), request.GET.get("given", "")
        rows = confused_rows(asked, true, given, acting_user=user)
        link = linker({**_choices(asked), "true": true, "given": given})
        if "csv" in request.GET:
            return csv_answer("confusion-rows", rows, permission=VIEW, user=user)
        page = Paginator(rows.to_dict("records"), SHOWN_ROWS).get_page(request.GET.get("p"))
        traced = can(user, "lineage.view")
        address = reverse("admin:quality_confusion_rows")
        context = {
            **self.admin_site.each_context(request),
            "title": _("%(true)s, answered %(given)s") % {"true": true, "given": given},
            "back": linker(_choices(asked))(reverse("admin:quality_confusion")),
            "count": len(rows),
            "page": page,
            "table": table(
                _("By %(source)s, newest first") % {"source": SOURCES[asked.source][0]},
                [Head(_("task")), Head(_("project")), Head(_("annotator")), Head(_("when"))],
                [
                    [
                        Cell(
                            row["task"],
                            reverse("admin:quality_lineage", args=[row["task_id"]])
                            if traced
                            else "",
                        ),
                        row["project"],
                        row["annotator"],
                        row["at"].strftime("%Y-%m-%d %H:%M UTC"),
                    ]
                    for row in page
                ],
                empty=_("Nothing stands behind it."),
            ),
            "csv": link(address, csv="1"),
            "previous": link(address, p=page.number - 1) if page.has_previous() else "",
            "next": link(address, p=page.number + 1) if page.has_next() else "",
            **days_of(asked.since, asked.until),
        }
        return render(request, "admin/quality/profile_rows.html", context)


def _asked(request: HttpRequest) -> Asked | None:
    """Return what the address asks for; None where there is no kind of work with labels."""
    user = actor(request)
    if not can(user, VIEW):
        raise PermissionDenied
    since, until = read_span(request)
    source = request.GET.get("source", "gold")
    task_type = read_choice(request, "task_type", kinds_of_work()) or usual_kind(
        _annotator(request)
    )
    if task_type is None:
        return None
    return Asked(
        task_type=task_type,
        source=source if source in SOURCES else "gold",
        since=since,
        until=until,
        project=read_choice(request, "project", scoped(Project.objects.all(), user)),
        annotator=_annotator(request),
    )


def _annotator(request: HttpRequest) -> Annotator | None:
    text = request.GET.get("annotator", "")
    if not text:
        return None
    rows = scoped(Annotator.objects.all(), actor(request))
    short = text.isdecimal() and len(text) < 19
    found = rows.filter(pk=int(text)).first() if short else None
    if found is None:
        raise Http404
    return found


def _choices(asked: Asked) -> dict[str, str]:
    return {
        **days_of(asked.since, asked.until),
        "source": asked.source,
        "task_type": asked.task_type.key,
        "project": asked.project.key if asked.project is not None else "",
        "annotator": str(asked.annotator.pk) if asked.annotator is not None else "",
    }


def _fields(request: HttpRequest, asked: Asked | None) -> list[dict[str, Any]]:
    if asked is None:
        return []
    projects = scoped(Project.objects.order_by("name"), actor(request))
    return [
        {
            "name": "source",
            "title": _("the truth is"),
            "choices": [(key, name, key == asked.source) for key, (name, _p) in SOURCES.items()],
        },
        {
            "name": "task_type",
            "title": _("task type"),
            "choices": [(row.key, row.name, row == asked.task_type) for row in kinds_of_work()],
        },
        {
            "name": "project",
            "title": _("project"),
            "all": _("all"),
            "choices": [(row.key, row.name, row == asked.project) for row in projects],
        },
    ]


def _shown(asked: Asked, found: Confusion, opened: bool) -> dict[str, Any]:
    link = linker(_choices(asked))
    address = reverse("admin:quality_confusion_rows")
    names = [name if name != REST else _("all others") for name in found.labels]
    of_true = found.counts.sum(axis=1)
    rows = []
    for t, true in enumerate(found.labels):
        cells = []
        for g, given in enumerate(found.labels):
            n = int(found.counts[t, g])
            known = opened and n and REST not in (true, given)
            cells.append(
                {
                    "cell": Cell(
                        number(n) if n else "·",
                        link(address, true=true, given=given) if known else "",
                        shade=n / of_true[t] if of_true[t] else 0.0,
                    ),
                    "right": t == g and true != REST,
                    "title": f"{names[t]} → {names[g]}: {n:,}",
                }
            )
        rows.append({"name": names[t], "short": _short(names[t]), "cells": cells})
    return {
        "rows": rows,
        "heads": [{"name": name, "short": _short(name)} for name in names],
        "source": SOURCES[asked.source][0],
        "checked": number(found.checked),
        "share": f"{found.right / found.checked:.1%}" if found.checked else "",
        "cut": found.cut,
        "labels": number(found.every),
        "shown_labels": len(found.labels) - found.cut,
        "words": [
            _("%(true)s is taken for %(given)s: %(n)s of its answers, %(share)s (%(span)s)")
            % {
                "true": true,
                "given": given,
                "n": number(n),
                "share": f"{share:.1%}",
                "span": f"{low:.1%} – {high:.1%}",
            }
            for true, given, n, share, low, high in found.pairs[:3]
        ],
        "pairs": table(
            _("The most frequent mistakes"),
            [
                Head(_("true")),
                Head(_("given")),
                Head(_("answers"), number=True),
                Head(_("of the true label's"), number=True),
                Head(_("95 % interval"), number=True),
            ],
            [
                [
                    true,
                    given,
                    Cell(number(n), link(address, true=true, given=given) if opened else ""),
                    f"{share:.1%}",
                    span(low, high),
                ]
                for true, given, n, share, low, high in found.pairs
            ],
            empty=_("No mistake was found."),
        ),
        "csv": link(reverse("admin:quality_confusion_csv")),
    }


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
