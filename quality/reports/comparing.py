"""Teams and vendors like for like: everyone on one mix of work, with intervals.

Strata are kind of work × complexity band, which stand before the work is done. Accuracy is that of
checked answers (gold and random reviews), one per task. Money is what the pool's prices, or its
people's hours, make of its answers to work: of all of them, the accepted and the others.
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
from quality.core.standardise import indirect, standardise, standardise_means
from quality.models import Judgment
from quality.reports.ratings import VIEW
from quality.services.effort import scored_parts
from quality.services.evidence import Floats, Ints, read_evidence
from routing import seams
from routing.choices import Band, Purpose, TaskState
from routing.models import Project, TaskType
from workforce.models import Annotator, Pool

# A pool with less says too little to stand beside others, and would leave no stratum common to all.
LEAST = 20
BATCH = 10_000
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
    "answers",
    "seconds_crude",
    "seconds",
    "accepted",
    "cost_crude",
    "cost",
    "currency",
)


@dataclass(frozen=True)
class Comparison:
    """One row per pool, by key, and what the comparison stands on.

    table : COLUMNS; accuracy, seconds and cost on the common mix (NaN where there is none), the
        crude ones beside them; expected and ratio: right answers against those expected at the
        strata's pooled rates
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
    work = _work(pools, pool_of, since, now, project)
    strata, code = _strata(np.concatenate([evidence.task, work.task]))
    own, theirs = code[: len(evidence)], code[len(evidence) :]
    whose = np.array([pool_of[pk] for pk in evidence.annotator.tolist()], dtype=np.int64)
    shape = len(pools), len(strata)
    checked = _table(shape, whose, own)
    right = checked - _table(shape, whose, own, evidence.wrong)
    enough = checked.sum(axis=1) >= LEAST
    table = _rows(pools, checked, right, enough)
    _add_work(table, work, theirs, shape)
    table = table.loc[:, list(COLUMNS)]
    found = standardise(right[enough], checked[enough])
    strata["checked"] = checked.sum(axis=0)
    strata["share"] = found.weight
    strata["common"] = found.strata
    shown = strata.loc[strata["checked"] > 0].reset_index(drop=True)
    seen = (table["checked"] > 0) | (table["answers"] > 0)
    return Comparison(table.loc[seen].reset_index(drop=True), shown, found.covered)


@dataclass(frozen=True)
class Work:
    """Answers to work (N,): whose pool (place), task, seconds (NaN unknown), cost, accepted."""

    pool: Ints
    task: Ints
    seconds: Floats
    cost: Floats
    accepted: NDArray[np.bool_]


def _work(
    pools: Sequence[Pool],
    pool_of: dict[int, int],
    since: datetime | None,
    now: datetime,
    project: Project | None,
) -> Work:
    rows = Judgment.objects.filter(
        submitted_at__lte=now, assignment__purpose=Purpose.LABEL, annotator__in=list(pool_of)
    )
    if since is not None:
        rows = rows.filter(submitted_at__gte=since)
    if project is not None:
        rows = rows.filter(task__project=project)
    prices = seams.prices.get().prices(
        pool_ids=[pool.pk for pool in pools],
        task_type_ids=list(TaskType.objects.values_list("pk", flat=True)),
        at=now,
    )
    columns = (
        "annotator_id",
        "task_id",
        "task__task_type_id",
        "task__size",
        "task__state",
        "billable_seconds",
        "annotator__hourly_cost_micro",
    )
    found = []
    for who, task, kind, size, state, seconds, hourly in (
        rows.order_by("task_id", "pk").values_list(*columns).iterator(BATCH)
    ):
        pool = pool_of[who]
        price = prices.get((pools[pool].pk, "label", kind))
        hours = None if seconds is None else seconds / 3600.0
        found.append((pool, task, seconds, _cost(price, size, hours, hourly), state))
    columns_of = list(zip(*found, strict=True)) if found else [()] * 5
    return Work(
        pool=np.array(columns_of[0], dtype=np.int64),
        task=np.array(columns_of[1], dtype=np.int64),
        seconds=np.array(columns_of[2], dtype=np.float64),
        cost=np.array(columns_of[3], dtype=np.float64),
        accepted=np.array([one == TaskState.ACCEPTED for one in columns_of[4]], dtype=np.bool_),
    )


def _cost(price: seams.Price | None, size: float, hours: float | None, hourly: int | None) -> float:
    """Return what an answer costs, NaN where it is not known."""
    if price is None:
        return np.nan if hours is None or hourly is None else hours * hourly / 1e6
    by_time = price.per_hour * hours if hours is not None else np.nan
    return price.per_item + price.per_unit * size + (by_time if price.per_hour else 0.0)


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


def _add_work(table: pd.DataFrame, work: Work, code: Ints, shape: tuple[int, int]) -> None:
    """Add answers, seconds and money per accepted label, crude and on the common mix."""
    timed = ~np.isnan(work.seconds)
    answers = _table(shape, work.pool[timed], code[timed])
    seconds = _sums(shape, work.pool[timed], code[timed], work.seconds[timed])
    # A task that several people of a pool answered is one label of it.
    done = np.flatnonzero(work.accepted)
    _labels, first = np.unique(
        np.stack([work.pool[done], work.task[done]]), axis=1, return_index=True
    )
    labels = _table(shape, work.pool[done][first], code[done][first])
    cost = _sums(shape, work.pool, code, work.cost)
    table["answers"] = np.bincount(work.pool, minlength=shape[0])
    table["accepted"] = labels.sum(axis=1)
    for name, total, n in (("seconds", seconds, answers), ("cost", cost, labels)):
        table[name], table[f"{name}_crude"] = np.nan, np.nan
        some = (n.sum(axis=1) >= LEAST) & ~np.isnan(total).any(axis=1)
        if some.any():
            table.loc[some, name], table.loc[some, f"{name}_crude"] = standardise_means(
                total[some], n[some]
            )


def _sums(shape: tuple[int, int], row: Ints, column: Ints, value: Floats) -> Floats:
    total = np.bincount(row * shape[1] + column, value, minlength=shape[0] * shape[1])
    return total.reshape(shape).astype(np.float64)
