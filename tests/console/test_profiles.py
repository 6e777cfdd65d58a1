"""Pages of profile, confusion and lineage: read by roles, opened to rows, shut to outsiders."""

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import ApiKey, User
from accounts.services.keys import make_key
from audit.models import Event
from common.time import utc_now
from quality.models import GoldAnswer, Judgment
from quality.services.output import measure_output
from routing.models import Task
from tests.conftest import NOW, World
from tests.quality.services.known import answers, review
from tests.quality.services.work import answer, login, only, people, routed, take
from workforce.models import Annotator, Proficiency, Skill

SPAN = {"since": "2026-02-01", "until": "2026-03-10"}
NOT_THERE = "987654"


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:quality_{name}", args=args)


@pytest.fixture
def worked(world: World) -> World:
    """Own 0 answered two tasks, one is rejected, and four to gold, one of them wrong."""
    routed(world, 8, rules=only("in_house"))
    person = people()[0]
    for number in range(2):
        at = NOW + timedelta(minutes=5 * number)
        made = answer(world, take(world, person, at=at), seconds=12.0, at=at + timedelta(minutes=1))
    review(world, made, 1, at=NOW + timedelta(hours=1), billable_seconds=30.0)
    answers(world, person, [0, 0, 1, 0], start=NOW - timedelta(days=1))
    for other in people()[:2]:
        (last,) = Proficiency.objects.filter(annotator=other, skill__key="image-classification")
        last.pk, last.as_of, last.rate = None, NOW - timedelta(days=8), 0.93
        last.save()
    return world


def test_a_lead_reads_a_profile_and_opens_what_stands_behind_it(worked: World) -> None:
    browser, person = client(worked.users["quality"]), people()[0]
    record = browser.get(reverse("admin:workforce_annotator_change", args=[person.pk]))
    address = page("profile", person.pk)
    assert f'href="{address}"' in record.content.decode()
    # The tabs of what stands on the page are still there.
    assert "activeTab = 'certifications'" in record.content.decode()
    answer_ = browser.get(address, {**SPAN, "skill": "image-classification"})
    shown = answer_.content.decode()
    for words in ("chance that the next answer is right", "<polygon", "wrong label", "own 0"):
        assert words in shown, words
    figures = {row["title"]: row for row in answer_.context["figures"]}
    assert figures["accepted"]["value"] == figures["rejected"]["value"] == "1"
    assert figures["cost per accepted label"]["value"].endswith("EUR")
    # A number leads to as many rows, these to the lineage, and that to a file.
    rows = browser.get(figures["rejected"]["url"])
    assert rows.context["count"] == 1
    task = Task.objects.get(judgments__reviews__outcome="reject")
    assert page("lineage", task.pk) in rows.content.decode()
    taken = browser.get(rows.context["csv"]).content.decode()
    (line,) = csv.DictReader(io.StringIO(taken))
    assert (line["task"], line["outcome"]) == (task.external_id, "rejected")
    for address, _title in answer_.context["files"]:
        assert browser.get(address)["Content-Type"].startswith("text/csv"), address
    gold = browser.get(answer_.context["estimates"][0]["figure"]["url"])
    assert gold.context["count"] == 4
    reviews = next(one for one in answer_.context["tables"] if "Errors by" in str(one["caption"]))
    assert browser.get(reviews["rows"][0][-1][1].url).context["count"] == 1
    assert Event.objects.filter(kind="report.exported").count() == 1 + 7


def test_little_evidence_looks_uncertain_and_has_no_rank(worked: World) -> None:
    person = people()[0]
    Proficiency.objects.filter(annotator=person).update(n_gold=5, rate_lower=0.3, rate_upper=1.0)
    browser = client(worked.users["sla"])
    shown = browser.get(page("profile", person.pk), SPAN)
    text = shown.content.decode()
    assert "Little evidence" in text
    assert "by the lower bound" not in text
    hollow = re.compile(r'<circle[^>]* fill="none"')
    assert len(hollow.findall(text)) == 2
    other = browser.get(page("profile", people()[1].pk), SPAN).content.decode()
    assert "by the lower bound" in other
    assert "<polygon" in other
    assert not hollow.findall(other)
    # The SLA reviewer sees neither reviews nor alarms, nor which tasks are gold.
    captions = [str(one["caption"]) for one in shown.context["tables"]]
    assert not any("review" in one.lower() or "Alarm" in one for one in captions)
    assert shown.context["estimates"][0]["figure"]["url"] == ""
    assert browser.get(page("profile_rows", person.pk, "gold"), SPAN).status_code == 403


