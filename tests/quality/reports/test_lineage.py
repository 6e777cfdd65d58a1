"""Lineage: who gave a label, what was proven of them then, who checked it, why it went there."""

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.models import Event
from audit.services.events import record_event
from audit.services.sealing import canonical, seal_events
from common.errors import Forbidden
from quality.models import (
    Adjudication,
    GoldAnswer,
    Judgment,
    QualificationSet,
    QualificationTry,
    ReviewChance,
)
from quality.reports.lineage import lineage
from quality.services.audit_plans import StandardPlan
from quality.services.auditing import draw_audit
from quality.services.fate import with_fate
from quality.services.importing import import_judgments
from quality.services.labels import recall
from quality.services.relabelling import apply_relabel, list_relabel
from quality.services.reviewing import decide_review, take_review
from quality.services.submitting import correct
from routing.models import Task
from routing.services.claiming import claim
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.quality.services.known import review
from tests.quality.services.work import answer, login, only, people, routed, take
from workforce.models import Annotator, AnnotatorSkill, CertificationType, Skill
from workforce.services import people as staff
from workforce.services.pools import create_pool

MINUTE = timedelta(minutes=1)


def told(world: World, task: Task, user: str = "auditor", **values: Any) -> dict[str, Any]:
    by = {"acting_user": world.users[user], "now": NOW + timedelta(days=2), **values}
    found = lineage(task, **by)
    # JSON values only, and the same again.
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert lineage(task, **by) == found
    return found


@pytest.fixture
def reviewed(world: World) -> Task:
    """Own 0 answered, corrected the answer, and a random review fixed it."""
    project = world.add_project(rules=only("in_house", share=1.0))
    add_guideline(project, content="V1", effective_from=NOW - MINUTE, **world.by)
    world.add_tasks(project, 3)
    world.route("street")
    person = people()[0]
    given = answer(world, take(world, person), "cat", seconds=9.0)
    given = correct(
        given,
        answer="dog",
        raw_seconds=3.0,
        acting_user=login(world, person),
        now=NOW + 2 * MINUTE,
    )
    return Task.objects.get(pk=given.task_id)


def test_the_whole_way_of_a_label(world: World, reviewed: Task) -> None:
    reviewer = people()[1]
    taken = take_review(reviewer, acting_user=login(world, reviewer), now=NOW + 3 * MINUTE)
    decide_review(
        taken,
        outcome="fix",
        answer="fox",
        category="wrong_label",
        severity="major",
        raw_seconds=20.0,
        acting_user=login(world, reviewer),
        now=NOW + 4 * MINUTE,
    )
    seal_events(now=NOW)
    found = told(world, reviewed)
    assert found["format"] == "lineage 1"
    assert (found["label"]["value"], found["label"]["by"]) == ("fox", "review")
    first, second = found["answers"]
    assert (first["label"], first["corrects"]) == ("cat", None)
    assert (second["label"], second["corrects"]) == ("dog", first["id"])
    assert first["time"] == {
        "raw_seconds": 9.0,
        "billable_seconds": 9.0,
        "rule": "measured 1",
        "faults": [],
    }
    assert first["guideline"]["version"] == 1
    assert first["guideline"]["sha256"] == hashlib.sha256(b"V1").hexdigest()
    assert first["by"] == {
        "annotator": str(people()[0].public_id),
        "name": "own 0",
        "kind": "person",
        "pool": "in-house",
        "pool_kind": "in_house",
        "vendor": None,
        "model": None,
    }
    assert (first["skill"]["level"], first["skill"]["verified_by"]) == (4, "operations")
    assert first["not_known"] == []
    (decision,) = found["decisions"]
    (held, looked) = found["assignments"]
    assert held["decision"] == decision["id"]
    assert (held["purpose"], looked["purpose"]) == ("label", "review")
    assert decision["policy"]["version"] == 1
    assert decision["arrangement"]["mode"] == "in_house"
    assert decision["arrangement"]["review_share"] == 1.0
    assert "quality" in decision["versions"] or decision["versions"]
    # The review that nobody had begun looked at the answer before the correction.
    called_off, check = found["reviews"]
    assert (called_off["judgment"], called_off["state"]) == (first["id"], "cancelled")
    assert (check["judgment"], check["outcome"], check["severity"]) == (
        second["id"],
        "fix",
        "major",
    )
    assert (check["why"], check["probability"], check["reviewer"]) == ("random", 1.0, "own 1")
    assert [step["to"] for step in found["steps"]] == ["held", "answered", "accepted"]
    kinds = [event["kind"] for event in found["events"]]
    for kind in ("assignment.reserved", "judgment.submitted", "judgment.corrected"):
        assert kind in kinds
    assert {"review.decided", "label.accepted"} <= set(kinds)
    for event in found["events"]:
        row = Event.objects.get(pk=event["id"])
        assert event["sha256"] == hashlib.sha256(canonical(row).encode()).hexdigest()
        assert event["seal"]["number"] == row.sealed.seal.number
    assert found["not_shown"] == []


