"""Relabelling after a guideline change: list the tasks it touches, reopen exactly those, undo.

Lists are drawn up once and kept. Applying and undoing go some hundred tasks at a time, each batch
in a transaction of its own: a worker that is killed leaves whole batches, and goes on from there.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from common.bulk import insert_rows
from common.errors import Invalid
from quality.choices import RelabelState, ReviewState
from quality.core.ontology import differences
from quality.models import Adjudication, Label, Relabel, RelabelTask, Review
from quality.services.labels import call_off_checks, end_labels
from quality.services.relabel_batches import (
    BATCH,
    COURSE,
    MANAGE,
    begin,
    in_batches,
    reason_of,
    record,
    record_batch,
    relabel_of,
)
from quality.services.relabel_query import Query, touched_tasks
from quality.services.steps import take_step
from routing.models import GuidelineVersion
from routing.services.reopening import lock_tasks, reopen_tasks

JOB = "relabel"
LIST_BATCH = 5_000
CHANGED = "changed since it was listed"


def list_relabel(
    old: GuidelineVersion | None,
    new: GuidelineVersion,
    *,
    query: Query | None = None,
    acting_user: User,
    now: datetime,
) -> Relabel:
    """List the tasks that a new guideline version touches; nothing is reopened.

    Parameters
    ----------
    old : version that it is compared with (None = there was none, everything is by the query)
    query : Query() if not given: by what differs in the ontology

    Raises
    ------
    Invalid
        If the versions are not two of one project in their order, or the query asks for nothing.
    """
    require(acting_user, MANAGE)
    query = query or Query()
    project = new.project
    if old is not None and (old.project_id != new.project_id or old.number >= new.number):
        raise Invalid(
            _("Compare an older version of the same project."), field="from_version", rule="older"
        )
    query.check(project)
    changes = differences(old.ontology if old is not None else {}, new.ontology)
    with transaction.atomic():
        relabel = Relabel.objects.create(
            project=project,
            from_version=old,
            to_version=new,
            query=query.as_json(),
            changes=[asdict(change) for change in changes],
            made_by=acting_user,
            made_at=now,
        )
        rows: list[RelabelTask] = []
        for found in touched_tasks(project, new, changes, query):
            rows.append(
                RelabelTask(
                    relabel=relabel,
                    task_id=found.task,
                    why=found.why,
                    what=found.what[:200],
                    state=found.state,
                    attempt=found.attempt,
                    guideline_id=found.guideline,
                    label_id=found.label,
                )
            )
            if len(rows) == LIST_BATCH:
                relabel.tasks += _list(rows)
        relabel.tasks += _list(rows)
        relabel.save(update_fields=["tasks"])
        record(relabel, "listed", acting_user=acting_user, now=now, tasks=relabel.tasks)
    return relabel


@transaction.atomic
def drop_relabel(relabel: Relabel, *, acting_user: User, now: datetime) -> Relabel:
    """Drop a list that nobody wants to apply.

    Raises
    ------
    Conflict
        If it is applied, or being applied.
    """
    require(acting_user, MANAGE)
    take_step(relabel, RelabelState.DROPPED, COURSE, acting_user=acting_user, now=now)
    record(relabel, "dropped", acting_user=acting_user, now=now)
    return relabel


def apply_relabel(
    relabel: Relabel, *, acting_user: User, now: datetime, report: Progress | None = None
) -> Relabel:
    """Reopen exactly the listed tasks that are as they were; applied twice is applied once.

    A task that was answered, reworked, recalled or accepted otherwise since is passed over and
    said so.

    Raises
    ------
    Conflict
        If the list was dropped or undone, or another one of the project is under way.
    """
    require(acting_user, MANAGE)
    if relabel.state == RelabelState.APPLIED:
        return relabel
    if relabel.state != RelabelState.APPLYING:
        with transaction.atomic():
            begin(relabel, RelabelState.APPLYING, acting_user=acting_user, now=now)
            record(relabel, "applying", acting_user=acting_user, now=now)
    to_do = RelabelTask.objects.filter(relabel=relabel, reopened_at__isnull=True, passed="")
    in_batches(
        to_do,
        lambda rows: _apply_batch(relabel, rows, acting_user=acting_user, now=now),
        report,
        _("reopening"),
    )
    with transaction.atomic():
        listed = RelabelTask.objects.filter(relabel=relabel)
        values = {
            "reopened": listed.filter(reopened_at__isnull=False).count(),
            "passed": listed.exclude(passed="").count(),
            "applied_at": now,
        }
        take_step(
            relabel,
            RelabelState.APPLIED,
            COURSE,
            values=values,
            acting_user=acting_user,
            now=now,
        )
        record(
            relabel,
            "applied",
            acting_user=acting_user,
            now=now,
            reopened=relabel.reopened,
            passed=relabel.passed,
        )
    return relabel


def relabel_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Apply a list as a job; arguments: its public id."""
    found = apply_relabel(relabel_of(arguments), acting_user=user, now=now, report=progress)
    return {"reopened": found.reopened, "passed": found.passed}


def _list(rows: list[RelabelTask]) -> int:
    count = len(rows)
    insert_rows(rows)
    rows.clear()
    return count


def _apply_batch(
    relabel: Relabel, rows: Sequence[RelabelTask], *, acting_user: User, now: datetime
) -> None:
    by_task = {row.task_id: row for row in rows}
    there = lock_tasks(relabel.project_id, sorted(by_task))
    labels = dict(
        Label.objects.filter(task__in=by_task, ended_at__isnull=True).values_list("task_id", "pk")
    )
    same = {
        task: was
        for task, was in there.items()
        if (was.state, was.attempt) == (by_task[task].state, by_task[task].attempt)
        and labels.get(task) == by_task[task].label_id
    }
    for task, row in by_task.items():
        if task in same:
            row.reopened_at, row.seats = now, same[task].seats
        else:
            row.passed = CHANGED
    _note_checks(by_task, sorted(same))
    reopen_tasks(
        same,
        guideline=relabel.to_version_id,
        reason=reason_of(relabel),
        acting_user=acting_user,
        now=now,
    )
    end_labels(sorted(same), now=now)
    call_off_checks(sorted(same), now=now)
    RelabelTask.objects.bulk_update(
        rows, ["reopened_at", "passed", "seats", "checks"], batch_size=BATCH
    )
    record_batch(relabel, "task.relabelled", same, acting_user=acting_user, now=now)


def _note_checks(by_task: dict[int, RelabelTask], tasks: Sequence[int]) -> None:
    """Remember which checks are called off with the reopening."""
    waiting = (ReviewState.PENDING, ReviewState.TAKEN)
    reviews = Review.objects.filter(task__in=tasks, state__in=waiting)
    for task, pk in reviews.values_list("task_id", "pk"):
        by_task[task].checks.setdefault("reviews", []).append(pk)
    adjudications = Adjudication.objects.filter(
        task__in=tasks, decided_at__isnull=True, cancelled_at__isnull=True
    )
    for task, pk in adjudications.values_list("task_id", "pk"):
        by_task[task].checks.setdefault("adjudications", []).append(pk)
