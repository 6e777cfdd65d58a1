"""Pushing a shift's work: a plan of who gets which task, drawn up for a pool and a day.

A push is planned (`start_push`), edited by hand (`push_edits`), then committed or discarded
(`push_commit`), and undone while nobody began (`push_undo`). Until it is committed nothing is held:
what changes meanwhile is found out then.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from accounts.services.jobs import start_job
from audit.services.events import record_event
from common.errors import Invalid
from common.time import local_date
from routing.choices import OPEN_PUSHES, PushState, PushWhy
from routing.core.gates import OPEN
from routing.core.push import HOURS, LIMIT, NOBODY, PLACED, PushPlan, leaving_prices, plan_push
from routing.errors import CurrencyMixed, PushBusy
from routing.models import Placement, Project, Push, PushLine
from routing.services.push_reading import APART, HAD, RATE, Shift, read_shift
from routing.services.push_steps import (
    MANAGE,
    PAIRS_AT_ONCE,
    PLAN_JOB,
    locked_push,
    take_push_step,
)
from workforce.choices import PoolKind
from workforce.models import Annotator, Pool

DAYS_AHEAD = 6
KINDS = (PoolKind.IN_HOUSE, PoolKind.OUTSOURCED)
BATCH = 500
PLAN_WHY = {NOBODY: PushWhy.GATE, HOURS: PushWhy.HOURS, LIMIT: PushWhy.LIMIT}


def start_push(
    pool: Pool,
    day: date,
    *,
    projects: Sequence[Project] = (),
    beyond_limit: bool = False,
    acting_user: User,
    now: datetime,
) -> Push:
    """Draw up a plan of a pool's day; a large one is planned by a worker (its state tells).

    Parameters
    ----------
    day : in the operation's zone, today or up to DAYS_AHEAD days on
    projects : whose placed tasks; empty = of all

    Raises
    ------
    Invalid
        If the pool owns no people, or the day is past or too far ahead.
    PushBusy
        If a push of the pool and day is open.
    CurrencyMixed
        If tasks and people are priced in several currencies.
    """
    require(acting_user, MANAGE)
    _check(pool, day, now)
    try:
        with transaction.atomic():
            push = Push.objects.create(
                pool=pool,
                day=day,
                beyond_limit=beyond_limit,
                currency=pool.currency,
                made_by=acting_user,
                made_at=now,
            )
            push.projects.set(projects)
            record_event(
                "push.started",
                acting_user=acting_user,
                now=now,
                subject="push",
                subject_id=push.public_id,
                pool=str(pool.key),
                day=day.isoformat(),
            )
            if _pairs(pool, day, projects) > PAIRS_AT_ONCE:
                arguments = {"push": str(push.public_id)}
                start_job(PLAN_JOB, arguments, acting_user=acting_user, now=now)
                return push
            return draw_up(push, acting_user=acting_user, now=now)
    except IntegrityError as error:
        if Push.objects.filter(pool=pool, day=day, state__in=OPEN_PUSHES).exists():
            raise PushBusy(pool=pool.name, day=day.isoformat()) from error
        raise


def _check(pool: Pool, day: date, now: datetime) -> None:
    if pool.kind not in KINDS or not pool.is_active:
        raise Invalid(
            _("%(pool)s has no people of its own who could be given work.") % {"pool": pool.name},
            field="pool",
            rule="people",
        )
    today = local_date(now, settings.OPERATION_TIME_ZONE)
    if not today <= day <= today + timedelta(days=DAYS_AHEAD):
        raise Invalid(
            _("Plan today, or up to %(days)s days ahead.") % {"days": DAYS_AHEAD},
            field="day",
            rule="range",
        )


def _pairs(pool: Pool, day: date, projects: Sequence[Project]) -> int:
    """Return about how many pairs of a person and a task a plan has to look at."""
    rows = Placement.objects.filter(
        run__in=Project.objects.filter(is_open=True).values("current_run"), pool=pool, day__lte=day
    )
    if projects:
        rows = rows.filter(task__project__in=projects)
    return rows.count() * Annotator.objects.filter(pool=pool).exclude(status="left").count()


def plan_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Plan a large push as a job."""
    progress(_("planning"), 0, 2)
    with transaction.atomic():
        push = Push.objects.get(public_id=arguments["push"])
        push = draw_up(push, acting_user=user, now=now)
        progress(_("planned"), 2, 2)
    return {"push": str(push.public_id), "state": str(push.state)}


