"""The shape of a project's rules, and every problem of a document that does not have it.

A document (YAML or JSON) holds a matrix of complexity band × risk band; each cell names the
allowed modes, the target error and, if they differ from the defaults, the grids of answers and
review shares. Each problem names its cell.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from common.words import said

BANDS = ("low", "medium", "high", "critical")
MODES = ("in_house", "outsourced", "hybrid", "model")
DATA_CLASSES = ("public", "internal", "pii", "phi", "regulated")
ATTESTATIONS = ("soc2_type2", "iso27001", "hipaa_baa", "gdpr_dpa", "nda")
CHOICES = ("random", "least_certain")
COST_BASES = ("full", "marginal")
TOP = (
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
)
CELL = ("modes", "target_error", "answers", "review_shares", "wait_price", "min_level")
GATES = (
    "attestations",
    "clearance",
    "level",
    "residency",
    "models_may_see",
)
NEWCOMERS = ("share", "evidence", "max_risk", "price")
NEWCOMER_EVIDENCE = 50
RULE = ("complexity", "risk", "modes", "answers", "review_share")
# In which order a document is written out: databases keep JSON objects in orders of their own.
ORDER = (*TOP, *GATES, *BANDS, *DATA_CLASSES, *RULE[:2], *CELL, *RULE, *NEWCOMERS)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a document: where, and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class _Check:
    """Collects problems while a document is walked through."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def wrong(self, path: str, text: str, **values: Any) -> None:
        """Note a problem: where, and its text with the values in it."""
        self.problems.append(Problem(path, said(text, **values)))

    def number(
        self, path: str, value: Any, low: float, high: float = math.inf, *, above: bool = False
    ) -> None:
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
        ):
            self.wrong(path, "%(value)s is not a number", value=repr(value))
        elif value < low or value > high or (above and value == low):
            bounds = {"value": value, "low": low, "high": high}
            if math.isinf(high) and above:
                self.wrong(path, "%(value)g is not above %(low)g", **bounds)
            elif math.isinf(high):
                self.wrong(path, "%(value)g is not at least %(low)g", **bounds)
            elif above:
                self.wrong(path, "%(value)g is not above %(low)g and at most %(high)g", **bounds)
            else:
                self.wrong(path, "%(value)g is not at least %(low)g and at most %(high)g", **bounds)

    def words(self, path: str, value: Any, allowed: tuple[str, ...], *, some: bool = True) -> None:
        if not isinstance(value, list):
            self.wrong(path, "must be a list")
            return
        if some and not value:
            self.wrong(path, "is empty")
        for word in value:
            if word not in allowed:
                self.wrong(
                    path,
                    "%(word)s is not one of %(known)s",
                    word=repr(word),
                    known=", ".join(allowed),
                )
        if len({str(word) for word in value}) != len(value):
            self.wrong(path, "names something twice")

    def keys(self, path: str, value: Any, allowed: Collection[str]) -> bool:
        if not isinstance(value, Mapping):
            self.wrong(path or "document", "must be a mapping of names to values")
            return False
        for key in value:
            if key not in allowed:
                self.wrong(
                    f"{path} · {key}" if path else str(key),
                    "is not known; known are %(known)s",
                    known=", ".join(sorted(allowed)),
                )
        return True

    def answers(self, path: str, value: Any) -> None:
        if not isinstance(value, list) or not value:
            self.wrong(path, "must be a list of whole numbers, not empty")
            return
        for item in value:
            if isinstance(item, bool) or not isinstance(item, int) or not 1 <= item <= 9:
                self.wrong(path, "%(value)s is not a whole number from 1 to 9", value=repr(item))

    def shares(self, path: str, value: Any) -> None:
        if not isinstance(value, list) or not value:
            self.wrong(path, "must be a list of shares, not empty")
            return
        for item in value:
            self.number(path, item, 0.0, 1.0)


