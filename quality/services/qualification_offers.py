"""What an annotator may qualify for: the sets in force, and how far their own tries have come."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q

from accounts.models import User
from common.errors import NotFound
from quality.choices import TryState
from quality.models import QualificationSet, QualificationTry
from quality.services.qualifying import humans_of, next_at, next_task, refusal, start_try
from routing.choices import AssignmentState, Purpose
from routing.models import Assignment
from workforce.choices import FactState
from workforce.models import Annotator, AnnotatorSkill


@dataclass(frozen=True)
class Offer:
    """A set as an annotator reads it.

    levels : (level, share right from which it is given), rising
    held : the verified level in its skill, None = none
    tries : of the human being, the latest first; under_way : the open one, if it is this account's
    answered : tasks of it that are answered
    refusal : why no try can be begun now, "" = one can; again_at : when it can, if time mends it
    """

    public_id: UUID
    skill: str
    name: str
    size: int
    most_tries: int
    wait_days: int
    lease_minutes: int
    in_force: bool
    levels: tuple[tuple[int, float], ...]
    held: int | None
    tries: tuple[QualificationTry, ...]
    under_way: QualificationTry | None
    answered: int
    refusal: str
    again_at: datetime | None

    @property
    def left(self) -> int:
        """How many tries are left."""
        done = sum(row.state != TryState.WITHDRAWN for row in self.tries)
        return max(self.most_tries - done, 0)


def offers_for(annotator: Annotator, *, now: datetime) -> list[Offer]:
    """Return the sets in force, and those that the human being has tried, by skill.

    Tries of another account of the same human being count, but are not shown: whose accounts are
    one is nobody's business here.
    """
    humans = humans_of(annotator)
    tries: dict[int, list[QualificationTry]] = {}
    for row in QualificationTry.objects.filter(human__in=humans).order_by("-started_at", "-pk"):
        tries.setdefault(row.set_id, []).append(row)
    sets = QualificationSet.objects.filter(is_active=True) | QualificationSet.objects.filter(
        tried__annotator=annotator
    )
    held = dict(
        AnnotatorSkill.objects.filter(annotator=annotator, state=FactState.VERIFIED).values_list(
            "skill_id", "level"
        )
    )
    rows = sets.select_related("skill").distinct().order_by("skill__name", "-pk")
    done = _answered(annotator)
    return [
        _offer(row, annotator, tries.get(row.pk, []), held.get(row.skill_id), done, now)
        for row in rows
    ]


def _answered(annotator: Annotator) -> dict[int, int]:
    """Return how many tasks are answered of each try that is under way."""
    done = Q(
        tasks__assignments__annotator=annotator,
        tasks__assignments__purpose=Purpose.QUALIFICATION,
        tasks__assignments__state=AssignmentState.SUBMITTED,
    )
    rows = QualificationTry.objects.filter(annotator=annotator, state=TryState.OPEN)
    counted = rows.annotate(done=Count("tasks", filter=done, distinct=True))
    return dict(counted.values_list("pk", "done"))


def _offer(
    asked: QualificationSet,
    annotator: Annotator,
    tries: list[QualificationTry],
    held: int | None,
    done: dict[int, int],
    now: datetime,
) -> Offer:
    own = tuple(row for row in tries if row.annotator_id == annotator.pk)
    under_way = next((row for row in own if row.state == TryState.OPEN), None)
    return Offer(
        public_id=asked.public_id,
        skill=asked.skill.name,
        name=asked.name,
        size=asked.size,
        most_tries=asked.tries,
        wait_days=asked.wait_days,
        lease_minutes=asked.lease_minutes,
        in_force=asked.is_active,
        levels=tuple((int(level), float(share)) for level, share in asked.levels.items()),
        held=held,
        tries=own,
        under_way=under_way,
        answered=done.get(under_way.pk, 0) if under_way is not None else 0,
        refusal="" if under_way is not None else refusal(asked, tries, now),
        again_at=next_at(asked, tries, now),
    )


def sit(
    annotator: Annotator, public_id: UUID, *, acting_user: User, now: datetime
) -> Assignment | None:
    """Begin a try at a set, or go on with the one under way; returns the task that is next.

    Raises
    ------
    NotFound
        If there is no such set that the annotator may try or has under way.
    Conflict
        If no try can be begun now.
    """
    asked = QualificationSet.objects.select_related("skill").filter(public_id=public_id).first()
    if asked is None:
        raise NotFound(what="qualification")
    tried = QualificationTry.objects.filter(
        set=asked, annotator=annotator, state=TryState.OPEN
    ).first()
    if tried is None:
        if not asked.is_active:
            raise NotFound(what="qualification")
        tried = start_try(annotator, asked.skill, acting_user=acting_user, now=now)
    return next_task(tried, acting_user=acting_user, now=now)


def try_of(assignment: Assignment) -> QualificationTry | None:
    """Return the try that an assignment is part of, if it is one."""
    if assignment.purpose != Purpose.QUALIFICATION:
        return None
    rows = QualificationTry.objects.filter(
        annotator=assignment.annotator_id, tasks=assignment.task_id
    )
    return rows.select_related("set__skill").order_by("-started_at").first()


def progress_of(assignment: Assignment) -> tuple[int, int] | None:
    """Return which task of how many of a try an assignment is; None if it is part of none."""
    tried = try_of(assignment)
    if tried is None:
        return None
    done = _answered(assignment.annotator).get(tried.pk, 0)
    return min(done + 1, tried.asked), tried.asked