def test_what_was_proven_at_that_instant_not_what_is_today(world: World, reviewed: Task) -> None:
    person = people()[0]
    kind = CertificationType.objects.get(key="radiologist")
    other = CertificationType.objects.get(key="attorney")
    reviewed.project.required_certifications.add(kind)
    proof = staff.declare_certification(
        person,
        type=kind,
        issuer="Board",
        number="1",
        issued_on=date(2026, 1, 1),
        valid_until=date(2026, 3, 2),
        **world.by,
    )
    staff.verify_certification(proof, **world.as_("second"))
    late = staff.declare_certification(
        person, type=other, issuer="Bar", number="2", issued_on=date(2026, 1, 1), **world.by
    )
    staff.verify_certification(late, acting_user=world.users["second"], now=NOW + timedelta(days=1))
    # The level rises after the answer.
    skill = AnnotatorSkill.objects.get(annotator=person, skill__key="image-classification")
    skill.level = 5
    staff.save_skill(skill, changed=["level"], **world.by)
    skill.refresh_from_db()
    staff.verify_skill(skill, acting_user=world.users["second"], now=NOW + timedelta(days=1))
    first, *_others = told(world, reviewed)["answers"]
    assert first["skill"]["level"] == 4
    (certificate,) = first["certificates"]
    assert (certificate["type"], certificate["valid"], certificate["required"]) == (
        "radiologist",
        True,
        True,
    )
    assert certificate["verified_by"] == "second"


def test_a_vendors_answer_tells_what_the_vendor_had_attested(world: World) -> None:
    world.attest("alpha", "nda")
    world.attest("beta", "nda")
    world.attest("alpha", "iso27001", valid_until=date(2026, 3, 1))
    world.attest("beta", "iso27001", valid_until=date(2026, 3, 1))
    project = world.add_project(rules=only("outsourced"), required_attestations=["nda"])
    world.add_tasks(project, 2)
    world.route("street")
    for person in [*people("alpha"), *people("beta")]:
        for assignment in claim(person, acting_user=login(world, person), now=NOW):
            given = answer(world, assignment)
    (row,) = told(world, given.task)["answers"]
    assert row["by"]["vendor"] in ("alpha", "beta")
    states = {
        one["kind"]: (one["state"], one["valid"], one["required"]) for one in row["attestations"]
    }
    assert states == {"nda": ("valid", True, True), "iso27001": ("lapsed", False, False)}
    (decision,) = told(world, given.task)["decisions"]
    assert decision["prices"][0]["words"].endswith("an hour of work")
    assert decision["currency"] == "EUR"


