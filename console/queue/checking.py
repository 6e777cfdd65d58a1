"""Deciding a quality review or an adjudication that is in hand."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from common.errors import AppError, Conflict, Invalid, NotFound
from common.time import utc_now
from console.queue.answers import data_of, field_of_path, read_answer
from console.queue.checks import OTHER, adjudication_of, choices_of, review_of
from console.queue.doors import Visit, door
from console.queue.forms import seconds_of
from console.queue.handing_in import after
from console.queue.page import form_of, own, task_page
from console.queue.parts import JSON, Asked
from quality.choices import ReviewOutcome
from quality.core.normal import canonical
from quality.errors import BadAnswer
from quality.models import Judgment
from quality.services.adjudication_work import decide_in_hand
from quality.services.reviewing import decide_review, reviewed_value
from routing.choices import Purpose
from routing.models import Assignment
from routing.services import assignments


@door
@require_POST
def review(request: Visit, public_id: UUID) -> HttpResponse:
    """Decide a quality review in hand: accept, fix or reject; then go on."""
    row, now, data = own(request, public_id, Purpose.REVIEW), utc_now(), request.POST
    try:
        looked_at = review_of(row)
    except NotFound:
        messages.error(request, _("Somebody else reviews this now, or has reviewed it."))
        return redirect("queue:home")
    if data.get("find"):
        return task_page(request, row, given=data)
    outcome = data.get("outcome", "")
    values: dict[str, Any] = {}
    asked = form_of(row, now)
    before = reviewed_value(looked_at).answer
    if data_of(asked, before) is None:
        asked = JSON
    if outcome != ReviewOutcome.ACCEPT:
        values = {name: data.get(name, "") for name in ("category", "severity")}
        read = read_answer(asked, data)
        same = not read.errors and canonical(read.answer) == canonical(before)
        # Whoever rejects need not say what is right.
        if outcome == ReviewOutcome.FIX or not (same or _untouched(asked, data)):
            if read.errors:
                return task_page(request, row, given=data, errors=read.errors, status=422)
            values["answer"] = read.answer
    try:
        decide_review(
            looked_at,
            outcome=outcome,
            comment=data.get("comment", ""),
            raw_seconds=seconds_of(data),
            acting_user=request.user,
            now=now,
            **values,
        )
    except Invalid as error:
        return _refused(request, row, asked, error)
    except AppError as error:
        return _over(request, row, error)
    return after(request, row)


def _untouched(asked: Asked, data: Any) -> bool:
    """Tell whether nothing stands in the fields of an answer."""
    names = [part.name for part in asked.parts] or ["json"]
    return not any(str(data.get(name, "")).strip() for name in names)


@door
@require_POST
def adjudicate(request: Visit, public_id: UUID) -> HttpResponse:
    """Decide an adjudication in hand: one of the answers, or another one, with the reason."""
    row, now = own(request, public_id, Purpose.ADJUDICATION), utc_now()
    asked, data = form_of(row, now), request.POST
    if data.get("find"):
        return task_page(request, row, given=data)
    try:
        adjudication_of(row)
    except NotFound:
        messages.error(request, _("Somebody else decides this now."))
        return redirect("queue:home")
    side = data.get("side", "")
    values: dict[str, Any] = {}
    if side == OTHER:
        read = read_answer(asked, data)
        if read.errors:
            return task_page(request, row, given=data, errors=read.errors, status=422)
        values["answer"] = read.answer
    else:
        found = next((one for one in choices_of(row, asked) if one.token == side), None)
        if found is None:
            errors = {"side": _("Choose one of the answers, or give another one.")}
            return task_page(request, row, given=data, errors=errors, status=422)
        values["winner"] = Judgment.objects.get(pk=found.judgment_id)
    try:
        decide_in_hand(
            row,
            reason=data.get("reason", ""),
            raw_seconds=_not_negative(seconds_of(data)),
            acting_user=request.user,
            now=now,
            **values,
        )
    except Invalid as error:
        return _refused(request, row, asked, error)
    except AppError as error:
        return _over(request, row, error)
    return after(request, row)


def _not_negative(seconds: float | None) -> float | None:
    return seconds if seconds is None or seconds >= 0 else None


def _refused(request: Visit, row: Assignment, asked: Asked, error: Invalid) -> HttpResponse:
    """Show the page again with what is wrong, beside its field where it has one."""
    name = error.field
    if name == "answer":
        path = str(error.data.get("path", "")) if isinstance(error, BadAnswer) else ""
        name = field_of_path(asked, path) or (asked.parts[0].name if asked.parts else "json")
    return task_page(
        request, row, given=request.POST, errors={name: str(error)}, status=error.status
    )


def _over(request: Visit, row: Assignment, error: AppError) -> HttpResponse:
    """Say that somebody was quicker; what is still held for nothing goes back."""
    if isinstance(error, Conflict):
        with suppress(AppError):
            assignments.release(row, acting_user=request.user, now=utc_now())
    messages.error(request, str(error))
    return redirect("queue:home")
