"""A skill is estimated from the answers of all projects, and shrunk to the annotator's pool."""

from datetime import timedelta
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from common.errors import Forbidden
from quality.models import Estimation, GoldAnswer, Judgment
from quality.services.accuracy import estimate_accuracy
from quality.services.skills import estimate_skill, estimate_skills
from routing.core.record import unpack
from routing.core.tables import RECORD_TYPES
from routing.models import Project, Run, TaskType
from tests.conftest import NOW, World
from workforce.models import Annotator, Proficiency, Skill

HOUR = timedelta(hours=1)
SKILL = "image-classification"


def people(pool: str) -> list[Annotator]:
    return list(Annotator.objects.filter(pool__key=pool).order_by("pk"))


def answer(
    world: World,
    key: str,
    rates: dict[Annotator, float],
    *,
    tasks: int,
    classes: str = "ab",
    gold: float = 1.0,
    seed: int = 0,
    task_type: str = "image-classification",
    ago: timedelta = HOUR,
) -> dict[int, float]:
    """Have people answer every task of a project, right at their rates; return shares right."""
    project = Project.objects.filter(key=key).first() or world.add_project(key)
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(classes), tasks)
    rows = world.add_tasks(project, tasks, task_type=TaskType.objects.get(key=task_type))
    right, judgments = {person.pk: 0 for person in rates}, []
    for row, true in zip(rows, truth.tolist(), strict=True):
        for person, rate in rates.items():
            good = rng.random() < rate
            right[person.pk] += good
            label = classes[true if good else (true + 1) % len(classes)]
            judgments.append(
                Judgment(
                    task=row,
                    annotator=person,
                    answer=label,
                    label=label,
                    source="import",
                    submitted_at=NOW - ago,
                )
            )
    Judgment.objects.bulk_create(judgments)
    GoldAnswer.objects.bulk_create(
        GoldAnswer(
            task=row,
            label=classes[true],
            source="expert",
            set_by=world.users["quality"],
            set_at=NOW - ago,
        )
        for row, true in list(zip(rows, truth.tolist(), strict=True))[: round(gold * tasks)]
    )
    return {pk: count / tasks for pk, count in right.items()}


def estimated(world: World, key: str, hours: int = 0) -> dict[str, tuple[Any, ...]]:
    """Estimate a project and return its annotators' rows by public id."""
    now = NOW + hours * HOUR
    found = estimate_accuracy(project_key=key, acting_user=world.users["quality"], now=now)
    return {row[0]: row for row in found.annotators}


def test_a_few_answers_elsewhere_do_not_override_many(world: World) -> None:
    person, *others = people("in-house")
    answer(world, "big", {person: 0.9, **dict.fromkeys(others, 0.8)}, tasks=400)
    answer(world, "small", {person: 0.0}, tasks=5, seed=1)
    row = estimated(world, "small")[str(person.public_id)]
    assert row[1:4] == (SKILL, 405, 405)
    share = np.mean([j.label == j.task.gold.get().label for j in person.judgments.all()])
    assert row[4] == pytest.approx(share)
    assert row[7] == pytest.approx(0.89, abs=0.03)
    # The big project's people stand estimated by the same pass.
    assert set(estimated(world, "big")) == {str(p.public_id) for p in (person, *others)}
    assert Proficiency.objects.filter(as_of=NOW).count() == 4


def test_planted_rates_over_two_projects_and_two_pools(world: World) -> None:
    """Two pools, each at home in one project and guests in the other; a tenth of it gold."""
    for number in range(4):
        world.add_person("in-house", f"more {number}")
        world.add_person("alpha", f"alpha more {number}")
    own, bought = people("in-house"), people("alpha")
    planted = {
        **dict(zip(own, np.linspace(0.86, 0.98, len(own)), strict=True)),
        **dict(zip(bought, np.linspace(0.6, 0.8, len(bought)), strict=True)),
    }
    first = {p: planted[p] for p in (*own, *bought[:3])}
    second = {p: planted[p] for p in (*bought, *own[:3])}
    shares = [
        answer(world, "first", first, tasks=150, gold=0.1),
        answer(world, "second", second, tasks=150, gold=0.1, classes="wxyz", seed=1),
    ]
    newcomers = world.add_person("in-house", "new own"), world.add_person("alpha", "new bought")
    answer(world, "tiny", dict.fromkeys(newcomers, 1.0), tasks=2, seed=2)
    (found,) = estimate_skills(**world.as_("quality"))
    assert (found.skill, found.blocks, found.annotators) == (SKILL, 3, len(planted) + 2)
    rows = {row.annotator_id: row for row in Proficiency.objects.filter(as_of=NOW)}
    inside, held = [], []
    for person, rate in planted.items():
        row = rows[person.pk]
        given = [block[person.pk] for block in shares if person.pk in block]
        assert row.n == 150 * len(given)
        share = float(np.mean(given))
        inside.append(row.lower <= share <= row.upper)
        held.append(row.rate_lower <= rate <= row.rate_upper)
        assert row.rate == pytest.approx(rate, abs=0.12)
    assert np.mean(inside) >= 0.85
    assert np.mean(held) >= 0.85
    # Two answers each, all right: what is known of them is their pool.
    new_own, new_bought = (rows[person.pk] for person in newcomers)
    assert new_own.rate - new_bought.rate > 0.12
    assert new_own.rate == pytest.approx(0.92, abs=0.05)
    assert new_bought.rate == pytest.approx(0.72, abs=0.07)
    assert new_bought.rate_upper - new_bought.rate_lower > 0.1


