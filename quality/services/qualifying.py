"""Sitting a qualification: a try asks tasks of known answer openly; the share right gives a level.

The set is the house's: a level that it gives is verified. Who sat a set has seen its tasks, so a
further try asks others, and tries count for the human being, whichever account they are made from.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.permissions import require
from accounts.services.users import system_user
from audit.services.events import record_event
from common.errors import Conflict, NotFound
from quality.choices import TryState
from quality.models import (
    GoldAnswer,
    Judgment,
    QualificationItem,
    QualificationSet,
    QualificationTry,
)
from quality.services.gold import gold_value
from quality.services.qualification_sets import MANAGE, askable
from quality.services.rightness import is_right, value_of
from routing.choices import LIVE_ASSIGNMENTS, AssignmentState, Purpose
from routing.models import Assignment, Task
from routing.services.assignments import check_worker, withdraw
from routing.services.claiming import take
from workforce.choices import FactState
from workforce.models import Annotator, AnnotatorSkill, Skill
from workforce.services.people import declare_skill, verify_skill

EXAMINER = "system.qualification"
WITHDRAWN = gettext_noop("the qualification was called off")


def set_of(skill: Skill) -> QualificationSet | None:
    """Return the set in force of a skill, if there is one."""
    return QualificationSet.objects.filter(skill=skill, is_active=True).first()


def open_try(annotator: Annotator) -> QualificationTry | None:
    """Return the try that a human being has under way, if there is one."""
    rows = QualificationTry.objects.filter(state=TryState.OPEN, human__in=humans_of(annotator))
    return rows.select_related("set__skill").first()


def humans_of(annotator: Annotator) -> list[int]:
    """Return how rows call this human being, whichever account they were made from."""
    if annotator.person_id is None:
        return [-annotator.pk]
    accounts = Annotator.objects.filter(person=annotator.person_id).values_list("pk", flat=True)
    return [annotator.person_id, *(-pk for pk in accounts)]


def refusal(asked: QualificationSet, before: Sequence[QualificationTry], now: datetime) -> str:
    """Return why a human being cannot begin a try now, "" = they can.

    before : their tries at the set, the latest first
    """
    if before and before[0].state == TryState.OPEN:
        return _("A try is under way.")
    if before and before[0].state == TryState.PASSED:
        return _("You have passed this qualification.")
    if sum(row.state != TryState.WITHDRAWN for row in before) >= asked.tries:
        return _("All tries at this qualification are used up.")
    again_at = next_at(asked, before, now)
    if again_at is not None:
        shown = date_format(timezone.localtime(again_at), "DATETIME_FORMAT")
        return _("The next try is not before %(at)s.") % {"at": shown}
    return ""


def next_at(
    asked: QualificationSet, before: Sequence[QualificationTry], now: datetime
) -> datetime | None:
    """Return when the next try may begin, where it is too early for it now."""
    ended = before[0].finished_at if before else None
    sat = any(row.state != TryState.WITHDRAWN for row in before)
    if not sat or ended is None:
        return None
    again_at = ended + timedelta(days=asked.wait_days)
    return again_at if now < again_at else None


@transaction.atomic
def start_try(
    annotator: Annotator, skill: Skill, *, acting_user: User, now: datetime
) -> QualificationTry:
    """Begin a try at the set in force of a skill; the one under way is returned as it is.

    Raises
    ------
    NotYours, Forbidden
        If the user may not act for the annotator.
    NotFound
        If the skill has no set in force.
    Conflict
        If all tries are used up, the next one is too early, or nothing unseen is left to ask.
    """
    check_worker(annotator.user_id, acting_user)
    asked = set_of(skill)
    if asked is None:
        raise NotFound(what=_("qualification"))
    # One try of a human being at a time: the set's row is the lock.
    QualificationSet.objects.select_for_update(of=("self",)).get(pk=asked.pk)
    humans = humans_of(annotator)
    before = QualificationTry.objects.filter(set=asked, human__in=humans).order_by("-started_at")
    last = before.first()
    if last is not None and last.state == TryState.OPEN:
        return last
    why_not = refusal(asked, list(before), now)
    if why_not:
        raise Conflict(why_not)
    tasks = _drawn(asked, annotator, humans)
    try:
        with transaction.atomic():
            made = QualificationTry.objects.create(
                set=asked,
                annotator=annotator,
                human=humans[0],
                number=before.filter(human=humans[0]).count() + 1,
                asked=len(tasks),
                started_by=acting_user,
                started_at=now,
            )
            made.tasks.set(tasks)
    except IntegrityError as error:
        raise Conflict from error
    _tell(made, "started", acting_user=acting_user, now=now)
    return made


def _drawn(asked: QualificationSet, annotator: Annotator, humans: list[int]) -> list[int]:
    """Return the tasks of a try: by luck, of those that the human being never had."""
    accounts = Q(annotator=annotator)
    if annotator.person_id is not None:
        accounts |= Q(annotator__person=annotator.person_id)
    had = Assignment.objects.filter(task=OuterRef("pk"), human__in=humans)
    answered = Judgment.objects.filter(accounts, task=OuterRef("pk"))
    unseen = list(
        askable(asked).exclude(Exists(had)).exclude(Exists(answered)).values_list("pk", flat=True)
    )
    if len(unseen) < asked.size:
        raise Conflict(_("There are not enough tasks left that you have not seen."))
    return secrets.SystemRandom().sample(unseen, asked.size)


def next_task(tried: QualificationTry, *, acting_user: User, now: datetime) -> Assignment | None:
    """Give the next task of a try, or the one in hand; None when all are answered.

    Raises
    ------
    NotYours, Forbidden
        If the user may not act for the annotator.
    Conflict
        If the try is over.
    """
    annotator = tried.annotator
    check_worker(annotator.user_id, acting_user)
    row = QualificationTry.objects.get(pk=tried.pk)
    if row.state != TryState.OPEN:
        raise Conflict(_("This try is over."))
    mine = Assignment.objects.filter(
        purpose=Purpose.QUALIFICATION, annotator=annotator, task__in=row.tasks.all()
    )
    held = mine.filter(state__in=LIVE_ASSIGNMENTS, lease_until__gt=now).first()
    if held is not None:
        return held
    done = mine.filter(state=AssignmentState.SUBMITTED).values("task")
    left = list(row.tasks.exclude(pk__in=done).order_by("pk"))
    if not left:
        finish_try(row, now=now)
        return None
    task = Task.objects.select_related("task_type", "project").get(pk=secrets.choice(left).pk)
    kind = task.task_type
    return take(
        annotator,
        task,
        purpose=Purpose.QUALIFICATION,
        effort_seconds=kind.effort_base_seconds + kind.effort_unit_seconds * task.size,
        lease_minutes=row.set.lease_minutes,
        acting_user=acting_user,
        now=now,
    )


def finish_try(tried: QualificationTry, *, now: datetime) -> QualificationTry:
    """Give a try whose tasks are all answered its result; others are left as they are.

    Part of the answer's transaction, or read at use. The level that the share right gives is
    verified by the set; a higher one that was verified before stays.
    """
    with transaction.atomic():
        row = (
            QualificationTry.objects.select_for_update(of=("self",))
            .select_related("set__skill", "annotator")
            .get(pk=tried.pk)
        )
        if row.state != TryState.OPEN:
            return row
        right, answered = _counted(row)
        if answered < row.asked:
            return row
        examiner = system_user(EXAMINER)
        level = level_for(row.set, right / row.asked)
        row.state = TryState.FAILED if level is None else TryState.PASSED
        row.right, row.level, row.finished_at = right, level, now
        row.save(update_fields=["state", "right", "level", "finished_at"])
        _tell(row, row.state, acting_user=examiner, now=now, level=level)
        if level is not None:
            _give_level(row.annotator, row.set.skill, level, examiner, now)
    return row


def _counted(tried: QualificationTry) -> tuple[int, int]:
    """Return how many tasks of a try were answered rightly, and how many were answered."""
    tasks = list(tried.tasks.values_list("pk", flat=True))
    gold = {
        row.task_id: gold_value(row)
        for row in GoldAnswer.objects.filter(task__in=tasks).order_by("set_at", "pk")
    }
    given = Judgment.objects.filter(
        task__in=tasks,
        annotator=tried.annotator_id,
        assignment__purpose=Purpose.QUALIFICATION,
    ).select_related("task__task_type")
    last = {row.task_id: row for row in given.order_by("attempt")}
    right = sum(
        is_right(row.task.task_type, gold[task], value_of(row)) for task, row in last.items()
    )
    return right, len(last)


def level_for(asked: QualificationSet, share: float) -> int | None:
    """Return the highest level whose share right is reached, None = not passed.

    A share that equals the one asked for reaches it, whatever floats make of it.
    """
    reached = [int(level) for level, least in asked.levels.items() if share >= least - 1e-9]
    return max(reached, default=None)


def _give_level(
    annotator: Annotator, skill: Skill, level: int, examiner: User, now: datetime
) -> None:
    held = AnnotatorSkill.objects.filter(annotator=annotator, skill=skill).first()
    if held is not None and held.state == FactState.VERIFIED and held.level >= level:
        return
    row = declare_skill(annotator, skill, level, acting_user=examiner, now=now)
    verify_skill(row, acting_user=examiner, now=now)


@transaction.atomic
def withdraw_try(
    tried: QualificationTry, *, reason: str, acting_user: User, now: datetime
) -> QualificationTry:
    """Call a try off: it counts as none, what was answered stays. Twice is once.

    Raises
    ------
    Conflict
        If it is finished.
    """
    require(acting_user, MANAGE)
    row = QualificationTry.objects.select_for_update(of=("self",)).get(pk=tried.pk)
    if row.state == TryState.WITHDRAWN:
        return row
    if row.state != TryState.OPEN:
        raise Conflict(_("This try is over."))
    live = Assignment.objects.filter(
        purpose=Purpose.QUALIFICATION,
        annotator=row.annotator_id,
        task__in=row.tasks.all(),
        state__in=LIVE_ASSIGNMENTS,
    )
    for assignment in live:
        withdraw(assignment, reason=WITHDRAWN, acting_user=system_user(EXAMINER), now=now)
    row.state, row.finished_at = TryState.WITHDRAWN, now
    row.save(update_fields=["state", "finished_at"])
    _tell(row, "withdrawn", note=reason.strip(), acting_user=acting_user, now=now)
    return row


def after_answer(task_id: int, annotator_id: int, *, now: datetime) -> None:
    """Finish the try that an answer was the last of; part of the answer's transaction."""
    item = QualificationItem.objects.filter(task=task_id).values("set")
    tried = QualificationTry.objects.filter(
        set__in=item, annotator=annotator_id, state=TryState.OPEN, tasks=task_id
    ).first()
    if tried is not None:
        finish_try(tried, now=now)


def _tell(
    tried: QualificationTry,
    what: str,
    *,
    note: str = "",
    acting_user: User,
    now: datetime,
    **data: int | None,
) -> None:
    record_event(
        f"qualification.{what}",
        acting_user=acting_user,
        now=now,
        subject="qualification",
        subject_id=tried.set.public_id,
        note=note,
        tried=str(tried.public_id),
        annotator=str(tried.annotator.public_id),
        number=tried.number,
        **data,
    )
