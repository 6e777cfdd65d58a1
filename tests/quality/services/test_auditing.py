"""Audits: the lot, its plan and draw, the result with its bound, and what follows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Job
from common.errors import Conflict, Forbidden, Invalid
from quality.models import Alarm, AuditItem, AuditLot, Label, Review
from quality.services.audit_plans import OwnPlan, StandardPlan, severity_now
from quality.services.audit_results import decide_audit, outstanding, rework_lot
from quality.services.auditing import cancel_audit, draw_again, draw_audit
from quality.services.labels import recall
from quality.services.reviewing import decide_review, take_review
from routing.models import Task
from tests.conftest import NOW, World
from tests.quality.services.checked import as_person, people

WEEK = timedelta(days=7)
WRONG = {"category": "wrong_label", "severity": "major"}


def accepted(world: World, project: Any, count: int, **values: Any) -> list[Label]:
    """Return labels of accepted tasks, answered by a vendor's person."""
    tasks = world.add_tasks(project, count, **values)
    with transaction.atomic():
        from routing.services.task_states import move_tasks

        for before, after in (("open", "answered"), ("answered", "accepted")):
            move_tasks([t.pk for t in tasks], from_state=before, to_state=after, **world.by)
    return Label.objects.bulk_create(
        Label(task=task, answer="cat", value="cat", by="answer", accepted_at=NOW - WEEK / 2)
        for task in tasks
    )


@pytest.fixture
def lot(world: World) -> AuditLot:
    """60 labels, of which 20 are of high risk; the plan asks for 13 and accepts one wrong."""
    project = world.add_project()
    accepted(world, project, 40)
    accepted(world, project, 20, use="safety_critical", data_class="phi")
    return draw_audit(
        project,
        since=NOW - WEEK,
        until=NOW,
        plan=StandardPlan(aql=4.0),
        **world.as_("quality"),
    )


def review_all(world: World, lot: AuditLot, wrong: int = 0, **values: Any) -> None:
    """Have the sample reviewed, the first `wrong` of it rejected."""
    person = people(world)[0]
    for number in range(outstanding(lot)):
        review = take_review(person, **as_person(world, person))
        assert review is not None
        outcome = {"outcome": "reject", **WRONG} if number < wrong else {"outcome": "accept"}
        decide_review(review, **{**outcome, **values}, **as_person(world, person))


@pytest.mark.django_db
def test_the_draw_is_stratified_kept_and_can_be_done_again(world: World, lot: AuditLot) -> None:
    assert (lot.labels, lot.letter, lot.size, lot.accept, lot.severity) == (
        60,
        "E",
        13,
        1,
        "normal",
    )
    assert lot.limiting_units is not None
    assert sum(size for _labels, size in lot.strata.values()) == 13
    assert sorted(labels for labels, _size in lot.strata.values()) == [20, 40]
    sizes = dict(lot.strata.values())
    assert (sizes[40], sizes[20]) == (9, 4)
    items = lot.items.select_related("label", "review")
    assert {round(item.probability, 3) for item in items} == {0.225, 0.2}
    assert {(i.review.why, i.review.judgment_id, i.review.pool_id) for i in items} == {
        ("audit", None, None)
    }
    assert all(item.review.probability == item.probability for item in items)
    again = draw_again(lot)
    assert sorted(again) == sorted(str(item.label.public_id) for item in items)
    # Three more that claim to have been accepted earlier: not the lot that was drawn from.
    accepted(world, lot.project, 3)
    with pytest.raises(Conflict):
        draw_again(lot)


