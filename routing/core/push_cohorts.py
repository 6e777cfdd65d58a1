"""A shift's plan over cohorts: the linear program with every limit, rounded; for what is large.

Tasks with the same costs, hours and limits are one class k of n[k]. With x[i,k] of them done by
person i, and l[j] = 1 where task j is left at its price:

    min  Σ c[i,k] x[i,k] + Σ p[j] l[j]
    s.t. Σ_i x[i,k] + Σ_{j in k} l[j] = n[k],   Σ_k a[r,k] x[i(r),k] ≤ b[r]

with one row r for each limit of a person: hours, tasks of a project, answers, harmful hours. What
is whole in it is taken, the rest is given task by task at the prices of the rows, the most urgent
first, and tasks move to whoever is cheaper and has room while that helps. The bound is recomputed
from the duals.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HAIR = 1e-9
PASSES = 4


@dataclass(frozen=True)
class Limits:
    """The limits of people (m,) over tasks (n,): every plan keeps all of them.

    capacity, answers, harm_hours : (m,), inf = no limit; left : (m, G) tasks by group, inf = none
    group : (n,) int; harmful : (n,) bool
    """

    capacity: Floats
    group: Ints
    left: Floats
    answers: Floats
    harmful: NDArray[np.bool_]
    harm_hours: Floats

    def of(self, people: Ints, tasks: Ints) -> "Limits":
        """Return the limits of some people over some tasks."""
        return Limits(
            self.capacity[people],
            self.group[tasks],
            self.left[people],
            self.answers[people],
            self.harmful[tasks],
            self.harm_hours[people],
        )


class Load:
    """What a plan takes of each limit; it follows as tasks are given and taken."""

    def __init__(self, agent: Ints, hours: Floats, limits: Limits) -> None:
        m = len(limits.capacity)
        self.hours, self.limits = hours, limits
        self.used, self.harm = np.zeros(m), np.zeros(m)
        self.count, self.by_group = np.zeros(m), np.zeros(limits.left.shape)
        job = np.flatnonzero(agent >= 0)
        who = agent[job]
        np.add.at(self.used, who, hours[who, job])
        np.add.at(self.count, who, 1.0)
        np.add.at(self.by_group, (who, limits.group[job]), 1.0)
        bad = limits.harmful[job]
        np.add.at(self.harm, who[bad], hours[who[bad], job[bad]])

    def fits(self, j: int) -> NDArray[np.bool_]:
        """Return who (m,) has room for one more task."""
        limits, g = self.limits, self.limits.group[j]
        room = (self.used + self.hours[:, j] <= limits.capacity + HAIR) & (
            self.count + 1 <= limits.answers
        )
        room &= self.by_group[:, g] + 1 <= limits.left[:, g]
        if limits.harmful[j]:
            room &= self.harm + self.hours[:, j] <= limits.harm_hours + HAIR
        return np.asarray(room)

    def add(self, i: int, j: int, sign: int = 1) -> None:
        """Give a task to somebody, or take it back (−1)."""
        self.used[i] += sign * self.hours[i, j]
        self.count[i] += sign
        self.by_group[i, self.limits.group[j]] += sign
        if self.limits.harmful[j]:
            self.harm[i] += sign * self.hours[i, j]

    def kept(self) -> bool:
        """Tell whether every limit is kept."""
        limits = self.limits
        return bool(
            (self.used <= limits.capacity + HAIR).all()
            and (self.count <= limits.answers).all()
            and (self.by_group <= limits.left).all()
            and (self.harm <= limits.harm_hours + HAIR).all()
        )


@dataclass(frozen=True)
class _Rows:
    """Prices of the limits: (m,) of hours, answers and harmful hours, (m, G) of tasks by group."""

    hours: Floats
    left: Floats
    answers: Floats
    harm: Floats

    def of(self, hours: Floats, limits: Limits) -> Floats:
        """Return what each task (m, n) takes of its person's limits, at these prices."""
        price = self.hours[:, None] * hours + self.left[:, limits.group] + self.answers[:, None]
        return np.asarray(price + limits.harmful * (self.harm[:, None] * hours))

    def value(self, limits: Limits) -> float:
        """Return what all the limits are worth."""
        return sum(
            float((price[price > 0] * room[price > 0]).sum())
            for price, room in (
                (self.hours, limits.capacity),
                (self.left, limits.left),
                (self.answers, limits.answers),
                (self.harm, limits.harm_hours),
            )
        )


def by_cohorts(cost: Floats, hours: Floats, limits: Limits, leaving: Floats) -> tuple[Ints, float]:
    """Return who gets each task (n,), −1 = nobody, and a lower bound.

    Parameters
    ----------
    cost : (m, n) money, inf = not allowed; hours : (m, n) > 0 where allowed
    leaving : (n,) price of leaving a task; earlier tasks of a class are the more urgent ones
    """
    n = cost.shape[1]
    columns = np.vstack([cost, hours, limits.group, limits.harmful]).T
    _values, first, of = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    of = of.reshape(-1)
    share, prices = _solved(cost[:, first], hours[:, first], limits, first, of, leaving)
    agent = _whole(share, of, n)
    load = Load(agent, hours, limits)
    taken = prices.of(hours, limits)
    _given(agent, load, cost, cost + taken, np.argsort(-leaving, kind="stable"))
    _improved(agent, load, cost)
    bound = float(np.minimum((cost + taken).min(axis=0), leaving).sum()) - prices.value(limits)
    return agent, bound


