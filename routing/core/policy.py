"""The rules of a project as arrays; routing.core.policy_check says what a document looks like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.core.policy_check import (
    ATTESTATIONS,
    BANDS,
    CHOICES,
    DATA_CLASSES,
    MODES,
    NEWCOMER_EVIDENCE,
    validate,
)

__all__ = [
    "ATTESTATIONS",
    "BANDS",
    "CHOICES",
    "DATA_CLASSES",
    "MODES",
    "CompiledPolicy",
    "TierRule",
    "compile_policy",
]


@dataclass(frozen=True)
class TierRule:
    """One of the project's own rules, for the comparison: bands → modes in order."""

    complexity: tuple[int, ...]
    risk: tuple[int, ...]
    modes: tuple[int, ...]
    answers: int
    review_share: float


@dataclass(frozen=True)
class CompiledPolicy:
    """A valid document as arrays; bands and modes count along BANDS and MODES.

    modes : (4, 4, 4) bool [complexity, risk, mode]
    target_error : (4, 4) float
    answer_grid, review_grid : the union over all cells, ascending
    answers, reviews : (4, 4, len(grid)) bool
    wait_price : (4, 4) float, money per waiting task; `wait_price_per_hour` is added per hour
    level : (4, 4) int8, least level of the type's skill
    clearance : (5,) int8 by data class
    models_may_see : (5,) bool by data class
    attestations : by data class, kinds that a vendor must hold
    share_caps : vendor key → share; pools : keys, empty = all
    newcomer_share : [0, 1], 0 = none promised; newcomer_evidence : answers below which a crew is
        new; newcomer_risk : highest risk band; newcomer_price : money per task missing
    """

    modes: NDArray[np.bool_]
    target_error: NDArray[np.float64]
    answer_grid: tuple[int, ...]
    answers: NDArray[np.bool_]
    review_grid: tuple[float, ...]
    reviews: NDArray[np.bool_]
    review_choices: tuple[int, ...]
    review_effort: float
    wait_price: NDArray[np.float64]
    wait_price_per_hour: float
    level: NDArray[np.int8]
    clearance: NDArray[np.int8]
    models_may_see: NDArray[np.bool_]
    attestations: tuple[tuple[str, ...], ...]
    residency: bool
    marginal: bool
    share_caps: dict[str, float]
    pools: tuple[str, ...]
    tier_rules: tuple[TierRule, ...]
    newcomer_share: float = 0.0
    newcomer_evidence: int = NEWCOMER_EVIDENCE
    newcomer_risk: int = 0
    newcomer_price: float = 0.0


def compile_policy(document: Mapping[str, Any]) -> CompiledPolicy:
    """Turn a valid document into arrays.

    Raises
    ------
    ValueError
        If the document is not valid; the text lists its problems.
    """
    problems = validate(document)
    if problems:
        raise ValueError("; ".join(str(problem) for problem in problems))
    default_answers = document.get("answers", [1, 3])
    default_shares = document.get("review_shares", [0.0, 0.1, 0.25, 1.0])
    cells = {
        (i, j): document["matrix"][c][r] for i, c in enumerate(BANDS) for j, r in enumerate(BANDS)
    }
    answer_grid = tuple(
        sorted({a for cell in cells.values() for a in cell.get("answers", default_answers)})
    )
    review_grid = tuple(
        sorted({float(s) for c in cells.values() for s in c.get("review_shares", default_shares)})
    )
    gates = document.get("gates", {})
    levels = gates.get("level", {})
    shape = (4, 4)
    modes = np.zeros((*shape, 4), dtype=bool)
    answers = np.zeros((*shape, len(answer_grid)), dtype=bool)
    reviews = np.zeros((*shape, len(review_grid)), dtype=bool)
    target, wait = np.zeros(shape), np.zeros(shape)
    level = np.ones(shape, dtype=np.int8)
    for (i, j), cell in cells.items():
        modes[i, j] = [mode in cell["modes"] for mode in MODES]
        answers[i, j] = [a in cell.get("answers", default_answers) for a in answer_grid]
        shares = {float(s) for s in cell.get("review_shares", default_shares)}
        reviews[i, j] = [s in shares for s in review_grid]
        target[i, j] = cell["target_error"]
        wait[i, j] = cell.get("wait_price", document.get("wait_price", 25.0))
        level[i, j] = max(int(cell.get("min_level", 1)), int(levels.get(BANDS[i], 1)))
    newcomers = document.get("newcomers", {})
    seen = gates.get("models_may_see", ["public", "internal"])
    return CompiledPolicy(
        modes=modes,
        target_error=target,
        answer_grid=answer_grid,
        answers=answers,
        review_grid=review_grid,
        reviews=reviews,
        review_choices=tuple(
            CHOICES.index(word) for word in document.get("review_choices", list(CHOICES))
        ),
        review_effort=float(document.get("review_effort", 0.4)),
        wait_price=wait,
        wait_price_per_hour=float(document.get("wait_price_per_hour", 0.0)),
        level=level,
        clearance=np.array(
            [gates.get("clearance", {}).get(name, 0) for name in DATA_CLASSES], dtype=np.int8
        ),
        models_may_see=np.array([name in seen for name in DATA_CLASSES]),
        attestations=tuple(
            tuple(gates.get("attestations", {}).get(name, [])) for name in DATA_CLASSES
        ),
        residency=bool(gates.get("residency", True)),
        marginal=document.get("cost_basis", "full") == "marginal",
        share_caps={str(k): float(v) for k, v in document.get("share_caps", {}).items()},
        pools=tuple(document.get("pools", [])),
        tier_rules=tuple(_rule(rule) for rule in document.get("tier_rules", [])),
        newcomer_share=float(newcomers.get("share", 0.0)),
        newcomer_evidence=int(newcomers.get("evidence", NEWCOMER_EVIDENCE)),
        newcomer_risk=BANDS.index(newcomers.get("max_risk", BANDS[0])),
        newcomer_price=float(newcomers.get("price", 0.0)),
    )


def _rule(rule: Mapping[str, Any]) -> TierRule:
    return TierRule(
        complexity=tuple(BANDS.index(b) for b in rule.get("complexity", BANDS)),
        risk=tuple(BANDS.index(b) for b in rule.get("risk", BANDS)),
        modes=tuple(MODES.index(m) for m in rule["modes"]),
        answers=int(rule.get("answers", 1)),
        review_share=float(rule.get("review_share", 0.0)),
    )