@pytest.mark.django_db
def test_a_lot_with_few_wrong_ones_is_accepted_with_its_bound(
    world: World, lot: AuditLot, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        review_all(world, lot, wrong=1)
    lot.refresh_from_db()
    assert (lot.state, lot.wrong) == ("accepted", 1)
    assert lot.fewest == 1
    assert 13 < lot.most < 30
    # The one that was found wrong is worked anew, the others stay.
    assert Task.objects.filter(state="open", attempt=2).count() == 1
    assert Task.objects.filter(state="accepted").count() == 59
    assert not Alarm.objects.exists()
    # Decided again, nothing changes.
    before = lot.decided_at
    assert decide_audit(lot, **world.as_("quality")).decided_at == before


@pytest.mark.django_db
def test_a_rejected_lot_goes_to_rework_but_for_what_was_found_right(
    world: World, lot: AuditLot, django_capture_on_commit_callbacks: Any
) -> None:
    fixed_values = {"outcome": "fix", "answer": "dog", **WRONG}
    person = people(world)[0]
    with django_capture_on_commit_callbacks(execute=True):
        review = take_review(person, **as_person(world, person))
        assert review is not None
        fixed = decide_review(review, **fixed_values, **as_person(world, person))
        review_all(world, lot, wrong=2)
    lot.refresh_from_db()
    assert (lot.state, lot.wrong) == ("rejected", 3)
    assert Alarm.objects.get().kind == "audit"
    assert Job.objects.filter(kind="audit.rework", state="done").count() == 1
    # 60 less ten found right and the one put right; two of those reworked were rejected one by one.
    assert Task.objects.filter(state="open").count() == 49
    assert (lot.reworked, Task.objects.filter(attempt=2).count()) == (47, 49)
    label = Label.objects.get(task=fixed.task, ended_at__isnull=True)
    assert (label.value, label.by) == ("dog", "review")
    assert Label.objects.filter(ended_at__isnull=True).count() == 11
    # A second run finds nothing left to do.
    assert rework_lot(lot, **world.as_("quality")) == 0


@pytest.mark.django_db
def test_labels_that_were_taken_back_are_replaced_by_the_next_of_their_stratum(
    world: World, lot: AuditLot, django_capture_on_commit_callbacks: Any
) -> None:
    gone = list(lot.items.select_related("label__task", "review")[:2])
    recall([item.label.task for item in gone], reason="customer", **world.as_("quality"))
    assert outstanding(lot) == 11
    with django_capture_on_commit_callbacks(execute=True):
        review_all(world, lot)
    lot.refresh_from_db()
    assert lot.state == "drawn"
    assert outstanding(lot) == 2
    others = AuditItem.objects.filter(lot=lot, wrong__isnull=True).exclude(
        pk__in=[item.pk for item in gone]
    )
    assert sorted(i.stratum for i in others) == sorted(i.stratum for i in gone)
    with django_capture_on_commit_callbacks(execute=True):
        review_all(world, lot)
    lot.refresh_from_db()
    assert (lot.state, lot.wrong) == ("accepted", 0)


@pytest.mark.django_db
def test_who_may_and_what_is_refused(world: World, lot: AuditLot) -> None:
    values: dict[str, Any] = {"since": NOW - WEEK, "until": NOW, "plan": StandardPlan()}
    with pytest.raises(Conflict):
        draw_audit(lot.project, **values, **world.as_("quality"))
    cancel_audit(lot, reason="wrong week", **world.as_("quality"))
    assert set(Review.objects.values_list("state", flat=True)) == {"cancelled"}
    with pytest.raises(Forbidden):
        draw_audit(lot.project, **values, **world.by)
    for changed, field in (
        ({"until": NOW + WEEK}, "until"),
        ({"until": NOW - 2 * WEEK}, "until"),
        ({"until": NOW - WEEK + timedelta(hours=1)}, "since"),
        ({"plan": StandardPlan(aql=3.0)}, "aql"),
        ({"plan": StandardPlan(level="IV")}, "level"),
        ({"plan": OwnPlan(acceptable=0.2, limiting=0.1)}, "limiting"),
    ):
        with pytest.raises(Invalid) as caught:
            draw_audit(lot.project, **{**values, **changed}, **world.as_("quality"))
        assert caught.value.field == field
    with pytest.raises(Invalid):
        cancel_audit(lot, reason="", **world.as_("quality"))


@pytest.mark.django_db
def test_own_risks_give_the_smallest_plan(world: World) -> None:
    project = world.add_project()
    accepted(world, project, 50)
    lot = draw_audit(
        project,
        since=NOW - WEEK,
        until=NOW,
        plan=OwnPlan(acceptable=0.02, limiting=0.2),
        **world.as_("quality"),
    )
    from quality.core.sampling import accept_lot

    assert float(accept_lot(50, 10, lot.size, lot.accept)) <= 0.1
    assert 1 - float(accept_lot(50, 1, lot.size, lot.accept)) <= 0.05


@pytest.mark.django_db
def test_inspection_is_tightened_stopped_and_resumed_by_a_person(world: World) -> None:
    project = world.add_project()
    start = NOW - 20 * WEEK
    for number in range(7):
        # Two of five rejected tighten; five rejected on tightened stop.
        AuditLot.objects.create(
            project=project,
            since=start + number * WEEK,
            until=start + (number + 1) * WEEK,
            labels=60,
            digest="0" * 64,
            plan="standard",
            aql=4.0,
            level="II",
            severity="normal",
            letter="E",
            size=13,
            accept=1,
            seed=1,
            state="rejected",
            wrong=2,
            fewest=2,
            most=30,
            created_by=world.users["quality"],
            created_at=NOW,
            decided_at=NOW + timedelta(seconds=number),
        )
        stage = severity_now(project, None, 4.0).stage
        assert stage == ("normal", "tightened", *["tightened"] * 4, "stopped")[number]
    accepted(world, project, 60)
    values: dict[str, Any] = {"since": NOW - WEEK, "until": NOW, "plan": StandardPlan(aql=4.0)}
    with pytest.raises(Conflict, match="stopped"):
        draw_audit(project, **values, **world.as_("quality"))
    lot = draw_audit(project, **values, resume_reason="new guideline", **world.as_("quality"))
    assert (lot.severity, lot.resume_reason) == ("tightened", "new guideline")
    # Another AQL is another stream.
    assert severity_now(project, None, 1.0).stage == "normal"


@pytest.mark.django_db
def test_the_database_keeps_draw_and_result(world: World, lot: AuditLot) -> None:
    for values in (
        {"seed": lot.seed + 1},
        {"accept": 5},
        {"state": "accepted", "wrong": 2, "fewest": 2, "most": 9, "decided_at": NOW},
        {"state": "rejected", "wrong": 1, "fewest": 1, "most": 9, "decided_at": NOW},
        {"state": "accepted", "decided_at": NOW},
        {"state": "cancelled"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditLot.objects.filter(pk=lot.pk).update(**values)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.filter(audit_item__lot=lot).update(probability=0.9)
