"""How much m votes are worth: the design effect and the classes' offsets, learned from gold.

Annotators err together, which Dawid and Skene's model denies, so m votes are worth m/(1 + (m − 1)ρ)
independent ones (Kish, Survey Sampling, 1965). A task's evidence is therefore scaled by
α = 1/(1 + (m − 1)ρ), a temperature (Guo et al., ICML 2017) that grows with the votes; and where a
crowd leans to a class, offsets of the classes take the place of the logs of their shares:

    p(c) ∝ exp(b_c + α S_c),   S_c the log-likelihood of the task's answers if c is true.

log ρ and b have normal priors and are fitted to the gold; what gold leaves open about them stays in
the result as nodes: parameter vectors of equal weight whose mean and covariance are those of the
posterior. Without gold these are the prior's.

The prior of ρ is wide (90 % of it from .01 to 1.4), since real crowds are: on ten published sets
the ρ under which the truth is likeliest runs from .1 to more than 2, half of them from .2 to .7.
How far offsets may go is averaged over OFFSET_SPREADS by the evidence of the gold, since most
crowds need none and some are wrong about a whole class.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp, ndtri

from quality.core.truth_input import Floats, Ints

LOG_RHO, LOG_RHO_SPREAD = float(np.log(0.12)), 1.5
OFFSET_SPREADS = np.array([0.15, 0.3, 0.6, 1.2, 2.4])
SPREAD_ODDS = OFFSET_SPREADS**-1.5  # before gold speaks: most crowds lean little
# Beyond these, a class is met too rarely in gold to learn an offset of its own.
MAX_OFFSETS = 12
# More gold than this no longer moves the posterior.
MAX_GOLD = 20_000
# Offsets start at so much of the logs of the shares: EM, too sure of itself, makes the common class
# commoner than it is. On the ten sets half is better than all or none, with gold and without.
LEAN = 0.5
NODES = 8
LINE = np.linspace(np.log(0.002), np.log(30.0), 97)


def scale(log_rho: float, votes: Floats) -> Floats:
    """Return α, the weight of each task's evidence, from its voices."""
    return np.asarray(1.0 / (1.0 + np.maximum(votes - 1.0, 0.0) * np.exp(log_rho)))


def offset_nodes(scores: Floats, votes: Floats, truth: Ints, lean: Floats) -> Floats:
    """Return (K, 1 + C) nodes: log ρ and the classes' offsets.

    Parameters
    ----------
    scores : (G, C) log-likelihoods of the gold tasks' answers, each left out of its own matrices
    votes, truth : (G,) voices and true class
    lean : (C,) where the offsets start
    """
    start = np.concatenate([[LOG_RHO], lean])
    if not len(truth):
        belief = SPREAD_ODDS / SPREAD_ODDS.sum()
        spread = float(np.sqrt(belief @ OFFSET_SPREADS**2))
        return _spread(start, np.diag(_prior_variance(start, spread)))
    thin = np.arange(0, len(truth), -(-len(truth) // MAX_GOLD))
    fits = [
        _mode(scores[thin], votes[thin], truth[thin], start, spread) for spread in OFFSET_SPREADS
    ]
    logs = np.log(SPREAD_ODDS) + np.array([evidence for evidence, _mode, _covariance in fits])
    belief = np.exp(logs - logs.max())
    belief /= belief.sum()
    modes = np.array([mode for _evidence, mode, _covariance in fits])
    mean = belief @ modes
    away = (modes - mean) * np.sqrt(belief)[:, None]
    within = sum(b * fit[2] for b, fit in zip(belief, fits, strict=True))
    return _spread(mean, within + away.T @ away)


def line_nodes(told: Callable[[float], float] | None) -> Floats:
    """Return (K, 1) nodes of log ρ alone.

    Parameters
    ----------
    told : the gold's log-likelihood at a log ρ; None = there is no gold
    """
    logs = -0.5 * ((LINE - LOG_RHO) / LOG_RHO_SPREAD) ** 2
    if told is not None:
        logs += np.array([told(float(x)) for x in LINE])
    mass = np.cumsum(np.exp(logs - logs.max()))
    middles = (np.arange(NODES) + 0.5) / NODES
    return np.interp(middles, mass / mass[-1], LINE)[:, None]


def _prior_variance(start: Floats, spread: float) -> Floats:
    return np.concatenate([[LOG_RHO_SPREAD**2], np.full(len(start) - 1, spread**2)])


def _mode(
    scores: Floats, votes: Floats, truth: Ints, start: Floats, spread: float
) -> tuple[float, Floats, Floats]:
    """Newton to the posterior mode; return Laplace's log-evidence, the mode, the covariance."""
    precision = 1.0 / _prior_variance(start, spread)
    rows = np.arange(len(truth))
    extra = np.maximum(votes - 1.0, 0.0)

    def loss(theta: Floats) -> float:
        logits = theta[1:] + scores * scale(theta[0], votes)[:, None]
        told = logits[rows, truth] - logsumexp(logits, axis=1)
        return float(-told.sum() + 0.5 * (precision * (theta - start) ** 2).sum())

    theta, now = start, loss(start)
    for _step in range(60):
        alpha = scale(theta[0], votes)
        logits = theta[1:] + scores * alpha[:, None]
        chance = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
        # d(logit)/d(log ρ); the Hessian leaves its own curvature out, so it is always positive.
        slope = scores * (-extra * np.exp(theta[0]) * alpha**2)[:, None]
        miss = chance.copy()
        miss[rows, truth] -= 1.0
        gradient = np.concatenate([[(miss * slope).sum()], miss.sum(axis=0)])
        gradient += precision * (theta - start)
        centred = slope - (chance * slope).sum(axis=1, keepdims=True)
        hessian = np.diag(precision)
        hessian[0, 0] += (chance * centred**2).sum()
        hessian[0, 1:] += (chance * centred).sum(axis=0)
        hessian[1:, 0] = hessian[0, 1:]
        hessian[1:, 1:] += np.diag(chance.sum(axis=0)) - chance.T @ chance
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while (then := loss(theta - size * step)) > now and size > 1e-6:
            size /= 2.0
        theta, now = theta - size * step, min(then, now)
        if np.abs(size * step).max() < 1e-5:
            break
    _sign, logdet = np.linalg.slogdet(hessian)
    evidence = -now - 0.5 * float(logdet) + 0.5 * float(np.log(precision).sum())
    return evidence, theta, np.asarray(np.linalg.inv(hessian), dtype=np.float64)


def _spread(mean: Floats, covariance: Floats) -> Floats:
    """Return nodes of equal weight with this mean and covariance.

    log ρ, in which the answer bends most, stands at quantiles of its normal; the other coordinates
    are columns of an orthogonal matrix, so that the covariance is met exactly by few nodes.
    """
    d = len(mean)
    K = max(NODES, d + 1)
    square = np.random.default_rng(0).normal(size=(K, K))
    square[:, 0] = 1.0  # the other columns are then orthogonal to it: their mean is 0
    square[:, 1] = ndtri((np.arange(K) + 0.5) / K)
    unit = np.linalg.qr(square)[0][:, 1 : d + 1] * np.sqrt(K)
    return np.asarray(mean + unit @ np.linalg.cholesky(covariance).T)
