"""What follows from a decided review: the label, rework, a second look, or an adjudication.

A second person does a stated share of reviews as well, drawn at random before anything follows
from the first, and every review that is contested. Where two reviews differ a person adjudicates.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.permissions import can, require
from audit.services.events import record_event
from common.errors import Conflict, Invalid, NotFound
from quality.choices import AdjudicationWhy, LabelBy, ReviewOutcome, ReviewState, ReviewWhy
from quality.core.review_draw import luck
from quality.models import Judgment, Review
from quality.services.adjudications import open_adjudication
from quality.services.audit_results import item_reviewed
from quality.services.gold import doubt_gold
from quality.services.reviews import make_review
from quality.services.rightness import Value, is_right, value_of
from quality.services.verdicts import Verdict, accepts, carry_out
from routing.choices import SEATED_ASSIGNMENTS, ReworkTo, TaskState
from routing.models import Assignment, Task
from routing.services.returning import return_to
from workforce.choices import AnnotatorStatus
from workforce.models import Annotator

REJECTED = gettext_noop("rejected by a quality review")
CONTEST = "reviews.contest"


def follow_up(review: Review, task: Task, *, acting_user: User, now: datetime) -> None:
    """Carry out what follows from a review that was just decided; the caller's transaction."""
    by: dict[str, Any] = {"acting_user": acting_user, "now": now}
    said = _said(review)
    if said is not None:
        doubt_gold(task, said, urgency=review.urgency, **by)
    if review.accepted_id is not None:
        item_reviewed(review, task, **by)
        return
    if review.number > 1:
        _after_second(review, task, **by)
    elif not _second_drawn(review, task, now):
        carry_out_review(review, task, **by)


def _said(review: Review) -> Value | None:
    """Return what a review holds to be right, None where it only says what is not."""
    if review.outcome == ReviewOutcome.ACCEPT:
        row = review.judgment or review.accepted
        return value_of(row) if row is not None else None
    return None if review.answer is None else Value(review.answer, review.label)


def carry_out_review(review: Review, task: Task, *, acting_user: User, now: datetime) -> None:
    """Let a review of a judgment take effect on its task."""
    judgment = review.judgment
    if judgment is None or not _of_this_attempt(judgment, task):
        return
    verdict = None
    if review.outcome == ReviewOutcome.ACCEPT:
        if task.state == TaskState.ACCEPTED:
            return
        verdict = accepts(judgment, review)
    elif review.outcome == ReviewOutcome.FIX:
        verdict = Verdict(Value(review.answer, review.label), LabelBy.REVIEW, review=review)
    state = carry_out(task, verdict, reason=REJECTED, acting_user=acting_user, now=now)
    if state == TaskState.REWORK and task.project.rework_to == ReworkTo.SAME:
        anew = Task.objects.get(pk=task.pk)
        return_to(anew, judgment.annotator, acting_user=acting_user, now=now)


def _of_this_attempt(judgment: Judgment, task: Task) -> bool:
    attempt = judgment.assignment.attempt if judgment.assignment is not None else 1
    return attempt == task.attempt


def _second_drawn(review: Review, task: Task, now: datetime) -> bool:
    """Draw the second review of an answer that waits for checks; True if it gets one."""
    share = task.project.second_review_share
    if task.state != TaskState.ANSWERED or not 0 < share <= 1 or review.judgment_id is None:
        return False
    key = settings.AUDIT_KEY.encode()
    if luck(key, "second review", review.public_id) >= share or not _somebody_else(review):
        return False
    make_review(
        task,
        review.judgment_id,
        why=ReviewWhy.RANDOM,
        probability=share,
        pool=review.pool,
        crew=review.crew,
        urgency=review.urgency,
        number=2,
        now=now,
    )
    return True


def _somebody_else(review: Review) -> bool:
    """Tell whether the reviewing pool has a person who has not seen the task."""
    seen = Assignment.objects.filter(task=review.task_id, state__in=SEATED_ASSIGNMENTS)
    people = Annotator.objects.filter(status=AnnotatorStatus.ACTIVE, kind="person")
    if review.pool_id is not None:
        people = people.filter(pool=review.pool_id)
    else:
        people = people.filter(pool__kind="in_house")
    return people.exclude(pk__in=seen.values("annotator_id")).exists()


def _after_second(review: Review, task: Task, *, acting_user: User, now: datetime) -> None:
    first = (
        Review.objects.filter(judgment=review.judgment_id, state=ReviewState.DONE)
        .exclude(pk=review.pk)
        .order_by("number")
        .first()
    )
    if first is None or agree(first, review, task):
        # A contested one has taken effect already; carried out again it changes nothing.
        if first is None or first.contested_at is None:
            carry_out_review(first or review, task, acting_user=acting_user, now=now)
        return
    open_adjudication(
        task,
        why=AdjudicationWhy.REVIEWS,
        urgency=review.urgency,
        acting_user=acting_user,
        now=now,
    )


def agree(first: Review, second: Review, task: Task) -> bool:
    """Tell whether two reviews of an answer say the same."""
    if first.outcome != second.outcome:
        return False
    if first.outcome != ReviewOutcome.FIX:
        return True
    return is_right(
        task.task_type, Value(first.answer, first.label), Value(second.answer, second.label)
    )


@transaction.atomic
def contest_review(review: Review, *, reason: str, acting_user: User, now: datetime) -> Review:
    """Have a second person look at an answer in which a review found an error; returns that review.

    Asked by who is reviewed, or for them by the house. Contested twice, it is the same review.

    Raises
    ------
    NotFound
        If the review is not of this user's work: as if there were none.
    Invalid
        If no reason is given.
    Conflict
        If it found no error, or a second person has looked at the answer already.
    """
    rows = Review.objects.select_for_update(of=("self",)).select_related("judgment__annotator")
    row = rows.get(pk=review.pk)
    judgment = row.judgment
    own = judgment is not None and judgment.annotator.user_id == acting_user.pk
    if own:
        require(acting_user, "own_work.do")
    elif not can(acting_user, CONTEST):
        raise NotFound(what=_("quality review"))
    if not reason.strip():
        raise Invalid(_("Say why it is contested."), field="reason", rule="required")
    found_error = row.outcome in (ReviewOutcome.FIX, ReviewOutcome.REJECT)
    if judgment is None or row.state != ReviewState.DONE or not found_error or row.number > 1:
        raise Conflict(_("Only a review that found an error can be contested."))
    second = Review.objects.filter(judgment=judgment, number=2).exclude(state=ReviewState.CANCELLED)
    held = second.first()
    if held is not None:
        if row.contested_at is not None:
            return held
        raise Conflict(_("A second person has looked at this answer already."))
    Review.objects.filter(pk=row.pk).update(
        contested_at=now, contested_by=acting_user, contest_reason=reason.strip()
    )
    made = make_review(
        row.task,
        judgment.pk,
        why=ReviewWhy.DISAGREEMENT,
        probability=None,
        pool=row.pool,
        crew=row.crew,
        urgency=row.urgency,
        number=2,
        now=now,
    )
    record_event(
        "review.contested",
        acting_user=acting_user,
        now=now,
        subject="review",
        subject_id=row.public_id,
        note=reason.strip(),
        second=str(made.public_id),
    )
    return made
