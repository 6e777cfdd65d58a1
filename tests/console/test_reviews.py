"""The queue of quality reviews in the console: blind, decided by who is an annotator as well."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.choices import Role
from accounts.models import Membership, User
from common.time import utc_now
from quality.models import Adjudication, Label, Review
from quality.reports.qa_share import qa_share
from quality.services.outcomes import contest_review
from quality.services.reviewing import decide_review, take_review
from routing.models import Task
from tests.conftest import World
from tests.quality.services.checked import drawn_review, login, people, routed_project

LIST = "admin:quality_review_changelist"


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def page(pk: Any, name: str = "change") -> str:
    return reverse(f"admin:quality_review_{name}", args=[pk])


def text(browser: Client, address: str, **query: str) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


@pytest.fixture
def work(world: World) -> World:
    """Two tasks answered by the first of own staff and drawn; a lead who is an annotator."""
    tasks = routed_project(world, tasks=2, second_review_share=0.0)
    staff = people(world)
    for task in tasks:
        drawn_review(world, task, staff[0])
    # Leases of the page are of today's clock.
    person = world.add_person("in-house", "Lead Person")
    world.users["lead"] = login(world, person, Role.QUALITY_LEAD)
    return world


def test_a_lead_takes_a_review_and_decides_it_blind(work: World) -> None:
    browser = client(work.users["lead"])
    first, second = Review.objects.order_by("pk")
    listed = text(browser, reverse(LIST))
    assert "share of the arrangement" in listed or "random draw" in listed
    assert "drawn with a chance of 100.0%" in listed
    assert "own 0" not in listed
    shown = text(browser, page(first.pk))
    assert "cat" in shown
    assert "own 0" not in shown
    assert "stays hidden until the verdict is in" in shown
    assert "Review it now" in shown
    # Looking does not take it, nor does a link that somebody follows.
    assert browser.get(page(first.pk, "take")).status_code == 302
    first.refresh_from_db()
    assert first.state == "pending"
    assert browser.post(page(first.pk, "take")).status_code == 302
    first.refresh_from_db()
    assert first.state == "taken"
    # One at a time.
    other = browser.post(page(second.pk, "take"), follow=True).content.decode()
    assert "in hand" in other
    # Half a verdict comes back with the reason at its field and what was typed.
    half = {"outcome": "fix", "comment": "a <b>fox</b>", "severity": "major"}
    answer = browser.post(page(first.pk, "decide"), half)
    refused = answer.content.decode()
    assert answer.status_code == 200
    assert "names the error and its severity" in refused
    assert "a &lt;b&gt;fox&lt;/b&gt;" in refused
    fix = {**half, "category": "wrong_label", "answer": "dog"}
    assert browser.post(page(first.pk, "decide"), fix).status_code == 302
    first.refresh_from_db()
    assert (first.outcome, first.label, first.category) == ("fix", "dog", "wrong_label")
    assert first.reviewer is not None
    assert first.reviewer.name == "Lead Person"
    assert Label.objects.get(task=first.task).value == "dog"
    after = text(browser, page(first.pk))
    assert "own 0" in after
    assert "differs:" in after
    # Twice is told, and changes nothing.
    again = browser.post(page(first.pk, "decide"), {"outcome": "accept"}, follow=True)
    assert "decided already" in again.content.decode()
    # Given back, it waits again; rejected, the task is worked anew.
    browser.post(page(second.pk, "take"))
    browser.post(page(second.pk, "return"))
    second.refresh_from_db()
    assert second.state == "pending"
    browser.post(page(second.pk, "take"))
    reject = {"outcome": "reject", "category": "missed", "severity": "minor"}
    assert browser.post(page(second.pk, "decide"), reject).status_code == 302
    assert Task.objects.get(pk=second.task_id).attempt == 2
    assert "no quality reviews" not in text(browser, reverse(LIST), queue="done").lower()


def test_search_tells_whose_answer_it_is_only_when_it_is_decided(work: World) -> None:
    browser = client(work.users["lead"])
    found = browser.get(reverse(LIST), {"q": "own 0", "queue": "every"}).context["cl"]
    assert found.result_count == 0
    review = Review.objects.order_by("pk").first()
    assert review is not None
    browser.post(page(review.pk, "take"))
    browser.post(page(review.pk, "decide"), {"outcome": "accept"})
    found = browser.get(reverse(LIST), {"q": "own 0", "queue": "every"}).context["cl"]
    assert [row.pk for row in found.result_list] == [review.pk]


def test_who_is_no_annotator_is_told_how_to_become_one(work: World) -> None:
    review = Review.objects.first()
    assert review is not None
    browser = client(work.users["quality"])
    assert "Your login is not that of one" in text(browser, page(review.pk))
    for name in ("take", "decide", "return"):
        assert browser.post(page(review.pk, name), {"outcome": "accept"}).status_code == 403
        for role in ("operations", "auditor"):
            assert client(work.users[role]).post(page(review.pk, name)).status_code == 403
    # Of one's own answer nobody is the reviewer, whichever hat they wear.
    first = people(work)[0]
    Membership.objects.create(user=first.user, role=Role.QUALITY_LEAD)
    own = client(User.objects.get(pk=first.user.pk))
    assert "You answered or reviewed this task" in text(own, page(review.pk))
    own.post(page(review.pk, "take"))
    review.refresh_from_db()
    assert review.state == "pending"


def test_a_second_review_is_blind_to_the_first_and_disagreement_shows(work: World) -> None:
    _first, second, third, *_ = people(work)
    now = utc_now()
    review = take_review(second, acting_user=second.user, now=now)
    assert review is not None
    decide_review(
        review,
        outcome="reject",
        category="wrong_label",
        severity="major",
        comment="clearly a dog",
        acting_user=second.user,
        now=now,
    )
    browser = client(work.users["quality"])
    assert "clearly a dog" in text(browser, page(review.pk))
    address = reverse("admin:quality_review_contest", args=[review.pk])
    answer = browser.post(address, {"_form_submitted": "1", "reason": "It is a cat"})
    assert "HX-Redirect" in answer
    other = Review.objects.get(judgment=review.judgment, number=2)
    hidden = text(browser, page(review.pk))
    assert "clearly a dog" not in hidden
    assert "It is a cat" not in hidden
    assert "hidden: a second review" in text(browser, reverse(LIST), queue="every")
    assert text(browser, page(other.pk)).count("What they say is shown when this one") == 1
    taken = take_review(third, only=other.pk, acting_user=third.user, now=now)
    assert taken is not None
    decide_review(taken, outcome="accept", acting_user=third.user, now=now)
    assert Adjudication.objects.filter(task=review.task, why="reviews").exists()
    shown = text(browser, page(other.pk))
    assert "differs" in shown
    found = browser.get(reverse(LIST), {"queue": "differ"}).context["cl"].result_count
    assert found == 2
    row = qa_share(
        acting_user=work.users["quality"],
        since=now - timedelta(days=1),
        until=now + timedelta(days=1),
    ).iloc[0]
    assert (row["second_reviews"], row["agreed"], row["reviews"]) == (1, 0, 2)
    again = contest_review(review, reason="again", acting_user=work.users["quality"], now=now)
    assert again == other


def test_time_of_checks_by_project_and_as_a_file(work: World) -> None:
    from quality.models import Judgment

    browser = client(work.users["auditor"])
    assert "nothing was labelled or checked here" in text(browser, reverse(LIST))
    now = utc_now()
    Judgment.objects.update(submitted_at=now - timedelta(hours=1), raw_seconds=100.0)
    second = people(work)[1]
    review = take_review(second, acting_user=second.user, now=now)
    assert review is not None
    decide_review(
        review,
        outcome="accept",
        raw_seconds=40.0,
        acting_user=second.user,
        now=now + timedelta(seconds=40),
    )
    Review.objects.filter(pk=review.pk).update(decided_at=now - timedelta(minutes=1))
    table = qa_share(acting_user=work.users["auditor"], since=now - timedelta(days=1), until=now)
    row = table.iloc[0]
    review.refresh_from_db()
    assert row["label_seconds"] == 200.0
    assert row["review_seconds"] == review.billable_seconds
    assert row["band"] == ("within" if 30 <= review.billable_seconds <= 50 else "under")
    assert "15% to 25% is wanted" in text(browser, reverse(LIST))
    answer = browser.get(reverse("admin:quality_qa_share_csv"))
    assert next(csv.DictReader(io.StringIO(answer.content.decode())))["project"] == "street"
    assert client(work.users["finance"]).get(reverse(LIST)).status_code == 403
    assert (
        client(work.users["finance"]).get(reverse("admin:quality_qa_share_csv")).status_code == 403
    )


def test_outsiders_cannot_tell_that_a_review_exists(work: World, vendor_user: User) -> None:
    review = Review.objects.first()
    assert review is not None
    stranger = login(work, people(work, "beta")[0])
    own = login(work, people(work)[1])
    for user in (vendor_user, stranger, own):
        for name in ("change", "take", "decide", "return", "contest", "adjudicate"):
            for pk in (review.pk, 987654):
                answer = client(user).post(page(pk, name), {"outcome": "accept"})
                assert answer.status_code == 302
                assert answer["Location"].startswith("/admin/login/")
        assert client(user).get(reverse("admin:quality_qa_share_csv")).status_code == 302
    review.refresh_from_db()
    assert review.state == "pending"


def test_the_list_takes_the_same_queries_however_long_and_every_filter(work: World) -> None:
    browser = client(work.users["lead"])

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(reverse(LIST)).status_code == 200
        return len(captured)

    cost()
    few = cost()
    staff = people(work)
    for number in range(3):
        tasks = routed_project(work, tasks=2, key=f"more{number}")
        for task in tasks:
            drawn_review(work, task, staff[0])
    assert cost() == few < 25
    found = browser.get(reverse(LIST)).context["cl"]
    assert found.result_count == 8
    for spec in found.filter_specs:
        for choice in [c for c in spec.choices(found) if "query_string" in c]:
            assert browser.get(reverse(LIST) + choice["query_string"]).status_code == 200
