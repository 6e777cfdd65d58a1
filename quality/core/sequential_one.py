"""One task at a time: the posterior of `sequential` without arrays over tasks and classes.

What is decided within a submission must take a fraction of a millisecond. Classes that nobody has
given are all alike (errors spread evenly, no prior), so one stands for them all: the tables are as
large as the answers, whether the task has two classes or ten thousand. The numbers are those of
`sequential.next_step`; a test holds them equal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quality.core.arguments import Floats
from quality.core.sequential import (
    ACCEPT,
    ADJUDICATE,
    ASK,
    EDGE,
    Dependence,
    Rule,
    at_rates,
    concentration,
    quantile_nodes,
)


@dataclass(frozen=True)
class Verdict:
    """What to do with a task: action ACCEPT, ASK or ADJUDICATE.

    label : the likeliest of the labels given, the lowest of equals; confidence : its posterior
    """

    action: int
    label: int
    confidence: float


def decide(
    label: Sequence[int],
    right: Sequence[float],
    rule: Rule,
    dependence: Dependence,
    *,
    classes: int,
) -> Verdict:
    """Return what to do after these answers to one task.

    Parameters
    ----------
    label : of each answer, numbers from 0 without gaps
    right : chance that the answer's annotator is right, in [0, 1]
    classes : ≥ 2 and at least as many as labels were given

    Raises
    ------
    ValueError
        If there is no answer, lengths differ, or numbers are out of range.
    """
    _answers_iv(label, right, classes)
    seen = confidences(label, right, dependence, classes=classes)
    best = int(np.argmax(seen))
    confidence = float(seen[best])
    n = len(label)
    if confidence >= rule.target and n >= rule.least:
        return Verdict(ACCEPT, best, confidence)
    if n >= rule.cap:
        return Verdict(ADJUDICATE, best, confidence)
    if rule.typical is not None:
        more = rule.cap - n
        agreed = confidences(
            [*label, *[best] * more], [*right, *[rule.typical] * more], dependence, classes=classes
        )
        if agreed[best] < rule.target:
            return Verdict(ADJUDICATE, best, confidence)
    return Verdict(ASK, best, confidence)


def confidences(
    label: Sequence[int], right: Sequence[float], dependence: Dependence, *, classes: int
) -> Floats:
    """Return the posterior (K,) of each label that was given; the rest is that of all others."""
    given = np.asarray(label, dtype=np.int64)
    rate = np.clip(np.asarray(right, dtype=np.float64), EDGE, 1.0 - EDGE)
    counts = np.bincount(given)
    K = len(counts)
    nodes, weight = quantile_nodes(dependence.dispersion)
    won = at_rates(nodes, rate)  # (N, Q) log odds at the item's quantiles
    lost = -np.logaddexp(0.0, won).sum(axis=0)
    # One row per label given, and one for all that were not.
    total = np.repeat(lost[None, :], K + 1, axis=0)
    np.add.at(total, given, won)
    top = total.max(axis=1)
    odds = top + np.log(np.exp(total - top[:, None]) @ weight)
    odds += _wrong(counts.tolist(), classes, dependence.same_error)
    many = np.ones(K + 1)
    many[K] = classes - K
    share = np.exp(odds - odds.max()) * many
    return np.asarray((share / share.sum())[:K])


def _wrong(counts: list[int], classes: int, same_error: float | None) -> Floats:
    """Return (K + 1,) log chance of the wrong labels by the class true, the last: one not given."""
    even, n = 1.0 / (classes - 1.0), sum(counts)
    strength = concentration(even, same_error)
    own = [*counts, 0]
    if not math.isfinite(strength):
        return np.array([(n - c) * math.log(even) for c in own])
    start = math.lgamma(strength * even)
    drawn = [math.lgamma(strength * even + c) - start for c in own]
    everything, base = sum(drawn), math.lgamma(strength)
    return np.array(
        [
            everything - mine - math.lgamma(strength + n - c) + base
            for c, mine in zip(own, drawn, strict=True)
        ]
    )


def _answers_iv(label: Sequence[int], right: Sequence[float], classes: int) -> None:
    if not label:
        raise ValueError("label must hold an answer")
    if len(label) != len(right):
        raise ValueError(f"right must have length {len(label)}, got {len(right)}")
    given = set(label)
    if given != set(range(len(given))):
        raise ValueError(f"label must be numbers from 0 without gaps, got {sorted(given)}")
    if classes < max(2, len(given)):
        raise ValueError(f"classes must be at least {max(2, len(given))}, got {classes}")
    if not all(0 <= p <= 1 for p in right):
        raise ValueError("right must lie in [0, 1]")
