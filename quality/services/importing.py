"""Importing answers that were given elsewhere, with their gold if there is some."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.permissions import require
from accounts.services.users import house
from audit.services.events import digest_of, record_event
from common.errors import Invalid
from common.files import Refusal, rows_of
from quality.choices import GoldSource, JudgmentSource
from quality.models import GoldAnswer, Judgment
from routing.choices import TaskState
from routing.models import Project, Task, TaskType
from routing.services.catalogue import load_catalogue
from routing.services.task_states import move_tasks
from workforce.choices import Platform, PoolKind
from workforce.models import Annotator, ExternalId, Pool

TASK_TYPE = "image-classification"
CURRENCY = "EUR"
BATCH = 2_000
LABEL = 200


@dataclass(frozen=True)
class Imported:
    """What an import made, and what was there already."""

    tasks: int
    annotators: int
    judgments: int
    unchanged: int
    gold: int


@transaction.atomic
def import_judgments(
    path: Path,
    *,
    project_key: str,
    gold_path: Path | None = None,
    acting_user: User,
    now: datetime,
) -> Imported:
    """Import answers (columns question, worker, answer) and gold (question, truth).

    Makes what is missing: the project (image classification), tasks, and annotators of the
    in-house pool without a login. The same file twice changes nothing.

    Raises
    ------
    Invalid
        If a row cannot be read, or gives a second answer (or truth) that differs from the first:
        nothing is written then.
    """
    require(acting_user, "judgments.import")
    if gold_path is not None:
        require(acting_user, "gold.manage")
    answers = _answers(path)
    truths = _truths(gold_path) if gold_path is not None else {}
    project = _project(project_key, acting_user, now)
    tasks, made_tasks = _tasks(project, [*(q for q, _w in answers), *truths], now)
    people, made_people = _annotators(project, {w for _q, w in answers})
    made, unchanged = _write_answers(answers, tasks, people, now)
    answered = {tasks[q] for q, _w in answers}
    move_tasks(
        sorted(answered),
        from_state=TaskState.OPEN,
        to_state=TaskState.ANSWERED,
        reason=gettext_noop("answers imported"),
        acting_user=acting_user,
        now=now,
    )
    gold = _write_gold(truths, tasks, acting_user, now)
    if made or made_tasks or gold:
        record_event(
            "judgments.imported",
            acting_user=acting_user,
            now=now,
            subject="project",
            subject_id=project.public_id,
            judgments=made,
            tasks=made_tasks,
            annotators=made_people,
            gold=gold,
            digest=digest_of(f"{q}\x1f{w}\x1f{a}" for (q, w), a in answers.items()),
        )
    return Imported(made_tasks, made_people, made, unchanged, gold)


def _cell(row: dict[str, object], name: str, number: int) -> str:
    value = str(row[name] if row[name] is not None else "").strip()
    if not value:
        raise Invalid(
            _("Row %(number)s, %(name)s: it is empty.") % {"number": number, "name": name},
            field=name,
            row=number,
            rule="required",
        )
    if len(value) > LABEL or "\x00" in value:
        raise Invalid(
            _("Row %(number)s, %(name)s: it has %(value)s characters, %(label)s are allowed.")
            % {"number": number, "name": name, "value": format(len(value), ","), "label": LABEL},
            field=name,
            row=number,
            rule="length",
        )
    return value


def _answers(path: Path) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for number, row in rows_of(path, required=("question", "worker", "answer")):
        if isinstance(row, Refusal):
            raise Invalid(str(row), field=row.field, row=row.row, rule=row.rule)
        question, worker = _cell(row, "question", number), _cell(row, "worker", number)
        answer = _cell(row, "answer", number)
        before = found.setdefault((question, worker), answer)
        if before != answer:
            raise _second(number, question, worker, before, answer)
    return found


def _second(number: int, question: str, worker: str, before: str, answer: str) -> Invalid:
    return Invalid(
        _(
            "Row %(number)s, answer: %(worker)s has answered question %(question)s with "
            "%(before)s; a second answer %(answer)s is refused."
        )
        % {
            "number": number,
            "worker": worker,
            "question": question,
            "before": repr(before),
            "answer": repr(answer),
        },
        field="answer",
        row=number,
        rule="one_answer",
    )


def _truths(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, row in rows_of(path, required=("question", "truth")):
        if isinstance(row, Refusal):
            raise Invalid(str(row), field=row.field, row=row.row, rule=row.rule)
        question, truth = _cell(row, "question", number), _cell(row, "truth", number)
        if found.setdefault(question, truth) != truth:
            raise Invalid(
                _("Row %(number)s, truth: question %(question)s has the truth %(entry)s already.")
                % {"number": number, "question": question, "entry": repr(found[question])},
                field="truth",
                row=number,
                rule="one_truth",
            )
    return found


def _project(key: str, acting_user: User, now: datetime) -> Project:
    load_catalogue(acting_user=acting_user, now=now)
    project = Project.objects.filter(key=key).first()
    if project is None:
        project = Project(key=key, name=key, currency=CURRENCY)
        project.full_clean(exclude=["public_id"])
        project.save()
        record_event(
            "project.made",
            acting_user=acting_user,
            now=now,
            subject="project",
            subject_id=project.public_id,
        )
    return project


def _tasks(project: Project, questions: Iterable[str], now: datetime) -> tuple[dict[str, int], int]:
    wanted = list(dict.fromkeys(questions))
    task_type = TaskType.objects.get(key=TASK_TYPE)
    known = dict(Task.objects.filter(project=project).values_list("external_id", "pk"))
    missing = [question for question in wanted if question not in known]
    made = Task.objects.bulk_create(
        [
            Task(
                project=project,
                external_id=question,
                task_type=task_type,
                created_at=now,
                source="import",
            )
            for question in missing
        ],
        batch_size=BATCH,
    )
    known.update((task.external_id, task.pk) for task in made)
    return {question: known[question] for question in wanted}, len(made)


def in_house_pool() -> Pool:
    """Return the in-house pool, made when there is none; the first by key where there are more."""
    pool = Pool.objects.filter(kind=PoolKind.IN_HOUSE, is_active=True).order_by("key").first()
    if pool is None:
        pool = Pool.objects.create(
            key="in-house", name="In-house", kind=PoolKind.IN_HOUSE, currency=CURRENCY, country="DE"
        )
    return pool


def _annotators(project: Project, workers: set[str]) -> tuple[dict[str, int], int]:
    # The same id in another file is another person: ids are kept under the project's key.
    known = dict(
        ExternalId.objects.filter(platform=Platform.FILE, account=project.key).values_list(
            "external_id", "annotator_id"
        )
    )
    missing = sorted(workers - set(known))
    if missing:
        pool, employer = in_house_pool(), house()
        people = Annotator.objects.bulk_create(
            [
                Annotator(
                    organisation=employer,
                    pool=pool,
                    name=f"{project.key} {worker}"[:200],
                    source="import",
                )
                for worker in missing
            ],
            batch_size=BATCH,
        )
        ExternalId.objects.bulk_create(
            [
                ExternalId(
                    annotator=person,
                    platform=Platform.FILE,
                    account=project.key,
                    external_id=worker,
                )
                for person, worker in zip(people, missing, strict=True)
            ],
            batch_size=BATCH,
        )
        known.update(zip(missing, (person.pk for person in people), strict=True))
    return known, len(missing)


def _write_answers(
    answers: dict[tuple[str, str], str],
    tasks: dict[str, int],
    people: dict[str, int],
    now: datetime,
) -> tuple[int, int]:
    wanted = {(tasks[q], people[w]): (q, w, answer) for (q, w), answer in answers.items()}
    before = {
        (task, annotator): label
        for task, annotator, label in Judgment.objects.filter(
            task__project_id__in=Task.objects.filter(pk__in=list(tasks.values())[:1]).values(
                "project_id"
            )
        )
        .order_by("attempt")
        .values_list("task_id", "annotator_id", "label")
    }
    for key, (question, worker, answer) in wanted.items():
        if key in before and before[key] != answer:
            number = list(answers).index((question, worker)) + 2
            raise _second(number, question, worker, before[key], answer)
    new = [
        Judgment(
            task_id=key[0],
            annotator_id=key[1],
            answer=answer,
            label=answer,
            source=JudgmentSource.IMPORT,
            submitted_at=now,
        )
        for key, (_q, _w, answer) in wanted.items()
        if key not in before
    ]
    Judgment.objects.bulk_create(new, batch_size=BATCH)
    return len(new), len(wanted) - len(new)


def _write_gold(
    truths: dict[str, str], tasks: dict[str, int], acting_user: User, now: datetime
) -> int:
    if not truths:
        return 0
    before = dict(
        GoldAnswer.objects.filter(
            task_id__in=[tasks[question] for question in truths], retired_at__isnull=True
        ).values_list("task_id", "label")
    )
    for row, (question, truth) in enumerate(truths.items(), start=2):
        held = before.get(tasks[question])
        if held is not None and held != truth:
            raise Invalid(
                _(
                    "Row %(row)s, truth: question %(question)s has the gold answer %(held)s; "
                    "retire it first."
                )
                % {"row": row, "question": question, "held": repr(held)},
                field="truth",
                row=row,
                rule="one_truth",
            )
    new = [
        GoldAnswer(
            task_id=tasks[question],
            label=truth,
            source=GoldSource.IMPORT,
            set_by=acting_user,
            set_at=now,
        )
        for question, truth in truths.items()
        if tasks[question] not in before
    ]
    GoldAnswer.objects.bulk_create(new, batch_size=BATCH)
    return len(new)
