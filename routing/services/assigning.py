"""Assigning by hand: a person who manages the work gives tasks to somebody, or moves them there.

What a claim asks is asked here: every gate, seats, what the human being had, their limits. A task
that does not pass is told with its reason, and the others are given.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from common.errors import AppError, Invalid
from common.time import local_date
from routing.choices import (
    LIVE_ASSIGNMENTS,
    SEATED_ASSIGNMENTS,
    AssignmentState,
    Purpose,
    ReworkTo,
    TaskState,
)
from routing.core.gates import GATES
from routing.models import Assignment, Placement, Task
from routing.services.assignments import MANAGE, end_many
from routing.services.claiming import Limits, Stale, look
from routing.services.eligibility import Eligibility
from routing.services.locks import hold_seats
from routing.services.picking import TASK_FIELDS
from routing.services.reserving import Given, Holder, reserve
from routing.services.seats import in_force
from workforce.models import Annotator

MOST = 500  # tasks that are given at one time
WANTED = (TaskState.OPEN, TaskState.HELD, TaskState.REWORK)
HAD = (*SEATED_ASSIGNMENTS, AssignmentState.SKIPPED)


@dataclass(frozen=True)
class Assigned:
    """What was given, and what was not, with the reason for people to read."""

    made: list[Assignment] = field(default_factory=list)
    refused: list[tuple[Task, str]] = field(default_factory=list)


def assign_tasks(
    tasks: Iterable[Task],
    annotator: Annotator,
    *,
    beyond_limit: bool = False,
    acting_user: User,
    now: datetime,
) -> Assigned:
    """Reserve tasks for somebody; each that does not pass is told with its reason.

    Parameters
    ----------
    beyond_limit : give more than the projects' limits of tasks in hand; caps of a day hold

    Raises
    ------
    Invalid
        If there are more than MOST.
    """
    require(acting_user, MANAGE)
    ids = list(dict.fromkeys(task.pk for task in tasks))
    _check_count(len(ids))
    while True:
        with suppress(Stale), transaction.atomic():
            return _assign(ids, annotator, beyond_limit, acting_user, now)


def reassign(
    assignments: Iterable[Assignment],
    annotator: Annotator,
    *,
    reason: str,
    beyond_limit: bool = False,
    acting_user: User,
    now: datetime,
) -> Assigned:
    """Move tasks that others have in hand to somebody.

    Each is withdrawn and reserved anew in one transaction; one that cannot be given stays where it
    is. Moved to who has it, it stays as it is.

    Raises
    ------
    Invalid
        If no reason is given, or there are more than MOST.
    """
    require(acting_user, MANAGE)
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
    ids = list(dict.fromkeys(row.pk for row in assignments))
    _check_count(len(ids))
    while True:
        with suppress(Stale), transaction.atomic():
            return _reassign(ids, annotator, reason, beyond_limit, acting_user, now)


def _check_count(count: int) -> None:
    if count > MOST:
        raise Invalid(
            _("At most %(most)s tasks are given at one time.") % {"most": MOST},
            field="tasks",
            rule="count",
        )


class _Giving:
    """One person who is given tasks, under the locks of a claim."""

    def __init__(
        self, annotator: Annotator, beyond_limit: bool, acting_user: User, now: datetime
    ) -> None:
        self.annotator, self.acting_user, self.now = annotator, acting_user, now
        self.day = local_date(now, settings.OPERATION_TIME_ZONE)
        self.who, reads = look(annotator.pk, self.day, now)
        self.found = Assigned()
        self.limits, self.shut = None, ""
        if not self.who.may_work:
            self.shut = _("%(person)s may not work now") % {"person": annotator.name}
            return
        try:
            self.limits = Limits.of(self.who, reads)
        except AppError as error:
            self.shut = str(error)
            return
        if beyond_limit:
            self.limits.left = {}

    def hold(self, task_ids: Sequence[int]) -> tuple[dict[int, Placement], dict[int, Task]]:
        """Lock the seats of tasks, then the tasks; return both by the task's id."""
        projects = Task.objects.filter(pk__in=task_ids).order_by()
        hold_seats(projects.values_list("project_id", flat=True).distinct())
        seats = in_force(task_ids).select_for_update(no_key=True).order_by("pk")
        placed = {row.task_id: row for row in seats}
        rows = Task.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=task_ids)
        return placed, {row.pk: row for row in rows.select_related("project").order_by("pk")}

    def why_not(self, task: Task, seat: Placement | None, had: set[int], harm: float) -> str:
        """Return what is in the way, "" = nothing; takes it off the limits then."""
        if self.shut or self.limits is None:
            return self.shut
        if task.state not in WANTED:
            return _("it is %(state)s") % {"state": task.get_state_display()}
        if seat is None or seat.pool_id != self.who.pool_id:
            return _("it is not placed with the pool of %(person)s") % {
                "person": self.annotator.name
            }
        if seat.taken >= seat.opened:
            return _("no seat of it is free")
        gate = _gate(self.who, seat)
        if gate:
            return gate
        if task.pk in had:
            return _("%(person)s has or had it") % {"person": self.annotator.name}
        if len(self.found.made) >= self.limits.most:
            return _("the limit of answers a day is reached")
        if not self.limits.allow(task.project_id, harm):
            return _("the limit of tasks in hand, or of harmful content, is reached")
        return ""

    def give(self, task: Task, seat: Placement) -> None:
        """Reserve a task that passes."""
        rules = self.who.projects[task.project_id]
        own = self.acting_user.pk == self.annotator.user_id
        self.found.made.extend(
            reserve(
                [
                    Given(
                        task=task,
                        purpose=Purpose.LABEL,
                        decision_id=seat.decision_id,
                        guideline_id=rules.guideline_id or task.guideline_id,
                        effort_seconds=self.who.effort_seconds(seat.decision_id),
                        lease_minutes=rules.lease_minutes,
                        placement_id=seat.pk,
                    )
                ],
                Holder(
                    annotator_id=self.annotator.pk,
                    annotator_public_id=self.annotator.public_id,
                    human=self.who.human,
                    pool_id=self.who.pool_id,
                    assigned_by=None if own else self.acting_user.pk,
                    day=self.day,
                ),
                acting_user=self.acting_user,
                now=self.now,
            )
        )

    def had(self, tasks: Iterable[Task]) -> set[int]:
        """Return which tasks this human being has or had, in the attempt at hand."""
        rows = Assignment.objects.filter(
            task__in=[task.pk for task in tasks], human__in=self.who.humans
        )
        found = set(
            rows.filter(attempt=F("task__attempt"), state__in=HAD).values_list("task_id", flat=True)
        )
        # What a review rejected goes to somebody else, where the project says so.
        anew = [t.pk for t in tasks if t.state == TaskState.REWORK]
        found |= set(
            rows.filter(
                task__in=anew,
                task__project__rework_to=ReworkTo.OTHERS,
                purpose=Purpose.LABEL,
                state=AssignmentState.SUBMITTED,
            ).values_list("task_id", flat=True)
        )
        return found

    def harm_of(self, seat: Placement | None) -> float:
        """Return seconds of harmful content of a task."""
        return 0.0 if seat is None else self.who.harmful_efforts.get(seat.decision_id, 0.0)


