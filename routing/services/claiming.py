"""Claims: an annotator takes the most urgent tasks that every gate and limit lets them have now.

A claim holds the human being's lock, so that limits hold over all their accounts, and the seats of
the projects that serve them, so that no run takes effect meanwhile. Then it reads the version of
the facts: what the process knows of the annotator either stands on it or is worked out anew.
"""

import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import NotFound
from common.time import local_date
from routing import seams
from routing.choices import SEATED_ASSIGNMENTS, Purpose
from routing.errors import LimitReached, TaskTaken
from routing.models import Assignment, Decision, Task
from routing.services.assignments import check_worker, expire_for
from routing.services.claiming_at_once import claim_at_once
from routing.services.eligibility import Eligibility, eligibility, facts_version, kept
from routing.services.locks import hold_human, hold_seats
from routing.services.picking import TASK_FIELDS, Picked, Range, Reads, pick, ranges, read
from routing.services.reserving import Given, Holder, reserve
from workforce.models import Annotator

MOST = 100  # tasks of one claim


class Stale(Exception):
    """What the process knew does not stand any more: locks are to be taken anew, in their order."""


def claim(
    annotator: Annotator, *, count: int = 1, acting_user: User, now: datetime
) -> list[Assignment]:
    """Take up to `count` tasks for an annotator, the most urgent first; [] if there is nothing.

    Own crew's of today or earlier first, then those of other crews of the pool, then later days.

    Raises
    ------
    LimitReached
        If a limit stands in the way of any: tasks in hand, answers a day, a model's rate.
    NotYours, Forbidden
        If the user may not act for the annotator.
    """
    check_worker(annotator.user_id, acting_user)
    count = min(max(count, 1), MOST)
    day = local_date(now, settings.OPERATION_TIME_ZONE)
    # Which of them are to be mixed in is drawn before anything is known of the work at hand.
    drawn = _draw(annotator.pk, count, now)
    made = claim_at_once(annotator, drawn, day, acting_user, now)
    if made is not None:
        return made
    while True:
        with suppress(Stale), transaction.atomic():
            return _claim(annotator, drawn, day, acting_user, now)


def _draw(annotator_id: int, count: int, now: datetime) -> list[float | None]:
    """Return for each task of a claim whether something may be mixed in in its place.

    None, or luck below the highest chance of any skill, which the chance of its skill thins.
    """
    who = kept(annotator_id)
    version = who.version if who is not None else 0
    chance = seams.mix.get().wanted(annotator_id=annotator_id, facts=version, at=now)
    drawn = [random.random() for _ in range(count)]
    return [luck if luck < chance else None for luck in drawn]


def _claim(
    annotator: Annotator, drawn: Sequence[float | None], day: date, acting_user: User, now: datetime
) -> list[Assignment]:
    """Claim by as many statements as it needs."""
    who, reads = look(annotator.pk, day, now)
    if reads.overdue:
        expire_for(who.held, now=now)
    limits = Limits.of(who, reads)
    found = _find(who, limits, min(len(drawn), limits.most), day)
    if not found and limits.full:
        raise LimitReached(limit=_("tasks in hand"))
    given = _mixed(who, found, drawn, now)
    own = acting_user.pk == annotator.user_id
    holder = Holder(
        annotator_id=annotator.pk,
        annotator_public_id=annotator.public_id,
        human=who.human,
        pool_id=who.pool_id,
        assigned_by=None if own else acting_user.pk,
        day=day,
    )
    return reserve(given, holder, acting_user=acting_user, now=now)


def look(annotator_id: int, day: date, now: datetime) -> tuple[Eligibility, Reads]:
    """Return what an annotator may have and what limits read, under the locks of a claim.

    Raises
    ------
    Stale
        If it was not what the locks were taken for: the caller begins anew.
    """
    who = kept(annotator_id)
    if who is None:
        who = eligibility(annotator_id, version=facts_version(), now=now)
    hold_human(who.human)
    hold_seats(who.held)
    reads = read(who, day, now)
    known, who = who, eligibility(annotator_id, version=reads.version, now=now)
    # Locks and limits must be those of the same human and the same projects.
    if who is not known and _read_for(who) != _read_for(known):
        raise Stale
    return who, reads


def _read_for(who: Eligibility) -> tuple[object, ...]:
    return who.humans, who.accounts, who.held, who.daily_cap is None, bool(who.harmful_efforts)


@dataclass
class Limits:
    """What an annotator may still take; it falls as tasks are found.

    left : tasks in hand by project, empty = no limit; harm_seconds : None = no cap
    """

    most: int
    left: dict[int, int] = field(default_factory=dict)
    harm_seconds: float | None = None

    @classmethod
    def of(cls, who: Eligibility, reads: Reads) -> "Limits":
        """Return what is left, or refuse.

        Raises
        ------
        LimitReached
            If nothing may be taken today, or this hour.
        """
        most = MOST
        if who.daily_cap is not None:
            most = min(most, who.daily_cap - reads.day_count)
            if most <= 0:
                raise LimitReached(limit=_("answers a day"))
        if who.rate_limit is not None:
            most = min(most, who.rate_limit - reads.hour_count)
            if most <= 0:
                raise LimitReached(limit=_("answers an hour"))
            # A model's tasks in hand are those of the hour.
            return cls(most)
        left = {pk: who.projects[pk].in_progress_limit - reads.live.get(pk, 0) for pk in who.held}
        harm = None
        if who.exposure_seconds is not None and who.harmful_efforts:
            harm = who.exposure_seconds - reads.harm_seconds
        return cls(most, left, harm)

    @property
    def full(self) -> list[int]:
        """Projects of which no more may be in hand."""
        return [pk for pk, left in self.left.items() if left <= 0]

    def too_harmful(self, efforts: Mapping[int, float]) -> list[int]:
        """Return the decisions about harmful content of which a task would be too much today."""
        if self.harm_seconds is None:
            return []
        return [pk for pk, seconds in efforts.items() if seconds > self.harm_seconds]

    def allow(self, project_id: int, harm_seconds: float) -> bool:
        """Take one task of a project off what is left, if there is room for it."""
        if self.left and self.left.get(project_id, 0) <= 0:
            return False
        if harm_seconds and self.harm_seconds is not None:
            if harm_seconds > self.harm_seconds:
                return False
            self.harm_seconds -= harm_seconds
        if self.left:
            self.left[project_id] -= 1
        return True


