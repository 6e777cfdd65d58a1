"""Answering by the built-in form: sent, refused, sent twice, too late."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit.models import Event
from common.time import utc_now
from quality.models import Judgment
from routing.models import Assignment, Task, TaskType
from routing.services.claiming import take
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.console.queue.people import browser_of, holders, login_for, plain
from tests.quality.services.work import only
from workforce.models import Annotator

pytestmark = pytest.mark.django_db
MANY = [{"name": f"Q{n}", "title": f"street {n}"} for n in range(10_000)]


def work(
    world: World, labels: Any = None, *, rules: Any = None, tasks: int = 3, **task: Any
) -> Client:
    """Somebody with tasks to classify, by a guideline that names the labels."""
    project = world.add_project(rules=rules)
    add_guideline(
        project,
        content="Look closely.",
        ontology={"labels": ["cat", "dog"] if labels is None else labels},
        effective_from=NOW,
        **world.by,
    )
    world.add_tasks(project, tasks, **{"payload": "Which animal?", **task})
    world.route("street")
    return browser_of(holders(world, 1)[0].user)


def begin(client: Client) -> Assignment:
    answer = client.post("/queue/next/")
    assert answer["Location"].startswith("/queue/work/"), answer["Location"]
    return Assignment.objects.get(public_id=answer["Location"].split("/")[3])


def send(client: Client, row: Assignment, **data: str) -> Any:
    named = {name.replace("__", "."): value for name, value in data.items()}
    return client.post(f"/queue/work/{row.public_id}/submit/", named)


def test_it_works(world: World) -> None:
    client = work(world)
    row = begin(client)
    page = client.get(f"/queue/work/{row.public_id}/").content.decode()
    assert 'value="cat"' in page
    assert 'data-pick="1"' in page
    answer = send(client, row, answer__label="dog", seconds="12.4")
    given = Judgment.objects.get()
    assert (given.answer, given.label, given.source) == ("dog", "dog", "form")
    assert (given.raw_seconds, given.assignment, given.annotator) == (12.4, row, row.annotator)
    # Straight on to the next task.
    assert answer["Location"].startswith("/queue/work/")
    assert str(row.public_id) not in answer["Location"]
    # With a word on it; then back to the queue.
    second = begin(client)
    answer = send(
        client, second, answer__label="cat", answer__comment="grey", seconds="", then="stop"
    )
    assert answer["Location"] == "/queue/"
    given = Judgment.objects.get(assignment=second)
    assert given.answer == {"label": "cat", "comment": "grey"}
    assert given.raw_seconds is None
    assert given.time_faults[0]["code"] == "missing"


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(world: World) -> None:
    client = work(world)
    row = begin(client)
    page = send(client, row, answer__comment="I am not sure")
    assert page.status_code == 422
    body = page.content.decode()
    assert body.index("Choose an answer.") < body.index("I am not sure")
    assert not Judgment.objects.exists()
    # What only the schema refuses is told by it, beside the field it is about.
    page = send(client, row, answer__label="cat", answer__comment="x" * 10_001)
    assert page.status_code == 422
    assert "10,000 are allowed" in page.content.decode()
    for seconds in ("a year", "-4", "31536000000", "nan"):
        assert send(client, row, answer__label="", seconds=seconds).status_code == 422
    answer = send(client, row, answer__label="cat", seconds="1e300")
    assert answer.status_code == 302
    assert Judgment.objects.get().raw_seconds is None


def test_sent_twice_is_sent_once(world: World) -> None:
    client = work(world)
    row = begin(client)
    first = send(client, row, answer__label="cat", seconds="5")
    again = send(client, row, answer__label="cat", seconds="9")
    assert first["Location"] == again["Location"]
    assert Judgment.objects.count() == 1
    other = send(client, row, answer__label="dog")
    assert other["Location"] == "/queue/"
    assert "The first answer stands" in client.get("/queue/").content.decode()
    assert Judgment.objects.get().label == "cat"


def test_too_late_is_explained_and_nothing_that_was_written_is_lost(world: World) -> None:
    client = work(world)
    row = begin(client)
    # The lease ran out, but nobody else has taken the seat: the answer still counts.
    Assignment.objects.filter(pk=row.pk).update(
        reserved_at=utc_now() - timedelta(hours=2), lease_until=utc_now() - timedelta(hours=1)
    )
    assert send(client, row, answer__label="cat").status_code == 302
    assert Judgment.objects.get().assignment == row
    second = begin(client)
    client.post(f"/queue/work/{second.public_id}/release/")
    page = send(client, second, answer__label="dog", answer__comment="A long remark")
    assert page.status_code == 409
    body = page.content.decode()
    assert "This task is not in hand any more: released." in body
    assert "A long remark" in body
    assert "Which animal?" not in body
    assert Judgment.objects.count() == 1


def test_ten_thousand_labels(world: World) -> None:
    client = work(world, MANY)
    row = begin(client)
    path = f"/queue/work/{row.public_id}/"
    page = client.get(path)
    assert len(page.content) < 30_000
    assert "10,000 labels: type to search." in page.content.decode()
    found = client.get(f"{path}labels/", {"part": "answer.label", "q": "street 77"}).json()
    assert found["all"] == 10_000
    assert found["labels"][0] == {"name": "Q77", "words": "street 77"}
    assert client.get(f"{path}labels/", {"part": "other", "q": "s"}).json()["labels"] == []
    # Without JavaScript: search, choose among what was found, send.
    page = send(client, row, answer__label="street 99", find="answer.label")
    assert page.status_code == 200
    assert 'value="Q994"' in page.content.decode()
    answer = send(client, row, answer__label="street 99", **{"answer__label.pick": "Q994"})
    assert answer.status_code == 302
    assert Judgment.objects.get().label == "Q994"
    # By its words, as the search of the page writes them.
    send(client, begin(client), answer__label="Street 12")
    assert Judgment.objects.order_by("-pk")[0].label == "Q12"
    page = send(client, begin(client), answer__label="lane 12")
    assert "lane 12 is none of the labels" in page.content.decode()


def test_a_transcript(world: World) -> None:
    kind = TaskType.objects.get(key="image-classification")
    TaskType.objects.filter(pk=kind.pk).update(
        metric="wer", answer_schema={"type": "string", "maxLength": 500_000}
    )
    client = work(world, [])
    row = begin(client)
    assert "<textarea" in client.get(f"/queue/work/{row.public_id}/").content.decode()
    refused = send(client, row, answer="")
    assert "say that there is none" in refused.content.decode()
    send(client, row, answer="good\r\nmorning")
    assert Judgment.objects.get().answer == "good\nmorning"
    send(client, begin(client), answer="", answer__nothing="on")
    assert Judgment.objects.order_by("-pk")[0].answer == ""


def test_boxes_are_written_as_json(world: World) -> None:
    boxes = TaskType.objects.get(key="bounding-box")
    client = work(world, [], task_type=boxes)
    row = begin(client)
    page = send(client, row, json='[{"x": 1, "y": 1, "width": 0, "height": 2}]')
    assert page.status_code == 422
    body = page.content.decode()
    assert "/0/width" in body
    assert "&quot;width&quot;: 0" in body
    send(client, row, json='[{"x": 1, "y": 1, "width": 3, "height": 2}]')
    assert Judgment.objects.get().answer[0]["width"] == 3


def test_nobody_answers_for_somebody_else(world: World) -> None:
    client = work(world)
    row = begin(client)
    same = Annotator.objects.filter(pool=row.pool).exclude(pk=row.annotator_id).first()
    other = world.pools["beta" if row.pool != world.pools["beta"] else "alpha"].annotators.first()
    events = Event.objects.count
    for annotator in (same, other):
        stranger = browser_of(login_for(world, annotator))
        before = events()
        for page in ("submit/", "review/", "adjudicate/"):
            theirs = stranger.post(f"/queue/work/{row.public_id}/{page}", {"answer.label": "cat"})
            none = stranger.post(
                f"/queue/work/{row.task.public_id}/{page}", {"answer.label": "cat"}
            )
            assert (theirs.status_code, plain(theirs)) == (404, plain(none)), page
        assert stranger.get(f"/queue/work/{row.public_id}/labels/").status_code == 404
        assert events() == before
    # Nor is a label a review: such a page is not there for its holder either.
    assert client.post(f"/queue/work/{row.public_id}/review/").status_code == 404
    assert not Judgment.objects.exists()


def test_a_recalled_task_is_told(world: World) -> None:
    client = work(world)
    row = begin(client)
    from routing.services.task_work import cancel_tasks

    cancel_tasks([row.task], reason="not needed", **world.by)
    page = send(client, row, answer__label="cat")
    assert page.status_code == 409
    assert Task.objects.get(pk=row.task_id).state == "cancelled"
    assert not Judgment.objects.exists()


def test_an_answer_is_corrected_while_it_is_open(world: World) -> None:
    client = work(world, rules=only("in_house", answers=3, target_error=0.02), tasks=1)
    row = begin(client)
    send(client, row, answer__label="cat", answer__comment="grey", seconds="5")
    first = Judgment.objects.get()
    listed = client.get("/queue/answers/").content.decode()
    path = f"/queue/answers/{first.public_id}/"
    assert path in listed
    page = client.get(path).content.decode()
    assert 'value="cat" checked' in page
    assert "grey" in page
    wrong = client.post(path, {"answer.label": "cow"})
    assert wrong.status_code == 422
    answer = client.post(path, {"answer.label": "dog", "seconds": "3"})
    assert answer["Location"] == "/queue/answers/"
    last = Judgment.objects.latest("pk")
    assert (last.answer, last.attempt, last.raw_seconds) == ("dog", 2, 3)
    # The old row stays, and is not corrected once more.
    assert client.get(path).status_code == 404
    for annotator in (
        Annotator.objects.filter(pool=row.pool).exclude(pk=row.annotator_id).first(),
        world.pools["beta"].annotators.first(),
    ):
        stranger = browser_of(login_for(world, annotator))
        theirs = stranger.get(f"/queue/answers/{last.public_id}/")
        none = stranger.get(f"/queue/answers/{row.public_id}/")
        assert (theirs.status_code, plain(theirs)) == (404, plain(none))
    Judgment.objects.filter(pk=last.pk).update(submitted_at=utc_now() - timedelta(hours=9))
    assert "Correct it" not in client.get("/queue/answers/").content.decode()


def test_an_accepted_answer_is_corrected_no_more(world: World) -> None:
    client = work(world, rules=only("in_house"), tasks=1)
    row = begin(client)
    send(client, row, answer__label="cat")
    given = Judgment.objects.get()
    assert Task.objects.get(pk=row.task_id).state == "accepted"
    path = f"/queue/answers/{given.public_id}/"
    assert client.get(path)["Location"] == "/queue/answers/"
    assert "cannot be corrected any more" in client.get("/queue/answers/").content.decode()
    client.post(path, {"answer.label": "dog"})
    assert Judgment.objects.get().label == "cat"


def test_gold_is_answered_and_corrected_as_work_is(world: World) -> None:
    client = work(world, rules=only("in_house"), tasks=4)
    label = begin(client)
    gold = take(
        Annotator.objects.get(pk=label.annotator_id),
        Task.objects.filter(state="open").exclude(pk=label.task_id).first(),
        purpose="gold",
        decision=label.decision,
        acting_user=label.annotator.user,
        now=utc_now(),
    )
    Assignment.objects.filter(pk=gold.pk).update(guideline=label.guideline)
    client.post(f"/queue/work/{gold.public_id}/begin/")
    looks = []
    for row in (label, gold):
        bad = send(client, row, answer__label="cow").content.decode()
        sent = send(client, row, answer__label="cat", then="stop")
        home = client.get("/queue/")
        again = send(client, row, answer__label="dog")
        given = Judgment.objects.get(assignment=row)
        listed = client.get("/queue/answers/").content.decode()
        client.get(f"/queue/answers/{given.public_id}/")
        told = [str(message) for message in client.get("/queue/answers/").context["messages"]]
        assert told == ["This answer cannot be corrected any more: accepted."], row.purpose
        assert "The first answer stands." in listed
        looks.append(
            [
                bad.replace(str(row.public_id), "").split("csrfmiddlewaretoken")[0],
                (sent.status_code, sent["Location"], again.status_code, again["Location"]),
                home.content.decode().count("Sent."),
                listed.count("being checked"),
            ]
        )
    assert looks[0][:3] == looks[1][:3]
    assert (looks[0][3], looks[1][3]) == (1, 2)
