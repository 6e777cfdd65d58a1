"""Effort and speed from the seconds of judgments, and what the next run makes of them."""

from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import call_command

from common.errors import Forbidden
from quality.models import Judgment
from quality.services.accuracy import estimate_accuracy
from quality.services.effort import refit_effort
from routing.core.record import unpack
from routing.core.tables import RECORD_TYPES
from routing.models import EffortEstimate, Run
from tests.conftest import NOW, World
from workforce.models import Annotator, Proficiency

TRUE_SECONDS = 15.0  # the type's default is 6


def timed(world: World, *, count: int = 200, speeds: tuple[float, ...] = (1, 1, 1, 3)) -> None:
    """Give four people `count` tasks each: log-normal seconds around TRUE_SECONDS × speed."""
    project = world.add_project("past")
    tasks = world.add_tasks(project, count)
    people = list(Annotator.objects.filter(pool__key="in-house").order_by("pk")[:4])
    rng = np.random.default_rng(1)
    Judgment.objects.bulk_create(
        Judgment(
            task=task,
            annotator=person,
            answer="cat",
            label="cat",
            source="import",
            # A clock that ran over night now and then; the rule cuts it in half of the cases.
            raw_seconds=seconds if rng.random() > 0.02 else 40_000,
            billable_seconds=seconds if number % 2 else None,
            time_rule="test 1" if number % 2 else "",
            submitted_at=NOW - timedelta(hours=1),
        )
        for number, task in enumerate(tasks)
        for person, speed in zip(people, speeds, strict=True)
        for seconds in [float(TRUE_SECONDS * speed * np.exp(rng.normal(0, 0.4) - 0.08))]
    )


def test_the_planted_effort_is_found_and_read_by_the_next_run(world: World) -> None:
    street = world.add_project()
    world.add_tasks(street, 10)
    before = world.route("street")
    timed(world)
    found = refit_effort(**world.as_("quality"))
    assert (found.durations, found.groups) == (800, 1)
    row = EffortEstimate.objects.get()
    assert (row.task_type.key, row.complexity_band, row.n) == ("image-classification", "low", 800)
    assert row.log_factor - 0.3 < row.log_lower < row.log_factor < row.log_upper
    world.route("street")
    hours = {
        run.pk: float(unpack(bytes(run.record.inputs), *RECORD_TYPES).cohorts.hours[0])
        for run in Run.objects.all()
    }
    first, second = sorted(hours)
    assert str(Run.objects.get(pk=first).public_id) == before.run
    assert hours[first] * 3600 == pytest.approx(6.0)
    assert hours[second] * 3600 == pytest.approx(TRUE_SECONDS, rel=0.1)


def test_a_second_refit_as_of_the_same_time_changes_nothing(world: World) -> None:
    timed(world, count=30)
    refit_effort(**world.as_("quality"))
    refit_effort(**world.as_("quality"))
    assert EffortEstimate.objects.count() == 1
    refit_effort(acting_user=world.users["quality"], now=NOW + timedelta(days=1))
    assert EffortEstimate.objects.count() == 2


def test_the_speed_of_annotators_stands_beside_their_rate(world: World) -> None:
    timed(world)
    refit_effort(**world.as_("quality"))
    estimate_accuracy(project_key="past", **world.as_("quality"))
    people = Annotator.objects.filter(pool__key="in-house").order_by("pk")[:4]
    speeds = [Proficiency.objects.get(annotator=person, as_of=NOW).speed for person in people]
    assert speeds[:3] == pytest.approx([1, 1, 1], rel=0.15)
    assert speeds[3] == pytest.approx(3, rel=0.15)


def test_without_seconds_the_defaults_stay(world: World) -> None:
    out = StringIO()
    call_command("refit_effort", stdout=out)
    assert "the defaults stay" in out.getvalue()
    assert not EffortEstimate.objects.exists()
    timed(world, count=5)
    out = StringIO()
    call_command("refit_effort", stdout=out)
    assert "durations gave the effort of 1 kinds of work" in out.getvalue()


def test_only_who_may_refit_refits(world: World) -> None:
    with pytest.raises(Forbidden):
        refit_effort(**world.as_("finance"))