def _solved(
    cost: Floats, hours: Floats, limits: Limits, first: Ints, of: Ints, leaving: Floats
) -> tuple[Floats, _Rows]:
    """Return the shares x (m, K) and the prices of the limits."""
    m, K = cost.shape
    G, n = limits.left.shape[1], len(of)
    i, k = np.nonzero(np.isfinite(cost))
    P, group, bad = len(i), limits.group[first], limits.harmful[first]
    column, work = np.arange(P), hours[i, k]
    rows = [(i, work, limits.capacity), (i, np.ones(P), limits.answers)]
    rows += [(i, work * bad[k], limits.harm_hours)]
    rows += [(i * G + group[k], np.ones(P), limits.left.reshape(-1))]
    blocks, sides, kept = [], [], []
    for row, weight, room in rows:
        there = np.flatnonzero(np.isfinite(room))
        kept.append(there)
        table = sparse.csr_array((weight, (row, column)), shape=(len(room), P))
        blocks.append(table[there])
        sides.append(room[there])
    use = sparse.vstack(blocks, format="csr")
    once = sparse.hstack(
        [
            sparse.csr_array((np.ones(P), (k, column)), shape=(K, P)),
            sparse.csr_array((np.ones(n), (of, np.arange(n))), shape=(K, n)),
        ],
        format="csr",
    )
    found = linprog(
        np.concatenate([cost[i, k], leaving]),
        A_ub=sparse.hstack([use, sparse.csr_array((use.shape[0], n))], format="csr"),
        b_ub=np.concatenate(sides),
        A_eq=once,
        b_eq=np.bincount(of, minlength=K),
        bounds=np.column_stack([np.zeros(P + n), np.r_[np.full(P, np.inf), np.ones(n)]]),
        method="highs-ds",
    )
    share = np.zeros((m, K))
    dual = np.zeros(use.shape[0])
    if found.x is not None:  # else prices of 0 bound and give as well
        share[i, k] = found.x[:P]
        dual = np.maximum(-found.ineqlin.marginals, 0.0)
    parts, at = [], 0
    for (_row, _weight, room), there in zip(rows, kept, strict=True):
        price = np.zeros(len(room))
        price[there] = dual[at : at + len(there)]
        at += len(there)
        parts.append(price)
    return share, _Rows(parts[0], parts[3].reshape(m, G), parts[1], parts[2])


def _whole(share: Floats, of: Ints, n: int) -> Ints:
    """Give the whole parts of the shares, the most urgent tasks of each class first."""
    agent = np.full(n, -1, dtype=np.int64)
    count = np.floor(share + 1e-7).astype(np.int64)
    order = np.argsort(of, kind="stable")
    begins = np.searchsorted(of[order], np.arange(share.shape[1] + 1))
    for k in range(share.shape[1]):
        mine = order[begins[k] : begins[k + 1]]
        who = np.repeat(np.arange(len(share)), count[:, k])[: len(mine)]
        agent[mine[: len(who)]] = who
    return agent


def _given(agent: Ints, load: Load, cost: Floats, by: Floats, order: Ints) -> None:
    """Give what is left, in order, to whoever has room at the least of `by` (m, n)."""
    for j in order[agent[order] < 0]:
        fits = load.fits(j) & np.isfinite(cost[:, j])
        if fits.any():
            agent[j] = int(np.argmin(np.where(fits, by[:, j], np.inf)))
            load.add(agent[j], j)


def _improved(agent: Ints, load: Load, cost: Floats) -> None:
    """Move tasks to whoever is cheaper and has room, while that helps."""
    for _pass in range(PASSES):
        moved = False
        job = np.flatnonzero(agent >= 0)
        better = job[cost[:, job].min(axis=0) < cost[agent[job], job] - HAIR]
        for j in better:
            i = agent[j]
            fits = load.fits(j) & (cost[:, j] < cost[i, j] - HAIR)
            if fits.any():
                load.add(i, j, -1)
                agent[j] = int(np.argmin(np.where(fits, cost[:, j], np.inf)))
                load.add(agent[j], j)
                moved = True
        if not moved:
            return


def fill(agent: Ints, cost: Floats, hours: Floats, limits: Limits, rank: Ints) -> Ints:
    """Give what a plan leaves to whoever has room at least cost, the most urgent first."""
    agent = agent.copy()
    load = Load(agent, hours, limits)
    _given(agent, load, cost, cost, np.argsort(rank, kind="stable"))
    return agent


__all__ = ["Limits", "Load", "by_cohorts", "fill"]
