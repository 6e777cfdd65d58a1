"""Quality reviews: drawing them by what the arrangement says, asking for one, calling one off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings

from accounts.models import User
from quality.choices import ReviewOutcome, ReviewState, ReviewWhy
from quality.core.review_draw import chance_of_review, luck
from quality.models import Review, ReviewChance
from routing.core.review import CHOICES, LEAST_CERTAIN
from routing.models import Decision, Task
from workforce.models import Pool

LAST = 200  # tasks of an arrangement among which a certainty is placed
RANDOM_DRAWS = frozenset({ReviewWhy.RANDOM, ReviewWhy.AUDIT})


@dataclass(frozen=True)
class ReviewPlan:
    """What an arrangement says of reviews.

    share : of tasks reviewed; least_certain : chosen so, else at random
    pool : key of the reviewing pool; crew : its number in the decision's run
    """

    share: float
    least_certain: bool
    pool: str
    crew: int


def review_plan(decision: Decision | None, arrangement: int | None) -> ReviewPlan | None:
    """Return what the arrangement of a placement says of reviews, None where it knows none."""
    if decision is None:
        return None
    chosen: Sequence[dict[str, Any]] = decision.chosen
    for row in chosen:
        if row["arrangement"] == arrangement and row["review"] is not None:
            if row["review_share"] <= 0:
                return None
            return ReviewPlan(
                share=min(float(row["review_share"]), 1.0),
                least_certain=row["review_choice"] == CHOICES[LEAST_CERTAIN],
                pool=row["review_pool"],
                crew=int(row["review"]),
            )
    return None


def draw_review(
    task: Task,
    judgment_id: int,
    decision: Decision | None,
    *,
    arrangement: int | None,
    certainty: float | None,
    urgency: int = 0,
    acting_user: User,
    now: datetime,
) -> Review | None:
    """Draw the quality review of a task that has enough answers; None where it gets none.

    Part of the caller's transaction, whose event names the review. Asked again, it draws the same
    and makes nothing twice. After rework the answer is reviewed for certain, if the arrangement
    knows reviewers.

    Parameters
    ----------
    judgment_id : of the answer that is reviewed: one that gave the leading label
    arrangement : of the task's placement
    certainty : that the leading label is right, in [0, 1]; None = nothing is known
    urgency : of the task's placement, by which reviewers are served
    """
    plan = review_plan(decision, arrangement)
    if plan is None or decision is None or arrangement is None:
        return None
    if task.attempt > 1 and _rejected_before(task):
        why, probability, drawn = ReviewWhy.REWORK, 1.0, True
    elif plan.least_certain and certainty is not None:
        why = ReviewWhy.ARRANGEMENT
        probability, drawn = _by_certainty(task, decision, arrangement, certainty, plan.share, now)
    else:
        why, probability = ReviewWhy.RANDOM, plan.share
        drawn = _luck(task, "review") < probability
    if not drawn:
        return None
    return make_review(
        task,
        judgment_id,
        why=why,
        probability=probability,
        pool=Pool.objects.get(key=plan.pool),
        crew=plan.crew,
        urgency=urgency,
        now=now,
    )


def drawn_at_random(
    decision: Decision | None, arrangement: int | None, task: UUID, attempt: int
) -> bool | None:
    """Tell whether `draw_review` would draw a task, where luck alone decides; None where not.

    It reads nothing: what luck says of a task hangs on its id.
    """
    plan = review_plan(decision, arrangement)
    if plan is None:
        return False
    if attempt > 1 or plan.least_certain:
        return None
    return luck(settings.AUDIT_KEY.encode(), "review", task, attempt) < plan.share


def _rejected_before(task: Task) -> bool:
    """Tell whether a review rejected what the task was worked to before."""
    return Review.objects.filter(
        task_id=task.pk,
        outcome=ReviewOutcome.REJECT,
        judgment__assignment__attempt=task.attempt - 1,
    ).exists()


def make_review(
    task: Task,
    judgment_id: int,
    *,
    why: str,
    probability: float | None,
    pool: Pool | None,
    crew: int | None,
    urgency: int,
    number: int = 1,
    now: datetime,
) -> Review:
    """Return the review of that number of a judgment, made when there is none; the caller's
    transaction and event."""
    made, _new = Review.objects.exclude(state=ReviewState.CANCELLED).get_or_create(
        judgment_id=judgment_id,
        number=number,
        defaults={
            "task_id": task.pk,
            "why": why,
            "probability": probability,
            "pool": pool,
            "crew": crew,
            "urgency": urgency,
            "created_at": now,
        },
    )
    return made


def _luck(task: Task, what: str) -> float:
    return luck(settings.AUDIT_KEY.encode(), what, task.public_id, task.attempt)


def _by_certainty(
    task: Task,
    decision: Decision,
    arrangement: int,
    certainty: float,
    share: float,
    now: datetime,
) -> tuple[float, bool]:
    """Return the chance of a review and whether it was drawn, and keep both."""
    before = ReviewChance.objects.filter(task_id=task.pk, attempt=task.attempt).first()
    if before is not None:
        return before.probability, before.drawn
    last = ReviewChance.objects.filter(decision=decision, arrangement=arrangement)
    past = np.array(
        last.order_by("-pk").values_list("certainty", flat=True)[:LAST], dtype=np.float64
    )
    probability = chance_of_review(certainty, past, share)
    drawn = _luck(task, "review") < probability
    ReviewChance.objects.create(
        task_id=task.pk,
        attempt=task.attempt,
        decision=decision,
        arrangement=arrangement,
        certainty=certainty,
        probability=probability,
        drawn=drawn,
        at=now,
    )
    return probability, drawn
