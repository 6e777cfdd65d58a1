"""The page of a task in hand: what it shows by what it is for, and only while it is held."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.access import access
from common.time import utc_now
from console.queue.answers import fields_of, shown_answer, written
from console.queue.checks import adjudication_shown, review_of, review_shown
from console.queue.doors import Visit, shut
from console.queue.forms import SkipForm
from console.queue.parts import Asked, asked_for
from quality.models import Judgment
from quality.services.qualification_offers import progress_of
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, Purpose
from routing.models import Assignment, GuidelineVersion, Task
from routing.selectors import guideline_of, shown_reference, tool_link

# Nobody who is measured can tell these apart.
WORK = (Purpose.LABEL, Purpose.GOLD, Purpose.QUALIFICATION)
TEMPLATES = {
    Purpose.REVIEW: "queue/review.html",
    Purpose.ADJUDICATION: "queue/adjudication.html",
}


def own(request: Visit, public_id: UUID, *purposes: str) -> Assignment:
    """Return an assignment of whoever asks, whatever else they may see; NotFound if it is none.

    purposes : that are meant; none = all
    """
    rows = Assignment.objects.filter(annotator=request.annotator)
    if purposes:
        rows = rows.filter(purpose__in=purposes)
    related = ("task__project", "task__task_type", "guideline", "annotator")
    return access(rows.select_related(*related), request.user, public_id)


def guideline_for(row: Assignment, now: datetime) -> GuidelineVersion | None:
    """Return the guideline version that counts: for a review, that of the answer it looks at."""
    if row.purpose == Purpose.REVIEW:
        judgment = review_of(row).judgment
        if judgment is not None and judgment.guideline is not None:
            return judgment.guideline
    return guideline_of(row, now)


def form_of(row: Assignment, now: datetime) -> Asked:
    """Return what the form of a task in hand asks for."""
    return asked_for(row.task.task_type, guideline_for(row, now))


def task_page(
    request: Visit,
    row: Assignment,
    *,
    given: Any = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
    **extra: Any,
) -> HttpResponse:
    """Return the page of a task: its content only while it is in hand and begun.

    given, errors : what was typed, and what is wrong with it by the name of the field
    """
    now = utc_now()
    live = row.state in LIVE_ASSIGNMENTS and row.lease_until > now
    context: dict[str, Any] = {"here": "home", "held": row, "task": row.task, "live": live}
    if not (live and row.state == AssignmentState.IN_PROGRESS):
        over = AssignmentState.EXPIRED.label if row.state in LIVE_ASSIGNMENTS else None
        kept = "\n".join(written(given)) if given is not None else ""
        context |= {"state": over or row.get_state_display(), "kept": kept, **extra}
        return render(request, "queue/not_begun.html", context, status=status)
    guideline = guideline_for(row, now)
    asked = asked_for(row.task.task_type, guideline)
    checks: dict[str, Any] = {}
    if row.purpose == Purpose.REVIEW:
        asked, given, checks = review_shown(row, asked, given)
    elif row.purpose == Purpose.ADJUDICATION:
        checks = adjudication_shown(row, asked, given)
    host, subject = subject_of(row.task)
    context |= {
        "guideline": guideline,
        "asked": asked,
        "fields": fields_of(asked, given, errors),
        "json": str((given or {}).get("json", "")),
        "errors": errors or {},
        "link": tool_link(row),
        **subject,
        "skip": SkipForm(),
        "beat_seconds": beat_seconds(row),
        "progress": progress_of(row),
        "earlier": _earlier(row, asked),
        **checks,
        **extra,
    }
    template = TEMPLATES.get(Purpose(row.purpose), "queue/work.html")
    return shut(render(request, template, context, status=status), *([host] * bool(host)))


def _earlier(row: Assignment, asked: Asked) -> list[dict[str, Any]]:
    """Return what its holder answered to a task that is to be done anew, [] where it is not."""
    before = Judgment.objects.filter(
        task=row.task_id, annotator=row.annotator_id, assignment__attempt__lt=row.attempt
    )
    last = before.order_by("-pk").first()
    return shown_answer(asked, last.answer) if last is not None else []


def subject_of(task: Task) -> tuple[str, dict[str, Any]]:
    """Return the host of what may be shown of a task, and what a page shows."""
    host, kind = shown_reference(task)
    return host, {
        "reference": task.payload_reference if host else "",
        "kind": kind,
        "text": task.payload if isinstance(task.payload, str) else None,
        "payload": payload_rows(task.payload),
    }


def payload_rows(payload: Any) -> list[dict[str, Any]]:
    """Return an inline payload as rows of name and text; a text alone is none."""
    if payload is None or isinstance(payload, str):
        return []
    rows = payload.items() if isinstance(payload, dict) else [("", payload)]
    found = []
    for name, value in rows:
        nested = isinstance(value, dict | list)
        text = json.dumps(value, ensure_ascii=False, indent=2) if nested else _plain(value)
        found.append({"name": name, "text": text, "code": nested})
    return found


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value)


def beat_seconds(row: Assignment) -> int:
    """Return how often a page says that somebody is there: five times a lease, or by the minute."""
    return max(min(row.task.project.lease_minutes * 12, 60), 10)
