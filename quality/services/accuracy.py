"""Estimating accuracies of a project's annotators, as of a time."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Conflict, Invalid, NotFound
from quality.core import truth
from quality.models import Estimation, GoldAnswer, Judgment
from routing.models import Project
from workforce.models import ExternalId, Proficiency

ANNOTATOR_COLUMNS = (
    "annotator",
    "skill",
    "n",
    "n_gold",
    "accuracy",
    "lower",
    "upper",
    "rate",
    "rate_lower",
    "rate_upper",
)
LABEL_COLUMNS = ("task", "label", "probability")
BATCH = 2_000


@dataclass(frozen=True)
class Accuracies:
    """The two tables of an estimation, in the order of their columns."""

    annotators: list[tuple[str, str, int, int, float, float, float, float, float, float]]
    labels: list[tuple[str, str, float]]


@transaction.atomic
def estimate_accuracy(*, project_key: str, acting_user: User, now: datetime) -> Accuracies:
    """Estimate from the answers and gold in force at `now`; keeps the result as of then.

    Each skill is estimated on its own answers, from gold and agreement, shrunk to all who answered.

    Raises
    ------
    NotFound
        If there is no such project.
    Invalid
        If it has no answers yet.
    Conflict
        If there is an estimation as of the very same time.
    """
    require(acting_user, "accuracy.estimate")
    project = Project.objects.filter(key=project_key).first()
    if project is None:
        raise NotFound(f"There is no project {project_key}.", what="project")
    if Estimation.objects.filter(project=project, as_of=now).exists():
        raise Conflict("There is an estimation as of this time.")
    rows = list(
        Judgment.objects.filter(task__project=project, submitted_at__lte=now)
        .exclude(label="")
        .order_by("task_id", "annotator_id", "attempt")
        .values_list("task_id", "annotator_id", "label", "task__task_type__skill_id")
    )
    if not rows:
        raise Invalid(f"{project_key} has no answers yet.", field="project", rule="answers")
    # Of several attempts the last one counts.
    last = {(t, w): (label, skill) for t, w, label, skill in rows}
    gold = dict(
        GoldAnswer.objects.filter(
            task__project=project, retired_at__isnull=True, set_at__lte=now
        ).values_list("task_id", "label")
    )
    names = _Names(project)
    found = Accuracies([], [])
    totals = {"tasks": 0, "annotators": 0, "answers": 0, "gold": 0}
    converged = True
    for skill in sorted({skill for _label, skill in last.values()}):
        answers = [(t, w, label) for (t, w), (label, s) in last.items() if s == skill]
        converged &= _one_skill(answers, gold, skill, names, found, totals, now)
    estimation = Estimation.objects.create(
        project=project,
        as_of=now,
        version=truth.VERSION,
        converged=converged,
        created_at=now,
        **totals,
    )
    record_event(
        "accuracy.estimated",
        acting_user=acting_user,
        now=now,
        subject="project",
        subject_id=project.public_id,
        estimation=str(estimation.public_id),
        tasks=totals["tasks"],
        answers=totals["answers"],
        gold=totals["gold"],
    )
    return found


class _Names:
    """How the files call tasks, annotators and skills."""

    def __init__(self, project: Project) -> None:
        from routing.models import Task
        from workforce.models import Annotator, Skill

        self.task = dict(Task.objects.filter(project=project).values_list("pk", "external_id"))
        people = Annotator.objects.filter(judgments__task__project=project).distinct()
        self.annotator = {pk: str(public) for pk, public in people.values_list("pk", "public_id")}
        self.annotator.update(
            ExternalId.objects.filter(
                account=project.key, annotator_id__in=self.annotator
            ).values_list("annotator_id", "external_id")
        )
        self.skill = dict(Skill.objects.values_list("pk", "key"))


def _one_skill(
    answers: list[tuple[int, int, str]],
    gold: dict[int, str],
    skill: int,
    names: _Names,
    found: Accuracies,
    totals: dict[str, int],
    now: datetime,
) -> bool:
    tasks = sorted({t for t, _w, _l in answers})
    people = sorted({w for _t, w, _l in answers})
    held = {t: gold[t] for t in tasks if t in gold}
    classes = sorted({label for _t, _w, label in answers} | set(held.values()))
    task_at = {t: i for i, t in enumerate(tasks)}
    person_at = {w: i for i, w in enumerate(people)}
    class_at = {label: i for i, label in enumerate(classes)}
    task = np.array([task_at[t] for t, _w, _l in answers])
    annotator = np.array([person_at[w] for _t, w, _l in answers])
    label = np.array([class_at[x] for _t, _w, x in answers])
    known = np.full(len(tasks), -1)
    for t, word in held.items():
        known[task_at[t]] = class_at[word]
    result = truth.estimate(task, annotator, label, gold=known)
    n = np.bincount(annotator, minlength=len(people))
    n_gold = np.bincount(annotator[known[task] >= 0], minlength=len(people))
    rows = []
    for i, person in enumerate(people):
        six = tuple(
            float(getattr(result, name)[i])
            for name in ("accuracy", "lower", "upper", "rate", "rate_lower", "rate_upper")
        )
        found.annotators.append(
            (names.annotator[person], names.skill[skill], int(n[i]), int(n_gold[i]), *six)  # type: ignore[arg-type]
        )
        rows.append(
            Proficiency(
                annotator_id=person,
                skill_id=skill,
                as_of=now,
                version=truth.VERSION,
                n=int(n[i]),
                n_gold=int(n_gold[i]),
                accuracy=six[0],
                lower=six[1],
                upper=six[2],
                rate=six[3],
                rate_lower=six[4],
                rate_upper=six[5],
            )
        )
    Proficiency.objects.bulk_create(rows, batch_size=BATCH)
    best = np.asarray(result.probability.argmax(axis=1)).reshape(-1)
    for i, t in enumerate(tasks):
        word = classes[best[i]] if best[i] < len(classes) else classes[0]
        found.labels.append((names.task[t], word, float(result.probability[i, best[i]])))
    totals["tasks"] += len(tasks)
    totals["annotators"] += len(people)
    totals["answers"] += len(answers)
    totals["gold"] += len(held)
    return result.converged
