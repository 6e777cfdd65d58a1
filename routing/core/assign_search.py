"""Local search for the generalised assignment problem: beams over groups of agents.

The capacity prices λ split the distance of a plan from its bound: cost − L(λ) = Σ_j r[a_j, j] +
Σ_i λ[i]·slack[i], r = the reduced costs. A round splits the agents at random into small groups. In
each group the jobs that lose least by moving are gone through in turn; a state is "these jobs
moved so", and the best states by distance are kept: ejection chains (Yagiura, Ibaraki and Glover,
An ejection chain approach for the generalized assignment problem, INFORMS Journal on Computing
16(2), 2004, doi:10.1287/ijoc.1030.0036), many at a time. All groups of all replicas go through the
same numpy calls. Overload is allowed at a penalty per agent, which rises while the agent is
overloaded and falls while the whole plan fits, so the search swings around what fits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEED = 20_04
ROUNDS = 220
REPLICAS = 80  # agents over all replicas: as many as one numpy call carries at little extra cost
GROUPS = (3, 5)  # agents in a group
JOBS = 20  # of a group that may move in one round
BEAM = 100  # states kept
# Slack and overload count for a state in the power RAMP of the share of jobs gone through: a chain
# of moves may pass through loads that only its last moves set right.
RAMP = 4
PENALTY = 2.0  # of overload beyond the price, at the start, in prices
LEAST_PENALTY = 0.5
UP, DOWN = 1.05, 0.97
HURRY = 1.2  # instead of UP until a plan fits
EPSILON = 1e-9


@dataclass(frozen=True)
class Problem:
    """Every job to exactly one agent: cost (m, n), inf = not allowed; load (m, n); capacity (m,).

    Load is finite, 0 where not allowed; capacity is finite; every job has an agent allowed.
    """

    cost: Floats
    load: Floats
    capacity: Floats

    def loads(self, agent: Ints) -> Floats:
        """Return the load of each agent (m,) under a plan (n,)."""
        job = np.arange(len(agent))
        load = np.bincount(agent, self.load[agent, job], minlength=len(self.capacity))
        return load.astype(np.float64)  # of no jobs numpy makes whole numbers

    def fits(self, agent: Ints) -> bool:
        """Tell whether every agent's load is within its capacity."""
        return bool((self.loads(agent) <= self.capacity).all())

    def value(self, agent: Ints) -> float:
        """Return the cost of a plan."""
        return float(self.cost[agent, np.arange(len(agent))].sum())


