"""The events of the log that a task's lineage rests on, with what they hash to and their seals."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q

from accounts.models import User
from accounts.permissions import can
from audit.models import Event
from audit.services.sealing import canonical
from quality.choices import JudgmentSource
from quality.models import Judgment
from routing.models import Assignment, Task

# Kinds of events that tell that a task is gold, or that its gold is in doubt.
TELLING = ("gold.", "adjudication.")


def events_of(
    task: Task,
    held: Sequence[Assignment],
    given: Sequence[Judgment],
    checks: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    acting_user: User,
    sees_gold: bool,
) -> list[dict[str, Any]]:
    """Return the events about a task and what belongs to it, oldest first.

    `sha256` is that of the event's canonical text (what the chain is made of); the seal names the
    place in the chain, None while the event is not sealed yet.
    """
    about = {
        "task": [str(task.public_id)],
        "assignment": [str(row.public_id) for row in held],
        "judgment": [str(row.public_id) for row in given],
        "review": [row["id"] for row in checks["reviews"]],
        "adjudication": [row["id"] for row in checks["adjudications"]],
        "audit": [row["id"] for row in checks["audits"]],
        "relabel": [row["id"] for row in checks["relabels"]],
    }
    wanted = Q()
    for subject, ids in about.items():
        if ids:
            wanted |= Q(subject=subject, subject_id__in=ids)
    wanted |= _imported(task, given) | _batches(held)
    people = {str(row.annotator.public_id) for row in held}
    rows = Event.objects.filter(wanted).select_related("actor", "sealed__seal").order_by("pk")
    return [
        _event(row, named=can(acting_user, "events.view"))
        for row in rows
        if (sees_gold or not row.kind.startswith(TELLING)) and _ours(row, people)
    ]


def _imported(task: Task, given: Sequence[Judgment]) -> Q:
    """Return the condition of the imports by which a task and its answers came in."""
    times = {row.submitted_at for row in given if row.source == JudgmentSource.IMPORT}
    return Q(
        kind__in=("tasks.imported", "judgments.imported"),
        subject="project",
        subject_id=str(task.project.public_id),
        at__in=sorted({task.created_at, *times}),
    )


def _batches(held: Sequence[Assignment]) -> Q:
    """Return the condition of claims of several tasks at once: one event tells of all of them."""
    return Q(
        kind="assignment.reserved", subject="", at__in=sorted({row.reserved_at for row in held})
    )


def _ours(row: Event, people: set[str]) -> bool:
    return row.kind != "assignment.reserved" or row.data.get("annotator") in people


def _event(row: Event, *, named: bool) -> dict[str, Any]:
    sealed = getattr(row, "sealed", None)
    return {
        "id": row.pk,
        "kind": row.kind,
        "at": row.at.isoformat(),
        "actor": row.actor.name if named and row.actor is not None else None,
        "subject": row.subject,
        "subject_id": row.subject_id,
        "sha256": hashlib.sha256(canonical(row).encode()).hexdigest(),
        "seal": None
        if sealed is None
        else {
            "number": sealed.seal.number,
            "position": sealed.position,
            "head_sha256": sealed.seal.head_hash,
        },
    }
