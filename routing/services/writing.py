"""From what a run decided to the database, in one transaction.

The placements go first and take longest; while the server inserts them, this process works out
everything else there is to write. Only then are the projects' seats shut (who takes or frees one
holds them shared), tasks taken meanwhile dropped, and the pointer flipped: nobody waits for more
than that.
A run that dies before the commit leaves no trace but its own record.
"""

import platform
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import scipy
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from audit.services.events import record_event
from common.bulk import Batch, reserve_ids
from common.time import end_of_day
from common.words import to_json
from routing.choices import RunState, SamplingOrder
from routing.core.record import pack
from routing.core.tables import Ints
from routing.core.urgency import by_due, by_order, day_number, urgency
from routing.models import Decision, Domain, Project, Run, RunCrew, RunRecord
from routing.services import explaining
from routing.services.carrying import NewCrews, carry_over
from routing.services.figures import Decided, RunReport, report_of
from routing.services.locks import shut_seats
from routing.services.placing import (
    PlacementColumns,
    drop_placements,
    inserting,
    verify_placements,
)
from routing.services.reading import open_task_ids
from routing.services.supply import crew_names

Progress = Callable[[str, int, int], None]


def write(decided: Decided, run: Run, tell: Progress) -> RunReport:
    """Write crews, decisions and placements of a run and make it the one in force."""
    scope, problem = decided.scope, decided.problem
    inputs, outcome = problem.inputs, decided.outcome
    project_ids = [project.pk for project in scope.projects]
    names = crew_names(inputs, inputs.crews)
    domains = dict(Domain.objects.values_list("pk", "key"))
    tell("writing", 0, len(problem.tasks))
    with transaction.atomic():
        ids = reserve_ids(Decision, len(inputs.cohorts))
        placements = placement_columns(decided, ids)
        with inserting(run, placements, scope.first_day):
            # The connection is busy: what is worked out here reads nothing.
            table = explaining.candidate_table(inputs, outcome)
            blocks = pack(inputs), pack(table)
            baselines = decided.baselines()
            crews = Batch(_crews(decided, run, names))
            placed = decided.placed()
            words = explaining.Words(names, domains, scope.first_day)
            decisions = Batch(
                _named(explaining.decisions(inputs, outcome, placed, words), run, ids)
            )
        # Nobody takes or frees a seat until the flip is done: what is carried over loses nothing.
        shut_seats(project_ids)
        list(
            Project.objects.select_for_update(no_key=True).filter(pk__in=project_ids).order_by("pk")
        )
        open_now = open_task_ids(project_ids)
        gone = _gone(problem.tasks.id, open_now)
        if gone.any():
            drop_placements(run, problem.tasks.id[gone])
            decided = decided.without(gone)
            placed = decided.placed()
            changed = np.unique(problem.cohort[gone])
            anew = explaining.decisions(inputs, outcome, placed, words, changed)
            for decision in _named(anew, run, ids):
                decisions.replace(decision.number, decision)
        decisions.insert()
        crews.insert()
        verify_placements(run, placements)
        given_back = np.setdiff1d(open_now, problem.tasks.id, assume_unique=True)
        carry_over(run, project_ids, _new_crews(decided), given_back, scope.first_day)
        # Told inside the transaction: a job that was taken over meanwhile refuses it, and all of
        # this is undone.
        tell("taking effect", len(problem.tasks), len(problem.tasks))
        Project.objects.filter(pk__in=project_ids).update(current_run=run)
        report = report_of(decided, placed, decisions.rows, names, baselines, table, run)
        _finish(decided, run, report, blocks)
    tell("done", report.tasks, report.tasks)
    return report


def preview(decided: Decided) -> RunReport:
    """Return the report that a run would have, and write nothing."""
    inputs, outcome = decided.problem.inputs, decided.outcome
    names = crew_names(inputs, inputs.crews)
    domains = dict(Domain.objects.values_list("pk", "key"))
    placed = decided.placed()
    words = explaining.Words(names, domains, decided.scope.first_day)
    decisions = explaining.decisions(inputs, outcome, placed, words)
    table = explaining.candidate_table(inputs, outcome)
    return report_of(decided, placed, decisions, names, decided.baselines(), table, None)


def placement_columns(decided: Decided, decision_ids: Sequence[int]) -> PlacementColumns:
    """Return the rows of a run, in the order of the tasks' ids."""
    problem, slots = decided.problem, decided.settled.slot
    rows = np.flatnonzero((slots >= 0) & decided.keep)
    slot, cohort = slots[rows], problem.cohort[rows]
    found, inputs = decided.outcome.candidates, problem.inputs
    crew = found.label_of[slot]
    return PlacementColumns(
        task=problem.tasks.id[rows],
        decision=np.array(decision_ids, dtype=np.int64)[cohort],
        pool=inputs.pools.id[inputs.crews.pool[crew]],
        crew=crew.astype(np.int32),
        arrangement=slot,
        day=decided.settled.day[rows],
        asked=found.answers[cohort, slot].astype(np.int16),
        urgency=_urgency(decided, rows),
    )


