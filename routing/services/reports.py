"""The report of a run that was stored, read back from its record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from common.words import from_json
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
        compared=run.compared,
        notes=[from_json(note) for note in run.notes],
        waiting_reasons=[
            {**row, "reason": from_json(row["reason"]), "opens": from_json(row["opens"])}
            for row in run.waiting_reasons
        ],
        gates=[
            {**row, "gate": from_json(row["gate"]), "opens": from_json(row["opens"])}
            for row in run.gates
        ],
        prices=run.prices,
        by_pool=run.by_pool,
        newcomers=run.newcomers,
        examples=[_example(decision, table, names) for decision in picked if table is not None],
    )


_KINDS = {
    "crew": _l("hours of a crew"),
    "declared": _l("declared hours"),
    "commitment": _l("commitment"),
    "share": _l("share cap"),
    "newcomers": _l("newcomers' share"),
    "budget": _l("budget"),
    "exposure": _l("harmful content"),
    "answers": _l("answers a day"),
}
_CHOICES = {"random": _l("drawn at random"), "least_certain": _l("the least certain first")}


@dataclass(frozen=True)
class Saving:
    """What a plan saves against a way to decide: `saved` = `on_work` + `on_waiting`, in money.

    share : of that way's objective; waiting : tasks that it leaves waiting
    """

    name: str
    cost: float
    saved: float
    share: float
    on_work: float
    on_waiting: float
    waiting: int


def savings(compared: Mapping[str, Any]) -> list[Saving]:
    """Return what a run saves against greedy and the projects' own rules, waiting apart."""
    plan = compared.get("plan")
    found = []
    for key, name in (("greedy", _("greedy")), ("tier_rules", _("the project's tier rules"))):
        base = compared.get(key)
        if plan is None or base is None:
            continue
        saved = base["cost"] - plan["cost"]
        on_waiting = base["waiting_cost"] - plan["waiting_cost"]
        found.append(
            Saving(
                name=name,
                cost=base["cost"],
                saved=saved,
                share=saved / base["cost"] if base["cost"] else 0.0,
                on_work=saved - on_waiting,
                on_waiting=on_waiting,
                waiting=base["waiting"],
            )
        )
    return found


def short_name(crew: str) -> str:
    """Return a crew's pool and number, without what sets it apart."""
    return crew.split(" (")[0]


def choice_words(choice: str) -> str:
    """Return how reviewed answers are chosen, in words."""
    return str(_CHOICES[choice]) if choice else ""


def price_kind(kind: str) -> str:
    """Return what kind of thing is scarce, in words."""
    return str(_KINDS.get(kind, kind))


def version_lines(run: Run) -> list[tuple[str, str]]:
    """Return name and version of all that a run was decided by, parts of a group one by one."""
    found = []
    for name, value in sorted(run.versions.items()):
        if isinstance(value, Mapping):
            found += [(f"{name} · {part}", str(version)) for part, version in sorted(value.items())]
        else:
            found.append((name, str(value)))
    return found


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
        "reason": from_json(decision.why or decision.reason),
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
