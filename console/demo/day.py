"""One day of the demo's week: everybody claims, answers and reviews, each at their own time.

One clock runs through the day: whoever is next does one thing by the same services that pages and
the API call, so that votes, leases and reviews meet as they would among people.
"""

import heapq
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count

from accounts.models import User
from console.demo.answering import Person, Work, answer, seconds
from console.demo.roster import Turn
from console.demo.truth import luck
from quality.choices import ErrorCategory, ReviewOutcome, ReviewState, Severity
from quality.core.score import score
from quality.errors import NotWanted
from quality.models import Review
from quality.services.reviewing import decide_review, reviewed_value, take_review
from quality.services.submitting import submit
from routing.choices import SkipReason
from routing.errors import LimitReached, NotLive, SeatGone
from routing.models import Assignment, Task
from routing.services.assignments import expire_leases, heartbeat, release, skip
from routing.services.claiming import claim
from workforce.models import Annotator

AT_ONCE, MODEL_AT_ONCE = 10, 100
BREATH = 1.15  # time between two tasks, as a factor on the time of one
SKIPPED, FORGOTTEN = 0.008, 0.06
AGAIN = timedelta(minutes=40)  # until somebody who found nothing looks again
LOOKS = 4
REVIEW_SHARE = 0.4
SPOILT = 0.25  # of the right answers that a reviewer would have got wrong
REJECTED = 0.3  # of the errors that reviewers find, those that they send back
MARGIN = timedelta(minutes=5)


@dataclass
class Worker:
    """Somebody at work: what is in hand, what is being done, and until when."""

    turn: Turn
    ends: datetime
    hand: deque[Assignment] = field(default_factory=deque)
    doing: Assignment | None = None
    review: Review | None = None
    took: float = 0.0
    looks: int = 0

    @property
    def annotator(self) -> Annotator:
        return self.turn.annotator

    @property
    def person(self) -> Person:
        return self.turn.person


