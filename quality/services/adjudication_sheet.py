"""What lies before an adjudicator: the different answers, what reviewers hold right, and gold.

Blind until it is decided. Of labels it tells how likely each is, by the rates of those who gave
them and how annotators err together: what the vote knew, not what is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from common.errors import Invalid
from quality.choices import AdjudicationWhy, ReviewState
from quality.core.sequential import Dependence
from quality.core.sequential_one import confidences
from quality.models import Adjudication, GoldAnswer, Judgment, Review, TypeFacts
from quality.services.adjudicating import sheet
from quality.services.gold import gold_value
from quality.services.rightness import Value
from routing.choices import Metric
from routing.core.crews import PRIOR_RATE
from routing.seams import QualityFacts
from workforce.models import Proficiency

OTHER = "other"


@dataclass(frozen=True)
class Option:
    """One thing that may be chosen.

    key : what a form sends; name : A, B, C … of answers, else where it comes from
    votes : how many gave it; probability : that it is right, None where it is not put to a vote
    reviews : what reviewers said of it; people : who gave it, told once it is decided
    """

    key: str
    name: str
    value: Value
    votes: int = 0
    probability: float | None = None
    reviews: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    won: bool = False
    judgment_id: int | None = None


def options(row: Adjudication, *, now: datetime) -> list[Option]:
    """Return what may be chosen, the answers first in an order that tells nothing."""
    sides = sheet(row)
    found = [
        Option(
            key=f"answer-{side.judgment_id}",
            name=side.name,
            value=side.value,
            votes=side.votes,
            reviews=side.reviews,
            judgment_id=side.judgment_id,
        )
        for side in sides
    ]
    at = row.decided_at or now
    likely = _posterior(row, [side.value.label for side in sides], at)
    found = [
        replace(option, probability=likely.get(option.value.label)) if likely else option
        for option in found
    ]
    said = {_key(option.value) for option in found}
    for review in Review.objects.filter(
        task=row.task_id, state=ReviewState.DONE, answer__isnull=False
    ).order_by("pk"):
        value = Value(review.answer, review.label)
        if _key(value) not in said:
            said.add(_key(value))
            name = _("a reviewer's correction")
            found.append(Option(f"review-{review.pk}", name, value))
    if row.why == AdjudicationWhy.GOLD:
        gold = _gold_then(row)
        if gold is not None and _key(gold_value(gold)) not in said:
            found.append(Option(f"gold-{gold.pk}", _("the gold answer"), gold_value(gold)))
    return _told(row, found) if row.decided_at is not None else found


def _key(value: Value) -> str:
    return value.label or repr(value.answer)


def _gold_then(row: Adjudication) -> GoldAnswer | None:
    """Return the gold in doubt: in force when the adjudication was opened."""
    rows = GoldAnswer.objects.filter(task=row.task_id, set_at__lte=row.opened_at)
    return rows.order_by("-set_at", "-pk").first()


def _told(row: Adjudication, found: Sequence[Option]) -> list[Option]:
    """Add who gave each answer, and which of them won."""
    won = _key(Value(row.answer, row.label))
    people: dict[str, dict[str, None]] = {}
    given = Judgment.objects.filter(task=row.task_id).select_related("annotator").order_by("pk")
    for judgment in given:
        key = _key(Value(judgment.answer, judgment.label))
        people.setdefault(key, {})[str(judgment.annotator)] = None
    return [
        replace(
            option, won=_key(option.value) == won, people=tuple(people.get(_key(option.value), ()))
        )
        for option in found
    ]


def _posterior(row: Adjudication, labels: Sequence[str], at: datetime) -> dict[str, float]:
    """Return how likely each label is; {} where answers are not put to a vote."""
    kind = row.task.task_type
    if kind.metric != Metric.EXACT or not labels or not all(labels):
        return {}
    given = Judgment.objects.filter(task=row.task_id).order_by("submitted_at", "pk")
    last: dict[int, str] = dict(given.values_list("annotator_id", "label"))
    newest = Window(RowNumber(), partition_by=[F("annotator")], order_by=F("as_of").desc())
    rates = dict(
        Proficiency.objects.filter(annotator__in=list(last), skill=kind.skill_id, as_of__lte=at)
        .annotate(newest=newest)
        .filter(newest=1)
        .values_list("annotator_id", "rate")
    )
    place = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    usual = QualityFacts()
    facts = TypeFacts.objects.filter(task_type=kind, as_of__lte=at).order_by("-as_of").first()
    dispersion = facts.dispersion if facts is not None else None
    same = facts.same_error if facts is not None else None
    seen = confidences(
        [place[label] for label in last.values()],
        [rates.get(annotator) or PRIOR_RATE for annotator in last],
        Dependence(
            usual.dispersion if dispersion is None else dispersion,
            usual.same_error if same is None else same,
        ),
        classes=max(row.task.classes or kind.classes, len(place), 2),
    )
    return {label: float(seen[number]) for label, number in place.items()}


def chosen(row: Adjudication, key: str, other: Any, *, now: datetime) -> dict[str, Any]:
    """Return what `decide_adjudication` takes for a choice.

    Raises
    ------
    Invalid
        If nothing, or what is not there, is chosen; or another answer is to be given and is not.
    """
    if key == OTHER:
        if other is None:
            raise Invalid(_("Give the answer that is right."), field="answer", rule="required")
        return {"answer": other}
    option = next((option for option in options(row, now=now) if option.key == key), None)
    if option is None:
        raise Invalid(
            _("Choose one of the answers, or give another one."), field="choice", rule="known"
        )
    if option.judgment_id is not None:
        return {"winner": Judgment.objects.get(pk=option.judgment_id)}
    return {"answer": option.value.answer}


__all__ = ["OTHER", "Option", "chosen", "options"]
