"""Watching for drift: a chart per annotator and skill, and per guideline version and skill.

Only gold and random reviews are evidence. A chart is made for the share of errors that is usual
when it begins: the annotator's own, where enough is known of it, else the skill's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from audit.services.events import record_event
from common.errors import Conflict
from common.words import said
from quality.choices import AlarmKind
from quality.core.drift import BernoulliCusum
from quality.core.drift_replay import Replay, Rise, plan_for, replay
from quality.core.standing import on_grid
from quality.models import DriftChart
from quality.services.alarms import Subject, open_alarm, watcher
from quality.services.evidence import NONE, Evidence, read_evidence
from quality.services.pause_tests import LEAST_GOLD, WINDOW, usual_errors
from workforce.models import Proficiency

WATCH = "drift.watch"
JOB = "drift"
# Before anything is known of a skill.
UNKNOWN = 0.05


@dataclass(frozen=True)
class Watched:
    """What a look at the charts found."""

    series: int
    answers: int
    alarms: int


@dataclass(frozen=True)
class Series:
    """One series: a person in a skill, or a guideline version in one; its evidence."""

    annotator: int | None
    guideline: int | None
    skill: int
    evidence: Evidence

    @property
    def key(self) -> tuple[int | None, int | None, int]:
        return self.annotator, self.guideline, self.skill


def watch_drift(*, acting_user: User, now: datetime, report: Progress | None = None) -> Watched:
    """Replay every chart on the evidence known by `now` and open the alarms that it raises.

    A second look as of the same time changes nothing.
    """
    require(acting_user, WATCH)
    series = list(_series(read_evidence(now, since=now - WINDOW).in_order()))
    charts = {(c.annotator_id, c.guideline_id, c.skill_id): c for c in DriftChart.objects.all()}
    usual = _Usual(now)
    answers = alarms = 0
    for number, one in enumerate(series):
        if report is not None and number % 100 == 0:
            report("replaying charts", number, len(series))
        chart = charts.get(one.key) or _make(one, usual, now)
        if chart is None:
            continue  # somebody else makes it just now
        alarms += _look(chart, one.evidence, acting_user=acting_user, now=now)
        answers += len(one.evidence)
    return Watched(len(series), answers, alarms)


def drift_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Look at the charts as a job; there are no arguments."""
    found = watch_drift(acting_user=user, now=now, report=progress)
    return {"series": found.series, "answers": found.answers, "alarms": found.alarms}


@transaction.atomic
def begin_anew(chart: DriftChart, *, acting_user: User, now: datetime) -> DriftChart:
    """Begin a chart anew from now on, for the share of errors that is usual now.

    Raises
    ------
    Conflict
        If the chart changed meanwhile.
    """
    require(acting_user, WATCH)
    share = _Usual(now).of(chart.annotator_id, chart.skill_id)
    values = {**_plan(share), "since": now, "since_judgment": 0, "level": 0, "answers": 0}
    _save(chart, {**values, "wrong": 0, "evidence_to": None}, now)
    record_event(
        "drift.begun_anew",
        acting_user=acting_user,
        now=now,
        subject="drift_chart",
        subject_id=chart.public_id,
        p0=chart.p0,
    )
    return chart


def path_of(chart: DriftChart, now: datetime) -> tuple[Evidence, Replay]:
    """Return the evidence of a chart since it began, and its path: for its page."""
    only = (
        {"annotator_id": chart.annotator_id}
        if chart.annotator_id is not None
        else {"guideline_id": chart.guideline_id}
    )
    found = read_evidence(now, since=now - WINDOW, task__task_type__skill_id=chart.skill_id, **only)
    found = found.in_order()
    mine = found if chart.annotator_id is not None else found.one_per_task()
    mine = mine.take(_after(chart, mine))
    return mine, replay(_chart_of(chart), mine.wrong)


def _series(evidence: Evidence) -> Iterator[Series]:
    for annotator, skill, mine in evidence.by_annotator_and_skill():
        yield Series(annotator, None, skill, mine)
    # Answers to one item err together: of a version's answers each item counts once.
    items = evidence.take(evidence.guideline != NONE).one_per_task()
    pairs = np.unique(np.stack([items.guideline, items.skill], axis=1), axis=0)
    for guideline, skill in pairs.tolist():
        rows = (items.guideline == guideline) & (items.skill == skill)
        yield Series(None, guideline, skill, items.take(rows))


class _Usual:
    """The usual shares of errors as of a time."""

    def __init__(self, now: datetime) -> None:
        self._of_skill = usual_errors(now)
        self._own: dict[tuple[int, int], float] = {}
        rows = Proficiency.objects.filter(as_of__lte=now, n_gold__gte=LEAST_GOLD)
        for annotator, skill, rate in rows.order_by("as_of").values_list(
            "annotator_id", "skill_id", "rate"
        ):
            self._own[annotator, skill] = 1.0 - rate

    def of(self, annotator: int | None, skill: int) -> float:
        common = self._of_skill.get(skill, UNKNOWN)
        if annotator is None:
            return common
        return self._own.get((annotator, skill), common)


