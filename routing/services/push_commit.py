"""Committing a push: its lines become reserved assignments, every gate asked again.

Under the locks of claims: the human beings, then the seats of the projects. What does not pass any
more is told at its line, and either the rest is given or nothing is, as was asked. Reserved work
stays reserved until its annotator's day of work ends. Gold is mixed in as into claims, beside the
lines: whoever is only ever given work is measured too.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from audit.services.events import digest_of, record_event
from common.errors import Invalid
from common.time import local_date
from routing import seams
from routing.choices import AssignmentState, Harm, Purpose, PushState, PushWhy
from routing.core.push_cohorts import HAIR
from routing.errors import PushOver, PushRefused
from routing.models import Assignment, Placement, Push, PushLine, Task
from routing.services.locks import hold_humans, hold_seats
from routing.services.picking import TASK_FIELDS
from routing.services.push_reading import WANTED, Offer, Shift, read_shift
from routing.services.push_steps import MANAGE, locked_push, take_push_step
from routing.services.pushing import why_of
from routing.services.reserving import Given, Holder, reserve
from routing.services.rules_now import ProjectRules
from routing.services.standings import Member
from workforce.models import Annotator, Pool

GRACE_HOURS = 0.25  # a plan is committed some minutes after it was made


@dataclass(frozen=True)
class Committed:
    """What committing gave, and how many lines passed no more, by PushWhy."""

    push: Push
    given: int
    passed: Mapping[str, int]


@transaction.atomic
def commit_push(
    push: Push, *, all_or_nothing: bool = False, acting_user: User, now: datetime
) -> Committed:
    """Give a draft's tasks to their people; committing twice gives nothing more.

    Raises
    ------
    PushOver
        If it is no draft, or somebody else has committed it.
    PushRefused
        If some lines pass no more and all or nothing was asked for; nothing is given.
    Invalid
        If its day has not begun, or is over.
    """
    require(acting_user, MANAGE)
    row = locked_push(push)
    if row.state == PushState.COMMITTED and row.committed_by_id == acting_user.pk:
        return _as_committed(row)
    if row.state != PushState.DRAFT:
        raise PushOver(state=PushState(row.state).label)
    if row.day != local_date(now, settings.OPERATION_TIME_ZONE):
        raise Invalid(
            _("A push is committed on its day, %(day)s.") % {"day": row.day.isoformat()},
            field="day",
            rule="today",
        )
    lines = list(row.lines.filter(annotator__isnull=False).order_by("rank"))
    _hold(lines)
    pool = Pool.objects.select_related("vendor").get(pk=row.pool_id)
    shift = read_shift(pool, row.day, task_ids=[line.task_id for line in lines], now=now)
    passing, failing = _asked_again(row, shift, lines, _locked(shift))
    if failing and all_or_nothing:
        reasons = Counter(why for _line, (why, _gate) in failing)
        words = ", ".join(f"{n} × {PushWhy(why).label}" for why, n in sorted(reasons.items()))
        raise PushRefused(passed=len(failing), lines=len(lines), reasons=words)
    for line, (why, gate) in failing:
        line.why, line.gate = why, gate
    PushLine.objects.bulk_update([line for line, _why in failing], ["why", "gate"], batch_size=500)
    made = _give(shift, passing, acting_user, now)
    _tie(row, now)
    take_push_step(
        row,
        PushState.COMMITTED,
        acting_user=acting_user,
        now=now,
        committed_by=acting_user,
        committed_at=now,
    )
    record_event(
        "push.committed",
        acting_user=acting_user,
        now=now,
        subject="push",
        subject_id=row.public_id,
        given=len(passing),
        passed=len(failing),
        digest=digest_of(made),
    )
    return _as_committed(row)


def commit_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Commit a large push as a job."""
    progress(_("giving"), 0, 2)
    with transaction.atomic():
        push = Push.objects.get(public_id=arguments["push"])
        found = commit_push(
            push, all_or_nothing=arguments["all_or_nothing"], acting_user=user, now=now
        )
        progress(_("given"), 2, 2)
    return {
        "push": str(push.public_id),
        "given": found.given,
        "passed": sum(found.passed.values()),
    }


def _as_committed(row: Push) -> Committed:
    given = row.lines.filter(assignment__isnull=False).count()
    rest = row.lines.filter(assignment__isnull=True, annotator__isnull=False)
    return Committed(row, given, Counter(rest.values_list("why", flat=True)))


def _hold(lines: Sequence[PushLine]) -> None:
    """Take the locks of claims for all people and projects of a push, before anything is read."""
    people = Annotator.objects.filter(pk__in={line.annotator_id for line in lines})
    hold_humans(person or -pk for pk, person in people.values_list("pk", "person_id"))
    tasks = Task.objects.filter(pk__in=[line.task_id for line in lines])
    hold_seats(tasks.order_by().values_list("project_id", flat=True).distinct())


def _locked(shift: Shift) -> dict[int, Task]:
    """Lock the seats and tasks of a shift, and return the tasks that are still free, by id."""
    seats = (
        Placement.objects.select_for_update(no_key=True)
        .filter(pk__in=[one.placement_id for one in shift.offers], taken__lt=F("opened"))
        .order_by("pk")
    )
    free = set(seats.values_list("task_id", flat=True))
    tasks = Task.objects.select_for_update(no_key=True).filter(pk__in=free, state__in=WANTED)
    return {task.pk: task for task in tasks.only(*TASK_FIELDS).order_by("pk")}


_Passing = dict[int, list[tuple[PushLine, Offer, Task, float]]]


