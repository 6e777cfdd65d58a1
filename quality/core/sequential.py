"""Redundancy one answer at a time: what the votes say of a task's label, and what to do next.

Votes are not independent. Items differ in difficulty: an annotator of rate A is right on an item
with a chance that is beta distributed with mean A and dispersion φ, and the item is at the same
quantile for everyone (so two annotators' chances have the covariance that `facts` measures). Wrong
answers to an item draw each other: their class is Dirichlet–multinomial with the concentration at
which two of them are the same with chance q, `facts`' same error. Given the truth k and the
item's quantile u the votes are independent,

    P(votes | k) = ∫₀¹ ∏_{label = k} p_i(u) ∏_{label ≠ k} (1 − p_i(u)) du · DM(wrong labels | k),

by the trapezoid rule in the normal deviate of u, so that rare items count too. With φ = 0 and q = Σ
of squared shares it is the product of odds.

The posterior is only as good as the rates: read lower bounds where risk is high (`cautious`).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import betaincinv, gammaln, logsumexp, ndtr

from quality.core.arguments import Floats, Ints, column, inside, real, shares, whole

ACCEPT, ASK, ADJUDICATE = 1, 0, -1
NODES, REACH = 65, 6.0  # of the item's normal deviate; odds good to .02 up to φ = .6
EDGE = 1e-3  # rates are read between EDGE and 1 − EDGE: nobody is infallible
TINY = 1e-15
BLOCK = 10_000_000  # entries of a block's largest table
MOST_ALIKE = 0.98  # same error above which wrong classes would be certain
INDEPENDENT = 1e-6  # dispersion below which votes count as independent
GRID = np.linspace(np.log(EDGE / (1 - EDGE)), np.log((1 - EDGE) / EDGE), 257)


@dataclass(frozen=True)
class Dependence:
    """How votes hang together (`facts.TypeFacts`).

    dispersion : φ in [0, 1); same_error : q in [0, 1], or None for errors spread by `spread`
    """

    dispersion: float = 0.0
    same_error: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.dispersion < 1:
            raise ValueError(f"dispersion must be from 0 to below 1, got {self.dispersion}")
        if self.same_error is not None:
            shares("same_error", self.same_error)


@dataclass(frozen=True)
class Votes:
    """Answers to T tasks with C classes.

    task, label : (N,) int from 0
    right : (N,) chance that the answer's annotator is right, or (N, C) by the class that is true
    """

    task: Ints
    label: Ints
    right: Floats
    n_tasks: int
    classes: int

    @classmethod
    def of(
        cls, task: ArrayLike, label: ArrayLike, right: ArrayLike, *, n_tasks: int, classes: int
    ) -> "Votes":
        """Check the votes; ValueError names the argument."""
        if classes < 2:
            raise ValueError(f"classes must be at least 2, got {classes}")
        t = column("task", task)
        k = column("label", label, len(t))
        for name, values, bound in (("task", t, n_tasks), ("label", k, classes)):
            if len(values) and values.max() >= bound:
                raise ValueError(f"{name} must be below {bound}, got {values.max()}")
        p = shares("right", np.asarray(right, dtype=np.float64))
        if p.shape not in ((len(t),), (len(t), classes)):
            raise ValueError(f"right must have shape ({len(t)},) or ({len(t)}, {classes})")
        return cls(t, k, np.clip(p, EDGE, 1.0 - EDGE), n_tasks, classes)

    def answers(self) -> Ints:
        """Return (T,) votes per task."""
        return np.bincount(self.task, minlength=self.n_tasks)


def cautious(rate: ArrayLike, lower: ArrayLike, high_risk: ArrayLike, *, classes: int) -> Floats:
    """Return the rates to read: the lower bound where risk is high, else the rate.

    A lower bound below chance says that little is known, not that the annotator is wrong on
    purpose; it is read as chance, at which a vote says nothing.
    """
    a, low = shares("rate", rate), shares("lower", lower)
    floor = np.minimum(a, 1.0 / whole("classes", classes, least=2))
    return np.where(np.asarray(high_risk, dtype=bool), np.maximum(low, floor), a)


def posterior(
    votes: Votes,
    dependence: Dependence,
    *,
    prior: ArrayLike | None = None,
    spread: ArrayLike | None = None,
) -> Floats:
    """Return (T, C) probabilities of the classes, rows summing to 1.

    Parameters
    ----------
    prior : (C,) or (T, C) shares of the classes, > 0, or None for equal ones
    spread : (C, C) [true, given], shares of the wrong answers; the diagonal is not read. None =
        spread evenly
    """
    C, T = votes.classes, votes.n_tasks
    first, share = _prior_iv(prior, T, C), _spread_iv(spread, C)
    order = np.argsort(votes.task, kind="stable")
    table = np.empty((T, C))
    block = max(1, BLOCK // (C * NODES))
    for start in range(0, T, block):
        end = min(start + block, T)
        low, high = np.searchsorted(votes.task, [start, end], sorter=order)
        mine = order[low:high]
        part = Votes(votes.task[mine] - start, votes.label[mine], votes.right[mine], end - start, C)
        odds = first[start:end] if len(first) > 1 else first
        odds = odds + _right(part, dependence.dispersion)
        counts = np.bincount(part.task * C + part.label, minlength=part.n_tasks * C)
        odds = odds + _wrong(counts.reshape(-1, C), share, dependence.same_error)
        table[start:end] = np.exp(odds - logsumexp(odds, axis=1, keepdims=True))
    return table


@dataclass(frozen=True)
class Rule:
    """When to stop.

    target : in (0, 1), posterior from which a label is accepted; cap : ≥ 1, most answers
    least : from 1 to cap, answers before which nothing is accepted
    typical : in (0, 1), rate of whoever answers next: tasks that all answers up to the cap,
        agreeing with the leading label, would not decide are adjudicated now. None = at the cap
    """

    target: float
    cap: int
    least: int = 1
    typical: float | None = None

    def __post_init__(self) -> None:
        inside("target", self.target)
        whole("cap", self.cap, least=1)
        if not 1 <= self.least <= self.cap:
            raise ValueError(f"least must be from 1 to cap = {self.cap}, got {self.least}")
        if self.typical is not None:
            inside("typical", self.typical)


@dataclass(frozen=True)
class Step:
    """What to do with each task: action (T,) int8 ACCEPT, ASK or ADJUDICATE.

    label : (T,) the likeliest class, the lowest of equals; confidence : (T,) its posterior
    """

    action: NDArray[np.int8]
    label: Ints
    confidence: Floats


def next_step(
    votes: Votes,
    rule: Rule,
    dependence: Dependence,
    *,
    prior: ArrayLike | None = None,
    spread: ArrayLike | None = None,
) -> Step:
    """Return what to do after the answers so far (arguments as `posterior`)."""
    table = posterior(votes, dependence, prior=prior, spread=spread)
    label, confidence, n = table.argmax(axis=1), table.max(axis=1), votes.answers()
    action = np.where(n >= rule.cap, ADJUDICATE, ASK).astype(np.int8)
    if rule.typical is not None:
        going = np.flatnonzero((action == ASK) & (n > 0))
        more = rule.cap - n[going]
        best = _if_all_agree(votes, going, label, more, rule.typical)
        reach = posterior(best, dependence, prior=prior, spread=spread)[going, label[going]]
        action[going[reach < rule.target]] = ADJUDICATE
    action[(confidence >= rule.target) & (n >= rule.least)] = ACCEPT
    return Step(action, label, confidence)


def _if_all_agree(votes: Votes, tasks: Ints, label: Ints, more: Ints, typical: float) -> Votes:
    """Return the votes with `more` answers for the leading label added to each of the tasks."""
    added = np.repeat(tasks, more)
    right = np.full((len(added), *votes.right.shape[1:]), typical)
    return Votes(
        np.concatenate([votes.task, added]),
        np.concatenate([votes.label, label[added]]),
        np.concatenate([votes.right, right]),
        votes.n_tasks,
        votes.classes,
    )


def _right(votes: Votes, dispersion: float) -> Floats:
    """Return (T, C) log chance of who was right and who wrong, the item's quantile averaged."""
    T, C, N = votes.n_tasks, votes.classes, len(votes.task)
    by_true = votes.right if votes.right.ndim == 2 else votes.right[:, None]
    own = by_true[np.arange(N), votes.label] if by_true.shape[1] > 1 else by_true[:, 0]
    odds, weight = quantile_nodes(dispersion)
    Q = len(weight)
    # Everyone wrong, then the odds of those who gave the class at hand.
    lost = -np.logaddexp(0.0, at_rates(odds, by_true))
    won = at_rates(odds, own)
    one = np.ones(N)
    by_task = csr_array((one, (votes.task, np.arange(N))), shape=(T, N))
    by_label = csr_array((one, (votes.task * C + votes.label, np.arange(N))), shape=(T * C, N))
    total = (by_task @ lost.reshape(N, by_true.shape[1] * Q)).reshape(T, by_true.shape[1], Q)
    return np.asarray(logsumexp(total + (by_label @ won).reshape(T, C, Q), axis=2, b=weight))


