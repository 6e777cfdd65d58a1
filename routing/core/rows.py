"""The rows of the planning problem: what binds, with the amounts that a task takes of each.

In order: limits by day (routing.core.limits), vendors' commitments (money) and share caps (tasks),
budgets (money), newcomers' shares (tasks), and windows: days on which a gate of an arrangement does
not hold have no capacity for it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from common.words import said
from routing.core.arrangements import Candidates
from routing.core.limits import Limit, Uses, limits_of, uses_of
from routing.core.newcomers import NewcomerRow, newcomer_crews, newcomer_rows
from routing.core.pricing import review_spend
from routing.core.tables import OUTSOURCED, Floats, Inputs, Ints

NEWCOMERS = "newcomers"


@dataclass(frozen=True)
class Rows:
    """The rows of the problem by name, with their amounts (K, A) and capacity by day.

    of : crew, pool, vendor, budget or promise that the row is about (−1 = a window)
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    of: tuple[int, ...]
    amounts: dict[int, sparse.coo_array]
    capacity: Floats
    commitment: Floats
    shortfall_price: Floats
    outside: NDArray[np.bool_]
    share_cap: Floats
    used: Floats
    crews: int
    newcomers: tuple[NewcomerRow, ...] = ()


class _Builder:
    """Collects rows."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.names: list[str] = []
        self.of: list[int] = []
        self.kinds: list[str] = []
        self.amounts: dict[int, sparse.coo_array] = {}
        self.capacity: list[Floats] = []
        self.more: list[tuple[float, float, bool, float, float]] = []

    def add(
        self,
        kind: str,
        name: str,
        of: int,
        amount: sparse.coo_array,
        capacity: Floats | None = None,
        *,
        commitment: float = 0.0,
        shortfall_price: float = 0.0,
        outside: bool = False,
        share_cap: float = 1.0,
        used: float = 0.0,
    ) -> None:
        self.amounts[len(self.names)] = amount
        self.names.append(name)
        self.of.append(of)
        self.kinds.append(kind)
        self.capacity.append(np.full(self.days, np.inf) if capacity is None else capacity)
        self.more.append((commitment, shortfall_price, outside, share_cap, used))


def plan_rows(inputs: Inputs, found: Candidates) -> tuple[Rows, list[str]]:
    """Return the rows of the problem and what has to be said about them."""
    notes: list[str] = []
    build = _Builder(inputs.days)
    k, a = np.nonzero(np.isfinite(found.cost))
    shape = found.cost.shape
    label, review = found.label_of, found.review_of
    pool_of = inputs.crews.pool

    def matrix(values: Floats, at: NDArray[np.bool_]) -> sparse.coo_array:
        return sparse.coo_array((values[at], (k[at], a[at])), shape=shape)

    spend = found.spend[k, a]
    labels, reviews = label[a], review[a]
    uses = uses_of(inputs, found, k, a)
    for limit in limits_of(inputs):
        _limit_rows(inputs, build, limit, uses, (k, a), shape)
    label_pool = pool_of[labels] if len(pool_of) else labels
    review_pool = np.where(reviews >= 0, pool_of[np.maximum(reviews, 0)], -1) if len(a) else reviews
    reviewing = review_spend(inputs, k, reviews, found.share[k, a], found.review_hours[k, a])
    _vendor_rows(inputs, build, label_pool, review_pool, spend, reviewing, matrix, notes)
    for number, budget in enumerate(inputs.budgets):
        mine = np.isin(inputs.cohorts.project[k], budget.projects)
        each = np.full(inputs.days, budget.amount / inputs.days)
        build.add("budget", budget.name, number, matrix(spend, mine & (spend > 0)), each)
    promises, new = newcomer_rows(inputs, k, labels, newcomer_crews(inputs))
    for number, promise in enumerate(promises):
        build.add(
            NEWCOMERS,
            inputs.projects.key[promise.project],
            number,
            matrix(np.ones(len(k)), new & promise.cohorts[k]),
            commitment=promise.promised,
            shortfall_price=promise.price,
        )
    _windows(inputs, found, build, k, a, matrix)
    commitment, price, outside, cap, used = (
        np.array(column) for column in (zip(*build.more, strict=True) if build.more else [[]] * 5)
    )
    rows = Rows(
        names=tuple(build.names),
        kinds=tuple(build.kinds),
        of=tuple(build.of),
        amounts=build.amounts,
        capacity=np.array(build.capacity).reshape(len(build.names), inputs.days),
        commitment=commitment.astype(np.float64),
        shortfall_price=price.astype(np.float64),
        outside=outside.astype(bool),
        share_cap=cap.astype(np.float64),
        used=used.astype(np.float64),
        crews=len(inputs.crews),
        newcomers=tuple(promises),
    )
    return rows, notes


def _limit_rows(
    inputs: Inputs,
    build: _Builder,
    limit: Limit,
    uses: Uses,
    at: tuple[Ints, Ints],
    shape: tuple[int, ...],
) -> None:
    """Add a row for each row of a limit that binds (crews' hours: for every crew)."""
    amount = uses.amount(limit.kind)
    some = np.flatnonzero(amount > 0)
    row = limit.row_of[uses.crew[some]]
    order = some[np.argsort(row, kind="stable")]
    bounds = np.searchsorted(np.sort(row), np.arange(len(limit.capacity) + 1))
    k, a = at
    for r, capacity in enumerate(limit.capacity):
        if limit.kind != "crew" and np.isinf(capacity).all():
            continue
        mine = order[bounds[r] : bounds[r + 1]]
        pair = uses.row[mine]
        # A crew that reviews its own work uses its row twice: duplicates add up.
        matrix = sparse.coo_array((amount[mine], (k[pair], a[pair])), shape=shape)
        matrix.sum_duplicates()
        name = inputs.pools.name[r] if limit.kind == "declared" else f"crew {r}"
        build.add(limit.kind, name, r, matrix, capacity)


def _vendor_rows(  # type: ignore[no-untyped-def]
    inputs, build, label_pool, review_pool, spend, reviewing, matrix, notes
) -> None:
    """Add commitments in money and share caps in tasks; `reviewing` is the reviewer's money."""
    pools, vendors = inputs.pools, inputs.vendors
    V = len(vendors.id)
    vendor_of = np.append(np.where(pools.kind == OUTSOURCED, pools.vendor, -1), -1)
    labels, reviews = vendor_of[label_pool], vendor_of[review_pool]
    for v in range(V):
        if vendors.commitment[v] > 0:
            # What own staff are paid for the other part of a task is not the vendor's fee.
            fee = np.where(labels == v, spend - reviewing, 0.0)
            fee = fee + np.where(reviews == v, reviewing, 0.0)
            build.add(
                "commitment",
                vendors.key[v],
                v,
                matrix(fee, fee > 0),
                commitment=float(vendors.commitment[v]),
                shortfall_price=float(vendors.shortfall_price[v]),
            )
    capped = vendors.share_cap < 1.0
    if not capped.any():
        return
    open_vendors = np.unique(labels[labels >= 0])
    room = float(vendors.share_cap[open_vendors].sum()) if len(open_vendors) else 0.0
    if room < 1.0 - 1e-12:
        notes.append(
            said(
                "share caps were not applied: the vendors that have hours and open gates may take "
                "%(percent).0f %% of outside work together",
                percent=100 * room,
            )
        )
        return
    one = np.ones(len(labels))
    for v in range(V):
        build.add(
            "share",
            vendors.key[v],
            v,
            matrix(one, labels == v),
            outside=True,
            share_cap=float(vendors.share_cap[v]),
            used=float(vendors.used[v]),
        )


def _windows(inputs, found, build, k, a, matrix) -> None:  # type: ignore[no-untyped-def]
    """Add one row per set of days on which arrangements may not be used."""
    bits = found.bad[k, a]
    for value in np.unique(bits[bits > 0]):
        closed = np.array([bool(int(value) >> d & 1) for d in range(inputs.days)])
        days = ", ".join(str(d) for d in np.flatnonzero(closed))
        build.add(
            "window",
            f"shut on day {days}",
            -1,
            matrix(np.ones(len(bits)), bits == value),
            np.where(closed, 0.0, np.inf),
        )
