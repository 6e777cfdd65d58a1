"""The figures of a run: what is placed, at what cost, how far from the optimum at most, and why."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.words import from_json, listed, nsaid, said
from routing.choices import Mode
from routing.core.baselines import Result, greedy, planned, tier_rules
from routing.core.decide import Outcome
from routing.core.pricing import review_spend
from routing.core.settle import Placed, Settled, placed_rows
from routing.models import Decision, Run
from routing.services import explaining
from routing.services.newcomers import Premium, newcomer_report
from routing.services.problem import Problem
from routing.services.scope import Scope
from routing.services.supply import next_working_day
from routing.services.waiting import gate_counts, summary_of_waiting


@dataclass(frozen=True)
class RunReport:
    """The figures of a run and what a person wants to read of it; money in major units.

    compared : of the plan, greedy and tier_rules each cost, tasks waiting and what they cost;
        None where it could not be computed
    """

    run: str | None
    tasks: int
    cohorts: int
    routed: int
    waiting: int
    cost: float
    lower_bound: float
    gap: float
    spend: float
    currency: str
    seconds: dict[str, float]
    by_mode: dict[str, int]
    compared: dict[str, dict[str, Any] | None]
    notes: list[str] = field(default_factory=list)
    waiting_reasons: list[dict[str, Any]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    prices: list[dict[str, Any]] = field(default_factory=list)
    by_pool: list[dict[str, Any]] = field(default_factory=list)
    newcomers: list[dict[str, Any]] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def baselines(self) -> dict[str, float | None]:
        """Return the objectives that the run is compared with."""
        return {
            name: row["cost"] if (row := self.compared[name]) is not None else None
            for name in ("greedy", "tier_rules")
        }

    def as_json(self) -> dict[str, Any]:
        """Return the fixed figures, as `manage.py route --json` prints them."""
        names = (
            "run",
            "tasks",
            "cohorts",
            "routed",
            "waiting",
            "cost",
            "lower_bound",
            "gap",
            "spend",
            "currency",
            "seconds",
            "by_mode",
            "baselines",
        )
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Decided:
    """What a run has decided, on its way to the database.

    `keep` (n,) marks the tasks that are still open; `seconds` are those of the steps so far, the
    last of which ended at `since` on the clock of `time.perf_counter`.
    """

    scope: Scope
    problem: Problem
    outcome: Outcome
    settled: Settled
    premium: Premium
    keep: NDArray[np.bool_]
    seconds: dict[str, float]
    since: float

    def without(self, gone: NDArray[np.bool_]) -> "Decided":
        """Return the same without the tasks that somebody has taken meanwhile."""
        return replace(self, keep=self.keep & ~gone)

    def placed(self) -> Placed:
        """Return what is placed and what waits, of the tasks that are still open."""
        keep, cohorts = self.keep, len(self.problem.inputs.cohorts)
        if keep.all():
            return placed_rows(self.settled, self.problem.cohort, cohorts)
        left = Settled(self.settled.slot[keep], self.settled.day[keep], self.settled.left_out)
        return placed_rows(left, self.problem.cohort[keep], cohorts)

    def baselines(self) -> dict[str, Result | None]:
        """Return what the run is compared with."""
        inputs = self.problem.inputs
        return {
            "greedy": greedy(inputs, self.outcome),
            "tier_rules": tier_rules(inputs, self.outcome),
        }


def report_of(
    decided: Decided,
    placed: Placed,
    decisions: Sequence[Decision],
    names: Sequence[str],
    baselines: dict[str, Result | None],
    table: dict[str, Any],
    run: Run | None,
) -> RunReport:
    """Return the report of what is placed; `table` are the candidates as the run stores them."""
    inputs, outcome = decided.problem.inputs, decided.outcome
    found, plan = outcome.candidates, outcome.plan
    # By what is placed in the end: single tasks may have moved from where the plan had them.
    cost = explaining.objective(outcome, placed)
    gone = np.bincount(decided.problem.cohort[~decided.keep], minlength=len(inputs.cohorts))
    # A task taken meanwhile would at worst have waited: the bound falls by that much.
    bound = min(plan.lower_bound - float(np.asarray(outcome.problem.wait_cost) @ gone), cost)
    k, a, n = placed.cohort, placed.slot, placed.tasks
    by_mode = dict.fromkeys(Mode.values, 0)
    for mode, number in enumerate(Mode.values):
        by_mode[number] = int(n[found.mode[found.pair[a]] == mode].sum())
    reasons = [from_json(decision.why or "") for decision in decisions]
    return RunReport(
        run=str(run.public_id) if run is not None else None,
        tasks=int(n.sum() + placed.waiting.sum()),
        cohorts=len(inputs.cohorts),
        routed=int(n.sum()),
        waiting=int(placed.waiting.sum()),
        cost=float(cost),
        lower_bound=float(bound),
        gap=float((cost - bound) / cost) if cost > 0 else 0.0,
        spend=float(found.spend[k, a] @ n) if len(k) else 0.0,
        currency=decided.scope.currency,
        seconds={
            **{name: round(value, 4) for name, value in decided.seconds.items()},
            "place": round(time.perf_counter() - decided.since, 4),
        },
        by_mode=by_mode,
        compared={
            name: asdict(row) if row is not None else None
            for name, row in {
                "plan": planned(outcome, float(cost), placed.waiting),
                **baselines,
            }.items()
        },
        notes=_notes(decided),
        waiting_reasons=summary_of_waiting(
            placed, reasons, decided.scope.left_out, lambda: _later(decided.scope)
        ),
        gates=gate_counts(inputs, outcome, placed),
        prices=explaining.capacity_prices(inputs, outcome, names),
        by_pool=_by_pool(decided, placed),
        newcomers=newcomer_report(inputs, outcome, placed, names, decided.premium),
        examples=_examples(decisions, table, names),
    )


def _later(scope: Scope) -> tuple[date, int] | None:
    """Return the next day with hours after the horizon, and the days to plan to reach it."""
    day = next_working_day(scope)
    return None if day is None else (day, (day - scope.first_day).days + 1)


def _notes(decided: Decided) -> list[str]:
    notes = list(decided.outcome.notes)
    cohorts = decided.problem.inputs.cohorts
    overdue = int(cohorts.count[cohorts.late > 0].sum())
    if overdue:
        notes.append(
            nsaid(
                "%(n)s task is overdue: flagged, and planned first",
                "%(n)s tasks are overdue: flagged, and planned first",
                overdue,
            )
        )
    if decided.scope.left_out:
        pools = listed(decided.scope.left_out)
        notes.append(said("left out of the run: %(pools)s", pools=pools))
    if decided.settled.left_out:
        notes.append(
            nsaid(
                "%(n)s task waits because its own effort is above the mean of its cohort",
                "%(n)s tasks wait because their own effort is above the mean of their cohort",
                decided.settled.left_out,
            )
        )
    return notes


def _by_pool(decided: Decided, placed: Placed) -> list[dict[str, Any]]:
    """Return tasks labelled and reviewed, hours used against hours there, and pay, by pool."""
    inputs, found = decided.problem.inputs, decided.outcome.candidates
    k, a, n = placed.cohort, placed.slot, placed.tasks
    label, review = found.label_of[a], found.review_of[a]
    spend, share = found.spend[k, a] * n, found.share[k, a]
    reviewing = review_spend(inputs, k, review, share, found.review_hours[k, a]) * n
    rows = []
    for pool in range(len(inputs.pools.id)):
        mine = inputs.crews.pool == pool
        labels = mine[label] if len(label) else np.zeros(0, dtype=bool)
        reviews = (review >= 0) & mine[np.maximum(review, 0)] if len(label) else labels
        used = float(
            found.label_hours[k, a][labels] @ n[labels]
            + found.review_hours[k, a][reviews] @ n[reviews]
        )
        rows.append(
            {
                "pool": inputs.pools.name[pool],
                "tasks": int(n[labels].sum()),
                "reviews": float(share[reviews] @ n[reviews]),
                "hours": used,
                "available": float(inputs.crews.hours[mine].sum()),
                "spend": float((spend - reviewing)[labels].sum() + reviewing[reviews].sum()),
            }
        )
    return rows


def _examples(
    made: Sequence[Decision], table: dict[str, Any], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return two decisions in full: the largest that is placed, the largest that waits."""
    placed = sorted((d for d in made if d.routed), key=lambda d: (-d.routed, d.number))
    waits = sorted((d for d in made if d.waiting), key=lambda d: (-d.waiting, d.number))
    picked = [*placed[:1], *(waits[:1] or placed[1:2])]
    return [
        {
            "number": d.number,
            "key": d.key,
            "tasks": d.tasks,
            "routed": d.routed,
            "waiting": d.waiting,
            "reason": from_json(d.why or d.reason),
            "chosen": d.chosen,
            "runner_up": d.runner_up,
            "difference": d.difference,
            "candidates": explaining.candidate_rows(
                table, names, d.number, chosen={c["arrangement"] for c in d.chosen}
            ),
        }
        for d in picked
    ]