@lru_cache(maxsize=64)
def quantile_nodes(dispersion: float) -> tuple[Floats, Floats]:
    """Return (log odds of a right answer (G, Q) at GRID's rates and the nodes, weights (Q,))."""
    if dispersion < INDEPENDENT:
        return GRID[:, None].copy(), np.ones(1)
    z = np.linspace(-REACH, REACH, NODES)
    weight = np.exp(-0.5 * z**2)
    strength = 1.0 / dispersion - 1.0
    rate = 1.0 / (1.0 + np.exp(-GRID))[:, None]
    p = betaincinv(rate * strength, (1.0 - rate) * strength, ndtr(z))
    # The complement by its own inverse: 1 − p would lose every digit near 1.
    q = betaincinv((1.0 - rate) * strength, rate * strength, ndtr(-z))
    return np.log(np.maximum(p, TINY)) - np.log(np.maximum(q, TINY)), weight / weight.sum()


def at_rates(odds: Floats, rate: Floats) -> Floats:
    """Return odds (…, Q) at rates of any shape, by linear interpolation in the logit."""
    place = (np.log(rate) - np.log1p(-rate) - GRID[0]) / (GRID[1] - GRID[0])
    low = np.clip(place.astype(np.int64), 0, len(GRID) - 2)
    part = (place - low)[..., None]
    return np.asarray(odds[low] * (1.0 - part) + odds[low + 1] * part)


