"""Resource prices near to the best, by Newton's method on a smoothed Lagrangian dual.

The minimum over a cohort's columns is replaced by a soft minimum of temperature τ (entropic
smoothing: Nesterov, Smooth minimization of non-smooth functions, Math. Programming 103, 2005,
doi:10.1007/s10107-004-0552-5), and prices are kept above zero by a logarithmic barrier, so that
each temperature has one smooth maximum. It is followed down from warm to cold, as interior-point
methods follow their central path. A row's second derivative is the covariance of its use under
the soft choice, over τ; only columns within some τ of their cohort's best carry weight, so a step
costs less the colder it gets: the last ones see little more than one column a cohort.

Several days start from the prices of the horizon taken as one day. What comes out starts the
restricted LP, and its Lagrangian value is a bound: it needs no certificate of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from routing.core.plan_model import SMALL, Model, Prices
from routing.core.plan_rows import Rows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Temperatures as shares of the typical cost of a task.
ONE_DAY = (0.3, 0.03, 0.003, 3e-4, 3e-5)
AGGREGATE = (0.3, 0.03)
SEVERAL_DAYS = (0.03, 0.003, 3e-4, 3e-5)
WIDTH = 28.0  # temperatures from the best within which a column has weight: e^-28 is nothing
DRIFT = 12.0  # temperatures that a column's price may move before the columns are chosen anew
WIDER = 1.6  # growth of both with each such choice at one temperature
STEPS = 60  # Newton steps at one temperature, at most
CLOSE = 0.02  # Newton decrement, as a share of τ · tasks, at which a temperature is done
BARRIER = 0.3  # barrier of all rows together, as a share of τ · tasks
START = 0.1  # first price, as a share of typical cost / typical amount
FLOOR = 0.03  # the same for rows that the aggregate left free
TOO_MANY = 3_000  # rows from which a Newton step costs more than it brings


def ascend(model: Model, rows: Rows) -> Prices:
    """Return prices near to the maximum of the Lagrangian dual.

    Nothing of it is needed (and the prices of nothing come back) where the LP takes every column
    anyway, or where there is no row.
    """
    prices = model.zero_prices()
    if len(model.pair) <= SMALL or not len(rows) or len(rows) > TOO_MANY:
        return prices
    scale = _typical_cost(model)
    if scale <= 0:
        return prices
    days = model.capacity.shape[1]
    unit = scale / np.maximum(rows.typical(), 1e-300)
    if days == 1:
        return rows.prices(_Path(model, rows, scale).follow(START * unit, ONE_DAY))
    whole = _as_one_day(model)
    found = whole.zero_prices()
    its_rows = Rows(whole)
    if len(its_rows):
        its_unit = scale / np.maximum(its_rows.typical(), 1e-300)
        found = its_rows.prices(_Path(whole, its_rows, scale).follow(START * its_unit, AGGREGATE))
    every_day = replace(found, capacity=np.repeat(found.capacity, days, axis=1))
    start = np.maximum(rows.values(every_day), FLOOR * unit)
    return rows.prices(_Path(model, rows, scale).follow(start, SEVERAL_DAYS))


def _typical_cost(model: Model) -> float:
    """Return the mean least cost of a task: the scale of prices and temperatures."""
    reduced = model.reduced_costs(model.zero_prices())
    best = model.cohort_minimum(reduced)
    total = float(model.count.sum())
    spread = float(model.count @ np.abs(model.wait_cost - best)) / max(total, 1.0)
    return max(float(model.count @ np.abs(best)) / max(total, 1.0), 0.05 * spread)


def _as_one_day(model: Model) -> Model:
    """Return the model with all days as one: capacities summed, the mean cost of its days."""
    finite: Bools = np.asarray(model.finite.all(axis=1))
    capacity = np.where(finite, np.where(model.finite, model.capacity, 0.0).sum(axis=1), np.inf)
    before = np.arange(model.day_cost.shape[1])[None, :] < model.due[:, None]
    mean = (model.day_cost * before).sum(axis=1) / np.maximum(before.sum(axis=1), 1)
    allowed: Bools = np.asarray(model.day_allowed.any(axis=1))
    pair = np.flatnonzero(allowed)
    column_of = np.full((len(allowed), 1), -1, dtype=np.int64)
    column_of[pair, 0] = np.arange(len(pair))
    cohort = model.pair_cohort[pair]
    return replace(
        model,
        capacity=capacity[:, None],
        finite=finite[:, None],
        day_cost=mean[:, None],
        due=np.ones_like(model.due),
        pair=pair,
        cohort=cohort,
        arrangement=model.pair_arrangement[pair],
        day=np.zeros(len(pair), dtype=np.int64),
        column_cost=model.pair_cost[pair] + mean[cohort],
        column_of=column_of,
        day_allowed=allowed[:, None],
    )


class _Path:
    """The way down through the temperatures, with the best prices met."""

    def __init__(self, model: Model, rows: Rows, scale: float) -> None:
        self.model, self.rows, self.scale = model, rows, scale
        self.tasks = float(model.count.sum())
        self.best = (-np.inf, np.zeros(len(rows)))

    def follow(self, start: Floats, temperatures: tuple[float, ...]) -> Floats:
        """Return the prices (M,) of the best bound met from some start."""
        values = np.minimum(start, 0.5 * self.rows.highest)
        for share in temperatures:
            tau = share * self.scale
            barrier = BARRIER * tau * self.tasks / len(self.rows)
            left, done, wider = STEPS, False, 1.0
            while left > 0 and not done:
                columns = self._columns(values, WIDTH * wider * tau)
                smooth = _Smooth(self.model, self.rows, columns, tau, barrier)
                drift = DRIFT * wider * tau
                values, taken, done = smooth.climb(values, left, CLOSE * tau * self.tasks, drift)
                left -= taken
                # Prices far from where they belong: more columns now save many small steps.
                wider *= WIDER
        self._columns(values, 0.0)
        return self.best[1]

    def _columns(self, values: Floats, width: float) -> Ints:
        """Return the columns within a width of their cohort's best; remembers the bound."""
        model = self.model
        prices = self.rows.prices(values)
        reduced = model.reduced_costs(prices)
        bound = model.lagrangian(prices, reduced)
        if bound > self.best[0]:
            self.best = (bound, values)
        if not width:
            return np.zeros(0, dtype=np.int64)
        limit = model.cohort_minimum(reduced) + width
        pair, day = np.nonzero(reduced <= limit[model.pair_cohort][:, None])
        return np.sort(model.column_of[pair, day])