def test_labels_of_projects_are_not_mixed(world: World) -> None:
    """One project calls right what the other calls wrong; each is estimated as if alone."""
    crew = dict.fromkeys(people("in-house"), 0.85)
    answer(world, "first", crew, tasks=80, gold=0.2)
    alone = estimate_accuracy(project_key="first", acting_user=world.users["quality"], now=NOW)
    answer(world, "second", crew, tasks=80, gold=0.2, classes="ba", seed=1)
    answer(world, "second", crew, tasks=30, task_type="sentiment", classes="ab", seed=2)
    later = NOW + HOUR
    found = estimate_accuracy(project_key="first", acting_user=world.users["quality"], now=later)
    assert [row[:2] for row in found.labels] == [row[:2] for row in alone.labels]
    assert [row[2] for row in found.labels] == pytest.approx(
        [row[2] for row in alone.labels], abs=1e-4
    )
    assert {row[2] for row in found.annotators} == {160}
    assert Estimation.objects.filter(as_of=later).count() == 2
    second = estimate_accuracy(project_key="second", acting_user=world.users["quality"], now=later)
    # Its other task type is scored under another skill.
    assert len(second.labels) == 110
    assert {row[1] for row in second.annotators} == {
        SKILL,
        TaskType.objects.get(key="sentiment").skill.key,
    }


def test_projects_that_share_annotators_at_one_time(world: World) -> None:
    crew = dict.fromkeys(people("in-house"), 0.8)
    answer(world, "first", crew, tasks=40)
    answer(world, "second", crew, tasks=20, seed=1)
    first = estimated(world, "first")
    events = Event.objects.count()
    assert estimated(world, "second") == first
    assert estimated(world, "first") == first
    assert estimate_skills(**world.as_("quality")) == []
    assert Proficiency.objects.filter(as_of=NOW).count() == 4
    assert Estimation.objects.count() == 2
    assert Event.objects.count() == events


def test_who_comes_late_as_of_the_same_time_is_added(world: World) -> None:
    first, second, *_ = people("in-house")
    answer(world, "first", {first: 0.8}, tasks=40)
    before = estimated(world, "first")[str(first.public_id)]
    answer(world, "second", {first: 0.2, second: 0.9}, tasks=40, seed=1)
    after = estimated(world, "second")
    # What a run may have read as of that time stays; the next time counts all.
    assert after[str(first.public_id)] == before
    assert after[str(second.public_id)][2] == 40
    assert estimated(world, "second", hours=1)[str(first.public_id)][2] == 80


def test_two_at_once_write_one_estimate(world: World) -> None:
    """Another process estimates as of the same time while this one has read, but not written."""
    answer(world, "first", dict.fromkeys(people("in-house"), 0.8), tasks=40)
    skill = Skill.objects.get(key=SKILL)
    others = []

    def meanwhile(_labels: object) -> None:
        others.append(estimate_skill(skill, **world.as_("quality")))

    mine = estimate_skill(skill, seen=meanwhile, **world.as_("quality"))
    assert [other.written for other in others] == [4]
    assert mine.written == 0
    assert Proficiency.objects.filter(as_of=NOW).count() == 4
    assert Estimation.objects.count() == 1


def test_the_next_run_reads_the_rate_of_all_projects(world: World) -> None:
    person, *others = people("in-house")
    answer(world, "big", {person: 0.7, **dict.fromkeys(others, 0.9)}, tasks=200)
    answer(world, "small", {person: 1.0}, tasks=4, seed=1)
    estimated(world, "small")
    world.add_tasks(world.add_project(), 3)
    world.route("street")
    run = Run.objects.get()
    read = unpack(bytes(run.record.inputs), *RECORD_TYPES)
    rows = Proficiency.objects.filter(as_of=NOW)
    # The house's four work the same hours and are one crew, by the mean of their rates.
    (crew,) = np.flatnonzero(np.array(read.pools.key)[read.crews.pool] == "in-house")
    assert read.crews.rate[crew].tolist() == pytest.approx([np.mean([r.rate for r in rows])])
    low = [np.mean([r.rate_lower for r in rows])]
    assert read.crews.rate_lower[crew].tolist() == pytest.approx(low)
    mine = rows.get(annotator=person)
    assert mine.n == 204
    assert mine.rate == pytest.approx(mine.accuracy, abs=0.04)


def test_a_single_answer_without_gold_is_no_knowledge(world: World) -> None:
    person = people("in-house")[0]
    answer(world, "one", {person: 1.0}, tasks=1, gold=0)
    (row,) = estimated(world, "one").values()
    n, n_gold, accuracy, lower, upper, rate, rate_lower, rate_upper = row[2:]
    assert (n, n_gold, lower, upper) == (1, 0, 0.0, 1.0)
    assert 0.5 < accuracy < 0.9
    assert rate_lower < 0.3 < rate < 0.9 < rate_upper


def test_all_skills_by_command(world: World) -> None:
    out = StringIO()
    call_command("estimate_accuracy", "--all", stdout=out)
    assert out.getvalue() == "No judgment has a label yet.\n"
    crew = dict.fromkeys(people("in-house"), 0.8)
    answer(world, "first", crew, tasks=10)
    answer(world, "second", crew, tasks=10, task_type="sentiment", gold=0.5, seed=1)
    out = StringIO()
    call_command("estimate_accuracy", "--all", stdout=out)
    lines = out.getvalue().splitlines()
    assert f"{SKILL}: 4 annotators from 40 answers to 10 tasks in 1 blocks, 10 tasks" in lines[0]
    assert len(lines) == 2
    with pytest.raises(CommandError, match="one --project"):
        call_command("estimate_accuracy", "--all", "--labels", "out.csv")


def test_only_who_may_estimate_does(world: World) -> None:
    with pytest.raises(Forbidden):
        estimate_skills(**world.as_("finance"))
    with pytest.raises(Forbidden):
        estimate_skill(Skill.objects.get(key=SKILL), **world.as_("finance"))
