"""Editing a draft by hand: who else could have a task, at what cost, and moving it there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import NotFound
from routing.choices import Harm, PushState, PushWhy
from routing.core.gates import GATES
from routing.core.push_cohorts import HAIR
from routing.errors import LimitReached, NotEligible, PushOver, TaskTaken
from routing.models import Push, PushLine
from routing.services.push_reading import Shift, read_shift
from routing.services.push_steps import MANAGE, locked_push
from routing.services.pushing import why_of
from workforce.models import Annotator, Pool


@dataclass(frozen=True)
class Choice:
    """Somebody who could have a task of a draft.

    load : hours that the draft gives them otherwise, of `hours`; more : what the draft then costs
        more, None = they cannot have it
    why, gate : what is in the way, see PushLine
    """

    annotator: Annotator
    hours: float
    load: float
    effort_seconds: float
    cost: float
    more: float | None
    why: str
    gate: int


@dataclass
class _Load:
    """What a draft gives one person otherwise."""

    hours: float = 0.0
    tasks: int = 0
    of_project: int = 0
    harm_hours: float = 0.0


def choices_for(line: PushLine, *, acting_user: User, now: datetime) -> list[Choice]:
    """Return everybody of the pool with what giving them the task would cost, the cheapest first.

    Those who cannot have it come last, with the reason.
    """
    require(acting_user, MANAGE)
    shift, push = _read(line, now)
    if not shift.offers:
        return []
    loads = _loads(push, line)
    found = [_choice(shift, push, line, row, loads) for row in range(len(shift.members))]
    return sorted(found, key=lambda one: (one.more is None, one.more or 0.0, one.annotator.name))


@transaction.atomic
def move_line(
    line: PushLine, annotator: Annotator | None, *, acting_user: User, now: datetime
) -> PushLine:
    """Give a task of a draft to somebody else, or take it out (None); twice changes nothing.

    Raises
    ------
    NotEligible, TaskTaken, LimitReached
        If a gate, the person's past, their hours or limits are in the way.
    NotFound
        If the task is not free any more, or nobody of this pool is meant.
    PushOver
        If the push is no draft.
    """
    require(acting_user, MANAGE)
    push = locked_push(line.push)
    if push.state != PushState.DRAFT:
        raise PushOver(state=PushState(push.state).label)
    row = PushLine.objects.select_related("task", "annotator").get(pk=line.pk)
    if annotator is None:
        if row.annotator_id is None and row.why == PushWhy.TAKEN_OUT:
            return row
        values: dict[str, Any] = {"annotator": None, "effort_seconds": 0.0, "cost": 0.0}
        return _change(row, push, values, PushWhy.TAKEN_OUT, acting_user, now)
    if row.annotator_id == annotator.pk:
        return row
    choice = _allowed(row, annotator, now)
    values = {
        "annotator": annotator,
        "effort_seconds": choice.effort_seconds,
        "cost": choice.cost,
    }
    return _change(row, push, values, "", acting_user, now)


def _allowed(row: PushLine, annotator: Annotator, now: datetime) -> Choice:
    """Return what giving the task to somebody means, or refuse."""
    shift, push = _read(row, now)
    if not shift.offers:
        raise NotFound(what=_("free task"))
    numbers = {member.annotator.pk: number for number, member in enumerate(shift.members)}
    if annotator.pk not in numbers:
        raise NotFound(what=_("annotator of this pool who may work"))
    choice = _choice(shift, push, row, numbers[annotator.pk], _loads(push, row))
    if choice.why == PushWhy.HAD:
        raise TaskTaken
    if choice.why in (PushWhy.HOURS, PushWhy.LIMIT):
        raise LimitReached(limit=PushWhy(choice.why).label)
    if choice.why:
        gate = GATES[choice.gate][0] if choice.gate else PushWhy(choice.why).label
        raise NotEligible(annotator=annotator.name, task=row.task.external_id, gate=_(str(gate)))
    return choice


def _change(
    row: PushLine, push: Push, values: dict[str, Any], why: str, acting_user: User, now: datetime
) -> PushLine:
    before = row.annotator
    for name, value in {**values, "why": why, "gate": 0, "edited": True}.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "why", "gate", "edited"])
    record_event(
        "push.edited",
        acting_user=acting_user,
        now=now,
        subject="push",
        subject_id=push.public_id,
        task=str(row.task.public_id),
        before=None if before is None else str(before.public_id),
        after=None if row.annotator is None else str(row.annotator.public_id),
    )
    return row


def _read(line: PushLine, now: datetime) -> tuple[Shift, Push]:
    push = line.push
    pool = Pool.objects.select_related("vendor").get(pk=push.pool_id)
    return read_shift(pool, push.day, task_ids=[line.task_id], now=now), push


def _loads(push: Push, line: PushLine) -> dict[int, _Load]:
    """Return what the draft gives each person otherwise, by annotator id."""
    project = line.task.project_id
    rows = (
        push.lines.filter(annotator__isnull=False)
        .exclude(pk=line.pk)
        .values_list("annotator_id")
        .annotate(
            seconds=Sum("effort_seconds"),
            n=Count("pk"),
            same=Count("pk", filter=Q(task__project_id=project)),
            harm=Sum("effort_seconds", filter=~Q(task__harm=Harm.NONE), default=0.0),
        )
        .order_by()
    )
    return {pk: _Load(s / 3600, n, same, harm / 3600) for pk, s, n, same, harm in rows}


def _choice(shift: Shift, push: Push, line: PushLine, row: int, loads: dict[int, _Load]) -> Choice:
    annotator = shift.members[row].annotator
    load = loads.get(annotator.pk, _Load())
    hours, cost = float(shift.hours[row, 0]), float(shift.cost[row, 0])
    why, gate = why_of(int(shift.code[row, 0]))
    harmful = shift.offers[0].harm != Harm.NONE
    if not why and load.hours + hours > shift.capacity[row] + HAIR:
        why = PushWhy.HOURS
    full = load.tasks + 1 > shift.answers[row]
    full |= not push.beyond_limit and load.of_project + 1 > shift.left[row, 0]
    full |= harmful and load.harm_hours + hours > shift.harm_hours[row] + HAIR
    if not why and full:
        why = PushWhy.LIMIT
    before = line.cost if line.annotator_id is not None else 0.0
    more = None if why else cost - before
    return Choice(
        annotator, float(shift.capacity[row]), load.hours, hours * 3600, cost, more, why, gate
    )


__all__ = ["Choice", "choices_for", "move_line"]
