"""What pools got done, and for what money, on one mix of work: the work's side of `comparing`.

Output is accepted answers an hour, over trusted hours; on the mix it is the hours of an accepted
answer that are weighed, and the result is turned round. Cost is per accepted label: what the
answers, accepted and rejected, and their reviews cost. Its interval is that of the share accepted.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from quality.core.standardise import standardise_intervals, standardise_means
from quality.core.throughput import measure_rates
from quality.core.unit_cost import cost_per_accepted
from quality.reports.costs import money_of
from quality.services.evidence import Floats, Ints
from quality.services.work import read_work
from routing.models import Project
from workforce.models import Pool

COLUMNS = (
    "answers",
    "seconds_crude",
    "seconds",
    "accepted",
    "hourly_crude",
    "hourly",
    "hourly_lower",
    "hourly_upper",
    "cost_crude",
    "cost",
    "cost_lower",
    "cost_upper",
)


def pool_work(
    pools: Sequence[Pool],
    pool_of: dict[int, int],
    since: datetime | None,
    now: datetime,
    project: Project | None,
) -> pd.DataFrame:
    """Return the answers to work of the pools' people (rows of `read_work`).

    `place` is the position of the pool, `money` what the answer and its reviews cost, NaN where
    that is not known.
    """
    only = {} if project is None else {"task__project": project}
    work = read_work(now, since=since, annotators=list(pool_of), **only)
    # Under whom somebody answers today; the money is that of the pool as well.
    money = money_of(work, {pool.pk: pool.currency for pool in pools}, now)
    spent = np.where(work["rejected"], money.spoiled, money.label)
    return work.assign(
        place=[pool_of[pk] for pk in work["annotator"]],
        spent=spent,
        spoiled=money.spoiled,
        review=money.review,
    )


def work_columns(
    work: pd.DataFrame, code: Ints, shape: tuple[int, int], least: int
) -> pd.DataFrame:
    """Return COLUMNS of every pool.

    code : (N,) stratum of each answer; shape : pools, strata; least : a pool with fewer answers or
    labels has no value on the mix
    """
    place = work["place"].to_numpy(dtype=np.int64)
    table = pd.DataFrame({"answers": np.bincount(place, minlength=shape[0])})
    labels = _labels(work, place, code, shape)
    table["accepted"] = labels.sum(axis=1)
    for name in COLUMNS:
        if name not in table:
            table[name] = np.nan
    _seconds(table, work, place * shape[1] + code, shape, least)
    _hourly(table, work, place * shape[1] + code, shape, least)
    _cost(table, work, place * shape[1] + code, labels, shape, least)
    return table.loc[:, list(COLUMNS)]


def _labels(work: pd.DataFrame, place: Ints, code: Ints, shape: tuple[int, int]) -> Ints:
    """Return accepted labels: a task that several people of a pool answered is one label of it."""
    done = np.flatnonzero(work["accepted"].to_numpy(dtype=bool))
    task = work["task"].to_numpy(dtype=np.int64)
    _each, first = np.unique(np.stack([place[done], task[done]]), axis=1, return_index=True)
    rows = done[first]
    return _count(place[rows] * shape[1] + code[rows], shape)


def _seconds(
    table: pd.DataFrame, work: pd.DataFrame, cell: Ints, shape: tuple[int, int], least: int
) -> None:
    seconds = work["seconds"].to_numpy(dtype=np.float64)
    timed = ~np.isnan(seconds)
    n, total = _count(cell[timed], shape), _sum(cell[timed], seconds[timed], shape)
    some = n.sum(axis=1) >= least
    if some.any():
        table.loc[some, "seconds"], table.loc[some, "seconds_crude"] = standardise_means(
            total[some], n[some]
        )


def _hourly(
    table: pd.DataFrame, work: pd.DataFrame, cell: Ints, shape: tuple[int, int], least: int
) -> None:
    trusted = work["trusted"].to_numpy(dtype=bool)
    accepted = work["accepted"].to_numpy(dtype=np.float64)[trusted]
    hours = work["seconds"].to_numpy(dtype=np.float64)[trusted] / 3600.0
    # The day of one annotator is what goes together.
    days = np.unique(
        np.stack([work["annotator"], work["day"]]).astype(np.int64)[:, trusted],
        axis=1,
        return_inverse=True,
    )[1].reshape(-1)
    found = measure_rates(cell[trusted], days, accepted, hours, shape[0] * shape[1])
    n = _count(cell[trusted], shape)
    some = (n.sum(axis=1) >= least) & (_sum(cell[trusted], accepted, shape).sum(axis=1) > 0)
    if not some.any():
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        long, short, longest = (
            np.reshape(1.0 / part, shape)[some] for part in (found.value, found.upper, found.lower)
        )
        mean, low, high = standardise_intervals(long, short, longest, n[some])
        table.loc[some, "hourly"] = 1.0 / mean
        # A stratum without an accepted answer takes hours without end: nothing an hour on the mix.
        table.loc[some, "hourly_lower"] = np.nan_to_num(1.0 / high)
        # Hours that may be none at all make an output without end.
        table.loc[some, "hourly_upper"] = np.where(low > 0, 1.0 / low, np.inf)
        crude = _sum(cell[trusted], accepted, shape).sum(axis=1)
        crude = crude / _sum(cell[trusted], hours, shape).sum(axis=1)
    table.loc[some, "hourly_crude"] = crude[some]


def _cost(
    table: pd.DataFrame,
    work: pd.DataFrame,
    cell: Ints,
    labels: Ints,
    shape: tuple[int, int],
    least: int,
) -> None:
    right = work["accepted"].to_numpy(dtype=bool)
    wrong = work["rejected"].to_numpy(dtype=bool)
    spent, review = work["spent"].to_numpy(), work["review"].to_numpy()
    money = _sum(cell, spent + review, shape)
    some = (labels.sum(axis=1) >= least) & ~np.isnan(money).any(axis=1)
    if not some.any():
        return
    table.loc[some, "cost"], table.loc[some, "cost_crude"] = standardise_means(
        money[some], labels[some]
    )
    flat = [np.nan_to_num(part) for part in (spent, review)]
    decided = right | wrong
    unit = cost_per_accepted(
        _count(cell[right], shape),
        _count(cell[wrong], shape),
        accepted_money=_sum(cell[right], flat[0][right], shape),
        rejected_money=_sum(cell[wrong], flat[0][wrong], shape),
        review_money=_sum(cell[decided], flat[1][decided], shape),
        spoiled=_mean(cell[right], np.nan_to_num(work["spoiled"].to_numpy())[right], shape),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        each = money / labels
        low, high = each * unit.lower / unit.value, each * unit.upper / unit.value
    # Where nothing costs anything the ends are the value.
    low, high = np.where(each == 0, each, low), np.where(each == 0, each, high)
    _mean_cost, lower, upper = standardise_intervals(
        each[some], low[some], high[some], labels[some]
    )
    table.loc[some, "cost_lower"], table.loc[some, "cost_upper"] = np.maximum(lower, 0.0), upper


def _count(cell: Ints, shape: tuple[int, int]) -> Ints:
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _sum(cell: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    total = np.bincount(cell, values, minlength=shape[0] * shape[1])
    return total.reshape(shape).astype(np.float64)


def _mean(cell: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    return np.asarray(_sum(cell, values, shape) / np.maximum(_count(cell, shape), 1))
