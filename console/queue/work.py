"""A task in hand: begin it, see it, answer it, skip it, give it back."""

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import access
from common.errors import AppError
from common.time import utc_now
from console.queue.answers import answer_field
from console.queue.doors import Visit, door, shut
from console.queue.forms import SkipForm
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, Purpose
from routing.models import Assignment
from routing.selectors import guideline_of, in_hand, shown_reference, tool_link
from routing.services import assignments
from routing.services.claiming import claim

# Nobody who is measured can tell these apart.
WORK = (Purpose.LABEL, Purpose.GOLD, Purpose.QUALIFICATION)
SHORT = 80  # characters of a value that stands in one line


def own(request: Visit, public_id: UUID, *purposes: str) -> Assignment:
    """Return an assignment of whoever asks, whatever else they may see; NotFound if it is none."""
    rows = Assignment.objects.filter(annotator=request.annotator, purpose__in=purposes or WORK)
    related = ("task__project", "task__task_type", "guideline", "annotator")
    return access(rows.select_related(*related), request.user, public_id)


@door
@require_POST
def take_next(request: Visit) -> HttpResponse:
    """Go to the next task: the first in hand that is not put off, else a new one."""
    return go_on(request)


def go_on(request: Visit) -> HttpResponseRedirect:
    """Begin the next task and lead there, or to the queue, saying why there is none."""
    now = utc_now()
    try:
        held = in_hand(request.annotator, now).filter(deferred_at__isnull=True, purpose__in=WORK)
        row = held.first()
        if row is None:
            row = next(iter(claim(request.annotator, acting_user=request.user, now=now)), None)
        if row is not None:
            assignments.start(row, acting_user=request.user, now=now)
            return redirect("queue:work", row.public_id)
        messages.info(request, _("There is no task for you right now. Look again in a while."))
    except AppError as error:
        messages.error(request, str(error))
    return redirect("queue:home")


@door
@require_POST
def begin(request: Visit, public_id: UUID) -> HttpResponse:
    """Begin a task in hand, or go on with it."""
    row = own(request, public_id)
    try:
        assignments.start(row, acting_user=request.user, now=utc_now())
    except AppError as error:
        messages.error(request, str(error))
        return redirect("queue:home")
    return redirect("queue:work", row.public_id)


@door
@require_safe
def show(request: Visit, public_id: UUID) -> HttpResponse:
    """Show a task that was begun; of one that is over, that it is."""
    return task_page(request, own(request, public_id))


def task_page(request: Visit, row: Assignment, *, status: int = 200, **extra: Any) -> HttpResponse:
    """Return the page of a task: its content only while it is in hand and begun."""
    now = utc_now()
    live = row.state in LIVE_ASSIGNMENTS and row.lease_until > now
    context: dict[str, Any] = {"here": "home", "row": row, "task": row.task, "live": live}
    if not (live and row.state == AssignmentState.IN_PROGRESS):
        over = AssignmentState.EXPIRED.label if row.state in LIVE_ASSIGNMENTS else None
        context |= {"state": over or row.get_state_display(), **extra}
        return render(request, "queue/not_begun.html", context, status=status)
    guideline = guideline_of(row, now)
    host, kind = shown_reference(row.task)
    context |= {
        "guideline": guideline,
        "asked": answer_field(row, guideline),
        "link": tool_link(row),
        "reference": row.task.payload_reference if host else "",
        "kind": kind,
        "text": row.task.payload if isinstance(row.task.payload, str) else None,
        "fields": fields_of(row.task.payload),
        "skip": SkipForm(),
        "given": {},
        "beat_seconds": beat_seconds(row),
        **extra,
    }
    return shut(render(request, "queue/work.html", context, status=status), *([host] * bool(host)))


def fields_of(payload: Any) -> list[dict[str, Any]]:
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


@door
@require_POST
def beat(request: Visit, public_id: UUID) -> HttpResponse:
    """Renew the lease of a task in hand; answers JSON."""
    row = own(request, public_id, *Purpose.values)
    try:
        row = assignments.heartbeat(row, acting_user=request.user, now=utc_now())
    except AppError as error:
        return JsonResponse({"error": str(error), "code": error.code}, status=error.status)
    until = timezone.localtime(row.lease_until)
    return JsonResponse({"until": time_format(until, "TIME_FORMAT")})


@door
@require_POST
def leave_out(request: Visit, public_id: UUID) -> HttpResponse:
    """Skip a task with a reason, and go on to the next."""
    row = own(request, public_id)
    form = SkipForm(request.POST)
    if not form.is_valid():
        return task_page(request, row, status=422, skip=form)
    try:
        assignments.skip(
            row,
            reason=form.cleaned_data["reason"],
            note=form.cleaned_data["note"],
            acting_user=request.user,
            now=utc_now(),
        )
    except AppError as error:
        messages.error(request, str(error))
        return redirect("queue:home")
    messages.success(request, _("Skipped."))
    return go_on(request)


@door
@require_POST
def give_back(request: Visit, public_id: UUID) -> HttpResponse:
    """Give a task back unanswered."""
    row = own(request, public_id)
    try:
        assignments.release(row, acting_user=request.user, now=utc_now())
        messages.success(request, _("Given back."))
    except AppError as error:
        messages.error(request, str(error))
    return redirect("queue:home")
