"""Settling a task after an answer: accept its label, ask another annotator, or have it adjudicated.

One answer wanted: it is enough. A vote: the posterior decides after each answer, by the rates as of
now (lower bounds where risk is high) and by how annotators err together. Boxes and text are not put
to a vote: two of them that score as alike are enough, others are adjudicated. What is enough is
drawn for a quality review or accepted.

All of it happens inside the transaction of the answer, with the task and its seats locked.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from accounts.models import User
from quality.choices import AdjudicationWhy, LabelBy
from quality.core.score import score
from quality.core.sequential import ACCEPT, ADJUDICATE, Dependence, Rule
from quality.core.sequential_one import decide
from quality.models import Adjudication, Judgment
from quality.services.in_hand import InHand, Seats, Vote, read_votes
from quality.services.reviews import draw_review
from quality.services.terms import USUAL_TERMS, Terms, terms_of
from quality.services.writing import write_label
from routing.choices import Metric, TaskState
from routing.models import Task
from routing.services.seats import close_seats, open_next
from routing.services.task_states import move_task

# What came of an answer; stands in its event.
ACCEPTED, ASKED, WAITS, REVIEWED, ADJUDICATED, KEPT = (
    "accepted",
    "asked another",
    "waits for answers",
    "drawn for review",
    "to adjudication",
    "kept",
)


@dataclass(frozen=True)
class Enough:
    """Answers that settle a task: which of them, how sure, and by what."""

    vote: Vote
    probability: float | None
    by: str


def terms_for(seats: Seats) -> Terms:
    """Return the terms of a task's placement; the usual ones where it has none."""
    if seats.decision is None or seats.arrangement is None:
        return USUAL_TERMS
    return terms_of(seats.decision, seats.arrangement)


def settle(
    work: InHand,
    seats: Seats,
    judgment: Judgment,
    *,
    classes: int,
    again: bool = False,
    acting_user: User,
    now: datetime,
) -> str:
    """Settle a task after an answer and return what came of it.

    Parameters
    ----------
    seats : the task and its placement as they were locked, the answer's seat among the taken
    judgment : the answer that was given, in its row
    classes : of the vote, ≥ 2
    again : an answer was corrected: what had been enough may be so no longer
    """
    if seats.state != TaskState.HELD and not (again and seats.state == TaskState.ANSWERED):
        # Others settled it while this answer was on its way: it is kept, and scored.
        return KEPT
    terms = terms_for(seats)
    asked = seats.asked or 1
    if asked == 1:
        votes, dependence = [vote_of(work, judgment.pk, judgment.label)], Dependence()
    else:
        votes, dependence = read_votes(work.task_id, seats.attempt, now)
    found = settled_by(work, votes, asked, terms, dependence, classes)
    at = Settling(work, seats, terms, acting_user, now)
    if found is None:
        return at.ask(len(votes))
    if isinstance(found, str):
        return at.adjudicate()
    return at.enough(found, judgment)


def vote_of(work: InHand, judgment_id: int, label: str, answer: str = "") -> Vote:
    """Return the answer at hand as a vote."""
    return Vote(judgment_id, work.annotator_id, label, answer, work.rate, work.rate_lower)


def settled_by(
    work: InHand,
    votes: Sequence[Vote],
    asked: int,
    terms: Terms,
    dependence: Dependence,
    classes: int,
) -> Enough | str | None:
    """Return what settles the task, ADJUDICATED, or None where another answer is wanted."""
    if asked == 1:
        vote = votes[0]
        sure = terms.right(vote.rate, vote.rate_lower, classes)
        return Enough(vote, sure, LabelBy.ANSWER)
    if work.metric != Metric.EXACT:
        return _alike(work, votes, asked, terms, classes)
    labels = sorted({vote.label for vote in votes})
    place = {label: number for number, label in enumerate(labels)}
    right = [terms.right(vote.rate, vote.rate_lower, classes) for vote in votes]
    most = max(classes, len(labels))
    # Whoever answers next is taken to be like those who did.
    typical = min(max(sum(right) / len(right), 0.001), 0.999)
    rule = Rule(terms.target, max(asked, 1), typical=typical)
    verdict = decide(
        [place[vote.label] for vote in votes], right, rule, dependence, classes=max(most, 2)
    )
    if verdict.action == ACCEPT:
        best = [i for i, vote in enumerate(votes) if place[vote.label] == verdict.label]
        winner = votes[max(best, key=lambda i: (right[i], -i))]
        by = LabelBy.VOTE if len(votes) > 1 else LabelBy.ANSWER
        return Enough(winner, verdict.confidence, by)
    return ADJUDICATED if verdict.action == ADJUDICATE else None


