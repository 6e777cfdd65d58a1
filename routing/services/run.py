"""A routing run: read, score, solve, place, explain; then one flip that makes it visible."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import AppError, Conflict, Invalid, NotFound
from common.time import utc_now
from routing.choices import PolicyState, RunState
from routing.core.decide import decide
from routing.core.place import order_tasks
from routing.core.settle import settle
from routing.core.tables import MAX_DAYS
from routing.errors import NothingPublished, RunBusy, RunFailed
from routing.models import Policy, Project, Run, RunProject
from routing.services.figures import Decided, RunReport
from routing.services.locks import pool_locks
from routing.services.newcomers import premium_of
from routing.services.problem import read_problem
from routing.services.reading import open_tasks
from routing.services.scope import Scope, check_currency, check_policies, left_out, usable_pools
from routing.services.taken import read_taken
from routing.services.writing import Progress, preview, write
from workforce.models import Pool

DIED = "The process that ran it ended before it was done."


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
        raise Invalid(
            _("A run plans 1 to %(max_days)s days.") % {"max_days": MAX_DAYS},
            field="days",
            rule="range",
        )
    tell = report or (lambda step, done, total: None)
    projects = _projects(project_keys)
    policies = _policies(projects, policy_version)
    check_policies(policies, dry_run=dry_run)
    pools = usable_pools(policies)
    currency = check_currency(projects, pools)
    scope = Scope(projects, policies, pools, now, days, currency, left_out(policies))
    own = [pool.id for pool in pools if pool.kind != "hybrid"]
    with nullcontext() if dry_run else pool_locks(own) as busy:
        if busy is not None:
            raise _busy(busy)
        if dry_run:
            return preview(_decide(scope, own, tell))
        run = _begin(scope, own, acting_user)
        try:
            return write(_decide(scope, own, tell), run, tell)
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
        raise NotFound(
            _("There is no open project %(listed)s.") % {"listed": ", ".join(missing)},
            what="project",
        )
    if not projects:
        raise NotFound(_("There is no open project to route."), what="project")
    return projects


def _policies(projects: Sequence[Project], version: int | None) -> list[Policy]:
    wanted = {"version": version} if version is not None else {"state": PolicyState.PUBLISHED}
    found = {
        policy.project_id: policy
        for policy in Policy.objects.filter(project__in=projects, **wanted)
    }
    missing = [project.key for project in projects if project.pk not in found]
    if missing:
        what = (
            _("no policy version %(version)s") % {"version": version}
            if version is not None
            else _("no published policy")
        )
        raise NothingPublished(
            _("%(listed)s: %(what)s.") % {"listed": ", ".join(missing), "what": what},
            field="policy",
            rule="published",
            projects=missing,
        )
    return [found[project.pk] for project in projects]


def _busy(pool_id: int) -> RunBusy:
    name = Pool.objects.get(pk=pool_id).name
    for run in Run.objects.filter(state=RunState.RUNNING).select_related("requested_by"):
        if pool_id in run.pool_ids:
            since = f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
            return RunBusy(pool=name, who=str(run.requested_by), since=since)
    return RunBusy(pool=name, who=_("another process"), since=_("a moment ago"))


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
            raise Conflict(_("A policy was published meanwhile; route again."))
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


def _decide(scope: Scope, pool_ids: Sequence[int], tell: Progress) -> Decided:
    clock = time.perf_counter
    started = clock()
    project_ids = [project.pk for project in scope.projects]
    tell("reading tasks", 0, 0)
    tasks = open_tasks(project_ids)
    tell("scoring", 0, len(tasks))
    taken = read_taken(project_ids, pool_ids, scope.first_day, scope.days)
    problem = read_problem(scope, tasks, taken)
    scored = clock()
    tell("solving", 0, len(problem.inputs.cohorts))
    outcome = decide(problem.inputs)
    premium = premium_of(outcome)
    solved = clock()
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
    return Decided(
        scope=scope,
        problem=problem,
        outcome=outcome,
        settled=settled,
        premium=premium,
        keep=np.ones(len(tasks), dtype=bool),
        seconds={"score": scored - started, "solve": solved - scored},
        since=solved,
    )
