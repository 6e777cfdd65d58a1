"""Handing in answers: checked, timed, written once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from common.errors import Forbidden, Invalid
from quality.errors import AlreadyAnswered, BadAnswer, NotWanted
from quality.models import Judgment, Label
from quality.services import labels
from quality.services.submitting import Clock, submit
from routing.errors import NotLive, NotYours, SeatGone
from routing.models import AssignmentStep, GuidelineVersion, Task, TaskStep, TaskType
from routing.services import assignments
from routing.services.assignments import expire_leases
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.quality.services.work import (
    MINUTE,
    answer,
    login,
    only,
    people,
    routed,
    seats,
    state,
    take,
    take_this,
)

YEAR = 365 * 86_400.0


@pytest.fixture
def street(world: World) -> World:
    routed(world)
    return world


def test_it_works(street: World) -> None:
    annotator = people()[0]
    mine = take(street, annotator)
    given = answer(street, mine, confidence=0.8)
    assert (given.label, given.answer, given.attempt) == ("cat", "cat", 1)
    assert (given.raw_seconds, given.billable_seconds, given.time_rule) == (
        10.0,
        10.0,
        "measured 1",
    )
    assert (given.confidence, given.source, given.time_faults) == (0.8, "form", [])
    mine.refresh_from_db()
    assert (mine.state, given.assignment_id) == ("submitted", mine.pk)
    label = Label.objects.get(task=mine.task_id)
    assert (label.value, label.by, label.judgment_id) == ("cat", "answer", given.pk)
    assert label.probability == pytest.approx(0.95)
    assert state(mine.task_id) == "accepted"
    steps = TaskStep.objects.filter(task=mine.task_id).values_list("from_state", "to_state")
    assert list(steps) == [("open", "held"), ("held", "answered"), ("answered", "accepted")]
    event = Event.objects.get(kind="judgment.submitted")
    assert event.subject_id == str(given.public_id)
    assert "cat" not in str(event.data)


def test_the_same_answer_again_is_the_same_judgment(street: World) -> None:
    mine = take(street, people()[0])
    given = answer(street, mine)
    events = Event.objects.count()
    for again in (" cat ".strip(), {"label": "cat"}):
        if again == "cat":
            assert answer(street, mine, again, at=NOW + 2 * MINUTE) == given
        else:
            with pytest.raises(AlreadyAnswered):
                answer(street, mine, again)
    assert Judgment.objects.count() == Label.objects.count() == 1
    assert Event.objects.count() == events


def test_another_answer_names_the_correction(street: World) -> None:
    mine = take(street, people()[0])
    given = answer(street, mine)
    with pytest.raises(AlreadyAnswered, match=r"submitting\.correct") as refused:
        answer(street, mine, "dog")
    assert refused.value.data["judgment"] == str(given.public_id)
    assert Judgment.objects.get() == given


def test_handed_in_twice_at_one_time(street: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one is written after this one has read, and before it takes its step."""
    from quality.services import submitting, submitting_at_once

    monkeypatch.setattr(submitting_at_once, "possible", lambda: False)
    mine = take(street, people()[0])
    first: list[Judgment] = []
    step = submitting.hand_in

    def after_the_other(assignment_id: int, **values: Any) -> bool:
        if not first:
            first.append(Judgment())
            first[0] = answer(street, mine)
        return step(assignment_id, **values)

    monkeypatch.setattr(submitting, "hand_in", after_the_other)
    assert answer(street, mine) == first[0]
    assert Judgment.objects.count() == 1


def test_by_its_public_id(street: World) -> None:
    annotator = people()[0]
    mine = take(street, annotator)
    by = {"acting_user": login(street, annotator), "now": NOW + MINUTE}
    given = submit(mine.public_id, answer="cat", raw_seconds=None, source="api", **by)
    assert given.assignment_id == mine.pk
    assert [fault["code"] for fault in given.time_faults] == ["missing", "idle"]
    assert given.billable_seconds == 30.0  # a minute held, of which half a minute is never idle