def _urgency(decided: Decided, rows: Ints) -> Ints:
    """Return the urgency of the placed tasks (their rows), each project by its own order."""
    scope, problem, tasks = decided.scope, decided.problem, decided.problem.tasks
    day = decided.settled.day[rows].astype(np.int64)
    due, created = tasks.due[rows], tasks.created[rows]
    rest = by_due(due, tasks.priority[rows], created)
    # A project's own order stands where work due at the end of its planned day would.
    days = range(int(day.max(initial=0)) + 1)
    ends = [end_of_day(scope.first_day + timedelta(d), settings.OPERATION_TIME_ZONE) for d in days]
    until = np.array([end.timestamp() for end in ends])[day]
    project = problem.inputs.cohorts.project[problem.cohort[rows]]
    for j, owner in enumerate(scope.projects):
        mine = np.flatnonzero(project == j)
        if owner.sampling_order == SamplingOrder.DUE or not len(mine):
            continue
        rng = np.random.default_rng([int(scope.now.timestamp()), owner.pk])
        value = {
            SamplingOrder.UNCERTAINTY: tasks.entropy,
            SamplingOrder.DISAGREEMENT: tasks.disagreement,
        }.get(SamplingOrder(owner.sampling_order), np.zeros(len(tasks)))[rows[mine]]
        rest[mine] = by_order(value, day[mine], until[mine], owner.random_share, rng)
    return urgency(day_number(scope.first_day) + day, rest)


def _named(decisions: list[Decision], run: Run, ids: Sequence[int]) -> list[Decision]:
    """Give decisions their run and the ids that were reserved for them."""
    for decision in decisions:
        decision.pk, decision.run = ids[decision.number], run
    return decisions


def _gone(tasks: NDArray[np.int64], still_open: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which tasks (ascending ids) are open no longer."""
    return ~np.isin(tasks, still_open, assume_unique=True)


def _new_crews(decided: Decided) -> NewCrews:
    inputs, people = decided.problem.inputs, decided.problem.people
    pairs = zip(people.annotator_id.tolist(), inputs.crews.member_of.tolist(), strict=True)
    return NewCrews(
        pool=inputs.pools.id[inputs.crews.pool],
        of={annotator: crew for annotator, crew in pairs if crew >= 0},
    )


def _crews(decided: Decided, run: Run, names: Sequence[str]) -> list[RunCrew]:
    inputs, people = decided.problem.inputs, decided.problem.people
    crews = inputs.crews
    members: list[list[dict[str, Any]]] = [[] for _ in range(len(crews))]
    for person, crew in enumerate(crews.member_of.tolist()):
        if crew >= 0:
            members[crew].append(
                {
                    "id": int(people.annotator_id[person]),
                    "hours": [round(h, 6) for h in people.hours[person].tolist()],
                }
            )
    return [
        RunCrew(
            run=run,
            number=c,
            pool_id=int(inputs.pools.id[crews.pool[c]]),
            name=names[c],
            traits={
                "levels": dict(zip(inputs.skills, crews.level[c].tolist(), strict=True)),
                "clearance": int(crews.clearance[c]),
                "rates": dict(
                    zip(
                        inputs.skills,
                        [None if np.isnan(r) else round(r, 6) for r in crews.rate[c].tolist()],
                        strict=True,
                    )
                ),
            },
            members=members[c],
            hours=crews.hours[c].tolist(),
        )
        for c in range(len(crews))
    ]


def _finish(decided: Decided, run: Run, report: RunReport, blocks: tuple[bytes, bytes]) -> None:
    for name in ("tasks", "cohorts", "routed", "waiting", "cost", "lower_bound", "gap"):
        setattr(run, name, getattr(report, name))
    run.spend, run.by_mode, run.compared = report.spend, report.by_mode, report.compared
    run.seconds, run.notes = report.seconds, [to_json(note) for note in report.notes]
    run.waiting_reasons = _stored(report.waiting_reasons, "reason", "opens")
    run.gates, run.prices = _stored(report.gates, "gate", "opens"), report.prices
    run.by_pool, run.newcomers = report.by_pool, report.newcomers
    run.versions = {
        **decided.problem.versions,
        "policies": {
            project.key: policy.version
            for project, policy in zip(decided.scope.projects, decided.scope.policies, strict=True)
        },
        **library_versions(),
    }
    run.state, run.finished_at = (
        RunState.DONE,
        run.started_at + timedelta(seconds=sum(report.seconds.values())),
    )
    run.save()
    RunRecord.objects.create(run=run, inputs=blocks[0], candidates=blocks[1])
    record_event(
        "run.done",
        acting_user=run.requested_by,
        now=run.now,
        subject="run",
        subject_id=run.public_id,
        tasks=report.tasks,
        routed=report.routed,
        waiting=report.waiting,
    )


def _stored(rows: Sequence[dict[str, Any]], *said: str) -> list[dict[str, Any]]:
    """Return rows as they are stored: what is said in them as patterns with their values."""
    return [{**row, **{name: to_json(row[name]) for name in said}} for row in rows]


def library_versions() -> dict[str, str]:
    """Return the versions on which equal inputs give an identical plan."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
