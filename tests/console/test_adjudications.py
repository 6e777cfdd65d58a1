"""The adjudicators' queue in the console: blind, decided with a reason, and kept."""

from typing import Any

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from quality.models import Adjudication, GoldAnswer, Judgment, Label
from quality.services.adjudication_sheet import options
from quality.services.adjudications import open_adjudication
from quality.services.gold import doubt_gold, make_gold
from quality.services.rightness import Value
from routing.models import Task, TaskType
from tests.conftest import NOW, World
from tests.quality.services.checked import answered, login, people, routed_project

LIST = "admin:quality_adjudication_changelist"


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def page(pk: Any, name: str = "change") -> str:
    return reverse(f"admin:quality_adjudication_{name}", args=[pk])


def text(browser: Client, address: str, **query: str) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def given(task: Task, person: Any, value: Any, label: str = "") -> Judgment:
    return Judgment.objects.create(
        task=task,
        annotator=person,
        answer=value,
        label=label,
        source="import",
        submitted_at=NOW,
    )


def disputed(world: World, key: str = "street") -> Adjudication:
    task = routed_project(world, tasks=1, key=key)[0]
    staff = people(world)
    answered(world, task, staff[0], "cat")
    given(task, staff[1], "cat", "cat")
    given(task, staff[2], "dog", "dog")
    with transaction.atomic():
        return open_adjudication(task, why="unsure", **world.by)


def test_a_lead_chooses_an_answer_and_says_why(world: World) -> None:
    row = disputed(world)
    browser = client(world.users["quality"])
    assert "answers do not settle it" in text(browser, reverse(LIST))
    shown = text(browser, page(row.pk))
    assert "own 0" not in shown
    assert "2 answers" in shown
    assert "likely right by those who gave it" in shown
    found = options(row, now=NOW)
    by_label = {option.value.label: option for option in found}
    likely = {label: option.probability or 0 for label, option in by_label.items()}
    assert 0.9 < likely["cat"] < 1
    assert likely["dog"] < 0.1
    dog = by_label["dog"].key
    for half, words in (
        ({"choice": dog}, "This field is required"),
        ({"reason": "whiskers"}, "This field is required"),
        ({"choice": "other", "reason": "whiskers"}, "Give the answer that is right"),
        ({"choice": "answer-987", "reason": "x"}, "Select a valid choice"),
    ):
        answer = browser.post(page(row.pk, "decide"), half)
        assert answer.status_code == 200
        assert words in answer.content.decode()
    began = browser.get(page(row.pk)).context["decision"]["began"].value()
    whole = {"choice": dog, "reason": "a wet nose", "began": began}
    assert browser.post(page(row.pk, "decide"), whole).status_code == 302
    row.refresh_from_db()
    assert (row.label, row.decided_by) == ("dog", world.users["quality"])
    assert row.winner == Judgment.objects.get(label="dog")
    assert row.raw_seconds is not None
    assert 0 <= row.raw_seconds < 60
    assert Label.objects.get(ended_at__isnull=True).value == "dog"
    # Who, why and what won stand there afterwards, with whose the answers were.
    after = text(client(world.users["auditor"]), page(row.pk))
    for words in ("a wet nose", "held right", "own 0", "own 2", "quality"):
        assert words in after
    assert text(browser, reverse(LIST)).count("street") <= text(
        browser, reverse(LIST), state="decided"
    ).count("street")
    told = browser.post(page(row.pk, "decide"), {**whole, "reason": "no"}, follow=True)
    assert "Decided" in told.content.decode() or "decided already" in told.content.decode()
    row.refresh_from_db()
    assert row.reason == "a wet nose"
    # It may be made gold from here, once.
    answer = browser.post(page(row.pk, "make_gold"), {"_form_submitted": "1"})
    assert "HX-Redirect" in answer
    assert GoldAnswer.objects.get().adjudication == row
    assert "Make it gold" not in text(browser, page(row.pk))


