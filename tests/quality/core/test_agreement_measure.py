"""All that is measured of a set of answers, against the published examples."""

from typing import Any

import numpy as np
import pytest

from quality.core.agreement_bootstrap import Settings
from quality.core.agreement_measure import (
    Given,
    Measured,
    measure_numbers,
    measure_parts,
    measure_words,
)

DRAWS = Settings(seed=1, replicates=200)
# DOMAIN: four observers, twelve units.
FOUR = """1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 ."""


def given(rows: list[tuple[int, int, Any]]) -> Given:
    unit, annotator, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Given(np.array(unit, dtype=np.int64), np.array(annotator, dtype=np.int64), list(value))


def table(counts: list[list[int]], words: str = "ab") -> Given:
    rows, unit = [], 0
    for i, row in enumerate(counts):
        for j, n in enumerate(row):
            for _k in range(n):
                rows += [(unit, 7, words[i]), (unit, 9, words[j])]
                unit += 1
    return given(rows)


def four(kind: type = str) -> Given:
    rows = []
    for annotator, line in enumerate(FOUR.splitlines()):
        for unit, word in enumerate(line.split()):
            if word != ".":
                rows.append((unit, annotator, kind(word)))
    return given(rows)


def values(found: Measured) -> dict[str, float | None]:
    return {figure.measure: figure.value for figure in found.figures}


def test_two_annotators() -> None:
    found = measure_words(table([[20, 5], [10, 15]]), DRAWS)
    told = values(found)
    assert told["cohen"] == pytest.approx(0.4)
    assert told["exact"] == pytest.approx(0.7)
    assert found.kappa is not None
    assert found.kappa.measure == "cohen"
    figure = found.figures[0]
    assert (figure.units, figure.answers) == (50, 100)
    assert figure.interval is not None
    # About the large-sample deviation of .1270.
    assert figure.interval.upper - figure.interval.lower == pytest.approx(4 * 0.127, rel=0.2)
    (pair,) = found.pairs
    assert (pair.first, pair.second, pair.units) == (7, 9, 50)
    assert (pair.observed, pair.kappa) == (pytest.approx(0.7), pytest.approx(0.4))
    assert found.confused == [("a", "b", pytest.approx(30.0), 1.0)]


def test_the_prevalence_paradox_and_nothing_to_explain() -> None:
    told = values(measure_words(table([[118, 5], [2, 0]]), DRAWS))
    assert told["exact"] == pytest.approx(0.944)
    assert told["cohen"] == pytest.approx(-0.0234, abs=1e-4)
    told = values(measure_words(table([[9, 0], [0, 0]]), DRAWS))
    assert (told["cohen"], told["alpha_nominal"], told["exact"]) == (None, None, 1.0)


def test_krippendorffs_example_in_words_and_numbers() -> None:
    told = values(measure_words(four(), DRAWS))
    assert told["alpha_nominal"] == pytest.approx(113 / 152)
    assert "cohen" not in told
    assert "fleiss" not in told  # not every unit has as many answers
    found = measure_numbers(four(float), DRAWS)
    told = values(found)
    assert told["alpha_ordinal"] == pytest.approx(0.815388, abs=1e-6)
    assert told["alpha_interval"] == pytest.approx(0.849107, abs=1e-6)
    assert told["alpha_ratio"] == pytest.approx(0.797403, abs=1e-6)
    assert found.kappa is not None
    assert found.kappa.measure == "alpha_interval"
    # 40 answers are to units with company.
    assert {figure.answers for figure in found.figures} == {40}


def test_equally_many_answers_to_each_unit() -> None:
    counts = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ]
    )
    rows = []
    for unit, row in enumerate(counts.tolist()):
        labels = np.repeat(list("abcde"), row).tolist()
        rows += [(unit, who, label) for who, label in enumerate(labels)]
    found = measure_words(given(rows), DRAWS)
    assert values(found)["fleiss"] == pytest.approx(0.20993070442195522)
    assert found.kappa is not None
    assert found.kappa.measure == "fleiss"
    labels = {row.label: row for row in found.labels}
    assert labels["c"].answers == counts[:, 2].sum()
    for row in found.labels:
        assert row.alpha is not None
        assert row.lower is not None
        assert row.upper is not None
        assert row.lower <= row.alpha <= row.upper


def test_parts_are_scored_in_pairs() -> None:
    box = {"x": 0.0, "y": 0.0, "width": 10.0, "height": 10.0}
    rows = [
        (0, 1, [box]),
        (0, 2, [{**box, "width": 5.0}]),
        (1, 1, [box]),
        (1, 2, []),
        (2, 1, [box]),
        (3, 1, [box]),
        (3, 2, "no shapes"),
    ]
    found = measure_parts("iou", given(rows), DRAWS)
    # IoU .5 of the first, no shape met in the second; the third has no company, the fourth no form.
    assert values(found) == {"iou": pytest.approx(0.25), "shape_f1": pytest.approx(0.5)}
    assert (found.figures[0].units, found.figures[0].answers) == (2, 4)
    (pair,) = found.pairs
    assert (pair.units, pair.observed, pair.kappa) == (2, pytest.approx(0.25), None)
    assert found.kappa is None


def test_spans_and_texts() -> None:
    span = {"start": 0, "end": 5, "label": "PER"}
    rows = [(0, 1, [span]), (0, 2, [{**span, "end": 6}])]
    assert values(measure_parts("span_f1", given(rows), DRAWS)) == {
        "span_f1": 0.0,
        "span_overlap": 1.0,
    }
    rows = [(0, 1, "the red fox"), (0, 2, "the red")]
    told = values(measure_parts("wer", given(rows), DRAWS))
    # One of three words deleted, one of two inserted.
    assert told["wer"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    rows = [(0, 1, ["a", "b", "c"]), (0, 2, ["a", "c", "b"])]
    told = values(measure_parts("rank", given(rows), DRAWS))
    assert told["rank"] == pytest.approx(2 / 3)


def test_many_pairs_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    from quality.core import agreement_measure

    monkeypatch.setattr(agreement_measure, "MOST_PAIRS", 10)
    rows = [(unit, who, ["a", "b"]) for unit in range(9) for who in range(3)]
    found = measure_parts("rank", given(rows), DRAWS)
    assert sum(pair.units for pair in found.pairs) == 10
    assert measure_parts("rank", given(rows), DRAWS) == found


def test_pairs_beyond_those_drawn_anew_have_the_interval_of_their_deviation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from quality.core import agreement_measure

    whole = measure_words(table([[20, 5], [10, 15]]), DRAWS).pairs[0]
    monkeypatch.setattr(agreement_measure, "PAIRS_DRAWN_ANEW", 0)
    plain = measure_words(table([[20, 5], [10, 15]]), DRAWS).pairs[0]
    assert plain.kappa == whole.kappa
    assert plain.upper is not None
    assert plain.upper == pytest.approx(0.4 + 1.96 * 0.127, abs=0.002)
    assert plain.upper != whole.upper


@pytest.mark.parametrize("measure", [measure_words, measure_numbers])
def test_nothing_has_company(measure: Any) -> None:
    for rows in ([], [(0, 1, "1"), (1, 1, "2"), (2, 2, "1")]):
        found = measure(given(rows), DRAWS)
        assert {figure.value for figure in found.figures} == {None}
        assert found.pairs == []
        assert found.kappa is None
