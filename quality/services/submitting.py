"""Handing in answers: checked, timed by a named rule, written, and settled in one transaction.

The same answer handed in again is the same judgment; another one is refused and told how answers
are corrected: by a new row, until the task is settled. Gold and qualification settle nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import can, require
from audit.services.events import record_event
from common.errors import Invalid
from quality.choices import JudgmentSource, ReviewState
from quality.core.normal import canonical
from quality.core.review_draw import luck
from quality.core.time_rules import Billed, Reading, derive
from quality.errors import AlreadyAnswered, NotWanted, Settled
from quality.models import Adjudication, Judgment, Review
from quality.services import submitting_at_once as at_once
from quality.services.answer_checks import Checked, check_answer, ontology_of
from quality.services.in_hand import InHand, Seats, Whole, lock_seats, read_in_hand, read_whole
from quality.services.qualifying import after_answer
from quality.services.settling import classes_of, settle
from quality.services.terms import open_for_correction
from quality.services.writing import write_judgment
from routing.choices import AssignmentState, Purpose, TaskState
from routing.errors import NotYours
from routing.models import Assignment
from routing.services.assignments import submit_assignment
from routing.services.handing_in import hand_in

RECORD = "judgments.record"
# By which rule seconds are billed, by where an answer comes from.
TIME_RULES: Mapping[str, str] = {
    JudgmentSource.FORM: "measured 1",
    JudgmentSource.API: "measured 1",
    JudgmentSource.PLATFORM: "platform 1",
}
ANSWERS = frozenset({Purpose.LABEL, Purpose.GOLD, Purpose.QUALIFICATION})
WANTED = frozenset({TaskState.HELD, TaskState.ANSWERED, TaskState.ACCEPTED})
# As long as most reviews are outstanding.
UNSEEN_HOURS = timedelta(hours=8)
CORRECT = "quality.services.submitting.correct"


@dataclass(frozen=True)
class Clock:
    """What a labelling tool tells of the time beside its sum (see `quality.core.time_rules`)."""

    drafts: int = 1
    review: float = 0.0
    sessions: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Given:
    """What was handed in, as it came."""

    answer: Any
    raw_seconds: float | None
    confidence: float | None
    source: str
    clock: Clock | None


def submit(
    assignment: Assignment | UUID,
    *,
    answer: Any,
    raw_seconds: float | None,
    confidence: float | None = None,
    source: str,
    clock: Clock | None = None,
    whole: Whole | None = None,
    acting_user: User,
    now: datetime,
) -> Judgment:
    """Hand in the answer to an assignment, and settle its task.

    Handed in again, the same answer gives the same judgment and changes nothing.

    Parameters
    ----------
    assignment : the row, or its public id
    raw_seconds : as the tool measured them; None = it did not
    confidence : that the annotator says to have, in [0, 1]
    source : JudgmentSource, not ``import``
    whole : the assignment as the caller has just read it, where it has

    Raises
    ------
    NotYours
        If there is no such assignment, or it is another's.
    BadAnswer, Invalid
        If the answer breaks the schema of its type, or a number is none.
    AlreadyAnswered
        If another answer was given: `correct` is for that.
    NotLive, SeatGone, NotWanted
        If the assignment is over, its seat went to others, or its task was taken back.
    """
    if source not in TIME_RULES:
        raise Invalid(_("Answers do not come from there."), field="source", rule="known")
    key = assignment.pk if isinstance(assignment, Assignment) else assignment
    given = Given(answer, raw_seconds, confidence, source, clock)
    if at_once.possible():
        judgment = _at_once(whole or read_whole(key, now), given, acting_user, now)
        if judgment is not None:
            return judgment
    return _by_steps(key, given, acting_user, now)


def _at_once(
    whole: Whole | None, given: Given, acting_user: User, now: datetime
) -> Judgment | None:
    """Submit in one round trip after reading; None where it takes more, and nothing was done."""
    if whole is None:
        raise NotYours
    work = whole.work
    _check_mine(work, acting_user)
    checked, billed = _checked(work, given, now)
    outcome = at_once.outcome_of(whole, checked, now)
    if outcome is None:
        return None
    stored = _columns(work, checked, billed, given, now)
    return at_once.hand_in_at_once(whole, outcome, stored, acting_user=acting_user, now=now)


@transaction.atomic
def _by_steps(key: UUID | int, given: Given, acting_user: User, now: datetime) -> Judgment:
    """Submit by as many statements as it needs."""
    work = _read(key, acting_user, now)
    checked, billed = _checked(work, given, now)
    if work.state == AssignmentState.SUBMITTED:
        return _again(work, checked)
    if not hand_in(work.id, state=work.state, acting_user=acting_user, now=now):
        # Expired, over, or changed since it was read: the long way tells which.
        row = Assignment.objects.get(pk=work.id)
        if row.state == AssignmentState.SUBMITTED:
            return _again(work, checked)
        submit_assignment(row, acting_user=acting_user, now=now)
    seats = None
    if work.purpose == Purpose.LABEL:
        seats = _wanted(work)
    judgment = write_judgment(_columns(work, checked, billed, given, now))
    outcome = _settle(work, seats, judgment, acting_user, now)
    _tell("judgment.submitted", work, judgment, outcome, acting_user, now)
    return judgment


@transaction.atomic
def correct(
    judgment: Judgment,
    *,
    answer: Any,
    raw_seconds: float | None = None,
    confidence: float | None = None,
    clock: Clock | None = None,
    acting_user: User,
    now: datetime,
) -> Judgment:
    """Correct an answer: a new row beside the old one, and its task is settled anew.

    Allowed until the task is accepted, and while nobody has begun to review or adjudicate it.
    Corrected to what it says already, it stays as it is. Seconds are those of the correction; the
    time of the first answer stays with its row, and the sum over the rows is what was worked.

    Raises
    ------
    NotYours, BadAnswer, Invalid
        As `submit`.
    Settled
        If the task is settled, or the answer is no longer the last one.
    """
    if judgment.assignment_id is None:
        raise Settled(why=_("it was imported"))
    work = _read(judgment.assignment_id, acting_user, now)
    given = Given(answer, raw_seconds, confidence, judgment.source, clock)
    checked, billed = _checked(work, given, now, since=judgment.submitted_at)
    seats = lock_seats(work.task_id, work.run_id)
    last = _last(work)
    if last is None or last.pk != judgment.pk:
        if last is not None and _equal(last.answer, checked.answer):
            return last
        raise Settled(why=_("it has been corrected already"))
    if _equal(last.answer, checked.answer):
        return last
    _check_open(work, seats, last.submitted_at, now)
    made = write_judgment(_columns(work, checked, billed, given, now))
    if work.purpose == Purpose.LABEL:
        # Reviews that nobody has begun looked at the answer before.
        Review.objects.filter(task=work.task_id, state=ReviewState.PENDING).update(
            state=ReviewState.CANCELLED
        )
    outcome = _settle(work, seats, made, acting_user, now, again=True)
    _tell("judgment.corrected", work, made, outcome, acting_user, now)
    return made


@transaction.atomic
def check_correctable(judgment: Judgment, *, acting_user: User, now: datetime) -> None:
    """Go on where an answer could be corrected now.

    Raises
    ------
    NotYours
        As `correct`.
    Settled
        If the task is settled, or the answer is no longer the last one.
    """
    if judgment.assignment_id is None:
        raise Settled(why=_("it was imported"))
    work = _read(judgment.assignment_id, acting_user, now)
    seats = lock_seats(work.task_id, work.run_id)
    last = _last(work)
    if last is None or last.pk != judgment.pk:
        raise Settled(why=_("it has been corrected already"))
    _check_open(work, seats, last.submitted_at, now)


def _read(key: UUID | int, acting_user: User, now: datetime) -> InHand:
    """Return the assignment, if the user may answer for its annotator."""
    work = read_in_hand(key, now)
    if work is None:
        raise NotYours
    _check_mine(work, acting_user)
    return work


def _check_mine(work: InHand, acting_user: User) -> None:
    """Go on if the user may answer for the annotator."""
    if work.purpose not in ANSWERS:
        raise NotYours
    if work.user_id is not None and work.user_id == acting_user.pk:
        require(acting_user, "own_work.do")
    elif not can(acting_user, RECORD):
        if can(acting_user, "own_work.do"):
            raise NotYours
        require(acting_user, RECORD)


def _checked(
    work: InHand, given: Given, now: datetime, since: datetime | None = None
) -> tuple[Checked, Billed]:
    """Return the answer with its label and its billable seconds, or refuse it."""
    raw_seconds, confidence = given.raw_seconds, given.confidence
    if confidence is not None and not (_number(confidence) and 0 <= confidence <= 1):
        raise Invalid(_("Confidence is from 0 to 1."), field="confidence", rule="range")
    if raw_seconds is not None and not _number(raw_seconds):
        raise Invalid(_("Seconds are a number."), field="raw_seconds", rule="number")
    ontology = ontology_of(work.guideline, work.type_key)
    checked = check_answer(given.answer, schema=work.schema, metric=work.metric, ontology=ontology)
    started = since or work.started_at or work.reserved_at
    told = asdict(given.clock) if given.clock is not None else {}
    reading = Reading(
        raw=None if raw_seconds is None else float(raw_seconds),
        held=(now - started).total_seconds(),
        effort=work.effort_seconds,
        **told,
    )
    try:
        return checked, derive(TIME_RULES[given.source], reading)
    except ValueError as error:
        raise Invalid(str(error), field="raw_seconds", rule="number") from error


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _again(work: InHand, checked: Checked) -> Judgment:
    """Return the judgment that was given, if it says the same; any of its corrections may."""
    given = list(Judgment.objects.filter(assignment=work.id).order_by("-attempt"))
    for judgment in given:
        if _equal(judgment.answer, checked.answer):
            return judgment
    raise AlreadyAnswered(service=CORRECT, judgment=str(given[0].public_id) if given else "")


def _equal(one: Any, other: Any) -> bool:
    return canonical(one) == canonical(other)


def _wanted(work: InHand) -> Seats:
    """Lock the task and its seats; refuse what nobody wants any more."""
    seats = lock_seats(work.task_id, work.run_id)
    if seats.attempt != work.attempt or seats.state not in WANTED:
        raise NotWanted(state=TaskState(seats.state).label)
    return seats


def _columns(
    work: InHand, checked: Checked, billed: Billed, given: Given, now: datetime
) -> dict[str, Any]:
    """Return the columns of the judgment."""
    return {
        "task_id": work.task_id,
        "annotator_id": work.annotator_id,
        "assignment_id": work.id,
        "guideline_id": work.guideline_id,
        "attempt": work.given + 1,
        "answer": checked.answer,
        "label": checked.label,
        "raw_seconds": billed.raw,
        "billable_seconds": billed.billable,
        "time_rule": billed.rule,
        "time_faults": [asdict(fault) for fault in billed.faults],
        "confidence": given.confidence,
        "source": str(given.source),
        "submitted_at": now,
    }


def _settle(
    work: InHand,
    seats: Seats | None,
    judgment: Judgment,
    acting_user: User,
    now: datetime,
    *,
    again: bool = False,
) -> str:
    if work.purpose == Purpose.QUALIFICATION:
        after_answer(work.task_id, work.annotator_id, now=now)
    if work.purpose != Purpose.LABEL or seats is None:
        return "scored only"
    classes = classes_of(work, len(ontology_of(work.guideline, work.type_key)))
    return settle(
        work, seats, judgment, classes=classes, again=again, acting_user=acting_user, now=now
    )


def _last(work: InHand) -> Judgment | None:
    return Judgment.objects.filter(assignment=work.id).order_by("-attempt").first()


def _check_unseen(work: InHand, given: datetime, now: datetime) -> None:
    """Let gold be corrected as work beside it would be: who is refused must not learn from it.

    Work can be corrected while answers are still asked or a review is outstanding. How often that
    is, the decision says that the gold stands under; which answers it is, hangs on their id only.
    """
    open_share = open_for_correction(work.decision_id)
    drawn = luck(settings.AUDIT_KEY.encode(), "correct", work.public_id) < open_share
    if not drawn or now - given > UNSEEN_HOURS:
        raise Settled(why=TaskState.ACCEPTED.label)


def _check_open(work: InHand, seats: Seats, given: datetime, now: datetime) -> None:
    """Refuse a correction of what is settled."""
    if work.purpose != Purpose.LABEL:
        _check_unseen(work, given, now)
        return
    if seats.attempt != work.attempt or seats.state not in (TaskState.HELD, TaskState.ANSWERED):
        raise Settled(why=TaskState(seats.state).label)
    if Review.objects.filter(
        task=work.task_id,
        state__in=(ReviewState.TAKEN, ReviewState.DONE),
        judgment__assignment=work.id,
    ).exists():
        raise Settled(why=_("it is being reviewed"))
    if Adjudication.objects.filter(
        task=work.task_id, decided_at__isnull=True, cancelled_at__isnull=True
    ).exists():
        raise Settled(why=_("it is being adjudicated"))


def _tell(
    kind: str,
    work: InHand,
    judgment: Judgment,
    outcome: str,
    acting_user: User,
    now: datetime,
) -> None:
    record_event(
        kind,
        acting_user=acting_user,
        now=now,
        subject="judgment",
        subject_id=judgment.public_id,
        assignment=str(work.public_id),
        task=str(work.task),
        annotator=str(work.annotator),
        outcome=outcome,
    )
