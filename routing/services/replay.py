"""Replaying a recorded run: the stored inputs, decided again, must give the same plan."""

from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from common.errors import Invalid
from routing.choices import RunState
from routing.core.decide import decide
from routing.core.record import unpack
from routing.core.tables import RECORD_TYPES
from routing.models import Run, RunRecord
from routing.services.writing import library_versions

SAME_COST = 1e-9


@dataclass(frozen=True)
class Replay:
    """What a replay found: the two costs, whether the plan is identical, what differs."""

    identical: bool
    same_libraries: bool
    stored_cost: float
    cost: float
    differences: list[str]

    @property
    def holds(self) -> bool:
        """Identical, or on other library versions of the same cost within 1e-9."""
        near = abs(self.cost - self.stored_cost) <= SAME_COST * max(abs(self.stored_cost), 1.0)
        return self.identical or (not self.same_libraries and near)


def replay(run: Run) -> Replay:
    """Decide a recorded run again from its stored inputs, whatever has changed since.

    Raises
    ------
    Invalid
        If the run did not finish: it has no record.
    """
    if run.state != RunState.DONE or not RunRecord.objects.filter(run=run).exists():
        raise Invalid(_("Only a finished run can be replayed."), field="run", rule="done")
    plan = decide(unpack(bytes(run.record.inputs), *RECORD_TYPES)).plan
    stored = unpack(bytes(run.record.candidates))["plan"]
    differences = [
        f"{name} differs"
        for name in ("cohort", "arrangement", "day", "tasks", "waiting")
        if not np.array_equal(stored[name], getattr(plan, name))
    ]
    libraries = library_versions()
    now_and_then = [(name, run.versions.get(name), value) for name, value in libraries.items()]
    changed = [f"{name} was {old}, is {new}" for name, old, new in now_and_then if old != new]
    return Replay(
        identical=not differences and stored["cost"] == plan.cost,
        same_libraries=not changed,
        stored_cost=float(stored["cost"]),
        cost=float(plan.cost),
        differences=[*differences, *changed],
    )