def test_a_model_is_told_as_it_was(world: World, reviewed: Task) -> None:
    pool = create_pool(
        key="model", name="Model", kind="model", currency="EUR", country="DE", **world.by
    )
    model = staff.create_annotator(
        pool,
        name="Seer",
        model_name="seer",
        model_version="1",
        prompt_hash="a" * 64,
        rate_limit_per_hour=100,
        **world.by,
    )
    Annotator.history.filter(id=model.pk).update(history_date=NOW)
    model.model_version, model.prompt_hash = "2", "b" * 64
    staff.change_annotator(model, changed=["model_version", "prompt_hash"], **world.by)
    Judgment.objects.create(
        task=reviewed,
        annotator=model,
        answer="cat",
        label="cat",
        source="api",
        submitted_at=NOW + MINUTE,
    )
    (row,) = (one for one in told(world, reviewed)["answers"] if one["by"]["name"] == "Seer")
    assert row["by"]["model"] == {"name": "seer", "version": "1", "prompt_sha256": "a" * 64}


def test_imported_answers_say_plainly_what_is_not_known(world: World, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("question,worker,answer\nq1,w1,cat\nq1,w2,dog\n")
    truth = tmp_path / "truth.csv"
    truth.write_text("question,truth\nq1,cat\n")
    import_judgments(
        file,
        project_key="dog",
        gold_path=truth,
        acting_user=world.users["quality"],
        now=NOW,
    )
    task = Task.objects.get(external_id="q1")
    found = told(world, task)
    assert len(found["answers"]) == 2
    for row in found["answers"]:
        assert row["source"] == "import"
        assert {"seconds", "guideline", "decision", "given_at", "gates"} <= set(row["not_known"])
        assert row["guideline"] is None
        assert row["skill"]["level"] is None
        assert row["assignment"] is row["purpose"] is None
    assert found["label"] is None
    assert found["decisions"] == []
    assert [gold["label"] for gold in found["gold"]] == ["cat"]
    assert "judgments.imported" in [event["kind"] for event in found["events"]]
    # Another import of the project, at another time, is none of this task's.
    other = tmp_path / "more.csv"
    other.write_text("question,worker,answer\nq2,w1,cat\n")
    import_judgments(
        other,
        project_key="dog",
        acting_user=world.users["quality"],
        now=NOW + timedelta(days=1),
    )
    assert len(told(world, task)["events"]) == len(found["events"])


def test_gold_and_adjudication_are_not_told_to_who_may_not_see_them(
    world: World, reviewed: Task
) -> None:
    task = Task.objects.exclude(pk=reviewed.pk)[0]
    gold = GoldAnswer(
        task=task, label="cat", source="expert", set_by=world.users["quality"], set_at=NOW
    )
    gold.save()
    with transaction.atomic():
        record_event("gold.made", subject="task", subject_id=task.public_id, **world.by)
    Adjudication.objects.create(task=task, why="gold", opened_at=NOW)
    held = world.assign(task, people()[1], purpose="gold", state="submitted", ended_at=NOW)
    Judgment.objects.create(
        task=task,
        annotator=people()[1],
        assignment=held,
        answer="cat",
        label="cat",
        source="form",
        submitted_at=NOW,
    )
    auditor, operations = told(world, task), told(world, task, "operations")
    assert "gold.made" in [event["kind"] for event in auditor["events"]]
    assert auditor["answers"][0]["purpose"] == "gold"
    assert auditor["gold"]
    assert auditor["adjudications"]
    assert operations["answers"][0]["purpose"] == "label"
    assert operations["assignments"][0]["purpose"] == "label"
    assert operations["gold"] == operations["adjudications"] == []
    assert operations["not_shown"] == ["gold", "adjudications"]
    assert '"gold' not in json.dumps({**operations, "not_shown": [], "gold": 0}).replace(
        '"gold": 0', ""
    )


def test_recalled_and_reviewed_again_stays_told(world: World) -> None:
    routed(world, 2)
    given = answer(world, take(world, people()[0]))
    review(world, given, 0, at=NOW)
    recall([given.task], reason="the customer took it back", **world.as_("quality"))
    found = told(world, given.task)
    assert found["label"] is None
    assert [row["ended_at"] is not None for row in found["labels"]] == [True]
    assert found["steps"][-1]["to"] == "recalled"
    assert found["steps"][-1]["reason"] == "the customer took it back"


def test_who_may_read_it(world: World, reviewed: Task, vendor_user: User) -> None:
    for name in ("quality", "operations", "auditor"):
        told(world, reviewed, name)
    for user in (vendor_user, world.users["finance"], login(world, people()[0])):
        with pytest.raises(Forbidden):
            lineage(reviewed, acting_user=user, now=NOW)


def test_audits_relabelling_draws_and_qualifications_are_told(world: World, client: Client) -> None:
    project = world.add_project(rules=only("in_house"))
    by: dict[str, Any] = {"effective_from": NOW, **world.by}
    first = add_guideline(project, content="V1", ontology={"labels": ["cat", "dog"]}, **by)
    world.add_tasks(project, 3, guideline=first)
    world.route("street")
    person = people()[0]
    skill = Skill.objects.get(key="image-classification")
    asked = QualificationSet.objects.create(
        skill=skill, name="Animals", size=20, levels={"3": 0.8}, created_at=NOW
    )
    QualificationTry.objects.create(
        set=asked,
        annotator=person,
        human=-person.pk,
        number=1,
        state="passed",
        asked=20,
        right=18,
        level=4,
        started_by=world.users["quality"],
        started_at=NOW - MINUTE,
        finished_at=NOW - MINUTE,
    )
    answer(world, take(world, person), "cat")
    given = answer(world, take(world, person), "dog")
    canine = {"labels": ["cat", {"name": "canine", "was": ["dog"]}]}
    second = add_guideline(project, content="V2", ontology=canine, change_note="one", **by)
    task = Task.objects.get(pk=given.task_id)
    ReviewChance.objects.create(
        task=task, arrangement=0, certainty=0.6, probability=0.25, drawn=False, at=NOW
    )
    # The quality lead draws an audit of all there is, and it finds the label wrong.
    lot = draw_audit(
        project,
        since=NOW - MINUTE,
        until=NOW + timedelta(hours=1),
        plan=StandardPlan(aql=4.0),
        acting_user=world.users["quality"],
        now=NOW + timedelta(hours=1),
    )
    by = {"now": NOW + timedelta(hours=2)}
    reviewer = people()[1]
    while (looked := take_review(reviewer, acting_user=login(world, reviewer), **by)) is not None:
        decide_review(looked, outcome="accept", acting_user=login(world, reviewer), **by)
    relabel = list_relabel(first, second, acting_user=world.users["quality"], **by)
    apply_relabel(relabel, acting_user=world.users["quality"], **by)
    # That the guideline changed takes nothing from who had answered well.
    fate = with_fate(Judgment.objects.filter(pk=given.pk), by["now"]).get()
    assert (fate.was_accepted, fate.was_rejected) == (True, False)
    found = told(world, task)
    (audit,) = found["audits"]
    assert (audit["id"], audit["wrong"], audit["probability"]) == (str(lot.public_id), False, 1.0)
    assert audit["label"] == found["labels"][0]["id"]
    (touched,) = found["relabels"]
    assert (touched["from_version"], touched["to_version"]) == (1, 2)
    assert (touched["label"], touched["what"]) == (found["labels"][0]["id"], "dog")
    (draw,) = found["draws"]
    assert (draw["probability"], draw["drawn"]) == (0.25, False)
    tried = found["answers"][0]["skill"]["qualification"]
    assert (tried["set"], tried["right"], tried["asked"]) == ("Animals", 18, 20)
    kinds = {event["kind"] for event in found["events"]}
    assert {"audit.drawn", "relabel.applied"} <= kinds
    # And all of it on the page.
    client.force_login(world.users["auditor"])
    shown = client.get(reverse("admin:quality_lineage", args=[task.pk])).content.decode()
    for words in ("Audits that drew it", "Relabelling", "Draws of reviews", "Animals: 18 of 20"):
        assert words in shown, words
