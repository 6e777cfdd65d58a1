"""Undoing a push while nobody began: what it gave is withdrawn, all in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from audit.services.events import digest_of, record_event
from routing.choices import (
    SEATED_ASSIGNMENTS,
    AssignmentState,
    Purpose,
    PushState,
    TaskState,
)
from routing.errors import PushBegun
from routing.models import Assignment, AssignmentStep, Push, Task
from routing.services.locks import hold_seats
from routing.services.push_steps import MANAGE, locked_push, take_push_step
from routing.services.seats import in_force
from routing.services.task_states import move_tasks

BATCH = 500
WHY = "the push was undone"


def given_by(push: Push) -> QuerySet[Assignment]:
    """Return the assignments that a push made, those mixed in among them."""
    return Assignment.objects.filter(
        annotator__in=push.lines.filter(assignment__isnull=False).values("annotator"),
        assigned_by=push.committed_by_id,
        reserved_at=push.committed_at,
    )


@transaction.atomic
def undo_push(push: Push, *, reason: str = "", acting_user: User, now: datetime) -> Push:
    """Withdraw what a push gave; undoing twice changes nothing.

    What its annotators skipped or gave back, and what expired, is theirs no more and stays so.

    Raises
    ------
    PushBegun
        If some of it is begun or answered: single tasks can still be withdrawn.
    PushOver
        If it was not committed.
    """
    require(acting_user, MANAGE)
    row = locked_push(push)
    if row.state == PushState.UNDONE:
        return row
    if row.state != PushState.COMMITTED:
        take_push_step(row, PushState.UNDONE, acting_user=acting_user, now=now)  # refuses
    given = given_by(row)
    hold_seats(given.order_by().values_list("task__project_id", flat=True).distinct())
    rows = list(
        given.select_for_update(no_key=True, of=("self",)).order_by("pk").select_related("task")
    )
    begun = [one for one in rows if one.started_at or one.state == AssignmentState.SUBMITTED]
    if begun:
        raise PushBegun(begun=len(begun))
    live = [one for one in rows if one.state == AssignmentState.RESERVED]
    _withdraw(live, reason or WHY, acting_user, now)
    take_push_step(row, PushState.UNDONE, reason=reason, acting_user=acting_user, now=now)
    record_event(
        "push.undone",
        acting_user=acting_user,
        now=now,
        subject="push",
        subject_id=row.public_id,
        withdrawn=len(live),
        digest=digest_of(one.public_id for one in live),
    )
    return row


def undo_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Undo a large push as a job."""
    progress(_("taking back"), 0, 2)
    with transaction.atomic():
        push = Push.objects.get(public_id=arguments["push"])
        push = undo_push(push, reason=arguments["reason"], acting_user=user, now=now)
        progress(_("taken back"), 2, 2)
    return {"push": str(push.public_id), "state": str(push.state)}


def _withdraw(live: Sequence[Assignment], reason: str, acting_user: User, now: datetime) -> None:
    """Withdraw reserved assignments and give their seats back, set by set."""
    AssignmentStep.objects.bulk_create(
        [
            AssignmentStep(
                assignment=one,
                sequence=one.steps + 1,
                from_state=one.state,
                to_state=AssignmentState.WITHDRAWN,
                actor=acting_user,
                reason=reason[:300],
                at=now,
            )
            for one in live
        ],
        batch_size=BATCH,
    )
    for start in range(0, len(live), BATCH):
        part = [one.pk for one in live[start : start + BATCH]]
        Assignment.objects.filter(pk__in=part, state=AssignmentState.RESERVED).update(
            state=AssignmentState.WITHDRAWN,
            steps=F("steps") + 1,
            ended_at=now,
            reason=reason[:300],
        )
    seated = [
        one for one in live if one.purpose == Purpose.LABEL and one.attempt == one.task.attempt
    ]
    for start in range(0, len(seated), BATCH):
        _free([one.task_id for one in seated[start : start + BATCH]], acting_user, now)


def _free(task_ids: Sequence[int], acting_user: User, now: datetime) -> None:
    """Give back one seat of each task; those that nobody holds or has answered are open again."""
    seats = in_force(task_ids).select_for_update(no_key=True).order_by("pk")
    taken = list(seats.filter(taken__gt=0).values_list("pk", flat=True))
    in_force(task_ids).filter(pk__in=taken).update(taken=F("taken") - 1)
    others = Assignment.objects.filter(
        task=OuterRef("pk"),
        purpose=Purpose.LABEL,
        state__in=SEATED_ASSIGNMENTS,
        attempt=OuterRef("attempt"),
    )
    alone = Task.objects.filter(~Exists(others), pk__in=task_ids, state=TaskState.HELD)
    found = dict(alone.values_list("pk", "attempt"))
    for to_state, ids in (
        (TaskState.OPEN, [pk for pk, attempt in found.items() if attempt == 1]),
        (TaskState.REWORK, [pk for pk, attempt in found.items() if attempt > 1]),
    ):
        move_tasks(
            ids,
            from_state=TaskState.HELD,
            to_state=to_state,
            reason=WHY,
            acting_user=acting_user,
            now=now,
        )


__all__ = ["given_by", "undo_job", "undo_push"]
