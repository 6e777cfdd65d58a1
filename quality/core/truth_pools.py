"""From blocks to accuracies and rates: what is known of annotators, added up and shrunk to pools.

Labels are estimated block by block (one task type of one project), since classes of different
projects have nothing to do with each other. What the blocks tell of an annotator is then added:
the expected numbers of right answers, and the doubts about them (`truth_interval.Tally`). That
gives the accuracy, the share right among all answers.

The rate, the chance that the next answer is right, is the accuracy shrunk to the annotator's pool,
people under one employer, by credibility (Bühlmann & Straub, Mitteilungen der VSVM 70, 1970):

- rates differ inside a pool as a beta around the pool's mean does. Its spread is the ANOVA estimate
  of the variance between annotators, in which the doubt about labels counts as spread that the
  estimates do not show; few annotators cannot tell it, so it is averaged with the usual spread, as
  if `USUAL_PEOPLE` others had shown that;
- the pool's mean is that of its annotators, each weighing by credibility n/(n + strength): someone
  with ten thousand answers is one person. It is shrunk to the usual rate, whose doubt is wide, as
  far as it is in doubt itself: one answer in an empty pool decides nothing;
- the variance of a rate is the beta's own, the doubts about the annotator and about the pool.

A pool's rates hang on its own answers and on nothing of other pools, which may be other vendors'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quality.core.truth_em import DEFAULT_RIGHT, DEFAULT_STRENGTH
from quality.core.truth_input import Flags, Floats, Ints
from quality.core.truth_interval import Tally, beta_interval, interval

# Strength of a pool's rate, in answers: never so weak that three answers decide a person, never so
# strong that two hundred do not.
MIN_STRENGTH, MAX_STRENGTH = 4.0, 60.0
# How much annotators of a pool differ, before they have shown it, and how much that counts.
USUAL_STRENGTH, USUAL_PEOPLE = 20.0, 4.0
# The variance of pools' means around the usual rate.
MEAN_VARIANCE = DEFAULT_RIGHT * (1.0 - DEFAULT_RIGHT) / (DEFAULT_STRENGTH + 1.0)


@dataclass(frozen=True)
class Accuracies:
    """(W,) each, with central 90 % intervals.

    accuracy, lower, upper : share right among the answers given; NaN without answers
    rate, rate_lower, rate_upper : chance that the next answer is right
    """

    accuracy: Floats
    lower: Floats
    upper: Floats
    rate: Floats
    rate_lower: Floats
    rate_upper: Floats


@dataclass(frozen=True)
class PoolRates:
    """(P,) each: the beta of the rates in a pool, and how its mean comes about.

    mean, strength : of the beta; variance : doubt about the mean
    trust : how much the mean hangs on what the pool's annotators showed, 0..1
    """

    mean: Floats
    strength: Floats
    variance: Floats
    trust: Floats


def combine(
    tallies: Sequence[Tally],
    annotators: Sequence[Ints],
    pool: Ints,
    prior: tuple[float, float] | None = None,
) -> Accuracies:
    """Add up what blocks tell and return accuracies and rates.

    Parameters
    ----------
    tallies : of every block
    annotators : for every block the position (from 0 to W − 1) of each of its annotators, no two
        the same
    pool : (W,) of each annotator, from 0
    prior : (right, wrong) pseudo-answers of everybody's common rate; None fits each pool's
    """
    whole = total(tallies, annotators, len(pool))
    return Accuracies(*interval(whole), *_rates(whole, tallies, annotators, pool, prior))


def one_pool(told: Tally, prior: tuple[float, float] | None = None) -> Accuracies:
    """Return accuracies and rates from one block, all its annotators taken as one pool."""
    W = len(told.total)
    return combine([told], [np.arange(W)], np.zeros(W, dtype=np.int64), prior)


def total(tallies: Sequence[Tally], annotators: Sequence[Ints], W: int) -> Tally:
    """Return the sum of blocks over W annotators: variances add, and so do deviations."""
    names = [name for name in Tally.__dataclass_fields__ if name != "nodes"]
    sums = {name: np.zeros(W) for name in names}
    for told, who in zip(tallies, annotators, strict=True):
        for name in names:
            sums[name][who] += getattr(told, name)
    return Tally(**sums, nodes=np.zeros((0, W)))


def _rates(
    whole: Tally,
    tallies: Sequence[Tally],
    annotators: Sequence[Ints],
    pool: Ints,
    prior: tuple[float, float] | None,
) -> tuple[Floats, Floats, Floats]:
    n, P = whole.total, int(pool.max(initial=-1)) + 1
    doubt = whole.chance + whole.own**2
    common, lapse = np.zeros(P), np.zeros(P)
    if prior is None:
        strength = pool_strengths(whole.right, n, doubt, pool, P)
        weight = _ratio(_shares(n / (n + strength[pool]), pool, P), n)
        common = _common(tallies, annotators, weight, pool, P)
        lapse = _by(pool, weight * whole.lapse, P)
        pools = pool_rates(whole.right, n, doubt, pool, strength, np.hypot(common, lapse))
    else:
        a, b = prior
        pools = PoolRates(np.full(P, a / (a + b)), np.full(P, a + b), np.zeros(P), np.zeros(P))
    mean, strength = pools.mean[pool], pools.strength[pool]
    rate = (whole.right + strength * mean) / (n + strength)
    # What is common to a crowd moves an annotator and the pool together.
    moved = strength * pools.trust[pool]
    variance = doubt + (whole.common + moved * common[pool]) ** 2
    variance += (whole.lapse + moved * lapse[pool]) ** 2 + strength**2 * pools.variance[pool]
    spread = rate * (1 - rate) / (n + strength + 1.0) + variance / (n + strength) ** 2
    lower, upper = beta_interval(rate, spread)
    return rate, np.minimum(lower, rate), np.maximum(upper, rate)


def pool_strengths(right: Floats, n: Floats, doubt: Floats, pool: Ints, P: int) -> Floats:
    """Return (P,) strengths, in answers: how little the annotators of each pool differ.

    Parameters
    ----------
    right, n : (W,) answers that are expected to be right, and answers
    doubt : (W,) variance of `right` where it is an expectation over labels not known: by so much
        annotators differ more than their expectations do
    pool : (W,) from 0 to P − 1
    """
    answers = _by(pool, n, P)
    mean = _ratio(_by(pool, right, P), answers)
    unit = _unit(mean, answers)
    between = _by(pool, n * (_ratio(right, n) - mean[pool]) ** 2 + _ratio(doubt, n), P)
    people = _by(pool, n > 0, P)
    squares = _ratio(_by(pool, n**2, P), answers)
    # As many annotators, but one, of equally many answers would tell as much.
    telling = np.maximum(_ratio(answers, squares) - 1.0, 0.0)
    telling = np.where((people > 1) & (telling > 1e-9), telling, 0.0)
    shown = _ratio(
        between - (people - 1) * unit, np.where(telling > 0, answers - squares, 0) * unit
    )
    usual = 1.0 / (USUAL_STRENGTH + 1.0)
    ratio = (telling * shown + USUAL_PEOPLE * usual) / (telling + USUAL_PEOPLE)
    least = 1.0 / (MAX_STRENGTH + 1.0)
    return np.asarray(np.clip(1.0 / np.maximum(ratio, least) - 1.0, MIN_STRENGTH, MAX_STRENGTH))


def pool_rates(
    right: Floats, n: Floats, doubt: Floats, pool: Ints, strength: Floats, common: Floats
) -> PoolRates:
    """Return each pool's beta, its mean shrunk to the usual rate as far as it is in doubt.

    Parameters
    ----------
    right, n, doubt, pool : as in `pool_strengths`; strength : (P,)
    common : (P,) deviation of the pool's mean that comes of what all its annotators share
    """
    P = len(strength)
    credible = n / (n + strength[pool])
    weight = _shares(credible, pool, P)
    shown = _by(pool, weight * _ratio(right, n), P)
    some = _by(pool, credible, P)
    unit = _unit(shown, _by(pool, n, P))
    own = _ratio(unit / (strength + 1.0), some)
    own += _by(pool, weight**2 * _ratio(doubt, n**2), P)
    trust = np.where(some > 0, MEAN_VARIANCE / (MEAN_VARIANCE + own + common**2), 0.0)
    return PoolRates(
        mean=trust * shown + (1.0 - trust) * DEFAULT_RIGHT,
        strength=strength,
        variance=trust**2 * own + (1.0 - trust) ** 2 * MEAN_VARIANCE,
        trust=trust,
    )


def _unit(mean: Floats, answers: Floats) -> Floats:
    """Return the variance of one answer in a pool: no pool is taken to be always right."""
    usual = (answers * mean + DEFAULT_STRENGTH * DEFAULT_RIGHT) / (answers + DEFAULT_STRENGTH)
    usual = np.clip(usual, 0.02, 0.98)
    return np.asarray(usual * (1.0 - usual))


def _shares(values: Floats, pool: Ints, P: int) -> Floats:
    """Return values divided by their pool's sum; 0 where that is 0."""
    return _ratio(values, _by(pool, values, P)[pool])


def _by(pool: Ints, values: Floats | Flags, P: int) -> Floats:
    """Return (P,) sums of values (W,)."""
    return np.bincount(pool, values, minlength=P).astype(np.float64)


def _ratio(values: Floats, by: Floats) -> Floats:
    """Return values / by; 0 where `by` is 0."""
    return np.asarray(np.where(by != 0, values, 0.0) / np.where(by != 0, by, 1.0))


def _common(
    tallies: Sequence[Tally], annotators: Sequence[Ints], weight: Floats, pool: Ints, P: int
) -> Floats:
    """Return (P,) deviations of Σ weight · right that come of the blocks' parameters."""
    found = np.zeros(P)
    for told, who in zip(tallies, annotators, strict=True):
        sums = [_by(pool[who], line * weight[who], P) for line in told.nodes]
        if sums:
            found += np.std(sums, axis=0)
    return found
