"""Play sequential redundancy on answers that were given: who would not have been asked.

Each task's answers are taken in a random order, one a round, until the rule says stop or there are
no more. Beside it stands fixed redundancy on the same order: the first m answers, put to a vote.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.core.arguments import Floats, Ints, column, whole
from quality.core.sequential import ASK, Dependence, Rule, Votes, next_step


@dataclass(frozen=True)
class Played:
    """What came of T tasks.

    answers : (T,) asked; label : (T,) the likeliest class then; confidence : (T,) its posterior
    action : (T,) int8, ACCEPT, ADJUDICATE, or ASK where the answers given ran out
    """

    answers: Ints
    label: Ints
    confidence: Floats
    action: NDArray[np.int8]


def order_of(task: ArrayLike, *, seed: int) -> Ints:
    """Return (N,) place of each answer in its task's random order, from 0."""
    t = column("task", task)
    luck = np.random.default_rng(int(whole("seed", seed))).random(len(t))
    order = np.lexsort((luck, t))
    place = np.empty(len(t), dtype=np.int64)
    place[order] = np.arange(len(t)) - np.searchsorted(t[order], t[order])
    return place


def play(
    votes: Votes,
    place: ArrayLike,
    rule: Rule,
    dependence: Dependence,
    *,
    prior: ArrayLike | None = None,
    spread: ArrayLike | None = None,
) -> Played:
    """Ask one answer a round (arguments as `sequential.next_step`; place as `order_of`)."""
    at = column("place", place, len(votes.task))
    T = votes.n_tasks
    given = votes.answers()
    answers, label = np.zeros(T, dtype=np.int64), np.zeros(T, dtype=np.int64)
    confidence, action = np.zeros(T), np.full(T, ASK, dtype=np.int8)
    prior_table = None if prior is None else np.asarray(prior, dtype=np.float64)
    for n in range(1, min(rule.cap, int(given.max(initial=0))) + 1):
        going = np.flatnonzero((action == ASK) & (given >= n))
        if not len(going):
            break
        row = np.full(T, -1)
        row[going] = np.arange(len(going))
        seen = (at < n) & (row[votes.task] >= 0)
        part = Votes(
            row[votes.task[seen]], votes.label[seen], votes.right[seen], len(going), votes.classes
        )
        mine = prior_table if prior_table is None or prior_table.ndim == 1 else prior_table[going]
        step = next_step(part, rule, dependence, prior=mine, spread=spread)
        answers[going], label[going] = n, step.label
        confidence[going], action[going] = step.confidence, step.action
    return Played(answers, label, confidence, action)


def plurality(votes: Votes, place: ArrayLike, m: int, *, seed: int) -> tuple[Ints, Ints]:
    """Return ((T,) label most given among the first m answers, (T,) answers); ties at random."""
    at = column("place", place, len(votes.task))
    first = at < m
    C, T = votes.classes, votes.n_tasks
    key = votes.task[first] * C + votes.label[first]
    counts = np.bincount(key, minlength=T * C).reshape(T, C).astype(np.float64)
    luck = np.random.default_rng(int(whole("seed", seed))).random((T, C))
    return (counts + luck / 2.0).argmax(axis=1), np.minimum(votes.answers(), m)