@transaction.atomic
def draw_up(push: Push, *, acting_user: User, now: datetime) -> Push:
    """Plan a push: what is planned already, or discarded meanwhile, stays as it is."""
    require(acting_user, MANAGE)
    row = locked_push(push)
    if row.state != PushState.PLANNING:
        return row
    pool = Pool.objects.select_related("vendor").get(pk=row.pool_id)
    ids = list(row.projects.values_list("pk", flat=True))
    shift = read_shift(pool, row.day, project_ids=ids, now=now)
    _check_currency(shift, pool)
    rank = np.arange(len(shift.offers))
    found = plan_push(
        shift.allowed_cost,
        shift.hours,
        shift.limits(beyond_limit=row.beyond_limit),
        rank,
    )
    PushLine.objects.bulk_create(_lines(row, shift, found), batch_size=BATCH)
    placed = int((found.agent >= 0).sum())
    take_push_step(
        row,
        PushState.DRAFT,
        acting_user=acting_user,
        now=now,
        people=[
            {
                "annotator": member.annotator.pk,
                "hours": round(float(shift.capacity[number]), 4),
                "busy": round(float(shift.busy[number]), 4),
                "until": None if member.until is None else member.until.isoformat(),
            }
            for number, member in enumerate(shift.members)
        ],
        planned_at=now,
        planned_cost=found.cost,
        lower_bound=found.lower_bound,
        further=shift.further,
    )
    record_event(
        "push.planned",
        acting_user=acting_user,
        now=now,
        subject="push",
        subject_id=row.public_id,
        tasks=len(shift.offers),
        placed=placed,
        people=len(shift.members),
        cost=found.cost,
        lower_bound=found.lower_bound,
    )
    return row


def _check_currency(shift: Shift, pool: Pool) -> None:
    others = sorted({one.currency for one in shift.offers} - {pool.currency})
    if others:
        raise CurrencyMixed(
            _("%(pool)s is priced in %(currency)s, work in %(others)s: choose projects in one.")
            % {"pool": pool.name, "currency": pool.currency, "others": ", ".join(others)},
            field="projects",
            rule="one_currency",
        )


def _lines(push: Push, shift: Shift, found: PushPlan) -> list[PushLine]:
    """Return the lines of a plan: who gets each task, or why nobody does."""
    leaving = leaving_prices(shift.allowed_cost, np.arange(len(shift.offers)))
    lines = []
    for number, one in enumerate(shift.offers):
        agent = int(found.agent[number])
        line = PushLine(
            push=push,
            task_id=one.task_id,
            decision_id=one.decision_id,
            rank=number,
            leaving=float(leaving[number]),
        )
        if agent >= 0:
            line.annotator_id = shift.members[agent].annotator.pk
            line.effort_seconds = float(shift.hours[agent, number]) * 3600
            line.cost = float(shift.cost[agent, number])
        elif found.why[number] == NOBODY:
            line.why, line.gate = _shut(shift, number)
        elif found.why[number] != PLACED:
            line.why = PLAN_WHY[int(found.why[number])]
        lines.append(line)
    return lines


def _shut(shift: Shift, number: int) -> tuple[str, int]:
    """Return why nobody may have a task: what stands in the way of most of those who are there."""
    there = shift.capacity > 0
    codes = shift.code[there if there.any() else slice(None), number]
    if not len(codes):
        return PushWhy.HOURS, 0
    return why_of(int(np.bincount(codes).argmax()))


def why_of(code: int) -> tuple[str, int]:
    """Return the reason and gate of a code of `Shift`; ("", 0) where nothing is in the way."""
    if code == OPEN:
        return "", 0
    if code == HAD:
        return PushWhy.HAD, 0
    if code in (RATE, APART):
        return PushWhy.RATE, 0
    return PushWhy.GATE, code


@transaction.atomic
def discard_push(push: Push, *, reason: str = "", acting_user: User, now: datetime) -> Push:
    """Drop a push that was not committed; dropping it twice changes nothing.

    Raises
    ------
    PushOver
        If it was committed.
    """
    require(acting_user, MANAGE)
    row = locked_push(push)
    if row.state == PushState.DISCARDED:
        return row
    take_push_step(row, PushState.DISCARDED, reason=reason, acting_user=acting_user, now=now)
    record_event(
        "push.discarded",
        acting_user=acting_user,
        now=now,
        subject="push",
        subject_id=row.public_id,
    )
    return row


@transaction.atomic
def plan_anew(push: Push, *, acting_user: User, now: datetime) -> Push:
    """Discard a push and draw up another of the same pool, day and projects."""
    row = discard_push(push, acting_user=acting_user, now=now)
    return start_push(
        row.pool,
        row.day,
        projects=list(row.projects.all()),
        beyond_limit=row.beyond_limit,
        acting_user=acting_user,
        now=now,
    )


__all__ = ["discard_push", "draw_up", "plan_anew", "start_push", "why_of"]
