"""Handing in answers by the built-in form, and searching among its labels."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.errors import AppError
from common.time import utc_now
from console.queue.answers import confidence_of, field_of_path, matching, read_answer
from console.queue.doors import Visit, door
from console.queue.forms import seconds_of
from console.queue.page import WORK, form_of, own, task_page
from console.queue.work import go_on
from quality.choices import JudgmentSource
from quality.errors import AlreadyAnswered, BadAnswer
from quality.services.submitting import submit
from routing.models import Assignment


@door
@require_POST
def hand_in(request: Visit, public_id: UUID) -> HttpResponse:
    """Hand in the answer to a task, and go on to the next one.

    What cannot be taken is shown again with what was typed and what is wrong, beside its field.
    """
    row, now = own(request, public_id, *WORK), utc_now()
    asked = form_of(row, now)
    if request.POST.get("find"):
        return task_page(request, row, given=request.POST)
    read = read_answer(asked, request.POST)
    if read.errors:
        return task_page(request, row, given=request.POST, errors=read.errors, status=422)
    try:
        submit(
            row,
            answer=read.answer,
            raw_seconds=seconds_of(request.POST),
            confidence=confidence_of(asked, read.answer),
            source=JudgmentSource.FORM,
            acting_user=request.user,
            now=now,
        )
    except BadAnswer as error:
        return refused(request, row, error)
    except AlreadyAnswered:
        messages.error(
            request,
            _("You have answered this task before, otherwise. The first answer stands."),
        )
        return redirect("queue:home")
    except AppError as error:
        row.refresh_from_db()
        return task_page(request, row, given=request.POST, problem=str(error), status=error.status)
    return after(request, row)


def refused(request: Visit, row: Assignment, error: BadAnswer) -> HttpResponse:
    """Show the form again with what the schema says against the answer."""
    asked = form_of(row, utc_now())
    name = field_of_path(asked, str(error.data.get("path", "")))
    errors = {name: str(error)} if name else {}
    problem = None if name else str(error)
    return task_page(
        request, row, given=request.POST, errors=errors, problem=problem, status=error.status
    )


def after(request: Visit, row: Assignment) -> HttpResponse:
    """Go on to the next task, or back to the queue where somebody wants to stop."""
    if request.POST.get("then") == "stop":
        messages.success(request, _("Sent."))
        return redirect("queue:home")
    return go_on(request, row)


@door
@require_safe
def labels(request: Visit, public_id: UUID) -> JsonResponse:
    """Return the labels that a text may mean, the nearest first; the search of a form asks."""
    row = own(request, public_id)
    asked = form_of(row, utc_now())
    wanted = request.GET.get("part", "")
    part = next((p for p in asked.parts if p.searched and p.name == wanted), None)
    options = part.options if part is not None else ()
    found = matching(options, request.GET.get("q", "")[:200])
    return JsonResponse(
        {
            "labels": [{"name": option.name, "words": option.words} for option in found],
            "all": len(options),
        }
    )
