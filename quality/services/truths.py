"""What counts as the truth of tasks when annotators are measured.

Gold, and what reviews drawn at random found, as they are. What was drawn among the least certain is
thinned by the inverse of its chance, to a sample in which every task had the same one: weights
above 1 that make a hard task stand for many would let a few answers decide. Adjudicated answers
count where a random draw led to them. Work that was chosen in other ways (after a rejection, on
suspicion, since answers disagreed) tells nothing of the work that was not, and does not count.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Min, Q, QuerySet

from quality.choices import AdjudicationWhy, ReviewOutcome, ReviewState, ReviewWhy
from quality.core.review_draw import thinned
from quality.models import Adjudication, GoldAnswer, Label, Review, ReviewChance

AS_THEY_ARE = frozenset({ReviewWhy.RANDOM, ReviewWhy.AUDIT})
BATCH = 5_000


def gold_in_force(at: datetime) -> QuerySet[GoldAnswer]:
    """Return the gold answers that were in force at a time."""
    return GoldAnswer.objects.filter(set_at__lte=at).filter(
        Q(retired_at__isnull=True) | Q(retired_at__gt=at)
    )


def known_truths(at: datetime, **tasks: int) -> dict[int, str]:
    """Return the labels of the tasks whose truth is known as of a time, by task id.

    Gold comes before what a review found.

    Parameters
    ----------
    tasks : which tasks, as filters on them (project, task_type)
    """
    where = {f"task__{name}": value for name, value in tasks.items()}
    found = dict(reviewed_truths(at, where))
    gold = gold_in_force(at).filter(**where).exclude(label="")
    found.update(gold.values_list("task_id", "label"))
    return found


def reviewed_truths(at: datetime, where: dict[str, int]) -> Iterator[tuple[int, str]]:
    """Yield (task, label) of what reviews at known chances found by a time."""
    rows = list(
        Review.objects.filter(
            **where,
            state=ReviewState.DONE,
            number=1,
            decided_at__lte=at,
            why__in=(*AS_THEY_ARE, ReviewWhy.ARRANGEMENT),
            probability__isnull=False,
        )
        .select_related("judgment__assignment", "accepted")
        .order_by("task_id", "pk")
    )
    kept = list(_thinned(rows, where))
    tasks = [review.task_id for review in kept]
    adjudicated, labels = _adjudicated(tasks, at), _labels(tasks, at)
    for review in kept:
        row = review.judgment
        given = row.label if row is not None else review.accepted.value if review.accepted else ""
        own = given if review.outcome == ReviewOutcome.ACCEPT else review.label
        # What a second person contradicted is what was adjudicated; what was rejected without
        # saying what is right is what the task was given afterwards.
        label = adjudicated.get(review.task_id) or own or labels.get(review.task_id, "")
        if label:
            yield review.task_id, label


def _thinned(rows: Iterable[Review], where: dict[str, int]) -> Iterator[Review]:
    """Leave out draws among the least certain until all had the same chance."""
    rows = list(rows)
    if not any(review.why == ReviewWhy.ARRANGEMENT for review in rows):
        yield from rows
        return
    chances = ReviewChance.objects.filter(**where).order_by()
    least = {
        (decision, arrangement): chance
        for decision, arrangement, chance in chances.values_list(
            "decision", "arrangement"
        ).annotate(least=Min("probability"))
    }
    of = {
        (task, attempt): least[decision, arrangement]
        for task, attempt, decision, arrangement in ReviewChance.objects.filter(
            **where, drawn=True
        ).values_list("task_id", "attempt", "decision_id", "arrangement")
    }
    key = settings.AUDIT_KEY.encode()
    for review in rows:
        if review.why != ReviewWhy.ARRANGEMENT:
            yield review
            continue
        held = review.judgment.assignment if review.judgment is not None else None
        chance = of.get((review.task_id, held.attempt if held is not None else 1))
        p = review.probability or 0.0
        if chance is not None and 0 < chance <= p and thinned(key, p, chance, review.public_id):
            yield review


def _adjudicated(task_ids: list[int], at: datetime) -> dict[int, str]:
    """Return what was adjudicated by a time because reviews of a task differ."""
    found: dict[int, str] = {}
    for start in range(0, len(task_ids), BATCH):
        rows = Adjudication.objects.filter(
            task__in=task_ids[start : start + BATCH],
            why=AdjudicationWhy.REVIEWS,
            decided_at__lte=at,
        )
        found.update(rows.order_by("decided_at").values_list("task_id", "label"))
    return found


def _labels(task_ids: list[int], at: datetime) -> dict[int, str]:
    """Return the labels in force as of a time."""
    found: dict[int, str] = {}
    for start in range(0, len(task_ids), BATCH):
        rows = Label.objects.filter(
            Q(ended_at__isnull=True) | Q(ended_at__gt=at),
            task__in=task_ids[start : start + BATCH],
            accepted_at__lte=at,
        )
        found.update(rows.values_list("task_id", "value"))
    return found
