"""The gold manager in the console: how gold fares, making it, a file of it, where it is thin."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.models import Event
from common.errors import Conflict
from quality.models import Adjudication, GoldAnswer, Judgment, Label, Review
from quality.reports.gold_coverage import gold_by_label, gold_by_skill
from quality.services.adjudicating import decide_adjudication
from quality.services.adjudications import open_adjudication
from quality.services.gold import make_gold, make_gold_from_review
from quality.services.gold_making import candidates, import_gold, make_gold_of
from routing.models import TaskType
from tests.conftest import NOW, World
from tests.quality.services.checked import drawn_review, login, people, routed_project

LIST = "admin:quality_goldanswer_changelist"
SENT = {"_form_submitted": "1"}


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def page(pk: Any, name: str = "change") -> str:
    return reverse(f"admin:quality_goldanswer_{name}", args=[pk])


def text(browser: Client, address: str, **query: str) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def given(task: Any, person: Any, label: str) -> None:
    Judgment.objects.create(
        task=task, annotator=person, answer=label, label=label, source="import", submitted_at=NOW
    )


@pytest.fixture
def gold(world: World) -> list[GoldAnswer]:
    """Three gold tasks: one missed by all the good ones, one by the weak only, one by nobody."""
    from workforce.models import Proficiency

    tasks = world.add_tasks(world.add_project(), 5)
    made = [make_gold(task, answer="cat", **world.as_("quality")) for task in tasks[:3]]
    staff, crowd = people(world), people(world, "alpha")
    Proficiency.objects.filter(annotator__in=crowd).update(rate=0.7, rate_lower=0.6, rate_upper=0.8)
    for person in staff:
        given(tasks[0], person, "dog")
        given(tasks[1], person, "cat")
    for person in crowd:
        given(tasks[0], person, "cat")
        given(tasks[1], person, "dog")
    return made


def test_contested_gold_is_told_from_gold_that_the_weak_miss(
    world: World, gold: list[GoldAnswer]
) -> None:
    browser = client(world.users["quality"])
    rows = {
        row.task.external_id: row.standing
        for row in browser.get(reverse(LIST)).context["cl"].result_list
    }
    bad, hard, unseen = (rows[row.task.external_id] for row in gold)
    assert (bad.answered, bad.missed, bad.good, bad.good_missed) == (7, 4, 4, 4)
    assert (hard.answered, hard.missed, hard.good, hard.good_missed) == (7, 3, 4, 0)
    assert (unseen.answered, unseen.asked) == (0, 0)
    assert [row.contested for row in (bad, hard, unseen)] == [True, False, False]
    found = browser.get(reverse(LIST), {"gold": "contested"}).context["cl"].result_list
    assert [row.pk for row in found] == [gold[0].pk]
    shown = text(browser, page(gold[0].pk))
    assert "4 of 4 annotators of the better half miss it" in shown
    assert shown.index("own 0") < shown.index("alpha 0")  # who missed it stands first
    # Put in doubt, it waits for a person and is asked no more; nothing happens twice.
    for _time in range(2):
        answer = browser.post(page(gold[0].pk, "doubt"), {**SENT, "reason": "see the picture"})
        assert "HX-Redirect" in answer
    row = Adjudication.objects.get()
    assert (row.why, row.task) == ("gold", gold[0].task)
    assert "in doubt" in text(browser, reverse(LIST), gold="doubt")
    decide_adjudication(row, answer="dog", reason="a tail", **world.as_("quality"))
    gold[0].refresh_from_db()
    assert gold[0].retired_at is not None
    refused = browser.post(page(gold[0].pk, "doubt"), {**SENT, "reason": "again"})
    assert refused.status_code == 403


def test_made_by_hand_and_retired(world: World, gold: list[GoldAnswer]) -> None:
    browser = client(world.users["quality"])
    project = gold[0].task.project
    address = reverse("admin:quality_goldanswer_add_one")
    form = {**SENT, "project": project.pk, "task": "t3", "answer": "fox"}
    wrong = browser.post(address, {**form, "task": "nowhere"})
    assert "The project has no such task" in wrong.content.decode()
    assert "HX-Redirect" in browser.post(address, form)
    made = GoldAnswer.objects.get(task__external_id="t3")
    assert (made.label, made.source, made.set_by) == ("fox", "expert", world.users["quality"])
    boxes = world.add_tasks(project, 1, task_type=TaskType.objects.get(key="bounding-box"))[0]
    form |= {"task": boxes.external_id, "answer": "[{"}
    assert "This is no JSON" in browser.post(address, form).content.decode()
    form["answer"] = json.dumps([{"x": 0, "y": 0, "width": 5, "height": 4, "label": "car"}])
    assert "HX-Redirect" in browser.post(address, form)
    assert "<polygon" in text(browser, page(GoldAnswer.objects.get(task=boxes).pk))
    assert "HX-Redirect" in browser.post(page(made.pk, "retire"), {**SENT, "reason": "known"})
    made.refresh_from_db()
    assert made.retire_reason == "known"
    assert "fox" not in text(browser, reverse(LIST))
    assert "fox" in text(browser, reverse(LIST), gold="retired")
    # No page writes it otherwise.
    assert browser.post(page(made.pk), {"label": "cat"}).status_code == 403
    assert browser.post(reverse("admin:quality_goldanswer_add"), {"label": "x"}).status_code == 403


def test_checked_labels_become_gold(world: World) -> None:
    from quality.services.reviewing import decide_review, take_review

    tasks = routed_project(world, tasks=3, second_review_share=0.0)
    staff = people(world)
    for task in tasks:
        drawn_review(world, task, staff[0])
    by = {"acting_user": staff[1].user, "now": NOW}
    fix = {"outcome": "fix", "answer": "dog", "category": "wrong_label", "severity": "minor"}
    reject = {"outcome": "reject", "category": "wrong_label", "severity": "minor"}
    for said in ({"outcome": "accept"}, fix, reject):
        review = take_review(staff[1], **by)
        assert review is not None
        decide_review(review, **said, **by)
    browser = client(world.users["quality"])
    address = reverse("admin:quality_gold_candidates")
    shown = browser.get(address)
    assert sorted(row.value for row in shown.context["page"]) == ["cat", "dog"]
    assert "quality review" in shown.content.decode()
    assert len(browser.get(address, {"label": "dog"}).context["page"]) == 1
    assert "Choose at least one label" in browser.post(address, {}, follow=True).content.decode()
    chosen = list(candidates().values_list("pk", flat=True))
    told = browser.post(address, {"label_id": chosen}, follow=True).content.decode()
    assert "2 tasks are gold now" in told
    assert "There is none" in told
    made = GoldAnswer.objects.order_by("label")
    assert [(row.label, row.source, row.review is None) for row in made] == [
        ("cat", "review", False),
        ("dog", "review", False),
    ]
    assert Event.objects.filter(kind="gold.made").count() == 2
    # Once more, nothing; and what no check stands behind, or ended, says why.
    again = make_gold_of(list(Label.objects.all()), **world.as_("quality"))
    assert (again.made, GoldAnswer.objects.count()) == (2, 2)
    bare = Label.objects.create(
        task=world.add_tasks(tasks[0].project, 1)[0],
        answer="cat",
        value="cat",
        by="answer",
        accepted_at=NOW,
    )
    assert make_gold_of([bare], **world.as_("quality")).refused[0][1].startswith("No check")
    rejected = Review.objects.get(outcome="reject")
    with pytest.raises(Conflict, match="does not say what is right"):
        make_gold_from_review(rejected, **world.as_("quality"))


def test_an_adjudicated_label_becomes_gold_and_a_disputed_review_does_not(world: World) -> None:
    first, second = world.add_tasks(world.add_project(), 2)
    for task in (first, second):
        given(task, people(world)[0], "cat")
        world.set_state(task, "answered")
    with transaction.atomic():
        row = open_adjudication(first, why="asked", **world.by)
    decide_adjudication(row, answer="fox", reason="seen", **world.as_("quality"))
    (label,) = candidates()
    assert make_gold_of([label], **world.as_("quality")).made == 1
    assert GoldAnswer.objects.get().adjudication == row
    judgment = Judgment.objects.get(task=second)
    values = {"state": "done", "reviewer": people(world)[1], "decided_at": NOW, "created_at": NOW}
    accepted = Review.objects.create(
        task=second, judgment=judgment, why="evidence", outcome="accept", **values
    )
    Review.objects.create(
        task=second,
        judgment=judgment,
        why="disagreement",
        number=2,
        outcome="reject",
        category="other",
        severity="minor",
        **values,
    )
    with pytest.raises(Conflict, match="Another review"):
        make_gold_from_review(accepted, **world.as_("quality"))


def sent(world: World, content: str, *, wrong: str, name: str = "gold.csv") -> Any:
    from routing.models import Project

    upload = SimpleUploadedFile(name, content.encode())
    form = {"project": Project.objects.get().pk, "file": upload, "wrong": wrong}
    return client(world.users["quality"]).post(reverse("admin:quality_gold_import"), form)


def test_a_file_of_gold_names_every_wrong_row(world: World, gold: list[GoldAnswer]) -> None:
    project = gold[0].task.project
    world.add_tasks(project, 1, task_type=TaskType.objects.get(key="bounding-box"))  # t5
    world.set_state(world.add_tasks(project, 1)[0], "cancelled")  # t6
    lines = [
        "task,label,answer",
        "t0,cat,",  # there already
        "t1,dog,",  # another one in force
        "t3,fox,",
        't5,,"[{""x"":0,""y"":0,""width"":2,""height"":2}]"',
        "t3,cat,",  # twice
        "nowhere,cat,",
        "t4,,",
        't4,cat,"""dog"""',  # the task is free: its row before was refused for itself
        "t6,cat,",
        ",cat,",
    ]
    answer = sent(world, "\n".join(lines), wrong="look")
    shown = answer.content.decode()
    assert "Nothing was written" in shown
    refused = {(r.row, r.field, r.rule) for r in answer.context["report"].refused}
    assert refused == {
        (3, "task", "one_in_force"),
        (6, "task", "once"),
        (7, "task", "known"),
        (8, "label", "one_of"),
        (9, "task", "once"),
        (10, "task", "state"),
        (11, "task", "required"),
    }
    assert (answer.context["report"].made, answer.context["report"].unchanged) == (2, 1)
    assert GoldAnswer.objects.count() == 3
    assert "whole file is refused" in sent(world, "\n".join(lines), wrong="refuse").content.decode()
    assert GoldAnswer.objects.count() == 3
    assert not Event.objects.filter(kind="gold.imported").exists()
    for _time in range(2):
        kept = sent(world, "\n".join(lines), wrong="keep")
        assert "The file was imported" in kept.content.decode()
    assert GoldAnswer.objects.count() == 5
    assert Event.objects.filter(kind="gold.imported").count() == 1
    made = GoldAnswer.objects.get(task__external_id="t5")
    assert (made.source, made.label, made.answer[0]["width"]) == ("import", "", 2)
    assert made.history.get().history_user == world.users["quality"]
    ndjson = '{"task": "t4", "answer": {"label": "owl", "comment": "night"}}\n{"task": 7}\n[]\n'
    kept = sent(world, ndjson, wrong="keep", name="gold.ndjson")
    assert GoldAnswer.objects.get(task__external_id="t4").label == "owl"
    assert [r.row for r in kept.context["report"].refused] == [2, 3]


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        ("", "gold.csv", "empty"),
        ("question,truth\n1,cat", "gold.csv", "are missing"),
        ("task,label\n", "gold.csv", "no rows"),
        ("task,label\nt0,cat", "gold.xlsx", "ends in one of"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(
    world: World, gold: list[GoldAnswer], content: str, name: str, words: str
) -> None:
    answer = sent(world, content, wrong="keep", name=name)
    assert words in answer.content.decode()
    assert GoldAnswer.objects.count() == 3


def test_bytes_that_are_no_text_are_refused(world: World, gold: list[GoldAnswer]) -> None:
    upload = SimpleUploadedFile("gold.csv", b"task,label\nt3,\xff\xfe")
    form = {"project": gold[0].task.project_id, "file": upload, "wrong": "keep"}
    browser = client(world.users["quality"])
    answer = browser.post(reverse("admin:quality_gold_import"), form)
    assert "not UTF-8" in answer.content.decode()


def test_where_gold_is_thin(world: World, gold: list[GoldAnswer]) -> None:
    from routing.services.projects import add_guideline

    project = gold[0].task.project
    add_guideline(
        project,
        content="V1",
        ontology={"labels": ["cat", "owl"]},
        effective_from=NOW,
        **world.by,
    )
    by = world.as_("quality")
    table = gold_by_label(**by).set_index("label")
    assert table.loc["cat", ["gold", "thin"]].tolist() == [3, True]
    assert table.loc["owl", ["gold", "accepted"]].tolist() == [0, 0]
    world.assign(gold[0].task, people(world)[0], purpose="gold")
    skills = gold_by_skill(**by).set_index("skill")
    row = skills.loc[gold[0].task.task_type.skill.name]
    assert (row["gold"], row["least_left"], row["median_left"]) == (3, 2, 3)
    browser = client(world.users["auditor"])
    assert "owl" in text(browser, reverse("admin:quality_gold_coverage"))
    answer = browser.get(reverse("admin:quality_gold_coverage_csv"))
    assert len(list(csv.DictReader(io.StringIO(answer.content.decode())))) == 2
    answer = browser.get(reverse("admin:quality_gold_csv"))
    first = next(csv.DictReader(io.StringIO(answer.content.decode())))
    assert (first["task"], first["missed"], first["contested"]) == ("t0", "4", "True")


def test_a_house_without_gold_is_told_what_to_do(world: World) -> None:
    browser = client(world.users["quality"])
    assert "There is no label yet" in text(browser, reverse("admin:quality_gold_coverage"))
    assert "There is none" in text(browser, reverse("admin:quality_gold_candidates"))
    assert "Import gold from a file" in text(browser, reverse(LIST))
    assert browser.get(reverse("admin:quality_gold_csv")).status_code == 200


def test_nobody_who_is_measured_or_only_runs_work_gets_near(
    world: World, gold: list[GoldAnswer], vendor_user: User
) -> None:
    names = ("candidates", "import", "coverage", "coverage_csv", "csv")
    addresses = [reverse(f"admin:quality_gold_{name}") for name in names]
    addresses += [reverse(LIST), page(gold[0].pk)]
    for role in ("operations", "finance", "sla", "admin"):
        for address in addresses:
            assert client(world.users[role]).get(address).status_code == 403, (role, address)
    auditor = client(world.users["auditor"])
    for name in ("candidates", "import"):
        assert auditor.post(reverse(f"admin:quality_gold_{name}")).status_code == 403
    assert "Import gold" not in text(auditor, reverse(LIST))
    addresses += [page(987654), *(page(gold[0].pk, name) for name in ("retire", "doubt"))]
    for user in (vendor_user, login(world, people(world, "beta")[0]), people(world)[0].user):
        for address in addresses:
            answer = client(user).get(address)
            assert answer["Location"].startswith("/admin/login/"), address


def test_lists_take_the_same_queries_however_long_and_every_filter(
    world: World, gold: list[GoldAnswer], tmp_path: Path
) -> None:
    browser = client(world.users["quality"])
    addresses = [reverse(LIST), reverse("admin:quality_gold_coverage")]

    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    for address in addresses:
        cost(address)
    few = {address: cost(address) for address in addresses}
    for number in range(3):
        tasks = world.add_tasks(world.add_project(f"more{number}"), 3)
        for task in tasks:
            make_gold(task, answer="cat", **world.as_("quality"))
            for person in people(world):
                given(task, person, "dog")
    for address, before in few.items():
        assert cost(address) == before < 25, address
    found = browser.get(reverse(LIST)).context["cl"]
    assert found.result_count == 12
    for spec in found.filter_specs:
        for choice in [c for c in spec.choices(found) if "query_string" in c]:
            assert browser.get(reverse(LIST) + choice["query_string"]).status_code == 200
    fresh = world.add_tasks(tasks[0].project, 40)
    path = tmp_path / "gold.csv"
    path.write_text("task,label\n" + "\n".join(f"{task.external_id},cat" for task in fresh))
    with CaptureQueriesContext(connection) as captured:
        import_gold(
            path,
            tasks[0].project,
            keep_good=True,
            **world.as_("quality"),
        )
    assert len(captured) < 30
