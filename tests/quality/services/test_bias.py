"""Errors by segment: one family of tests over all kinds, and an alarm for what stands out."""

from datetime import timedelta

import pytest
from scipy.stats import hypergeom

from audit.models import Event
from common.errors import Forbidden, Invalid
from common.languages import translated
from quality.models import Alarm, BiasReport
from quality.services.bias import check_bias, check_everything
from routing.models import Project, TaskType
from tests.conftest import NOW, World
from tests.quality.services.known import answers, people

DAY = timedelta(days=1)


def checked(world: World, key: str = "known", later: timedelta = timedelta(0)) -> BiasReport:
    return check_bias(
        Project.objects.get(key=key),
        TaskType.objects.get(key="image-classification"),
        acting_user=world.users["quality"],
        now=NOW + later,
    )


def test_a_language_that_is_answered_worse(world: World) -> None:
    answers(world, people()[0], [1] * 8 + [0] * 12, language="de")
    answers(world, people()[1], [1] * 2 + [0] * 48, language="en")
    report = checked(world)
    assert (report.answers, report.wrong) == (70, 10)
    rows = {row.segment: row for row in report.segments.filter(kind="language")}
    assert (rows["de"].wrong, rows["de"].answers) == (8, 20)
    assert rows["de"].difference == pytest.approx(8 / 20 - 2 / 50)
    tail = hypergeom.sf(7, 70, 10, 20)
    assert rows["de"].p_value == pytest.approx(2 * tail)
    # Two languages; no other kind parts the answers: pool, class of data and source are one.
    assert report.segments.count() == 2
    assert rows["de"].adjusted == pytest.approx(2 * 2 * tail)
    assert rows["de"].worse
    assert not rows["en"].worse
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.details["name"]) == ("bias", "language de")
    text = translated(alarm.text)
    assert text == "8 of 20 checked answers were wrong there, 40.0%; elsewhere 4.0%"


def test_all_kinds_are_one_family(world: World) -> None:
    """Looked at by one kind it stands out; among eight kinds it may be chance."""
    answers(world, people()[0], [1] * 6 + [0] * 14, language="de", data_class="public")
    answers(world, people("alpha")[0], [1] * 2 + [0] * 38, language="en", data_class="pii")
    report = checked(world)
    kinds = set(report.segments.values_list("kind", flat=True))
    assert kinds == {"language", "data_class", "pool"}
    row = report.segments.get(kind="language", segment="de")
    assert row.p_value < 0.05 < row.adjusted
    assert row.adjusted == pytest.approx(min(6 * row.p_value, 1.0))
    assert not Alarm.objects.exists()


def test_one_answer_per_task_and_only_checked_ones(world: World) -> None:
    (row,) = answers(world, people()[0], [0])
    from quality.models import Judgment

    Judgment.objects.create(
        task=row.task,
        annotator=people()[1],
        answer="b",
        label="b",
        source="import",
        submitted_at=NOW - DAY,
    )
    answers(world, people()[0], [1, 1], by="nothing")
    report = checked(world)
    assert (report.answers, report.wrong) == (1, 0)
    assert report.segments.count() == 0


def test_as_of_a_time_once(world: World) -> None:
    answers(world, people()[0], [0, 1])
    first = checked(world)
    events = Event.objects.count()
    assert checked(world) == first
    assert Event.objects.count() == events
    assert checked(world, later=DAY) != first
    answers(world, people()[0], [0, 1], project="other")
    by = {"acting_user": world.users["quality"]}
    assert check_everything(now=NOW + 2 * DAY, **by) == 1  # the other was checked this week
    assert check_everything(now=NOW + 8 * DAY, **by) == 1
    assert check_everything(now=NOW + 9 * DAY, **by) == 1


def test_nothing_checked_yet_and_who_may(world: World) -> None:
    world.add_project("known")
    with pytest.raises(Invalid, match="checked yet"):
        checked(world)
    with pytest.raises(Forbidden):
        check_everything(**world.as_("finance"))
