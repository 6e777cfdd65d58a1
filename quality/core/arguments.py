"""Checks at the door that several modules share; each names the argument and what it got."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def whole(name: str, values: ArrayLike, *, least: int = 0) -> Ints:
    """Return the values as int64 of any shape; ValueError where one is no whole number ≥ least."""
    array = np.asarray(values)
    if array.dtype.kind == "b" or array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold whole numbers, got {array.dtype}")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.floor(array))).all():
        raise ValueError(f"{name} must hold whole numbers")
    if array.size and array.min() < least:
        raise ValueError(f"{name} must be at least {least}, got {array.min()}")
    return array.astype(np.int64)


def real(name: str, values: ArrayLike) -> Floats:
    """Return the values as float64 of any shape; ValueError where one is not finite."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite")
    return array


def shares(name: str, values: ArrayLike) -> Floats:
    """Return the values as float64 of any shape; ValueError where one is outside [0, 1]."""
    array = real(name, values)
    if ((array < 0) | (array > 1)).any():
        raise ValueError(f"{name} must lie in [0, 1], got {array.min()} to {array.max()}")
    return array


def inside(name: str, value: float, low: float = 0.0, high: float = 1.0) -> float:
    """Return the value; ValueError unless low < value < high."""
    if not low < value < high:
        raise ValueError(f"{name} must lie between {low} and {high}, got {value}")
    return float(value)


def column(name: str, values: ArrayLike, length: int | None = None) -> Ints:
    """Return (n,) whole numbers from 0; ValueError on another shape or length."""
    array = np.asarray(values)
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = "(n,)" if length is None else f"({length},)"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    return np.zeros(0, dtype=np.int64) if not array.size else whole(name, array)