def _plan(share: float) -> dict[str, Any]:
    plan = plan_for(on_grid(share), settings.DRIFT_WORSE, float(settings.DRIFT_RUN_LENGTH))
    return {
        "p0": plan.p0,
        "p1": plan.p1,
        "up": plan.chart.up,
        "down": plan.chart.down,
        "limit": plan.chart.limit,
        "run_length": plan.run_length,
        "detection": plan.detection,
    }


def _make(one: Series, usual: _Usual, now: datetime) -> DriftChart | None:
    first = _time(one.evidence.known[0])
    try:
        with transaction.atomic():
            return DriftChart.objects.create(
                annotator_id=one.annotator,
                guideline_id=one.guideline,
                skill_id=one.skill,
                **_plan(usual.of(one.annotator, one.skill)),
                since=first,
                # The first answer itself counts.
                since_judgment=int(one.evidence.judgment[0]) - 1,
                created_at=now,
                updated_at=now,
            )
    except IntegrityError:
        return None


def _look(chart: DriftChart, evidence: Evidence, *, acting_user: User, now: datetime) -> int:
    """Replay one chart; returns the alarms that it raised."""
    mine = evidence.take(_after(chart, evidence))
    found = replay(_chart_of(chart), mine.wrong)
    values: dict[str, Any] = {
        "level": found.last,
        "answers": len(mine),
        "wrong": int(mine.wrong.sum()),
        "evidence_to": _time(mine.known[-1]) if len(mine) else chart.evidence_to,
    }
    if found.alarms:
        end = found.alarms[-1].row
        left = mine.take(np.arange(end + 1, len(mine)))
        values |= {
            "since": _time(mine.known[end]),
            "since_judgment": int(mine.judgment[end]),
            "alarms": chart.alarms + len(found.alarms),
            "answers": len(left),
            "wrong": int(left.wrong.sum()),
        }
    elif all(getattr(chart, name) == value for name, value in values.items()):
        return 0
    try:
        with transaction.atomic():
            _save(chart, values, now)
            if found.alarms:
                _raise(chart, mine, found.alarms[-1], acting_user=acting_user, now=now)
    except Conflict:
        return 0  # another look was quicker, and has seen at least as much
    return len(found.alarms)


def _raise(
    chart: DriftChart, mine: Evidence, rise: Rise, *, acting_user: User, now: datetime
) -> None:
    window = mine.wrong[rise.first : rise.row + 1]
    project = chart.guideline.project_id if chart.guideline is not None else None
    open_alarm(
        AlarmKind.DRIFT,
        Subject(
            annotator=chart.annotator_id,
            guideline=chart.guideline_id,
            project=project,
            skill=chart.skill_id,
        ),
        text=said(
            "%(wrong)s of the last %(n)s checked answers were wrong; usual are %(usual)s",
            wrong=int(window.sum()),
            n=len(window),
            usual=f"{chart.p0:.0%}",
        ),
        details={
            "wrong": int(window.sum()),
            "answers": len(window),
            "since": _time(mine.known[rise.first]).isoformat(timespec="minutes"),
            "until": _time(mine.known[rise.row]).isoformat(timespec="minutes"),
            "usual share of errors": chart.p0,
            "checked answers between false alarms": round(chart.run_length),
            "chart": str(chart.public_id),
        },
        acting_user=watcher(),
        now=now,
    )
    record_event(
        "drift.found",
        acting_user=acting_user,
        now=now,
        subject="drift_chart",
        subject_id=chart.public_id,
        wrong=int(window.sum()),
        answers=len(window),
    )


def _save(chart: DriftChart, values: dict[str, Any], now: datetime) -> None:
    """Write a chart as it was read, or raise Conflict."""
    same = DriftChart.objects.filter(
        pk=chart.pk,
        since=chart.since,
        since_judgment=chart.since_judgment,
        level=chart.level,
        answers=chart.answers,
        alarms=chart.alarms,
    )
    if not same.update(**values, updated_at=now):
        raise Conflict
    for name, value in values.items():
        setattr(chart, name, value)


def _after(chart: DriftChart, evidence: Evidence) -> Any:
    since = chart.since.timestamp()
    later = evidence.known > since
    return later | ((evidence.known == since) & (evidence.judgment > chart.since_judgment))


def _chart_of(chart: DriftChart) -> BernoulliCusum:
    return BernoulliCusum(chart.up, chart.down, chart.limit)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
