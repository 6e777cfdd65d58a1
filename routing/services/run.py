"""A routing run: read, score, solve, place, explain; then one flip that makes it visible."""

import platform
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import scipy
from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import AppError, Conflict, Invalid, NotFound
from common.time import utc_now
from routing.choices import Mode, PolicyState, RunState
from routing.core.baselines import greedy, tier_rules
from routing.core.decide import Outcome, decide
from routing.core.place import order_tasks
from routing.core.record import pack
from routing.core.settle import Placed, Settled, placed_rows, settle
from routing.core.tables import MAX_DAYS
from routing.errors import NothingPublished, RunBusy, RunFailed
from routing.models import Decision, Policy, Project, Run, RunCrew, RunProject, RunRecord
from routing.services import explaining
from routing.services.locks import pool_locks
from routing.services.newcomers import Premium, newcomer_report, premium_of
from routing.services.other_hours import read_other_hours
from routing.services.placing import PlacementColumns, carry_over, write_placements
from routing.services.problem import Problem, read_problem
from routing.services.reading import open_task_ids, open_tasks
from routing.services.scope import Scope, check_currency, check_policies, usable_pools
from routing.services.supply import crew_names
from workforce.models import Pool

Progress = Callable[[str, int, int], None]

DIED = "The process that ran it ended before it was done."


@dataclass(frozen=True)
class RunReport:
    """The figures of a run and what a person wants to read of it; money in major units."""

    run: str | None
    tasks: int
    cohorts: int
    routed: int
    waiting: int
    cost: float
    lower_bound: float
    gap: float
    spend: float
    currency: str
    seconds: dict[str, float]
    by_mode: dict[str, int]
    baselines: dict[str, float | None]
    notes: list[str] = field(default_factory=list)
    waiting_reasons: list[dict[str, Any]] = field(default_factory=list)
    prices: list[dict[str, Any]] = field(default_factory=list)
    by_pool: list[dict[str, Any]] = field(default_factory=list)
    newcomers: list[dict[str, Any]] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the fixed figures, as `manage.py route --json` prints them."""
        names = (
            "run",
            "tasks",
            "cohorts",
            "routed",
            "waiting",
            "cost",
            "lower_bound",
            "gap",
            "spend",
            "currency",
            "seconds",
            "by_mode",
            "baselines",
        )
        return {name: getattr(self, name) for name in names}


def route(
    *,
    project_keys: Sequence[str] | None,
    policy_version: int | None = None,
    days: int = 1,
    dry_run: bool = False,
    acting_user: User,
    now: datetime,
    report: Progress | None = None,
) -> RunReport:
    """Route the open work of projects (None = every open project).

    A killed run leaves the placements before it in force and can be run again.

    Raises
    ------
    NotFound, NothingPublished, CurrencyMixed
        If a project is unknown or has no such policy, or currencies differ.
    Invalid
        If the policy has problems, or is not in force and this is no dry run.
    Conflict
        If a policy was replaced while the run began.
    RunBusy
        If another run holds a pool that this one needs.
    RunFailed
        If the run stopped for another reason; its record says which.
    """
    require(acting_user, "routing.run")
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(f"A run plans 1 to {MAX_DAYS} days.", field="days", rule="range")
    tell = report or (lambda step, done, total: None)
    projects = _projects(project_keys)
    policies = _policies(projects, policy_version)
    check_policies(policies, dry_run=dry_run)
    pools = usable_pools(policies)
    scope = Scope(projects, policies, pools, now, days, check_currency(projects, pools))
    own = [pool.id for pool in pools if pool.kind != "hybrid"]
    with nullcontext() if dry_run else pool_locks(own) as busy:
        if busy is not None:
            raise _busy(busy)
        if dry_run:
            return _decide_and_write(scope, None, own, tell)
        run = _begin(scope, own, acting_user)
        try:
            return _decide_and_write(scope, run, own, tell)
        except BaseException as error:
            _fail(run, error, acting_user)
            if isinstance(error, AppError) or not isinstance(error, Exception):
                raise
            raise RunFailed(reason=str(error) or type(error).__name__) from error


def _projects(keys: Sequence[str] | None) -> list[Project]:
    rows = Project.objects.filter(is_open=True)
    if keys is not None:
        rows = rows.filter(key__in=keys)
    projects = list(rows.order_by("pk"))
    missing = sorted(set(keys or ()) - {project.key for project in projects})
    if missing:
        raise NotFound(f"There is no open project {', '.join(missing)}.", what="project")
    if not projects:
        raise NotFound("There is no open project to route.", what="project")
    return projects


def _policies(projects: Sequence[Project], version: int | None) -> list[Policy]:
    wanted = {"version": version} if version is not None else {"state": PolicyState.PUBLISHED}
    found = {
        policy.project_id: policy
        for policy in Policy.objects.filter(project__in=projects, **wanted)
    }
    missing = [project.key for project in projects if project.pk not in found]
    if missing:
        what = f"no policy version {version}" if version is not None else "no published policy"
        raise NothingPublished(
            f"{', '.join(missing)}: {what}.", field="policy", rule="published", projects=missing
        )
    return [found[project.pk] for project in projects]


def _busy(pool_id: int) -> RunBusy:
    name = Pool.objects.get(pk=pool_id).name
    for run in Run.objects.filter(state=RunState.RUNNING).select_related("requested_by"):
        if pool_id in run.pool_ids:
            since = f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
            return RunBusy(pool=name, who=str(run.requested_by), since=since)
    return RunBusy(pool=name, who="another process", since="a moment ago")


def _begin(scope: Scope, pool_ids: Sequence[int], acting_user: User) -> Run:
    with transaction.atomic():
        # Whoever holds the locks is the only one alive: other runs on these pools have died.
        for dead in Run.objects.select_for_update().filter(state=RunState.RUNNING):
            if set(dead.pool_ids) & set(pool_ids):
                Run.objects.filter(pk=dead.pk).update(
                    state=RunState.FAILED, error=DIED, finished_at=utc_now()
                )
        in_force = Policy.objects.select_for_update().filter(
            pk__in=[policy.pk for policy in scope.policies], state=PolicyState.PUBLISHED
        )
        if len(in_force) < len(scope.policies):
            raise Conflict("A policy was published meanwhile; route again.")
        run = Run.objects.create(
            requested_by=acting_user,
            now=scope.now,
            days=scope.days,
            pool_ids=list(pool_ids),
            started_at=utc_now(),
            currency=scope.currency,
        )
        RunProject.objects.bulk_create(
            RunProject(run=run, project=project, policy=policy)
            for project, policy in zip(scope.projects, scope.policies, strict=True)
        )
        record_event(
            "run.started",
            acting_user=acting_user,
            now=scope.now,
            subject="run",
            subject_id=run.public_id,
            projects=[str(project.public_id) for project in scope.projects],
            policies=[policy.version for policy in scope.policies],
        )
    return run


def _fail(run: Run, error: BaseException, acting_user: User) -> None:
    """Note on the run's own record why it stopped; its placements were never visible."""
    with transaction.atomic():
        Run.objects.filter(pk=run.pk, state=RunState.RUNNING).update(
            state=RunState.FAILED,
            error=str(error) or type(error).__name__,
            finished_at=utc_now(),
        )
        record_event(
            "run.failed",
            acting_user=acting_user,
            now=run.now,
            subject="run",
            subject_id=run.public_id,
            error=type(error).__name__,
        )