def _asked_again(
    push: Push, shift: Shift, lines: Sequence[PushLine], free: Mapping[int, Task]
) -> tuple[_Passing, list[tuple[PushLine, tuple[str, int]]]]:
    """Return what still passes, by row of the person, and the other lines with why they do not."""
    column = {one.task_id: number for number, one in enumerate(shift.offers)}
    row_of = {member.annotator.pk: row for row, member in enumerate(shift.members)}
    room = shift.limits(beyond_limit=push.beyond_limit)
    hours, count = np.zeros(len(shift.members)), np.zeros(len(shift.members))
    in_hand, harm = np.zeros(room.left.shape), np.zeros(len(shift.members))
    passing: _Passing = defaultdict(list)
    failing = []
    for line in lines:
        row, number = row_of.get(line.annotator_id or 0), column.get(line.task_id)
        if number is None or line.task_id not in free:
            failing.append((line, (str(PushWhy.GONE), 0)))
            continue
        if row is None:
            failing.append((line, (str(PushWhy.GATE), 0)))
            continue
        why, gate = why_of(int(shift.code[row, number]))
        effort, g = float(shift.hours[row, number]), int(room.group[number])
        bad = bool(room.harmful[number])
        if not why and hours[row] + effort > shift.capacity[row] + GRACE_HOURS:
            why = PushWhy.HOURS
        full = count[row] + 1 > room.answers[row] or in_hand[row, g] + 1 > room.left[row, g]
        full = full or (bad and harm[row] + effort > room.harm_hours[row] + HAIR)
        if not why and full:
            why = PushWhy.LIMIT
        if why:
            failing.append((line, (str(why), gate)))
            continue
        hours[row] += effort
        count[row] += 1
        in_hand[row, g] += 1
        harm[row] += effort if bad else 0.0
        passing[row].append((line, shift.offers[number], free[line.task_id], effort))
    return passing, failing


def _give(shift: Shift, passing: _Passing, acting_user: User, now: datetime) -> list[Any]:
    """Reserve what passes, person by person; returns the public ids of the assignments."""
    made = []
    for row, lines in sorted(passing.items()):
        member = shift.members[row]
        given = [_given(member, one, task, effort, now) for _line, one, task, effort in lines]
        room = float(shift.answers[row]) - len(given)
        harm = float(shift.harm_hours[row])
        harm -= sum(e for _l, one, _t, e in lines if one.harm != Harm.NONE)
        given += _mixed(member, lines, given, room, harm, now)
        holder = Holder(
            annotator_id=member.annotator.pk,
            annotator_public_id=member.annotator.public_id,
            human=member.who.human,
            pool_id=member.who.pool_id,
            assigned_by=acting_user.pk,
            day=local_date(now, settings.OPERATION_TIME_ZONE),
        )
        rows = reserve(given, holder, acting_user=acting_user, now=now)
        made += [assignment.public_id for assignment in rows]
    return made


def _given(member: Member, one: Offer, task: Task, effort: float, now: datetime) -> Given:
    rules = member.who.projects[one.project_id]
    return Given(
        task=task,
        purpose=Purpose.LABEL,
        decision_id=one.decision_id,
        guideline_id=rules.guideline_id or task.guideline_id,
        effort_seconds=effort * 3600,
        lease_minutes=_lease(member, rules, now),
        placement_id=one.placement_id,
    )


def _lease(member: Member, rules: ProjectRules, now: datetime) -> int:
    """Return minutes until the person's day of work ends, and no less than the project's lease."""
    if member.until is None:
        return rules.lease_minutes
    left = member.until - now
    return max(-(-left // timedelta(minutes=1)), rules.lease_minutes)


def _mixed(
    member: Member,
    lines: Sequence[tuple[PushLine, Offer, Task, float]],
    given: Sequence[Given],
    room: float,
    harm_hours: float,
    now: datetime,
) -> list[Given]:
    """Return what is mixed in beside a person's tasks, each looking like the one it stands beside.

    It takes no seat, and no more than the caps of the day leave; plan hours are net of gold.
    """
    source = seams.mix.get()
    chance = source.wanted(annotator_id=member.annotator.pk, facts=member.who.version, at=now)
    found: list[Given] = []
    for (_line, one, task, effort), beside in zip(lines, given, strict=True):
        harmful = one.harm != Harm.NONE
        luck = random.random()
        if luck >= chance or room < 1:
            continue
        if harmful and effort > harm_hours + HAIR:
            continue
        mixed = source.pick(
            annotator_id=member.annotator.pk,
            luck=luck,
            humans=member.who.humans,
            project_id=one.project_id,
            task_type_id=task.task_type_id,
            besides=[other.task.pk for other in (*given, *found)],
            at=now,
        )
        if mixed is None:
            continue
        found.append(
            Given(
                task=Task.objects.only(*TASK_FIELDS).get(pk=mixed.task_id),
                purpose=mixed.purpose,
                decision_id=beside.decision_id,
                guideline_id=beside.guideline_id,
                effort_seconds=beside.effort_seconds,
                lease_minutes=beside.lease_minutes,
            )
        )
        room -= 1
        harm_hours -= effort if harmful else 0.0
    return found


def _tie(push: Push, now: datetime) -> None:
    """Name at each line the assignment that was made of it."""
    mine = Assignment.objects.filter(
        task_id=OuterRef("task_id"),
        annotator_id=OuterRef("annotator_id"),
        purpose=Purpose.LABEL,
        state=AssignmentState.RESERVED,
        reserved_at=now,
        push_line__isnull=True,
    )
    push.lines.filter(annotator__isnull=False, why="").update(
        assignment=Subquery(mine.values("pk")[:1])
    )


__all__ = ["Committed", "commit_job", "commit_push"]
