"""How much an answer still says, by its age: half after each half-life."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST = 1e-6  # what is older than twenty half-lives says this much: never nothing at all


def weights(age_days: Floats, half_life_days: float | None) -> Floats:
    """Return weights (N,) in (0, 1]; all 1 where there is no half-life.

    Parameters
    ----------
    age_days : (N,) days since the answer; an answer from the future counts as one from now
    half_life_days : above 0, or None = answers do not age

    Raises
    ------
    ValueError
        If the half-life is not above 0.
    """
    age = np.asarray(age_days, dtype=np.float64)
    if half_life_days is None:
        return np.ones(len(age))
    if not half_life_days > 0:
        raise ValueError(f"half_life_days must be above 0, got {half_life_days}")
    return np.maximum(np.exp2(-np.maximum(age, 0.0) / half_life_days), LEAST)
