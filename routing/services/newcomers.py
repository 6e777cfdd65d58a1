"""What newcomers were promised, what they got, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from routing.core.decide import Outcome, without_newcomers
from routing.core.newcomers import newcomer_crews
from routing.core.rows import NEWCOMERS
from routing.core.settle import Placed
from routing.core.tables import Inputs


@dataclass(frozen=True)
class Premium:
    """What the plan costs more for its newcomers; both None where it would have been the same.

    cost : objective without what is missing of the promises, less the objective of a plan that
        promises nothing; off : by how much that may be wrong
    """

    cost: float | None = None
    off: float | None = None


def premium_of(outcome: Outcome) -> Premium:
    """Return what the promises to newcomers cost: the plan is solved again without them.

    Each plan may be as far from its optimum as its bound tells, and so may their difference. But
    the least cost is convex in what is promised, so the premium is never above the shadow price of
    a promise × what was given for it: the difference is cut to that. Not solved again where
    newcomers get a task more than was promised: then it bound nothing.
    """
    rows, plan = outcome.rows, outcome.plan
    missing, most, binds = 0.0, 0.0, False
    for r, kind in enumerate(rows.kinds):
        if kind != NEWCOMERS:
            continue
        amounts = rows.amounts[r].tocsr()[plan.cohort, plan.arrangement]
        given = float(np.asarray(amounts).ravel() @ plan.tasks) if len(plan.cohort) else 0.0
        # A task more than was promised was given for its own sake; part of one was not.
        binds |= given < rows.commitment[r] + 1.0
        missing += max(rows.commitment[r] - given, 0.0) * rows.shortfall_price[r]
        most += given * float(plan.commitment_prices[r])
    if not binds:
        return Premium()
    other = without_newcomers(outcome)
    gaps = (plan.cost - plan.lower_bound) + (other.cost - other.lower_bound)
    cost = min(max(plan.cost - missing - other.cost, 0.0), most)
    return Premium(cost=cost, off=min(gaps, max(cost, most - cost)))


def newcomer_report(
    inputs: Inputs, outcome: Outcome, placed: Placed, names: Sequence[str], premium: Premium
) -> list[dict[str, Any]]:
    """Return one row per project that promised newcomers a share of this run's work."""
    promises = outcome.rows.newcomers
    if not promises:
        return []
    new = newcomer_crews(inputs)
    k, label = placed.cohort, outcome.candidates.label_of[placed.slot]
    rows = []
    for promise in promises:
        mine = promise.cohorts[k] & new[k, label]
        policy = inputs.projects.policies[promise.project]
        crews = np.bincount(label[mine], placed.tasks[mine], minlength=len(inputs.crews))
        rows.append(
            {
                "project": inputs.projects.key[promise.project],
                "share": policy.newcomer_share,
                "evidence": policy.newcomer_evidence,
                "price": promise.price,
                "tasks": promise.tasks,
                "promised": promise.promised,
                "got": int(placed.tasks[mine].sum()),
                "crews": [
                    {"crew": names[c], "tasks": int(crews[c])}
                    for c in np.flatnonzero(crews).tolist()
                ],
                "cost": premium.cost,
                "off": premium.off,
                "together": len(promises) > 1,
            }
        )
    return rows
