"""Complexity and risk of tasks in [0, 1], each as a sum of factors that a person can read.

Complexity comes from size, classes, ambiguity (disagreement and entropy of models), expertise and
edge cases; risk from the data's class, the use of the label, residency, harm and the money that an
error costs. Both are 1 − Π (1 − w_i f_i): every factor raises the score, none can push it over 1,
and a single strong one is enough. The contribution of a factor is its share of −ln(1 − score).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.words import said

Floats = NDArray[np.float64]
Bands = NDArray[np.int8]

SCORER_VERSION = "1"
BAND_EDGES = (0.25, 0.5, 0.75)
COMPLEXITY_FACTORS = (
    said("size"),
    said("classes"),
    said("disagreement"),
    said("entropy"),
    said("expertise"),
    said("edge case"),
)
RISK_FACTORS = (
    said("data class"),
    said("use"),
    said("residency"),
    said("harm"),
    said("cost of an error"),
)
COMPLEXITY_WEIGHTS = np.array([0.45, 0.30, 0.55, 0.45, 0.70, 0.60])
RISK_WEIGHTS = np.array([0.70, 0.90, 0.15, 0.35, 0.50])
DATA_CLASS_RISK = np.array([0.0, 0.15, 0.55, 0.85, 1.0])
USE_RISK = np.array([0.0, 0.2, 0.6, 0.95])
HARM_RISK = np.array([0.0, 0.4, 1.0])
ERROR_COST_HALF = 25.0  # an error of so much money is half of the factor


@dataclass(frozen=True)
class TaskFeatures:
    """What the scorer reads, all of shape (n,).

    size_ratio : size over the type's typical size, ≥ 0
    classes, disagreement, entropy : NaN where unknown; the last two in [0, 1]
    expertise : of the domain, [0, 1]
    edge_case, has_residency : bool
    data_class 0..4, use 0..3, harm 0..2 : int codes in the order of routing.choices
    error_cost : money in major units, ≥ 0
    """

    size_ratio: Floats
    classes: Floats
    disagreement: Floats
    entropy: Floats
    expertise: Floats
    edge_case: NDArray[np.bool_]
    data_class: NDArray[np.int8]
    use: NDArray[np.int8]
    harm: NDArray[np.int8]
    has_residency: NDArray[np.bool_]
    error_cost: Floats

    def __post_init__(self) -> None:
        for name in ("size_ratio", "expertise", "error_cost"):
            values = getattr(self, name)
            if not np.all(np.isfinite(values)) or np.any(values < 0):
                raise ValueError(f"{name} must be finite and not negative")
        for name in ("disagreement", "entropy"):
            values = getattr(self, name)
            if np.any((values < 0) | (values > 1)):
                raise ValueError(f"{name} must be from 0 to 1, or NaN where unknown")


@dataclass(frozen=True)
class Scores:
    """Scores (n,) in [0, 1] and bands (n,) 0 low, 1 medium, 2 high, 3 critical."""

    complexity: Floats
    risk: Floats
    complexity_band: Bands
    risk_band: Bands


def score(features: TaskFeatures) -> Scores:
    """Score tasks; NaN features count as unknown and add nothing."""
    complexity = _combine(complexity_factors(features), COMPLEXITY_WEIGHTS)
    risk = _combine(risk_factors(features), RISK_WEIGHTS)
    return Scores(complexity, risk, band(complexity), band(risk))


def band(values: Floats) -> Bands:
    """Return the band of each score; a score on an edge belongs to the upper band."""
    return np.digitize(values, BAND_EDGES).astype(np.int8)


def complexity_factors(features: TaskFeatures) -> list[Floats]:
    """Return the factors f_i in [0, 1] of complexity, in the order of COMPLEXITY_FACTORS."""
    # One typical size adds nothing, ten times it adds the whole factor.
    size = np.clip(np.log10(np.maximum(features.size_ratio, 1e-9)), 0.0, 1.0)
    classes = np.clip(
        np.log2(np.maximum(np.nan_to_num(features.classes, nan=2.0), 2.0) / 2) / 5, 0, 1
    )
    return [
        size,
        classes,
        np.nan_to_num(features.disagreement, nan=0.0),
        np.nan_to_num(features.entropy, nan=0.0),
        np.clip(features.expertise, 0.0, 1.0),
        features.edge_case.astype(np.float64),
    ]


def risk_factors(features: TaskFeatures) -> list[Floats]:
    """Return the factors f_i in [0, 1] of risk, in the order of RISK_FACTORS."""
    return [
        DATA_CLASS_RISK[features.data_class],
        USE_RISK[features.use],
        features.has_residency.astype(np.float64),
        HARM_RISK[features.harm],
        features.error_cost / (features.error_cost + ERROR_COST_HALF),
    ]


def contributions(factors: list[Floats], weights: Floats) -> Floats:
    """Return what each factor adds to the score (n, F); the rows add up to the score."""
    logs = np.stack([-np.log1p(-w * f) for w, f in zip(weights, factors, strict=True)], axis=1)
    total = logs.sum(axis=1, keepdims=True)
    value = -np.expm1(-total)
    return np.asarray(
        np.divide(logs, total, out=np.zeros_like(logs), where=total > 0) * value, dtype=np.float64
    )


def _combine(factors: list[Floats], weights: Floats) -> Floats:
    left = np.ones(len(factors[0]))
    for weight, factor in zip(weights, factors, strict=True):
        left *= 1.0 - weight * factor
    return 1.0 - left
