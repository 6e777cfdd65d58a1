"""Correcting an answer of one's own, as long as nobody has built on it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import access
from common.errors import AppError, NotFound
from common.time import utc_now
from console.queue.answers import confidence_of, data_of, field_of_path, fields_of, read_answer
from console.queue.doors import Visit, door, shut
from console.queue.forms import seconds_of
from console.queue.page import subject_of
from console.queue.parts import JSON, Asked, asked_for
from quality.errors import BadAnswer
from quality.models import Judgment
from quality.reports.own_work import own_answers
from quality.services.submitting import check_correctable, correct


@door
@require_http_methods(["GET", "HEAD", "POST"])
def correct_it(request: Visit, public_id: UUID) -> HttpResponse:
    """Show an answer with its task again, and take its correction.

    Whether an answer can be corrected tells nothing of gold: see `quality.services.submitting`.
    """
    rows = own_answers(request.annotator, acting_user=request.user)
    judgment = access(rows, request.user, public_id)
    if judgment.assignment is None:
        raise NotFound(what="answer")
    try:
        check_correctable(judgment, acting_user=request.user, now=utc_now())
        return _take(request, judgment) if request.method == "POST" else _page(request, judgment)
    except AppError as error:
        messages.error(request, str(error))
        return redirect("queue:answers")


def _form(judgment: Judgment) -> tuple[Asked, dict[str, Any]]:
    """Return the form, and the answer in it; one that it cannot hold is corrected as JSON."""
    asked = asked_for(judgment.task.task_type, judgment.guideline)
    data = data_of(asked, judgment.answer)
    return (asked, data) if data is not None else (JSON, data_of(JSON, judgment.answer) or {})


def _take(request: Visit, judgment: Judgment) -> HttpResponse:
    asked, _data = _form(judgment)
    if request.POST.get("find"):
        return _page(request, judgment, given=request.POST)
    read = read_answer(asked, request.POST)
    if read.errors:
        return _page(request, judgment, given=request.POST, errors=read.errors)
    try:
        correct(
            judgment,
            answer=read.answer,
            raw_seconds=seconds_of(request.POST),
            confidence=confidence_of(asked, read.answer),
            acting_user=request.user,
            now=utc_now(),
        )
    except BadAnswer as error:
        name = field_of_path(asked, str(error.data.get("path", "")))
        errors = {name: str(error)} if name else {}
        problem = "" if name else str(error)
        return _page(request, judgment, given=request.POST, errors=errors, problem=problem)
    messages.success(request, _("Corrected."))
    return redirect("queue:answers")


def _page(
    request: Visit,
    judgment: Judgment,
    *,
    given: Any = None,
    errors: Mapping[str, str] | None = None,
    problem: str = "",
) -> HttpResponse:
    asked, data = _form(judgment)
    data = given if given is not None else data
    host, subject = subject_of(judgment.task)
    context = {
        "here": "time",
        "judgment": judgment,
        "held": judgment.assignment,
        "task": judgment.task,
        "guideline": judgment.guideline,
        "asked": asked,
        "fields": fields_of(asked, data, errors),
        "json": str(data.get("json", "")),
        "errors": errors or {},
        "problem": problem,
        **subject,
    }
    status = 422 if errors or problem else 200
    page = render(request, "queue/correct.html", context, status=status)
    return shut(page, *([host] * bool(host)))
