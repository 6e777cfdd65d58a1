"""The report of a run that was stored, read back from its record."""

from collections.abc import Sequence
from typing import Any

from routing.choices import Mode
from routing.core.record import unpack
from routing.models import Decision, Run, RunRecord
from routing.services.explaining import candidate_rows
from routing.services.figures import RunReport


def stored_report(run: Run) -> RunReport:
    """Return what `route` returned when it made the run."""
    picked = _picked(run)
    table = candidate_table_of(run) if picked else None
    names = crew_names_of(run)
    return RunReport(
        run=str(run.public_id),
        tasks=run.tasks,
        cohorts=run.cohorts,
        routed=run.routed,
        waiting=run.waiting,
        cost=run.cost or 0.0,
        lower_bound=run.lower_bound or 0.0,
        gap=run.gap or 0.0,
        spend=run.spend or 0.0,
        currency=run.currency,
        # PostgreSQL keeps JSON objects in an order of its own; reports have theirs.
        seconds={name: run.seconds[name] for name in ("score", "solve", "place")},
        by_mode={name: run.by_mode[name] for name in Mode.values},
        baselines={name: run.baselines[name] for name in ("greedy", "tier_rules")},
        notes=run.notes,
        waiting_reasons=run.waiting_reasons,
        gates=run.gates,
        prices=run.prices,
        by_pool=run.by_pool,
        newcomers=run.newcomers,
        examples=[_example(decision, table, names) for decision in picked if table is not None],
    )


def candidate_table_of(run: Run) -> Any:
    """Return the candidates that a run stored, None where it did not finish."""
    record = RunRecord.objects.filter(run=run).first()
    return unpack(bytes(record.candidates)) if record is not None else None


def crew_names_of(run: Run) -> list[str]:
    """Return the names of a run's crews by number."""
    return list(run.crews.order_by("number").values_list("name", flat=True))


def _picked(run: Run) -> list[Decision]:
    rows = Decision.objects.filter(run=run)
    placed = list(rows.filter(routed__gt=0).order_by("-routed", "number")[:2])
    waits = list(rows.filter(waiting__gt=0).order_by("-waiting", "number")[:1])
    return [*placed[:1], *(waits or placed[1:2])]


def _example(decision: Decision, table: Any, names: Sequence[str]) -> dict[str, Any]:
    return {
        "number": decision.number,
        "key": decision.key,
        "tasks": decision.tasks,
        "routed": decision.routed,
        "waiting": decision.waiting,
        "reason": decision.reason,
        "chosen": decision.chosen,
        "runner_up": decision.runner_up,
        "difference": decision.difference,
        "candidates": candidate_rows(
            table,
            names,
            decision.number,
            chosen={chosen["arrangement"] for chosen in decision.chosen},
        ),
    }
