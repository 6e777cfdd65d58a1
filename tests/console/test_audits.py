"""Audits in the console: planning with the plan in view, drawing, following, deciding."""

import csv
import io
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from scipy.stats import hypergeom

from accounts.models import User
from audit.models import Event
from quality.admin import audits
from quality.models import AuditItem, AuditLot, Review
from quality.reports.audits import operating_characteristic
from quality.services.audit_plans import StandardPlan
from quality.services.auditing import draw_audit
from tests.conftest import NOW, World
from tests.quality.services.test_auditing import WEEK, accepted, lot, review_all

__all__ = ["lot"]  # the fixture
SENT = {"_form_submitted": "1"}
PLAN = "admin:quality_auditlot_plan"
LIST = "admin:quality_auditlot_changelist"


def client(user: User) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits, "utc_now", lambda: NOW)


@pytest.fixture
def project(world: World) -> Any:
    """60 labels of last week, a third of them of high risk."""
    made = world.add_project()
    accepted(world, made, 40)
    accepted(world, made, 20, use="safety_critical", data_class="phi")
    return made


def asked(of: Any, **values: str) -> dict[str, str]:
    since = (NOW - WEEK).date().isoformat()
    return {
        "project": str(of.pk),
        "since": since,
        "until": "",
        "kind": "standard",
        "aql": "4.0",
        "level": "II",
        **values,
    }


def page(row: AuditLot, name: str = "change") -> str:
    return reverse(f"admin:quality_auditlot_{name}", args=[row.pk])


def test_the_plan_is_in_view_before_anything_is_drawn(world: World, project: Any) -> None:
    browser = client(world.users["quality"])
    empty = browser.get(reverse(PLAN))
    assert empty.status_code == 200
    assert "preview" not in empty.context
    seen = browser.get(reverse(PLAN), asked(project))
    assert seen.context["form"].errors == {}
    preview = seen.context["preview"]
    assert (preview.labels, seen.context["size"], seen.context["accept"]) == (60, 13, 1)
    assert preview.strata == {"medium": [40, 9], "critical": [20, 4]}
    assert "Draw the sample and queue its 13 reviews" in seen.content.decode()
    assert not AuditLot.objects.exists()
    answer = browser.post(reverse(PLAN), asked(project))
    row = AuditLot.objects.get()
    assert answer.url == page(row)
    assert (row.labels, row.size, row.accept, row.aql) == (60, 13, 1, 4.0)
    assert row.strata == preview.strata
    assert Review.objects.filter(why="audit").count() == 13
    assert Event.objects.get(kind="audit.drawn").actor == world.users["quality"]


def test_a_plan_of_ones_own(world: World, project: Any) -> None:
    browser = client(world.users["quality"])
    own = {
        "kind": "own",
        "acceptable": "2",
        "limiting": "20",
        "producer_risk": "10",
        "consumer_risk": "10",
    }
    seen = browser.get(reverse(PLAN), asked(project, **own))
    assert seen.context["form"].errors == {}
    size, accept = seen.context["size"], seen.context["accept"]
    assert hypergeom.cdf(accept, 60, 12, size) <= 0.1
    missing = browser.get(reverse(PLAN), asked(project, **{**own, "limiting": ""}))
    assert "limiting" in missing.context["form"].errors
    wrong = browser.get(reverse(PLAN), asked(project, **{**own, "limiting": "1"}))
    assert wrong.context["form"].errors
    assert "preview" not in wrong.context


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"since": ""}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-03-20"}, "until"),
        ({"since": "2026-01-01", "until": "2026-01-02"}, "since"),
        ({"aql": "3"}, "aql"),
        ({"level": "IV"}, "level"),
        ({"project": "987654"}, "project"),
    ],
)
def test_what_is_no_lot_names_the_field(
    world: World, project: Any, values: dict[str, str], field: str
) -> None:
    browser = client(world.users["quality"])
    for answer in (
        browser.get(reverse(PLAN), asked(project, **values)),
        browser.post(reverse(PLAN), asked(project, **values)),
    ):
        assert answer.status_code == 200
        assert field in answer.context["form"].errors
    assert not AuditLot.objects.exists()


def test_the_same_lot_is_not_audited_twice_at_one_time(world: World, lot: AuditLot) -> None:
    answer = client(world.users["quality"]).post(reverse(PLAN), asked(lot.project))
    assert "Labels of this time are being audited." in answer.content.decode()
    assert AuditLot.objects.count() == 1


