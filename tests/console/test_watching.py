"""Pages of what watches over answers: pauses, agreement, drift, segments, relabelling, pools."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Job, User
from audit.models import Event
from common.time import utc_now
from quality.models import (
    Agreement,
    BiasReport,
    DriftChart,
    Judgment,
    Label,
    PauseProposal,
    Relabel,
)
from quality.services.agreements import measure_agreement
from quality.services.alarms import watcher
from quality.services.bias import check_bias
from quality.services.drift import watch_drift
from quality.services.pause_tests import propose_pauses
from quality.services.pauses import contest_pause, hold
from routing.models import GuidelineVersion, Project, Task, TaskType
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.quality.services.known import answers, people, usual
from tests.quality.services.work import login

SENT = {"_form_submitted": "1"}
LISTS = ("pauseproposal", "agreement", "driftchart", "biasreport", "relabel")


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


def page(model: str, pk: Any = None) -> str:
    if pk is None:
        return reverse(f"admin:quality_{model}_changelist")
    return reverse(f"admin:quality_{model}_change", args=[pk])


def dialog(browser: Client, model: str, name: str, pk: Any = None, **form: Any) -> Any:
    address = reverse(f"admin:quality_{model}_{name}", args=[] if pk is None else [pk])
    answer = browser.post(address, {**SENT, **form})
    assert answer.status_code == 200, (address, answer.status_code)
    assert "HX-Redirect" in answer, answer.content.decode()
    return answer


@pytest.fixture
def watched(world: World) -> World:
    """A project with checked answers, one person gone bad, and two guideline versions."""
    usual(0.95)
    first, second = people()[:2]
    bad = answers(world, first, [0] * 30 + [1, 0] * 8, language="de")
    answers(world, second, [0] * 30, language="en")
    project = Project.objects.get(key="known")
    Judgment.objects.bulk_create(
        Judgment(
            task=row.task,
            annotator=second,
            answer="a",
            label="a",
            source="import",
            submitted_at=NOW - timedelta(days=1),
        )
        for row in bad
    )
    for number, ontology in ((1, {"labels": ["a", "b"]}), (2, {"labels": ["a"]})):
        add_guideline(
            project,
            content=f"V{number}",
            ontology=ontology,
            effective_from=NOW,
            change_note="b is gone" if number > 1 else "",
            **world.by,
        )
    by = world.as_("quality")
    propose_pauses(**by)
    watch_drift(**by)
    task_type = TaskType.objects.get(key="image-classification")
    measure_agreement(project, task_type, **by)
    check_bias(project, task_type, **by)
    return world


def test_a_pause_is_confirmed_contested_and_settled(watched: World) -> None:
    browser = client(watched.users["quality"])
    row = PauseProposal.objects.get()
    assert "own 0" in browser.get(page("pauseproposal")).content.decode()
    shown = browser.get(page("pauseproposal", row.pk)).content.decode()
    assert "6 of 16 wrong" in shown
    assert "Of a hundred who err as usual" in shown
    assert "Confirm the pause" in shown
    assert "Settle the contest" not in shown
    back = (utc_now().date() + timedelta(days=5)).isoformat()
    dialog(browser, "pauseproposal", "confirm", row.pk, back_on=back, told="Too many.", note="x")
    row.refresh_from_db()
    assert (row.state, row.told, row.note) == ("confirmed", "Too many.", "x")
    assert row.annotator.status == "paused"
    contest_pause(row, "Why?", acting_user=login(watched, row.annotator), now=NOW)
    shown = browser.get(page("pauseproposal", row.pk)).content.decode()
    assert "Why?" in shown
    dialog(browser, "pauseproposal", "settle", row.pk, verdict="lifted", told="You are right.")
    row.refresh_from_db()
    assert row.state == "contested"  # who confirmed does not settle
    root = User.objects.create_superuser("root@house.example", "pass", name="root")
    dialog(client(root), "pauseproposal", "settle", row.pk, verdict="lifted", told="So it is.")
    row.refresh_from_db()
    assert (row.state, row.settled_by) == ("lifted", root)
    assert "own 0" not in browser.get(page("pauseproposal")).content.decode()
    assert "own 0" in browser.get(page("pauseproposal"), {"waits": "every"}).content.decode()


def test_a_pause_is_declined_and_operations_only_look(watched: World) -> None:
    row = PauseProposal.objects.get()
    hold(row, acting_user=watcher(), now=NOW)
    operations = client(watched.users["operations"])
    shown = operations.get(page("pauseproposal", row.pk)).content.decode()
    assert "Confirm the pause" not in shown
    address = reverse("admin:quality_pauseproposal_decline", args=[row.pk])
    assert operations.post(address, {**SENT, "told": "x"}).status_code == 403
    browser = client(watched.users["quality"])
    dialog(browser, "pauseproposal", "decline", row.pk, told="A hard batch.")
    row.refresh_from_db()
    assert row.state == "declined"
    assert "pauses wait" not in browser.get("/admin/").content.decode()


def test_agreement_as_picture_table_and_files(watched: World) -> None:
    browser = client(watched.users["auditor"])
    row = Agreement.objects.get()
    assert "Krippendorff" not in browser.get(page("agreement")).content.decode()
    shown = browser.get(page("agreement", row.pk)).content.decode()
    # One answer of b at most on a task: b has no companion.
    assert "<svg" in shown
    assert "exact match" in shown
    assert "Labels confused most" in shown
    assert "a – b" in shown
    assert "own 0" in shown
    for name, column in (("measures", "measure"), ("pairs", "kappa"), ("labels", "alpha")):
        answer = browser.get(reverse("admin:quality_agreement_csv", args=[row.pk, name]))
        assert answer["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
        assert rows
        assert column in rows[0]
    assert Event.objects.filter(kind="report.exported").count() == 3
    missing = reverse("admin:quality_agreement_csv", args=[row.pk, "secrets"])
    assert browser.get(missing).status_code == 404


def test_what_is_measured_on_demand(
    watched: World, django_capture_on_commit_callbacks: Any
) -> None:
    browser = client(watched.users["quality"])
    project, task_type = Project.objects.get(), TaskType.objects.get(key="image-classification")
    what = {"project": project.pk, "task_type": task_type.pk}
    with django_capture_on_commit_callbacks(execute=True):
        dialog(browser, "agreement", "measure", **what)
        dialog(browser, "biasreport", "compare_now", **what)
        dialog(browser, "driftchart", "look")
    assert set(Job.objects.values_list("kind", "state")) == {
        ("agreement", "done"),
        ("bias", "done"),
        ("drift", "done"),
    }
    assert Agreement.objects.count() == BiasReport.objects.count() == 2


def test_a_chart_shows_its_path_and_begins_anew(watched: World) -> None:
    browser = client(watched.users["quality"])
    chart = DriftChart.objects.get(annotator__name="own 1")
    # The clock of the page is today's: its evidence is of a year back at most.
    DriftChart.objects.update(since=NOW - timedelta(days=5), since_judgment=0)
    # Imported answers of one instant have no order, and are no evidence of a drift.
    for second, pk in enumerate(Judgment.objects.order_by("pk").values_list("pk", flat=True)):
        Judgment.objects.filter(pk=pk).update(submitted_at=NOW + timedelta(seconds=second))
    shown = browser.get(page("driftchart", chart.pk)).content.decode()
    assert "A false alarm every" in shown
    assert "<polyline" in shown
    dialog(browser, "driftchart", "begin", chart.pk)
    chart.refresh_from_db()
    assert chart.answers == 0
    assert "own 0" in browser.get(page("driftchart")).content.decode()


def test_errors_by_segment_as_picture_and_table(watched: World) -> None:
    browser = client(watched.users["quality"])
    report = BiasReport.objects.get()
    shown = browser.get(page("biasreport", report.pk)).content.decode()
    assert "<svg" in shown
    assert "language" in shown
    assert "the chance that any of them is called worse wrongly" in shown
    assert browser.get(page("biasreport")).status_code == 200


def test_relabelling_from_list_to_undo(
    watched: World, django_capture_on_commit_callbacks: Any
) -> None:
    first, second = GuidelineVersion.objects.order_by("number")
    made = watched.add_tasks(Project.objects.get(), 3, state="accepted", guideline=first)
    for task in made:
        Label.objects.create(task=task, answer="b", value="b", by="answer", accepted_at=NOW)
    browser = client(watched.users["quality"])
    dialog(browser, "relabel", "draw_up", new=second.pk, difference="on")
    row = Relabel.objects.get()
    assert (row.tasks, row.state) == (3, "listed")
    shown = browser.get(page("relabel", row.pk)).content.decode()
    assert "removed" in shown
    assert made[0].external_id in shown
    answer = browser.get(reverse("admin:quality_relabel_csv", args=[row.pk]))
    assert len(answer.content.decode().splitlines()) == 4
    for name, state in (("reopen", "applied"), ("put_back", "undone")):
        with django_capture_on_commit_callbacks(execute=True):
            dialog(browser, "relabel", name, row.pk)
        row.refresh_from_db()
        assert row.state == state
    assert Task.objects.filter(pk__in=[task.pk for task in made], state="accepted").count() == 3
    dialog(browser, "relabel", "draw_up", new=second.pk, difference="", labels="a, b")
    dropped = Relabel.objects.latest("pk")
    dialog(browser, "relabel", "drop", dropped.pk)
    dropped.refresh_from_db()
    assert dropped.state == "dropped"
    assert browser.get(page("relabel")).status_code == 200


def test_pools_like_for_like_and_ratings_as_files(watched: World) -> None:
    Judgment.objects.update(submitted_at=watched.users["quality"].date_joined)
    browser = client(watched.users["quality"])
    address = reverse("admin:quality_comparison")
    shown = browser.get(address, {"days": "365"}).content.decode()
    assert "In-house" in shown
    assert "<svg" in shown
    assert browser.get(address, {"days": "nonsense"}).context["days"] == 90
    answer = browser.get(reverse("admin:quality_comparison_csv"), {"days": "365"})
    assert answer.content.decode().startswith("pool,name,kind,checked")
    answer = browser.get(reverse("admin:quality_ratings_csv"))
    assert "rate_lower" in answer.content.decode().splitlines()[0]
    assert Event.objects.filter(kind="report.exported").count() == 2
    for name in ("comparison", "comparison_csv", "ratings_csv"):
        assert (
            client(watched.users["finance"]).get(reverse(f"admin:quality_{name}")).status_code
            == 403
        )


def test_outsiders_find_nothing(watched: World, vendor_user: User) -> None:
    row = PauseProposal.objects.get()
    person = login(watched, row.annotator)
    addresses = [page(model) for model in LISTS]
    addresses += [page("pauseproposal", row.pk), page("agreement", Agreement.objects.get().pk)]
    addresses += [reverse(f"admin:quality_{n}") for n in ("comparison", "ratings_csv")]
    addresses.append(reverse("admin:quality_agreement_csv", args=[1, "pairs"]))
    for user in (vendor_user, person):
        for address in addresses:
            answer = client(user).get(address)
            assert answer.status_code == 302, address
            assert answer["Location"].startswith("/admin/login/")


def test_lists_take_the_same_queries_however_long_and_every_filter(watched: World) -> None:
    root = User.objects.create_superuser("root@house.example", "pass", name="root")
    browser = client(root)
    for model in LISTS:
        browser.get(page(model))

    def cost(model: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            query = {"waits": "every"} if model == "pauseproposal" else {}
            assert browser.get(page(model), query).status_code == 200
        return len(captured)

    before = {model: cost(model) for model in LISTS if model != "relabel"}
    for number, person in enumerate(people("alpha")):
        answers(watched, person, [1] * 7, project=f"more{number}")
    by = {"acting_user": watched.users["quality"], "now": NOW + timedelta(hours=1)}
    propose_pauses(**by)
    watch_drift(**by)
    task_type = TaskType.objects.get(key="image-classification")
    for project in Project.objects.all():
        check_bias(project, task_type, **by)
    measure_agreement(Project.objects.get(key="known"), task_type, **by)
    for model, few in before.items():
        assert cost(model) == few < 20, model
        found = browser.get(page(model)).context["cl"]
        for spec in found.filter_specs:
            for choice in [c for c in spec.choices(found) if "query_string" in c][1:3]:
                assert browser.get(page(model) + choice["query_string"]).status_code == 200
        assert browser.get(page(model), {"q": "own"}).status_code == 200
