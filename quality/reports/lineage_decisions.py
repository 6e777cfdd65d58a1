"""The routing decisions that sent a task to people: run, policy, arrangement, price, versions."""

from collections.abc import Sequence
from typing import Any

from routing.core.record import unpack
from routing.models import Assignment, Decision, Placement, RunProject, RunRecord, Task
from routing.services.explaining import price_rows


def decisions_of(task: Task, held: Sequence[Assignment]) -> list[dict[str, Any]]:
    """Return the decisions behind a task's assignments, oldest first, each once.

    Runs may be cleared away: an assignment whose decision is gone names none.
    """
    ids = {row.decision_id for row in held if row.decision_id is not None}
    rows = list(
        Decision.objects.filter(pk__in=ids).select_related("run__requested_by").order_by("pk")
    )
    runs = {row.run_id for row in rows}
    policies = {
        row.run_id: row.policy
        for row in RunProject.objects.filter(run__in=runs, project=task.project_id).select_related(
            "policy"
        )
    }
    # A placement that was carried over to a later run stands under its old decision.
    placed = dict(
        Placement.objects.filter(task=task, decision__in=ids)
        .order_by("run_id")
        .values_list("decision_id", "arrangement")
    )
    tables = {
        run: unpack(bytes(candidates))
        for run, candidates in RunRecord.objects.filter(run__in=runs).values_list(
            "run_id", "candidates"
        )
    }
    found = []
    for row in rows:
        chosen = _chosen(row, placed.get(row.pk))
        table, policy = tables.get(row.run_id), policies.get(row.run_id)
        pools = {str(chosen[name]).split(" · ")[0] for name in ("label_crew", "review_crew")}
        prices = price_rows(table, row.key) if table is not None else []
        found.append(
            {
                "id": str(row.public_id),
                "run": str(row.run.public_id),
                "planned_from": row.run.now.isoformat(),
                "requested_by": row.run.requested_by.name,
                "cohort": row.number,
                "shared": row.key,
                "policy": None
                if policy is None
                else {"version": policy.version, "sha256": policy.document_hash},
                "arrangement": chosen,
                "prices": [
                    {name: price[name] for name in ("pool", "activity", "words", "version")}
                    for price in prices
                    if price["pool"] in pools
                ],
                "currency": row.run.currency,
                "versions": row.run.versions,
            }
        )
    return found


SHOWN = (
    "mode",
    "label_crew",
    "review_crew",
    "answers",
    "review_share",
    "review_choice",
    "money",
    "error",
)


def _chosen(row: Decision, arrangement: int | None) -> dict[str, Any]:
    """Return the arrangement by which a task was placed; the only one there is, where none says."""
    mine = [one for one in row.chosen if one["arrangement"] == arrangement]
    if not mine and len({one["arrangement"] for one in row.chosen}) == 1:
        mine = row.chosen[:1]
    return {name: (mine[0].get(name) if mine else None) for name in SHOWN}
