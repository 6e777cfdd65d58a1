"""Tables on pages without rows of an admin's own: every cell may lead to what stands behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Cell:
    """What a cell says, where it leads, and a remark under it; shade in [0, 1] colours it."""

    text: Any
    url: str = ""
    note: Any = ""
    shade: float | None = None

    @property
    def percent(self) -> str:
        """The shade as CSS wants it."""
        return f"{100.0 * (self.shade or 0.0):.0f}%"


@dataclass(frozen=True)
class Head:
    """A column: its title, whether it holds numbers (at the right), or is never broken in lines."""

    title: Any
    number: bool = False
    tight: bool = False


def table(
    caption: Any, heads: Sequence[Head], rows: Sequence[Sequence[Any]], *, empty: Any = ""
) -> dict[str, Any]:
    """Return what `admin/quality/table.html` shows; plain values become cells."""
    return {
        "caption": caption,
        "heads": heads,
        "rows": [
            [
                (head, value if isinstance(value, Cell) else Cell(value))
                for head, value in zip(heads, row, strict=True)
            ]
            for row in rows
        ],
        "empty": empty,
    }


def number(value: Any, places: int = 0) -> str:
    """Write a number, or a dash for what is not known."""
    if value is None or value is pd.NA or pd.isna(value):
        return "–"
    if np.isinf(value):
        return "∞"
    return f"{value:,.{places}f}"


def span(lower: Any, upper: Any, places: int = 3) -> str:
    """Write an interval, or a dash where nothing is known."""
    if pd.isna(lower) or pd.isna(upper):
        return "–"
    return f"{number(lower, places)} – {number(upper, places)}"