def _gate(who: Eligibility, seat: Placement) -> str:
    """Return the gate that shuts a placement to somebody, in words; "" = none."""
    code = who.shut.get(seat.decision_id)
    if code is not None:
        return _("gate: %(gate)s") % {"gate": _(str(GATES[code][0]))}
    if who.kind(seat.decision_id) is None:
        return _("its rules have changed: it is placed anew by the next run")
    own = {(group.run_id, group.crew) for group in who.own}
    if seat.decision_id in who.above and (seat.run_id, seat.crew) not in own:
        return _("it was placed on people who are right more often")
    return ""


def _assign(
    ids: Sequence[int],
    annotator: Annotator,
    beyond_limit: bool,
    acting_user: User,
    now: datetime,
) -> Assigned:
    giving = _Giving(annotator, beyond_limit, acting_user, now)
    seats, tasks = giving.hold(ids)
    had = giving.had(tasks.values())
    for pk in ids:
        task = tasks.get(pk)
        if task is None:
            continue
        seat = seats.get(pk)
        why = giving.why_not(task, seat, had, giving.harm_of(seat))
        if why or seat is None:
            giving.found.refused.append((task, why))
        else:
            giving.give(task, seat)
    return giving.found


def _reassign(
    ids: Sequence[int],
    annotator: Annotator,
    reason: str,
    beyond_limit: bool,
    acting_user: User,
    now: datetime,
) -> Assigned:
    giving = _Giving(annotator, beyond_limit, acting_user, now)
    of = Assignment.objects.filter(pk__in=ids)
    hold_seats(of.order_by().values_list("task__project_id", flat=True).distinct())
    rows = list(
        of.select_related("task").order_by("pk").select_for_update(no_key=True, of=("self",))
    )
    seats, tasks = giving.hold([row.task_id for row in rows])
    had = giving.had(tasks.values())
    for row in rows:
        task, seat = tasks[row.task_id], seats.get(row.task_id)
        if row.annotator_id == annotator.pk and row.state in LIVE_ASSIGNMENTS:
            continue
        why = _stays(row) or _moved(giving, row, task, seat, had)
        if why or seat is None:
            giving.found.refused.append((task, why))
            continue
        end_many([row], AssignmentState.WITHDRAWN, reason=reason, acting_user=acting_user, now=now)
        # As it is now: its seat is free, and it is open where nobody else holds it.
        now_held = Task.objects.only(*TASK_FIELDS).get(pk=task.pk)
        giving.give(now_held, seat)
    return giving.found


def _stays(row: Assignment) -> str:
    """Return why an assignment cannot be moved at all."""
    if row.state not in LIVE_ASSIGNMENTS:
        return _("it is not in hand any more: %(state)s") % {"state": row.get_state_display()}
    if row.purpose != Purpose.LABEL:
        return _("only labelling can be given to somebody else")
    return ""


def _moved(
    giving: _Giving, row: Assignment, task: Task, seat: Placement | None, had: set[int]
) -> str:
    """Return why a task cannot go to the person, whose seat is the one that becomes free."""
    if seat is not None and row.attempt == task.attempt and seat.taken > 0:
        seat.taken -= 1
        why = giving.why_not(task, seat, had, giving.harm_of(seat))
        seat.taken += 1
        return why
    return giving.why_not(task, seat, had, giving.harm_of(seat))


__all__ = ["MOST", "Assigned", "assign_tasks", "reassign"]