def _find(who: Eligibility, limits: Limits, count: int, day: date) -> list[Picked]:
    """Return the placements to be taken, stage by stage."""
    stages = (
        (ranges(who.own, day, later=False), False),
        (ranges(who.others, day, later=False), True),
        (ranges(who.own, day, later=True), False),
        (ranges(who.others, day, later=True), True),
    )
    found: list[Picked] = []
    for wanted, others in stages:
        while wanted and len(found) < count:
            rows = _round(who, wanted, limits, count - len(found), others, found)
            found += rows
            if not rows:
                break
    return found


def _round(
    who: Eligibility,
    wanted: list[Range],
    limits: Limits,
    count: int,
    others: bool,
    found: list[Picked],
) -> list[Picked]:
    """Pick once; what is found already stays untouched until it is written."""
    shut = [*who.shut, *limits.too_harmful(who.harmful_efforts)]
    if others:
        shut += who.above
    had = [row.placement_id for row in found]
    rows = pick(who, wanted, count=count, shut=shut, full=limits.full, had=had)
    return [
        row
        for row in rows
        if limits.allow(row.task.project_id, who.harmful_efforts.get(row.decision_id, 0.0))
    ]


def _mixed(
    who: Eligibility, found: list[Picked], drawn: Sequence[float | None], now: datetime
) -> list[Given]:
    """Return what is given: the placements found, some of them replaced by what is mixed in.

    It stands beside ordinary work and looks like it: of the same project and type, with the same
    decision, effort and lease. The seat of what it replaces stays free.
    """
    source = seams.mix.get()
    given: list[Given] = []
    # Fewer may be found than were drawn for.
    for row, luck in zip(found, drawn, strict=False):
        rules = who.projects[row.task.project_id]
        one = Given(
            task=row.task,
            purpose=Purpose.LABEL,
            decision_id=row.decision_id,
            guideline_id=rules.guideline_id or row.task.guideline_id,
            effort_seconds=who.effort_seconds(row.decision_id),
            lease_minutes=rules.lease_minutes,
            placement_id=row.placement_id,
        )
        mixed = None
        if luck is not None:
            mixed = source.pick(
                annotator_id=who.annotator_id,
                luck=luck,
                humans=who.humans,
                project_id=row.task.project_id,
                task_type_id=row.task.task_type_id,
                besides=[other.task.pk for other in given],
                at=now,
            )
        given.append(one if mixed is None else _in_place_of(one, mixed))
    return given


def _in_place_of(one: Given, mixed: seams.Mixed) -> Given:
    task = Task.objects.only(*TASK_FIELDS).get(pk=mixed.task_id)
    return replace(one, task=task, purpose=mixed.purpose, placement_id=None)


def take(
    annotator: Annotator,
    task: Task,
    *,
    purpose: str,
    effort_seconds: float = 0.0,
    decision: Decision | None = None,
    lease_minutes: int | None = None,
    acting_user: User,
    now: datetime,
) -> Assignment:
    """Take one task for a purpose that needs no seat: review, adjudication, qualification, gold.

    The caller is quality, which has chosen the task and tells in its own event what it is for.

    Raises
    ------
    TaskTaken
        If the human being has or had this task in its present attempt: nobody reviews a task they
        answered.
    LimitReached
        If no more answers are allowed today, or this hour.
    NotFound
        If the annotator may not work now.
    """
    if purpose == Purpose.LABEL:
        raise ValueError("labels are claimed or assigned: they take a seat")
    check_worker(annotator.user_id, acting_user)
    given = Given(
        task=task,
        purpose=purpose,
        decision_id=decision.pk if decision is not None else None,
        guideline_id=task.guideline_id,
        effort_seconds=effort_seconds,
        lease_minutes=lease_minutes or task.project.lease_minutes,
    )
    while True:
        with suppress(Stale), transaction.atomic():
            return _take(annotator, given, acting_user, now)


def _take(annotator: Annotator, given: Given, acting_user: User, now: datetime) -> Assignment:
    day = local_date(now, settings.OPERATION_TIME_ZONE)
    who, reads = look(annotator.pk, day, now)
    if not who.may_work:
        raise NotFound(what=_("task"))
    Limits.of(who, reads)
    had = Assignment.objects.filter(
        task_id=given.task.pk,
        attempt=given.task.attempt,
        human__in=who.humans,
        state__in=SEATED_ASSIGNMENTS,
    )
    if had.exists():
        raise TaskTaken
    holder = Holder(
        annotator_id=annotator.pk,
        annotator_public_id=annotator.public_id,
        human=who.human,
        pool_id=who.pool_id,
        assigned_by=None if acting_user.pk == annotator.user_id else acting_user.pk,
        day=day,
    )
    (made,) = reserve([given], holder, acting_user=acting_user, now=now)
    return made


__all__ = ["Limits", "Stale", "claim", "look", "take"]