def test_bad_choices_are_said_and_the_usual_ones_shown(worked: World) -> None:
    browser, person = client(worked.users["quality"]), people()[0]
    for query, words in (
        ({"since": "yesterday"}, "is no day"),
        ({"until": "9999-12-31"}, "is no day"),
        ({"since": "2026-03-02", "until": "2026-03-01"}, "it is after the last day"),
        ({"skill": "juggling"}, "There is no skill"),
    ):
        shown = browser.get(page("profile", person.pk), query)
        assert shown.status_code == 200
        assert words in shown.content.decode(), query
    for bad in ("x", "1e9", "9" * 30, "-1", NOT_THERE):
        assert browser.get(page("profile", bad)).status_code == 404, bad
        assert browser.get(page("lineage", bad)).status_code == 404, bad
    assert browser.get(page("profile_rows", person.pk, "secrets")).status_code == 404
    assert browser.get(page("profile_csv", person.pk, "secrets")).status_code == 404
    for query in ({"day": "x"}, {"day": "9" * 20}, {"p": "x"}, {"p": "99"}):
        rows = browser.get(page("profile_rows", person.pk, "answers"), {**SPAN, **query})
        assert rows.status_code == 200, query
    assert browser.get(page("confusion"), {"annotator": NOT_THERE}).status_code == 404
    shown = browser.get(page("confusion"), {"source": "secrets", "task_type": "x", "project": "y"})
    assert shown.status_code == 200


def test_confusion_in_words_and_open_to_who_may_see_gold(worked: World) -> None:
    browser, person = client(worked.users["quality"]), people()[0]
    choices = {**SPAN, "task_type": "image-classification", "annotator": person.pk}
    shown = browser.get(page("confusion"), choices)
    text = shown.content.decode()
    assert "a is taken for b: 1 of its answers, 25.0%" in text
    assert "4 answers whose truth is known by gold; 75.0% are right" in text
    cell = shown.context["rows"][0]["cells"][1]["cell"]
    rows = browser.get(cell.url)
    assert rows.context["count"] == 1
    assert page("lineage", Judgment.objects.get(label="b").task_id) in rows.content.decode()
    assert browser.get(rows.context["csv"])["Content-Type"].startswith("text/csv")
    assert "a,a,3" in browser.get(shown.context["csv"]).content.decode()
    # Operations sees the counts; which tasks are gold it does not see.
    operations = client(worked.users["operations"])
    seen = operations.get(page("confusion"), choices)
    assert seen.context["rows"][0]["cells"][1]["cell"].url == ""
    assert operations.get(cell.url).status_code == 403
    empty = browser.get(page("confusion"), {**choices, "source": "adjudicated"})
    assert "No answer of this time has a known truth" in empty.content.decode()


def test_many_labels_are_cut_to_those_most_mistaken(world: World) -> None:
    rows = answers(world, people()[0], [0] * 40, by="")
    for number, row in enumerate(rows):
        true, given = f"label {number}", f"label {number + (number < 3)}"
        Judgment.objects.filter(pk=row.pk).update(label=given, answer=given)
        GoldAnswer.objects.create(
            task=row.task,
            label=true,
            source="expert",
            set_by=world.users["quality"],
            set_at=NOW - timedelta(days=9),
        )
    browser = client(world.users["quality"])
    shown = browser.get(page("confusion"), {**SPAN, "project": "known"})
    text = " ".join(shown.content.decode().split())
    assert "Of 40 labels the 30 with the most mistakes are shown" in text
    assert len(shown.context["rows"]) == 31
    assert (
        sum(
            int(cell["cell"].text.replace("·", "0"))
            for row in shown.context["rows"]
            for cell in row["cells"]
        )
        == 40
    )
    assert "label 0 is taken for label 1" in text


def test_lineage_over_the_api(worked: World, vendor_user: User) -> None:
    task = Task.objects.get(judgments__reviews__outcome="reject")
    address = f"/api/v1/tasks/{task.public_id}/lineage"

    def get(user: User, path: str = address, scopes: tuple[str, ...] = ("lineage.view",)) -> Any:
        by = {"acting_user": worked.users["admin"], "now": utc_now()}
        _key, token = make_key(user, name=f"k{ApiKey.objects.count()}", scopes=list(scopes), **by)
        return Client().get(path, headers={"Authorization": f"Bearer {token}"})

    answer_ = get(worked.users["auditor"])
    assert answer_.status_code == 200
    assert answer_.json()["task"]["external_id"] == task.external_id
    assert Event.objects.filter(kind="report.exported", subject_id="lineage").count() == 1
    assert get(worked.users["auditor"], scopes=("work.view",)).status_code == 403
    assert Client().get(address).status_code == 401
    # Another vendor's people cannot tell that the task exists.
    missing = f"/api/v1/tasks/{worked.users['auditor'].public_id}/lineage"
    theirs = login(worked, people("beta")[0])
    for user, scope in ((vendor_user, "own_people.manage"), (theirs, "own_work.do")):
        there, not_there = get(user, scopes=(scope,)), get(user, missing, (scope,))
        assert (there.status_code, not_there.status_code) == (404, 404)
        assert there.json() == not_there.json()


