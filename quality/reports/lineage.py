"""Lineage of a label: who or what gave it, what they were proven to be able to, and who checked it.

One document per task, of JSON values only, in a stable shape (docs/files.md). Whatever is told of
people is as it stood at the instant of the answer, not as it stands today. What is not known (of
imported answers nearly everything) is named, and so is what the reader's role does not show.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.permissions import can, require
from quality.models import Judgment, Label
from quality.reports.lineage_checks import checks_of, gold_of
from quality.reports.lineage_decisions import decisions_of
from quality.reports.lineage_events import events_of
from quality.reports.lineage_people import proofs_of
from routing.choices import Purpose
from routing.models import Assignment, AssignmentStep, Task, TaskStep

FORMAT = "lineage 1"
VIEW = "lineage.view"
GOLD = "gold.view"
# Of an answer that came in by a file.
NOT_IMPORTED = (
    "given_at",
    "seconds",
    "guideline",
    "assignment",
    "decision",
    "gates",
)


def lineage(task: Task, *, acting_user: User, now: datetime) -> dict[str, Any]:
    """Return the lineage of a task's labels (see docs/files.md).

    The caller has the task by the access functions. Who may not see gold is not told which answers
    were given to gold, nor of adjudications, which would tell.
    """
    require(acting_user, VIEW)
    full = (
        Task.objects.select_related("project", "task_type__skill", "domain", "guideline")
        .prefetch_related("project__required_certifications")
        .get(pk=task.pk)
    )
    sees_gold = can(acting_user, GOLD)
    sees_adjudications = can(acting_user, "adjudications.view")
    held = _holds(full)
    if not sees_adjudications:
        held = [row for row in held if row.purpose != Purpose.ADJUDICATION]
    given = list(
        Judgment.objects.filter(task=full)
        .select_related("guideline", "annotator__pool__vendor", "assignment__pool__vendor")
        .order_by("submitted_at", "pk")
    )
    labels = list(
        Label.objects.filter(task=full)
        .select_related("judgment", "review", "adjudication")
        .order_by("accepted_at", "pk")
    )
    proofs = proofs_of(full, given)
    public = {row.pk: str(row.public_id) for row in given}
    checks = checks_of(full, public, sees_adjudications=sees_adjudications)
    answers = _answers(given, proofs, sees_gold)
    gold = gold_of(full) if sees_gold else []
    shown = [_label(row) for row in labels]
    return {
        "format": FORMAT,
        "as_of": now.isoformat(),
        "task": _task(full),
        "label": next((row for row in reversed(shown) if row["ended_at"] is None), None),
        "labels": shown,
        "answers": answers,
        "assignments": [_hold(row, sees_gold) for row in held],
        "decisions": decisions_of(full, held),
        **checks,
        "gold": gold,
        "steps": _steps(full),
        "events": events_of(
            full, held, given, checks, acting_user=acting_user, sees_gold=sees_gold
        ),
        "not_shown": _not_shown(acting_user, sees_gold),
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": str(task.public_id),
        "external_id": task.external_id,
        "project": task.project.key,
        "task_type": task.task_type.key,
        "skill": task.task_type.skill.key,
        "domain": task.domain.key if task.domain is not None else None,
        "guideline": task.guideline.number if task.guideline is not None else None,
        "size": task.size,
        "data_class": task.data_class,
        "use": task.use,
        "residency": task.residency or None,
        "language": task.language or None,
        "source": task.source,
        "created_at": task.created_at.isoformat(),
        "state": str(task.state),
        "attempt": task.attempt,
        "required": {
            "attestations": list(task.project.required_attestations),
            "certifications": sorted(
                {kind.key for kind in task.project.required_certifications.all()}
            ),
        },
    }


def _label(row: Label) -> dict[str, Any]:
    return {
        "id": str(row.public_id),
        "attempt": row.attempt,
        "value": row.value,
        "answer": row.answer,
        "probability": row.probability,
        "by": str(row.by),
        "judgment": _public(row.judgment),
        "review": _public(row.review),
        "adjudication": _public(row.adjudication),
        "accepted_at": row.accepted_at.isoformat(),
        "ended_at": _at(row.ended_at),
    }


def _answers(
    given: list[Judgment], proofs: Mapping[int, dict[str, Any]], sees_gold: bool
) -> list[dict[str, Any]]:
    found, before = [], dict[int, str]()
    for row in given:
        imported = row.assignment is None
        corrects = None if row.assignment_id is None else before.get(row.assignment_id)
        if row.assignment_id is not None:
            before[row.assignment_id] = str(row.public_id)
        found.append(
            {
                "id": str(row.public_id),
                "corrects": corrects,
                "attempt": row.assignment.attempt if row.assignment is not None else 1,
                "assignment": _public(row.assignment),
                "purpose": _purpose(row.assignment, sees_gold),
                "label": row.label,
                "answer": row.answer,
                "confidence": row.confidence,
                "source": str(row.source),
                "submitted_at": row.submitted_at.isoformat(),
                "guideline": _guideline(row),
                "time": {
                    "raw_seconds": row.raw_seconds,
                    "billable_seconds": row.billable_seconds,
                    "rule": row.time_rule or None,
                    "faults": row.time_faults,
                },
                **proofs[row.pk],
                "not_known": list(NOT_IMPORTED) if imported else [],
            }
        )
    return found


def _purpose(held: Assignment | None, sees_gold: bool) -> str | None:
    """Return what an answer was asked for; gold looks like work to who may not see it."""
    if held is None:
        return None
    hidden = not sees_gold and held.purpose == Purpose.GOLD
    return str(Purpose.LABEL) if hidden else str(held.purpose)


def _guideline(row: Judgment) -> dict[str, Any] | None:
    version = row.guideline
    if version is None:
        return None
    return {
        "version": version.number,
        "sha256": version.content_hash,
        "effective_from": version.effective_from.isoformat(),
    }


def _holds(task: Task) -> list[Assignment]:
    return list(
        Assignment.objects.filter(task=task)
        .select_related("annotator", "pool", "assigned_by", "decision")
        .prefetch_related("history_steps")
        .order_by("reserved_at", "pk")
    )


def _hold(row: Assignment, sees_gold: bool) -> dict[str, Any]:
    steps: list[AssignmentStep] = sorted(row.history_steps.all(), key=lambda step: step.sequence)
    return {
        "id": str(row.public_id),
        "annotator": str(row.annotator.public_id),
        "name": row.annotator.name,
        "pool": row.pool.key,
        "purpose": _purpose(row, sees_gold),
        "attempt": row.attempt,
        "state": str(row.state),
        "decision": str(row.decision.public_id) if row.decision is not None else None,
        "assigned_by": row.assigned_by.name if row.assigned_by is not None else None,
        "expected_seconds": row.effort_seconds,
        "reserved_at": row.reserved_at.isoformat(),
        "started_at": _at(row.started_at),
        "ended_at": _at(row.ended_at),
        "skip_reason": row.skip_reason or None,
        "reason": row.reason or None,
        "steps": [
            {"from": step.from_state, "to": step.to_state, "at": step.at.isoformat()}
            for step in steps
        ],
    }


def _steps(task: Task) -> list[dict[str, Any]]:
    rows = TaskStep.objects.filter(task=task).select_related("actor").order_by("sequence")
    return [
        {
            "from": row.from_state,
            "to": row.to_state,
            "by": row.actor.name,
            "reason": row.reason or None,
            "at": row.at.isoformat(),
        }
        for row in rows
    ]


def _not_shown(user: User, sees_gold: bool) -> list[str]:
    hidden = [] if sees_gold else ["gold"]
    return hidden if can(user, "adjudications.view") else [*hidden, "adjudications"]


def _public(row: Any) -> str | None:
    return None if row is None else str(row.public_id)


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
