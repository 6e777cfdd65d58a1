"""Answers under /api/v1: handing in, and the lineage of a task's labels."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from accounts.api import answer, body_of, caller_of
from common.errors import Invalid
from common.time import utc_now
from quality.choices import JudgmentSource
from quality.reports.lineage import VIEW, lineage
from quality.services.exports import export_json
from quality.services.submitting import submit
from routing.access import access_task
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


def lineage_of(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """GET tasks/ID/lineage: the same document as the file of the task's page; it is noted."""
    caller, now = caller_of(request, method="GET"), utc_now()
    # What is not for the caller looks like what is not there, whatever the key may do.
    task = access_task(caller.user, public_id)
    caller.require(VIEW)
    found = lineage(task, acting_user=caller.user, now=now)
    export_json("lineage", found, permission=VIEW, acting_user=caller.user, now=now)
    return answer(found)


urlpatterns = [
    path("tasks/<uuid:public_id>/lineage", lineage_of, name="api-lineage"),
    path("assignments/<uuid:public_id>/submit", hand_in, name="api-submit"),
]
