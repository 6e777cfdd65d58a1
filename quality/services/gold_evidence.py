"""How gold fares: how often it was asked and missed, and whether the good ones miss it.

Gold that most of the good annotators miss is contested: it may be gold that is wrong. Good is who
is estimated in the upper half of the skill, so that it needs no threshold of its own; a few answers
make no contest.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from quality.choices import ReviewOutcome, ReviewState
from quality.models import Adjudication, GoldAnswer, Judgment, Review
from quality.services.gold import gold_value
from quality.services.rightness import Value, is_right, value_of
from quality.services.truths import gold_in_force
from routing.choices import Purpose
from routing.models import Assignment
from workforce.models import Proficiency

LEAST_GOOD = 3  # good annotators who answered it, before it can be contested
BATCH = 1_000


@dataclass(frozen=True)
class Given:
    """One annotator's last answer to a gold task."""

    judgment: Judgment
    right: bool
    rate: float | None
    good: bool


@dataclass(frozen=True)
class Standing:
    """How a gold answer fares.

    asked : times it was mixed in unseen, or asked by a qualification
    answered, missed : people who answered its task, of whom so many said something else
    good, good_missed : the same of those in the upper half of the skill
    against : reviews of its task that say something else
    """

    asked: int = 0
    answered: int = 0
    missed: int = 0
    good: int = 0
    good_missed: int = 0
    against: int = 0

    @property
    def contested(self) -> bool:
        """Whether most of the good annotators who had it miss it."""
        return self.good >= LEAST_GOOD and 2 * self.good_missed > self.good


def standings(rows: Sequence[GoldAnswer], *, now: datetime) -> dict[int, Standing]:
    """Return how gold answers fare, by their keys; their tasks and types are read with them."""
    found: dict[int, Standing] = {}
    for start in range(0, len(rows), BATCH):
        found.update(_some(rows[start : start + BATCH], now))
    return found


def _some(rows: Sequence[GoldAnswer], now: datetime) -> dict[int, Standing]:
    tasks = [gold.task_id for gold in rows]
    asked = dict(
        Assignment.objects.filter(task__in=tasks, purpose__in=(Purpose.GOLD, Purpose.QUALIFICATION))
        .order_by()
        .values_list("task_id")
        .annotate(n=Count("pk"))
    )
    given = answers_to(rows, now=now)
    reviews: dict[int, list[Review]] = defaultdict(list)
    done = Review.objects.filter(task__in=tasks, state=ReviewState.DONE)
    for review in done.select_related("judgment", "accepted"):
        reviews[review.task_id].append(review)
    return {
        gold.pk: Standing(
            asked=asked.get(gold.task_id, 0),
            answered=len(given[gold.pk]),
            missed=sum(not row.right for row in given[gold.pk]),
            good=sum(row.good for row in given[gold.pk]),
            good_missed=sum(row.good and not row.right for row in given[gold.pk]),
            against=sum(contradicts(review, gold) for review in reviews[gold.task_id]),
        )
        for gold in rows
    }


def answers_to(rows: Sequence[GoldAnswer], *, now: datetime) -> dict[int, list[Given]]:
    """Return everybody's last answer to the tasks of gold answers, by the gold's key."""
    last: dict[tuple[int, int], Judgment] = {}
    given = Judgment.objects.filter(task__in=[gold.task_id for gold in rows])
    for judgment in given.select_related("annotator__pool").order_by("submitted_at", "pk"):
        last[judgment.task_id, judgment.annotator_id] = judgment
    by_task: dict[int, list[Judgment]] = defaultdict(list)
    for (task, _annotator), judgment in last.items():
        by_task[task].append(judgment)
    rates = _rates({gold.task.task_type.skill_id for gold in rows}, now)
    found = {}
    for gold in rows:
        kind, value = gold.task.task_type, gold_value(gold)
        mine, middle = rates.get(kind.skill_id, ({}, 1.0))
        found[gold.pk] = [
            Given(
                judgment,
                is_right(kind, value, value_of(judgment)),
                rate := mine.get(judgment.annotator_id),
                rate is not None and rate >= middle,
            )
            for judgment in by_task[gold.task_id]
        ]
    return found


def _rates(skills: set[int], now: datetime) -> dict[int, tuple[dict[int, float], float]]:
    """Return everybody's latest rate in each skill, and the middle one of them."""
    newest = Window(
        RowNumber(), partition_by=[F("annotator"), F("skill")], order_by=F("as_of").desc()
    )
    rows = Proficiency.objects.filter(skill__in=skills, as_of__lte=now).annotate(newest=newest)
    by_skill: dict[int, dict[int, float]] = defaultdict(dict)
    for skill, annotator, rate in rows.filter(newest=1, rate__isnull=False).values_list(
        "skill_id", "annotator_id", "rate"
    ):
        by_skill[skill][annotator] = rate
    found = {}
    for skill, mine in by_skill.items():
        ordered = sorted(mine.values())
        found[skill] = (mine, ordered[len(ordered) // 2])
    return found


def contradicts(review: Review, gold: GoldAnswer) -> bool:
    """Tell whether a decided review holds something else right than a gold answer."""
    kind, value = gold.task.task_type, gold_value(gold)
    row = review.judgment or review.accepted
    if review.answer is not None:
        return not is_right(kind, value, Value(review.answer, review.label))
    if row is None:
        return False
    same = is_right(kind, value, value_of(row))
    # Who accepts something else, or rejects what the gold says, contradicts it.
    return not same if review.outcome == ReviewOutcome.ACCEPT else same


def in_doubt() -> QuerySet[Adjudication]:
    """Return open adjudications of gold, to be joined to tasks by an outer query."""
    return Adjudication.objects.filter(
        task=OuterRef("task"), why="gold", decided_at__isnull=True, cancelled_at__isnull=True
    )


def contested(rows: QuerySet[GoldAnswer], *, now: datetime) -> list[int]:
    """Return the keys of the gold answers among `rows` that are in force and contested."""
    # Fewer than two people who said something else make no contest: most are left out in SQL.
    other = Judgment.objects.filter(task=OuterRef("task")).filter(
        Q(label="") | ~Q(label=OuterRef("label"))
    )
    found = rows.filter(pk__in=gold_in_force(now).values("pk")).filter(Exists(other))
    listed = list(found.select_related("task__task_type").order_by("pk"))
    return [key for key, standing in standings(listed, now=now).items() if standing.contested]


__all__ = ["LEAST_GOOD", "Given", "Standing", "answers_to", "contested", "in_doubt", "standings"]
