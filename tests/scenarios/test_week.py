"""The demo's week, small: people work, one turns bad, the house learns and routes otherwise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from rich.console import Console

from audit.models import Event
from audit.services.sealing import seal_events, verify_log
from console.demo import once, past, people, roster, week
from console.demo.build import build
from console.demo.told import print_week, tell_week
from console.demo.week import Delivery
from quality.models import (
    AuditLot,
    Judgment,
    PauseProposal,
    QualificationTry,
    Relabel,
    RelabelTask,
    Review,
)
from quality.services.auditing import draw_again
from routing.models import Assignment, Placement, Run, Task
from workforce.models import AnnotatorSkill

NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
PLAN = (Delivery(0, 30, 40), Delivery(1, 30, 300), Delivery(4, 60, 60))


class Killed(Exception):
    """The process is gone."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Shrink the cast: seven people a team, fewer answers before."""
    teams = {key: replace(team, people=7) for key, team in past.TEAMS.items()}
    monkeypatch.setattr(people, "IN_HOUSE", teams["in-house"])
    monkeypatch.setattr(people, "VENDORS", tuple(teams.values())[1:])
    for key, team in teams.items():
        monkeypatch.setitem(past.TEAMS, key, team)
    rows = tuple((*row[:3], 60, 30) for row in past.PAST)
    monkeypatch.setattr(past, "PAST", rows)
    settings.PAUSE_HOLD_HOURS = 0


def lived(tell: Callable[[str], None] = lambda step: None) -> Any:
    return build(NOW, tell, plan=PLAN, real=("duck",))


def counts() -> dict[str, int]:
    models = (Event, Task, Assignment, Judgment, Review, Run, PauseProposal, Placement)
    return {model.__name__: model.objects.count() for model in models}


def test_a_week_is_lived_learned_from_and_the_same_twice(small: None, db: None) -> None:
    steps: list[str] = []

    def killed(step: str) -> None:
        steps.append(step)
        if step == "day 3 of the week":
            raise Killed

    with pytest.raises(Killed):
        lived(killed)
    before = counts()
    assert Event.objects.filter(kind=week.LIVED).count() == 2
    report = lived(steps.append)
    assert counts()["Judgment"] > before["Judgment"]
    assert [e.subject_id for e in Event.objects.filter(kind=week.LIVED).order_by("pk")] == [
        f"2026-03-{day:02d}" for day in (7, 8, 9, 10)
    ]
    # What stood is left: no day is lived twice, and a third time changes nothing.
    after = counts()
    assert lived() == report
    assert counts() == after
    _who_was_paused()
    _what_happened_once()
    _no_rule_was_broken()
    seal_events(now=NOW)
    assert verify_log().problems == []
    told = tell_week(week.first_day() or NOW.date(), PLAN)
    assert told is not None
    assert told.done["submitted"] > 200
    assert told.cost is not None
    assert 0 < told.cost.lower < told.cost.each < told.cost.upper
    last = told.last
    assert last.lower_bound is not None
    assert last.cost is not None
    assert last.lower_bound <= last.cost
    learnt = told.learnt
    assert learnt.tasks == last.tasks == learnt.plan.placed + learnt.plan.waiting
    assert learnt.moved_arrangement > 0
    # The run's own plan keeps every target by what is known; it costs what the run says.
    assert learnt.plan.above == 0
    assert learnt.plan.placed == last.routed
    text = StringIO()
    print_week(told, Console(file=text, width=110))
    for words in ("A week of work", "claimed", "quality reviews", "labels; one costs", "moved"):
        assert words in text.getvalue()


def _who_was_paused() -> None:
    """The one who turned bad is proposed for a pause that a person confirms; no other of a team."""
    turned = week.morning_of(NOW.date() - timedelta(days=4))
    bad = past.numbered(roster.BAD)[roster.bad_number(turned)][1]
    found = PauseProposal.objects.exclude(annotator__source="import")
    found = found.exclude(annotator__kind="model")
    assert set(found.values_list("annotator", flat=True)) == {bad.pk}
    # In one skill or in several: each is proposed by its own evidence.
    proposal = found.filter(state="confirmed").earliest("decided_at")
    assert proposal.decided_by is not None
    assert proposal.decided_by.email == "quality@demo.example"
    bad.refresh_from_db()
    assert bad.status == "paused"
    since = proposal.decided_at
    assert not Assignment.objects.filter(annotator=bad, reserved_at__gt=since).exists()


def _what_happened_once() -> None:
    """A newcomer has the level of a test, two lots are drawn, a guideline reopened its labels."""
    tried = QualificationTry.objects.get()
    assert tried.state == "passed"
    level = AnnotatorSkill.objects.get(annotator=tried.annotator, skill=tried.set.skill)
    assert level.level == tried.level
    assert level.verified_at is not None
    assert AuditLot.objects.count() == 2
    for lot in AuditLot.objects.all():
        assert len(draw_again(lot)) == lot.size
        assert (lot.reworked > 0) == (lot.state == "rejected")
    relabel = Relabel.objects.get()
    assert relabel.state == "applied"
    assert relabel.reopened == relabel.tasks
    touched = RelabelTask.objects.filter(relabel=relabel)
    assert set(touched.values_list("label__value", flat=True)) <= {once.REDEFINED, None}


def _no_rule_was_broken() -> None:
    """Ask the database: no double answers, no seat too many, no own review, no gold twice."""
    for sql in (
        "SELECT task_id, human, attempt FROM routing_assignment WHERE purpose = 'label' "
        "AND state IN ('reserved', 'in_progress', 'submitted') "
        "GROUP BY task_id, human, attempt HAVING count(*) > 1",
        "SELECT id FROM routing_placement WHERE taken > opened OR opened > asked",
        "SELECT r.id FROM quality_review r JOIN quality_judgment j ON j.id = r.judgment_id "
        "WHERE r.reviewer_id = j.annotator_id",
        "SELECT task_id, human FROM routing_assignment WHERE purpose = 'gold' "
        "GROUP BY task_id, human HAVING count(*) > 1",
        "SELECT a.id FROM routing_assignment a JOIN quality_judgment j "
        "ON j.task_id = a.task_id AND j.annotator_id = a.annotator_id "
        "WHERE a.purpose = 'gold' AND j.assignment_id IS NULL",
    ):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            assert cursor.fetchall() == []
