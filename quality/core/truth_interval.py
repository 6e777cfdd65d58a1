"""From the probability that each answer is right to what a block tells of its annotators.

A block is one set of answers with one set of labels: those to one task type of one project. Blocks
are added up, and rates made of them, in `truth_pools`.

The share right among an annotator's answers is Σ p/n with gold's answers counted, and six doubts
are added up, each a variance:

- the labels themselves, were p exact: Σ p(1 − p)/n²;
- p's parameters, common to all (nodes of `truth_calibrate`);
- lapses of the whole crowd, agreed and wrong, which answers alone can never show: a share of the
  open tasks with a Beta(1, 19) prior, to which each gold task adds one observation;
- the annotator's own effect: p may be too high or too low for this person. In logits it is normal
  with a deviation σ over annotators; the score Σ(right − p) of the annotator's gold answers tells
  it, shrunk to none where they are few. This is the rectifier of prediction-powered inference
  (Angelopoulos et al., Science 382, 2023), by empirical Bayes. σ is averaged over its posterior:
  the marginal likelihood of all annotators' scores, raised to the share of gold tasks in gold
  answers, since answers to one task tell of one truth only (a cluster);
- the annotator's own matrix, learned from labels that lean on it: of the information on its rate
  the share f is missing, which adds f²/(1 − f) of the rate's variance (Louis, JRSS B 44, 1982).
- answers that nobody else and no gold speaks to: EM takes their annotator's word for the rate that
  they have by it. As long as there are few others of the annotator, UNTESTED is their variance.

The interval is the beta of these moments over the answers without gold; the others are counted.

Over several blocks of an annotator, doubts of single answers add as variances. The others add as
deviations, as if they were the same in every block: so work that is cut into more projects makes
nobody surer.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv

from quality.core.truth_input import Answers, Flags, Floats

# Deviations of the annotators' own effects, and the scale of their half-normal prior (logits).
EFFECTS = np.linspace(0.0, 3.0, 61)
EFFECT_SCALE = 0.5
LAPSE = (1.0, 19.0)
# Variance of a rate nobody has seen, and how many tested answers take half of it away.
UNTESTED, TESTED = 0.04, 4.0
# A bound so near to 0 or 1 is that.
EDGE = 1e-6


@dataclass(frozen=True)
class Evidence:
    """What is known of every answer, in the answers' order.

    right : (n,) probability that it is right; 0 or 1 under gold
    is_gold : (n,) whether its task's truth is known
    told : (n,) under gold, the probability it had before its truth was looked at; else 0
    alpha : (n,) weight of its task's evidence, 1/(1 + (m − 1)ρ)
    shares : (K, W) share right among the answers given at each node of the parameters
    gold_tasks : tasks answered whose truth is known
    free : independent facts that they tell: tasks × (classes − 1)
    """

    right: Floats
    is_gold: Flags
    told: Floats
    alpha: Floats
    shares: Floats
    gold_tasks: int
    free: float


@dataclass(frozen=True)
class Tally:
    """What one block, or several, tell of W annotators, in weighted answers; (W,) each.

    total, right : answers, and how many of them are expected to be right
    counted, missed : right and wrong answers under gold
    open : answers without gold, not weighted
    chance : variance of `right` that comes of single answers
    own, lapse, common : deviations of `right` that come of the annotator's own effect, of lapses of
        the crowd, and of the parameters
    nodes : (K, W) right answers at each node of a block's parameters; K = 0 in a sum
    """

    total: Floats
    right: Floats
    counted: Floats
    missed: Floats
    open: Floats
    chance: Floats
    own: Floats
    lapse: Floats
    common: Floats
    nodes: Floats


def tally(answers: Answers, evidence: Evidence) -> Tally:
    """Return what a block tells of its annotators."""
    weight, open_ = answers.weight, ~evidence.is_gold
    total = answers.by_annotator(weight)
    size = np.where(total > 0, total, np.inf)
    doubt = evidence.right * (1.0 - evidence.right)
    # How far one logit on all open answers of the annotator moves its right answers.
    swing = answers.by_annotator(weight * doubt)
    effect, effect_variance = _effects(answers, evidence)
    counted = answers.by_annotator(weight * (evidence.is_gold * evidence.right))
    missed = answers.by_annotator(weight * (evidence.is_gold * (1 - evidence.right)))
    share = answers.by_annotator(weight * evidence.right)
    right = np.clip(share + effect * swing, counted, total - missed)
    leaning = answers.by_annotator(weight * doubt * evidence.alpha) / size
    matrix = _missing(leaning, right / size, size) * total**2
    nodes = np.nan_to_num(evidence.shares) * total
    return Tally(
        total=total,
        right=right,
        counted=counted,
        missed=missed,
        open=answers.by_annotator(open_.astype(np.float64)),
        chance=answers.by_annotator(weight**2 * doubt) + matrix,
        own=np.sqrt(effect_variance * swing**2 + _untested(answers, open_)),
        lapse=answers.by_annotator(weight * open_) * _lapse(evidence.gold_tasks),
        common=nodes.std(axis=0),
        nodes=nodes,
    )


def interval(told: Tally) -> tuple[Floats, Floats, Floats]:
    """Return the share right among the answers given, with its central 90 %; NaN without any."""
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(told.total > 0, told.total, np.nan)
    accuracy = told.right / size
    counted, missed = told.counted / size, told.missed / size
    variance = (told.chance + told.own**2 + told.lapse**2 + told.common**2) / size**2
    room = np.where(told.open > 0, 1.0 - counted - missed, 0.0)
    return accuracy, *_within(accuracy, variance, counted, room)


def shares_of(answers: Answers, right: Floats) -> Floats:
    """Return (W,) weighted shares of answers that are right; NaN where there are none."""
    total = answers.by_annotator(answers.weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(answers.by_annotator(answers.weight * right) / total)


def _effects(answers: Answers, evidence: Evidence) -> tuple[Floats, Floats]:
    """Return the mean and variance of each annotator's effect, in logits."""
    gold = evidence.is_gold
    told = evidence.told
    if not gold.any():
        belief = np.exp(-0.5 * (EFFECTS / EFFECT_SCALE) ** 2)
        variance = float(belief @ EFFECTS**2 / belief.sum())
        return np.zeros(answers.n_annotators), np.full(answers.n_annotators, variance)
    who = answers.annotator[gold]
    W = answers.n_annotators
    score = np.bincount(who, (evidence.right - told)[gold], minlength=W)
    known = np.bincount(who, (told * (1 - told))[gold], minlength=W)
    there = known > 1e-9
    spread = known[there, None] * (1.0 + known[there, None] * EFFECTS**2)
    told_of = -0.5 * (np.log(spread) + score[there, None] ** 2 / spread).sum(axis=0)
    logs = told_of * min(1.0, evidence.free / max(int(gold.sum()), 1))
    logs -= 0.5 * (EFFECTS / EFFECT_SCALE) ** 2
    belief = np.exp(logs - logs.max())
    belief /= belief.sum()
    variances = 1.0 / (known[:, None] + 1.0 / np.maximum(EFFECTS, 1e-6) ** 2)
    means = score[:, None] * variances
    mean = means @ belief
    variance = variances @ belief + (means**2) @ belief - mean**2
    return mean, variance


