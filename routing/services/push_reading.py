"""What a shift's plan is made of: the placed tasks of a pool, its people, and every pair's gate.

Read in a constant number of queries. Who may have a task is what a claim would say: the gates of
`routing.services.eligibility` for each person, nothing that the human being has or had, and, of
work planned for another crew, only what does not count on a better rate.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from django.conf import settings
from django.db.models import Count, F, Q, Sum
from numpy.typing import NDArray

from common.time import local_date, start_of_day
from routing.choices import (
    LIVE_ASSIGNMENTS,
    SEATED_ASSIGNMENTS,
    AssignmentState,
    Harm,
    Purpose,
    ReworkTo,
    TaskState,
)
from routing.core.gates import OPEN
from routing.core.push_cohorts import Limits
from routing.models import Assignment, Placement
from routing.services.basis import bases_of
from routing.services.eligibility import facts_version
from routing.services.push_costs import costs_of
from routing.services.rules_now import RulesNow, rules_at, rules_now
from routing.services.standings import Member, humans_of, read_members
from workforce.models import Pool
from workforce.selectors import declared_hours

MOST = 10_000  # tasks of a push: with some hundred people a plan of them takes seconds
WANTED = (TaskState.OPEN, TaskState.HELD, TaskState.REWORK)
# Beside the codes of gates: planned on a better rate, of no crew that is served, had by the human.
RATE, APART, HAD = 101, 102, 103
ANSWERS = (Purpose.LABEL, Purpose.GOLD, Purpose.QUALIFICATION)


@dataclass(frozen=True)
class Offer:
    """A placed task with a free seat."""

    placement_id: int
    task_id: int
    project_id: int
    task_type_id: int
    decision_id: int
    run_id: int
    crew: int
    harm: str
    currency: str


@dataclass(frozen=True)
class Shift:
    """People (m,) and tasks (n,), the most urgent first, of a pool's day.

    offers : tasks; further : how many more there are, which were not read
    code : (m, n) uint8, OPEN, a gate's code, RATE, APART or HAD
    hours : (m, n) a person's expected hours; cost : (m, n) expected money of work and errors
    busy : (m,) hours of what people have in hand that day; capacity : (m,) hours still free
    answers : (m,) answers that a day's caps leave; harm_hours : (m,) of harmful content
    left : (m, G) tasks in hand that projects leave, by the order of `projects`
    """

    members: Sequence[Member]
    offers: Sequence[Offer]
    further: int
    projects: Sequence[int]
    code: NDArray[np.uint8]
    hours: NDArray[np.float64]
    cost: NDArray[np.float64]
    busy: NDArray[np.float64]
    capacity: NDArray[np.float64]
    answers: NDArray[np.float64]
    harm_hours: NDArray[np.float64]
    left: NDArray[np.float64]

    @property
    def allowed_cost(self) -> NDArray[np.float64]:
        """The cost (m, n), inf where the pair is not allowed."""
        return np.where(self.code == OPEN, self.cost, np.inf)

    def limits(self, *, beyond_limit: bool) -> Limits:
        """Return what people may still take."""
        place = {pk: number for number, pk in enumerate(self.projects)}
        return Limits(
            capacity=self.capacity,
            group=np.array([place[one.project_id] for one in self.offers], dtype=np.int64),
            left=np.full_like(self.left, np.inf) if beyond_limit else self.left,
            answers=self.answers,
            harmful=np.array([one.harm != Harm.NONE for one in self.offers], dtype=bool),
            harm_hours=self.harm_hours,
        )


def as_of(day: date, now: datetime) -> datetime:
    """Return the time as of which a day is planned: now, or when it begins."""
    return max(now, start_of_day(day, settings.OPERATION_TIME_ZONE))


def read_shift(
    pool: Pool,
    day: date,
    *,
    project_ids: Collection[int] = (),
    task_ids: Collection[int] | None = None,
    now: datetime,
) -> Shift:
    """Read what a plan of a pool's day is made of.

    Parameters
    ----------
    pool : with `vendor`
    project_ids : of these projects only; empty = of all
    task_ids : these tasks only; None = the most urgent MOST that are placed for the day or earlier
    """
    version, at = facts_version(), as_of(day, now)
    rules = rules_now(version, now) if at == now else rules_at(version, at)
    members = read_members(pool, rules, at)
    offers, further = _offers(pool, day, rules, project_ids, task_ids)
    projects = sorted({one.project_id for one in offers})
    decisions = bases_of({one.decision_id for one in offers})
    offers = [one for one in offers if one.decision_id in decisions]
    code = _codes(members, offers)
    found = costs_of(pool, members, [decisions[one.decision_id] for one in offers], rules, at)
    busy, answers, harm, live = _taken(members, day, now)
    capacity = _capacity(pool, day, members, busy, now)
    return Shift(
        members=members,
        offers=offers,
        further=further,
        projects=projects,
        code=code,
        hours=found.hours,
        cost=found.cost,
        busy=busy,
        capacity=capacity,
        answers=np.array(
            [
                np.inf if m.who.daily_cap is None else max(m.who.daily_cap - n, 0)
                for m, n in zip(members, answers, strict=True)
            ]
        ),
        harm_hours=np.array(
            [
                np.inf
                if m.who.exposure_seconds is None
                else max(m.who.exposure_seconds / 3600 - used, 0.0)
                for m, used in zip(members, harm, strict=True)
            ]
        ),
        left=np.array(
            [
                [
                    max(rules.projects[pk].in_progress_limit - live.get((row, pk), 0), 0)
                    for pk in projects
                ]
                for row in range(len(members))
            ],
            dtype=np.float64,
        ).reshape(len(members), len(projects)),
    )


def _offers(
    pool: Pool,
    day: date,
    rules: RulesNow,
    project_ids: Collection[int],
    task_ids: Collection[int] | None,
) -> tuple[list[Offer], int]:
    runs = {pk: row.run_id for pk, row in rules.projects.items()}
    wanted = [pk for pk in runs if not project_ids or pk in project_ids]
    rows = Placement.objects.filter(
        run_id__in={runs[pk] for pk in wanted},
        run_id=F("task__project__current_run_id"),
        pool=pool,
        day__lte=day,
        taken__lt=F("opened"),
        task__state__in=WANTED,
        task__project_id__in=wanted,
    )
    if task_ids is not None:
        rows = rows.filter(task_id__in=list(task_ids))
    columns = (
        "pk",
        "task_id",
        "task__project_id",
        "task__task_type_id",
        "decision_id",
        "run_id",
        "crew",
        "task__harm",
        "task__project__currency",
    )
    found = [Offer(*row) for row in rows.order_by("urgency", "pk").values_list(*columns)[:MOST]]
    further = rows.count() - MOST if len(found) == MOST else 0
    return found, further


def _codes(members: Sequence[Member], offers: Sequence[Offer]) -> NDArray[np.uint8]:
    """Return what stands between each person and each task (m, n)."""
    alike: dict[tuple[int, int, int], int] = {}
    of = [alike.setdefault((one.run_id, one.crew, one.decision_id), len(alike)) for one in offers]
    by_kind = np.zeros((len(members), len(alike)), dtype=np.uint8)
    for row, member in enumerate(members):
        who = member.who
        own = {(group.run_id, group.crew) for group in who.own}
        others = {(group.run_id, group.crew) for group in who.others}
        for (run_id, crew, decision), number in alike.items():
            if decision in who.shut:
                by_kind[row, number] = who.shut[decision]
            elif (run_id, crew) in own:
                by_kind[row, number] = OPEN
            elif decision in who.above:
                by_kind[row, number] = RATE
            else:
                by_kind[row, number] = OPEN if (run_id, crew) in others else APART
    code = by_kind[:, np.array(of, dtype=np.int64)]
    column = {one.task_id: number for number, one in enumerate(offers)}
    for human, task_id in _had(humans_of(members), offers):
        if task_id in column:
            code[human, column[task_id]] = HAD
    return code


def _had(humans: dict[int, int], offers: Sequence[Offer]) -> Iterable[tuple[int, int]]:
    """Return (row of the person, task) of what human beings have or had, as a claim asks it."""
    projects = {one.project_id for one in offers}
    rows = Assignment.objects.filter(
        Q(attempt=F("task__attempt"), state__in=[*SEATED_ASSIGNMENTS, AssignmentState.SKIPPED])
        | Q(
            task__state=TaskState.REWORK,
            purpose=Purpose.LABEL,
            state=AssignmentState.SUBMITTED,
            task__project__rework_to=ReworkTo.OTHERS,
        ),
        human__in=list(humans),
        task__project_id__in=projects,
        task__state__in=WANTED,
    )
    return [(humans[human], task) for human, task in rows.values_list("human", "task_id")]


def _taken(
    members: Sequence[Member], day: date, now: datetime
) -> tuple[NDArray[np.float64], list[int], list[float], dict[tuple[int, int], int]]:
    """Return hours in hand (m,), answers and harmful hours of the day, and tasks in hand."""
    humans = humans_of(members)
    today = local_date(now, settings.OPERATION_TIME_ZONE)
    rows = (
        Assignment.objects.filter(human__in=list(humans), state__in=SEATED_ASSIGNMENTS)
        .filter(Q(day=day) | Q(state__in=LIVE_ASSIGNMENTS))
        .values_list("human", "state", "day", "task__project_id", "task__harm", "purpose")
        .annotate(n=Count("pk"), seconds=Sum("effort_seconds"))
        .order_by()
    )
    busy = np.zeros(len(members))
    answers, harm = [0] * len(members), [0.0] * len(members)
    live: dict[tuple[int, int], int] = {}
    for human, state, on, project, harmful, purpose, n, seconds in rows:
        row = humans[human]
        if on == day:
            answers[row] += n
            harm[row] += (seconds or 0.0) / 3600 if harmful != Harm.NONE else 0.0
        if state not in LIVE_ASSIGNMENTS:
            continue
        if day == today or on == day:
            busy[row] += (seconds or 0.0) / 3600
        if purpose in ANSWERS:
            live[row, project] = live.get((row, project), 0) + n
    return busy, answers, harm, live


def _capacity(
    pool: Pool, day: date, members: Sequence[Member], busy: NDArray[np.float64], now: datetime
) -> NDArray[np.float64]:
    """Return free hours (m,); for a vendor together no more than was declared for the day."""
    free = np.maximum(np.array([m.hours for m in members], dtype=np.float64) - busy, 0.0)
    declared = declared_hours(pool_ids=[pool.pk], first_day=day, days=1).get(pool.pk)
    if pool.vendor_id is None or declared is None or np.isnan(declared[0]):
        return free
    start = start_of_day(day, settings.OPERATION_TIME_ZONE)
    done = Assignment.objects.filter(
        pool=pool, state=AssignmentState.SUBMITTED, ended_at__gte=start
    ).aggregate(seconds=Sum("effort_seconds"))
    today = day == local_date(now, settings.OPERATION_TIME_ZONE)
    used = float(busy.sum()) + ((done["seconds"] or 0.0) / 3600 if today else 0.0)
    left, total = max(float(declared[0]) - used, 0.0), float(free.sum())
    return free * min(1.0, left / total) if total > 0 else free


__all__ = ["APART", "HAD", "RATE", "Offer", "Shift", "as_of", "read_shift"]