@dataclass
class _Point:
    """The smoothed dual at some prices: its value, the weights of columns, their sums."""

    value: float
    weight: Floats
    total: Floats


class _Smooth:
    """The smoothed dual with barrier over some columns, at one temperature."""

    def __init__(self, model: Model, rows: Rows, columns: Ints, tau: float, barrier: float) -> None:
        self.tau, self.barrier, self.rows = tau, barrier, rows
        self.matrix = rows.matrix(columns)
        self.transposed = self.matrix.T.tocsr()
        cohort = model.cohort[columns]
        live, self.first = np.unique(cohort, return_index=True)
        self.lengths = np.diff(np.r_[self.first, len(columns)])
        self.place = np.repeat(np.arange(len(live)), self.lengths)
        self.count = model.count[live].astype(np.float64)
        self.cost = model.column_cost[columns]
        self.wait = model.wait_cost[live]
        self.ended = np.isfinite(rows.highest)  # prices with an upper end

    def climb(
        self, values: Floats, steps: int, close: float, far: float
    ) -> tuple[Floats, int, bool]:
        """Take Newton steps; return the prices, how many were taken, and whether it is done.

        Ends early where a column's price has moved by more than `far`: others may be near now.
        """
        if not len(self.cost):
            return values, steps, True
        point = self._at(values)
        drift = np.zeros(len(self.cost))
        for taken in range(1, steps + 1):
            gradient, step = self._step(values, point)
            gain = float(gradient @ step)
            if gain < close:
                return values, taken, True
            move = self.matrix @ step
            length = self._length(values, step, far / max(float(np.abs(move).max()), 1e-300))
            while True:
                ahead = self._at(values + length * step)
                if ahead.value >= point.value + 1e-4 * length * gain:
                    break
                length *= 0.4
                if length < 1e-9:  # the last digits of the sums
                    return values, taken, True
            values, point = values + length * step, ahead
            drift += length * move
            if np.abs(drift).max() > far:
                return values, taken, False
        return values, steps, False

    def _at(self, values: Floats) -> _Point:
        reduced = self.cost + self.matrix @ values
        best = np.minimum(np.minimum.reduceat(reduced, self.first), self.wait)
        # exp of differences to the best: at most 1, so nothing overflows.
        weight = np.exp((best[self.place] - reduced) / self.tau)
        total = np.add.reduceat(weight, self.first) + np.exp((best - self.wait) / self.tau)
        ended = self.ended
        room = self.rows.highest[ended] - values[ended]
        value = (
            float(self.count @ (best - self.tau * np.log(total)))
            - float(self.rows.right @ values)
            + self.barrier * float(np.log(values).sum() + np.log(room).sum())
        )
        return _Point(value, weight, total)

    def _step(self, values: Floats, point: _Point) -> tuple[Floats, Floats]:
        """Return the gradient and Newton's step."""
        flow = point.weight * (self.count / point.total)[self.place]
        ended = self.ended
        room = self.rows.highest[ended] - values[ended]
        gradient = self.transposed @ flow - self.rows.right + self.barrier / values
        gradient[ended] -= self.barrier / room
        curve = self._covariance(flow) / self.tau
        diagonal = np.arange(len(values))
        curve[diagonal, diagonal] += self.barrier / values**2
        curve[diagonal[ended], diagonal[ended]] += self.barrier / room**2
        # Prices of an hour and of a model's call differ by thousands: scaled, the matrix is tame.
        size = 1.0 / np.sqrt(np.maximum(np.diagonal(curve), 1e-300))
        curve *= size[:, None] * size[None, :]
        curve[diagonal, diagonal] += 1e-9
        try:
            step = size * cho_solve(cho_factor(curve), size * gradient)
        except LinAlgError:  # rounding made it indefinite: the diagonal alone still climbs
            step = size * size * gradient
        return gradient, step

    def _covariance(self, flow: Floats) -> Floats:
        """Return Σ over cohorts of count · covariance of the rows' use under the soft choice."""
        kept = np.flatnonzero(flow > 1e-7 * self.count[self.place])
        part = self.matrix[kept]
        flow, place = flow[kept], self.place[kept]
        flowing = sparse.csr_array(
            (part.data * np.repeat(flow, np.diff(part.indptr)), part.indices, part.indptr),
            shape=part.shape,
        )
        mean = sparse.csr_array(
            (1.0 / np.sqrt(self.count[place]), (place, np.arange(len(kept)))),
            shape=(len(self.count), len(kept)),
        )
        use = mean @ flowing
        curve: Floats = (part.T.tocsr() @ flowing).toarray()
        if use.nnz > 0.15 * use.shape[0] * use.shape[1]:
            dense = use.toarray()
            curve -= dense.T @ dense
        else:
            curve -= (use.T.tocsr() @ use).toarray()
        return curve

    def _length(self, values: Floats, step: Floats, most: float) -> float:
        """Return how far a step may go: at most so far, and inside the barrier."""
        length = min(1.0, most)
        down = step < 0
        if down.any():
            length = min(length, 0.95 * float((values[down] / -step[down]).min()))
        up = self.ended & (step > 0)
        if up.any():
            room = self.rows.highest[up] - values[up]
            length = min(length, 0.95 * float((room / step[up]).min()))
        return length
