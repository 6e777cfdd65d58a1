"""What an annotator reads of their own accuracy: sums only, a day late, never by the task.

An estimate is told when SUM_FROM checked answers stand behind it, and the next one when SUM_FROM
more do: whoever compares two of them learns of no single answer whether it was gold.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from accounts.permissions import require
from common.errors import NotFound
from quality.choices import ErrorCategory, ReviewOutcome, ReviewState
from quality.models import Review
from quality.services.pause_notices import SUM_FROM
from workforce.choices import FactState
from workforce.models import Annotator, AnnotatorSkill, Proficiency, Skill

LATEST = 6  # earlier estimates that are shown beside the last
BLOCKS = 5  # of reviews that are told together


@dataclass(frozen=True)
class Share:
    """A share with its central 90 % interval, each in [0, 1]."""

    lower: float
    middle: float
    upper: float


@dataclass(frozen=True)
class Told:
    """An estimate as it is told.

    checked : answers whose right answer is known, rounded down to a multiple of SUM_FROM
    accuracy : share right so far, None where it was not estimated
    rate : chance that the next answer is right
    """

    as_of: datetime
    checked: int
    accuracy: Share | None
    rate: Share


@dataclass(frozen=True)
class Found:
    """What quality reviews found in so many answers, the latest that are told.

    outcomes : accepted, fixed, rejected; errors : (category, times), the most frequent first
    """

    reviewed: int
    outcomes: dict[str, int]
    errors: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class OwnScore:
    """One skill of an annotator: the verified level, and what was told of it, the latest first.

    told : empty = too few checked answers yet (how many is not told: it would count gold)
    found : by reviews, None = too few yet
    """

    skill: str
    level: int | None
    told: tuple[Told, ...]
    found: Found | None = None


def own_scores(annotator: Annotator, *, acting_user: User, now: datetime) -> list[OwnScore]:
    """Return what an annotator may read of their skills, by name.

    Raises
    ------
    Forbidden, NotFound
        If the user does no work of their own, or the annotator is somebody else.
    """
    only_own(annotator, acting_user)
    late = now - timedelta(hours=settings.GOLD_DELAY_HOURS)
    rows: dict[int, list[Proficiency]] = {}
    # Not by `scoped`: estimates are the house's, since their counts tell gold. What is told is not.
    found = Proficiency.objects.filter(annotator=annotator, as_of__lte=late)
    for row in found.order_by("as_of"):
        rows.setdefault(row.skill_id, []).append(row)
    held = dict(
        AnnotatorSkill.objects.filter(annotator=annotator, state=FactState.VERIFIED).values_list(
            "skill_id", "level"
        )
    )
    reviews = _reviews(annotator, late)
    skills = Skill.objects.filter(pk__in={*rows, *held, *reviews}).order_by("name")
    return [
        OwnScore(
            skill.name,
            held.get(skill.pk),
            tuple(told(rows.get(skill.pk, ()))[:LATEST]),
            found_in(reviews.get(skill.pk, ())),
        )
        for skill in skills
    ]


def _reviews(annotator: Annotator, late: datetime) -> dict[int, list[tuple[str, str]]]:
    """Return outcome and error of the reviews of somebody's answers by skill, as they came."""
    # Not by `scoped`: reviews are the house's, since one by one they would tell who checks whom.
    rows = Review.objects.filter(
        judgment__annotator=annotator, number=1, state=ReviewState.DONE, decided_at__lte=late
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for skill, outcome, category in rows.order_by("decided_at", "pk").values_list(
        "task__task_type__skill", "outcome", "category"
    ):
        found.setdefault(skill, []).append((outcome, category))
    return found


def found_in(reviews: Sequence[tuple[str, str]]) -> Found | None:
    """Return what the latest reviews found, None where there are too few.

    Counted in whole blocks of SUM_FROM from the first on: what is told changes by a block at a
    time, never by one answer.

    reviews : (outcome, category) of one skill as they came
    """
    whole = len(reviews) // SUM_FROM * SUM_FROM
    if not whole:
        return None
    last = reviews[max(whole - BLOCKS * SUM_FROM, 0) : whole]
    outcomes = Counter(outcome for outcome, _category in last)
    errors = Counter(category for _outcome, category in last if category)
    return Found(
        reviewed=len(last),
        outcomes={name: outcomes.get(name, 0) for name in ReviewOutcome.values},
        errors=tuple(
            (str(ErrorCategory(name).label), times)
            for name, times in sorted(errors.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
    )


def only_own(annotator: Annotator, user: User) -> None:
    """Go on where the annotator is the user; anybody else looks like nobody."""
    require(user, "own_work.do")
    if annotator.user_id != user.pk:
        raise NotFound(what="annotator")


def told(estimates: Iterable[Proficiency]) -> list[Told]:
    """Return the estimates that are told, the latest first.

    estimates : of one skill, the earliest first
    """
    found: list[Told] = []
    behind = 0
    for row in estimates:
        # Gold that was retired lowers the count: that is a sum over many, too, or it waits.
        if row.n_gold < SUM_FROM or abs(row.n_gold - behind) < SUM_FROM:
            continue
        behind = row.n_gold
        accuracy = None
        if row.accuracy is not None and row.lower is not None and row.upper is not None:
            accuracy = Share(row.lower, row.accuracy, row.upper)
        found.append(
            Told(
                as_of=row.as_of,
                checked=row.n_gold // SUM_FROM * SUM_FROM,
                accuracy=accuracy,
                rate=Share(row.rate_lower, row.rate, row.rate_upper),
            )
        )
    return found[::-1]
