"""What counts as known truth: gold asked unseen and random reviews, and nothing else."""

from datetime import timedelta

import numpy as np

from quality.models import Adjudication, GoldAnswer, Judgment
from quality.services.evidence import read_evidence
from routing.models import Assignment
from tests.conftest import NOW, World
from tests.quality.services.known import MINUTE, answers, people, review

START = NOW - timedelta(days=3)


def test_gold_and_random_reviews_in_the_order_in_which_they_became_known(world: World) -> None:
    first, second = people()[:2]
    gold = answers(world, first, [0, 1], start=START)
    reviewed = answers(world, second, [1, 0], start=START - MINUTE, by="review")
    found = read_evidence(NOW)
    order = [reviewed[0], gold[0], reviewed[1], gold[1]]
    assert found.judgment.tolist() == [row.pk for row in order]
    assert found.wrong.tolist() == [True, False, False, True]
    assert found.gold.tolist() == [False, True, False, True]
    assert (np.diff(found.known) >= 0).all()
    groups = [(who, skill, len(part)) for who, skill, part in found.by_annotator_and_skill()]
    skill = gold[0].task.task_type.skill_id
    assert groups == [(first.pk, skill, 2), (second.pk, skill, 2)]


def test_what_is_no_evidence(world: World) -> None:
    person = people()[0]
    # Drawn for a reason, a second review, not done, after the time, no truth at all.
    for values in (
        {"why": "arrangement"},
        {"why": "evidence"},
        {"number": 2},
        {"state": "pending", "outcome": "", "decided_at": None, "reviewer": None},
        {"decided_at": NOW + MINUTE},
    ):
        (row,) = answers(world, person, [0], by="nothing")
        review(world, row, 0, at=NOW - MINUTE, **values)
    # Work that became gold afterwards was chosen for being hard.
    (row,) = answers(world, person, [1])
    held = Assignment.objects.create(
        task=row.task,
        annotator=person,
        human=-person.pk,
        pool=person.pool,
        purpose="label",
        day=NOW.date(),
        reserved_at=NOW,
        lease_until=NOW + MINUTE,
    )
    Judgment.objects.filter(pk=row.pk).update(assignment=held)
    # Gold that was retired, and gold that is set later.
    (row,) = answers(world, person, [1])
    GoldAnswer.objects.filter(task=row.task).update(retired_at=NOW)
    (row,) = answers(world, person, [1])
    GoldAnswer.objects.filter(task=row.task).update(set_at=NOW + MINUTE)
    assert len(read_evidence(NOW)) == 0
    assert read_evidence(NOW).wrong.dtype == np.bool_


def test_the_last_answer_and_the_gold_in_force_count(world: World) -> None:
    person = people()[0]
    (row,) = answers(world, person, [1])
    Judgment.objects.create(
        task=row.task,
        annotator=person,
        answer="a",
        label="a",
        attempt=2,
        source="import",
        submitted_at=row.submitted_at + MINUTE,
    )
    assert read_evidence(NOW).wrong.tolist() == [False]
    GoldAnswer.objects.filter(task=row.task).update(retired_at=NOW - MINUTE)
    GoldAnswer.objects.create(
        task=row.task,
        label="c",
        source="expert",
        set_by=world.users["quality"],
        set_at=NOW - MINUTE,
    )
    found = read_evidence(NOW)
    assert found.wrong.tolist() == [True]
    assert found.known.tolist() == [(NOW - MINUTE).timestamp()]


def test_a_small_fix_is_no_error_and_an_adjudication_overrules(world: World) -> None:
    person = people()[0]
    box = {"x": 0, "y": 0, "width": 10, "height": 10}
    near, far = {**box, "width": 9}, {**box, "x": 8}
    rows = answers(world, person, [0, 0], by="nothing", task_type="bounding-box")
    for row, right in zip(rows, (near, far), strict=True):
        Judgment.objects.filter(pk=row.pk).update(answer=[box], label="")
        error = {"outcome": "fix", "category": "imprecise", "severity": "minor"}
        review(world, row, 1, at=NOW - MINUTE, answer=[right], **error)
    assert read_evidence(NOW).wrong.tolist() == [False, True]
    Adjudication.objects.create(
        task=rows[1].task,
        why="reviews",
        opened_at=NOW - MINUTE,
        winner=rows[1],
        answer=[box],
        reason="The box is right.",
        decided_by=world.users["quality"],
        decided_at=NOW,
    )
    assert read_evidence(NOW).wrong.tolist() == [False, False]


def test_gold_that_is_no_label_is_met_by_the_metric(world: World) -> None:
    person = people()[0]
    box = {"x": 0, "y": 0, "width": 10, "height": 10}
    given = ([{**box, "width": 9}], [{**box, "x": 8}], "no boxes at all")
    rows = answers(world, person, [0, 0, 0], by="nothing", task_type="bounding-box")
    for row, answer in zip(rows, given, strict=True):
        Judgment.objects.filter(pk=row.pk).update(answer=answer, label="")
        GoldAnswer.objects.create(
            task=row.task,
            answer=[box],
            source="expert",
            set_by=world.users["quality"],
            set_at=START,
        )
    assert read_evidence(NOW).wrong.tolist() == [False, True, True]


def test_one_per_task_keeps_the_first_known(world: World) -> None:
    first, second = people()[:2]
    (row,) = answers(world, first, [0])
    Judgment.objects.create(
        task=row.task,
        annotator=second,
        answer="b",
        label="b",
        source="import",
        submitted_at=row.submitted_at + MINUTE,
    )
    found = read_evidence(NOW)
    assert len(found) == 2
    assert found.one_per_task().annotator.tolist() == [first.pk]
    assert len(read_evidence(NOW, annotator_id=second.pk)) == 1
    assert len(read_evidence(NOW, since=NOW - MINUTE)) == 0


def test_what_came_at_one_instant_has_no_order(world: World) -> None:
    world.add_vendor("veritas")
    one, other = people()[0], people("veritas")[0]
    answers(world, one, [0, 1, 1])
    file = answers(world, one, [1, 1, 1], start=NOW - timedelta(days=2))
    answers(world, other, [1], start=NOW - timedelta(days=2))
    Judgment.objects.filter(pk__in=[row.pk for row in file]).update(
        submitted_at=NOW - timedelta(days=2)
    )
    found = read_evidence(NOW)
    assert len(found) == 7
    ordered = found.in_order()
    assert ordered.wrong.tolist() == [False, True, True, True]
    assert set(ordered.judgment.tolist()).isdisjoint(row.pk for row in file)
    # Another's answer at the very same time stays: each has an order of their own.
    assert other.pk in ordered.annotator
