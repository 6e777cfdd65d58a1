"""What a check decided of a task's answer, carried out: accepted, replaced, or worked anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from audit.services.events import digest_of, record_event
from quality.choices import LabelBy
from quality.models import Adjudication, Judgment, Label, Review
from quality.services.labels import accept_label, call_off_checks, end_labels, rework
from quality.services.rightness import Value, value_of
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, TaskState
from routing.models import Assignment, Task
from routing.services.assignments import end_for
from routing.services.reopening import lock_tasks, reopen_tasks
from routing.services.seats import close_seats, lock_task
from routing.services.task_states import move_tasks


@dataclass(frozen=True)
class Verdict:
    """The value that a check found right, and what makes it the accepted one."""

    value: Value
    by: str
    judgment: Judgment | None = None
    review: Review | None = None
    adjudication: Adjudication | None = None


def accepts(judgment: Judgment, review: Review) -> Verdict:
    """Return the verdict that an answer stands as it is."""
    voted = Judgment.objects.filter(
        task_id=judgment.task_id, label=judgment.label, assignment__attempt=_attempt(judgment)
    ).exclude(annotator=judgment.annotator_id)
    by = LabelBy.VOTE if judgment.label and voted.exists() else LabelBy.ANSWER
    return Verdict(value_of(judgment), by, judgment=judgment, review=review)


def _attempt(judgment: Judgment) -> int:
    return judgment.assignment.attempt if judgment.assignment is not None else 1


def carry_out(
    task: Task, verdict: Verdict | None, *, reason: str, acting_user: User, now: datetime
) -> str:
    """Give a task its value, or have it worked anew (None); returns the task's state after it.

    The caller is inside its transaction and has checked the permission. A task that waits for
    checks is accepted; one that is accepted already keeps its state, and its label is replaced
    where the value differs; one that is worked anew because of what the verdict overrules is
    called back. Cancelled and recalled tasks stay as they are.
    """
    row = lock_task(task.pk)
    by: dict[str, Any] = {"acting_user": acting_user, "now": now}
    if row.state in (TaskState.CANCELLED, TaskState.RECALLED):
        return row.state
    if verdict is None:
        if row.state in (TaskState.OPEN, TaskState.REWORK, TaskState.HELD):
            return row.state
        if row.state == TaskState.ACCEPTED:
            rework_accepted(row.project_id, [row.pk], reason=reason, **by)
            return TaskState.OPEN
        return rework(row, reason=reason, **by).state
    if row.state == TaskState.ACCEPTED:
        _replace(row, verdict, **by)
        return TaskState.ACCEPTED
    _call_back(row, reason, **by)
    accept_label(
        row,
        answer=verdict.value.answer,
        value=verdict.value.label,
        by=verdict.by,
        judgment=verdict.judgment,
        review=verdict.review,
        adjudication=verdict.adjudication,
        **by,
    )
    return TaskState.ACCEPTED


def rework_accepted(
    project_id: int, task_ids: Sequence[int], *, reason: str, acting_user: User, now: datetime
) -> int:
    """Have accepted tasks of a project worked anew; returns how many were accepted.

    Their labels end and open checks are called off. They are open again: the next run routes them,
    since their placements may be of a run long past. The caller's transaction and permission.
    """
    tasks = {
        task: was
        for task, was in lock_tasks(project_id, task_ids).items()
        if was.state == TaskState.ACCEPTED
    }
    if not tasks:
        return 0
    reopen_tasks(tasks, reason=reason, acting_user=acting_user, now=now)
    end_labels(list(tasks), now=now)
    call_off_checks(list(tasks), now=now)
    public = Task.objects.filter(pk__in=list(tasks)).values_list("public_id", flat=True)
    record_event(
        "task.reopened",
        acting_user=acting_user,
        now=now,
        count=len(tasks),
        digest=digest_of(public),
    )
    return len(tasks)


def _call_back(task: Task, reason: str, *, acting_user: User, now: datetime) -> None:
    """Bring a task that is being worked to where it can be accepted: nobody works on it further."""
    live = Assignment.objects.filter(task=task, state__in=LIVE_ASSIGNMENTS)
    for assignment in live.select_related("task", "annotator"):
        end_for(
            assignment,
            AssignmentState.WITHDRAWN,
            reason=reason,
            acting_user=acting_user,
            now=now,
        )
    if task.state in (TaskState.OPEN, TaskState.REWORK):
        close_seats([task.pk])
        move_tasks(
            [task.pk],
            from_state=task.state,
            to_state=TaskState.ANSWERED,
            reason=reason,
            acting_user=acting_user,
            now=now,
        )


def _replace(task: Task, verdict: Verdict, *, acting_user: User, now: datetime) -> Label | None:
    """Put another label in place of the one in force; None where it says the same already."""
    held = Label.objects.filter(task=task, ended_at__isnull=True).first()
    if held is not None and value_of(held) == verdict.value:
        return None
    end_labels([task.pk], now=now)
    made = Label.objects.create(
        task=task,
        attempt=task.attempt,
        answer=verdict.value.answer,
        value=verdict.value.label,
        by=verdict.by,
        judgment=verdict.judgment,
        review=verdict.review,
        adjudication=verdict.adjudication,
        accepted_at=now,
    )
    record_event(
        "label.replaced",
        acting_user=acting_user,
        now=now,
        subject="task",
        subject_id=task.public_id,
        label=str(made.public_id),
        before=str(held.public_id) if held is not None else None,
        by=verdict.by,
    )
    return made
