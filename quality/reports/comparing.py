"""Teams and vendors like for like: everyone on one mix of work, with intervals.

Strata are kind of work × complexity band, which stand before the work is done. Accuracy is that of
checked answers (gold and random reviews), one per task; output and money see `comparing_work`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accounts.access import scoped
from accounts.models import User
from accounts.permissions import require
from quality.core.standardise import indirect, standardise
from quality.reports.comparing_work import COLUMNS as WORK_COLUMNS
from quality.reports.comparing_work import pool_work, work_columns
from quality.reports.ratings import VIEW
from quality.services.effort import scored_parts
from quality.services.evidence import Ints, read_evidence
from routing.choices import Band
from routing.models import Project
from workforce.models import Annotator, Pool

# A pool with less says too little to stand beside others, and would leave no stratum common to all.
LEAST = 20
COLUMNS = (
    "pool",
    "name",
    "kind",
    "checked",
    "right",
    "crude",
    "accuracy",
    "lower",
    "upper",
    "expected",
    "ratio",
    *WORK_COLUMNS,
    "currency",
)


@dataclass(frozen=True)
class Comparison:
    """One row per pool, by key, and what the comparison stands on.

    table : COLUMNS; accuracy, seconds, hourly (accepted answers an hour, trusted hours) and cost
        (per accepted label) on the common mix, NaN where there is none, with intervals (95 % of
        accuracy, 90 % of the others), the crude ones beside them; expected and ratio: right answers
        against those expected at the strata's pooled rates
    strata : task type, complexity, share of the mix, checked answers, and whether it is common
    covered : share of the mix of checked work that the common strata are
    """

    table: pd.DataFrame
    strata: pd.DataFrame
    covered: float


def compare_pools(
    *,
    acting_user: User,
    now: datetime,
    since: datetime | None = None,
    project: Project | None = None,
) -> Comparison:
    """Compare the pools that have checked answers given in [since, now]."""
    require(acting_user, VIEW)
    # The road to tenant data: who sees no pool compares none.
    pools = list(scoped(Pool.objects.all(), acting_user).order_by("key"))
    place = {pool.pk: number for number, pool in enumerate(pools)}
    pool_of = {
        pk: place[pool]
        for pk, pool in Annotator.objects.values_list("pk", "pool_id")
        if pool in place
    }
    only = {} if project is None else {"task__project": project}
    evidence = read_evidence(now, since=since, **only).one_per_task()
    evidence = evidence.take(np.isin(evidence.annotator, list(pool_of)))
    work = pool_work(pools, pool_of, since, now, project)
    tasks = work["task"].to_numpy(dtype=np.int64)
    strata, code = _strata(np.concatenate([evidence.task, tasks]))
    own, theirs = code[: len(evidence)], code[len(evidence) :]
    whose = np.array([pool_of[pk] for pk in evidence.annotator.tolist()], dtype=np.int64)
    shape = len(pools), len(strata)
    checked = _table(shape, whose, own)
    right = checked - _table(shape, whose, own, evidence.wrong)
    enough = checked.sum(axis=1) >= LEAST
    table = _rows(pools, checked, right, enough)
    table = table.join(work_columns(work, theirs, shape, LEAST)).loc[:, list(COLUMNS)]
    found = standardise(right[enough], checked[enough])
    strata["checked"] = checked.sum(axis=0)
    strata["share"] = found.weight
    strata["common"] = found.strata
    shown = strata.loc[strata["checked"] > 0].reset_index(drop=True)
    seen = (table["checked"] > 0) | (table["answers"] > 0)
    return Comparison(table.loc[seen].reset_index(drop=True), shown, found.covered)


def _strata(task: Ints) -> tuple[pd.DataFrame, Ints]:
    """Return the strata that tasks are in, and the stratum of each."""
    tasks, row = np.unique(task, return_inverse=True)
    keys: list[tuple[str, int]] = []
    for columns, types, scored in scored_parts(tasks):
        bands = scored.scores.complexity_band.tolist()
        names = [types[place].key for place in scored.task_type.tolist()]
        keys += list(zip(names, bands, strict=True))
        del columns
    words = sorted(set(keys))
    place = {key: number for number, key in enumerate(words)}
    code = np.array([place[key] for key in keys], dtype=np.int64)
    table = pd.DataFrame(
        [(kind, str(Band(Band.values[band]).label)) for kind, band in words],
        columns=["task_type", "complexity"],
    )
    return table, code[row] if len(code) else np.zeros(0, dtype=np.int64)


def _table(
    shape: tuple[int, int], row: Ints, column: Ints, weight: NDArray[np.generic] | None = None
) -> Ints:
    counts = np.bincount(row * shape[1] + column, weight, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.int64)


def _rows(
    pools: Sequence[Pool], checked: Ints, right: Ints, enough: NDArray[np.bool_]
) -> pd.DataFrame:
    found = standardise(right[enough], checked[enough])
    against = indirect(right, checked)
    n = checked.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        crude = right.sum(axis=1) / n
    table = pd.DataFrame(
        {
            "pool": [pool.key for pool in pools],
            "name": [pool.name for pool in pools],
            "kind": [str(pool.get_kind_display()) for pool in pools],
            "checked": n,
            "right": right.sum(axis=1),
            "crude": crude,
            "expected": against.expected,
            "ratio": against.ratio,
            "currency": [pool.currency for pool in pools],
        }
    )
    for name, values in (
        ("accuracy", found.value),
        ("lower", found.lower),
        ("upper", found.upper),
    ):
        table[name] = np.nan
        table.loc[enough, name] = values
    return table
