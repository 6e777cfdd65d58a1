"""The columns of a planning problem: only the allowed ones, in the order cohort, arrangement, day.

A *pair* is an allowed (cohort, arrangement); a *column* is a pair on a day before its due day.
Amounts are kept per pair (a task's amount does not depend on the day), so that all prices of a
pair come from one sparse product.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SMALL = 1_500  # columns up to which the whole problem is one program


@dataclass(frozen=True)
class Prices:
    """Dual prices: capacity (R, D), commitment (R,) and share caps (R,), all ≥ 0."""

    capacity: Floats
    commitment: Floats
    share: Floats


@dataclass(frozen=True)
class Model:
    """A problem as columns.

    Attributes
    ----------
    pair_cohort, pair_arrangement : (P,) int, pairs sorted by cohort
    pair_cost : (P,) float
    amounts : (P, R) csr, units of each resource that a task of the pair takes
    first_pair : (K + 1,) int, pairs of cohort k are first_pair[k]:first_pair[k + 1]
    pair, cohort, arrangement, day : (N,) int, of each column
    column_cost : (N,) float, with the cost of the day
    column_of : (P, D) int, column of a pair on a day, −1 where there is none
    finite : (R, D) bool, where capacity binds at all
    capped : (R,) bool, rows under a share cap below 1
    allowance : (R,) float, right side of a share cap beside cap · outside use of the plan
    """

    count: Ints
    wait_cost: Floats
    day_cost: Floats
    due: Ints
    capacity: Floats
    commitment: Floats
    shortfall_price: Floats
    outside: Bools
    share_cap: Floats
    pair_cohort: Ints
    pair_arrangement: Ints
    pair_cost: Floats
    amounts: Any
    outside_amount: Floats
    first_pair: Ints
    pair: Ints
    cohort: Ints
    arrangement: Ints
    day: Ints
    column_cost: Floats
    column_of: Ints
    finite: Bools
    capped: Bools
    allowance: Floats
    day_allowed: Bools

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of cohorts, resources and days."""
        return len(self.count), self.capacity.shape[0], self.capacity.shape[1]

    def zero_prices(self) -> Prices:
        """Prices of nothing."""
        R, D = self.capacity.shape
        return Prices(np.zeros((R, D)), np.zeros(R), np.zeros(R))

    def pair_prices(self, prices: Prices) -> tuple[Floats, Floats]:
        """Return (base (P,), by day (P, D)): reduced cost = base + by day + day_cost[cohort]."""
        # A unit of an outside row loosens every cap a little: cap_r · s_r on all outside use.
        loosened = float(prices.share @ self.share_cap)
        base = self.pair_cost + self.amounts @ (prices.share - prices.commitment)
        if loosened:
            base = base - loosened * self.outside_amount
        return base, self.amounts @ prices.capacity

    def reduced_costs(self, prices: Prices) -> Floats:
        """Return the reduced cost of every pair on every day (P, D); inf where not allowed."""
        base, by_day = self.pair_prices(prices)
        reduced = by_day
        reduced += base[:, None]
        if len(self.pair_cohort):
            reduced += self.day_cost[self.pair_cohort]
            reduced[~self.day_allowed] = np.inf
        return reduced

    def cohort_minimum(self, reduced: Floats) -> Floats:
        """Return the least reduced cost of each cohort (K,), waiting included."""
        best = self.wait_cost.copy()
        starts = self.first_pair[:-1]
        some = self.first_pair[1:] > starts
        if np.any(some):
            least = np.minimum.reduceat(reduced.min(axis=1), starts[some])
            best[some] = np.minimum(best[some], least)
        return best

    def lagrangian(self, prices: Prices, reduced: Floats | None = None) -> float:
        """Return the Lagrangian value: a lower bound on the objective for any prices ≥ 0.

        Prices of commitments are cut at the price of a shortfall, as dual feasibility asks. A hair
        is taken off for the rounding of the sums, so that the bound stays on the right side.
        """
        prices = self.feasible(prices)
        if reduced is None:
            reduced = self.reduced_costs(prices)
        best = self.cohort_minimum(reduced)
        gain = self.count * best
        caps = np.where(
            self.finite, prices.capacity * np.where(self.finite, self.capacity, 0.0), 0.0
        )
        promised = prices.commitment * self.commitment
        allowed = prices.share * self.allowance
        value = gain.sum() - caps.sum() + promised.sum() - allowed.sum()
        size = np.abs(gain).sum() + caps.sum() + promised.sum() + np.abs(allowed).sum()
        return float(value - 4e-15 * size)

    def feasible(self, prices: Prices) -> Prices:
        """Return the prices cut to where the bound holds."""
        return Prices(
            np.where(self.finite, np.maximum(prices.capacity, 0.0), 0.0),
            np.clip(prices.commitment, 0.0, self.shortfall_price),
            np.where(self.capped, np.maximum(prices.share, 0.0), 0.0),
        )

    def usage(self, x: Floats | Ints) -> Floats:
        """Return the use (R, D) of a plan given per column (N,)."""
        P, D = self.column_of.shape
        by_pair = np.zeros((P, D))
        np.add.at(by_pair, (self.pair, self.day), x)
        return np.asarray((self.amounts.T @ by_pair), dtype=np.float64)

    def objective(self, x: Ints, waiting: Ints) -> float:
        """Return the cost of a plan, shortfalls paid."""
        missing = np.maximum(self.commitment - self.usage(x).sum(axis=1), 0.0)
        return float(
            self.column_cost @ x + self.wait_cost @ waiting + self.shortfall_price @ missing
        )