def test_lineage_as_page_and_file(worked: World) -> None:
    task = Task.objects.get(judgments__reviews__outcome="reject")
    browser = client(worked.users["auditor"])
    record = browser.get(reverse("admin:routing_task_change", args=[task.pk])).content.decode()
    assert f'href="{page("lineage", task.pk)}"' in record
    shown = browser.get(page("lineage", task.pk)).content.decode()
    for words in (
        "own 0",
        "verified by operations",
        "measured 1",
        "wrong label",
        "cohort",
        "SHA-256",
    ):
        assert words in shown, words
    file = browser.get(page("lineage_json", task.pk))
    assert file["Content-Type"].startswith("application/json")
    assert str(task.public_id) in file["Content-Disposition"]
    found = json.loads(file.content)
    assert (found["format"], found["task"]["external_id"]) == ("lineage 1", task.external_id)
    assert Event.objects.filter(kind="report.exported", subject_id="lineage").count() == 1
    imported = Judgment.objects.filter(source="import")[0].task_id
    shown = browser.get(page("lineage", imported)).content.decode()
    assert "It was imported. What is not known of it:" in shown
    assert "Nobody held it" in shown
    seen = client(worked.users["operations"]).get(page("lineage", task.pk)).content.decode()
    assert "Your role does not show whether the task is gold." in seen


def test_outsiders_cannot_tell_that_anything_is_there(worked: World, vendor_user: User) -> None:
    person, task = people()[0], Task.objects.all()[0]
    theirs = people("alpha")[0]
    pages = [
        ("profile", person.pk),
        ("profile", theirs.pk),
        ("profile", NOT_THERE),
        ("profile_rows", person.pk, "answers"),
        ("profile_csv", person.pk, "estimates"),
        ("lineage", task.pk),
        ("lineage", NOT_THERE),
        ("lineage_json", task.pk),
        ("confusion",),
        ("confusion_csv",),
        ("confusion_rows",),
    ]
    before = Event.objects.count()
    for user in (vendor_user, login(worked, person), login(worked, theirs)):
        browser = client(user)
        before = Event.objects.count()
        for name, *args in pages:
            answer_ = browser.get(page(name, *args), SPAN)
            assert answer_.status_code == 302, name
            assert answer_["Location"].startswith("/admin/login/")
            assert answer_.content == b""
    assert Event.objects.count() == before
    # Roles of the house that have no business with it.
    for name in ("finance", "admin"):
        for one, *args in pages:
            assert client(worked.users[name]).get(page(one, *args)).status_code == 403, (name, one)
    assert client(worked.users["sla"]).get(page("lineage", task.pk)).status_code == 403


def test_as_many_queries_however_much_there_is(worked: World) -> None:
    root = User.objects.create_superuser("root@house.example", "pass", name="root")
    browser, person = client(root), people()[0]
    task = Task.objects.get(judgments__reviews__outcome="reject")
    addresses = [
        (page("profile", person.pk), 45),
        (page("profile_rows", person.pk, "answers"), 20),
        (page("profile_rows", person.pk, "reviews"), 20),
        (page("confusion"), 20),
        (page("confusion_rows") + "?true=a&given=b&task_type=image-classification", 20),
        (page("lineage", task.pk), 45),
        (page("output_changelist") + "?q=own", 20),
    ]
    skill = Skill.objects.get(key="image-classification")
    measure_output(skill, acting_user=root, now=NOW + timedelta(hours=2))

    def add_answer(other: Annotator) -> None:
        Judgment.objects.create(
            task=task,
            annotator=other,
            answer="dog",
            label="dog",
            source="import",
            submitted_at=NOW + timedelta(days=1),
        )

    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address, SPAN if "?" not in address else None).status_code == 200
        return len(captured)

    first, *vendors = people("alpha")
    add_answer(first)
    for address, _most in addresses:
        browser.get(address)
    before = [cost(address) for address, _most in addresses]
    at = NOW + timedelta(days=1)
    for other in people():
        made = answer(worked, take(worked, other, at=at), at=at + timedelta(minutes=1))
        review(worked, made, 1, at=at, why="evidence", probability=None)
    answers(worked, person, [0, 1, 1, 1], start=NOW - timedelta(days=2))
    measure_output(skill, acting_user=root, now=at + timedelta(hours=2))
    for other in [*vendors, *people("beta")]:
        add_answer(other)
    for (address, most), few in zip(addresses, before, strict=True):
        assert cost(address) <= few <= most, (address, few)