def _lapse(gold_tasks: int) -> float:
    """Return the standard deviation of the share of tasks on which all err together."""
    a, b = LAPSE
    b += gold_tasks
    return float(np.sqrt(a * b / (a + b + 1.0)) / (a + b))


def _untested(answers: Answers, open_: Flags) -> Floats:
    """Return the variance, in answers, of those to which only their annotator speaks."""
    lone = open_ & (answers.votes()[answers.task] < 1.0 + 1e-9)
    tested = answers.by_annotator((~lone).astype(np.float64))
    alone = answers.by_annotator(answers.weight * lone)
    return np.asarray(alone**2 * UNTESTED * TESTED / (TESTED + tested))


def _missing(own: Floats, accuracy: Floats, size: Floats) -> Floats:
    """Return the variance that comes of the annotator's own matrix."""
    binomial = np.clip(accuracy, 0.02, 0.98)
    binomial = binomial * (1.0 - binomial)
    f = np.clip(own / binomial, 0.0, 0.95)
    return np.asarray(f**2 * binomial / size / (1.0 - f))


def _within(mean: Floats, variance: Floats, counted: Floats, room: Floats) -> tuple[Floats, Floats]:
    """Return the interval of counted + room · beta."""
    lower, upper = mean.copy(), mean.copy()
    live = (room > 0) & np.isfinite(mean)
    m = np.clip((mean[live] - counted[live]) / room[live], 0.0, 1.0)
    low, high = beta_interval(m, variance[live] / room[live] ** 2)
    lower[live] = counted[live] + room[live] * low
    upper[live] = counted[live] + room[live] * high
    return np.minimum(lower, mean), np.maximum(upper, mean)


def beta_interval(mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return the central 90 % of betas of these moments; a point where there is no variance.

    A mean at 0 or 1 with variance left is moved inward by half a deviation, so that it keeps a
    width. Where next to nothing is known, the beta stands at 0 and 1 alone, and so do its bounds.
    """
    lower, upper = mean.copy(), mean.copy()
    live = variance > 1e-12
    edge = np.minimum(0.5 * np.sqrt(variance[live]), 0.5)
    m = np.clip(mean[live], edge, 1.0 - edge)
    size = np.maximum(m * (1 - m) / variance[live] - 1, 0.02)
    lower[live] = betaincinv(m * size, (1 - m) * size, 0.05)
    upper[live] = betaincinv(m * size, (1 - m) * size, 0.95)
    return np.where(lower < EDGE, 0.0, lower), np.where(upper > 1.0 - EDGE, 1.0, upper)
