"""All that is measured of the agreement of a set of answers: coefficients, scores, pairs, labels.

What is voted on (labels, and members of answers with few values) gets coefficients beyond chance;
numbers get the distances of their scale as well; what is compared part by part (boxes, spans, text)
gets the mean score of pairs of answers to one task. Every figure has a bootstrap interval over
tasks. Answers with no other to the same task say nothing and are left out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtri

from quality.core import agreement, match_shapes, match_spans, match_text
from quality.core import agreement_bootstrap as bootstrap
from quality.core.agreement_bootstrap import Interval, Settings
from quality.core.agreement_groups import by_label, by_pair, confused_most
from quality.core.agreement_sums import pair_up
from quality.core.arguments import Floats, Ints
from quality.core.score import score

NOMINAL = ("cohen", "fleiss", "alpha_nominal", "exact")
NUMERIC = ("alpha_ordinal", "alpha_interval", "alpha_ratio", "difference")
MOST_PAIRS = 20_000  # pairs of answers that are matched part by part; more are drawn from
PAIRS_DRAWN_ANEW = 200  # pairs of annotators with a bootstrap interval; others by their deviation
LABELS_DRAWN_ANEW = 100
CONFUSED = 20


@dataclass(frozen=True)
class Figure:
    """One measure, None where it is undefined; interval None where no replicate was defined."""

    measure: str
    value: float | None
    interval: Interval | None
    units: int
    answers: int


@dataclass(frozen=True)
class Pair:
    """Two annotators: units in common, share alike (or mean score), κ with its interval."""

    first: int
    second: int
    units: int
    observed: float
    kappa: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class OfLabel:
    """A label: answers with it, chance that a companion has it too, α against the rest."""

    label: str
    answers: int
    agreement: float
    alpha: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Measured:
    """What was measured of one field of the answers."""

    figures: list[Figure]
    pairs: list[Pair] = field(default_factory=list)
    labels: list[OfLabel] = field(default_factory=list)
    confused: list[tuple[str, str, float, float]] = field(default_factory=list)

    @property
    def kappa(self) -> Figure | None:
        """The coefficient beyond chance that a floor is held against: κ where it can be, else α."""
        there = {figure.measure: figure for figure in self.figures}
        for name in ("alpha_interval", "cohen", "fleiss", "alpha_nominal"):
            if name in there and there[name].value is not None:
                return there[name]
        return None


@dataclass(frozen=True)
class Given:
    """Answers (N,) to units, one per annotator and unit.

    unit, annotator : (N,) int from 0; value : N values: words, numbers, or whole answers
    """

    unit: Ints
    annotator: Ints
    value: Sequence[Any]

    def with_company(self) -> "Given":
        """Return the answers to units that have two or more, by unit and annotator."""
        many = np.bincount(self.unit)[self.unit] > 1 if len(self.unit) else np.zeros(0, dtype=bool)
        rows = np.flatnonzero(many)
        rows = rows[np.lexsort((self.annotator[rows], self.unit[rows]))]
        value = [self.value[row] for row in rows.tolist()]
        return Given(self.unit[rows], self.annotator[rows], value)


def measure_words(given: Given, settings: Settings) -> Measured:
    """Measure answers that are equal or not: labels, words, yes and no."""
    some = given.with_company()
    words = sorted(set(some.value))
    place = {word: number for number, word in enumerate(words)}
    code = np.array([place[word] for word in some.value], dtype=np.int64)
    if not len(code):
        return Measured([Figure(name, None, None, 0, 0) for name in ("alpha_nominal", "exact")])
    _units, unit = np.unique(some.unit, return_inverse=True)
    figures = [
        *_kappas(unit, some.annotator, code, len(words), settings),
        _figure(
            "alpha_nominal",
            agreement.krippendorff(unit, code),
            bootstrap.krippendorff_interval(unit, code, settings),
            unit,
        ),
        _figure(
            "exact", agreement.exact_match(unit, code), _mean_alike(unit, code, settings), unit
        ),
    ]
    return Measured(
        figures,
        _pairs(unit, some.annotator, code, settings),
        _labels(unit, some.annotator, code, words, settings),
        _confused(unit, some.annotator, code, words),
    )


def measure_numbers(given: Given, settings: Settings) -> Measured:
    """Measure answers on a scale: α by its distances, and the mean difference of two answers."""
    some = given.with_company()
    value = np.array(some.value, dtype=np.float64)
    unit = np.unique(some.unit, return_inverse=True)[1].astype(np.int64)
    figures = []
    for name in ("ordinal", "interval", "ratio"):
        if name == "ratio" and (value < 0).any():
            continue
        figures.append(
            _figure(
                f"alpha_{name}",
                agreement.krippendorff(unit, value, metric=name),
                bootstrap.krippendorff_interval(unit, value, settings, metric=name),
                unit,
            )
        )
    i, j = pair_up(unit)
    apart = np.abs(value[i] - value[j])
    figures.append(_mean("difference", unit[i], apart, settings, len(unit)))
    pairs = _scored_pairs(some.annotator, i, j, apart)
    return Measured(figures, pairs)


def measure_parts(metric: str, given: Given, settings: Settings) -> Measured:
    """Measure answers that are compared part by part: the mean score of two answers to a unit.

    metric : of the task type (`score.METRICS`); answers without its form are left out
    """
    some = given.with_company()
    unit = np.unique(some.unit, return_inverse=True)[1].astype(np.int64)
    i, j = _drawn(*pair_up(unit), settings.seed)
    kinds = _PARTS.get(metric, {metric: lambda a, b: score(metric, a, b)})
    found: dict[str, list[float]] = {name: [] for name in kinds}
    kept = []
    for row, (a, b) in enumerate(zip(i.tolist(), j.tolist(), strict=True)):
        try:
            values = [compare(some.value[a], some.value[b]) for compare in kinds.values()]
        except ValueError:
            continue
        kept.append(row)
        for name, value in zip(kinds, values, strict=True):
            found[name].append(value)
    of, answers = unit[i][kept], len(np.unique(np.r_[i[kept], j[kept]]))
    figures = [
        _mean(name, of, np.array(values), settings, answers) for name, values in found.items()
    ]
    first = np.array(next(iter(found.values())), dtype=np.float64)
    return Measured(figures, _scored_pairs(some.annotator, i[kept], j[kept], first))


def _kappas(
    unit: Ints, annotator: Ints, code: Ints, classes: int, settings: Settings
) -> list[Figure]:
    """Return κ of two annotators, or of equally many answers to each unit."""
    size = np.bincount(unit)
    people, who = np.unique(annotator, return_inverse=True)
    if len(people) == 2:
        table = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(table, (code[who == 0], code[who == 1]), 1)
        kappa = agreement.cohen(table)
        interval = bootstrap.cohen_interval(table, settings)
        return [_figure("cohen", kappa.value if kappa else None, interval, unit)]
    if (size == size[0]).all() and len(size) * classes <= agreement.DENSE:
        counts = np.zeros((len(size), classes), dtype=np.int64)
        np.add.at(counts, (unit, code), 1)
        interval = bootstrap.fleiss_interval(counts, settings)
        return [_figure("fleiss", agreement.fleiss(counts), interval, unit)]
    return []


def _mean_alike(unit: Ints, code: Ints, settings: Settings) -> Interval | None:
    """Return the interval of the share of equal pairs, every unit counting the same."""
    i, j = pair_up(unit)
    same = np.bincount(unit[i], code[i] == code[j]) / np.bincount(unit[i])
    return bootstrap.mean_interval(np.arange(len(same)), same, settings)


def _pairs(unit: Ints, annotator: Ints, code: Ints, settings: Settings) -> list[Pair]:
    found = by_pair(unit, annotator, code)
    drawn = np.argsort(-found.n, kind="stable")[:PAIRS_DRAWN_ANEW]
    answers = _by_annotator(unit, annotator, code)
    intervals = {
        row: _pair_interval(answers, int(found.first[row]), int(found.second[row]), settings)
        for row in drawn.tolist()
    }
    half = _quantile(settings.level) * found.standard_error
    pairs = []
    for row in range(len(found.n)):
        kappa = _known(found.kappa[row])
        lower, upper = _known(found.kappa[row] - half[row]), _known(found.kappa[row] + half[row])
        if row in intervals:
            interval = intervals[row]
            lower, upper = (interval.lower, interval.upper) if interval else (None, None)
        pairs.append(
            Pair(
                int(found.first[row]),
                int(found.second[row]),
                int(found.n[row]),
                float(found.observed[row]),
                kappa,
                None if lower is None else max(lower, -1.0),
                None if upper is None else min(upper, 1.0),
            )
        )
    return pairs


def _by_annotator(unit: Ints, annotator: Ints, code: Ints) -> dict[int, tuple[Ints, Ints]]:
    order = np.argsort(annotator, kind="stable")
    people, begins = np.unique(annotator[order], return_index=True)
    units, codes = np.split(unit[order], begins[1:]), np.split(code[order], begins[1:])
    return {
        person: (mine, theirs)
        for person, mine, theirs in zip(people.tolist(), units, codes, strict=True)
    }


def _pair_interval(
    answers: dict[int, tuple[Ints, Ints]], first: int, second: int, settings: Settings
) -> Interval | None:
    (u1, c1), (u2, c2) = answers[first], answers[second]
    _both, at1, at2 = np.intersect1d(u1, u2, assume_unique=True, return_indices=True)
    used, codes = np.unique(np.r_[c1[at1], c2[at2]], return_inverse=True)
    table = np.zeros((len(used), len(used)), dtype=np.int64)
    np.add.at(table, (codes[: len(at1)], codes[len(at1) :]), 1)
    return bootstrap.cohen_interval(table, settings)


def _labels(
    unit: Ints, annotator: Ints, code: Ints, words: Sequence[str], settings: Settings
) -> list[OfLabel]:
    found = by_label(unit, annotator, code)
    drawn = set(np.argsort(-found.n, kind="stable")[:LABELS_DRAWN_ANEW].tolist())
    rows = []
    for row, label in enumerate(found.label.tolist()):
        interval = None
        if row in drawn:
            one = (code == label).astype(np.int64)
            interval = bootstrap.krippendorff_interval(unit, one, settings)
        rows.append(
            OfLabel(
                words[label],
                int(found.n[row]),
                float(found.agreement[row]),
                _known(found.alpha[row]),
                interval.lower if interval else None,
                interval.upper if interval else None,
            )
        )
    return rows


def _confused(
    unit: Ints, annotator: Ints, code: Ints, words: Sequence[str]
) -> list[tuple[str, str, float, float]]:
    found = confused_most(unit, annotator, code, top=CONFUSED)
    return [
        (words[low], words[high], pairs, share)
        for low, high, pairs, share in zip(
            found.low.tolist(),
            found.high.tolist(),
            found.pairs.tolist(),
            found.share.tolist(),
            strict=True,
        )
    ]


def _scored_pairs(annotator: Ints, i: Ints, j: Ints, value: Floats) -> list[Pair]:
    """Return the mean of the values of every two annotators; κ says nothing here."""
    if not len(i):
        return []
    first, second = np.minimum(annotator[i], annotator[j]), np.maximum(annotator[i], annotator[j])
    keys, of = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    n = np.bincount(of.reshape(-1))
    mean = np.bincount(of.reshape(-1), value) / n
    return [
        Pair(int(a), int(b), int(count), float(score), None, None, None)
        for a, b, count, score in zip(keys[0], keys[1], n, mean, strict=True)
    ]


def _drawn(i: Ints, j: Ints, seed: int) -> tuple[Ints, Ints]:
    """Return at most MOST_PAIRS of the pairs, drawn at random where there are more."""
    if len(i) <= MOST_PAIRS:
        return i, j
    rows = np.sort(np.random.default_rng(seed).choice(len(i), MOST_PAIRS, replace=False))
    return i[rows], j[rows]


def _mean(name: str, unit: Ints, value: Floats, settings: Settings, answers: int) -> Figure:
    interval = bootstrap.mean_interval(unit, value, settings) if len(value) else None
    mean = float(value.mean()) if len(value) else None
    return Figure(name, mean, interval, len(np.unique(unit)), answers)


def _figure(name: str, value: float | None, interval: Interval | None, unit: Ints) -> Figure:
    return Figure(name, value, interval, len(np.unique(unit)), len(unit))


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _quantile(level: float) -> float:
    return float(ndtri((1.0 + level) / 2.0))


def _symmetric(rate: Callable[[str, str], float]) -> Callable[[Any, Any], float]:
    """Return an error rate without a reference: the mean of both directions."""
    return lambda a, b: (rate(a, b) + rate(b, a)) / 2.0


_PARTS: dict[str, dict[str, Callable[[Any, Any], float]]] = {
    "iou": {
        "iou": lambda a, b: match_shapes.match(a, b).score,
        "shape_f1": lambda a, b: match_shapes.match(a, b).f1(),
    },
    "span_f1": {"span_f1": match_spans.span_f1, "span_overlap": match_spans.span_f1_overlap},
    "wer": {
        "wer": _symmetric(match_text.word_error_rate),
        "cer": _symmetric(match_text.character_error_rate),
    },
}
