"""The rules of a project: the document's shape, its validation by cell, and its compiled arrays.

A document (YAML or JSON) holds a matrix of complexity band × risk band; each cell names the
allowed modes, the target error and, if they differ from the defaults, the grids of answers and
review shares. `validate` finds every problem and names its cell; `compile_policy` turns a valid
document into arrays.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

BANDS = ("low", "medium", "high", "critical")
MODES = ("in_house", "outsourced", "hybrid", "model")
DATA_CLASSES = ("public", "internal", "pii", "phi", "regulated")
ATTESTATIONS = ("soc2_type2", "iso27001", "hipaa_baa", "gdpr_dpa", "nda")
CHOICES = ("random", "least_certain")
COST_BASES = ("full", "marginal")
TOP = {
    "schema",
    "cost_basis",
    "answers",
    "review_shares",
    "review_choices",
    "review_effort",
    "wait_price",
    "wait_price_per_hour",
    "matrix",
    "gates",
    "share_caps",
    "pools",
    "newcomers",
    "tier_rules",
}
CELL = {"modes", "target_error", "answers", "review_shares", "wait_price", "min_level"}
GATES = {
    "attestations",
    "clearance",
    "level",
    "residency",
    "models_may_see",
}
NEWCOMERS = {"share", "evidence", "max_risk", "price"}
NEWCOMER_EVIDENCE = 50
RULE = {"complexity", "risk", "modes", "answers", "review_share"}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a document: where, and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


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


class _Check:
    """Collects problems while a document is walked through."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def number(
        self, path: str, value: Any, low: float, high: float = math.inf, *, above: bool = False
    ) -> None:
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
        ):
            self.add(path, f"{value!r} is not a number")
        elif value < low or value > high or (above and value == low):
            bound = f"above {low:g}" if above else f"at least {low:g}"
            top = f" and at most {high:g}" if math.isfinite(high) else ""
            self.add(path, f"{value:g} is not {bound}{top}")

    def words(self, path: str, value: Any, allowed: tuple[str, ...], *, some: bool = True) -> None:
        if not isinstance(value, list):
            self.add(path, "must be a list")
            return
        if some and not value:
            self.add(path, "is empty")
        for word in value:
            if word not in allowed:
                self.add(path, f"{word!r} is not one of {', '.join(allowed)}")
        if len({str(word) for word in value}) != len(value):
            self.add(path, "names something twice")

    def keys(self, path: str, value: Any, allowed: set[str]) -> bool:
        if not isinstance(value, Mapping):
            self.add(path or "document", "must be a mapping of names to values")
            return False
        for key in value:
            if key not in allowed:
                self.add(
                    f"{path} · {key}" if path else str(key),
                    f"is not known; known are {', '.join(sorted(allowed))}",
                )
        return True

    def answers(self, path: str, value: Any) -> None:
        if not isinstance(value, list) or not value:
            self.add(path, "must be a list of whole numbers, not empty")
            return
        for item in value:
            if isinstance(item, bool) or not isinstance(item, int) or not 1 <= item <= 9:
                self.add(path, f"{item!r} is not a whole number from 1 to 9")

    def shares(self, path: str, value: Any) -> None:
        if not isinstance(value, list) or not value:
            self.add(path, "must be a list of shares, not empty")
            return
        for item in value:
            self.number(path, item, 0.0, 1.0)


def validate(document: Any) -> list[Problem]:
    """Return every problem of a document, in reading order; none = it can be published."""
    check = _Check()
    if not check.keys("", document, TOP):
        return check.problems
    if document.get("schema") != 1:
        check.add("schema", f"{document.get('schema')!r} is not 1")
    if document.get("cost_basis", "full") not in COST_BASES:
        check.add("cost_basis", f"{document['cost_basis']!r} is not full or marginal")
    if "answers" in document:
        check.answers("answers", document["answers"])
    if "review_shares" in document:
        check.shares("review_shares", document["review_shares"])
    if "review_choices" in document:
        check.words("review_choices", document["review_choices"], CHOICES)
    for name in ("review_effort", "wait_price", "wait_price_per_hour"):
        if name in document:
            check.number(name, document[name], 0.0)
    _matrix(check, document.get("matrix"))
    _gates(check, document.get("gates", {}))
    _shares(check, document)
    if "newcomers" in document:
        _newcomers(check, document["newcomers"])
    _rules(check, document.get("tier_rules", []))
    return check.problems