def test_somebody_elses_work_looks_like_none(street: World, vendor_user: Any) -> None:
    mine = take(street, people()[0])
    others = [login(street, people()[1]), login(street, people("alpha")[0])]
    for user in others:
        with pytest.raises(NotYours) as refused:
            answer(street, mine, acting_user=user)
        with pytest.raises(NotYours) as none:
            submit(
                people()[0].public_id,  # an id of nothing that can be handed in
                answer="cat",
                raw_seconds=1.0,
                source="api",
                acting_user=user,
                now=NOW,
            )
        assert str(refused.value) == str(none.value)
    for user in (vendor_user, street.users["finance"]):
        with pytest.raises(Forbidden):
            answer(street, mine, acting_user=user)
    assert not Judgment.objects.exists()


def test_a_platform_hands_in_for_annotators(street: World) -> None:
    mine = take(street, people()[0])
    clock = Clock(drafts=2, review=4.0, sessions=[(0.0, 12.0), (6.0, 20.0)])
    given = answer(
        street,
        mine,
        seconds=40.0,
        source="platform",
        clock=clock,
        **street.by | {"now": NOW + MINUTE},
    )
    assert (given.raw_seconds, given.billable_seconds) == (40.0, 16.0)
    assert {f["code"]: f["seconds"] for f in given.time_faults} == {"doubled": 6.0, "review": 4.0}


@pytest.mark.parametrize(
    ("seconds", "held", "billable", "faults"),
    [
        (YEAR, MINUTE, 30.0, ["beyond_clock", "idle"]),
        (-20.0, timedelta(seconds=12), 12.0, ["negative"]),
        # The clock of the machine went back an hour.
        (9.0, -timedelta(hours=1), 9.0, ["clock_back"]),
        (None, -timedelta(hours=1), None, ["clock_back", "missing", "unknown"]),
    ],
)
def test_faulty_times_are_kept_and_not_paid(
    street: World, seconds: float, held: timedelta, billable: float | None, faults: list[str]
) -> None:
    mine = take(street, people()[0])
    given = answer(street, mine, seconds=seconds, at=NOW + held)
    assert given.billable_seconds == billable
    assert [fault["code"] for fault in given.time_faults] == faults
    assert given.raw_seconds == (None if seconds is not None and seconds < 0 else seconds)


@pytest.mark.parametrize(
    "values",
    [
        {"seconds": float("nan")},
        {"seconds": "ten"},
        {"seconds": True},
        {"confidence": 1.5},
        {"confidence": "sure"},
        {"source": "import"},
        {"source": "telex"},
    ],
)
def test_numbers_that_are_none(street: World, values: dict[str, Any]) -> None:
    mine = take(street, people()[0])
    with pytest.raises(Invalid) as refused:
        answer(street, mine, **values)
    assert refused.value.field in ("raw_seconds", "confidence", "source")
    assert state(mine.task_id) == "held"


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (7, "anyOf"),
        ("", "minLength"),
        (" \u00a0 ", "label"),
        ({"label": "cat", "colour": 1}, "additionalProperties"),
        ("x" * 201, "maxLength"),
        (float("nan"), "json"),
        ({1, 2}, "json"),
        ("a\x00b", "json"),
        ("\ud800", "json"),
        ({"label": "cat", "comment": "x" * 2_000_000}, "size"),
    ],
)
def test_an_answer_that_breaks_the_schema(street: World, given: Any, rule: str) -> None:
    mine = take(street, people()[0])
    with pytest.raises(BadAnswer) as refused:
        answer(street, mine, given)
    assert (refused.value.field, refused.value.rule) == ("answer", rule)
    assert len(str(refused.value)) < 400
    assert not Judgment.objects.exists()
    assert answer(street, mine, "a backslash \\u0000 is no NUL").pk


def test_labels_of_the_guideline(world: World) -> None:
    project = world.add_project(rules=only("in_house"))
    version = add_guideline(
        project,
        content="Say what it is.",
        ontology={"labels": ["Cat", {"name": "dog"}, "US", "us"]},
        effective_from=NOW,
        **world.by,
    )
    world.add_tasks(project, 4, guideline=version)
    world.route("street")
    annotator = people()[0]
    held = [take(world, annotator) for _number in range(4)]
    assert answer(world, held[0], "cat").label == "Cat"
    assert answer(world, held[1], {"label": "dog", "comment": "small"}).label == "dog"
    assert answer(world, held[2], "us").label == "us"
    for unknown in ("bird", "Us"):
        with pytest.raises(BadAnswer, match="guideline names"):
            answer(world, held[3], unknown)
    # What its answers were checked by stays as it was.
    from django.db import DatabaseError, transaction

    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        GuidelineVersion.objects.filter(pk=version.pk).update(ontology={"labels": ["bird"]})


