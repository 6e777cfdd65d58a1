"""A profile: what was done, how fast, how well, at what cost, and the rows behind it."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from accounts.models import User
from common.errors import Forbidden, NotFound
from quality.models import Judgment, Label, Review
from quality.reports.profile import Profile, annotator_profile
from quality.reports.profile_facts import facts_of
from quality.reports.profile_rows import KINDS, profile_rows
from quality.reports.spans import Span
from quality.services.agreements import measure_agreement
from quality.services.submitting import correct
from routing.models import TaskType
from routing.services.claiming import claim
from tests.conftest import NOW, World
from tests.quality.services.known import answers, review
from tests.quality.services.work import answer, login, only, people, routed, take
from workforce.models import Annotator, Skill

DAY = timedelta(days=1)
SPAN = Span(NOW - 5 * DAY, NOW + 5 * DAY)


@pytest.fixture
def worked(world: World) -> World:
    """Own 0 answered five tasks on two days: one was rejected, one clock ran on."""
    routed(world, 8, rules=only("in_house"))
    person = people()[0]
    for number, (seconds, at) in enumerate(
        [(10.0, 0), (20.0, 0), (90_000.0, 0), (20.0, 1), (25.0, 1)]
    ):
        when = NOW + at * DAY + timedelta(minutes=5 * number)
        made = answer(
            world, take(world, person, at=when), seconds=seconds, at=when + 2 * DAY / 1440
        )
        if number == 4:
            review(world, made, 1, at=when, why="evidence", probability=None, billable_seconds=60.0)
        if number == 0:
            review(world, made, 0, at=when, billable_seconds=60.0)
    return world


def profile(world: World, user: str = "quality", **values: Any) -> Profile:
    span = Span(**{**vars(SPAN), **values})
    return annotator_profile(people()[0], span, acting_user=world.users[user])


def test_what_was_done_by_day_and_hour(worked: World) -> None:
    output = profile(worked).output
    table = output.table
    assert table["answers"].tolist() == [3, 2]
    assert table["accepted"].tolist() == [3, 1]
    assert table["rejected"].tolist() == [0, 1]
    assert table["undecided"].tolist() == [0, 0]
    # The clock that ran on is billed by its rule, and trusted in no hour.
    assert output.counts["faulted"] == 1
    assert table["trusted_hours"].tolist() == pytest.approx([30 / 3600, 45 / 3600])
    assert output.per_hour.value[0] == pytest.approx(3 / (75 / 3600))
    assert output.per_hour.lower[0] < output.per_hour.value[0] < output.per_hour.upper[0]
    assert output.per_day.value[0] == 2.0
    assert output.per_day.days[0] == 2
    assert output.speed.answers[0] == 4
    assert output.speed.lower[0] < output.speed.factor[0] < output.speed.upper[0]
    by_type = profile(worked).by_type
    assert by_type[["answers", "accepted", "rejected"]].values.tolist() == [[5, 4, 1]]


def test_cost_per_accepted_label_has_its_parts_and_the_interval_of_the_share(
    worked: World,
) -> None:
    cost = profile(worked).cost
    seconds = Judgment.objects.values_list("billable_seconds", flat=True)
    # Thirty an hour: all they did, and two reviews of a minute by own staff.
    spent = sum(seconds) / 3600 * 30 + 2 * 60 / 3600 * 30
    assert float(cost.unit.value) == pytest.approx(spent / 4)
    assert float(cost.unit.rework) == pytest.approx(25 / 3600 * 30 / 4)
    assert float(cost.unit.review) == pytest.approx(0.25)
    assert float(cost.unit.lower) < float(cost.unit.value) < float(cost.unit.upper)
    assert (cost.currency, cost.unknown) == ("EUR", 0)
    assert float(cost.unit.share) == 0.8
    Annotator.objects.update(hourly_cost_micro=None)
    cost = profile(worked).cost
    assert np.isnan(cost.unit.value)
    assert cost.unknown == 5


def test_a_vendor_is_paid_for_what_was_accepted(world: World) -> None:
    routed(world, 4, rules=only("outsourced"))
    person = next(p for p in [*people("alpha"), *people("beta")] if _claims(world, p))
    first, *_others = Judgment.objects.order_by("pk")
    review(world, first, 1, at=NOW + DAY, why="evidence", probability=None, billable_seconds=60.0)
    unit = annotator_profile(person, SPAN, acting_user=world.users["quality"]).cost.unit
    price = {"alpha": 9, "beta": 11}[person.pool.key]
    # A rejected answer costs its review only.
    assert float(unit.labelling) == pytest.approx(20 / 3600 * price)
    assert (float(unit.rework), float(unit.share)) == (0.0, 0.75)
    assert float(unit.review) == pytest.approx(60 / 3600 * 30 / 3)


def _claims(world: World, person: Annotator) -> bool:
    given = claim(person, count=4, acting_user=login(world, person), now=NOW)
    for assignment in given:
        answer(world, assignment, seconds=20.0)
    return bool(given)


def test_every_count_opens_to_as_many_rows(worked: World) -> None:
    found, person = profile(worked), people()[0]
    by = {"acting_user": worked.users["quality"]}
    for kind in ("answers", "accepted", "rejected", "undecided", "faulted"):
        rows = profile_rows(person, SPAN, kind, **by)
        assert len(rows) == found.output.counts[kind], kind
    day = int(found.output.table["day"][1])
    assert len(profile_rows(person, SPAN, "answers", day=day, **by)) == 2
    (faulted,) = profile_rows(person, SPAN, "faulted", **by)["faults"]
    assert faulted == "beyond_clock, idle"
    (error,) = found.errors.to_dict("records")
    assert (error["category"], error["major"], error["all"]) == ("wrong_label", 1, 1)
    assert len(profile_rows(person, SPAN, "reviews", category="wrong_label", **by)) == 1
    assert found.reviews.set_index("why")["all"].to_dict() == {"random": 1, "evidence": 1}
    assert len(profile_rows(person, SPAN, "reviews", why="random", **by)) == 1
    assert profile_rows(person, SPAN, "answers", task_type="image-boxes", **by).empty
    with pytest.raises(NotFound):
        profile_rows(person, SPAN, "secrets", **by)


def test_corrections_are_one_answer_with_the_seconds_of_both(world: World) -> None:
    routed(world, 3, rules=only("in_house", share=1.0))
    person = people()[0]
    made = answer(world, take(world, person), seconds=20.0)
    correct(
        made,
        answer="dog",
        raw_seconds=6.0,
        acting_user=login(world, person),
        now=NOW + timedelta(minutes=3),
    )
    found = profile(world)
    assert found.output.counts["answers"] == 1
    assert found.output.counts["undecided"] == 1
    assert found.output.table["hours"][0] == pytest.approx(26 / 3600)
    (row,) = profile_rows(person, SPAN, "undecided", acting_user=world.users["quality"]).to_dict(
        "records"
    )
    assert (row["label"], row["seconds"]) == ("dog", 26.0)


def test_an_answer_upheld_by_adjudication_is_accepted_a_recalled_one_is_not(
    worked: World,
) -> None:
    from quality.models import Adjudication
    from quality.services.labels import recall

    bad = Review.objects.get(outcome="reject")
    Adjudication.objects.create(
        task=bad.task,
        why="asked",
        opened_at=NOW,
        winner=bad.judgment,
        answer="cat",
        label="cat",
        reason="it is one",
        decided_by=worked.users["quality"],
        decided_at=NOW + DAY,
    )
    assert profile(worked).output.counts["accepted"] == 5
    recall([bad.task], reason="gone", **worked.as_("quality"))
    counts = profile(worked).output.counts
    assert (counts["accepted"], counts["rejected"], counts["undecided"]) == (4, 0, 1)


def test_an_audit_rejects_the_answers_that_say_what_the_label_said(worked: World) -> None:
    label = Label.objects.order_by("pk")[0]
    review = Review.objects.create(
        task=label.task,
        accepted=label,
        why="audit",
        probability=1.0,
        state="done",
        outcome="reject",
        category="wrong_label",
        severity="major",
        reviewer=people()[2],
        created_at=NOW,
        decided_at=NOW + DAY,
    )
    counts = profile(worked).output.counts
    assert (counts["accepted"], counts["rejected"]) == (3, 2)
    # One vote against a label that was made by others is no work of this one.
    Label.objects.filter(pk=label.pk).update(value="other", judgment=None)
    assert profile(worked).output.counts["rejected"] == 1
    assert profile(worked, until=review.decided_at - DAY / 2).output.counts["rejected"] == 0


def test_estimates_over_time_with_evidence_and_rank(world: World) -> None:
    found = profile(world, skill=Skill.objects.get(key="image-classification"))
    assert found.estimates["skill"].unique().tolist() == ["image-classification"]
    (last,) = found.latest.to_dict("records")
    assert (last["n_gold"], last["evidence"]) == (200, "much")
    # All four of the house are alike, before both vendors: each is first of ten.
    assert found.ranks == {"image-classification": (1, 10)}
    everything = profile(world)
    assert len(everything.latest) == 2
    assert profile(world, until=NOW - 2 * DAY).estimates.empty
    assert profile(world, until=NOW - 2 * DAY).ranks == {}


def test_agreement_with_others_and_facts(world: World) -> None:
    first, second = people()[:2]
    rows = answers(world, first, [0, 0, 0, 1], by="")
    Judgment.objects.bulk_create(
        Judgment(
            task=row.task,
            annotator=second,
            answer="a",
            label="a",
            source="import",
            submitted_at=NOW - DAY,
        )
        for row in rows
    )
    project, kind = rows[0].task.project, TaskType.objects.get(key="image-classification")
    measure_agreement(project, kind, **world.as_("quality"))
    found = profile(world)
    (pair,) = found.agreement.to_dict("records")
    assert (pair["other"], pair["units"], pair["observed"]) == ("own 1", 4, 0.75)
    facts = facts_of(first, SPAN, acting_user=world.users["quality"])
    assert facts.skills["level"].tolist() == [4, 4]
    assert facts.skills["by"].tolist() == ["operations"] * 2
    assert facts.attestations.empty
    assert facts.alarms is not None
    assert facts_of(first, SPAN, acting_user=world.users["sla"]).alarms is None


def test_nobody_outside_and_nothing_done(world: World, vendor_user: User) -> None:
    found = profile(world)
    assert found.output.table.empty
    assert np.isnan(found.output.per_hour.value[0])
    assert np.isnan(found.cost.unit.value)
    assert found.by_type.empty
    assert found.reviews.empty
    for user in (vendor_user, world.users["finance"]):
        with pytest.raises(Forbidden):
            annotator_profile(people()[0], SPAN, acting_user=user)
        for kind in KINDS:
            with pytest.raises(Forbidden):
                profile_rows(people()[0], SPAN, kind, acting_user=user)
    # Operations sees no gold, and the SLA reviewer no reviews.
    with pytest.raises(Forbidden):
        profile_rows(people()[0], SPAN, "gold", acting_user=world.users["operations"])
    assert profile(world, "sla").reviews.columns.empty
