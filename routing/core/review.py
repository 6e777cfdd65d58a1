"""What a review finds and what it costs: ε = ε_m (1 − c(ρ)) + (1 − ε_m) ρ f.

c(ρ) is the share of errors that is caught when the share ρ of tasks is looked at again: ρ·g when
tasks are chosen at random, g·(1 − (1 − ρ)^κ) when the least certain come first (concave: the first
tenth holds more than a tenth of the errors). g is the reviewers' rate, f their rate of spoiling a
right answer; κ is fitted per source, 2.5 before data.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RANDOM = 0
LEAST_CERTAIN = 1
CHOICES = ("random", "least_certain")
USUAL_KAPPA = 2.5


def caught(share: float, reviewer: Floats, choice: int, kappa: float = USUAL_KAPPA) -> Floats:
    """Return the share of errors caught when `share` of the tasks is reviewed.

    Raises
    ------
    ValueError
        If share is not in [0, 1] or kappa below 1 (worse than chance).
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1, got {share}")
    if kappa < 1:
        raise ValueError(f"kappa must be at least 1, got {kappa}")
    looked = share if choice == RANDOM else 1.0 - (1.0 - share) ** kappa
    return np.asarray(looked * reviewer)


def after_review(
    error: Floats, share: float, reviewer: Floats, choice: int, spoil: Floats | float
) -> tuple[Floats, Floats]:
    """Return (error delivered, chance that the task is rejected), each of the inputs' shape."""
    found = caught(share, reviewer, choice)
    delivered = error * (1.0 - found) + (1.0 - error) * share * spoil
    rejected = error * found + (1.0 - error) * share * spoil
    return delivered, rejected


def fit_kappa(share: Floats, caught_share: Floats) -> float:
    """Fit κ from pairs (share reviewed, share of errors found in it), 1 ≤ κ ≤ 10.

    Least squares on the log scale of 1 − c = (1 − ρ)^κ; pairs at the ends say nothing.
    """
    good = (share > 0) & (share < 1) & (caught_share < 1) & (caught_share >= 0)
    if not good.any():
        return USUAL_KAPPA
    x, y = np.log1p(-share[good]), np.log1p(-caught_share[good])
    return float(np.clip((x @ y) / (x @ x), 1.0, 10.0))
