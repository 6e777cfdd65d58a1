"""Undoing a relabelling: tasks, labels and checks as they were, while nobody has answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from common.errors import Conflict
from quality.choices import RelabelState, ReviewState
from quality.models import Adjudication, Judgment, Label, Relabel, RelabelTask, Review
from quality.services.relabel_batches import (
    COURSE,
    MANAGE,
    begin,
    in_batches,
    reason_of,
    record,
    record_batch,
    relabel_of,
)
from quality.services.steps import take_step
from routing.choices import AssignmentState, Purpose, TaskState
from routing.models import Assignment
from routing.services.reopening import Was, lock_tasks, take_reopening_back

JOB = "relabel_undo"
# Of a reopened task that nobody has answered.
UNANSWERED = (TaskState.OPEN, TaskState.HELD, TaskState.REWORK)


def undo_relabel(
    relabel: Relabel, *, acting_user: User, now: datetime, report: Progress | None = None
) -> Relabel:
    """Put the reopened tasks back as they were, with their labels, while none was answered.

    What somebody has in hand of them is withdrawn.

    Raises
    ------
    Conflict
        If one of them was answered since, or the relabelling is not applied.
    """
    require(acting_user, MANAGE)
    if relabel.state == RelabelState.UNDONE:
        return relabel
    reopened = RelabelTask.objects.filter(
        relabel=relabel, reopened_at__isnull=False, undone_at__isnull=True
    )
    if relabel.state != RelabelState.UNDOING:
        with transaction.atomic():
            answered = reopened.filter(_answered_since()).count()
            if answered:
                raise Conflict(
                    _("%(n)s of its tasks were answered or changed since: it stands.")
                    % {"n": answered},
                    tasks=answered,
                )
            begin(relabel, RelabelState.UNDOING, acting_user=acting_user, now=now)
            record(relabel, "undoing", acting_user=acting_user, now=now)
    left = reopened.filter(passed="")
    in_batches(
        left.exclude(_answered_since()),
        lambda rows: _undo_batch(relabel, rows, acting_user=acting_user, now=now),
        report,
        _("putting back"),
    )
    with transaction.atomic():
        undone = RelabelTask.objects.filter(relabel=relabel, undone_at__isnull=False).count()
        take_step(
            relabel,
            RelabelState.UNDONE,
            COURSE,
            values={"undone_at": now},
            acting_user=acting_user,
            now=now,
        )
        record(relabel, "undone", acting_user=acting_user, now=now, tasks=undone)
    return relabel


def undo_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Undo a relabelling as a job; arguments: its public id."""
    found = undo_relabel(relabel_of(arguments), acting_user=user, now=now, report=progress)
    return {"state": found.state}


def _answered_since() -> Q:
    """Return the condition that a reopened task was answered or changed since."""
    answered = Assignment.objects.filter(
        state=AssignmentState.SUBMITTED, purpose=Purpose.LABEL, attempt=F("task__attempt")
    )
    reopened_for = Q(task__attempt=F("attempt") + 1, task__state__in=UNANSWERED)
    given = Judgment.objects.filter(assignment__in=answered)
    return ~reopened_for | Q(task__in=given.values("task"))


def _undo_batch(
    relabel: Relabel, rows: Sequence[RelabelTask], *, acting_user: User, now: datetime
) -> None:
    by_task = {row.task_id: row for row in rows}
    there = lock_tasks(relabel.project_id, sorted(by_task))
    answered = set(
        RelabelTask.objects.filter(_answered_since(), pk__in=[row.pk for row in rows]).values_list(
            "task_id", flat=True
        )
    )
    back = {
        task: Was(
            by_task[task].state,
            by_task[task].attempt,
            by_task[task].guideline_id,
            tuple(by_task[task].seats) if by_task[task].seats else None,  # type: ignore[arg-type]
        )
        for task in there
        if task not in answered
    }
    take_reopening_back(back, reason=reason_of(relabel), acting_user=acting_user, now=now)
    ended = [pk for task in back if (pk := by_task[task].label_id) is not None]
    Label.objects.filter(pk__in=ended).update(ended_at=None)
    checks = [by_task[task].checks for task in back]
    Review.objects.filter(pk__in=[pk for row in checks for pk in row.get("reviews", [])]).update(
        state=ReviewState.PENDING, assignment=None, reviewer=None
    )
    Adjudication.objects.filter(
        pk__in=[pk for row in checks for pk in row.get("adjudications", [])]
    ).update(cancelled_at=None)
    RelabelTask.objects.filter(pk__in=[by_task[task].pk for task in back]).update(undone_at=now)
    record_batch(relabel, "task.relabel_undone", back, acting_user=acting_user, now=now)
