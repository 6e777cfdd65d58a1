"""The console: who sees what, that forms go through services, and how many queries a list takes."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.choices import Role
from accounts.services.users import create_user
from audit.models import Event
from routing.models import Domain, Placement, Policy, Project, Run, Task
from routing.services.policies import create_draft, default_document, to_yaml
from tests.conftest import World
from workforce.models import Annotator, AnnotatorSkill


def client(user: Any) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def routed(world: World) -> World:
    world.attest("alpha", "gdpr_dpa")
    world.add_tasks(world.add_project(), 12)
    world.route("street")
    return world


def _request(user: Any) -> Any:
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = user
    return request


def test_the_auditor_writes_nothing(routed: World) -> None:
    request = _request(routed.users["auditor"])
    for page in admin.site._registry.values():
        assert not page.has_add_permission(request)
        assert not page.has_change_permission(request)
        assert not page.has_delete_permission(request)


def test_sign_in_by_email(world: World) -> None:
    browser = Client()
    for address in ("/admin/login/?next=/admin/", "/admin/login/"):
        answer = browser.post(address, {"username": "Operations@House.example", "password": "pass"})
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")
        assert browser.get("/admin/").status_code == 200
        browser.logout()


def test_the_list_of_tasks_takes_the_same_queries_however_long(routed: World) -> None:
    browser = client(routed.users["operations"])
    address = reverse("admin:routing_task_changelist")
    browser.get(address)
    with CaptureQueriesContext(connection) as before:
        browser.get(address)
    routed.add_tasks(Project.objects.get(), 40)
    with CaptureQueriesContext(connection) as after:
        browser.get(address)
    assert len(after) <= len(before) + 1
    assert len(after) < 30


def test_a_run_and_its_decisions_can_be_read(routed: World) -> None:
    browser = client(routed.users["auditor"])
    run = Run.objects.get()
    page = browser.get(reverse("admin:routing_run_change", args=[run.pk])).content.decode()
    assert "Work by pool" in page
    assert "no plan below" in page
    decision = run.decisions.first()
    page = browser.get(
        reverse("admin:routing_decision_change", args=[decision.pk])
    ).content.decode()
    assert "Open arrangements" in page
    assert decision.chosen[0]["label_crew"] in page
    assert "Versions that answered" in page
    assert "Runner-up" in page
    assert "Prices of work" in page
    assert "9 an hour of work" in page


def test_a_decision_names_the_gates_with_whom_they_shut_out(routed: World) -> None:
    project = Project.objects.get()
    AnnotatorSkill.objects.filter(annotator__pool__key="beta").delete()
    routed.route(project.key)
    decision = Run.objects.latest("pk").decisions.first()
    browser = client(routed.users["operations"])
    page = browser.get(
        reverse("admin:routing_decision_change", args=[decision.pk])
    ).content.decode()
    assert "skill not verified" in page
    assert "Beta" in page


def test_a_task_says_why_it_is_complex_and_risky_and_where_it_goes(routed: World) -> None:
    task = Task.objects.order_by("pk")[0]
    Task.objects.filter(pk=task.pk).update(entropy=0.9, use="safety_critical", harm="mild")
    browser = client(routed.users["quality"])
    page = browser.get(reverse("admin:routing_task_change", args=[task.pk])).content.decode()
    text = " ".join(re.sub("<[^>]+>", " ", page).split())
    # entropy: 1 − (1 − .45 × .9) = .405; risk: safety-critical use alone is past .85
    assert re.search(r"Complexity medium · 0\.405", text)
    assert re.search(r"entropy 0\.90 0\.45 0\.405", text)
    assert re.search(r"Risk critical · 0\.", text)
    assert "cost of an error" in text
    placement = Placement.objects.get(task=task)
    assert reverse("admin:routing_decision_change", args=[placement.decision_id]) in page


def test_a_task_that_waits_leads_to_the_decision_that_says_why(routed: World) -> None:
    project = Project.objects.get()
    waits = routed.add_tasks(project, 2, domain=Domain.objects.get(key="radiology"))
    routed.route(project.key)
    browser = client(routed.users["operations"])
    page = browser.get(reverse("admin:routing_task_change", args=[waits[0].pk])).content.decode()
    decision = Run.objects.latest("pk").decisions.get(waiting__gt=0)
    assert reverse("admin:routing_decision_change", args=[decision.pk]) in page
    assert "certificate missing or lapsed" in page


def test_a_pool_is_made_through_the_service(world: World) -> None:
    browser = client(world.users["operations"])
    form = {
        "key": "night",
        "name": "Night team",
        "kind": "in_house",
        "currency": "EUR",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "utilisation": "0.8",
        "gold_share": "0.05",
        "is_active": "on",
        "parts-TOTAL_FORMS": "0",
        "parts-INITIAL_FORMS": "0",
    }
    answer = browser.post(reverse("admin:workforce_pool_add"), form)
    assert answer.status_code == 302, answer.context["errors"]
    event = Event.objects.filter(kind="pool.made").latest("pk")
    assert event.actor == world.users["operations"]


def test_a_refused_form_comes_back_with_the_reason_and_what_was_typed(world: World) -> None:
    browser = client(world.users["operations"])
    form = {
        "vendor": world.vendors["alpha"].pk,
        "number": "C-second",
        "starts_on": "2026-06-01",
        "ends_on": "2027-06-01",
        "currency": "EUR",
        "time_zone": "UTC",
        "minimum_commitment_micro": "0",
        "shortfall_share": "1",
    }
    answer = browser.post(reverse("admin:vendors_contract_add"), form)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "another contract" in page or "no_overlap" in page
    assert "C-second" in page
    assert not world.vendors["alpha"].contracts.filter(number="C-second").exists()


def test_a_published_policy_cannot_be_changed_here_or_anywhere(world: World) -> None:
    from django.db import IntegrityError, transaction

    world.add_project()
    policy = Policy.objects.get()
    browser = client(world.users["operations"])
    page = browser.get(reverse("admin:routing_policy_change", args=[policy.pk]))
    assert "_save" not in page.content.decode()
    with pytest.raises(IntegrityError), transaction.atomic():
        Policy.objects.filter(pk=policy.pk).update(document={"schema": 1})


def test_the_second_of_two_who_edit_a_draft_is_told(world: World) -> None:
    """The hash of the rules that were shown comes back with the form."""
    draft = create_draft(world.add_project(), default_document(), **world.by)
    address = reverse("admin:routing_policy_change", args=[draft.pk])
    first, second = client(world.users["operations"]), client(world.users["second"])
    seen = [_typed(browser.get(address)) for browser in (first, second)]
    rules = {"wait_price": 9, **{k: v for k, v in draft.document.items() if k != "wait_price"}}
    assert first.post(address, {**seen[0], "rules": to_yaml(rules)}).status_code == 302
    answer = second.post(address, {**seen[1], "note": "mine"})
    assert answer.status_code == 200
    assert "changed or published meanwhile" in answer.content.decode()
    assert "mine" in answer.content.decode()
    draft.refresh_from_db()
    assert (draft.document["wait_price"], draft.note) == (9, "")


def _typed(page: Any) -> dict[str, str]:
    form = page.context["adminform"].form
    return {name: form[name].value() or "" for name in form.fields}


@pytest.mark.parametrize("name", ["routing_project", "vendors_vendor", "workforce_pool"])
def test_a_key_is_shown_and_not_asked_again(routed: World, name: str) -> None:
    row = {
        "routing_project": Project.objects.get(),
        "vendors_vendor": routed.vendors["alpha"],
        "workforce_pool": routed.pools["alpha"],
    }[name]
    browser = client(routed.users["operations"])
    page = browser.get(reverse(f"admin:{name}_change", args=[row.pk]))
    assert "key" not in page.context["adminform"].form.fields
    assert row.key in page.content.decode()
    assert "key" in browser.get(reverse(f"admin:{name}_add")).context["adminform"].form.fields


def test_a_vendors_page_shows_its_state(world: World) -> None:
    page = client(world.users["operations"]).get(
        reverse("admin:vendors_vendor_change", args=[world.vendors["alpha"].pk])
    )
    assert "state" in page.context["adminform"].readonly_fields
    shown = re.sub(r"\s+", " ", page.content.decode())
    assert re.search(r"readonly[^>]*> ?active ?<", shown)


def test_history_of_a_record_is_shown(world: World) -> None:
    browser = client(world.users["operations"])
    pool = world.pools["alpha"]
    page = browser.get(reverse("admin:workforce_pool_history", args=[pool.pk]))
    assert page.status_code == 200
    assert "operations" in page.content.decode() or pool.history.count() >= 1


def test_the_front_page_of_an_empty_house(db: None) -> None:
    from accounts.services.users import house, system_user
    from tests.conftest import NOW

    user = create_user(
        email="o@house.example",
        name="O",
        organisation=house(),
        roles=[Role.OPERATIONS],
        acting_user=system_user("system.test"),
        now=NOW,
    )
    page = client(user).get("/admin/").content.decode()
    assert "There is no open project yet" in page


TYPED = {
    "key": "typed",
    "name": "Typed",
    "customer": "",
    "currency": "EUR",
    "time_zone": "UTC",
    "error_cost_micro": "1.25",
    "late_cost_micro": "0.000001",
    "required_attestations": "nda, gdpr_dpa",
    "reference_hosts": "img.example.com",
    "minimum_level": "1",
    "minimum_clearance": "0",
    "lease_minutes": "45",
    "in_progress_limit": "7",
    "sampling_order": "uncertainty",
    "random_share": "0.2",
    "skip_to": "self",
    "lead": "",
    "link_template": "https://tool.example.com/tasks/{external_id}?a={assignment}",
    "rework_to": "others",
    "second_review_share": "0.1",
    "adjudication_level": "4",
    "is_open": "on",
}


def test_money_and_words_are_typed_as_people_write_them(world: World) -> None:
    browser, form = client(world.users["operations"]), TYPED
    answer = browser.post(reverse("admin:routing_project_add"), {**form, **_no_rows()})
    assert answer.status_code == 302, answer.context["errors"]
    project = Project.objects.get(key="typed")
    assert (project.error_cost_micro, project.late_cost_micro) == (1_250_000, 1)
    assert project.required_attestations == ["nda", "gdpr_dpa"]
    assert Policy.objects.get(project=project).state == "draft"
    page = browser.get(reverse("admin:routing_project_change", args=[project.pk]))
    assert 'value="1.25"' in page.content.decode()
    wrong = browser.post(
        reverse("admin:routing_project_add"),
        {**form, **_no_rows(), "key": "other", "required_attestations": "iso9999"},
    )
    assert "iso9999" in wrong.content.decode()
    assert not Project.objects.filter(key="other").exists()


def test_how_work_is_served_and_checked_is_set_in_the_form(world: World) -> None:
    browser = client(world.users["operations"])
    address = reverse("admin:routing_project_add")
    browser.post(address, {**TYPED, **_no_rows()})
    project = Project.objects.get(key="typed")
    assert (project.lease_minutes, project.in_progress_limit) == (45, 7)
    assert (project.sampling_order, project.random_share) == ("uncertainty", 0.2)
    assert (project.skip_to, project.rework_to) == ("self", "others")
    assert (project.second_review_share, project.adjudication_level) == (0.1, 4)
    page = reverse("admin:routing_project_change", args=[project.pk])
    lead = Annotator.objects.order_by("pk")[0]
    changed = {**TYPED, **_no_rows(), "skip_to": "lead", "lead": str(lead.pk)}
    assert browser.post(page, changed).status_code == 302
    project.refresh_from_db()
    assert (project.skip_to, project.lead) == ("lead", lead)
    event = Event.objects.filter(kind="project.changed").latest("pk")
    assert event.actor == world.users["operations"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lease_minutes": "0"}, "A lease is from 1 to 1,440 minutes"),
        ({"lease_minutes": "x"}, "Enter a whole number."),
        ({"in_progress_limit": "1001"}, "tasks in hand from 1 to 1,000"),
        ({"random_share": "1.5"}, "A share is from 0 to 1."),
        ({"skip_to": "lead"}, "Where skipped tasks go to a lead, name one."),
        ({"skip_to": "nowhere"}, "Select a valid choice."),
        ({"link_template": "javascript:alert(1)"}, "The link begins with https:// and a host."),
        ({"link_template": "https://tool.example.com/{task_id}"}, "{task_id} stands for nothing"),
        ({"adjudication_level": "6"}, "a level from 1 to 5"),
    ],
)
def test_a_wrong_setting_of_a_project_is_told(
    world: World, change: dict[str, str], told: str
) -> None:
    browser = client(world.users["operations"])
    page = browser.post(reverse("admin:routing_project_add"), {**TYPED, **_no_rows(), **change})
    assert page.status_code == 200
    assert told in page.content.decode()
    assert not Project.objects.filter(key="typed").exists()


def _no_rows() -> dict[str, str]:
    return {
        f"{name}-{count}_FORMS": "0"
        for name in ("policies", "guidelines")
        for count in ("TOTAL", "INITIAL")
    }
