"""The night's watching: once a night, whoever starts it, and done again without harm."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Job
from audit.models import Event
from common.errors import Forbidden
from quality.models import Agreement, BiasReport, DriftChart, PauseProposal
from quality.services.alarms import watcher
from quality.services.watching import start_watching, watch_job
from tests.conftest import NOW, World
from tests.quality.services.known import answers, people, usual

HOUR = timedelta(hours=1)


def silent(_step: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def test_one_job_a_night(world: World, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first = start_watching(acting_user=watcher(), now=NOW)
    assert start_watching(acting_user=watcher(), now=NOW + HOUR) == first
    assert Job.objects.get().state == "done"
    assert start_watching(acting_user=watcher(), now=NOW + 24 * HOUR) != first
    with pytest.raises(Forbidden):
        start_watching(**world.as_("finance"))


def test_everything_is_watched_and_twice_is_once(world: World) -> None:
    usual(0.95)
    first, second = people()[:2]
    answers(world, first, [0] * 5 + [1, 0] * 6)
    answers(world, second, [0] * 10, language="de")
    told = []
    found = watch_job(
        {"night": "x"}, watcher(), NOW, lambda step, done, total: told.append((step, done, total))
    )
    assert (found["proposed"], found["held"]) == (1, 1)
    assert (found["drift"]["series"], found["drift"]["alarms"]) == (2, 1)
    assert found["segments"] == 1
    assert told[-1] == ("done", 4, 4)
    counts = [m.objects.count() for m in (PauseProposal, DriftChart, BiasReport, Agreement, Event)]
    again = watch_job({"night": "x"}, watcher(), NOW, silent)
    assert (again["proposed"], again["held"], again["drift"]["alarms"]) == (0, 0, 0)
    assert counts == [
        m.objects.count() for m in (PauseProposal, DriftChart, BiasReport, Agreement, Event)
    ]
