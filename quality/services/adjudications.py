"""Opening adjudications: the queue of tasks that answers, reviews or gold do not settle."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Conflict
from quality.choices import AdjudicationWhy
from quality.models import Adjudication, Judgment
from routing.choices import TaskState
from routing.models import Task
from routing.services.seats import lock_task

NOT_NOW = (TaskState.CANCELLED, TaskState.RECALLED)


def open_adjudication(
    task: Task, *, why: str, urgency: int = 0, acting_user: User, now: datetime
) -> Adjudication:
    """Put a task into the adjudicators' queue, once; the caller's transaction and permission."""
    waiting = Adjudication.objects.filter(
        task_id=task.pk, decided_at__isnull=True, cancelled_at__isnull=True
    )
    held = waiting.first()
    if held is not None:
        return held
    try:
        with transaction.atomic():
            made = Adjudication.objects.create(
                task_id=task.pk, attempt=task.attempt, why=why, urgency=urgency, opened_at=now
            )
    except IntegrityError:
        return waiting.get()
    record_event(
        "adjudication.opened",
        acting_user=acting_user,
        now=now,
        subject="adjudication",
        subject_id=made.public_id,
        task=str(task.public_id),
        why=why,
    )
    return made


@transaction.atomic
def ask_adjudication(
    task: Task, *, urgency: int = 0, acting_user: User, now: datetime
) -> Adjudication:
    """Have a task adjudicated because a person asks for it.

    Raises
    ------
    Conflict
        If there is no answer to it, or it was taken out of work.
    """
    require(acting_user, "adjudications.open")
    row = lock_task(task.pk)
    if row.state in NOT_NOW or not Judgment.objects.filter(task=row).exists():
        raise Conflict(_("There is nothing to adjudicate."))
    return open_adjudication(
        row, why=AdjudicationWhy.ASKED, urgency=urgency, acting_user=acting_user, now=now
    )