def _alike(
    work: InHand, votes: Sequence[Vote], asked: int, terms: Terms, classes: int
) -> Enough | str | None:
    """Answers that no vote can count: enough when all that were wanted score as alike."""
    if len(votes) < asked:
        return None
    answers = [json.loads(vote.answer) for vote in votes]
    if not all(
        score(work.metric, one, other) >= work.threshold for one, other in combinations(answers, 2)
    ):
        return ADJUDICATED
    rates = [terms.right(vote.rate, vote.rate_lower, classes) for vote in votes]
    best = max(range(len(votes)), key=lambda i: (rates[i], -i))
    return Enough(votes[best], None, LabelBy.VOTE)


class Settling:
    """The steps that settle one task; its row and its placement are locked."""

    def __init__(
        self, work: InHand, seats: Seats, terms: Terms, acting_user: User, now: datetime
    ) -> None:
        self.work, self.seats, self.terms = work, seats, terms
        self.by: dict[str, Any] = {"acting_user": acting_user, "now": now}
        self.now = now
        self.state, self.steps = seats.state, seats.steps

    @property
    def task(self) -> Task:
        """The task as services of other rooms take it; not to be saved."""
        return Task(
            pk=self.work.task_id,
            public_id=self.work.task,
            project_id=self.work.project_id,
            task_type_id=self.work.type_id,
            attempt=self.seats.attempt,
            state=self.state,
            steps=self.steps,
        )

    def ask(self, answers: int) -> str:
        """Wait for another answer, for which a seat is opened if none is."""
        if (self.seats.opened or 0) > answers:
            if self.state == TaskState.ANSWERED:
                self._move(TaskState.HELD)
            return WAITS
        opened = self.seats.placement_id is not None and open_next(self.seats.placement_id)
        if opened:
            if self.state == TaskState.ANSWERED:
                self._move(TaskState.HELD)
            return ASKED
        # No more may be asked, though the rule wants more: a person decides.
        return self.adjudicate()

    def adjudicate(self) -> str:
        """Put the task into the adjudicators' queue, once."""
        self._answered()
        open_now = Adjudication.objects.filter(
            task=self.work.task_id, decided_at__isnull=True, cancelled_at__isnull=True
        )
        if not open_now.exists():
            Adjudication.objects.create(
                task_id=self.work.task_id,
                attempt=self.seats.attempt,
                why=AdjudicationWhy.UNSURE,
                urgency=self.seats.urgency or 0,
                opened_at=self.now,
            )
        return ADJUDICATED

    def enough(self, found: Enough, judgment: Judgment) -> str:
        """Draw a review of the answers, or accept their label."""
        self._answered()
        if self.terms.reviewed and draw_review(
            self.task,
            found.vote.judgment_id,
            self.terms.decision,
            arrangement=self.seats.arrangement,
            certainty=found.probability,
            urgency=self.seats.urgency or 0,
            **self.by,
        ):
            return REVIEWED
        mine = found.vote.judgment_id == judgment.pk
        values = {
            "task_id": self.work.task_id,
            "attempt": self.seats.attempt,
            "answer": judgment.answer if mine else json.loads(found.vote.answer),
            "value": found.vote.label,
            "probability": found.probability,
            "by": str(found.by),
            "judgment_id": found.vote.judgment_id,
            "accepted_at": self.now,
        }
        write_label(values, steps=self.steps, **self.by)
        return ACCEPTED

    def _answered(self) -> None:
        """No more answers are wanted: seats that nobody has taken are closed."""
        if (self.seats.opened or 0) > (self.seats.taken or 0):
            close_seats([self.work.task_id])
        if self.state == TaskState.HELD:
            self._move(TaskState.ANSWERED)

    def _move(self, to_state: str) -> None:
        self.steps = move_task(
            self.work.task_id,
            steps=self.steps,
            from_state=self.state,
            to_state=to_state,
            **self.by,
        )
        self.state = to_state


def classes_of(work: InHand, labels: int) -> int:
    """Return with how many classes a vote reckons: the guideline's, the task's, or the type's."""
    return max(labels or work.classes or work.type_classes, 2)


__all__ = ["ACCEPTED", "ADJUDICATED", "ASKED", "KEPT", "REVIEWED", "WAITS", "Settling", "settle"]
