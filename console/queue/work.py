"""A task in hand: begin it, see it, skip it, give it back."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.errors import AppError
from common.time import utc_now
from console.queue.doors import Visit, door
from console.queue.forms import SkipForm
from console.queue.page import own, task_page
from quality.choices import TryState
from quality.models import QualificationTry
from quality.services.next_work import next_work
from quality.services.qualification_offers import try_of
from quality.services.qualifying import next_task
from routing.models import Assignment
from routing.services import assignments


@door
@require_POST
def take_next(request: Visit) -> HttpResponse:
    """Go to the next task: the first in hand that is not put off, else a new one."""
    return go_on(request)


def go_on(request: Visit, done: Assignment | None = None) -> HttpResponseRedirect:
    """Begin the next task and lead there, or to the queue, saying why there is none.

    done : what was worked before: after a task of a qualification comes the next one of it
    """
    now = utc_now()
    tried = try_of(done) if done is not None else None
    try:
        if tried is not None:
            return _go_on_trying(request, tried, now)
        row = next_work(request.annotator, acting_user=request.user, now=now)
        if row is not None:
            assignments.start(row, acting_user=request.user, now=now)
            return redirect("queue:work", row.public_id)
        messages.info(request, _("There is no task for you right now. Look again in a while."))
    except AppError as error:
        messages.error(request, str(error))
    return redirect("queue:home")


def _go_on_trying(request: Visit, tried: QualificationTry, now: datetime) -> HttpResponseRedirect:
    """Lead to the next task of a try, or say what came out."""
    if tried.state == TryState.OPEN:
        row = next_task(tried, acting_user=request.user, now=now)
        if row is not None:
            assignments.start(row, acting_user=request.user, now=now)
            return redirect("queue:work", row.public_id)
        tried.refresh_from_db()
    result = {"right": tried.right, "asked": tried.asked, "level": tried.level}
    if tried.state == TryState.PASSED:
        text = _("Passed: %(right)s of %(asked)s right. You have level %(level)s now.") % result
        messages.success(request, text)
    elif tried.state == TryState.FAILED:
        messages.info(request, _("Not passed: %(right)s of %(asked)s right.") % result)
    return redirect("queue:qualifications")


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


@door
@require_POST
def beat(request: Visit, public_id: UUID) -> HttpResponse:
    """Renew the lease of a task in hand; answers JSON."""
    row = own(request, public_id)
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
    return go_on(request, row)


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
