"""What answers and their reviews cost: by the price of the pool that gave them, else by the hour.

Money here compares and shows; what is booked is billing's. Own staff are paid for all they do; by a
price an answer that was rejected is paid where the card says that rework is billable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from quality.choices import ReviewState
from quality.models import Review
from quality.services.evidence import Floats
from routing import seams
from routing.models import TaskType

Prices = Mapping[tuple[int, str, int], seams.Price]
BATCH = 5_000


@dataclass(frozen=True)
class Money:
    """What answers cost (N,), float64 major units of the pool's currency, NaN where unknown.

    label : of the answer if it is accepted; spoiled : of it if it is rejected; review : of its
    reviews that were done
    """

    label: Floats
    spoiled: Floats
    review: Floats


def prices_of(pool_ids: Sequence[int], now: datetime) -> Prices:
    """Return the prices of pools for every task type and activity, as of a time."""
    types = list(TaskType.objects.values_list("pk", flat=True))
    return seams.prices.get().prices(pool_ids=list(pool_ids), task_type_ids=types, at=now)


def answer_cost(
    price: seams.Price | None, size: float, seconds: float | None, hourly_micro: float | None
) -> float:
    """Return what one answer or review costs, NaN where it is not known."""
    hours = None if seconds is None or np.isnan(seconds) else seconds / 3600.0
    if price is None:
        known = hours is not None and hourly_micro is not None and not np.isnan(hourly_micro)
        return hours * hourly_micro / 1e6 if known else np.nan  # type: ignore[operator]
    by_time = 0.0
    if price.per_hour:
        by_time = np.nan if hours is None else price.per_hour * hours
    return price.per_item + price.per_unit * size + by_time


def money_of(work: pd.DataFrame, currency: Mapping[int, str], now: datetime) -> Money:
    """Return the money behind answers (rows of `read_work`).

    Parameters
    ----------
    currency : of every pool, by id. A review by a pool of another currency makes the money of
        reviews unknown: amounts are never added across currencies
    """
    prices = prices_of(list(currency), now)
    label, spoiled = np.zeros(len(work)), np.zeros(len(work))
    columns = ("pool", "task_type", "size", "seconds", "hourly_micro")
    for row, (pool, kind, size, seconds, hourly) in enumerate(
        work[list(columns)].itertuples(index=False, name=None)
    ):
        price = prices.get((pool, "label", kind))
        label[row] = answer_cost(price, size, seconds, hourly)
        unpaid = price is not None and not price.rework_billable
        spoiled[row] = 0.0 if unpaid else label[row]
    return Money(label, spoiled, _reviews(work, currency, prices, now))


def _reviews(
    work: pd.DataFrame, currency: Mapping[int, str], prices: Prices, now: datetime
) -> Floats:
    place = {judgment: row for row, judgment in enumerate(work["judgment"].tolist())}
    money = np.zeros(len(work))
    ids = list(place)
    columns = (
        "judgment_id",
        "reviewer__pool_id",
        "reviewer__hourly_cost_micro",
        "billable_seconds",
        "raw_seconds",
        "task__task_type_id",
        "task__size",
        "judgment__annotator__pool_id",
    )
    for start in range(0, len(ids), BATCH):
        rows = Review.objects.filter(
            judgment__in=ids[start : start + BATCH],
            state=ReviewState.DONE,
            decided_at__lte=now,
        )
        for judgment, pool, hourly, billable, raw, kind, size, own in rows.values_list(*columns):
            price = prices.get((pool, "review", kind))
            seconds = raw if billable is None else billable
            cost = answer_cost(price, size, seconds, hourly)
            same = currency.get(pool) == currency.get(own)
            money[place[judgment]] += cost if same else np.nan
    return money
