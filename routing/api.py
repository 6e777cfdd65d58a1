"""Work under /api/v1: claim, and the steps of an assignment. A model works by these, too."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from accounts.api import answer, body_of, caller_of
from accounts.services.keys import Caller
from common.errors import Invalid
from common.sql import instance, sql_uuid
from common.time import utc_now
from routing.errors import NotYours
from routing.models import Assignment
from routing.selectors import filled_link
from routing.services import assignments
from routing.services.claiming import MOST, claim
from routing.services.rules_now import rules_known
from workforce.models import Annotator

WORK = "own_work.do"
ANNOTATOR = ("id", "public_id", "user_id")
COLUMNS = tuple(f"n.{name}" for name in ANNOTATOR)
JOIN = "LEFT JOIN workforce_annotator n ON n.user_id = u.id"


def worker_of(
    request: HttpRequest,
    *,
    columns: Sequence[str] = (),
    joins: str = "",
    values: Sequence[Any] = (),
) -> tuple[Caller, Annotator]:
    """Return who calls and their annotator, in the request's first statement.

    More columns, by more joins, stand in the caller's `more` behind `COLUMNS`.

    Raises
    ------
    NotYours
        If the caller is no annotator.
    """
    caller = caller_of(
        request, columns=(*COLUMNS, *columns), joins=f"{JOIN} {joins}", values=values
    )
    caller.require(WORK)
    if caller.more[0] is None:
        raise NotYours
    row = [caller.more[0], sql_uuid(caller.more[1]), caller.more[2]]
    return caller, instance(Annotator, ANNOTATOR, row)


def take_tasks(request: HttpRequest) -> HttpResponse:
    """POST claim {"count"}: up to so many tasks, the most urgent first."""
    caller, annotator = worker_of(request)
    count = body_of(request, "count").get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST:
        raise Invalid(
            _("A claim is for 1 to {most} tasks.").format(most=MOST), field="count", rule="range"
        )
    made = claim(annotator, count=count, acting_user=caller.user, now=utc_now())
    return answer({"assignments": [shown(row) for row in made]})


def shown(row: Assignment) -> dict[str, Any]:
    """Return what an annotator sees of a task in hand: nothing tells gold from work."""
    task, rules = row.task, rules_known()
    project = rules.projects.get(task.project_id) if rules is not None else None
    template = project.link_template if project is not None else ""
    return {
        "id": str(row.public_id),
        "state": str(row.state),
        "lease_until": row.lease_until.isoformat(),
        "guideline": project.guideline_number if project is not None else None,
        "link": filled_link(template, row) or None,
        "task": {
            "id": str(task.public_id),
            "external_id": task.external_id,
            "project": project.key if project is not None else None,
            "task_type": rules.type_keys.get(task.task_type_id) if rules is not None else None,
            "reference": task.payload_reference or None,
            "payload": task.payload,
        },
    }


def own(request: HttpRequest, public_id: UUID) -> tuple[Caller, Assignment]:
    """Return who calls and one of their assignments; another's looks like none."""
    caller, annotator = worker_of(request)
    row = Assignment.objects.filter(public_id=public_id, annotator=annotator).first()
    if row is None:
        raise NotYours
    return caller, row


def heartbeat(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """POST heartbeat: renew the lease."""
    caller, row = own(request, public_id)
    body_of(request)
    row = assignments.heartbeat(row, acting_user=caller.user, now=utc_now())
    return answer({"id": str(row.public_id), "lease_until": row.lease_until.isoformat()})


def release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """POST release: give the task back unanswered."""
    caller, row = own(request, public_id)
    reason = _text(body_of(request, "reason"), "reason")
    row = assignments.release(row, reason=reason, acting_user=caller.user, now=utc_now())
    return answer({"id": str(row.public_id), "state": str(row.state)})


def skip(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """POST skip {"reason", "note"}: skip the task; the project says where it goes."""
    caller, row = own(request, public_id)
    body = body_of(request, "reason", "note")
    row = assignments.skip(
        row,
        reason=_text(body, "reason"),
        note=_text(body, "note"),
        acting_user=caller.user,
        now=utc_now(),
    )
    return answer({"id": str(row.public_id), "state": str(row.state)})


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Invalid(_("This is a text."), field=name, rule="text")
    return value


urlpatterns = [
    path("claim", take_tasks, name="api-claim"),
    path("assignments/<uuid:public_id>/heartbeat", heartbeat, name="api-heartbeat"),
    path("assignments/<uuid:public_id>/release", release, name="api-release"),
    path("assignments/<uuid:public_id>/skip", skip, name="api-skip"),
]
