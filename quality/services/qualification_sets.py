"""Making qualification sets: tasks of known answer that ask for a skill, and what gives a level."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.records import save_record
from audit.services.events import digest_of, record_event
from common.errors import Conflict, Invalid
from quality.models import GoldAnswer, QualificationItem, QualificationSet
from routing.choices import TaskState
from routing.models import Task
from workforce.choices import MAX_LEVEL
from workforce.models import Skill

MANAGE = "qualification.manage"
# Work must not come across what a set asks.
OUT_OF_WORK = (TaskState.ANSWERED, TaskState.ACCEPTED)
CHANGEABLE = frozenset({"name", "levels", "size", "tries", "wait_days", "lease_minutes"})


def make_set(
    *,
    skill: Skill,
    name: str,
    levels: Mapping[str, float],
    size: int = 20,
    tries: int = 2,
    wait_days: int = 7,
    lease_minutes: int = 60,
    acting_user: User,
    now: datetime,
) -> QualificationSet:
    """Make a set, not yet in force.

    Parameters
    ----------
    levels : share right from which each level is given, e.g. {"3": 0.8, "4": 0.9}
    size : tasks of a try, 20 or more

    Raises
    ------
    Invalid
        Naming the field that breaks a rule.
    """
    require(acting_user, MANAGE)
    made = QualificationSet(
        skill=skill,
        name=name,
        levels=checked_levels(levels),
        size=size,
        tries=tries,
        wait_days=wait_days,
        lease_minutes=lease_minutes,
        created_at=now,
    )
    return save_record(made, permission=MANAGE, acting_user=acting_user, now=now)


def checked_levels(levels: Mapping[str, float]) -> dict[str, float]:
    """Return levels and their shares in order, or refuse them.

    Raises
    ------
    Invalid
        If there is none, a level is not from 1 to 5, or shares do not rise with the levels.
    """
    try:
        found = {int(level): float(share) for level, share in levels.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise _wrong_levels() from error
    shares = [found[level] for level in sorted(found)]
    if (
        not found
        or not all(1 <= level <= MAX_LEVEL for level in found)
        or not all(0 < share <= 1 for share in shares)
        or any(after <= before for before, after in pairwise(shares))
    ):
        raise _wrong_levels()
    return {str(level): found[level] for level in sorted(found)}


def _wrong_levels() -> Invalid:
    return Invalid(
        _("A level from 1 to 5 has a share right above 0, which rises with the levels."),
        field="levels",
        rule="levels",
    )


@transaction.atomic
def add_tasks(
    asked: QualificationSet, tasks: Sequence[Task], *, acting_user: User, now: datetime
) -> int:
    """Add tasks of known answer to a set; returns how many were not there yet.

    Raises
    ------
    Invalid
        If a task is of another skill, has no gold in force, is still work, or is in another set.
    """
    require(acting_user, MANAGE)
    ids = [task.pk for task in tasks]
    there = dict(QualificationItem.objects.filter(task__in=ids).values_list("task_id", "set_id"))
    gold = set(
        GoldAnswer.objects.filter(task__in=ids, retired_at__isnull=True).values_list(
            "task_id", flat=True
        )
    )
    new = [task for task in tasks if there.get(task.pk) != asked.pk]
    for task in new:
        problem = ""
        if task.pk in there:
            problem = _("it is in another set")
        elif task.task_type.skill_id != asked.skill_id:
            problem = _("it is of another skill")
        elif task.pk not in gold:
            problem = _("it has no gold answer in force")
        elif task.state not in OUT_OF_WORK:
            problem = _("it is still to be worked")
        if problem:
            raise Invalid(
                _("%(task)s cannot be asked: %(problem)s.")
                % {"task": task.external_id, "problem": problem},
                field="tasks",
                rule="askable",
            )
    if not new:
        return 0
    try:
        with transaction.atomic():
            QualificationItem.objects.bulk_create(
                QualificationItem(set=asked, task=task) for task in new
            )
    except IntegrityError as error:
        raise Conflict from error
    record_event(
        "qualification.tasks_added",
        acting_user=acting_user,
        now=now,
        subject="qualification",
        subject_id=asked.public_id,
        count=len(new),
        digest=digest_of(task.public_id for task in new),
    )
    return len(new)


@transaction.atomic
def change_set(
    asked: QualificationSet, values: Mapping[str, object], *, acting_user: User, now: datetime
) -> QualificationSet:
    """Change what a set asks for, before anybody has tried it.

    values : any of name, levels, size, tries, wait_days, lease_minutes

    Raises
    ------
    Conflict
        If it is in force, or was tried: results stand under the set as it was then.
    Invalid
        Naming the field that breaks a rule.
    """
    require(acting_user, MANAGE)
    row = _untried(asked)
    changed = []
    for name, value in values.items():
        if name not in CHANGEABLE:
            raise Invalid(_("This is not changed."), field=name, rule="known")
        new = checked_levels(value) if name == "levels" else value  # type: ignore[arg-type]
        if getattr(row, name) != new:
            setattr(row, name, new)
            changed.append(name)
    if not changed:
        return row
    return save_record(row, permission=MANAGE, changed=changed, acting_user=acting_user, now=now)


def _untried(asked: QualificationSet) -> QualificationSet:
    """Lock a set that may be changed, or refuse."""
    row = QualificationSet.objects.select_for_update(of=("self",)).get(pk=asked.pk)
    if row.is_active:
        raise Conflict(_("The set is in force: take it out of force, or make another one."))
    if row.tried.exists():
        raise Conflict(_("The set was tried: its results stand under it. Make another one."))
    return row


def free_gold(asked: QualificationSet) -> QuerySet[Task]:
    """Return the tasks that may be added to a set: gold of its skill that no set asks."""
    return (
        Task.objects.filter(
            Exists(GoldAnswer.objects.filter(task=OuterRef("pk"), retired_at__isnull=True)),
            task_type__skill=asked.skill_id,
            state__in=OUT_OF_WORK,
            qualification_item__isnull=True,
        )
        .exclude(
            adjudications__why="gold",
            adjudications__decided_at__isnull=True,
            adjudications__cancelled_at__isnull=True,
        )
        .order_by("pk")
    )


@transaction.atomic
def remove_tasks(
    asked: QualificationSet, tasks: Sequence[Task], *, acting_user: User, now: datetime
) -> int:
    """Take tasks out of a set that nobody has tried; returns how many were in it.

    Raises
    ------
    Conflict
        If it is in force, or was tried.
    """
    require(acting_user, MANAGE)
    row = _untried(asked)
    items = QualificationItem.objects.filter(set=row, task__in=[task.pk for task in tasks])
    gone = list(items.values_list("task__public_id", flat=True))
    if not gone:
        return 0
    items.delete()
    record_event(
        "qualification.tasks_removed",
        acting_user=acting_user,
        now=now,
        subject="qualification",
        subject_id=row.public_id,
        count=len(gone),
        digest=digest_of(gone),
    )
    return len(gone)


@transaction.atomic
def put_in_force(asked: QualificationSet, *, acting_user: User, now: datetime) -> QualificationSet:
    """Put a set in force for its skill, in place of the one before. Twice is once.

    Raises
    ------
    Conflict
        If it has fewer tasks in force than its tries together ask.
    """
    require(acting_user, MANAGE)
    row = QualificationSet.objects.select_for_update(of=("self",)).get(pk=asked.pk)
    if row.is_active:
        return row
    usable = askable(row).count()
    if usable < row.size * row.tries:
        raise Conflict(
            _(
                "%(tries)s tries of %(size)s tasks ask for %(wanted)s tasks of known answer; "
                "there are %(usable)s."
            )
            % {
                "tries": row.tries,
                "size": row.size,
                "wanted": row.size * row.tries,
                "usable": usable,
            }
        )
    for before in QualificationSet.objects.filter(skill=row.skill_id, is_active=True):
        _switch(before, False, acting_user=acting_user, now=now)
    return _switch(row, True, acting_user=acting_user, now=now)


@transaction.atomic
def take_out_of_force(
    asked: QualificationSet, *, acting_user: User, now: datetime
) -> QualificationSet:
    """Ask a set no more; tries under way go on. Twice is once."""
    require(acting_user, MANAGE)
    row = QualificationSet.objects.select_for_update(of=("self",)).get(pk=asked.pk)
    return _switch(row, False, acting_user=acting_user, now=now) if row.is_active else row


def _switch(
    row: QualificationSet, on: bool, *, acting_user: User, now: datetime
) -> QualificationSet:
    row.is_active = on
    row._history_user = acting_user  # type: ignore[attr-defined]
    row.save(update_fields=["is_active"])
    record_event(
        "qualification.in_force" if on else "qualification.out_of_force",
        acting_user=acting_user,
        now=now,
        subject="qualification",
        subject_id=row.public_id,
    )
    return row


def askable(asked: QualificationSet) -> QuerySet[Task]:
    """Return the tasks of a set that can be asked: their gold is in force and not in doubt."""
    return (
        Task.objects.filter(
            Exists(GoldAnswer.objects.filter(task=OuterRef("pk"), retired_at__isnull=True)),
            qualification_item__set=asked,
            state__in=OUT_OF_WORK,
        )
        .exclude(
            adjudications__why="gold",
            adjudications__decided_at__isnull=True,
            adjudications__cancelled_at__isnull=True,
        )
        .order_by("pk")
    )