class Day:
    """The work of one day; `done` counts what was done."""

    def __init__(
        self, turns: list[Turn], work: Mapping[int, Work], people: Mapping[int, Person], by: User
    ) -> None:
        self.work, self.people, self.by = work, people, by
        self.done: Counter[str] = Counter()
        self._queue: list[tuple[datetime, int]] = []
        self._workers = [
            Worker(turn, turn.begins.astimezone(UTC) + timedelta(hours=turn.hours))
            for turn in turns
        ]
        for number, worker in enumerate(self._workers):
            heapq.heappush(self._queue, (worker.turn.begins.astimezone(UTC), number))
        self._reviews: dict[int | None, int] = {}
        self._counted = datetime.min.replace(tzinfo=UTC)

    def run(self) -> datetime:
        """Let everybody work until their hours are over; returns when the last one went."""
        now = datetime.min.replace(tzinfo=UTC)
        while self._queue:
            now, number = heapq.heappop(self._queue)
            later = self._step(self._workers[number], now)
            if later is not None:
                heapq.heappush(self._queue, (later, number))
        return now

    def _step(self, worker: Worker, now: datetime) -> datetime | None:
        """Do one thing; return when the next is due, None when somebody goes home."""
        if worker.doing is not None:
            self._submit(worker, now)
        elif worker.review is not None:
            self._decide(worker, now)
        if now >= worker.ends:
            return self._leave(worker, now)
        if worker.hand:
            return self._begin(worker, now)
        if self._may_review(worker, now):
            review = take_review(worker.annotator, acting_user=self.by, now=now)
            if review is not None:
                return self._look(worker, review, now)
            self._reviews[worker.annotator.pool_id] = 0
        return self._claim(worker, now)

    def _claim(self, worker: Worker, now: datetime) -> datetime | None:
        most = MODEL_AT_ONCE if worker.person.model else AT_ONCE
        try:
            made = claim(worker.annotator, count=most, acting_user=self.by, now=now)
        except LimitReached:
            made = []
        if not made:
            worker.looks += 1
            return now + AGAIN if worker.looks < LOOKS and now + AGAIN < worker.ends else None
        self.done["claims"] += 1
        self.done["claimed"] += len(made)
        worker.looks = 0
        worker.hand.extend(made)
        return self._begin(worker, now)

    def _begin(self, worker: Worker, now: datetime) -> datetime:
        """Take the next task in hand; sign for those whose lease would end meanwhile."""
        assignment = worker.hand.popleft()
        work = self.work[assignment.task_id]
        if luck("skip", worker.person.name, work.external_id).random() < SKIPPED:
            try:
                skip(assignment, reason=SkipReason.UNCLEAR, acting_user=self.by, now=now)
                self.done["skipped"] += 1
            except NotLive:
                self.done["expired in hand"] += 1
            return now + timedelta(seconds=5)
        worker.doing, worker.took = assignment, seconds(worker.person, work)
        ends = now + timedelta(seconds=worker.took * BREATH)
        for row in (assignment, *worker.hand):
            if row.lease_until <= ends + MARGIN:
                self._beat(row, now)
        return ends

    def _beat(self, row: Assignment, now: datetime) -> None:
        try:
            row.lease_until = heartbeat(row, acting_user=self.by, now=now).lease_until
            self.done["heartbeats"] += 1
        except NotLive:
            self.done["expired in hand"] += 1

    def _submit(self, worker: Worker, now: datetime) -> None:
        assignment, worker.doing = worker.doing, None
        if assignment is None:
            return
        said = answer(worker.person, self.work[assignment.task_id], now, attempt=assignment.attempt)
        try:
            submit(
                assignment,
                answer=said,
                raw_seconds=worker.took,
                source="api" if worker.person.model else "platform",
                acting_user=self.by,
                now=now,
            )
            self.done["submitted"] += 1
        except (NotLive, SeatGone, NotWanted):
            self.done["refused"] += 1

    def _may_review(self, worker: Worker, now: datetime) -> bool:
        """Tell whether somebody looks for a review first: some of the time, where there are any."""
        if worker.person.model or worker.person.crowd:
            return False
        if now - self._counted > timedelta(minutes=20):
            rows = Review.objects.filter(state=ReviewState.PENDING).order_by()
            found = rows.values_list("pool").annotate(n=Count("pk"))
            self._reviews, self._counted = dict(found), now
        own = self._reviews.get(worker.annotator.pool_id, 0)
        if worker.person.pool == "in-house":
            own += self._reviews.get(None, 0)
        return own > 0

    def _look(self, worker: Worker, review: Review, now: datetime) -> datetime:
        worker.review = review
        worker.took = seconds(worker.person, self.work[review.task_id], share=REVIEW_SHARE)
        return now + timedelta(seconds=worker.took * BREATH)

    def _decide(self, worker: Worker, now: datetime) -> None:
        review, worker.review = worker.review, None
        if review is None:
            return
        work = self.work[review.task_id]
        outcome = opinion(worker.person, work, reviewed_value(review).answer, now)
        try:
            decide_review(review, **outcome, raw_seconds=worker.took, acting_user=self.by, now=now)
            self.done["reviewed"] += 1
            self.done[str(outcome["outcome"])] += 1
        except (NotLive, SeatGone):
            self.done["refused"] += 1

    def _leave(self, worker: Worker, now: datetime) -> None:
        """Give back what is in hand, or forget it: its lease ends by itself."""
        forgets = luck("forgets", worker.person.name, now.date()).random() < FORGOTTEN
        for row in worker.hand:
            if forgets:
                self.done["forgotten"] += 1
                continue
            try:
                release(row, reason="end of the day", acting_user=self.by, now=now)
                self.done["released"] += 1
            except NotLive:
                self.done["expired in hand"] += 1
        worker.hand.clear()


def opinion(person: Person, work: Work, given: Any, now: datetime) -> dict[str, Any]:
    """Return what a reviewer makes of an answer: by their own eye, which may be wrong."""
    rng = luck("review", person.name, work.project, work.external_id)
    own = answer(person, work, now, attempt=0)
    sees = _right(work, own)
    if not _right(work, given):
        if not sees:
            return {"outcome": ReviewOutcome.ACCEPT}
        reject = rng.random() < REJECTED
    elif sees or own == given or rng.random() >= SPOILT:
        return {"outcome": ReviewOutcome.ACCEPT}
    else:
        reject = False
    exact = work.metric == "exact"
    return {
        "outcome": ReviewOutcome.REJECT if reject else ReviewOutcome.FIX,
        "answer": None if reject else own,
        "category": ErrorCategory.WRONG_LABEL if exact else ErrorCategory.IMPRECISE,
        "severity": Severity.MAJOR if rng.random() < 0.3 else Severity.MINOR,
    }


def _right(work: Work, given: Any) -> bool:
    return score(work.metric, work.truth, given) >= work.threshold


def read_work() -> dict[int, Work]:
    """Return every task of the demo as people see it, by id."""
    columns = (
        "pk",
        "project__key",
        "external_id",
        "task_type__key",
        "size",
        "task_type__effort_base_seconds",
        "task_type__effort_unit_seconds",
        "task_type__metric",
        "task_type__threshold",
    )
    return {pk: Work(*rest) for pk, *rest in Task.objects.values_list(*columns)}


def sweep(by: User, now: datetime) -> int:
    """End the leases that ran out; returns how many."""
    return expire_leases(acting_user=by, now=now)