def _amounts(fields: dict[str, Any], cohort: Ints, arrangement: Ints, hours: Floats) -> Any:
    """Return the units of each resource that a task of a pair takes, (P, R) csr.

    Sparse amounts are scattered through a table of pairs: indexing them would search each entry.
    """
    K, A = fields["cost"].shape
    R, P = fields["use"].shape[0], len(cohort)
    place = np.full(K * A, -1, dtype=np.int64)
    place[cohort * A + arrangement] = np.arange(P)
    rows, columns, values = [], [], []
    for r in range(R):
        given = fields["amount"].get(r)
        if given is None:
            value = fields["use"][r, arrangement] * hours
            pair = np.flatnonzero(value)
            value = value[pair]
        elif sparse.issparse(given):
            pair = place[given.row.astype(np.int64) * A + given.col]
            value = given.data[pair >= 0]
            pair = pair[pair >= 0]
        else:
            value = given[cohort, arrangement]
            pair = np.flatnonzero(value)
            value = value[pair]
        rows.append(pair)
        columns.append(np.full(len(pair), r))
        values.append(value)
    if not rows:
        return sparse.csr_array((P, 0), dtype=np.float64)
    matrix = sparse.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(P, R)
    )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _whole_tasks(amounts: Any, capacity: Floats) -> Floats:
    """Return capacities cut to whole tasks in rows of which every task takes the same.

    Such a row (a model's calls, a cap on answers) takes floor(capacity / amount) tasks, so the cut
    loses no plan in whole numbers and makes the bound tighter (Chvátal's rounding).
    """
    by_row = amounts.tocsc()
    capacity = capacity.copy()
    for r in np.flatnonzero(np.diff(by_row.indptr)):
        data = by_row.data[by_row.indptr[r] : by_row.indptr[r + 1]]
        if data.max() == data.min():
            finite = np.isfinite(capacity[r])
            tasks = np.floor(capacity[r, finite] / data[0] + 1e-9)
            capacity[r, finite] = np.minimum(capacity[r, finite], tasks * data[0])
    return capacity


def build(fields: dict[str, Any]) -> Model:
    """Return the model of checked fields."""
    cost, hours = fields["cost"], fields["hours"]
    capacity, due, day_cost = fields["capacity"], fields["due"], fields["day_cost"]
    K = cost.shape[0]
    R, D = capacity.shape
    # A cohort without tasks has no columns: nothing of it can be placed.
    allowed = np.isfinite(cost) & (fields["count"] > 0)[:, None]
    pair_cohort, pair_arrangement = np.nonzero(allowed)
    pair_hours = hours[pair_cohort, pair_arrangement]

    amounts = _amounts(fields, pair_cohort, pair_arrangement, pair_hours)
    outside = fields["outside"]
    outside_amount = np.asarray(amounts @ outside.astype(np.float64))

    largest = np.zeros(R)
    if len(pair_cohort) and R:
        largest = np.asarray(amounts.max(axis=0).todense()).reshape(R)
    share_cap = np.where(outside, fields["share_cap"], 0.0)
    capped = outside & (fields["share_cap"] < 1.0)
    share_cap = np.where(capped, share_cap, 0.0)
    used = fields["used"]
    allowance = share_cap * used[outside].sum() - used + largest
    # A cap that the window has broken already is held where it stands: doing nothing must stay
    # possible, or a plan would have to send work outside to mend the past.
    allowance = np.where(capped, np.maximum(allowance, 0.0), 0.0)

    capacity = _whole_tasks(amounts, capacity)
    day_allowed = np.arange(D)[None, :] < due[pair_cohort][:, None]
    # A task that alone is larger than a day's capacity can never be placed on that day.
    finite = np.isfinite(capacity)
    rows, columns = amounts.nonzero()
    if len(rows):
        values = amounts.data
        too_large = (values[:, None] > capacity[columns] * (1 + 1e-12)) & finite[columns]
        bad_pair, bad_day = np.nonzero(too_large)
        day_allowed = day_allowed.copy()
        day_allowed[rows[bad_pair], bad_day] = False
    pair, day = np.nonzero(day_allowed)
    column_of = np.full((len(pair_cohort), D), -1, dtype=np.int64)
    column_of[pair, day] = np.arange(len(pair))
    pair_cost = cost[pair_cohort, pair_arrangement]
    cohort = pair_cohort[pair]
    return Model(
        count=fields["count"],
        wait_cost=fields["wait_cost"],
        day_cost=day_cost,
        due=due,
        capacity=capacity,
        commitment=fields["commitment"],
        shortfall_price=fields["shortfall_price"],
        outside=outside,
        share_cap=share_cap,
        pair_cohort=pair_cohort,
        pair_arrangement=pair_arrangement,
        pair_cost=pair_cost,
        amounts=amounts,
        outside_amount=outside_amount,
        first_pair=np.searchsorted(pair_cohort, np.arange(K + 1)),
        pair=pair,
        cohort=cohort,
        arrangement=pair_arrangement[pair],
        day=day,
        column_cost=pair_cost[pair] + day_cost[cohort, day],
        column_of=column_of,
        finite=finite,
        capped=capped,
        allowance=allowance,
        day_allowed=day_allowed,
    )
