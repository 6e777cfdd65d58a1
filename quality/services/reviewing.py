"""Doing quality reviews: a reviewer takes one, looks at an answer without knowing whose, decides.

A review is taken by an assignment of purpose `review`: one constraint keeps everybody from
reviewing what they answered. One whose assignment ended without a decision is taken by the next.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from audit.services.events import record_event
from common.errors import Conflict, Invalid, NotFound
from quality.choices import ErrorCategory, ReviewOutcome, ReviewState, Severity
from quality.core.time_rules import MAX_RAW, Billed, Reading, derive
from quality.models import Judgment, Review
from quality.services.answer_checks import Checked
from quality.services.outcomes import follow_up
from quality.services.rightness import Value, checked_answer, value_of
from routing.choices import (
    LIVE_ASSIGNMENTS,
    SEATED_ASSIGNMENTS,
    AssignmentState,
    Harm,
    Purpose,
)
from routing.errors import NotYours, TaskTaken
from routing.models import Assignment
from routing.services.assignments import check_worker, submit_assignment
from routing.services.claiming import take
from routing.services.locks import hold_human, hold_seats
from routing.services.seats import lock_task
from routing.services.touching import shut_decisions
from workforce.choices import AnnotatorKind, AnnotatorStatus, FactState, PoolKind
from workforce.models import Annotator, AnnotatorSkill

TIME_RULE = "review 1"
EFFORT = 0.4  # of the labelling effort, as policies begin with
TRIES = 5  # reviews looked at in one go: the next one where somebody else was quicker


def reviewed_value(review: Review) -> Value:
    """Return the answer that a review looks at."""
    row = review.judgment if review.judgment is not None else review.accepted
    if row is None:
        raise ValueError("a review looks at a judgment or at a label")
    return value_of(row)


def open_reviews(annotator: Annotator, *, now: datetime) -> QuerySet[Review]:
    """Return the reviews that a person may take now, the most urgent first.

    Of the person's pool, or of the house's own where no pool is named; every gate of the decision
    that sent the task there is asked again. Never of a task that the human being answered or
    decided, in whatever attempt, nor twice in the same attempt, nor one that they skipped in it.
    """
    if annotator.kind != AnnotatorKind.PERSON:
        return Review.objects.none()
    accounts = Q(annotator=annotator)
    if annotator.person_id is not None:
        accounts = Q(annotator__person=annotator.person_id)
    held = Assignment.objects.filter(
        accounts, task_id=OuterRef("task_id"), state__in=SEATED_ASSIGNMENTS
    )
    own = held.exclude(purpose=Purpose.REVIEW) | held.filter(attempt=OuterRef("task__attempt"))
    left_out = Assignment.objects.filter(
        accounts,
        task_id=OuterRef("task_id"),
        attempt=OuterRef("task__attempt"),
        purpose=Purpose.REVIEW,
        state=AssignmentState.SKIPPED,
    )
    answered = Judgment.objects.filter(accounts, task_id=OuterRef("task_id"))
    where = Q(pool=annotator.pool_id)
    in_house = annotator.pool.kind == PoolKind.IN_HOUSE
    if in_house:
        where |= Q(pool__isnull=True)
    rows = (
        Review.objects.filter(where, state=ReviewState.PENDING)
        .exclude(Exists(own))
        .exclude(Exists(answered))
        .exclude(Exists(left_out))
        .annotate(
            sent_by=Coalesce(
                "judgment__assignment__decision", "accepted__judgment__assignment__decision"
            )
        )
    )
    sent_by = rows.exclude(sent_by=None).order_by().values_list("sent_by", flat=True).distinct()
    shut = shut_decisions(annotator, sent_by, now=now)
    able = ~Q(sent_by__in=shut) & Q(sent_by__isnull=False)
    if in_house:
        able |= Q(sent_by__isnull=True) & _able(annotator, now)
    return rows.filter(able).order_by("urgency", "pk")


def _able(annotator: Annotator, now: datetime) -> Q:
    """Return the condition on reviews of work that no decision sent: imported, or labels of nobody.

    Own staff with the verified skill and the clearance of the project, who see what harms only if
    they agreed to.
    """
    if annotator.status == AnnotatorStatus.LEFT or (
        annotator.paused_until is not None and annotator.paused_until > now
    ):
        return Q(pk__in=[])
    skill = AnnotatorSkill.objects.filter(
        annotator=annotator,
        skill=OuterRef("task__task_type__skill"),
        state=FactState.VERIFIED,
        level__gte=OuterRef("task__project__minimum_level"),
    )
    verified = annotator.clearance if annotator.facts_verified_at is not None else 0
    able = Q(Exists(skill), task__project__minimum_clearance__lte=verified)
    return able if annotator.exposure_cap_minutes else able & Q(task__harm=Harm.NONE)


def take_review(
    annotator: Annotator, *, only: int | None = None, acting_user: User, now: datetime
) -> Review | None:
    """Take the most urgent review that a person may do; None if there is none.

    The one that the person has in hand is given again.

    Parameters
    ----------
    only : key of the review that is wanted; None = whichever is the most urgent

    Raises
    ------
    NotYours, Forbidden
        If the user may not act for the annotator.
    Conflict
        If one is wanted, and another one is in hand.
    """
    check_worker(annotator.user_id, acting_user)
    held = review_in_hand(annotator, now=now)
    if held is not None:
        if only is not None and held.pk != only:
            raise Conflict(
                _("You have the review of %(task)s in hand: decide it or give it back first.")
                % {"task": held.task}
            )
        return held
    give_back(annotator.pool_id, now=now)
    passed: list[int] = []
    while len(passed) < TRIES:
        with transaction.atomic():
            # Locks in the order of claims: the human being, the seats of the project, then rows.
            hold_human(annotator.person_id or -annotator.pk)
            rows = open_reviews(annotator, now=now).exclude(pk__in=passed)
            if only is not None:
                rows = rows.filter(pk=only)
            row = rows.values_list("pk", "task__project_id").first()
            if row is None:
                return None
            hold_seats([row[1]])
            review = (
                open_reviews(annotator, now=now)
                .filter(pk=row[0])
                .select_related("task__project", "task__task_type", "judgment__assignment")
                .select_for_update(skip_locked=True, of=("self",))
                .first()
            )
            passed.append(row[0])
            if review is not None:
                with suppress(TaskTaken):
                    return _taken(review, annotator, acting_user=acting_user, now=now)
    return None


def review_in_hand(annotator: Annotator, *, now: datetime) -> Review | None:
    """Return the review that a person has taken and not decided, if there is one."""
    return (
        Review.objects.filter(
            state=ReviewState.TAKEN,
            assignment__annotator=annotator,
            assignment__state__in=LIVE_ASSIGNMENTS,
            assignment__lease_until__gt=now,
        )
        .select_related("task__project", "task__task_type", "judgment", "accepted", "assignment")
        .first()
    )


def give_back(pool_id: int | None, *, now: datetime) -> int:
    """Let the reviews of a pool (and those of no pool) be taken again whose taker is gone."""
    over = ~Q(assignment__state__in=SEATED_ASSIGNMENTS) | Q(
        assignment__state__in=LIVE_ASSIGNMENTS, assignment__lease_until__lte=now
    )
    where = Q(pool=pool_id) | Q(pool__isnull=True)
    gone = Review.objects.filter(where, over, state=ReviewState.TAKEN).values_list("pk", flat=True)
    return Review.objects.filter(pk__in=list(gone), state=ReviewState.TAKEN).update(
        state=ReviewState.PENDING, assignment=None
    )


def _taken(review: Review, annotator: Annotator, *, acting_user: User, now: datetime) -> Review:
    """Give a pending review, whose row is locked, to a person."""
    task = review.task
    usual = task.task_type.effort_base_seconds + task.task_type.effort_unit_seconds * task.size
    first = review.judgment.assignment if review.judgment is not None else None
    if first is not None and first.effort_seconds:
        usual = first.effort_seconds
    assignment = take(
        annotator,
        task,
        purpose=Purpose.REVIEW,
        effort_seconds=usual * EFFORT,
        decision=first.decision if first is not None else None,
        acting_user=acting_user,
        now=now,
    )
    moved = Review.objects.filter(pk=review.pk, state=ReviewState.PENDING).update(
        state=ReviewState.TAKEN, assignment=assignment
    )
    if not moved:
        raise TaskTaken
    record_event(
        "review.taken",
        acting_user=acting_user,
        now=now,
        subject="review",
        subject_id=review.public_id,
        annotator=str(annotator.public_id),
    )
    review.state, review.assignment = ReviewState.TAKEN, assignment
    return review


@transaction.atomic
def decide_review(
    review: Review,
    *,
    outcome: str,
    answer: Any = None,
    category: str = "",
    severity: str = "",
    comment: str = "",
    raw_seconds: float | None = None,
    acting_user: User,
    now: datetime,
) -> Review:
    """Accept an answer, fix it, or reject it, and carry out what follows from it.

    Decided again with the same outcome and answer, nothing changes. Whose lease ran out decides
    still, while nobody else has taken the review.

    Parameters
    ----------
    answer : what is right; needed for a fix, welcome with a rejection
    category, severity : of the error that was found

    Raises
    ------
    NotYours
        If somebody else has it, or it is taken by nobody and was never this person's.
    Invalid, BadAnswer
        If an outcome, category, severity or answer is missing, unknown, or says what stood there.
    Conflict
        If it is decided otherwise, or called off.
    """
    task = lock_task(review.task_id)
    row = (
        Review.objects.select_for_update(of=("self",))
        .select_related("task__task_type", "task__guideline", "judgment__assignment", "accepted")
        .get(pk=review.pk)
    )
    found = _finding(row, outcome, answer, category, severity)
    if row.state == ReviewState.DONE:
        return _again(row, outcome, found, acting_user)
    assignment = _held(row, acting_user, now)
    billed = _billed(assignment, raw_seconds, now)
    if assignment.state != AssignmentState.SUBMITTED:
        submit_assignment(assignment, acting_user=acting_user, now=now)
    Review.objects.filter(pk=row.pk).update(
        state=ReviewState.DONE,
        assignment=assignment,
        reviewer=assignment.annotator_id,
        outcome=outcome,
        answer=found.answer if found is not None else None,
        label=found.label if found is not None else "",
        category=category,
        severity=severity,
        comment=comment.strip(),
        raw_seconds=billed.raw,
        billable_seconds=billed.billable,
        time_rule=billed.rule,
        decided_at=now,
    )
    row.refresh_from_db()
    record_event(
        "review.decided",
        acting_user=acting_user,
        now=now,
        subject="review",
        subject_id=row.public_id,
        note=comment.strip(),
        outcome=outcome,
        category=category,
        severity=severity,
        why=row.why,
        number=row.number,
    )
    follow_up(row, task, acting_user=acting_user, now=now)
    return row


def _finding(
    review: Review, outcome: str, answer: Any, category: str, severity: str
) -> Checked | None:
    """Check what a reviewer says and return the corrected answer, if there is one."""
    if outcome not in ReviewOutcome.values:
        raise Invalid(_("Accept it, fix it, or reject it."), field="outcome", rule="known")
    if outcome == ReviewOutcome.ACCEPT:
        if answer is not None or category or severity:
            raise Invalid(
                _("What is accepted has no error and no other answer."),
                field="outcome",
                rule="accept_is_all",
            )
        return None
    for name, value, words in (
        ("category", category, ErrorCategory.values),
        ("severity", severity, Severity.values),
    ):
        if value not in words:
            raise Invalid(
                _("A fix or rejection names the error and its severity."), field=name, rule="known"
            )
    if answer is None:
        if outcome == ReviewOutcome.FIX:
            raise Invalid(_("A fix says what is right."), field="answer", rule="required")
        return None
    task = review.task
    checked = checked_answer(task, answer)
    before = reviewed_value(review)
    if (checked.answer, checked.label) == (before.answer, before.label) or (
        checked.label and checked.label == before.label
    ):
        raise Invalid(
            _("This is the answer that was given: accept it, or say what is right."),
            field="answer",
            rule="differs",
        )
    return checked


def _again(review: Review, outcome: str, found: Checked | None, acting_user: User) -> Review:
    """Return a review that was decided with the same words by the same person, or refuse."""
    reviewer = review.reviewer
    if reviewer is None or reviewer.user_id != acting_user.pk:
        raise NotYours
    same = found is None or (review.answer, review.label) == (found.answer, found.label)
    if review.outcome != outcome or not same:
        raise Conflict(_("This review is decided already."))
    return review


def _held(review: Review, acting_user: User, now: datetime) -> Assignment:
    """Return the assignment by which the user holds a review, taken anew where it went back."""
    if review.state == ReviewState.CANCELLED:
        raise Conflict(_("This review was called off."))
    assignment = review.assignment
    if assignment is not None and assignment.state in LIVE_ASSIGNMENTS:
        late = assignment.lease_until <= now
        if assignment.annotator.user_id == acting_user.pk or not late:
            check_worker(assignment.annotator.user_id, acting_user)
            return assignment
    annotator = Annotator.objects.filter(user=acting_user).first()
    had = Assignment.objects.filter(
        task=review.task_id, purpose=Purpose.REVIEW, annotator=annotator
    )
    if annotator is None or not had.exists():
        raise NotYours
    Review.objects.filter(pk=review.pk).update(state=ReviewState.PENDING, assignment=None)
    mine = open_reviews(annotator, now=now).filter(pk=review.pk).first()
    if mine is None:
        raise NotYours
    taken = _taken(mine, annotator, acting_user=acting_user, now=now)
    if taken.assignment is None:
        raise NotFound(what="assignment")
    return taken.assignment


def _billed(assignment: Assignment, raw_seconds: float | None, now: datetime) -> Billed:
    if raw_seconds is not None and not (
        isinstance(raw_seconds, int | float)
        and not isinstance(raw_seconds, bool)
        and abs(raw_seconds) <= MAX_RAW
    ):
        raise Invalid(_("Seconds are a number."), field="raw_seconds", rule="number")
    began = assignment.started_at or assignment.reserved_at
    return derive(
        TIME_RULE,
        Reading(
            raw=None if raw_seconds is None else float(raw_seconds),
            held=(now - began).total_seconds(),
            effort=assignment.effort_seconds,
        ),
    )