def test_the_page_of_one_from_the_draw_to_the_verdict(
    world: World, lot: AuditLot, django_capture_on_commit_callbacks: Any
) -> None:
    browser = client(world.users["quality"])
    seen = browser.get(page(lot)).content.decode()
    assert "0 / 13" in seen
    assert "wait in the queue of quality reviews" in seen
    answer = browser.post(page(lot, "decide"), SENT)
    assert answer.status_code < 400
    lot.refresh_from_db()
    assert lot.state == "drawn"
    review_all(world, lot, wrong=3)
    assert browser.get(page(lot)).context["reviewed"] == "13 / 13"
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(page(lot, "decide"), SENT)
    lot.refresh_from_db()
    assert (lot.state, lot.wrong) == ("rejected", 3)
    seen = browser.get(page(lot)).content.decode()
    assert "3 of 13 are wrong, at most 1 are accepted." in seen
    assert f"{lot.fewest} – {lot.most}" in seen
    assert "Plan the next audit" in seen
    browser.post(page(lot, "go_on"), SENT)
    assert browser.post(page(lot, "decide"), SENT).status_code == 403


def test_the_draw_can_be_checked(world: World, lot: AuditLot) -> None:
    browser = client(world.users["auditor"])
    answer = browser.get(page(lot, "check_draw"), follow=True)
    assert "the sample is the same" in answer.content.decode()
    AuditItem.objects.filter(lot=lot).order_by("pk")[0].delete()
    answer = browser.get(page(lot, "check_draw"), follow=True)
    assert "the sample is another one" in answer.content.decode()


def test_calling_it_off_takes_a_reason(world: World, lot: AuditLot) -> None:
    browser = client(world.users["quality"])
    browser.post(page(lot, "cancel"), {**SENT, "reason": ""})
    lot.refresh_from_db()
    assert lot.state == "drawn"
    browser.post(page(lot, "cancel"), {**SENT, "reason": "wrong week"})
    lot.refresh_from_db()
    assert (lot.state, lot.cancel_reason) == ("cancelled", "wrong week")


def test_the_sample_as_a_file(world: World, lot: AuditLot) -> None:
    review_all(world, lot, wrong=1)
    answer = client(world.users["auditor"]).get(page(lot, "csv"))
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == lot.size
    assert sum(row["wrong"] == "True" for row in rows) == 1
    assert Event.objects.filter(actor=world.users["auditor"]).latest("pk").data["rows"] == lot.size


def test_who_may_what(world: World, lot: AuditLot, vendor_user: User) -> None:
    for name, sees, plans in (
        ("operations", 200, 403),
        ("auditor", 200, 403),
        ("finance", 403, 403),
    ):
        browser = client(world.users[name])
        assert browser.get(reverse(LIST)).status_code == sees
        assert browser.get(page(lot)).status_code == sees
        assert browser.get(reverse(PLAN)).status_code == plans
        assert browser.post(page(lot, "cancel"), {**SENT, "reason": "x"}).status_code == 403
    # A vendor's person: what exists answers as what does not.
    browser = client(vendor_user)
    for address in (reverse(LIST), reverse(PLAN)):
        assert browser.get(address).status_code in (302, 403, 404)
    for name in ("change", "csv", "check_draw"):
        there = browser.get(page(lot, name))
        nowhere = browser.get(reverse(f"admin:quality_auditlot_{name}", args=[987654]))
        assert there.status_code == nowhere.status_code != 200
        assert lot.digest not in there.content.decode()
    lot.refresh_from_db()
    assert lot.state == "drawn"


def test_lists_and_pages_take_as_many_statements_for_many(world: World, lot: AuditLot) -> None:
    browser = client(world.users["quality"])

    def cost(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    few = {address: cost(address) for address in (reverse(LIST), page(lot))}
    for days in range(3):
        other = world.add_project(f"other-{days}")
        accepted(world, other, 30)
        draw_audit(
            other,
            since=NOW - WEEK,
            until=NOW - timedelta(minutes=days),
            plan=StandardPlan(aql=4.0),
            **world.as_("quality"),
        )
    for address, before in few.items():
        assert cost(address) == before < 30, address


def test_the_curve_is_the_exact_chance() -> None:
    found = operating_characteristic(60, 13, 1)
    wanted = hypergeom.cdf(1, 60, found["wrong"], 13)
    assert np.allclose(found["accepted"], wanted)
    assert found["accepted"].iloc[0] == 1.0
    assert found["accepted"].iloc[-1] <= 0.001
    assert (np.diff(found["accepted"]) <= 0).all()
    # All of it looked at: nothing wrong is the only lot that passes.
    whole = operating_characteristic(5, 5, 0)
    assert list(whole["accepted"]) == [1.0, 0.0]
