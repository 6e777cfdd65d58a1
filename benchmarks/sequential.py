"""What sequential redundancy saves on real answers: the figures of docs/benchmarks.md on it.

    python -m benchmarks.sequential                      # dog and duck
    python -m benchmarks.sequential --set NAME=FOLDER    # also this answer.csv and truth.csv

Half of a set's tasks are the past: a tenth of them gold, from which rates and facts are learned.
The other half is played: answers come in a random order, one a round, until the rule accepts a
label or no answer is left. Fixed redundancy takes the first m answers of the same order, either
to a plain vote (ties at random) or to the same posterior; its cost at the accuracy reached is read
off between the m tried. Money is in prices of one answer. Annotators without a past count as the
common rate.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.core import facts
from quality.core.sequential import ACCEPT, Dependence, Rule, Votes, cautious
from quality.core.sequential_play import order_of, play, plurality
from quality.core.truth import estimate
from tests.quality.core.truth_sets import Crowd, read, real

Floats = NDArray[np.float64]
TARGETS = (0.7, 0.8, 0.85, 0.9, 0.95)
FIXED = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 20, 30, 39)
GOLD = 0.1
ADJUDICATION = 5.0  # prices of an answer
NEVER = 1.0 - 1e-12


@dataclass(frozen=True)
class Game:
    """Tasks to play, with what the past says of them; careful: read at rates' lower bounds."""

    votes: Votes
    careful: Votes
    truth: NDArray[np.int64]
    dependence: Dependence
    prior: Floats
    typical: float


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    sets = {"dog": real("dog"), "duck": real("duck")}
    for given in options.set:
        name, folder = given.split("=", 1)
        sets[name] = read(Path(folder))
    for name, crowd in sets.items():
        games = [deal(crowd, seed) for seed in range(options.draws)]
        orders = [order_of(game.votes.task, seed=seed) for seed, game in enumerate(games)]
        answers_saved(name, games, orders)
        money_saved(name, games, orders)