def validate(document: Any) -> list[Problem]:
    """Return every problem of a document, in reading order; none = it can be published."""
    check = _Check()
    if not check.keys("", document, TOP):
        return check.problems
    if document.get("schema") != 1:
        check.wrong("schema", "%(value)s is not 1", value=repr(document.get("schema")))
    if document.get("cost_basis", "full") not in COST_BASES:
        check.words("cost_basis", [document["cost_basis"]], COST_BASES)
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
        check.wrong("matrix", "is empty: every complexity × risk needs a cell")
        return
    if not check.keys("matrix", matrix, BANDS):
        return
    for complexity in BANDS:
        row = matrix.get(complexity)
        for risk in BANDS:
            path = f"matrix · complexity {complexity} × risk {risk}"
            cell = row.get(risk) if isinstance(row, Mapping) else None
            if not cell:
                check.wrong(path, "the cell is empty")
                continue
            if not check.keys(path, cell, CELL):
                continue
            if "modes" not in cell:
                check.wrong(f"{path} · modes", "is missing")
            else:
                check.words(f"{path} · modes", cell["modes"], MODES)
            if "target_error" not in cell:
                check.wrong(f"{path} · target_error", "is missing")
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
            check.keys(f"matrix · complexity {complexity}", row, BANDS)


def _gates(check: _Check, gates: Any) -> None:
    if not check.keys("gates", gates, GATES):
        return
    attestations = gates.get("attestations", {})
    if check.keys("gates · attestations", attestations, DATA_CLASSES):
        for name, kinds in attestations.items():
            check.words(f"gates · attestations · {name}", kinds, ATTESTATIONS, some=False)
    clearance = gates.get("clearance", {})
    if check.keys("gates · clearance", clearance, DATA_CLASSES):
        for name, value in clearance.items():
            check.number(f"gates · clearance · {name}", value, 0, 3)
    level = gates.get("level", {})
    if check.keys("gates · level", level, BANDS):
        for name, value in level.items():
            check.number(f"gates · level · {name}", value, 1, 5)
    if not isinstance(gates.get("residency", True), bool):
        check.wrong("gates · residency", "must be true or false")
    if "models_may_see" in gates:
        check.words("gates · models_may_see", gates["models_may_see"], DATA_CLASSES, some=False)


def _shares(check: _Check, document: Mapping[str, Any]) -> None:
    caps = document.get("share_caps", {})
    if not isinstance(caps, Mapping):
        check.wrong("share_caps", "must map a vendor's key to a share")
    else:
        for vendor, share in caps.items():
            check.number(f"share_caps · {vendor}", share, 0.0, 1.0, above=True)
    pools = document.get("pools", [])
    if not isinstance(pools, list) or not all(isinstance(key, str) for key in pools):
        check.wrong("pools", "must be a list of pool keys")


def _newcomers(check: _Check, newcomers: Any) -> None:
    if not check.keys("newcomers", newcomers, NEWCOMERS):
        return
    for name, high in (("share", 1.0), ("price", math.inf)):
        if name in newcomers:
            check.number(f"newcomers · {name}", newcomers[name], 0.0, high)
        else:
            check.wrong(f"newcomers · {name}", "is missing")
    evidence = newcomers.get("evidence", NEWCOMER_EVIDENCE)
    if isinstance(evidence, bool) or not isinstance(evidence, int) or evidence < 1:
        check.wrong(
            "newcomers · evidence",
            "%(value)s is not a whole number of answers above 0",
            value=repr(evidence),
        )
    risk = newcomers.get("max_risk", BANDS[0])
    if risk not in BANDS:
        check.wrong(
            "newcomers · max_risk",
            "%(word)s is not one of %(known)s",
            word=repr(risk),
            known=", ".join(BANDS),
        )


def _rules(check: _Check, rules: Any) -> None:
    if not isinstance(rules, list):
        check.wrong("tier_rules", "must be a list")
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
            near = _near(key, pools)
            if near:
                check.wrong("pools", "%(key)s is no pool; %(near)s is", key=repr(key), near=near)
            else:
                check.wrong("pools", "%(key)s is no pool", key=repr(key))
    for key in document.get("share_caps", {}):
        if key not in vendors:
            near = _near(key, vendors)
            path = f"share_caps · {key}"
            if near:
                check.wrong(path, "there is no such vendor; %(near)s is one", near=near)
            else:
                check.wrong(path, "there is no such vendor")
    return check.problems


def _near(key: object, known: Collection[str]) -> str:
    """Return the known key that was probably meant, quoted; empty where none is like it."""
    near = get_close_matches(str(key), sorted(known), n=1)
    return repr(near[0]) if near else ""
