"""Qualifications: what one may try, how far a try has come, and what came out."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from common.errors import AppError, NotFound
from common.time import utc_now
from console.queue.doors import Visit, door
from quality.services.qualification_offers import offers_for, sit
from routing.services import assignments


@door
@require_safe
def listed(request: Visit) -> HttpResponse:
    """List the qualifications that one may try, or has tried."""
    offers = offers_for(request.annotator, now=utc_now())
    context = {"here": "qualifications", "offers": offers}
    return render(request, "queue/qualifications.html", context)


@door
@require_POST
def sit_it(request: Visit, public_id: UUID) -> HttpResponse:
    """Begin a try, or go on with the one under way."""
    now = utc_now()
    try:
        row = sit(request.annotator, public_id, acting_user=request.user, now=now)
        if row is not None:
            assignments.start(row, acting_user=request.user, now=now)
            return redirect("queue:work", row.public_id)
    except NotFound:
        raise
    except AppError as error:
        messages.error(request, str(error))
    return redirect("queue:qualifications")
