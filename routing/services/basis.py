"""What a run decided, as claims read it: kept in the process, since a run never changes.

Keys are public ids: a row of the same number in another database, or after an undone transaction,
is another run.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from routing.core.record import unpack
from routing.core.tables import RECORD_TYPES, Inputs
from routing.models import Decision, RunCrew, RunRecord

KEPT = 32  # runs in a process


@dataclass(frozen=True)
class Kind:
    """What claims read of a decision: the tasks of a cohort are alike.

    hours : usual hours of work on one of its tasks
    """

    project_id: int
    task_type_id: int
    hours: float
    harmful: bool


@dataclass(frozen=True)
class Basis:
    """The inputs of a run with its decisions and crews.

    decision : (K,) ids of the decisions, by the number of the cohort; 0 = none
    placed : (n, 2) int, pairs (cohort, labelling crew) that the run placed tasks by
    crew_of : the crew of each annotator
    kinds : by decision id
    """

    run_id: int
    inputs: Inputs
    decision: NDArray[np.int64]
    placed: NDArray[np.int64]
    crew_of: Mapping[int, int]
    kinds: Mapping[int, Kind]

    def pool_of(self, crew: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the pool ids of crews."""
        return np.asarray(self.inputs.pools.id[self.inputs.crews.pool[crew]])


_kept: OrderedDict[UUID, Basis | None] = OrderedDict()


def basis_of(run_id: int, public_id: UUID) -> Basis | None:
    """Return what a run decided, None where it left no record."""
    if public_id in _kept:
        _kept.move_to_end(public_id)
        return _kept[public_id]
    found = _read(run_id)
    _kept[public_id] = found
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return found


def _read(run_id: int) -> Basis | None:
    record = RunRecord.objects.filter(run_id=run_id).first()
    if record is None:
        return None
    inputs: Inputs = unpack(bytes(record.inputs), *RECORD_TYPES)
    decision = np.zeros(len(inputs.cohorts), dtype=np.int64)
    placed: list[tuple[int, int]] = []
    rows = Decision.objects.filter(run_id=run_id).values_list("pk", "number", "chosen")
    for pk, number, chosen in rows:
        decision[number] = pk
        placed += [(number, crew) for crew in {row["label"] for row in chosen}]
    crew_of = {
        member["id"]: crew.number
        for crew in RunCrew.objects.filter(run_id=run_id).only("number", "members")
        for member in crew.members
    }
    pairs = np.array(sorted(placed), dtype=np.int64).reshape(-1, 2)
    return Basis(run_id, inputs, decision, pairs, crew_of, _kinds(inputs, decision))


def _kinds(inputs: Inputs, decision: NDArray[np.int64]) -> dict[int, Kind]:
    cohorts = inputs.cohorts
    return {
        pk: Kind(project, task_type, hours, bool(harm))
        for pk, project, task_type, hours, harm in zip(
            decision.tolist(),
            inputs.projects.id[cohorts.project].tolist(),
            inputs.types.id[cohorts.task_type].tolist(),
            cohorts.hours.tolist(),
            cohorts.harm.tolist(),
            strict=True,
        )
    }


def forget() -> None:
    """Drop what is kept: for tests and benchmarks that measure reading it."""
    _kept.clear()


def bases_of(decision_ids: Iterable[int]) -> dict[int, tuple[Basis, int]]:
    """Return basis and cohort number of decisions by id; those without a record are left out."""
    found = {}
    rows = Decision.objects.filter(pk__in=list(decision_ids)).select_related("run")
    for row in rows.only("number", "run__public_id"):
        basis = basis_of(row.run_id, row.run.public_id)
        if basis is not None:
            found[row.pk] = basis, row.number
    return found
