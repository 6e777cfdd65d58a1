"""Boxes and polygons: intersection over union, matched one to one.

A shape is a mapping with either `x`, `y`, `width`, `height` (a box) or `points`, three or more
[x, y] (a polygon), in any unit, and with a `label` where there are several kinds. Polygons that
cross themselves are made valid first. Matching is the assignment of the largest sum of overlaps
(Hungarian method, Kuhn 1955, by scipy), and only shapes of one label are matched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from quality.core.arguments import Floats, Ints, real

Shape = Mapping[str, Any]


@dataclass(frozen=True)
class Matching:
    """Shapes of a and b that were matched, and how well.

    first, second : (K,) indices into a and b; iou : (K,) in (0, 1]
    n_first, n_second : how many shapes there are
    """

    first: Ints
    second: Ints
    iou: Floats
    n_first: int
    n_second: int

    @property
    def score(self) -> float:
        """Return 2 Σ IoU / (shapes of a + of b): 1 where both are empty or equal.

        One shape each: their IoU. A shape without a partner counts as one that overlaps nothing.
        """
        together = self.n_first + self.n_second
        return 1.0 if not together else float(2.0 * self.iou.sum() / together)

    def f1(self, threshold: float = 0.5) -> float:
        """Return the F1 of shapes matched with IoU ≥ threshold; 1 where both are empty."""
        together = self.n_first + self.n_second
        return 1.0 if not together else float(2.0 * (self.iou >= threshold).sum() / together)


def match(a: Sequence[Shape], b: Sequence[Shape]) -> Matching:
    """Match the shapes of two answers.

    Raises
    ------
    ValueError
        Naming the answer whose shape cannot be read or has no area.
    """
    first, first_label = shapes_of("a", a)
    second, second_label = shapes_of("b", b)
    overlap = iou(first, second)
    kinds: dict[Any, int] = {}
    codes = [
        np.array([kinds.setdefault(k, len(kinds)) for k in ks], dtype=np.int64)
        for ks in (first_label, second_label)
    ]
    overlap = np.where(codes[0][:, None] == codes[1][None, :], overlap, 0.0)
    row, col = linear_sum_assignment(overlap, maximize=True)
    met = overlap[row, col] > 0
    row, col = row[met], col[met]
    return Matching(row, col, overlap[row, col], len(a), len(b))


def iou(first: NDArray[np.object_], second: NDArray[np.object_]) -> Floats:
    """Return (n, m) intersection over union of shapely geometries (n,) and (m,)."""
    if not len(first) or not len(second):
        return np.zeros((len(first), len(second)))
    shared = shapely.area(shapely.intersection(first[:, None], second[None, :]))
    union = shapely.area(first)[:, None] + shapely.area(second)[None, :] - shared
    return np.asarray(np.clip(shared / union, 0.0, 1.0))


def shapes_of(name: str, shapes: Sequence[Shape]) -> tuple[NDArray[np.object_], list[Any]]:
    """Return the geometries of an answer and their labels, or raise ValueError naming the shape."""
    if isinstance(shapes, str | Mapping) or not isinstance(shapes, Sequence):
        raise ValueError(f"{name} must be a list of shapes")
    found = np.empty(len(shapes), dtype=object)
    labels = []
    for i, shape in enumerate(shapes):
        if not isinstance(shape, Mapping):
            raise ValueError(f"{name}[{i}] must be a shape, got {shape!r}")
        label = shape.get("label")
        if isinstance(label, list | Mapping):
            raise ValueError(f"{name}[{i}] must have one label, got {label!r}")
        found[i] = _geometry(f"{name}[{i}]", shape)
        labels.append(label)
    return found, labels


def _geometry(name: str, shape: Shape) -> Any:
    if "points" in shape:
        points = np.asarray(shape["points"], dtype=object)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
            raise ValueError(f"{name} must have three or more points [x, y]")
        polygon = shapely.polygons(real(f"{name} points", points.tolist()))
        geometry = polygon if shapely.is_valid(polygon) else shapely.make_valid(polygon)
    else:
        try:
            x, y, width, height = real(
                name, [shape[key] for key in ("x", "y", "width", "height")]
            ).tolist()
        except KeyError as missing:
            raise ValueError(f"{name} must have points, or x, y, width and height") from missing
        if width < 0 or height < 0:
            raise ValueError(f"{name} must not have a negative width or height")
        geometry = shapely.box(x, y, x + width, y + height)
    if shapely.area(geometry) <= 0:
        raise ValueError(f"{name} must have an area")
    return geometry
