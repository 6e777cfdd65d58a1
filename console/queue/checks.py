"""What the pages of a quality review and of an adjudication show: answers, never whose they are."""

import hashlib
from dataclasses import dataclass
from typing import Any

from common.errors import NotFound
from console.queue.answers import data_of, shown_answer
from console.queue.parts import JSON, Asked
from quality.choices import ErrorCategory, ReviewOutcome, ReviewState, Severity
from quality.core.normal import canonical
from quality.models import Adjudication, Review
from quality.services.adjudicating import sheet
from quality.services.reviewing import reviewed_value
from routing.models import Assignment

OTHER = "other"  # instead of one of the answers


def review_of(row: Assignment) -> Review:
    """Return the review that an assignment is for, or was until its lease ran out.

    Raises
    ------
    NotFound
        If somebody else has it, or it was decided meanwhile.
    """
    rows = Review.objects.select_related("judgment__guideline", "accepted")
    found = rows.filter(assignment=row).first()
    if found is None:
        found = rows.filter(task=row.task_id, state=ReviewState.PENDING).order_by("number").first()
    if found is None:
        raise NotFound(what="review")
    return found


def review_shown(row: Assignment, asked: Asked, given: Any) -> tuple[Asked, Any, dict[str, Any]]:
    """Return the form of a fix, what stands in it, and what else the page of a review shows.

    The form begins with the answer that was given; one that it cannot hold is fixed as JSON.
    """
    answer = reviewed_value(review_of(row)).answer
    before = data_of(asked, answer)
    if before is None:
        asked, before = JSON, data_of(JSON, answer)
    context = {
        "review": True,
        "given_answer": shown_answer(asked, answer),
        "outcomes": _marked(ReviewOutcome.choices, given, "outcome"),
        "categories": _marked(ErrorCategory.choices, given, "category"),
        "severities": _marked(Severity.choices, given, "severity"),
        "comment": (given or {}).get("comment", ""),
    }
    return asked, given if given is not None else before, context


def _marked(choices: Any, given: Any, name: str) -> list[dict[str, Any]]:
    chosen = (given or {}).get(name, "")
    return [
        {"value": value, "words": words, "chosen": value == chosen, "key": value[0]}
        for value, words in choices
    ]


@dataclass(frozen=True)
class Choice:
    """One answer on the page of an adjudication.

    token : as the form sends it: the same as long as the answer is
    """

    token: str
    name: str
    rows: list[dict[str, Any]]
    reviews: tuple[str, ...]
    judgment_id: int
    chosen: bool

    @property
    def key(self) -> str:
        """The key that chooses it; o is for another answer."""
        return self.name.lower() if len(self.name) == 1 and self.name.lower() < OTHER[0] else ""


def adjudication_of(row: Assignment) -> Adjudication:
    """Return the adjudication that an assignment is for.

    Raises
    ------
    NotFound
        If somebody else has it.
    """
    rows = Adjudication.objects.select_related("task__project", "task__task_type")
    found = rows.filter(assignment=row).first()
    if found is None:
        raise NotFound(what="adjudication")
    return found


def choices_of(row: Assignment, asked: Asked, given: Any = None) -> list[Choice]:
    """Return the answers to choose from, without whose they are or how many gave them.

    How often an answer was given would decide before anybody has looked.
    """
    chosen = (given or {}).get("side", "")
    return [
        Choice(
            token=(token := token_of(side.value.answer)),
            name=side.name,
            rows=shown_answer(asked, side.value.answer),
            reviews=side.reviews,
            judgment_id=side.judgment_id,
            chosen=token == chosen,
        )
        for side in sheet(adjudication_of(row))
    ]


def token_of(answer: Any) -> str:
    """Return a short name of an answer that hangs on nothing but the answer."""
    return hashlib.sha256(canonical(answer).encode()).hexdigest()[:16]


def adjudication_shown(row: Assignment, asked: Asked, given: Any) -> dict[str, Any]:
    """Return what the page of an adjudication shows beside the task."""
    return {
        "sides": choices_of(row, asked, given),
        "other": (given or {}).get("side", "") == OTHER,
        "reason": (given or {}).get("reason", ""),
    }
