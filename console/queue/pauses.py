"""Why one's work is or was paused, until when, and what was said to it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from common.errors import Conflict, Invalid
from common.time import utc_now
from console.queue.doors import Visit, door
from quality.services.pause_notices import notices_for, pause_of
from quality.services.pauses import contest_pause
from workforce.choices import AnnotatorStatus


@door
@require_safe
def listed(request: Visit) -> HttpResponse:
    """List one's own pauses, the latest first."""
    return _page(request)


def _page(
    request: Visit,
    *,
    wrong: UUID | None = None,
    problem: str = "",
    text: str = "",
    status: int = 200,
) -> HttpResponse:
    now = utc_now()
    return render(
        request,
        "queue/pauses.html",
        {
            "here": "pauses",
            "notices": notices_for(request.user, now=now),
            "paused": request.annotator.status == AnnotatorStatus.PAUSED
            and request.annotator.paused_until > now,
            "wrong": wrong,
            "problem": problem,
            "text": text,
        },
        status=status,
    )


@door
@require_POST
def contest(request: Visit, public_id: UUID) -> HttpResponse:
    """Contest a pause of one's own in words; another person than who decided it reads them."""
    proposal = pause_of(request.user, public_id)
    text = request.POST.get("text", "")[:5000]
    try:
        contest_pause(proposal, text, acting_user=request.user, now=utc_now())
        messages.success(request, _("Sent. Somebody who has not decided before looks at it."))
    except Invalid as error:
        return _page(request, wrong=public_id, problem=str(error), text=text, status=422)
    except Conflict:
        messages.error(request, _("This pause cannot be contested, or is contested already."))
    return redirect("queue:pauses")
