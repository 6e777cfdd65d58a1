"""What a task costs with each person of a pool: their time at its price, and their errors.

    cost = price(hours · speed) + (1 − logistic(logit(rate) − δ)) · cost of an error

Hours are those of the task's cohort, as at a claim. From risk band high upward the lower bound of
the rate counts. Reviews catch a share of anybody's errors and are left out: they do not tell people
apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from routing import seams
from routing.core.crews import PRIOR_RATE, PRIOR_RATE_LOWER
from routing.services.basis import Basis
from routing.services.rules_now import RulesNow
from routing.services.standing import HIGH
from routing.services.standings import Member
from workforce.models import Pool

Floats = NDArray[np.float64]
LEAST = 1e-6


@dataclass(frozen=True)
class Costs:
    """Of people × tasks (m, n): expected hours, and expected money of work and errors."""

    hours: Floats
    cost: Floats


@dataclass(frozen=True)
class _Tasks:
    """Columns of tasks (n,)."""

    task_type: NDArray[np.int64]
    hours: Floats
    size: Floats
    error_cost: Floats
    harder: Floats
    risky: NDArray[np.bool_]


def costs_of(
    pool: Pool,
    members: Sequence[Member],
    kinds: Sequence[tuple[Basis, int]],
    rules: RulesNow,
    at: datetime,
) -> Costs:
    """Return hours and costs of people × tasks.

    Parameters
    ----------
    kinds : of each task, the run that decided about it and the number of its cohort there
    """
    m, n = len(members), len(kinds)
    if not m or not n:
        return Costs(np.zeros((m, n)), np.zeros((m, n)))
    # Tasks of a cohort are alike: each is worked out once.
    alike: dict[tuple[int, int], int] = {}
    of = np.array([alike.setdefault((b.run_id, k), len(alike)) for b, k in kinds], dtype=np.int64)
    some = {alike[b.run_id, k]: (b, k) for b, k in kinds}
    tasks = _columns([some[number] for number in range(len(alike))])
    skill = np.array([members[0].standing.skills.index(rules.skill_of[y]) for y in tasks.task_type])
    speed = np.nan_to_num(_of_skill(members, "speed", skill), nan=1.0)
    hours = tasks.hours * speed
    item, unit, hour = _prices(pool, members, tasks, at)
    rate = np.nan_to_num(_of_skill(members, "rate", skill), nan=PRIOR_RATE)
    lower = np.nan_to_num(_of_skill(members, "rate_lower", skill), nan=PRIOR_RATE_LOWER)
    right = np.clip(np.where(tasks.risky, lower, rate), LEAST, 1 - LEAST)
    odds = np.log(right) - np.log1p(-right) - tasks.harder
    wrong = 1.0 / (1.0 + np.exp(odds))
    cost = item + unit * tasks.size + hour * hours + wrong * tasks.error_cost
    return Costs(hours[:, of], cost[:, of])


def _columns(kinds: Sequence[tuple[Basis, int]]) -> _Tasks:
    rows = []
    for basis, k in kinds:
        c, types = basis.inputs.cohorts, basis.inputs.types
        y = int(c.task_type[k])
        rows.append(
            (
                int(types.id[y]),
                float(c.hours[k]),
                float(c.size[k]),
                float(c.error_cost[k]),
                float(types.difficulty[y, c.complexity[k]]),
                bool(c.risk[k] >= HIGH),
            )
        )
    task_type, hours, size, error_cost, harder, risky = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return _Tasks(task_type, hours, size, error_cost, harder, risky)


def _of_skill(members: Sequence[Member], name: str, skill: NDArray[np.int64]) -> Floats:
    """Return a fact of each person for the skill of each task (m, k)."""
    table = np.concatenate([getattr(member.standing.table, name) for member in members])
    return np.asarray(table[:, skill])


def _prices(
    pool: Pool, members: Sequence[Member], tasks: _Tasks, at: datetime
) -> tuple[Floats, Floats, Floats]:
    """Return prices per item and unit (k,) and per hour (m, k); own staff without a card by wage.

    Whose wage is not known costs what the others do on average.
    """
    ids = sorted(set(tasks.task_type.tolist()))
    prices = seams.prices.get().prices(pool_ids=[pool.pk], task_type_ids=ids, at=at)
    wage = np.concatenate([member.standing.table.hourly_cost for member in members])
    known = wage[~np.isnan(wage)]
    wage = np.where(np.isnan(wage), known.mean() if len(known) else 0.0, wage)
    item, unit = np.zeros(len(tasks.hours)), np.zeros(len(tasks.hours))
    hour = np.repeat(wage[:, None], len(tasks.hours), axis=1)
    for number, task_type in enumerate(tasks.task_type.tolist()):
        price = prices.get((pool.pk, "label", task_type))
        if price is not None:
            item[number], unit[number] = price.per_item, price.per_unit
            hour[:, number] = price.per_hour
    return item, unit, hour
