"""Adjudications as work: an expert of the house takes one, so that nobody else works on it.

Quality leads decide in the console without taking anything; experts come across theirs in their
own queue. Both end at `adjudicating.decide_adjudication`.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services.events import record_event
from common.errors import Conflict
from quality.choices import AdjudicationWhy
from quality.models import Adjudication, Judgment
from quality.services.adjudicating import decide_adjudication, queue
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, Purpose
from routing.errors import NotYours, TaskTaken
from routing.models import Assignment
from routing.services.assignments import check_worker, submit_assignment
from routing.services.claiming import take
from routing.services.locks import hold_human, hold_seats
from routing.services.seats import lock_task
from workforce.models import Annotator

TRIES = 5  # adjudications looked at in one go: the next one where somebody else was quicker


def open_for(annotator: Annotator, user: User, *, now: datetime) -> QuerySet[Adjudication]:
    """Return the adjudications that an annotator may take now, the most urgent first.

    None that somebody holds, none that the human being has left out, and none about gold: whoever
    works here is measured, and must not learn which tasks are gold.
    """
    accounts = Q(annotator=annotator)
    if annotator.person_id is not None:
        accounts = Q(annotator__person=annotator.person_id)
    left_out = Assignment.objects.filter(
        accounts,
        task=OuterRef("task"),
        attempt=OuterRef("task__attempt"),
        purpose=Purpose.ADJUDICATION,
        state=AssignmentState.SKIPPED,
    )
    held = Q(assignment__state__in=LIVE_ASSIGNMENTS, assignment__lease_until__gt=now)
    rows = queue(user).exclude(why=AdjudicationWhy.GOLD)
    return rows.exclude(held).exclude(Exists(left_out))


def adjudication_in_hand(annotator: Annotator, *, now: datetime) -> Adjudication | None:
    """Return the adjudication that an annotator has taken and not decided, if there is one."""
    return Adjudication.objects.filter(
        decided_at__isnull=True,
        cancelled_at__isnull=True,
        assignment__annotator=annotator,
        assignment__state__in=LIVE_ASSIGNMENTS,
        assignment__lease_until__gt=now,
    ).first()


def take_adjudication(
    annotator: Annotator, *, acting_user: User, now: datetime
) -> Adjudication | None:
    """Take the most urgent adjudication that an annotator may decide; None if there is none.

    The one that is in hand is given again.

    Raises
    ------
    NotYours, Forbidden
        If the user may not act for the annotator.
    """
    check_worker(annotator.user_id, acting_user)
    mine = adjudication_in_hand(annotator, now=now)
    if mine is not None:
        return mine
    passed: list[int] = []
    while len(passed) < TRIES:
        with transaction.atomic():
            # Locks in the order of claims: the human being, the seats of the project, then rows.
            hold_human(annotator.person_id or -annotator.pk)
            rows = open_for(annotator, acting_user, now=now).exclude(pk__in=passed)
            found = rows.values_list("pk", "task__project_id").first()
            if found is None:
                return None
            hold_seats([found[1]])
            passed.append(found[0])
            row = (
                Adjudication.objects.filter(
                    pk=found[0], decided_at__isnull=True, cancelled_at__isnull=True
                )
                .select_related("task__project", "task__task_type")
                .select_for_update(skip_locked=True, of=("self",))
                .first()
            )
            if row is not None and open_for(annotator, acting_user, now=now).filter(pk=row.pk):
                with suppress(TaskTaken):
                    return _taken(row, annotator, acting_user=acting_user, now=now)
    return None


def _taken(
    row: Adjudication, annotator: Annotator, *, acting_user: User, now: datetime
) -> Adjudication:
    kind = row.task.task_type
    row.assignment = take(
        annotator,
        row.task,
        purpose=Purpose.ADJUDICATION,
        effort_seconds=kind.effort_base_seconds + kind.effort_unit_seconds * row.task.size,
        acting_user=acting_user,
        now=now,
    )
    row.save(update_fields=["assignment"])
    record_event(
        "adjudication.taken",
        acting_user=acting_user,
        now=now,
        subject="adjudication",
        subject_id=row.public_id,
        annotator=str(annotator.public_id),
    )
    return row


@transaction.atomic
def decide_in_hand(
    assignment: Assignment,
    *,
    winner: Judgment | None = None,
    answer: Any = None,
    reason: str,
    raw_seconds: float | None = None,
    acting_user: User,
    now: datetime,
) -> Adjudication:
    """Decide the adjudication that an assignment holds; see `decide_adjudication`.

    Whose lease ran out decides still, while nobody else has taken it.

    Raises
    ------
    NotYours
        If the assignment is no adjudication, or another's.
    NotLive
        If it was left out, given back or withdrawn.
    Conflict
        If somebody else has it now, or has decided it.
    """
    if assignment.purpose != Purpose.ADJUDICATION:
        raise NotYours
    lock_task(assignment.task_id)
    row = Adjudication.objects.filter(assignment=assignment).first()
    if row is None:
        raise Conflict(_("Somebody else decides this now."))
    held = Assignment.objects.select_related("annotator", "task__project").get(pk=assignment.pk)
    check_worker(held.annotator.user_id, acting_user)
    if held.state != AssignmentState.SUBMITTED:
        if row.decided_at is not None:
            raise Conflict(_("This is decided already."))
        submit_assignment(held, acting_user=acting_user, now=now)
    return decide_adjudication(
        row,
        winner=winner,
        answer=answer,
        reason=reason,
        raw_seconds=raw_seconds,
        acting_user=acting_user,
        now=now,
    )
