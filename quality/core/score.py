"""How alike two answers are, by the metric of their task type: 0 nothing in common, 1 the same.

| metric | answers | score |
|---|---|---|
| exact | any JSON | 1 if equal, else 0 |
| iou | list of shapes (`match_shapes`) | 2 Σ IoU of matched shapes / shapes of both |
| span_f1 | list of spans (`match_spans`) | strict F1 |
| wer | text | 1 − word error rate, not below 0 |
| overlap | list of spans in time | length marked alike / length marked |
| absolute | number, or numbers by name or in order | 1 − mean of abs(a − b) / scale, not below 0 |
| rank | list of items, best first, or numbers by item | share of pairs of items ordered alike |

`a` is the reference where there is one (gold, the adjudicated answer, the review): of these only
`wer` is not symmetric. A judgment is right when its score reaches its task type's threshold.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from quality.core import match_shapes, match_spans, match_text

METRICS = ("exact", "iou", "span_f1", "wer", "overlap", "absolute", "rank")


def score(metric: str, a: Any, b: Any, *, scale: float = 1.0) -> float:
    """Return the score in [0, 1] of answer b against answer a.

    Parameters
    ----------
    metric : one of METRICS
    a, b : as JSON gives them (see the table above)
    scale : > 0, difference at which `absolute` is 0: the range of the scores

    Raises
    ------
    ValueError
        Naming metric, scale, or the answer that does not have the metric's form.
    """
    if metric == "absolute":
        return _absolute(a, b, scale)
    if metric not in _BY_METRIC:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    return _BY_METRIC[metric](a, b)


def check_form(metric: str, answer: Any) -> None:
    """Go on if an answer can be compared under a metric, or raise (see `score`).

    Raises
    ------
    ValueError
        Naming what in the answer does not have the metric's form.
    """
    if metric in _FORMS:
        _FORMS[metric]("answer", answer)
    elif metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")


def _exact(a: Any, b: Any) -> float:
    return float(_plain(a) == _plain(b))


def _plain(value: Any) -> Any:
    """Return the value with true and false told from 1 and 0, and lists as lists."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _absolute(a: Any, b: Any, scale: float) -> float:
    if not (scale > 0 and math.isfinite(scale)):
        raise ValueError(f"scale must be positive, got {scale}")
    first, second = _numbers_iv("a", a), _numbers_iv("b", b)
    if first.keys() != second.keys():
        raise ValueError("b must have the same numbers as a")
    if not first:
        return 1.0
    apart = sum(abs(first[key] - second[key]) for key in first) / len(first)
    return max(1.0 - apart / scale, 0.0)


def _rank(a: Any, b: Any) -> float:
    """Return the share of pairs of items that both order alike; a tie in one only counts half.

    (τ + 1) / 2 of Kendall's τ where there are no ties.
    """
    first, second = _places_iv("a", a), _places_iv("b", b)
    if first.keys() != second.keys():
        raise ValueError("b must rank the same items as a")
    total, pairs = 0.0, 0
    for x, y in combinations(first, 2):
        one = _sign(first[x] - first[y])
        two = _sign(second[x] - second[y])
        total += 1.0 - abs(one - two) / 2.0
        pairs += 1
    return total / pairs if pairs else 1.0


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _numbers_iv(name: str, answer: Any) -> dict[Any, float]:
    if isinstance(answer, Mapping):
        items = dict(answer)
    elif isinstance(answer, Sequence) and not isinstance(answer, str):
        items = dict(enumerate(answer))
    else:
        items = {0: answer}
    for key, value in items.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} must hold numbers, got {value!r} at {key}")
        if not math.isfinite(value):
            raise ValueError(f"{name} must hold finite numbers, got {value} at {key}")
    return {key: float(value) for key, value in items.items()}


def _places_iv(name: str, answer: Any) -> dict[Any, float]:
    if isinstance(answer, Mapping):
        return _numbers_iv(name, answer)
    if isinstance(answer, str) or not isinstance(answer, Sequence):
        raise ValueError(f"{name} must be a list of items or numbers by item")
    try:
        places = {item: -float(place) for place, item in enumerate(answer)}
    except TypeError as unhashable:
        raise ValueError(f"{name} must list items by their names") from unhashable
    if len(places) != len(answer):
        raise ValueError(f"{name} must name every item once")
    return places


def _wer(a: Any, b: Any) -> float:
    for name, text in (("a", a), ("b", b)):
        if not isinstance(text, str):
            raise ValueError(f"{name} must be text, got {text!r}")
    return max(1.0 - match_text.word_error_rate(a, b), 0.0)


_BY_METRIC: dict[str, Callable[[Any, Any], float]] = {
    "exact": _exact,
    "iou": lambda a, b: match_shapes.match(a, b).score,
    "span_f1": match_spans.span_f1,
    "wer": _wer,
    "overlap": match_spans.overlap,
    "rank": _rank,
}

_FORMS: dict[str, Callable[[str, Any], Any]] = {
    "iou": match_shapes.shapes_of,
    "span_f1": match_spans.spans_of,
    "overlap": match_spans.spans_of,
    "wer": match_text.text_of,
    "absolute": _numbers_iv,
    "rank": _places_iv,
}
