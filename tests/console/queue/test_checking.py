"""Quality reviews and adjudications in the annotators' queue: double-blind, decided by keys."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from common.time import utc_now
from quality.models import Adjudication, Judgment, Label, Review
from quality.services.adjudications import open_adjudication
from routing.models import Assignment, Project
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.console.queue.people import browser_of, login_for, plain
from tests.quality.services.checked import answered, drawn_review, people, routed_project
from workforce.models import AnnotatorSkill

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviews(world: World) -> list[Client]:
    """Two tasks answered by the first of own staff, all drawn for review; everybody's browser."""
    tasks = routed_project(world, tasks=2, second_review_share=0.0)
    guide(world)
    staff = people(world)
    for task in tasks:
        drawn_review(world, task, staff[0])
    return [browser_of(person.user) for person in staff]


def guide(world: World) -> None:
    add_guideline(
        Project.objects.get(),
        content="Look closely.",
        ontology={"labels": ["cat", "dog", "cow"]},
        effective_from=NOW,
        **world.by,
    )


def begin(client: Client, purpose: str = "review") -> Assignment:
    answer = client.post("/queue/next/")
    assert answer["Location"].startswith("/queue/work/"), answer["Location"]
    row = Assignment.objects.get(public_id=answer["Location"].split("/")[3])
    assert (row.purpose, row.state) == (purpose, "in_progress")
    return row


def send(client: Client, row: Assignment, what: str = "review", **data: str) -> Any:
    named = {name.replace("__", "."): value for name, value in data.items()}
    return client.post(f"/queue/work/{row.public_id}/{what}/", named)


REJECT = {"outcome": "reject", "category": "wrong_label", "severity": "major"}


def test_a_review_comes_by_the_queue_and_is_accepted(reviews: list[Client]) -> None:
    author, second, *_others = reviews
    row = begin(second)
    review = Review.objects.get(assignment=row)
    page = second.get(f"/queue/work/{row.public_id}/").content.decode()
    assert "The answer that was given" in page
    assert "Look closely." in page
    # Nobody's name stands on it but the reader's own.
    given = review.judgment.annotator
    assert given.name not in page
    assert str(given.public_id) not in page
    answer = send(second, row, outcome="accept", seconds="4.5")
    assert answer["Location"].startswith("/queue/work/")
    review.refresh_from_db()
    assert (review.outcome, review.raw_seconds, review.state) == ("accept", 4.5, "done")
    assert Label.objects.get().value == "cat"
    # Again is nothing new.
    assert send(second, row, outcome="accept").status_code == 302
    assert Review.objects.filter(state="done").count() == 1
    # Who answered gets no review of it.
    assert author.post("/queue/next/")["Location"] == "/queue/"


def test_a_fix_begins_with_the_answer_and_says_what_is_right(reviews: list[Client]) -> None:
    row = begin(reviews[1])
    page = reviews[1].get(f"/queue/work/{row.public_id}/").content.decode()
    assert 'value="cat" checked' in page
    fix = {**REJECT, "outcome": "fix"}
    same = send(reviews[1], row, **fix, answer__label="cat")
    assert same.status_code == 422
    assert "This is the answer that was given" in same.content.decode()
    for missing in ("category", "severity"):
        page = send(reviews[1], row, **{**fix, missing: ""}, answer__label="dog", comment="Ears!")
        assert page.status_code == 422
        body = page.content.decode()
        assert "names the error and its severity" in body
        assert "Ears!" in body
    nothing = send(reviews[1], row, **fix)
    assert "Choose an answer." in nothing.content.decode()
    send(reviews[1], row, **fix, answer__label="dog", comment="Ears!")
    review = Review.objects.get(assignment=row)
    assert (review.outcome, review.label, review.comment) == ("fix", "dog", "Ears!")
    assert Label.objects.get().value == "dog"