def _decide_and_write(
    scope: Scope, run: Run | None, pool_ids: Sequence[int], tell: Progress
) -> RunReport:
    clock = time.perf_counter
    started = clock()
    project_ids = [project.pk for project in scope.projects]
    tell("reading tasks", 0, 0)
    tasks = open_tasks(project_ids)
    tell("scoring", 0, len(tasks))
    other = read_other_hours(project_ids, pool_ids, scope.first_day, scope.days)
    problem = read_problem(scope, tasks, other)
    scored = clock()
    tell("solving", 0, len(problem.inputs.cohorts))
    outcome = decide(problem.inputs)
    premium = premium_of(outcome)
    solved = clock()
    tell("comparing", 0, 0)
    baselines = {
        "greedy": greedy(problem.inputs, outcome),
        "tier_rules": tier_rules(problem.inputs, outcome),
    }
    tell("placing", 0, len(tasks))
    order = order_tasks(
        problem.cohort,
        len(problem.inputs.cohorts),
        np.where(np.isnan(tasks.due), np.inf, tasks.due),
        tasks.priority,
        tasks.created,
        tasks.id,
    )
    settled = settle(problem.inputs, outcome, order, problem.cohort, problem.task_hours)
    del order
    seconds = {"score": scored - started, "solve": solved - scored, "place": 0.0}
    work = _Work(scope, problem, outcome, settled, baselines, premium, seconds, solved)
    if run is None:
        keep = np.ones(len(tasks), dtype=bool)
        return work.figures(None, keep)
    return work.write(run, project_ids, tell)


