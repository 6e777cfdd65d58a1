"""A small operation as arrays: pools, people and cohorts by their odd values, the rest usual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from routing.core.crews import partition
from routing.core.policy import ATTESTATIONS, BANDS, DATA_CLASSES, MODES, compile_policy
from routing.core.tables import (
    ALWAYS,
    IN_HOUSE,
    OUTSOURCED,
    Budget,
    Cohorts,
    Inputs,
    People,
    Pools,
    Projects,
    Rates,
    Types,
    Vendors,
)


def document(**more: Any) -> dict[str, Any]:
    """Return a policy that allows everything up to an error of .3."""
    cell = {"modes": list(MODES), "target_error": 0.3, **more.pop("cell", {})}
    return {
        "schema": 1,
        "answers": [1, 3],
        "review_shares": [0.0, 0.25, 1.0],
        "wait_price": 50.0,
        "matrix": {c: {r: dict(cell) for r in BANDS} for c in BANDS},
        "gates": {"models_may_see": list(DATA_CLASSES)},
        **more,
    }


@dataclass
class Small:
    """Rows of an operation; `inputs()` makes its arrays.

    pools : kind (0 in-house, 1 outsourced, 2 model), vendor (index, −1 = house), declared (hours
        by day), calibrating, key, price (an hour)
    people : pool, hours (number or by day), level, rate, and the fields of People
    cohorts : count, hours, and the fields of Cohorts
    reviews : (labelling pool, reviewing pool) that a hybrid pool offers
    """

    days: int = 1
    pools: list[dict[str, Any]] = field(
        default_factory=lambda: [{}, {"kind": OUTSOURCED, "vendor": 0}]
    )
    people: list[dict[str, Any]] = field(default_factory=list)
    cohorts: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    reviews: Sequence[tuple[int, int]] = ()
    policy: dict[str, Any] = field(default_factory=dict)
    project: dict[str, Any] = field(default_factory=dict)
    vendors: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    types: dict[str, Any] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()

    def inputs(self) -> Inputs:
        """Return the arrays."""
        people = self._people()
        cohorts = self._cohorts()
        return Inputs(
            days=self.days,
            pools=self._pools(),
            vendors=self._vendors(),
            crews=partition(people, harmful=bool((cohorts.harm > 0).any())),
            projects=self._projects(),
            types=Types(
                id=np.array([1]),
                key=("type",),
                skill=np.array([0]),
                votes=np.array([self.types.get("votes", True)]),
                dispersion=np.array([self.types.get("dispersion", 0.05)]),
                same_error=np.array([np.nan]),
                difficulty=np.zeros((1, 4)),
                spoil=np.array([self.types.get("spoil", 0.01)]),
            ),
            cohorts=cohorts,
            rates=self._rates(),
            countries=self.countries,
            languages=self.languages,
            skills=("skill",),
            certificates=self.certificates,
            budgets=self.budgets,
        )

    def _pools(self) -> Pools:
        P = len(self.pools)
        pairs = np.zeros((P, P), dtype=bool)
        for label, review in self.reviews:
            pairs[label, review] = True
        declared = np.full((P, self.days), np.nan)
        for p, pool in enumerate(self.pools):
            if "declared" in pool:
                declared[p] = pool["declared"]
        return Pools(
            id=np.arange(P) + 1,
            key=tuple(pool.get("key", f"pool-{p}") for p, pool in enumerate(self.pools)),
            name=tuple(pool.get("key", f"Pool {p}") for p, pool in enumerate(self.pools)),
            kind=_column(self.pools, "kind", IN_HOUSE, np.int8),
            vendor=_column(self.pools, "vendor", -1, np.int64),
            calibrating=_column(self.pools, "calibrating", False, bool),
            declared=declared,
            pairs=pairs,
        )

    def _vendors(self) -> Vendors:
        V = len(self.vendors)
        attested = np.full((V, len(ATTESTATIONS)), ALWAYS, dtype=np.int64)
        for v, vendor in enumerate(self.vendors):
            for kind, days in vendor.get("attested", {}).items():
                attested[v, ATTESTATIONS.index(kind)] = days
        return Vendors(
            id=np.arange(V) + 1,
            key=tuple(f"vendor-{v}" for v in range(V)),
            attested_days=attested,
            commitment=_column(self.vendors, "commitment", 0.0, float),
            shortfall_price=_column(self.vendors, "shortfall_price", 0.0, float),
            share_cap=_column(self.vendors, "share_cap", 1.0, float),
            used=_column(self.vendors, "used", 0.0, float),
        )

    def _people(self) -> People:
        rows, D = self.people, self.days
        N, T, L = len(rows), len(self.certificates), len(self.languages)

        def by_day(name: str, usual: float) -> Any:
            return np.array(
                [np.broadcast_to(row.get(name, usual), D) for row in rows], dtype=float
            ).reshape(N, D)

        rate = _column(rows, "rate", 0.9, float)
        lower = np.array([row.get("rate_lower", row.get("rate", 0.9)) for row in rows])
        return People(
            id=np.arange(N) + 1,
            pool=_column(rows, "pool", 0, np.int64),
            person=np.array([row.get("person", -n - 1) for n, row in enumerate(rows)]),
            level=_column(rows, "level", 4, np.int8).reshape(N, 1),
            certified_days=np.array(
                [row.get("certified", [0] * T) for row in rows], dtype=np.int64
            ).reshape(N, T),
            speaks=np.array([row.get("speaks", [False] * L) for row in rows], dtype=bool).reshape(
                N, L
            ),
            residency=_column(rows, "residency", 0, np.int64),
            clearance=_column(rows, "clearance", 0, np.int8),
            exposure=_column(rows, "exposure", False, bool),
            harm_hours=by_day("harm_hours", 0.0),
            answers=by_day("answers", np.inf),
            hours=by_day("hours", 8.0),
            rate=rate.reshape(N, 1),
            rate_lower=lower.astype(float).reshape(N, 1),
            speed=_column(rows, "speed", 1.0, float).reshape(N, 1),
            evidence=_column(rows, "evidence", 500.0, float).reshape(N, 1),
            hourly_cost=_column(rows, "wage", 30.0, float),
            answer_hours=_column(rows, "answer_hours", np.nan, float),
        )

    def _projects(self) -> Projects:
        V, T = len(self.vendors), len(self.certificates)
        rules = self.project
        return Projects(
            id=np.array([1]),
            key=("project",),
            level=np.array([rules.get("level", 1)], dtype=np.int8),
            clearance=np.array([rules.get("clearance", 0)], dtype=np.int8),
            attestations=np.array(
                [[kind in rules.get("attestations", ()) for kind in ATTESTATIONS]]
            ),
            certificates=np.array([[t in rules.get("certificates", ()) for t in range(T)]]).reshape(
                1, T
            ),
            excluded=np.array([[v in rules.get("excluded", ()) for v in range(V)]]).reshape(1, V),
            barred=np.array(
                [[int(v in rules.get("barred", ())) for v in range(V)]], dtype=np.int64
            ).reshape(1, V),
            bar_reasons=("barred",),
            late_cost=np.array([rules.get("late_cost", 0.0)]),
            covers_safety=np.array([rules.get("covers_safety", True)]),
            policies=(compile_policy(document(**self.policy)),),
        )

    def _cohorts(self) -> Cohorts:
        rows, K = self.cohorts, len(self.cohorts)

        def whole(name: str, usual: int = 0, dtype: Any = np.int64) -> Any:
            return _column(rows, name, usual, dtype)

        return Cohorts(
            project=whole("project"),
            task_type=whole("task_type"),
            domain=whole("domain"),
            certificate=whole("certificate", -1),
            complexity=whole("complexity", 0, np.int8),
            risk=whole("risk", 0, np.int8),
            data_class=whole("data_class", 0, np.int8),
            harm=whole("harm", 0, np.int8),
            safety_critical=_column(rows, "safety_critical", False, bool),
            residency=whole("residency"),
            language=whole("language"),
            classes=whole("classes", 2),
            due=whole("due", self.days),
            due_day=whole("due_day", self.days),
            late=whole("late"),
            count=whole("count", 10),
            hours=_column(rows, "hours", 0.1, float),
            size=np.ones(K),
            error_cost=_column(rows, "error_cost", 5.0, float),
        )

    def _rates(self) -> Rates:
        P = len(self.pools)
        label = np.full((P, 1, 3), np.nan)
        for p, pool in enumerate(self.pools):
            if pool.get("price", 10.0) is not None and pool.get("kind", IN_HOUSE) != IN_HOUSE:
                label[p, 0] = (0.0, 0.0, pool.get("price", 10.0))
        return Rates(label, label.copy(), np.zeros((P, 1), dtype=bool))


def _column(rows: Sequence[Mapping[str, Any]], name: str, usual: Any, dtype: Any) -> Any:
    return np.array([row.get(name, usual) for row in rows], dtype=dtype)