def test_a_rejection_sends_it_back(reviews: list[Client]) -> None:
    row = begin(reviews[1])
    assert send(reviews[1], row).status_code == 422
    send(reviews[1], row, **REJECT, answer__label="cat")  # the answer as it stood: nothing is right
    review = Review.objects.get(assignment=row)
    assert (review.outcome, review.answer) == ("reject", None)
    assert not Label.objects.exists()
    # Who is to do it anew is told so, and what they answered; not what was said against it.
    again = begin(reviews[0], "label")
    assert again.task_id == row.task_id
    page = reviews[0].get(f"/queue/work/{again.public_id}/").content.decode()
    assert "it is to be done anew" in page
    assert "wrong label" not in page
    # What is right may be said with it.
    other = begin(reviews[1])
    send(reviews[1], other, **REJECT, answer__label="cow")
    assert Review.objects.get(assignment=other).label == "cow"


def test_an_audit_looks_at_an_accepted_label(world: World, reviews: list[Client]) -> None:
    for client in (reviews[1], reviews[1]):
        send(client, begin(client), outcome="accept")
    label = Label.objects.first()
    Review.objects.create(
        task=label.task, accepted=label, why="audit", probability=0.5, created_at=NOW
    )
    row = begin(reviews[2])
    page = reviews[2].get(f"/queue/work/{row.public_id}/").content.decode()
    # Nothing tells an audit from any other review.
    assert "audit" not in page.lower()
    assert 'value="cat" checked' in page
    send(reviews[2], row, outcome="accept", seconds="3")
    assert Review.objects.get(assignment=row).outcome == "accept"


def test_a_skipped_review_goes_to_others(reviews: list[Client]) -> None:
    row = begin(reviews[1])
    skipped = Review.objects.get(assignment=row).pk
    assert reviews[1].post(f"/queue/work/{row.public_id}/skip/", {"reason": ""}).status_code == 422
    reviews[1].post(f"/queue/work/{row.public_id}/skip/", {"reason": "too_hard"})
    other = begin(reviews[1])
    assert other.task_id != row.task_id
    again = begin(reviews[2])
    assert Review.objects.get(assignment=again).pk == skipped


def test_too_late_for_a_review(reviews: list[Client]) -> None:
    row = begin(reviews[1])
    Assignment.objects.filter(pk=row.pk).update(
        reserved_at=utc_now() - timedelta(hours=2), lease_until=utc_now() - timedelta(hours=1)
    )
    # Somebody else has taken it meanwhile.
    while begin(reviews[2]).task_id != row.task_id:
        send(reviews[2], Assignment.objects.latest("pk"), outcome="accept")
    late = send(reviews[1], row, outcome="accept")
    assert late["Location"] == "/queue/"
    assert "Somebody else reviews this now" in reviews[1].get("/queue/").content.decode()
    assert Review.objects.get(task=row.task_id).state == "taken"


def test_what_is_in_hand_says_that_it_is_a_review(reviews: list[Client]) -> None:
    begin(reviews[1])
    assert "Quality review" in reviews[1].get("/queue/").content.decode()


@pytest.mark.parametrize("where", ["same pool", "another vendor"])
def test_nobody_decides_for_somebody_else(world: World, reviews: list[Client], where: str) -> None:
    row = begin(reviews[1])
    stranger = reviews[2]
    if where == "another vendor":
        stranger = browser_of(login_for(world, world.pools["alpha"].annotators.first()))
    for what in ("review", "adjudicate", "submit"):
        theirs = send(stranger, row, what, outcome="accept")
        none = stranger.post(f"/queue/work/{row.task.public_id}/{what}/")
        assert (theirs.status_code, plain(theirs)) == (404, plain(none)), what
    assert Review.objects.get(assignment=row).state == "taken"
    # Nor does its holder hand in a label by it.
    assert send(reviews[1], row, "submit", answer__label="cat").status_code == 404


