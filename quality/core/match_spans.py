"""Spans of text and stretches of time: F1 by span, and overlap by length.

A span is a mapping with `start` < `end` (numbers, the end not included) and a `label` where there
are several kinds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

Span = tuple[Any, float, float]


def span_f1(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> float:
    """Return the strict F1: spans count where start, end and label are equal. Both empty: 1."""
    first, second = spans_of("a", a), spans_of("b", b)
    same = (Counter(first) & Counter(second)).total()
    return _f1(same, len(first), len(second))


def span_f1_overlap(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> float:
    """Return the lenient F1: spans of one label that overlap, each matched with one at most.

    The matching is the largest one (Hopcroft and Karp, 1973, by scipy).
    """
    first, second = spans_of("a", a), spans_of("b", b)
    if not first or not second:
        return _f1(0, len(first), len(second))
    kinds: dict[Any, int] = {}
    (k1, s1, e1), (k2, s2, e2) = (
        (
            np.array([kinds.setdefault(k, len(kinds)) for k, _s, _e in spans]),
            np.array([s for _k, s, _e in spans]),
            np.array([e for _k, _s, e in spans]),
        )
        for spans in (first, second)
    )
    meet = (k1[:, None] == k2) & (s1[:, None] < e2) & (s2 < e1[:, None])
    partner = maximum_bipartite_matching(csr_array(meet), perm_type="column")
    return _f1(int((partner >= 0).sum()), len(first), len(second))


def overlap(a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]) -> float:
    """Return the length that both mark alike over the length that either marks. Both empty: 1.

    Added up over labels; where an answer marks a stretch twice with one label it counts once.
    """
    first, second = spans_of("a", a), spans_of("b", b)
    either = _length(first + second)
    both = _length(first) + _length(second) - either
    return 1.0 if not either else min(max(both / either, 0.0), 1.0)


def _length(spans: list[Span]) -> float:
    """Return Σ over labels of the length of the union."""
    total = 0.0
    spans = sorted(spans, key=lambda span: (repr(span[0]), span[1], span[2]))
    for _label, mine in groupby(spans, key=lambda span: repr(span[0])):
        reached = -np.inf
        for _k, start, end in mine:
            total += max(end - max(start, reached), 0.0)
            reached = max(reached, end)
    return total


def _f1(same: int, first: int, second: int) -> float:
    return 1.0 if not first + second else 2.0 * same / (first + second)


def spans_of(name: str, spans: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Return the spans of an answer as (label, start, end), or raise ValueError naming the span."""
    if isinstance(spans, str | Mapping) or not isinstance(spans, Sequence):
        raise ValueError(f"{name} must be a list of spans")
    found = []
    for i, span in enumerate(spans):
        if not isinstance(span, Mapping) or "start" not in span or "end" not in span:
            raise ValueError(f"{name}[{i}] must have start and end")
        start, end = span["start"], span["end"]
        for value in (start, end):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{name}[{i}] must have numbers as start and end, got {value!r}")
        if not (-np.inf < start < end < np.inf):
            raise ValueError(f"{name}[{i}] must start before it ends, got {start} to {end}")
        label = span.get("label")
        if isinstance(label, list | Mapping):
            raise ValueError(f"{name}[{i}] must have one label, got {label!r}")
        found.append((label, float(start), float(end)))
    return found