def deal(crowd: Crowd, seed: int) -> Game:
    """Split a set into past and play."""
    T, W = len(crowd.truth), int(crowd.annotator.max()) + 1
    C = int(max(crowd.label.max(), crowd.truth.max())) + 1
    order = np.random.default_rng(seed).permutation(T)
    past, rest = order[: T // 2], np.sort(order[T // 2 :])
    gold = np.full(T, -1)
    known = past[: max(round(GOLD * T), 1)]
    gold[known] = crowd.truth[known]
    seen = np.isin(crowd.task, past)
    found = estimate(crowd.task[seen], crowd.annotator[seen], crowd.label[seen], gold=gold)
    rate = np.full(W, float(np.nanmean(found.rate)))
    lower = np.full(W, float(np.nanmin(found.rate_lower)))
    met = np.flatnonzero(np.isfinite(found.rate))
    rate[met], lower[met] = found.rate[met], found.rate_lower[met]
    lower = cautious(rate, lower, True, classes=C)
    at = seen & (gold[crowd.task] >= 0)
    right = crowd.label[at] == crowd.truth[crowd.task[at]]
    one_band = np.zeros(len(right), dtype=np.int8)
    measured = facts.measure(
        right, crowd.task[at], crowd.annotator[at], crowd.label[at], one_band, classes=C
    )
    prior = np.ones(C)
    prior[: found.probability.shape[1]] += found.probability.sum(axis=0)
    row = np.full(T, -1)
    row[rest] = np.arange(len(rest))
    task, label, who = row[crowd.task[~seen]], crowd.label[~seen], crowd.annotator[~seen]
    votes, careful = (
        Votes.of(task, label, read_at[who], n_tasks=len(rest), classes=C)
        for read_at in (rate, lower)
    )
    dependence = Dependence(measured.dispersion, measured.same_error)
    typical = float(rate.mean())
    return Game(votes, careful, crowd.truth[rest], dependence, prior / prior.sum(), typical)


def answers_saved(name: str, games: list[Game], orders: list[NDArray[np.int64]]) -> None:
    """Print answers asked, accuracy, and fixed redundancy's answers for the same accuracy."""
    plain, weighted = fixed(games, orders)
    print(
        f"\n| {name}: target | answers | right | accepted | said | right of them | fixed, same "
        "posterior | saved | fixed, plain vote | saved | as if independent: said, right | "
        "lower bounds: answers, said, right |"
    )
    print("|---" * 12 + "|")
    for target in TARGETS:
        rule = Rule(target, int(plain[0].max()) + 1)
        pairs = list(zip(games, orders, strict=True))
        rows = [outcome(g, g.votes, order, rule, g.dependence) for g, order in pairs]
        naive = [outcome(g, g.votes, order, rule, Dependence()) for g, order in pairs]
        careful = [outcome(g, g.careful, order, rule, g.dependence) for g, order in pairs]
        answers, right, accepted, said, held = np.nanmean(rows, axis=0)
        same, vote = (needed(curve, right) for curve in (weighted, plain))
        other, safe = np.nanmean(naive, axis=0), np.nanmean(careful, axis=0)
        cells = [f"{target}", f"{answers:.2f}", f"{right:.3f}", f"{accepted:.2f}", f"{said:.3f}"]
        cells += [f"{held:.3f}", told(same), spared(answers, same), told(vote)]
        cells += [spared(answers, vote), f"{other[3]:.3f}, {other[4]:.3f}"]
        cells += [f"{safe[0]:.2f}, {safe[3]:.3f}, {safe[4]:.3f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


def outcome(
    game: Game, votes: Votes, order: NDArray[np.int64], rule: Rule, dependence: Dependence
) -> tuple[float, ...]:
    """Return (answers, right, accepted, confidence of accepted, right of accepted), means."""
    found = play(votes, order, rule, dependence, prior=game.prior)
    right, taken = found.label == game.truth, found.action == ACCEPT
    some = taken.any()
    return (
        float(found.answers.mean()),
        float(right.mean()),
        float(taken.mean()),
        float(found.confidence[taken].mean()) if some else np.nan,
        float(right[taken].mean()) if some else np.nan,
    )


def fixed(games: list[Game], orders: list[NDArray[np.int64]]) -> tuple[Floats, Floats]:
    """Return (2, M) [answers, right] of fixed redundancy by plain vote and by the posterior."""
    plain, weighted = [], []
    for m in FIXED:
        votes, reads = [], []
        for seed, (game, order) in enumerate(zip(games, orders, strict=True)):
            label, answers = plurality(game.votes, order, m, seed=seed)
            votes.append((answers.mean(), (label == game.truth).mean()))
            found = play(game.votes, order, Rule(NEVER, m), game.dependence, prior=game.prior)
            reads.append((found.answers.mean(), (found.label == game.truth).mean()))
        plain.append(np.mean(votes, axis=0))
        weighted.append(np.mean(reads, axis=0))
    return np.transpose(plain), np.transpose(weighted)


def needed(curve: Floats, right: float) -> float:
    """Return the answers at which fixed redundancy first is as often right; NaN where it is not."""
    answers, best = curve[0], np.maximum.accumulate(curve[1])
    if right > best[-1]:
        return float("nan")
    k = int(np.searchsorted(best, right))
    if k == 0:
        return float(answers[0])
    part = (right - best[k - 1]) / (best[k] - best[k - 1])
    return float(answers[k - 1] + part * (answers[k] - answers[k - 1]))


def told(answers: float) -> str:
    """Return the answers, or that none are enough."""
    return f"{answers:.1f}" if np.isfinite(answers) else "never"


def spared(answers: float, fixed_answers: float) -> str:
    """Return the share of money saved."""
    return f"{1 - answers / fixed_answers:.0%}" if np.isfinite(fixed_answers) else "–"


def money_saved(name: str, games: list[Game], orders: list[NDArray[np.int64]]) -> None:
    """Print the money per task where what is not accepted is adjudicated, and taken as right."""
    print(f"\n| {name}: target | rule | answers | adjudicated | right | money per task |")
    print("|---" * 6 + "|")
    for target in (0.8, 0.9):
        for cap, early in ((3, False), (5, False), (5, True), (9, True)):
            rows: dict[str, list[tuple[float, ...]]] = {"fixed": [], "sequential": []}
            for game, order in zip(games, orders, strict=True):
                for rule, of in (
                    (Rule(target, cap, least=cap), "fixed"),
                    (Rule(target, cap, typical=game.typical if early else None), "sequential"),
                ):
                    found = play(game.votes, order, rule, game.dependence, prior=game.prior)
                    sent = found.action != ACCEPT
                    right = sent | (found.label == game.truth)
                    money = found.answers.mean() + ADJUDICATION * sent.mean()
                    rows[of].append((found.answers.mean(), sent.mean(), right.mean(), money))
            for of, values in rows.items():
                if of == "fixed" and early:
                    continue
                answers, sent, right, money = np.mean(values, axis=0)
                how = f"{of}, {'at most ' if of == 'sequential' else ''}{cap}"
                how += ", hopeless ones at once" if early else ""
                cells = f"{answers:.2f} | {sent:.2f} | {right:.3f} | {money:.2f}"
                print(f"| {target} | {how} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
