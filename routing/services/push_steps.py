"""The states of a push: each step with its row, taken by one of two writers."""

from datetime import datetime
from typing import Any

from django.db.models import F

from accounts.models import User
from routing.choices import PUSH_TRANSITIONS, PushState
from routing.errors import PushOver
from routing.models import Push, PushStep

MANAGE = "assignments.manage"
PLAN_JOB, COMMIT_JOB, UNDO_JOB = "push.plan", "push.commit", "push.undo"
# What is larger is done by a worker: pairs of people and tasks to plan, tasks to give or take back.
PAIRS_AT_ONCE, LINES_AT_ONCE = 30_000, 1_000


def locked_push(push: Push) -> Push:
    """Return a push as it is now, locked until the transaction ends."""
    return Push.objects.select_for_update(no_key=True).get(pk=push.pk)


def take_push_step(
    row: Push, to_state: str, *, reason: str = "", acting_user: User, now: datetime, **values: Any
) -> None:
    """Move a locked push to a state and set `values` with it; the caller writes the event.

    Raises
    ------
    PushOver
        If its state does not allow the step.
    """
    if to_state not in PUSH_TRANSITIONS[row.state]:
        raise PushOver(state=PushState(row.state).label)
    PushStep.objects.create(
        push=row,
        sequence=row.steps + 1,
        from_state=row.state,
        to_state=to_state,
        actor=acting_user,
        reason=reason[:300],
        at=now,
    )
    Push.objects.filter(pk=row.pk, state=row.state, steps=row.steps).update(
        state=to_state, steps=F("steps") + 1, **values
    )
    row.refresh_from_db()