def search(
    problem: Problem,
    price: Floats,
    rounded: Ints,
    start: Ints | None,
    target: float,
    effort: float,
) -> Ints | None:
    """Return the cheapest plan (n,) found that fits, or None where none was found.

    Parameters
    ----------
    price : (m,) capacity prices
    rounded : (n,) a plan of little cost that need not fit
    start : a plan that fits, or None
    target : a proven bound of the cost; the search ends when it is met
    effort : rounds in units of `ROUNDS`
    """
    m = len(problem.capacity)
    rng = np.random.default_rng(SEED)
    replicas = int(np.clip(REPLICAS // max(m, 1), 1, 8))
    reduced = problem.cost + price[:, None] * problem.load
    reduced -= reduced.min(axis=0)
    agent = np.tile(rounded, (replicas, 1))
    best, best_value = None, np.inf
    if start is not None:
        best, best_value = start.copy(), problem.value(start)
        if replicas > 1:
            agent[0] = start
    unit = _overload_unit(problem, reduced, price)
    penalty = np.tile(PENALTY * unit, (replicas, 1))
    fitted = False
    for turn in range(max(1, round(ROUNDS * effort)) + 1):
        load = np.stack([problem.loads(row) for row in agent])
        over = load > problem.capacity
        fits = ~over.any(axis=1)
        fitted = fitted or bool(fits.any())
        for k in np.flatnonzero(fits):
            value = problem.value(agent[k])
            if value < best_value - EPSILON * max(1.0, abs(value)):
                best, best_value = agent[k].copy(), value
        if best_value <= target + EPSILON * max(1.0, abs(target)) or m < 2:
            break
        if turn:
            penalty[over] *= UP if fitted else HURRY
            penalty[fits] *= DOWN
            penalty = np.maximum(penalty, LEAST_PENALTY * unit)
        size = min(m, int(rng.integers(GROUPS[0], GROUPS[1] + 1)))
        groups = _Groups.draw(rng, replicas, m, size)
        _round(problem, reduced, price, penalty, agent, load, groups)
    return best


def _overload_unit(problem: Problem, reduced: Floats, price: Floats) -> Floats:
    """Return what a unit of overload costs at least: prices, or a fifth of the usual one."""
    usual = float(price.mean())
    if usual <= 0:
        finite = reduced[np.isfinite(reduced)]
        load = float(problem.load.mean())
        usual = (float(finite.mean()) + 1e-3) / load if load > 0 else 1.0
    return np.maximum(price, 0.2 * usual)


@dataclass(frozen=True)
class _Groups:
    """Groups of agents over all replicas: member (B, g), replica (B,), and where each agent is."""

    member: Ints
    replica: Ints
    group: Ints  # (replicas, m), −1 = in none
    position: Ints  # (replicas, m)

    @classmethod
    def draw(cls, rng: np.random.Generator, replicas: int, m: int, size: int) -> "_Groups":
        per = m // size
        drawn = rng.permuted(np.tile(np.arange(m), (replicas, 1)), axis=1)[:, : per * size]
        member = drawn.reshape(replicas * per, size)
        replica = np.repeat(np.arange(replicas), per)
        group = np.full((replicas, m), -1)
        position = np.zeros((replicas, m), dtype=np.int64)
        group[replica[:, None], member] = np.arange(len(member))[:, None]
        position[replica[:, None], member] = np.arange(size)
        return cls(member, replica, group, position)


@dataclass(frozen=True)
class _Moves:
    """The jobs that may move: entry e is the rank[e]-th of its group."""

    replica: Ints
    job: Ints
    group: Ints
    rank: Ints
    change: Floats  # (E, g) of the reduced cost, 0 where the job is
    slack: Floats  # (E, g, g) change of each agent's slack by option


def _round(
    problem: Problem,
    reduced: Floats,
    price: Floats,
    penalty: Floats,
    agent: Ints,
    load: Floats,
    groups: _Groups,
) -> None:
    """Improve every group once; writes `agent` (replicas, n)."""
    member, replica = groups.member, groups.replica
    slack = (problem.capacity[member] - load[replica[:, None], member])[:, :, None]
    unused = price[member][:, :, None]
    over = -penalty[replica[:, None], member][:, :, None]
    before = np.maximum(slack * unused, slack * over).sum(axis=1)[:, 0]
    moves = _moves(problem, reduced, agent, groups, before)
    if not len(moves.job):
        return
    B, g = member.shape
    q = int(moves.rank.max()) + 1
    # A group with fewer jobs than others has blanks: no option but to stay.
    change = np.full((q, B, g), np.inf)
    change[:, :, 0] = 0.0
    change[moves.rank, moves.group] = moves.change
    by = np.zeros((q, B, g, g))
    by[moves.rank, moves.group] = moves.slack
    distance, trace = _beam(change, by, slack, unused, over)
    last = distance.argmin(axis=1)
    better = before - distance[np.arange(B), last] > EPSILON * (1.0 + before)
    choice = np.zeros((q, B), dtype=np.int64)
    for t in range(q - 1, -1, -1):
        state = trace[t][np.arange(B), last]
        last, choice[t] = np.divmod(state, g)
    use = better[moves.group]
    to = member[moves.group, choice[moves.rank, moves.group]]
    agent[moves.replica[use], moves.job[use]] = to[use]


def _moves(
    problem: Problem, reduced: Floats, agent: Ints, groups: _Groups, before: Floats
) -> _Moves:
    """Choose, per group, the `JOBS` jobs that lose least by moving inside it."""
    owner = groups.group[np.arange(len(agent))[:, None], agent]
    replica, job = np.nonzero(owner >= 0)
    group, now = owner[replica, job], agent[replica, job]
    position = groups.position[replica, now]
    options = reduced[groups.member[group], job[:, None]]
    present = reduced[now, job]
    change = options - present[:, None]
    entry = np.arange(len(job))
    change[entry, position] = np.inf
    loss = change.min(axis=1)
    change[entry, position] = 0.0
    # Nothing can be gained beyond the group's distance from its bound.
    excess = present - options.min(axis=1)
    most = before + np.bincount(group, excess, minlength=len(before))
    loss[loss >= most[group]] = np.inf
    order = np.lexsort((loss, group))
    order = order[np.isfinite(loss[order])]
    sorted_group = group[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_group, sorted_group)
    order, rank = order[rank < JOBS], rank[rank < JOBS]
    replica, job, group = replica[order], job[order], group[order]
    g = groups.member.shape[1]
    weight = problem.load[groups.member[group], job[:, None]]
    slack = np.zeros((len(order), g, g))
    slack[:, np.arange(g), np.arange(g)] = -weight
    entry = np.arange(len(order))
    slack[entry, position[order], :] += weight[entry, position[order]][:, None]
    return _Moves(replica, job, group, rank, change[order], slack)


def _beam(
    change: Floats, by: Floats, slack: Floats, unused: Floats, over: Floats
) -> tuple[Floats, list[Ints]]:
    """Go through the jobs of all groups; return the last distances and each step's kept states.

    change (q, B, g), by (q, B, g, g), slack (B, g, 1). A kept state is parent · g + option.
    """
    q, B, g = change.shape
    moved = np.zeros((B, 1))
    distance = moved
    rows = np.arange(B)[:, None]
    trace: list[Ints] = []
    for t in range(q):
        states = moved.shape[1] * g
        moved = (moved[:, :, None] + change[t][:, None, :]).reshape(B, states)
        slack = (slack[:, :, :, None] + by[t][:, :, None, :]).reshape(B, g, states)
        idle = np.maximum(slack * unused, slack * over).sum(axis=1)
        distance = moved + ((t + 1) / q) ** RAMP * idle
        kept = np.broadcast_to(np.arange(states), (B, states))
        if states > BEAM:
            kept = np.argpartition(distance, BEAM - 1, axis=1)[:, :BEAM]
            moved, distance = moved[rows, kept], distance[rows, kept]
            slack = np.take_along_axis(slack, kept[:, None, :], axis=2)
        trace.append(kept)
    return distance, trace
