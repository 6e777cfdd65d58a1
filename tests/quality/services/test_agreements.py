"""Agreement: measured by field, pair, label and version, kept, and an alarm where it is low."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from accounts.models import Job
from accounts.services.jobs import start_job
from audit.models import Event
from common.errors import Forbidden, Invalid
from common.languages import translated
from quality.models import Agreement, Alarm, Judgment
from quality.services.agreements import measure_agreement, measure_everything
from routing.models import Assignment, GuidelineVersion, Project, TaskType
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.quality.services.known import people

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def judge(
    world: World,
    rows: list[list[Any]],
    *,
    key: str = "pairs",
    task_type: str = "image-classification",
    guideline: GuidelineVersion | None = None,
    at: Any = NOW - DAY,
) -> Project:
    """Have people answer tasks: a row per task, an answer per person (None = none)."""
    project = Project.objects.filter(key=key).first() or world.add_project(key)
    kind = TaskType.objects.get(key=task_type)
    tasks = world.add_tasks(project, len(rows), task_type=kind)
    Judgment.objects.bulk_create(
        Judgment(
            task=task,
            annotator=person,
            guideline=guideline,
            answer=answer,
            label=answer if isinstance(answer, str) and kind.metric == "exact" else "",
            source="form",
            submitted_at=at,
        )
        for task, row in zip(tasks, rows, strict=True)
        for person, answer in zip(people(), row, strict=False)
        if answer is not None
    )
    return project


def table(counts: list[list[int]], words: str = "ab") -> list[list[str]]:
    return [
        [words[i], words[j]]
        for i, row in enumerate(counts)
        for j, n in enumerate(row)
        for _k in range(n)
    ]


def measured(world: World, project: Project, later: timedelta = timedelta(0), **values: Any) -> Any:
    task_type = TaskType.objects.get(key=values.pop("task_type", "image-classification"))
    by = {"acting_user": world.users["quality"], "now": NOW + later}
    return measure_agreement(project, task_type, **values, **by)


def figures(row: Agreement, field: str = "") -> dict[str, float]:
    return dict(row.figures.filter(field=field).values_list("measure", "value"))


def test_two_annotators_of_a_textbook(world: World) -> None:
    (row,) = measured(world, judge(world, table([[20, 5], [10, 15]])))
    assert (row.tasks, row.answers, row.annotators) == (50, 100, 2)
    told = figures(row)
    assert told["cohen"] == pytest.approx(0.4)
    assert told["exact"] == pytest.approx(0.7)
    figure = row.figures.get(measure="cohen")
    assert figure.lower < 0.4 < figure.upper
    pair = row.pairs.get()
    assert {pair.first, pair.second} == set(people()[:2])
    assert (pair.units, pair.kappa) == (50, pytest.approx(0.4))
    assert set(row.labels.values_list("label", "answers")) == {("a", 55), ("b", 45)}
    assert row.confused == {"": [["a", "b", pytest.approx(30.0), pytest.approx(1.0)]]}
    event = Event.objects.get(kind="agreement.measured")
    assert event.data["tasks"] == 50


def test_below_the_floor_an_alarm_names_the_labels_confused_most(world: World) -> None:
    rows = table([[20, 1, 8], [1, 20, 0], [7, 0, 20]], "abc")
    project = judge(world, rows)
    (row,) = measured(world, project)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.project, alarm.guideline) == ("agreement", project, None)
    text = translated(alarm.text)
    assert text.startswith("κ is 0.")
    assert "below 0.70; confused most: a and c, a and b" in text
    assert alarm.details["agreement"] == str(row.public_id)
    assert alarm.details["confused"][0]["labels"] == "a – c"
    # Measured again it is the same alarm, raised again only with other figures.
    judge(world, table([[2]]))
    measured(world, project, DAY)
    assert Alarm.objects.get().times == 2


def test_good_or_little_evidence_raises_no_alarm(world: World, settings: Any) -> None:
    measured(world, judge(world, table([[20, 1], [1, 20]])))
    measured(world, judge(world, table([[5, 5], [5, 4]]), key="few"))
    assert not Alarm.objects.exists()
    settings.AGREEMENT_LEAST_TASKS = 19
    measured(world, Project.objects.get(key="few"), DAY)
    assert Alarm.objects.count() == 1


def test_by_guideline_version(world: World) -> None:
    project = world.add_project("pairs")
    first, second = (
        add_guideline(
            project,
            content=f"Version {n}",
            change_note="more" if n > 1 else "",
            effective_from=NOW,
            **world.by,
        )
        for n in (1, 2)
    )
    judge(world, table([[20, 5], [10, 15]]), guideline=first)
    judge(world, table([[20, 1], [1, 20]]), guideline=second)
    rows = measured(world, project)
    assert [row.guideline for row in rows] == [None, first, second]
    assert [row.tasks for row in rows] == [92, 50, 42]
    assert figures(rows[1])["cohen"] == pytest.approx(0.4)
    assert figures(rows[2])["cohen"] == pytest.approx(1 - 4 / 84 / 0.5, abs=0.01)
    assert Alarm.objects.get().guideline == first


def test_members_of_an_answer_are_fields(world: World) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(40):
        label, hidden = "ab"[number % 2], bool(rng.random() < 0.5)
        answer = {"label": label, "hidden": hidden, "size": number, "comment": f"seen {number}"}
        rows.append([answer, {**answer, "size": number + 1, "hidden": hidden or number < 4}])
    project = judge(world, rows)
    Judgment.objects.update(label="x")
    (row,) = measured(world, project)
    assert sorted(set(row.figures.values_list("field", flat=True))) == ["", "hidden", "size"]
    assert figures(row, "size")["difference"] == pytest.approx(1.0)
    assert figures(row, "size")["alpha_interval"] > 0.99
    assert 0.5 < figures(row, "hidden")["cohen"] < 1.0
    assert figures(row)["alpha_nominal"] is None  # all answers have one label


def test_boxes_spans_texts_and_scores(world: World) -> None:
    box = {"x": 0, "y": 0, "width": 10, "height": 10}
    span = {"start": 0, "end": 5, "label": "PER"}
    for key, rows, expected in (
        ("bounding-box", [[[box], [{**box, "width": 5}]]], {"iou": 0.5, "shape_f1": 1.0}),
        ("ner", [[[span], [{**span, "end": 6}]]], {"span_f1": 0.0, "span_overlap": 1.0}),
        ("transcription", [["a b", "a b"]], {"wer": 0.0, "cer": 0.0}),
        ("instruction-tuning", [[["x", "y"], ["y", "x"]]], {"rank": 0.0}),
    ):
        project = judge(world, rows, key=key, task_type=key)
        (row,) = measured(world, project, task_type=key)
        assert figures(row) == pytest.approx(expected), key
        assert row.pairs.get().kappa is None
    assert not Alarm.objects.exists()


def test_the_last_answers_to_work_count(world: World) -> None:
    project = judge(world, table([[1, 0], [0, 2]]))
    person, other = people()[:2]
    (first,) = Judgment.objects.filter(annotator=person, label="a")
    Judgment.objects.create(
        task=first.task,
        annotator=person,
        attempt=2,
        answer="c",
        label="c",
        source="form",
        submitted_at=NOW,
    )
    # Qualification is no work, and the future is not known.
    (tried, late) = judge_one(world, project), judge_one(world, project)
    held = Assignment.objects.create(
        task=tried.task,
        annotator=other,
        human=-other.pk,
        pool=other.pool,
        purpose="qualification",
        day=NOW.date(),
        reserved_at=NOW,
        lease_until=NOW + DAY,
    )
    Judgment.objects.filter(pk=tried.pk).update(assignment=held)
    Judgment.objects.filter(pk=late.pk).update(submitted_at=NOW + MINUTE)
    (row,) = measured(world, project)
    assert (row.tasks, row.answers) == (3, 6)
    assert set(row.labels.values_list("label", flat=True)) == {"a", "b", "c"}


def judge_one(world: World, project: Project) -> Judgment:
    """Have two people answer one more task; returns the second one's answer."""
    judge(world, [["a", "b"]])
    found = Judgment.objects.order_by("-pk").first()
    assert found is not None
    return found


