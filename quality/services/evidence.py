"""Answers of known truth: what watching reads. Gold that was asked unseen, and random reviews.

What was looked at for a reason (the least certain first, a second review, work since an error) says
nothing of how often somebody errs; it is left out here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import F, Q, QuerySet
from numpy.typing import NDArray

from quality.choices import ReviewOutcome, ReviewState, ReviewWhy
from quality.core.score import score
from quality.models import Adjudication, Judgment, Review
from routing.choices import Metric, Purpose

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NONE = -1
BATCH = 5_000

# Of a judgment, from a judgment.
COLUMNS = (
    "pk",
    "task_id",
    "annotator_id",
    "task__project_id",
    "task__task_type_id",
    "task__task_type__skill_id",
    "guideline_id",
    "submitted_at",
)
SCORED = ("label", "answer", "task__task_type__metric", "task__task_type__threshold")


@dataclass(frozen=True)
class Evidence:
    """Answers of known truth (N,), in the order in which their truth became known.

    judgment … guideline : ids, NONE where an answer was given under no version
    submitted, known : seconds since 1970: when it was given, and when its truth was known as well
    gold : whether it was gold, else a random review; wrong : whether it was
    """

    judgment: Ints
    task: Ints
    annotator: Ints
    project: Ints
    task_type: Ints
    skill: Ints
    guideline: Ints
    submitted: Floats
    known: Floats
    gold: NDArray[np.bool_]
    wrong: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.judgment)

    def take(self, rows: NDArray[Any]) -> "Evidence":
        """Return some of the rows, by number or by mask."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def in_order(self) -> "Evidence":
        """Leave out what has no order: answers of one annotator that came at one instant.

        Nobody gives two at a time: they came with a file, and stand in the order of its rows. A
        test that reads one answer after the other would find runs that nobody made.
        """
        pairs = np.stack([self.annotator.astype(np.float64), self.submitted])
        _unique, place, count = np.unique(pairs, axis=1, return_inverse=True, return_counts=True)
        return self.take(count[np.reshape(place, -1)] == 1)

    def by_annotator_and_skill(self) -> Iterator[tuple[int, int, "Evidence"]]:
        """Yield every annotator's evidence in every skill, in order of time."""
        order = np.lexsort((np.arange(len(self)), self.skill, self.annotator))
        keys = np.stack([self.annotator[order], self.skill[order]])
        begins = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
        for rows in np.split(order, begins[1:]) if len(order) else []:
            yield int(self.annotator[rows[0]]), int(self.skill[rows[0]]), self.take(rows)

    def one_per_task(self) -> "Evidence":
        """Keep the first known answer to each task: answers to one item err together."""
        _tasks, first = np.unique(self.task, return_index=True)
        return self.take(np.sort(first))


def read_evidence(now: datetime, *, since: datetime | None = None, **only: Any) -> Evidence:
    """Return the evidence known by `now`.

    Parameters
    ----------
    since : leave out answers that were given before
    only : further conditions on judgments, e.g. ``annotator_id=3``
    """
    wanted = Q(submitted_at__lte=now, **only)
    if since is not None:
        wanted &= Q(submitted_at__gte=since)
    rows = [*_from_gold(wanted, now), *_from_reviews(wanted, now)]
    # One row per answer: gold that was also drawn for a review counts once, as gold.
    found = {row[0]: row for row in reversed(rows)}
    ordered = sorted(found.values(), key=lambda row: (row[8], row[0]))
    columns = list(zip(*ordered, strict=True)) if ordered else [()] * len(fields(Evidence))
    judgment, task, annotator, project, task_type, skill, guideline, *others = columns
    submitted, known, gold, wrong = others
    return Evidence(
        judgment=_whole(judgment),
        task=_whole(task),
        annotator=_whole(annotator),
        project=_whole(project),
        task_type=_whole(task_type),
        skill=_whole(skill),
        guideline=_whole(guideline),
        submitted=np.array(submitted, dtype=np.float64),
        known=np.array(known, dtype=np.float64),
        gold=np.array(gold, dtype=np.bool_),
        wrong=np.array(wrong, dtype=np.bool_),
    )