def _wrong(counts: Ints, spread: Floats | None, same_error: float | None) -> Floats:
    """Return (T, C) log chance of the wrong labels given who was wrong, by the class true."""
    T, C = counts.shape
    wrong = counts.sum(axis=1, keepdims=True) - counts
    if spread is None:
        even = 1.0 / (C - 1.0)
        strength = concentration(even, same_error)
        if not np.isfinite(strength):
            return np.asarray(wrong * np.log(even))
        drawn = gammaln(strength * even + counts) - gammaln(strength * even)
        rest = drawn.sum(axis=1, keepdims=True) - drawn
        return np.asarray(rest - gammaln(strength + wrong) + gammaln(strength))
    result = np.empty((T, C))
    for k in range(C):
        share = np.delete(spread[k], k)
        others = np.delete(counts, k, axis=1)
        strength = concentration(float((share**2).sum()), same_error)
        if not np.isfinite(strength):
            result[:, k] = others @ np.log(share)
            continue
        drawn = gammaln(strength * share + others) - gammaln(strength * share)
        result[:, k] = drawn.sum(axis=1) - gammaln(strength + wrong[:, k]) + gammaln(strength)
    return result


def concentration(by_chance: float, same_error: float | None) -> float:
    """Return α at which two wrong answers are the same with chance q; inf where chance does it."""
    if same_error is None or same_error <= by_chance + 1e-9:
        return np.inf
    q = min(same_error, max(MOST_ALIKE, by_chance))
    return (1.0 - q) / (q - by_chance) if q > by_chance else np.inf


def _prior_iv(prior: ArrayLike | None, T: int, C: int) -> Floats:
    if prior is None:
        return np.zeros((1, C))
    share = real("prior", prior)
    if share.shape not in ((C,), (T, C)):
        raise ValueError(f"prior must have shape ({C},) or ({T}, {C}), got {share.shape}")
    if (share <= 0).any():
        raise ValueError("prior must be positive")
    return np.asarray(np.log(share).reshape(-1, C))


def _spread_iv(spread: ArrayLike | None, C: int) -> Floats | None:
    if spread is None:
        return None
    share = real("spread", spread).copy()
    if share.shape != (C, C):
        raise ValueError(f"spread must have shape ({C}, {C}), got {share.shape}")
    np.fill_diagonal(share, 0.0)
    if (share < 0).any() or (share.sum(axis=1) <= 0).any():
        raise ValueError("spread must hold shares of 0 or more, some in every row")
    # Classes that nobody gave yet are not impossible.
    share = np.maximum(share / share.sum(axis=1, keepdims=True), EDGE / C)
    np.fill_diagonal(share, 0.0)
    return np.asarray(share / share.sum(axis=1, keepdims=True))