def test_what_stands_as_of_a_time_is_not_measured_again(world: World) -> None:
    project = judge(world, table([[20, 5], [10, 15]]))
    (first,) = measured(world, project)
    events = Event.objects.count()
    assert measured(world, project) == [first]
    assert Event.objects.count() == events
    assert measured(world, project, DAY) != [first]
    with pytest.raises(Invalid, match="two answers"):
        measured(world, judge(world, [["a", None]], key="alone"))


def test_two_at_once_keep_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from quality.services import agreements

    project = judge(world, table([[2, 1], [1, 2]]))
    real, others = agreements._measured, []

    def meanwhile(*args: Any) -> Any:
        if not others:
            others.append(None)
            others.extend(measured(world, project))
        return real(*args)

    monkeypatch.setattr(agreements, "_measured", meanwhile)
    assert measured(world, project) == others[1:]
    assert Agreement.objects.count() == 1


def test_as_a_job_and_all_that_has_answers(
    world: World, django_capture_on_commit_callbacks: Any
) -> None:
    judge(world, table([[20, 5], [10, 15]]))
    judge(world, table([[9, 1], [1, 9]]), key="other")
    judge(world, [["a", None]], key="alone")
    arguments = {"project": "pairs", "task_type": "image-classification"}
    with django_capture_on_commit_callbacks(execute=True):
        job = start_job("agreement", arguments, **world.as_("quality"))
    job = Job.objects.get(pk=job.pk)
    assert job.state == "done", job.error
    assert job.result["measurements"] == 1
    by = {"acting_user": world.users["quality"]}
    assert measure_everything(now=NOW + DAY, **by) == 2
    assert Agreement.objects.filter(as_of=NOW + DAY).count() == 2
    assert measure_everything(now=NOW + 2 * DAY, **by) == 0
    assert measure_everything(now=NOW + 8 * DAY, **by) == 2


def test_only_who_may_measures(world: World) -> None:
    project = judge(world, table([[2, 1], [1, 2]]))
    task_type = TaskType.objects.get(key="image-classification")
    for name in ("finance", "auditor"):
        with pytest.raises(Forbidden):
            measure_agreement(project, task_type, **world.as_(name))
        with pytest.raises(Forbidden):
            start_job("agreement", {}, **world.as_(name))
