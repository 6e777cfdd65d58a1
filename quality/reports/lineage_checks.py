"""What was done with a task's answers: reviews, adjudications, audits, relabelling, gold."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from quality.models import (
    Adjudication,
    AuditItem,
    GoldAnswer,
    RelabelTask,
    Review,
    ReviewChance,
)
from routing.models import Task


def checks_of(
    task: Task, public: Mapping[int, str], *, sees_adjudications: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return `draws`, `reviews`, `adjudications`, `audits` and `relabels` of a task.

    public : the public ids of its judgments, by pk
    """
    return {
        "draws": _draws(task),
        "reviews": _reviews(task, public),
        "adjudications": _adjudications(task, public) if sees_adjudications else [],
        "audits": _audits(task),
        "relabels": _relabels(task),
    }


def _draws(task: Task) -> list[dict[str, Any]]:
    rows = ReviewChance.objects.filter(task=task).order_by("pk")
    return [
        {
            "attempt": row.attempt,
            "certainty": row.certainty,
            "probability": row.probability,
            "drawn": row.drawn,
            "at": row.at.isoformat(),
        }
        for row in rows
    ]


def _reviews(task: Task, public: Mapping[int, str]) -> list[dict[str, Any]]:
    rows = (
        Review.objects.filter(task=task)
        .select_related("reviewer", "reviewer__pool", "accepted", "contested_by")
        .order_by("created_at", "pk")
    )
    return [
        {
            "id": str(row.public_id),
            "judgment": public.get(row.judgment_id or 0),
            "label": str(row.accepted.public_id) if row.accepted is not None else None,
            "number": row.number,
            "why": str(row.why),
            "probability": row.probability,
            "state": str(row.state),
            "reviewer": row.reviewer.name if row.reviewer is not None else None,
            "reviewer_pool": row.reviewer.pool.key if row.reviewer is not None else None,
            "outcome": row.outcome or None,
            "corrected_label": row.label or None,
            "corrected_answer": row.answer,
            "error": row.category or None,
            "severity": row.severity or None,
            "raw_seconds": row.raw_seconds,
            "billable_seconds": row.billable_seconds,
            "rule": row.time_rule or None,
            "drawn_at": row.created_at.isoformat(),
            "decided_at": _at(row.decided_at),
            "contested_at": _at(row.contested_at),
            "contested_by": row.contested_by.name if row.contested_by is not None else None,
        }
        for row in rows
    ]


def _adjudications(task: Task, public: Mapping[int, str]) -> list[dict[str, Any]]:
    rows = Adjudication.objects.filter(task=task).select_related("decided_by").order_by("pk")
    return [
        {
            "id": str(row.public_id),
            "attempt": row.attempt,
            "why": str(row.why),
            "opened_at": row.opened_at.isoformat(),
            "decided_at": _at(row.decided_at),
            "decided_by": row.decided_by.name if row.decided_by is not None else None,
            "winner": public.get(row.winner_id or 0),
            "label": row.label or None,
            "answer": row.answer,
            "reason": row.reason or None,
            "raw_seconds": row.raw_seconds,
            "cancelled_at": _at(row.cancelled_at),
        }
        for row in rows
    ]


def _audits(task: Task) -> list[dict[str, Any]]:
    rows = (
        AuditItem.objects.filter(label__task=task)
        .select_related("lot", "label", "review")
        .order_by("pk")
    )
    return [
        {
            "id": str(row.lot.public_id),
            "label": str(row.label.public_id),
            "review": str(row.review.public_id),
            "probability": row.probability,
            "stratum": str(row.stratum),
            "wrong": row.wrong,
            "lot": str(row.lot.state),
            "lot_labels": row.lot.labels,
            "sample": row.lot.size,
            "accept": row.lot.accept,
            "drawn_at": row.lot.created_at.isoformat(),
            "decided_at": _at(row.lot.decided_at),
        }
        for row in rows
    ]


def _relabels(task: Task) -> list[dict[str, Any]]:
    rows = (
        RelabelTask.objects.filter(task=task)
        .select_related("relabel__to_version", "relabel__from_version", "label")
        .order_by("pk")
    )
    return [
        {
            "id": str(row.relabel.public_id),
            "why": str(row.why),
            "what": row.what or None,
            "from_version": row.relabel.from_version.number if row.relabel.from_version else None,
            "to_version": row.relabel.to_version.number,
            "label": str(row.label.public_id) if row.label is not None else None,
            "reopened_at": _at(row.reopened_at),
            "undone_at": _at(row.undone_at),
            "passed_over": row.passed or None,
        }
        for row in rows
    ]


def gold_of(task: Task) -> list[dict[str, Any]]:
    """Return the gold answers that a task has and had, oldest first."""
    rows = (
        GoldAnswer.objects.filter(task=task)
        .select_related("set_by", "adjudication")
        .order_by("set_at", "pk")
    )
    return [
        {
            "label": row.label,
            "answer": row.answer,
            "source": str(row.source),
            "adjudication": str(row.adjudication.public_id) if row.adjudication else None,
            "set_by": row.set_by.name,
            "set_at": row.set_at.isoformat(),
            "retired_at": _at(row.retired_at),
            "retire_reason": row.retire_reason or None,
        }
        for row in rows
    ]


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
