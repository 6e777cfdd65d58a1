"""Own scores, own time and pay, own answers: sums that tell nothing of gold, nothing of others."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from quality.models import Judgment, Review
from quality.reports.own_scores import own_scores
from routing.models import Project, Task
from tests.conftest import NOW, World
from tests.console.queue.people import browser_of, login_for
from workforce.models import Annotator, Proficiency, Skill

pytestmark = pytest.mark.django_db
PERIOD = {"since": "2026-02-20", "until": "2026-03-05"}
HOUR = timedelta(hours=1)


def answer(
    world: World,
    task: Task,
    annotator: Annotator,
    *,
    seconds: float = 36.0,
    at: Any = NOW,
    label: str = "cat",
    **values: Any,
) -> Judgment:
    """Return an answer handed in at a time, and what it was given under."""
    held = world.assign(
        task,
        annotator,
        state="submitted",
        started_at=at,
        reserved_at=at,
        lease_until=at + HOUR,
        ended_at=at + HOUR,
        **values,
    )
    return Judgment.objects.create(
        task=task,
        annotator=annotator,
        assignment=held,
        answer=label,
        label=label,
        raw_seconds=seconds + 4,
        billable_seconds=seconds,
        time_rule="measured 1",
        source="form",
        submitted_at=at,
    )


@pytest.fixture
def own(world: World) -> Annotator:
    """One of own staff, at 30 an hour: work accepted, being checked, done anew, gold, imported."""
    person = world.pools["in-house"].annotators.first()
    person.user = login_for(world, person)
    tasks = world.add_tasks(world.add_project(), 6)
    for task, state in zip(tasks, ("accepted", "answered", "rework", "accepted"), strict=False):
        world.set_state(task, state)
    Task.objects.filter(pk=tasks[2].pk).update(attempt=2)
    for task in tasks[:3]:
        answer(world, task, person)
    answer(world, tasks[3], person, purpose="gold")
    answer(world, tasks[4], person, purpose="qualification")
    answer(world, tasks[5], person, at=NOW - 8 * 24 * HOUR, seconds=7.0)
    return person


def figures(page: Any) -> dict[str, Any]:
    return page.context["sum"]


def test_time_and_pay_of_own_staff(world: World, own: Annotator) -> None:
    client = browser_of(own.user)
    page = client.get("/queue/time/", PERIOD)
    found = figures(page)
    assert (found["item"], found["accepted"], found["waiting"], found["anew"]) == (6, 2, 2, 1)
    assert (found["raw"], found["billable"]) == (5 * 40 + 11, 5 * 36 + 7)
    # 187 seconds at 30 an hour: 1.558333…, and the rows add up to it.
    assert found["pay"] == 1_558_333
    rows = [row for week in page.context["weeks"] for row in week["rows"]]
    assert sum(row["pay"] for row in rows) == found["pay"]
    assert len(page.context["weeks"]) == 2
    body = page.content.decode()
    assert "1.56 EUR" in body
    assert "Week of 2026-03-02 to 2026-03-08" in body
    # One project, one day.
    key = Project.objects.get().public_id
    day = client.get("/queue/time/", {"since": "2026-03-02", "until": "2026-03-02", "project": key})
    assert figures(day)["item"] == 5
    assert figures(client.get("/queue/time/", {**PERIOD, "project": "x"}))["item"] == 0


def test_an_hour_is_priced_as_it_was(world: World, own: Annotator) -> None:
    own.history.update(history_date=NOW - 30 * 24 * HOUR)
    own.hourly_cost_micro = 60_000_000
    own._history_date = NOW - HOUR
    own.save(update_fields=["hourly_cost_micro"])
    found = figures(browser_of(own.user).get("/queue/time/", PERIOD))
    assert found["pay"] == round((5 * 36 * 60 + 7 * 30) * 1_000_000 / 3600)


def test_a_vendors_annotator_sees_hours_and_items_only(world: World) -> None:
    person = world.pools["alpha"].annotators.first()
    user = login_for(world, person)
    answer(world, world.add_tasks(world.add_project(), 1)[0], person)
    page = browser_of(user).get("/queue/time/", PERIOD)
    body = page.content.decode()
    assert figures(page)["item"] == 1
    assert "pay" not in figures(page)
    assert "EUR" not in body
    assert "your employer" in body
    text = browser_of(user).get("/queue/time/csv/", PERIOD).content.decode()
    assert "pay" not in text


def test_the_file_holds_what_the_page_shows(world: World, own: Annotator) -> None:
    client = browser_of(own.user)
    events = Event.objects.count()
    answer = client.get("/queue/time/csv/", PERIOD)
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert sum(int(row["items"]) for row in rows) == 6
    assert sum(float(row["pay"]) for row in rows) == pytest.approx(1.558333)
    assert {row["currency"] for row in rows} == {"EUR"}
    assert {row["kind"] for row in rows} == {"answer", "qualification"}
    assert "gold" not in answer.content.decode()
    event = Event.objects.latest("pk")
    assert (event.kind, Event.objects.count()) == ("report.exported", events + 1)


def test_an_answer_to_gold_is_listed_as_any_other(world: World, own: Annotator) -> None:
    accepted, gold = (
        Judgment.objects.get(assignment__purpose=purpose, task__state="accepted")
        for purpose in ("label", "gold")
    )
    page = browser_of(own.user).get("/queue/answers/", PERIOD)
    told = {one["row"].pk: one for one in page.context["listed"]}
    assert {**told[gold.pk], "row": ""} == {**told[accepted.pk], "row": ""}
    assert str(told[gold.pk]["outcome"]) == "accepted"
    assert "gold" not in page.content.decode()
    # Within a day of it nothing is told of either.
    Judgment.objects.filter(pk__in=(accepted.pk, gold.pk)).update(submitted_at=_now() - HOUR)
    page = browser_of(own.user).get("/queue/answers/")
    assert [str(one["outcome"]) for one in page.context["listed"]] == ["being checked"] * 2


def _now() -> Any:
    from common.time import utc_now

    return utc_now()


def test_a_corrected_answer_is_one_item_with_the_time_of_both(world: World, own: Annotator) -> None:
    first = Judgment.objects.filter(assignment__purpose="label", task__state="answered").get()
    Judgment.objects.create(
        task=first.task,
        annotator=own,
        assignment=first.assignment,
        attempt=2,
        answer="dog",
        label="dog",
        raw_seconds=5,
        billable_seconds=5,
        time_rule="measured 1",
        source="form",
        submitted_at=NOW + HOUR,
    )
    client = browser_of(own.user)
    found = figures(client.get("/queue/time/", PERIOD))
    assert (found["item"], found["waiting"], found["billable"]) == (6, 2, 5 * 36 + 7 + 5)
    listed = client.get("/queue/answers/", PERIOD).context["listed"]
    assert len(listed) == 6
    assert listed[0]["text"] == "dog"


@pytest.mark.parametrize(
    "period",
    [
        {"since": "2026-03-05", "until": "2026-03-01"},
        {"since": "2020-01-01", "until": "2026-03-01"},
        {"since": "yesterday", "until": "2026-03-01"},
    ],
)
def test_a_period_that_is_none_says_so(own: Annotator, period: dict[str, str]) -> None:
    client = browser_of(own.user)
    for path in ("/queue/time/", "/queue/answers/"):
        page = client.get(path, period)
        assert page.status_code == 200
        assert "Shown are the last two weeks." in page.content.decode()


def test_nobody_sees_of_others(world: World, own: Annotator) -> None:
    """Bob of the same pool, Charlie of a vendor: as if there were no work of Alice."""
    bob = world.pools["in-house"].annotators.order_by("pk")[1]
    charlie = world.pools["alpha"].annotators.first()
    key = str(Project.objects.get().public_id)
    for person in (bob, charlie):
        client = browser_of(login_for(world, person))
        for path in ("/queue/time/", "/queue/answers/", "/queue/time/csv/"):
            for more in ({}, {"project": key}):
                body = client.get(path, {**PERIOD, **more}).content.decode()
                assert "Street" not in body, path
                assert own.name not in body, path
        page = client.get("/queue/time/", {**PERIOD, "project": key}).content.decode()
        assert "No work in this time." in page


def test_queries_do_not_grow_with_the_work(world: World, own: Annotator) -> None:
    client = browser_of(own.user)

    def queries(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path, PERIOD).status_code == 200
        return len(seen)

    before = {path: queries(path) for path in ("/queue/time/", "/queue/answers/", "/queue/scores/")}
    for task in world.add_tasks(Project.objects.get(), 5):
        answer(world, task, own)
    assert {path: queries(path) for path in before} == before


def estimate(own: Annotator, days_ago: float, n_gold: int, rate: float = 0.8) -> None:
    Proficiency.objects.create(
        annotator=own,
        skill=Skill.objects.get(key="text-spans"),
        as_of=_now() - timedelta(days=days_ago),
        version="test",
        n=500,
        n_gold=n_gold,
        accuracy=rate,
        lower=rate - 0.05,
        upper=rate + 0.05,
        rate=rate,
        rate_lower=rate - 0.06,
        rate_upper=rate + 0.06,
    )


def spans(own: Annotator) -> Any:
    scores = own_scores(own, acting_user=own.user, now=_now())
    return next(score for score in scores if score.skill == "Spans and relations in text").told


def test_scores_are_told_in_sums_a_day_late(own: Annotator) -> None:
    estimate(own, 0.5, 60)
    assert [score.skill for score in own_scores(own, acting_user=own.user, now=_now())] == [
        "Boxes in images",
        "Image classification",
    ]
    estimate(own, 9, 19)
    assert spans(own) == ()
    estimate(own, 8, 23, 0.7)
    assert [row.checked for row in spans(own)] == [20]
    # One more checked answer would tell whether yesterday's was gold: it is not told.
    estimate(own, 7, 24, 0.9)
    estimate(own, 6, 42, 0.9)
    assert [row.rate.middle for row in spans(own)] == [0.7]
    estimate(own, 5, 43, 0.87)
    assert [(row.checked, row.rate.middle) for row in spans(own)] == [(40, 0.87), (20, 0.7)]
    page = browser_of(own.user).get("/queue/scores/").content.decode()
    assert "between 81 % and 93 %" in page
    assert "From 40 checked answers or more" in page
    for number in ("43", "60", "500"):
        assert f">{number}<" not in page


def test_reviews_are_told_by_whole_blocks(world: World, own: Annotator) -> None:
    from quality.reports.own_scores import found_in

    reviews = [("accept", "")] * 17 + [("fix", "wrong_label"), ("reject", "missed")]
    assert found_in(reviews) is None
    reviews += [("reject", "wrong_label")]
    found = found_in(reviews)
    assert found is not None
    assert (found.reviewed, found.outcomes) == (20, {"accept": 17, "fix": 1, "reject": 2})
    assert found.errors == (("wrong label", 2), ("something missed", 1))
    # Nineteen more tell nothing new, and what is too old goes by the block.
    assert found_in([*reviews, *[("accept", "")] * 19]) == found
    assert found_in([*reviews, *[("accept", "")] * 100]) == found_in([("accept", "")] * 100)


def test_what_reviews_found_is_told_a_day_late(world: World, own: Annotator) -> None:
    reviewer = world.pools["in-house"].annotators.order_by("pk")[1]
    project = Project.objects.get()
    for number, task in enumerate(world.add_tasks(project, 20)):
        wrong = {"category": "missed", "severity": "minor"} if number < 3 else {}
        Review.objects.create(
            task=task,
            judgment=answer(world, task, own),
            why="random",
            probability=1.0,
            state="done",
            reviewer=reviewer,
            outcome="reject" if wrong else "accept",
            created_at=NOW,
            decided_at=_now() - timedelta(hours=30),
            **wrong,
        )
    client = browser_of(own.user)
    body = client.get("/queue/scores/").content.decode()
    assert "Of 20 reviewed answers 17 were accepted, 0 fixed, 3 rejected." in body
    assert "something missed: 3" in body
    assert reviewer.name not in body
    # One of them is of today: the block is not whole yet.
    Review.objects.filter(pk=Review.objects.first().pk).update(decided_at=_now())
    assert "reviewed answers" not in client.get("/queue/scores/").content.decode()
    other = browser_of(login_for(world, reviewer))
    assert "reviewed answers" not in other.get("/queue/scores/").content.decode()


def test_nothing_known_says_so(world: World) -> None:
    person = world.add_person("in-house", "new", skills=())
    body = browser_of(login_for(world, person)).get("/queue/scores/").content.decode()
    assert "No" in body
