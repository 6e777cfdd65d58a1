"""Packing a run's inputs and getting the very same back."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest

from routing.core.record import pack, unpack


@dataclass(frozen=True)
class Inner:
    values: np.ndarray
    name: str


@dataclass(frozen=True)
class Outer:
    inner: Inner
    parts: tuple[Inner, ...]
    table: dict[str, float]
    words: frozenset[str]
    nothing: None = None


def example() -> Outer:
    values = np.array([1.5, np.nan, np.inf, -0.0])
    return Outer(
        inner=Inner(values, "a"),
        parts=(Inner(np.arange(6, dtype=np.int8).reshape(2, 3), "b"), Inner(np.zeros(0), "c")),
        table={"cap": 0.1 + 0.2, "none": float("inf")},
        words=frozenset({"pii", "phi"}),
    )


def test_everything_comes_back_bit_for_bit() -> None:
    before = example()
    after = unpack(pack(before), Inner, Outer)
    assert after.inner.values.tobytes() == before.inner.values.tobytes()
    assert after.parts[0].values.dtype == np.int8
    assert after.parts[0].values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert after.parts[1].values.shape == (0,)
    assert after.table == before.table
    assert after.words == before.words
    assert after.nothing is None


def test_the_same_record_gives_the_same_bytes() -> None:
    assert pack(example()) == pack(example())


def test_objects_are_refused_because_they_would_be_pickled() -> None:
    with pytest.raises(TypeError, match="objects"):
        pack({"rows": np.array([object()])})
    with pytest.raises(TypeError, match="Decimal"):
        pack({"price": Decimal(1)})


def test_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="Outer"):
        unpack(pack(example()), Inner)
