"""What an annotator does next: what is in hand, then checks of others' answers, then new tasks."""

from datetime import datetime

from django.db.models import Q

from accounts.models import User
from quality.choices import ReviewState
from quality.models import Review
from quality.services.adjudication_work import adjudication_in_hand, take_adjudication
from quality.services.reviewing import review_in_hand, take_review
from routing.models import Assignment
from routing.selectors import in_hand
from routing.services.claiming import claim
from workforce.choices import PoolKind
from workforce.models import Annotator


def next_work(annotator: Annotator, *, acting_user: User, now: datetime) -> Assignment | None:
    """Return the assignment to go on with, taken if nothing is in hand; None = nothing to do.

    Checks come before new tasks: work that is answered waits for nothing else. What was put off
    waits until its holder comes back to it.

    Raises
    ------
    NotYours, Forbidden
        If the user may not act for the annotator.
    LimitReached
        If nothing may be taken now.
    """
    held = in_hand(annotator, now).filter(deferred_at__isnull=True).first()
    if held is not None:
        return held
    # One check at a time: one that was put off keeps the next from being taken.
    if _reviews_wait(annotator) and review_in_hand(annotator, now=now) is None:
        review = take_review(annotator, acting_user=acting_user, now=now)
        if review is not None:
            return review.assignment
    if (
        annotator.pool.kind == PoolKind.IN_HOUSE
        and adjudication_in_hand(annotator, now=now) is None
    ):
        adjudication = take_adjudication(annotator, acting_user=acting_user, now=now)
        if adjudication is not None:
            return adjudication.assignment
    return next(iter(claim(annotator, acting_user=acting_user, now=now)), None)


def _reviews_wait(annotator: Annotator) -> bool:
    """Tell whether any review is asked of the annotator's pool: most pools review nothing."""
    where = Q(pool=annotator.pool_id)
    if annotator.pool.kind == PoolKind.IN_HOUSE:
        where |= Q(pool__isnull=True)
    return Review.objects.filter(where, state__in=(ReviewState.PENDING, ReviewState.TAKEN)).exists()