@dataclass
class _Work:
    """What a run has decided, on its way to the database."""

    scope: Scope
    problem: Problem
    outcome: Outcome
    settled: Settled
    baselines: dict[str, float | None]
    premium: Premium
    seconds: dict[str, float]
    solved: float

    def write(self, run: Run, project_ids: Sequence[int], tell: Progress) -> RunReport:
        """Write decisions and placements and flip the projects' pointer, in one transaction."""
        inputs, outcome = self.problem.inputs, self.outcome
        blocks = pack(inputs), pack(explaining.candidate_table(inputs, outcome))
        tell("writing", 0, len(self.problem.tasks))
        with transaction.atomic():
            # Claims take the project's row shared: nobody claims until the flip is done.
            list(Project.objects.select_for_update().filter(pk__in=project_ids).order_by("pk"))
            keep = np.isin(self.problem.tasks.id, open_task_ids(project_ids), assume_unique=True)
            placed = self._placed(keep)
            names = crew_names(inputs, inputs.crews)
            decisions = Decision.objects.bulk_create(
                explaining.decisions(run, inputs, outcome, placed, names, self.scope.first_day),
                batch_size=500,
            )
            self._write_crews(run, names)
            write_placements(run, self._columns(decisions, keep), self.scope.first_day)
            carry_over(run, project_ids)
            Project.objects.filter(pk__in=project_ids).update(current_run=run)
            report = self.figures(run, keep, decisions=decisions)
            self._finish(run, report, blocks)
        tell("done", report.tasks, report.tasks)
        return report

    def _placed(self, keep: "np.ndarray[Any, np.dtype[np.bool_]]") -> Placed:
        chosen = Settled(self.settled.slot[keep], self.settled.day[keep], self.settled.left_out)
        return placed_rows(chosen, self.problem.cohort[keep], len(self.problem.inputs.cohorts))

    def _columns(
        self, decisions: Sequence[Decision], keep: "np.ndarray[Any, np.dtype[np.bool_]]"
    ) -> PlacementColumns:
        rows = np.flatnonzero((self.settled.slot >= 0) & keep)
        slot, cohort = self.settled.slot[rows], self.problem.cohort[rows]
        found, inputs = self.outcome.candidates, self.problem.inputs
        crew = found.label_of[slot]
        ids = np.array([decision.pk for decision in decisions], dtype=np.int64)
        return PlacementColumns(
            task=self.problem.tasks.id[rows],
            decision=ids[cohort],
            pool=inputs.pools.id[inputs.crews.pool[crew]],
            crew=crew.astype(np.int32),
            arrangement=slot,
            day=self.settled.day[rows],
            asked=found.answers[cohort, slot].astype(np.int16),
        )

    def _write_crews(self, run: Run, names: Sequence[str]) -> None:
        crews, people = self.problem.inputs.crews, self.problem.people
        members: dict[int, list[dict[str, Any]]] = {c: [] for c in range(len(crews))}
        for person, crew in enumerate(crews.member_of.tolist()):
            if crew >= 0:
                members[crew].append(
                    {
                        "id": int(people.annotator_id[person]),
                        "hours": [round(h, 6) for h in people.hours[person].tolist()],
                    }
                )
        inputs = self.problem.inputs
        RunCrew.objects.bulk_create(
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
        )

    def figures(
        self,
        run: Run | None,
        keep: "np.ndarray[Any, np.dtype[np.bool_]]",
        *,
        decisions: Sequence[Decision] = (),
    ) -> RunReport:
        """Return the report of what is placed."""
        inputs, outcome = self.problem.inputs, self.outcome
        placed = self._placed(keep)
        names = crew_names(inputs, inputs.crews)
        found, plan = outcome.candidates, outcome.plan
        gone = inputs.cohorts.count - np.bincount(
            self.problem.cohort[keep], minlength=len(inputs.cohorts)
        )
        # By what is placed in the end: single tasks may have moved from where the plan had them.
        cost = explaining.objective(outcome, placed)
        # A task taken meanwhile would at worst have waited: the bound falls by that much.
        bound = min(plan.lower_bound - float(np.asarray(outcome.problem.wait_cost) @ gone), cost)
        k, a, n = placed.cohort, placed.slot, placed.tasks
        by_mode = dict.fromkeys(Mode.values, 0)
        for mode, number in enumerate(Mode.values):
            by_mode[number] = int(n[found.mode[found.pair[a]] == mode].sum())
        reasons = explaining.waiting_reasons(inputs, outcome, placed, names)
        made = decisions or explaining.decisions(
            run or Run(), inputs, outcome, placed, names, self.scope.first_day
        )
        self.seconds["place"] = time.perf_counter() - self.solved
        return RunReport(
            run=str(run.public_id) if run is not None else None,
            tasks=int(n.sum() + placed.waiting.sum()),
            cohorts=len(inputs.cohorts),
            routed=int(n.sum()),
            waiting=int(placed.waiting.sum()),
            cost=float(cost),
            lower_bound=float(bound),
            gap=float((cost - bound) / cost) if cost > 0 else 0.0,
            spend=float(found.spend[k, a] @ n) if len(k) else 0.0,
            currency=self.scope.currency,
            seconds={name: round(value, 4) for name, value in self.seconds.items()},
            by_mode=by_mode,
            baselines=self.baselines,
            notes=self._notes(),
            waiting_reasons=explaining.summary_of_waiting(inputs, placed, reasons),
            prices=explaining.capacity_prices(inputs, outcome, names),
            by_pool=self._by_pool(placed),
            newcomers=newcomer_report(inputs, outcome, placed, names, self.premium),
            examples=self._examples(made, names),
        )

    def _notes(self) -> list[str]:
        notes = list(self.outcome.notes)
        overdue = int(self.problem.inputs.cohorts.count[self.problem.inputs.cohorts.late > 0].sum())
        if overdue:
            notes.append(f"{overdue} tasks are overdue: flagged, and planned first")
        if self.settled.left_out:
            notes.append(
                f"{self.settled.left_out} tasks wait because their own effort is above the mean "
                "of their cohort"
            )
        return notes

    def _by_pool(self, placed: Placed) -> list[dict[str, Any]]:
        """Return tasks labelled and hours used against hours there, by pool."""
        inputs, found = self.problem.inputs, self.outcome.candidates
        k, a, n = placed.cohort, placed.slot, placed.tasks
        label, review = found.label_of[a], found.review_of[a]
        rows = []
        for pool in range(len(inputs.pools.id)):
            mine = inputs.crews.pool == pool
            labels = mine[label] if len(label) else np.zeros(0, dtype=bool)
            reviews = (review >= 0) & mine[np.maximum(review, 0)] if len(label) else labels
            used = float(
                found.label_hours[k, a][labels] @ n[labels]
                + found.review_hours[k, a][reviews] @ n[reviews]
            )
            rows.append(
                {
                    "pool": inputs.pools.name[pool],
                    "tasks": int(n[labels].sum()),
                    "hours": used,
                    "available": float(inputs.crews.hours[mine].sum()),
                    "spend": float(found.spend[k, a][labels] @ n[labels]),
                }
            )
        return rows

    def _examples(self, made: Sequence[Decision], names: Sequence[str]) -> list[dict[str, Any]]:
        """Return two decisions in full: the largest that is placed, the largest that waits."""
        placed = sorted((d for d in made if d.routed), key=lambda d: (-d.routed, d.number))
        waits = sorted((d for d in made if d.waiting), key=lambda d: (-d.waiting, d.number))
        picked = [*placed[:1], *(waits[:1] or placed[1:2])]
        if not picked:
            return []
        table = explaining.candidate_table(self.problem.inputs, self.outcome)
        return [
            {
                "number": d.number,
                "key": d.key,
                "tasks": d.tasks,
                "routed": d.routed,
                "waiting": d.waiting,
                "reason": d.reason,
                "chosen": d.chosen,
                "runner_up": d.runner_up,
                "difference": d.difference,
                "candidates": explaining.candidate_rows(
                    table, names, d.number, chosen={c["arrangement"] for c in d.chosen}
                ),
            }
            for d in picked
        ]

    def _finish(self, run: Run, report: RunReport, blocks: tuple[bytes, bytes]) -> None:
        for name in ("tasks", "cohorts", "routed", "waiting", "cost", "lower_bound", "gap"):
            setattr(run, name, getattr(report, name))
        run.spend, run.by_mode, run.baselines = report.spend, report.by_mode, report.baselines
        run.seconds, run.notes = report.seconds, report.notes
        run.waiting_reasons, run.prices = report.waiting_reasons, report.prices
        run.by_pool, run.newcomers = report.by_pool, report.newcomers
        run.versions = {
            **self.problem.versions,
            "policies": {
                project.key: policy.version
                for project, policy in zip(self.scope.projects, self.scope.policies, strict=True)
            },
            **library_versions(),
        }
        run.state, run.finished_at = (
            RunState.DONE,
            run.started_at + timedelta(seconds=sum(self.seconds.values())),
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


def library_versions() -> dict[str, str]:
    """Return the versions on which equal inputs give an identical plan."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