@pytest.fixture
def disputed(world: World) -> Adjudication:
    """A task with the answers cat, cat and dog; own staff of level 4 may adjudicate."""
    task = routed_project(world, tasks=1, adjudication_level=4)[0]
    guide(world)
    staff = people(world)
    answered(world, task, staff[0], "cat")
    for person, label in ((staff[1], "cat"), (staff[2], "dog")):
        held = world.assign(task, person, state="submitted", ended_at=NOW)
        Judgment.objects.create(
            task=task,
            annotator=person,
            assignment=held,
            answer=label,
            label=label,
            source="form",
            submitted_at=NOW,
        )
    with transaction.atomic():
        return open_adjudication(task, why="unsure", **world.by)


def test_an_adjudication_comes_by_the_queue(world: World, disputed: Adjudication) -> None:
    staff = people(world)
    expert = browser_of(staff[3].user)
    # Who answered does not decide.
    assert browser_of(staff[0].user).post("/queue/next/")["Location"] == "/queue/"
    row = begin(expert, "adjudication")
    page = expert.get(f"/queue/work/{row.public_id}/").content.decode()
    for person in staff[:3]:
        assert person.name not in page
    assert page.index("Answer A") < page.index("Answer B")
    token = page.split('name="side" value="')[1].split('"')[0]
    assert send(expert, row, "adjudicate", side="nothing").status_code == 422
    unsaid = send(expert, row, "adjudicate", side=token)
    assert unsaid.status_code == 422
    assert "Say why this is right." in unsaid.content.decode()
    send(expert, row, "adjudicate", side=token, reason="whiskers", seconds="33")
    disputed.refresh_from_db()
    row.refresh_from_db()
    assert (disputed.decided_by, disputed.reason, disputed.raw_seconds) == (
        staff[3].user,
        "whiskers",
        33,
    )
    assert disputed.winner is not None
    assert row.state == "submitted"
    assert Label.objects.get().adjudication == disputed
    again = send(expert, row, "adjudicate", side=token, reason="whiskers")
    assert again.status_code == 302


def test_another_answer_may_be_right(world: World, disputed: Adjudication) -> None:
    expert = browser_of(people(world)[3].user)
    row = begin(expert, "adjudication")
    # In hand, but somebody else's by now.
    Adjudication.objects.update(assignment=None)
    late = send(expert, row, "adjudicate", side="other", reason="horns")
    assert late["Location"] == "/queue/"
    Adjudication.objects.update(assignment=row)
    page = send(expert, row, "adjudicate", side="other", reason="horns")
    assert "Choose an answer." in page.content.decode()
    assert "horns" in page.content.decode()
    send(expert, row, "adjudicate", side="other", reason="horns", answer__label="cow")
    disputed.refresh_from_db()
    assert (disputed.label, disputed.winner) == ("cow", None)


def test_a_lead_was_quicker(world: World, disputed: Adjudication) -> None:
    from quality.services.adjudicating import decide_adjudication

    expert = browser_of(people(world)[3].user)
    row = begin(expert, "adjudication")
    token = expert.get(f"/queue/work/{row.public_id}/").content.decode()
    token = token.split('name="side" value="')[1].split('"')[0]
    winner = Judgment.objects.filter(label="dog").get()
    decide_adjudication(disputed, winner=winner, reason="seen", **world.as_("quality"))
    send(expert, row, "adjudicate", side=token, reason="whiskers")
    disputed.refresh_from_db()
    assert disputed.reason == "seen"
    assert "decided already" in expert.get("/queue/").content.decode()
    row.refresh_from_db()
    assert row.state not in ("reserved", "in_progress")


def test_who_may_not_adjudicate_gets_none(world: World, disputed: Adjudication) -> None:
    expert = people(world)[3]
    AnnotatorSkill.objects.filter(annotator=expert).update(level=3)
    assert browser_of(expert.user).post("/queue/next/")["Location"] == "/queue/"
    Adjudication.objects.update(why="gold")
    AnnotatorSkill.objects.filter(annotator=expert).update(level=5)
    assert browser_of(expert.user).post("/queue/next/")["Location"] == "/queue/"
