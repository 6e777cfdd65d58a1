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
from quality.services.in_hand import WHOLE_JOIN, whole_of, whole_values
from quality.services.submitting import submit
from quality.services.submitting_at_once import possible
from routing.access import access_task
from routing.api import COLUMNS, worker_of
from routing.errors import NotYours


def hand_in(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """POST submit {"answer", "seconds", "confidence"}: the same answer again changes nothing.

    The answer tells nothing of what becomes of it: whether it was gold, is enough or is reviewed.
    """
    now, short, whole = utc_now(), possible(), None
    if short:
        # One round trip for who calls and what they answer.
        caller, _annotator = worker_of(
            request, columns=["w.*"], joins=WHOLE_JOIN, values=whole_values(public_id, now)
        )
        whole = whole_of(caller.more[len(COLUMNS) :])
    else:
        caller, _annotator = worker_of(request)
    body = body_of(request, "answer", "seconds", "confidence")
    if "answer" not in body:
        raise Invalid(_("An answer is missing."), field="answer", rule="required")
    if short and whole is None:
        # Said after what is wrong with the body, as for the work of somebody else.
        raise NotYours
    judgment = submit(
        public_id,
        answer=body["answer"],
        raw_seconds=body.get("seconds"),
        confidence=body.get("confidence"),
        source=JudgmentSource.API,
        whole=whole,
        acting_user=caller.user,
        now=now,
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
