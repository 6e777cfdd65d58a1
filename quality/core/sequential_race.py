"""Votes of equal, independent annotators on two classes: what a lead decides, and after how many.

At posterior ≥ target the leading class is d = ⌈logit(target) / logit(rate)⌉ votes ahead, so
stopping is a gambler's ruin (Wald, Sequential Analysis, 1947): right with 1 / (1 + ((1 − A)/A)^d).
It tells what sequential redundancy saves at best; real votes hang together (`sequential`).
"""

from dataclasses import dataclass
from math import ceil, log

import numpy as np
from scipy.stats import binom

from quality.core.arguments import inside

MOST = 100_001


@dataclass(frozen=True)
class Race:
    """Votes ahead at which it is decided, chance that it is right, mean number of votes."""

    lead: int
    accuracy: float
    votes: float


def race(rate: float, target: float, *, cap: int | None = None) -> Race:
    """Return the race to a posterior of `target`.

    Parameters
    ----------
    rate, target : in (½, 1)
    cap : ≥ 1, votes after which the leader wins, at random where none leads; None = no end
    """
    inside("rate", rate, 0.5)
    inside("target", target, 0.5)
    if cap is not None and cap < 1:
        raise ValueError(f"cap must be at least 1, got {cap}")
    lead = max(ceil(log(target / (1.0 - target)) / log(rate / (1.0 - rate)) - 1e-9), 1)
    if cap is None:
        right = 1.0 / (1.0 + ((1.0 - rate) / rate) ** lead)
        return Race(lead, right, lead * (2.0 * right - 1.0) / (2.0 * rate - 1.0))
    ahead = np.zeros(2 * lead + 1)  # chances of being lead − d … lead + d ahead
    ahead[lead] = 1.0
    right, votes = 0.0, 0.0
    for _vote in range(cap):
        votes += float(ahead.sum())
        ahead = np.concatenate([[0.0], ahead[:-1]]) * rate + np.concatenate([ahead[1:], [0.0]]) * (
            1.0 - rate
        )
        right += float(ahead[-1])
        ahead[[0, -1]] = 0.0
    right += float(ahead[lead + 1 :].sum() + ahead[lead] / 2.0)
    return Race(lead, right, votes)


def fixed_votes(rate: float, accuracy: float) -> int:
    """Return the smallest odd number of votes whose majority is right with at least `accuracy`."""
    inside("rate", rate, 0.5)
    inside("accuracy", accuracy, 0.5)
    for m in range(1, MOST, 2):
        if binom.sf(m // 2, m, rate) >= accuracy:
            return m
    raise ValueError(f"accuracy must be within reach of {MOST} votes, got {accuracy}")
