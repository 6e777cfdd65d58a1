"""Claims: an annotator takes the most urgent task that every gate and limit lets them have now."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q

from accounts.models import User
from audit.services.events import digest_of, record_event
from common.time import local_date
from routing.choices import SEATED_ASSIGNMENTS, Purpose, TaskState
from routing.core.urgency import day_range
from routing.errors import TaskTaken
from routing.models import Assignment, Decision, Placement, Project, RunCrew, Task
from routing.services.assignments import WANTS_ANSWERS, check_worker
from routing.services.locks import hold_seats
from routing.services.task_states import move_tasks
from workforce.models import Annotator

MOST = 100  # tasks of one claim


@transaction.atomic
def claim(
    annotator: Annotator, *, count: int = 1, acting_user: User, now: datetime
) -> list[Assignment]:
    """Take up to `count` tasks for an annotator, the most urgent first; [] if there is nothing.

    Own crew's of today or earlier first, then those of other crews of the pool, then later days.

    Raises
    ------
    NotYours, Forbidden
        If the user may not act for the annotator.
    """
    check_worker(annotator.pk, annotator.user_id, acting_user)
    projects = list(Project.objects.filter(is_open=True, current_run__isnull=False))
    hold_seats([project.pk for project in projects])
    found = _pick(annotator, min(max(count, 1), MOST), now)
    made = [_reserve(row, annotator, acting_user, now) for row in found]
    if made:
        record_event(
            "assignment.reserved",
            acting_user=acting_user,
            now=now,
            annotator=str(annotator.public_id),
            count=len(made),
            digest=digest_of(row.public_id for row in made),
        )
    return made


def _pick(annotator: Annotator, count: int, now: datetime) -> list[Placement]:
    runs = Project.objects.filter(is_open=True, current_run__isnull=False).values("current_run_id")
    own = {
        (crew.run_id, crew.number)
        for crew in RunCrew.objects.filter(run__in=runs, pool=annotator.pool_id)
        if annotator.pk in {member["id"] for member in crew.members}
    }
    had = Assignment.objects.filter(task_id=OuterRef("task_id"), human=human_of(annotator)).filter(
        state__in=(*SEATED_ASSIGNMENTS, "skipped"), attempt=OuterRef("task__attempt")
    )
    rows = (
        Placement.objects.filter(run__in=runs, pool=annotator.pool_id, taken__lt=F("opened"))
        .filter(task__state__in=WANTS_ANSWERS)
        .exclude(Exists(had))
        .order_by("urgency", "pk")
        .select_related("task__project")
        .select_for_update(skip_locked=True, no_key=True, of=("self", "task"))
    )
    today = local_date(now, settings.OPERATION_TIME_ZONE)
    end = day_range(today, today)[1]
    mine = Q(pk__in=[])
    for run_id, number in own:
        mine |= Q(run=run_id, crew=number)
    found: list[Placement] = []
    for part in (
        rows.filter(mine, urgency__lt=end),
        rows.filter(~mine, urgency__lt=end),
        rows.filter(urgency__gte=end),
    ):
        if len(found) < count:
            found += part[: count - len(found)]
    return found


def human_of(annotator: Annotator) -> int:
    """Return the human being: the person row, or minus the annotator's id where there is none."""
    return annotator.person_id or -annotator.pk


def _reserve(row: Placement, annotator: Annotator, acting_user: User, now: datetime) -> Assignment:
    Placement.objects.filter(pk=row.pk).update(taken=F("taken") + 1)
    if row.task.state != TaskState.HELD:
        move_tasks(
            [row.task_id],
            from_state=row.task.state,
            to_state=TaskState.HELD,
            acting_user=acting_user,
            now=now,
        )
    return _make(
        annotator,
        row.task,
        purpose=Purpose.LABEL,
        effort_seconds=0.0,
        decision_id=row.decision_id,
        lease_minutes=row.task.project.lease_minutes,
        acting_user=acting_user,
        now=now,
    )


@transaction.atomic
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
        If the human being has or had this task in its present attempt.
    """
    if purpose == Purpose.LABEL:
        raise ValueError("labels are claimed or assigned: they take a seat")
    check_worker(annotator.pk, annotator.user_id, acting_user)
    return _make(
        annotator,
        task,
        purpose=purpose,
        effort_seconds=effort_seconds,
        decision_id=decision.pk if decision is not None else None,
        lease_minutes=lease_minutes or task.project.lease_minutes,
        acting_user=acting_user,
        now=now,
    )


def _make(
    annotator: Annotator,
    task: Task,
    *,
    purpose: str,
    effort_seconds: float,
    decision_id: int | None,
    lease_minutes: int,
    acting_user: User,
    now: datetime,
) -> Assignment:
    try:
        with transaction.atomic():
            return Assignment.objects.create(
                task=task,
                annotator=annotator,
                human=human_of(annotator),
                pool_id=annotator.pool_id,
                purpose=purpose,
                attempt=task.attempt,
                decision_id=decision_id,
                guideline_id=task.guideline_id,
                effort_seconds=effort_seconds,
                day=local_date(now, settings.OPERATION_TIME_ZONE),
                assigned_by=None if acting_user.pk == annotator.user_id else acting_user,
                reserved_at=now,
                lease_until=now + timedelta(minutes=lease_minutes),
            )
    except IntegrityError as error:
        raise TaskTaken from error


__all__: Sequence[str] = ["claim", "human_of", "take"]