def _whole(values: tuple[int, ...]) -> Ints:
    return np.array(values, dtype=np.int64)


def is_right(metric: str, threshold: float, truth: Any, answer: Any) -> bool:
    """Tell whether an answer reaches the threshold against the truth; one without form does not."""
    try:
        return score(metric, truth, answer) >= threshold
    except ValueError:
        return False


def _last(rows: QuerySet[Judgment]) -> Iterator[tuple[Any, ...]]:
    """Yield COLUMNS, SCORED and what was annotated, of the last attempt of each answer."""
    before: tuple[Any, ...] | None = None
    ordered = rows.order_by("task_id", "annotator_id", "attempt")
    for row in ordered.values_list(*COLUMNS, *SCORED, "truth", "full", "truth_at").iterator(BATCH):
        if before is not None and before[1:3] != row[1:3]:
            yield before
        before = row
    if before is not None:
        yield before


def _from_gold(wanted: Q, now: datetime) -> Iterator[tuple[Any, ...]]:
    """Yield the answers to gold that was asked unseen, or came in with a file."""
    unseen = Q(assignment__isnull=True) | Q(assignment__purpose=Purpose.GOLD)
    rows = Judgment.objects.filter(
        wanted & unseen, task__gold__retired_at__isnull=True, task__gold__set_at__lte=now
    ).annotate(
        truth=F("task__gold__label"), full=F("task__gold__answer"), truth_at=F("task__gold__set_at")
    )
    for *values, label, answer, metric, threshold, truth, full, at in _last(rows):
        if metric == Metric.EXACT and truth:
            right = label == truth
        else:
            right = is_right(metric, threshold, full, answer)
        yield (*_ids(values), _later(values[-1], at), True, not right)


def _from_reviews(wanted: Q, now: datetime) -> Iterator[tuple[Any, ...]]:
    """Yield the answers whose random review is done; an adjudication after it overrules it."""
    reviews = Review.objects.filter(
        state=ReviewState.DONE, why=ReviewWhy.RANDOM, number=1, decided_at__lte=now
    )
    rows = reviews.filter(judgment__in=Judgment.objects.filter(wanted)).order_by("judgment_id")
    names = [f"judgment__{name}" for name in (*COLUMNS, *SCORED)]
    overruled = _adjudicated(reviews, now)
    for *values, _label, answer, metric, threshold, outcome, fixed, at in rows.values_list(
        *names, "outcome", "answer", "decided_at"
    ).iterator(BATCH):
        truth = overruled.get(values[1])
        if truth is not None and truth[0] >= at:
            at, right = truth[0], is_right(metric, threshold, truth[1], answer)
        elif outcome == ReviewOutcome.FIX:
            right = is_right(metric, threshold, fixed, answer)
        else:
            right = outcome == ReviewOutcome.ACCEPT
        yield (*_ids(values), _later(values[-1], at), False, not right)


def _adjudicated(reviews: QuerySet[Review], now: datetime) -> dict[int, tuple[datetime, Any]]:
    """Return when and how the tasks of reviews were adjudicated, the last decision of each."""
    rows = Adjudication.objects.filter(
        task__in=reviews.values("task"), decided_at__lte=now, cancelled_at__isnull=True
    ).order_by("decided_at", "pk")
    return {
        task: (at, answer)
        for task, at, answer in rows.values_list("task_id", "decided_at", "answer")
        if at is not None
    }


def _ids(values: list[Any]) -> tuple[Any, ...]:
    *ids, guideline, submitted = values
    return (*ids, NONE if guideline is None else guideline, submitted.timestamp())


def _later(submitted: datetime, known: datetime) -> float:
    return max(submitted, known).timestamp()
