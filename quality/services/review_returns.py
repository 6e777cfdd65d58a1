"""Giving a review back undecided, and why somebody may not take one."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import can
from common.errors import Conflict
from quality.choices import ReviewState
from quality.models import Review
from quality.services.reviewing import open_reviews
from routing.choices import LIVE_ASSIGNMENTS
from routing.services.assignments import check_worker, release
from workforce.models import Annotator


@transaction.atomic
def return_review(review: Review, *, acting_user: User, now: datetime) -> Review:
    """Give back a review that was taken, undecided; twice is once.

    Raises
    ------
    NotYours, Forbidden
        If somebody else has it.
    Conflict
        If it is decided.
    """
    row = Review.objects.select_related("assignment__annotator").get(pk=review.pk)
    if row.state == ReviewState.DONE:
        raise Conflict(_("This review is decided already."))
    if row.state != ReviewState.TAKEN or row.assignment is None:
        return row
    check_worker(row.assignment.annotator.user_id, acting_user)
    # The seats of the project are locked before the review, as whoever takes one does.
    if row.assignment.state in LIVE_ASSIGNMENTS:
        release(row.assignment, acting_user=acting_user, now=now)
    Review.objects.filter(pk=row.pk, state=ReviewState.TAKEN, assignment=row.assignment_id).update(
        state=ReviewState.PENDING, assignment=None
    )
    row.refresh_from_db()
    return row


def own_annotator(user: User) -> Annotator | None:
    """Return the annotator as whom a user reviews, if there is one."""
    if not can(user, "own_work.do"):
        return None
    return Annotator.objects.select_related("pool").filter(user=user).first()


def why_not(review: Review, user: User, *, now: datetime) -> str:
    """Return why a user may not take a pending review; empty where they may."""
    annotator = own_annotator(user)
    if annotator is None:
        return _(
            "Quality reviews are done by annotators, whose skills, clearance and time are known. "
            "Your login is not that of one: have an annotator of the house made for it, with the "
            "role annotator besides yours."
        )
    if open_reviews(annotator, now=now).filter(pk=review.pk).exists():
        return ""
    if review.pool_id is not None and review.pool_id != annotator.pool_id:
        return _("It waits for people of the pool %(pool)s.") % {"pool": review.pool}
    return _(
        "You answered or reviewed this task, or a gate is shut for you: skill and level, "
        "clearance, certificate, pause, or the project is closed."
    )
