"""The gold manager: made with an answer, retired, put in doubt; and mixed into claims unseen."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from common.errors import Conflict, Forbidden, Invalid
from quality.core.gold_rate import LEAST, MOST, gold_rate
from quality.errors import BadAnswer
from quality.models import Adjudication, Alarm, GoldAnswer, Judgment
from quality.services.adjudicating import decide_adjudication
from quality.services.adjudications import open_adjudication
from quality.services.gold import doubt_gold, make_gold, make_gold_from, retire_gold
from quality.services.mixing import GoldMix, unseen_gold
from quality.services.rightness import Value
from routing.models import TaskType
from tests.conftest import NOW, World
from tests.quality.services.checked import people


@pytest.fixture
def tasks(world: World) -> list[Any]:
    return world.add_tasks(world.add_project(), 12)


@pytest.mark.django_db
def test_an_expert_makes_gold_once(world: World, tasks: list[Any]) -> None:
    gold = make_gold(tasks[0], answer="cat", **world.as_("quality"))
    assert (gold.label, gold.answer, gold.source, gold.set_by) == (
        "cat",
        "cat",
        "expert",
        world.users["quality"],
    )
    assert make_gold(tasks[0], answer="cat", **world.as_("quality")) == gold
    with pytest.raises(Conflict):
        make_gold(tasks[0], answer="dog", **world.as_("quality"))
    with pytest.raises(Forbidden):
        make_gold(tasks[1], answer="cat", **world.by)
    boxes = world.add_tasks(tasks[0].project, 1, task_type=TaskType.objects.get(key="bounding-box"))
    shapes = [{"label": "car", "x": 0, "y": 0, "width": 2, "height": 2}]
    made = make_gold(boxes[0], answer=shapes, **world.as_("quality"))
    assert (made.label, made.answer) == ("", shapes)


@pytest.mark.django_db
@pytest.mark.parametrize("answer", [None, "", "   ", [], {}, {"a": 1}])
def test_gold_without_an_answer_is_refused(world: World, tasks: list[Any], answer: Any) -> None:
    with pytest.raises((Invalid, BadAnswer)):
        make_gold(tasks[0], answer=answer, **world.as_("quality"))
    assert not GoldAnswer.objects.exists()
    with pytest.raises(IntegrityError), transaction.atomic():
        GoldAnswer.objects.create(
            task=tasks[0], source="expert", set_by=world.users["quality"], set_at=NOW
        )


def adjudicated(world: World, task: Any, answer: str, why: str = "asked") -> Adjudication:
    with transaction.atomic():
        row = open_adjudication(task, why=why, **world.by)
    return decide_adjudication(row, answer=answer, reason="seen", **world.as_("quality"))


@pytest.mark.django_db
def test_gold_from_an_adjudication_and_retired(world: World, tasks: list[Any]) -> None:
    with transaction.atomic():
        waiting = open_adjudication(tasks[1], why="asked", **world.by)
    with pytest.raises(Conflict):
        make_gold_from(waiting, **world.as_("quality"))
    row = adjudicated(world, tasks[0], "cat")
    gold = make_gold_from(row, **world.as_("quality"))
    assert (gold.source, gold.adjudication, gold.label) == ("adjudication", row, "cat")
    with pytest.raises(Invalid):
        retire_gold(gold, reason=" ", **world.as_("quality"))
    retired = retire_gold(gold, reason="known to all", **world.as_("quality"))
    assert retired.retired_at == NOW
    again = retire_gold(gold, reason="again", acting_user=world.users["quality"], now=NOW)
    assert again.retire_reason == "known to all"
    assert make_gold(tasks[0], answer="dog", **world.as_("quality")).label == "dog"


@pytest.mark.django_db
def test_a_check_that_contradicts_gold_raises_an_alarm_and_a_person_decides(
    world: World, tasks: list[Any]
) -> None:
    task = tasks[0]
    gold = make_gold(task, answer="cat", **world.as_("quality"))
    with transaction.atomic():
        assert doubt_gold(task, Value("cat", "cat"), **world.by) is None
        assert doubt_gold(tasks[1], Value("dog", "dog"), **world.by) is None
        row = doubt_gold(task, Value("dog", "dog"), **world.by)
        assert doubt_gold(task, Value("dog", "dog"), **world.by) == row
    assert row is not None
    assert (row.why, Alarm.objects.get().kind) == ("gold", "gold")
    # In doubt, it is asked no more.
    assert list(unseen_gold([-1], task.project_id, task.task_type_id, NOW)) == []
    decide_adjudication(row, answer="dog", reason="a tail", **world.as_("quality"))
    gold.refresh_from_db()
    assert gold.retired_at is not None
    fresh = GoldAnswer.objects.get(retired_at__isnull=True)
    assert (fresh.label, fresh.adjudication) == ("dog", row)


@pytest.mark.django_db
def test_gold_that_is_upheld_stands(world: World, tasks: list[Any]) -> None:
    gold = make_gold(tasks[0], answer="cat", **world.as_("quality"))
    with transaction.atomic():
        row = doubt_gold(tasks[0], Value("dog", "dog"), **world.by)
    assert row is not None
    decide_adjudication(row, answer="cat", reason="a cat", **world.as_("quality"))
    gold.refresh_from_db()
    assert gold.retired_at is None
    assert list(unseen_gold([-1], tasks[0].project_id, tasks[0].task_type_id, NOW)) == [tasks[0].pk]


def test_the_rate_follows_the_width_of_the_interval() -> None:
    widths = [gold_rate(0.9 - w, 0.9) for w in (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)]
    assert widths == sorted(widths)
    assert (widths[0], widths[-1], gold_rate(None, None)) == (LEAST, MOST, MOST)
    with pytest.raises(ValueError, match="lower"):
        gold_rate(0.9, 0.8)


@pytest.mark.django_db
def test_gold_is_of_the_same_kind_unseen_and_not_of_a_qualification(
    world: World, tasks: list[Any]
) -> None:
    from quality.models import QualificationItem, QualificationSet

    person, colleague = people(world)[:2]
    other = world.add_tasks(world.add_project("other"), 1)[0]
    for task in (*tasks[:6], other):
        make_gold(task, answer="cat", **world.as_("quality"))
    retire_gold(GoldAnswer.objects.get(task=tasks[5]), reason="worn", **world.as_("quality"))
    # Seen: answered elsewhere, held once and given back, by the colleague who is the same person.
    Judgment.objects.create(
        task=tasks[0],
        annotator=person,
        answer="cat",
        label="cat",
        source="import",
        submitted_at=NOW,
    )
    world.assign(tasks[1], person, state="released", ended_at=NOW)
    world.assign(tasks[2], colleague, state="submitted", ended_at=NOW)
    asked = QualificationSet.objects.create(
        skill=tasks[3].task_type.skill, name="cats", levels={"3": 0.8}, created_at=NOW
    )
    QualificationItem.objects.create(set=asked, task=tasks[3])

    def found(*humans: int) -> list[int]:
        return list(unseen_gold(humans, tasks[0].project_id, tasks[0].task_type_id, NOW))

    assert found(-person.pk) == [tasks[2].pk, tasks[4].pk]
    assert found(-person.pk, -colleague.pk) == [tasks[4].pk]
    mix = GoldMix()
    chance = mix.wanted(annotator_id=person.pk, facts=1, at=NOW)
    assert 0 < chance <= MOST
    picks = {
        mix.pick(
            annotator_id=person.pk,
            luck=2 * chance * place / 199,
            humans=[-person.pk, -colleague.pk],
            project_id=tasks[0].project_id,
            task_type_id=tasks[0].task_type_id,
            besides=[],
            at=NOW,
        )
        for place in range(200)
    }
    assert {pick.task_id for pick in picks if pick is not None} == {tasks[4].pk}
    # With the chance of this skill over the highest, some are left to be ordinary work.
    assert None in picks


@pytest.mark.django_db
def test_the_chance_is_kept_by_the_version_of_the_facts(world: World) -> None:
    person = people(world)[0]
    mix = GoldMix()
    first = mix.wanted(annotator_id=person.pk, facts=1, at=NOW)
    with CaptureQueriesContext(connection) as captured:
        assert mix.wanted(annotator_id=person.pk, facts=1, at=NOW) == first
    assert len(captured) == 0
    with CaptureQueriesContext(connection) as captured:
        mix.wanted(annotator_id=person.pk, facts=2, at=NOW + timedelta(days=1))
    assert len(captured) == 1
