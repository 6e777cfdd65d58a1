"""What becomes of the work in the hands of somebody who is paused or has left."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from accounts.permissions import require
from audit.services.events import digest_of, record_event
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, Purpose
from routing.models import Assignment
from routing.services.assignments import end_for
from routing.services.locks import hold_human, hold_seats
from routing.services.seats import free_seat
from workforce.choices import AnnotatorStatus
from workforce.models import Annotator

REASON = "the annotator is paused"


@transaction.atomic
def end_work_of(annotator: Annotator, *, acting_user: User, now: datetime) -> list[Assignment]:
    """End the leases of somebody who does not work now: their tasks go back to others.

    Twice changes nothing. Returns the assignments that were withdrawn; what a withdrawn review or
    adjudication waits for is the caller's care.
    """
    require(acting_user, "annotators.pause")
    # A claim that began before is waited for; one that begins after reads that they do not work.
    hold_human(annotator.person_id or -annotator.pk)
    live = Assignment.objects.filter(annotator=annotator, state__in=LIVE_ASSIGNMENTS)
    hold_seats(live.values_list("task__project_id", flat=True).distinct())
    rows = list(
        live.select_related("task", "annotator")
        .order_by("task_id", "pk")
        .select_for_update(no_key=True, of=("self",))
    )
    for row in rows:
        end_for(row, AssignmentState.WITHDRAWN, reason=REASON, acting_user=acting_user, now=now)
        if row.purpose == Purpose.LABEL and row.attempt == row.task.attempt:
            free_seat(row.task_id, acting_user=acting_user, now=now)
    if rows:
        record_event(
            "annotator.work_ended",
            acting_user=acting_user,
            now=now,
            subject="annotator",
            subject_id=annotator.public_id,
            count=len(rows),
            digest=digest_of(row.public_id for row in rows),
        )
    return rows


def who_holds_work_and_does_not_work(now: datetime) -> list[Annotator]:
    """Return those who are paused or have left and still hold tasks: whoever paused them."""
    away = Q(status=AnnotatorStatus.LEFT) | Q(status=AnnotatorStatus.PAUSED, paused_until__gt=now)
    return list(
        Annotator.objects.filter(away, assignments__state__in=LIVE_ASSIGNMENTS)
        .distinct()
        .order_by(F("pk"))
    )