def _matrix(check: _Check, matrix: Any) -> None:
    if not matrix:
        check.add("matrix", "is empty: every complexity × risk needs a cell")
        return
    if not check.keys("matrix", matrix, set(BANDS)):
        return
    for complexity in BANDS:
        row = matrix.get(complexity)
        for risk in BANDS:
            path = f"matrix · complexity {complexity} × risk {risk}"
            cell = row.get(risk) if isinstance(row, Mapping) else None
            if not cell:
                check.add(path, "the cell is empty")
                continue
            if not check.keys(path, cell, CELL):
                continue
            if "modes" not in cell:
                check.add(f"{path} · modes", "is missing")
            else:
                check.words(f"{path} · modes", cell["modes"], MODES)
            if "target_error" not in cell:
                check.add(f"{path} · target_error", "is missing")
            else:
                check.number(f"{path} · target_error", cell["target_error"], 0.0, 1.0, above=True)
            if "answers" in cell:
                check.answers(f"{path} · answers", cell["answers"])
            if "review_shares" in cell:
                check.shares(f"{path} · review_shares", cell["review_shares"])
            if "wait_price" in cell:
                check.number(f"{path} · wait_price", cell["wait_price"], 0.0)
            if "min_level" in cell:
                check.number(f"{path} · min_level", cell["min_level"], 1, 5)
        if isinstance(row, Mapping):
            check.keys(f"matrix · complexity {complexity}", row, set(BANDS))


def _gates(check: _Check, gates: Any) -> None:
    if not check.keys("gates", gates, GATES):
        return
    attestations = gates.get("attestations", {})
    if check.keys("gates · attestations", attestations, set(DATA_CLASSES)):
        for name, kinds in attestations.items():
            check.words(f"gates · attestations · {name}", kinds, ATTESTATIONS, some=False)
    clearance = gates.get("clearance", {})
    if check.keys("gates · clearance", clearance, set(DATA_CLASSES)):
        for name, value in clearance.items():
            check.number(f"gates · clearance · {name}", value, 0, 3)
    level = gates.get("level", {})
    if check.keys("gates · level", level, set(BANDS)):
        for name, value in level.items():
            check.number(f"gates · level · {name}", value, 1, 5)
    if not isinstance(gates.get("residency", True), bool):
        check.add("gates · residency", "must be true or false")
    if "models_may_see" in gates:
        check.words("gates · models_may_see", gates["models_may_see"], DATA_CLASSES, some=False)


def _shares(check: _Check, document: Mapping[str, Any]) -> None:
    caps = document.get("share_caps", {})
    if not isinstance(caps, Mapping):
        check.add("share_caps", "must map a vendor's key to a share")
    else:
        for vendor, share in caps.items():
            check.number(f"share_caps · {vendor}", share, 0.0, 1.0, above=True)
    pools = document.get("pools", [])
    if not isinstance(pools, list) or not all(isinstance(key, str) for key in pools):
        check.add("pools", "must be a list of pool keys")


def _newcomers(check: _Check, newcomers: Any) -> None:
    if not check.keys("newcomers", newcomers, NEWCOMERS):
        return
    for name, high in (("share", 1.0), ("price", math.inf)):
        if name in newcomers:
            check.number(f"newcomers · {name}", newcomers[name], 0.0, high)
        else:
            check.add(f"newcomers · {name}", "is missing")
    evidence = newcomers.get("evidence", NEWCOMER_EVIDENCE)
    if isinstance(evidence, bool) or not isinstance(evidence, int) or evidence < 1:
        check.add("newcomers · evidence", f"{evidence!r} is not a whole number of answers above 0")
    risk = newcomers.get("max_risk", BANDS[0])
    if risk not in BANDS:
        check.add("newcomers · max_risk", f"{risk!r} is not one of {', '.join(BANDS)}")


def _rules(check: _Check, rules: Any) -> None:
    if not isinstance(rules, list):
        check.add("tier_rules", "must be a list")
        return
    for number, rule in enumerate(rules, 1):
        path = f"tier_rules · rule {number}"
        if not check.keys(path, rule, RULE):
            continue
        for name in ("complexity", "risk"):
            if name in rule:
                check.words(f"{path} · {name}", rule[name], BANDS)
        check.words(f"{path} · modes", rule.get("modes", []), MODES)
        if "answers" in rule:
            check.answers(f"{path} · answers", [rule["answers"]])
        if "review_share" in rule:
            check.number(f"{path} · review_share", rule["review_share"], 0.0, 1.0)


def unknown_keys(
    document: Mapping[str, Any], pools: Collection[str], vendors: Collection[str]
) -> list[Problem]:
    """Return a problem for each pool and vendor that a valid document names and nobody has."""
    check = _Check()
    for key in document.get("pools", []):
        if key not in pools:
            check.add("pools", f"{key!r} is no pool{_meant(key, pools)}")
    for key in document.get("share_caps", {}):
        if key not in vendors:
            check.add(f"share_caps · {key}", f"there is no such vendor{_meant(key, vendors)}")
    return check.problems


def _meant(key: object, known: Collection[str]) -> str:
    near = get_close_matches(str(key), sorted(known), n=1)
    return f"; {near[0]!r} is" if near else ""


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