def test_another_answer_of_boxes_with_the_differences_marked(world: World) -> None:
    project = world.add_project("boxes")
    task = world.add_tasks(project, 1, task_type=TaskType.objects.get(key="bounding-box"))[0]
    box = {"x": 0, "y": 0, "width": 10, "height": 10, "label": "car"}
    staff = people(world)
    given(task, staff[0], [box, {**box, "x": 50}])
    given(task, staff[1], [{**box, "width": 11}])
    with transaction.atomic():
        row = open_adjudication(task, why="unsure", **world.by)
    browser = client(world.users["quality"])
    shown = text(browser, page(row.pk))
    assert shown.count("<polygon") == 3
    # The one box that only one of them drew.
    assert shown.count("differs:") == 1
    bad = {"choice": "other", "reason": "seen", "answer": "[{]"}
    refused = browser.post(page(row.pk, "decide"), bad).content.decode()
    assert "This is no JSON" in refused
    assert "[{]" in refused
    bad["answer"] = '[{"x": 1}]'
    assert "breaks the schema" in browser.post(page(row.pk, "decide"), bad).content.decode()
    good = {**bad, "answer": '[{"x": 0, "y": 0, "width": 9, "height": 9, "label": "car"}]'}
    world.set_state(task, "answered")
    assert browser.post(page(row.pk, "decide"), good).status_code == 302
    row.refresh_from_db()
    assert row.winner is None
    assert "Another answer" in text(browser, page(row.pk))


def test_gold_in_doubt_stands_beside_the_answers_and_who_answered_does_not_decide(
    world: World,
) -> None:
    from accounts.choices import Role
    from accounts.models import Membership

    task = world.add_tasks(world.add_project(), 1)[0]
    make_gold(task, answer="cat", **world.as_("quality"))
    given(task, people(world)[0], "dog", "dog")
    with transaction.atomic():
        row = doubt_gold(task, Value("dog", "dog"), **world.by)
    assert row is not None
    browser = client(world.users["quality"])
    assert "the gold answer" in text(browser, page(row.pk))
    person = people(world)[0]
    Membership.objects.create(user=person.user, role=Role.QUALITY_LEAD)
    own = client(User.objects.get(pk=person.user.pk))
    assert "another person decides it" in text(own, page(row.pk))
    gold = next(o.key for o in options(row, now=NOW) if o.key.startswith("gold"))
    told = own.post(page(row.pk, "decide"), {"choice": gold, "reason": "mine"}, follow=True)
    assert "There is no such" in told.content.decode()
    Adjudication.objects.get(pk=row.pk, decided_at__isnull=True)
    browser.post(page(row.pk, "decide"), {"choice": gold, "reason": "a cat"})
    row.refresh_from_db()
    assert row.label == "cat"
    assert GoldAnswer.objects.get().retired_at is None


def test_who_may_not_see_them(world: World, vendor_user: User) -> None:
    row = disputed(world)
    for role in ("operations", "finance", "sla"):
        browser = client(world.users[role])
        assert browser.get(reverse(LIST)).status_code == 403
        assert browser.get(page(row.pk)).status_code == 403
    auditor = client(world.users["auditor"])
    assert auditor.post(page(row.pk, "decide"), {"reason": "x"}).status_code == 403
    assert "A quality lead decides it" in text(auditor, page(row.pk))
    for user in (vendor_user, login(world, people(world, "beta")[0]), people(world)[3].user):
        for name in ("change", "decide", "make_gold"):
            for pk in (row.pk, 987654):
                answer = client(user).post(page(pk, name))
                assert answer["Location"].startswith("/admin/login/")


def test_the_list_takes_the_same_queries_however_long_and_every_filter(world: World) -> None:
    disputed(world)
    browser = client(world.users["quality"])

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(reverse(LIST)).status_code == 200
        return len(captured)

    cost()
    few = cost()
    for number in range(4):
        disputed(world, f"more{number}")
    assert cost() == few < 20
    found = browser.get(reverse(LIST)).context["cl"]
    assert found.result_count == 5
    for spec in found.filter_specs:
        for choice in [c for c in spec.choices(found) if "query_string" in c]:
            assert browser.get(reverse(LIST) + choice["query_string"]).status_code == 200
    assert browser.get(reverse(LIST), {"q": "more1"}).context["cl"].result_count == 1
