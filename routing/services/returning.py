"""Rework that goes back to who did the work: reserved for them for a day, then for everybody."""

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from common.time import local_date
from routing.choices import Purpose, TaskState
from routing.models import Assignment, Task
from routing.services.reserving import Given, Holder, reserve
from routing.services.seats import in_force
from routing.services.touching import shut_decisions
from workforce.choices import AnnotatorStatus
from workforce.models import Annotator

LEASE = timedelta(days=1)


def return_to(
    task: Task, annotator: Annotator, *, acting_user: User, now: datetime
) -> Assignment | None:
    """Reserve a task that is to be reworked for an annotator; None if they may not have it now.

    The caller has sent the task to rework in the same transaction: its row and seats are locked.
    None where the annotator has left, is paused or moved to another pool, where a gate shuts the
    task to them by now, and where no placement in force serves it.
    """
    seat = in_force([task.pk]).filter(pool=annotator.pool_id, taken=0, opened__gte=1).first()
    away = annotator.status != AnnotatorStatus.ACTIVE and not (
        annotator.paused_until is not None and annotator.paused_until <= now
    )
    if task.state != TaskState.REWORK or seat is None or away:
        return None
    if shut_decisions(annotator, [seat.decision_id], activity="label", now=now):
        return None
    (made,) = reserve(
        [
            Given(
                task=task,
                purpose=Purpose.LABEL,
                decision_id=seat.decision_id,
                guideline_id=task.guideline_id,
                effort_seconds=_effort(task, annotator),
                lease_minutes=int(LEASE.total_seconds() // 60),
                placement_id=seat.pk,
            )
        ],
        Holder(
            annotator_id=annotator.pk,
            annotator_public_id=annotator.public_id,
            human=annotator.person_id or -annotator.pk,
            pool_id=annotator.pool_id,
            assigned_by=acting_user.pk,
            day=local_date(now, settings.OPERATION_TIME_ZONE),
        ),
        acting_user=acting_user,
        now=now,
    )
    return made


def _effort(task: Task, annotator: Annotator) -> float:
    """Return the seconds that were expected of the work before."""
    before = Assignment.objects.filter(task=task, annotator=annotator, purpose=Purpose.LABEL)
    return before.order_by("-attempt").values_list("effort_seconds", flat=True).first() or 0.0
