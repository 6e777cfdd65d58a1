"""Answers under /api/v1: handing in."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from accounts.api import answer, body_of
from common.errors import Invalid
from common.time import utc_now
from quality.choices import JudgmentSource
from quality.services.submitting import submit
from routing.api import worker_of


def hand_in(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """POST submit {"answer", "seconds", "confidence"}: the same answer again changes nothing.

    The answer tells nothing of what becomes of it: whether it was gold, is enough or is reviewed.
    """
    caller, _annotator = worker_of(request)
    body = body_of(request, "answer", "seconds", "confidence")
    if "answer" not in body:
        raise Invalid(_("An answer is missing."), field="answer", rule="required")
    judgment = submit(
        public_id,
        answer=body["answer"],
        raw_seconds=body.get("seconds"),
        confidence=body.get("confidence"),
        source=JudgmentSource.API,
        acting_user=caller.user,
        now=utc_now(),
    )
    return answer({"judgment": str(judgment.public_id)})


urlpatterns = [
    path("assignments/<uuid:public_id>/submit", hand_in, name="api-submit"),
]