def test_boxes_are_checked_by_their_form(world: World) -> None:
    routed(world, 1, task_type=TaskType.objects.get(key="bounding-box"))
    mine = take(world, people()[0])
    bow = {"points": [[0, 0], [1, 0], [2, 0]], "label": "car"}
    with pytest.raises(BadAnswer, match=r"required|points"):
        answer(world, mine, [bow])
    given = answer(world, mine, [{"x": 0, "y": 0, "width": 4, "height": 3, "label": "car"}])
    assert given.label == ""
    assert Label.objects.get().answer == given.answer


def test_after_expiry_while_the_seat_is_free(street: World) -> None:
    mine = take(street, people()[0])
    late = NOW + 31 * MINUTE
    expire_leases(acting_user=street.users["operations"], now=late)
    assert state(mine.task_id) == "open"
    given = answer(street, mine, at=late + MINUTE)
    assert state(mine.task_id) == "accepted"
    steps = AssignmentStep.objects.filter(assignment=mine.pk).values_list("to_state", flat=True)
    assert list(steps) == ["expired", "in_progress", "submitted"]
    assert given.billable_seconds == 10.0


def test_after_expiry_when_the_seat_went_to_another(street: World) -> None:
    mine = take(street, people()[0])
    late = NOW + 31 * MINUTE
    expire_leases(acting_user=street.users["operations"], now=late)
    other = take_this(street, people()[1], Task.objects.get(pk=mine.task_id), at=late)
    with pytest.raises(SeatGone):
        answer(street, mine, at=late + MINUTE)
    assert not Judgment.objects.exists()
    answer(street, other, "dog", at=late + MINUTE)
    assert seats(mine.task_id) == (1, 1, 1)


def test_released_is_over(street: World) -> None:
    annotator = people()[0]
    mine = take(street, annotator)
    assignments.release(mine, acting_user=login(street, annotator), now=NOW)
    with pytest.raises(NotLive):
        answer(street, mine)


def test_for_a_task_cancelled_meanwhile(street: World) -> None:
    mine = take(street, people()[0])
    task = Task.objects.get(pk=mine.task_id)
    labels.cancel([task], reason="the customer left", **street.as_("quality"))
    with pytest.raises(NotLive):
        answer(street, mine)
    assert state(task) == "cancelled"
    assert not Judgment.objects.exists()


def test_for_a_task_taken_back_between_reading_and_locking(
    street: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform takes the task back while the answer is on its way; the seat was live."""
    from quality.services import submitting, submitting_at_once

    monkeypatch.setattr(submitting_at_once, "possible", lambda: False)
    mine = take(street, people()[0])
    read = submitting.lock_seats

    def meanwhile(task_id: int, run_id: int | None) -> Any:
        found = read(task_id, run_id)
        return type(found)(**{**vars(found), "state": "recalled"})

    monkeypatch.setattr(submitting, "lock_seats", meanwhile)
    with pytest.raises(NotWanted, match="recalled"):
        answer(street, mine)
    mine.refresh_from_db()
    assert (mine.state, Judgment.objects.count()) == ("reserved", 0)


@pytest.mark.parametrize(("votes", "most"), [(1, 8), (3, 8)])
def test_few_statements(world: World, votes: int, most: int) -> None:
    """Counted by what the databases are asked: SQLite, which is asked in turn, takes five more."""
    routed(world, 2, rules=only("in_house", answers=votes, target_error=0.06))
    annotator = people()[0]
    mine, other = take(world, annotator), take(world, annotator)
    answer(world, mine)  # terms and forms are read once
    user = login(world, annotator)
    assert user.roles
    with CaptureQueriesContext(connection) as seen:
        submit(
            other.public_id, answer="cat", raw_seconds=5.0, source="api", acting_user=user, now=NOW
        )
    asked = [query["sql"] for query in seen if "SAVEPOINT" not in query["sql"]]
    allowed = most + (5 if connection.vendor == "sqlite" else 0)
    assert len(asked) <= allowed, "\n".join(sql[:150] for sql in asked)
