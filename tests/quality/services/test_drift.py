"""Drift: a chart per annotator and skill and per guideline version, replayed on known truth."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from accounts.services.jobs import start_job
from audit.models import Event
from common.errors import Conflict, Forbidden
from common.languages import translated
from quality.core.drift_replay import plan_for
from quality.models import Alarm, DriftChart, Judgment
from quality.services.drift import Watched, begin_anew, path_of, watch_drift
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.quality.services.known import MINUTE, answers, people, usual

DAY = timedelta(days=1)


def watched(world: World, later: timedelta = timedelta(0)) -> Watched:
    return watch_drift(acting_user=world.users["quality"], now=NOW + later)


def test_who_drifts_raises_an_alarm_with_its_run_length(world: World) -> None:
    usual(0.95)
    person, steady = people()[:2]
    answers(world, person, [0] * 20 + [1, 0] * 6)
    answers(world, steady, ([0] * 19 + [1]) * 2)
    found = watched(world)
    assert (found.series, found.answers, found.alarms) == (2, 72, 1)
    chart = DriftChart.objects.get(annotator=person)
    plan = plan_for(0.05, 3.0, 1000.0)
    assert (chart.p0, chart.p1, chart.limit) == (plan.p0, plan.p1, plan.chart.limit)
    assert chart.run_length == plan.run_length >= 1000
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.annotator, alarm.skill) == ("drift", person, chart.skill)
    # Eleven a wrong answer, one less a right one: the fourth of every second is beyond forty.
    assert translated(alarm.text) == "4 of the last 7 checked answers were wrong; usual are 5%"
    assert alarm.details["checked answers between false alarms"] == round(plan.run_length)
    # What is left after the alarm counts for the next one.
    assert (chart.answers, chart.wrong, chart.alarms) == (5, 2, 1)
    steady_chart = DriftChart.objects.get(annotator=steady)
    assert (steady_chart.answers, steady_chart.wrong, steady_chart.alarms) == (40, 2, 0)


def test_looking_twice_changes_nothing(world: World) -> None:
    usual(0.95)
    answers(world, people()[0], [0] * 5 + [1, 0] * 6)
    watched(world)
    events, charts = Event.objects.count(), list(DriftChart.objects.values())
    again = watched(world)
    assert again.alarms == 0
    assert Event.objects.count() == events
    assert list(DriftChart.objects.values()) == charts
    assert Alarm.objects.get().times == 1


def test_evidence_that_becomes_known_late_counts(world: World) -> None:
    usual(0.95)
    person = people()[0]
    rows = answers(world, person, [1, 0, 1, 0], start=NOW - DAY)
    assert watched(world).alarms == 0
    level = DriftChart.objects.get().level
    assert level == 20
    # Given before the others, known after them.
    late = answers(world, person, [1, 1], start=NOW - 2 * DAY)
    from quality.models import GoldAnswer

    GoldAnswer.objects.filter(task__in=[row.task for row in late]).update(set_at=NOW + MINUTE)
    assert watched(world).alarms == 0
    assert watched(world, MINUTE).alarms == 1
    chart = DriftChart.objects.get()
    assert chart.since_judgment == late[1].pk
    assert chart.level == 0
    assert Judgment.objects.filter(pk__in=[row.pk for row in rows]).count() == 4


def test_a_guideline_version_is_watched_over_everybody(world: World) -> None:
    usual(0.95)
    project = world.add_project("known")
    version = add_guideline(project, content="One", effective_from=NOW, **world.by)
    rows = [
        row
        for number, person in enumerate(people())
        for row in answers(world, person, [1], start=NOW - DAY + number * MINUTE)
    ]
    Judgment.objects.filter(pk__in=[row.pk for row in rows]).update(guideline=version)
    # A second answer to an item that is known counts once.
    Judgment.objects.create(
        task=rows[0].task,
        annotator=people()[1],
        guideline=version,
        answer="b",
        label="b",
        source="import",
        submitted_at=NOW - MINUTE,
    )
    found = watched(world)
    assert found.alarms == 1
    alarm = Alarm.objects.get()
    assert (alarm.guideline, alarm.project, alarm.annotator) == (version, project, None)
    assert DriftChart.objects.get(guideline=version).alarms == 1


def test_a_chart_is_for_what_was_usual_when_it_began(world: World) -> None:
    usual(0.8)
    person = people()[0]
    answers(world, person, [1, 0, 0, 0, 0] * 4)
    assert watched(world).alarms == 0
    chart = DriftChart.objects.get()
    assert chart.p0 == 0.2
    usual(0.95)
    watched(world, DAY)
    assert DriftChart.objects.get().p0 == 0.2
    begin_anew(chart, acting_user=world.users["quality"], now=NOW + DAY)
    chart.refresh_from_db()
    assert (chart.p0, chart.answers, chart.level, chart.since) == (0.05, 0, 0, NOW + DAY)
    assert watched(world, 2 * DAY).alarms == 0
    assert DriftChart.objects.get().answers == 0
    stale = DriftChart.objects.get()
    answers(world, person, [1], start=NOW + 2 * DAY)
    watched(world, 3 * DAY)
    with pytest.raises(Conflict):
        begin_anew(stale, acting_user=world.users["quality"], now=NOW + 4 * DAY)


def test_the_path_of_a_chart(world: World) -> None:
    usual(0.95)
    answers(world, people()[0], [0, 1, 0, 1])
    watched(world)
    evidence, found = path_of(DriftChart.objects.get(), NOW)
    assert evidence.wrong.tolist() == [False, True, False, True]
    assert found.level.tolist() == [0, 11, 10, 21]
    assert found.last == DriftChart.objects.get().level


def test_false_alarms_come_as_seldom_as_promised(world: World) -> None:
    """Forty people who err at the usual share, 60 answers each: 2.4 alarms at a thousand apart."""
    plan = plan_for(0.05, 3.0, 1000.0)
    from quality.core.drift_replay import replay

    rng = np.random.default_rng(11)
    alarms = sum(
        len(replay(plan.chart, (rng.random(2_000) < 0.05).astype(int)).alarms) for _n in range(60)
    )
    expected = 60 * 2_000 / plan.run_length
    assert abs(alarms - expected) < 3.5 * np.sqrt(expected)


def test_two_looks_at_once_raise_one_alarm(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from quality.services import drift

    usual(0.95)
    answers(world, people()[0], [0] * 5)
    watched(world)
    answers(world, people()[0], [1] * 6, start=NOW + MINUTE)
    real, others = drift._look, []

    def meanwhile(*args: Any, **kwargs: Any) -> int:
        if not others:
            others.append(None)
            others.append(watched(world, DAY))
        return real(*args, **kwargs)

    monkeypatch.setattr(drift, "_look", meanwhile)
    assert watched(world, DAY).alarms == 0
    assert others[1] is not None
    assert DriftChart.objects.get().alarms == 1
    assert Alarm.objects.get().times == 1


def test_what_the_database_holds(world: World) -> None:
    usual(0.95)
    answers(world, people()[0], [0])
    watched(world)
    for values in ({"level": 40}, {"annotator": None}, {"p0": 0.5}, {"wrong": 9}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DriftChart.objects.update(**values)


def test_only_who_may_watches(world: World) -> None:
    with pytest.raises(Forbidden):
        watch_drift(**world.as_("finance"))
    with pytest.raises(Forbidden):
        start_job("drift", {}, **world.as_("auditor"))
