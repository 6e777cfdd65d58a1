"""Newcomers' share: crews of which little is known get a stated share of low-risk work.

A crew's rate becomes known only by working; a plan that looks at today's cost alone would never
ask it. So a policy may promise newcomers a share of the project's work up to a risk band: a
commitment in tasks, whose shortfall has a price. That price is the most that one task given to a
newcomer may cost beyond what the plan would have paid else, so the share never costs more than
price × tasks promised; where it costs more, it is missed.

A crew is a newcomer to a skill while half of its hours or more belong to people with fewer answers
behind their rate than the policy asks for. Only work that a newcomer may do counts into the share,
and gates, targets and hours hold for newcomers as for all.
"""

from dataclasses import dataclass

import numpy as np

from routing.core.tables import Bools, Floats, Inputs, Ints


@dataclass(frozen=True)
class NewcomerRow:
    """The promise of one project.

    project : position; cohorts : (K,) bool, work that counts; tasks : how many that are
    promised : share · tasks; price : money per task that is missing
    """

    project: int
    cohorts: Bools
    tasks: int
    promised: float
    price: float


def newcomer_crews(inputs: Inputs) -> Bools:
    """Tell which crews count as newcomers for which cohorts (K, C), by the project's policy."""
    c, crews = inputs.cohorts, inputs.crews
    least = np.array([p.newcomer_evidence for p in inputs.projects.policies])[c.project]
    skill = inputs.types.skill[c.task_type]
    return np.asarray(least[:, None] > crews.evidence[:, skill].T)


def newcomer_rows(
    inputs: Inputs, k: Ints, label: Ints, newcomer: Bools
) -> tuple[list[NewcomerRow], Bools]:
    """Return the promises that say something, and which open slots count for them.

    Parameters
    ----------
    k, label : (n,) cohort and labelling crew of every open slot
    newcomer : (K, C), see `newcomer_crews`

    A promise says nothing where no newcomer is open, or nobody else is.
    """
    c = inputs.cohorts
    new = newcomer[k, label] if len(k) else np.zeros(0, dtype=bool)
    rows: list[NewcomerRow] = []
    for j, policy in enumerate(inputs.projects.policies):
        if policy.newcomer_share <= 0:
            continue
        low = (c.project == j) & (c.risk <= policy.newcomer_risk)
        mine = low[k] if len(k) else new
        cohorts = np.zeros(len(c), dtype=bool)
        cohorts[k[mine & new]] = True
        others = mine & ~new
        if not cohorts.any() or not cohorts[k[others]].any():
            continue
        tasks = int(c.count[cohorts].sum())
        promised = policy.newcomer_share * tasks
        rows.append(NewcomerRow(j, cohorts, tasks, promised, policy.newcomer_price))
    return rows, new


def hours_weighted_median(values: Floats, hours: Floats, group: Ints, groups: int) -> Floats:
    """Return the lower median of each group, each member weighing by its hours (groups,).

    Half of the hours or more belong to members at or below it. Members without hours in a group
    where others have some weigh nothing.
    """
    order = np.lexsort((values, group))
    of, ranked = group[order], values[order]
    weight = hours[order]
    total = np.bincount(of, weight, minlength=groups)
    first = np.searchsorted(of, np.arange(groups))
    running = np.cumsum(weight)
    before = np.where(first > 0, running[np.maximum(first - 1, 0)], 0.0)
    reached = running - before[of] >= 0.5 * total[of] * (1 - 1e-12)
    found = np.zeros(groups)
    # The first of each group that reaches half; written last to first, so that it stays.
    hits = np.flatnonzero(reached)[::-1]
    found[of[hits]] = ranked[hits]
    return found


__all__ = ["NewcomerRow", "hours_weighted_median", "newcomer_crews", "newcomer_rows"]
