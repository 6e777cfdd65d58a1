"""Scores of two answers under every metric of a task type, against counting by hand."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from quality.core.match_shapes import match
from quality.core.match_spans import span_f1_overlap
from quality.core.match_text import character_error_rate, word_error_rate
from quality.core.score import METRICS, score
from routing.choices import Metric


def box(x: float, y: float, width: float, height: float, label: str = "cat") -> dict[str, Any]:
    return {"x": x, "y": y, "width": width, "height": height, "label": label}


def span(start: float, end: float, label: str = "name") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


SAME: dict[str, Any] = {
    "exact": {"label": "cat", "sure": True},
    "iou": [box(0, 0, 2, 2), {"points": [[5, 5], [9, 5], [7, 9]], "label": "tree"}],
    "span_f1": [span(0, 4), span(7, 9, "place")],
    "wer": "the cat sat",
    "overlap": [span(0.0, 1.5), span(1.0, 3.0)],
    "absolute": 4.5,
    "rank": ["a", "b", "c"],
}
NOTHING: dict[str, Any] = {
    "exact": {"label": "cat", "sure": False},
    "iou": [box(50, 50, 2, 2)],
    "span_f1": [span(0, 5)],
    "wer": "a dog slept there",
    "overlap": [span(4.0, 5.0)],
    "absolute": 5.5,
    "rank": ["c", "b", "a"],
}


def test_every_metric_of_a_task_type_has_a_score() -> None:
    assert set(METRICS) == set(Metric.values)
    for metric in METRICS:
        assert score(metric, SAME[metric], SAME[metric]) == 1.0
        assert score(metric, SAME[metric], NOTHING[metric]) == 0.0


def test_empty_answers() -> None:
    for metric in ("iou", "span_f1", "overlap"):
        assert score(metric, [], []) == 1.0
        assert score(metric, [], SAME[metric]) == 0.0
    assert span_f1_overlap([], []) == 1.0
    assert span_f1_overlap([], [span(0, 1)]) == 0.0
    assert match([], []).f1() == 1.0
    assert score("wer", "", "") == 1.0
    assert score("wer", "", "a") == 0.0
    assert score("rank", ["a"], ["a"]) == 1.0
    assert score("absolute", [], []) == 1.0


def test_exact_tells_true_from_one_and_not_one_from_one_point_nought() -> None:
    assert score("exact", True, 1) == 0.0
    assert score("exact", [1, {"a": False}], [1.0, {"a": False}]) == 1.0
    assert score("exact", {"a": [True]}, {"a": [1]}) == 0.0
    assert score("exact", "1", 1) == 0.0


def test_iou_of_boxes_and_polygons() -> None:
    assert score("iou", [box(0, 0, 2, 2)], [box(1, 0, 2, 2)]) == pytest.approx(1 / 3)
    triangle = {"points": [[0, 0], [2, 0], [0, 2]], "label": "cat"}
    assert score("iou", [box(0, 0, 2, 2)], [triangle]) == pytest.approx(0.5)
    # A bow tie is two triangles of area ½ each, inside the box of 2.
    bow = {"points": [[0, 0], [2, 1], [2, 0], [0, 1]], "label": "cat"}
    assert score("iou", [box(0, 0, 2, 1)], [bow]) == pytest.approx(0.5)
    assert score("iou", [box(0, 0, 2, 2)], [box(0, 0, 2, 2, "dog")]) == 0.0
    assert score("iou", [box(0, 0, 1, 1)], [box(0, 0, 1, 1), box(3, 3, 1, 1)]) == pytest.approx(
        2 / 3
    )


def test_boxes_are_matched_for_the_largest_sum() -> None:
    rng = np.random.default_rng(1)
    for _case in range(40):
        n, m = rng.integers(1, 5, 2)
        sets = [
            [box(*rng.uniform(0, 3, 2), *rng.uniform(0.5, 3, 2)) for _ in range(k)] for k in (n, m)
        ]
        table = np.zeros((n, m))
        for i, p in enumerate(sets[0]):
            for j, q in enumerate(sets[1]):
                wide = min(p["x"] + p["width"], q["x"] + q["width"]) - max(p["x"], q["x"])
                high = min(p["y"] + p["height"], q["y"] + q["height"]) - max(p["y"], q["y"])
                both = max(wide, 0) * max(high, 0)
                table[i, j] = both / (p["width"] * p["height"] + q["width"] * q["height"] - both)
        if n > m:
            table = table.T
        best = max(
            sum(table[i, j] for i, j in enumerate(order))
            for order in permutations(range(table.shape[1]), table.shape[0])
        )
        found = match(*sets)
        assert found.score == pytest.approx(2 * best / (n + m))
        assert score("iou", sets[1], sets[0]) == pytest.approx(found.score)
        assert found.f1(1e-9) == 2 * len(found.iou) / (n + m)


def test_spans_strict_and_overlapping() -> None:
    a = [span(0, 4), span(6, 9), span(6, 9, "place"), span(12, 15)]
    b = [span(0, 4), span(6, 8), span(6, 9, "place")]
    assert score("span_f1", a, b) == pytest.approx(2 * 2 / 7)
    assert span_f1_overlap(a, b) == pytest.approx(2 * 3 / 7)
    # Two spans over one: only one of them has a partner; ends that touch do not overlap.
    assert span_f1_overlap([span(0, 2), span(2, 4)], [span(0, 4)]) == pytest.approx(2 / 3)
    assert span_f1_overlap([span(0, 2)], [span(2, 4)]) == 0.0
    # Greedy from the left would match the first two and leave the third alone.
    assert span_f1_overlap([span(0, 5), span(4, 6)], [span(4, 5), span(0, 1)]) == 1.0
    assert score("span_f1", [span(0, 4), span(0, 4)], [span(0, 4)]) == pytest.approx(2 / 3)


def test_overlap_in_time() -> None:
    assert score("overlap", [span(0, 4)], [span(2, 6)]) == pytest.approx(2 / 6)
    assert score("overlap", [span(0, 3), span(2, 4)], [span(0, 4)]) == 1.0
    a, b = [span(0, 4), span(0, 2, "noise")], [span(0, 4, "noise")]
    assert score("overlap", a, b) == pytest.approx(2 / 8)
    rng = np.random.default_rng(2)
    for _case in range(30):
        marks = np.zeros((2, 2, 60), dtype=bool)
        given: list[list[dict[str, Any]]] = [[], []]
        for who in range(2):
            for _ in range(5):
                start, length, label = rng.integers(0, 50), rng.integers(1, 10), rng.integers(2)
                marks[who, label, start : start + length] = True
                given[who].append(span(int(start), int(start + length), str(label)))
        exact = (marks[0] & marks[1]).sum() / (marks[0] | marks[1]).sum()
        assert score("overlap", *given) == pytest.approx(exact)


def test_error_rates_of_text() -> None:
    assert word_error_rate("the cat sat on the mat", "the cat sat on mat") == pytest.approx(1 / 6)
    assert word_error_rate("a b", "a x y b") == pytest.approx(1.0)
    assert character_error_rate("kitten", "sitting") == pytest.approx(3 / 6)
    assert score("wer", "the  cat\nsat ", "the cat sat") == 1.0
    assert score("wer", "caf\u00e9", "cafe\u0301") == 1.0
    assert score("wer", "Cat.", "cat") == 0.0
    assert score("wer", "a", "b c d") == 0.0
    assert character_error_rate("", "") == 0.0
    assert word_error_rate("", "x") == 1.0


def test_absolute_error_on_a_scale() -> None:
    assert score("absolute", 3, 4, scale=10) == pytest.approx(0.9)
    assert score("absolute", [1, 2], [2, 2], scale=10) == pytest.approx(0.95)
    assert score("absolute", {"joy": 50, "fear": 0}, {"joy": 30, "fear": 10}, scale=100) == (
        pytest.approx(0.85)
    )
    assert score("absolute", -100, 100, scale=100) == 0.0


def test_rank_is_kendalls_tau() -> None:
    rng = np.random.default_rng(3)
    items = list("abcdef")
    for _case in range(30):
        one, two = ([items[i] for i in rng.permutation(6)] for _ in range(2))
        tau = kendalltau([one.index(i) for i in items], [two.index(i) for i in items]).statistic
        assert score("rank", one, two) == pytest.approx((tau + 1) / 2)
    assert score("rank", {"a": 3, "b": 2, "c": 2}, ["a", "b", "c"]) == pytest.approx(2.5 / 3)
    assert score("rank", {"a": 3, "b": 1}, ["a", "b"]) == 1.0


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: score("cosine", 1, 2), "metric"),
        (lambda: score("iou", {"x": 1}, []), "a must"),
        (lambda: score("iou", [], [{"x": 1, "y": 1}]), r"b\[0\]"),
        (lambda: score("iou", [box(0, 0, 0, 1)], []), r"a\[0\]"),
        (lambda: score("iou", [box(0, 0, -1, 1)], []), r"a\[0\]"),
        (lambda: score("iou", [box(0, np.nan, 1, 1)], []), r"a\[0\]"),
        (lambda: score("iou", [{"points": [[0, 0], [1, 1]]}], []), r"a\[0\]"),
        (lambda: score("iou", [{"points": [[0, 0], [1, 1], [2, 2]]}], []), r"a\[0\]"),
        (lambda: score("iou", [{"points": [[0, 0], [1], [2, 2]]}], []), r"a\[0\]"),
        (lambda: score("iou", [3], []), r"a\[0\]"),
        (lambda: score("iou", [{**box(0, 0, 1, 1), "label": ["a"]}], []), r"a\[0\]"),
        (lambda: score("span_f1", [{**span(0, 1), "label": {}}], []), r"a\[0\]"),
        (lambda: score("iou", [{"x": "1", "y": 1, "width": 1, "height": 1}], []), r"a\[0\]"),
        (lambda: score("span_f1", "text", []), "a must"),
        (lambda: score("span_f1", [], [span(3, 3)]), r"b\[0\]"),
        (lambda: score("span_f1", [], [{"start": 1}]), r"b\[0\]"),
        (lambda: score("overlap", [], [{"start": "1", "end": 2}]), r"b\[0\]"),
        (lambda: score("overlap", [span(0, np.inf)], []), r"a\[0\]"),
        (lambda: score("wer", "a", None), "b must"),
        (lambda: score("absolute", 1, "2"), "b must"),
        (lambda: score("absolute", 1, True), "b must"),
        (lambda: score("absolute", 1, [1, 2]), "b must"),
        (lambda: score("absolute", np.nan, 1), "a must"),
        (lambda: score("absolute", 1, 1, scale=0), "scale"),
        (lambda: score("rank", ["a"], ["b"]), "b must"),
        (lambda: score("rank", ["a", "a"], ["a", "b"]), "a must"),
        (lambda: score("rank", "ab", ["a", "b"]), "a must"),
        (lambda: score("rank", [["a"]], ["a"]), "a must"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
