"""Estimating accuracies of a project's annotators, as of a time."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Conflict, Invalid, NotFound
from quality.core import truth
from quality.core.ageing import weights
from quality.models import Estimation, Judgment
from quality.services.answers import Answers, read_answers
from quality.services.effort import speed_factors
from quality.services.facts import gold_in_force, measure_facts
from routing.models import Project, Task
from workforce.models import Annotator, ExternalId, Proficiency, Skill

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
DAY = 86_400.0


@dataclass(frozen=True)
class Accuracies:
    """The two tables of an estimation, in the order of their columns."""

    annotators: list[tuple[str, str, int, int, float, float, float, float, float, float]]
    labels: list[tuple[str, str, float]]


@transaction.atomic
def estimate_accuracy(*, project_key: str, acting_user: User, now: datetime) -> Accuracies:
    """Estimate from the answers and gold in force at `now`; keeps the result as of then.

    Each skill is estimated on its own answers, from gold and agreement, shrunk to all who answered;
    an answer says half as much of its annotator after each half-life (ESTIMATE_HALF_LIFE_DAYS). The
    speed of annotators and the facts of the task types (dispersion, difficulty) are measured and
    kept beside; they do not age. Asked again as of the same time, it returns the same and writes
    nothing.

    Raises
    ------
    NotFound
        If there is no such project.
    Invalid
        If it has no answers yet.
    Conflict
        If another project's estimation stands as of the very same time for the same annotators.
    """
    require(acting_user, "accuracy.estimate")
    project = Project.objects.filter(key=project_key).first()
    if project is None:
        raise NotFound(f"There is no project {project_key}.", what="project")
    answers = read_answers(Judgment.objects.filter(task__project=project).exclude(label=""), now)
    if not len(answers):
        raise Invalid(f"{project_key} has no answers yet.", field="project", rule="answers")
    gold = dict(gold_in_force(now).filter(task__project=project).values_list("task_id", "label"))
    names = _Names(project)
    work = _Work(now, gold, names)
    for skill in np.unique(answers.skill).tolist():
        work.estimate(answers.of_skill(skill), skill)
    if not Estimation.objects.filter(project=project, as_of=now).exists():
        _keep(project, work, acting_user, now)
    return work.found


def _keep(project: Project, work: "_Work", acting_user: User, now: datetime) -> None:
    people = {row.annotator_id for row in work.rows}
    if Proficiency.objects.filter(as_of=now, annotator_id__in=people).exists():
        raise Conflict(
            "Annotators of this project were estimated as of this very time from another one."
        )
    Proficiency.objects.bulk_create(work.rows, batch_size=BATCH)
    types = Task.objects.filter(project=project, judgments__isnull=False).values("task_type_id")
    facts = measure_facts(types.distinct().values_list("task_type_id", flat=True), now)
    estimation = Estimation.objects.create(
        project=project,
        as_of=now,
        version=version(),
        converged=work.converged,
        created_at=now,
        tasks=work.tasks,
        annotators=work.annotators,
        answers=work.answers,
        gold=work.gold_tasks,
    )
    record_event(
        "accuracy.estimated",
        acting_user=acting_user,
        now=now,
        subject="project",
        subject_id=project.public_id,
        estimation=str(estimation.public_id),
        tasks=work.tasks,
        answers=work.answers,
        gold=work.gold_tasks,
        facts=len(facts),
    )


def version() -> str:
    """Return the method, its version, and the half-life in days."""
    days = settings.ESTIMATE_HALF_LIFE_DAYS
    return f"{truth.VERSION}, {'no half-life' if days is None else f'half-life {days} days'}"


class _Names:
    """How the files call tasks, annotators and skills."""

    def __init__(self, project: Project) -> None:
        self.task = dict(Task.objects.filter(project=project).values_list("pk", "external_id"))
        people = Annotator.objects.filter(judgments__task__project=project).distinct()
        self.annotator = {pk: str(public) for pk, public in people.values_list("pk", "public_id")}
        self.annotator.update(
            ExternalId.objects.filter(
                account=project.key, annotator_id__in=people.values("pk")
            ).values_list("annotator_id", "external_id")
        )
        self.skill = dict(Skill.objects.values_list("pk", "key"))


@dataclass
class _Work:
    """The skills of a project, estimated one after the other."""

    now: datetime
    gold: dict[int, str]
    names: _Names
    found: Accuracies = field(default_factory=lambda: Accuracies([], []))
    rows: list[Proficiency] = field(default_factory=list)
    tasks: int = 0
    annotators: int = 0
    answers: int = 0
    gold_tasks: int = 0
    converged: bool = True

    def estimate(self, answers: Answers, skill: int) -> None:
        """Estimate one skill from the answers that are scored under it."""
        tasks, task = np.unique(answers.task, return_inverse=True)
        people, annotator = np.unique(answers.annotator, return_inverse=True)
        held = {row: self.gold[t] for row, t in enumerate(tasks.tolist()) if t in self.gold}
        given = {answers.words[code] for code in np.unique(answers.label).tolist()}
        classes = sorted(given | set(held.values()))
        place = {word: number for number, word in enumerate(classes)}
        label = np.array([place.get(word, -1) for word in answers.words])[answers.label]
        known = np.full(len(tasks), -1)
        for row, word in held.items():
            known[row] = place[word]
        age = (self.now.timestamp() - answers.submitted) / DAY
        result = truth.estimate(
            task,
            annotator,
            label,
            gold=known,
            weight=weights(age, settings.ESTIMATE_HALF_LIFE_DAYS),
        )
        n = np.bincount(annotator, minlength=len(people))
        n_gold = np.bincount(annotator[known[task] >= 0], minlength=len(people))
        speed = speed_factors(answers, self.now)
        for i, person in enumerate(people.tolist()):
            self._person(result, i, person, skill, int(n[i]), int(n_gold[i]), speed)
        best = np.asarray(result.probability.argmax(axis=1)).reshape(-1)
        for row, t in enumerate(tasks.tolist()):
            word = classes[best[row]] if best[row] < len(classes) else classes[0]
            self.found.labels.append(
                (self.names.task[t], word, float(result.probability[row, best[row]]))
            )
        self.tasks += len(tasks)
        self.annotators += len(people)
        self.answers += len(answers)
        self.gold_tasks += len(held)
        self.converged &= result.converged

    def _person(
        self,
        result: truth.TruthEstimate,
        i: int,
        person: int,
        skill: int,
        n: int,
        n_gold: int,
        speed: dict[int, float],
    ) -> None:
        accuracy, lower, upper = (
            float(values[i]) for values in (result.accuracy, result.lower, result.upper)
        )
        rate, rate_lower, rate_upper = (
            float(values[i]) for values in (result.rate, result.rate_lower, result.rate_upper)
        )
        self.found.annotators.append(
            (
                self.names.annotator[person],
                self.names.skill[skill],
                n,
                n_gold,
                accuracy,
                lower,
                upper,
                rate,
                rate_lower,
                rate_upper,
            )
        )
        self.rows.append(
            Proficiency(
                annotator_id=person,
                skill_id=skill,
                as_of=self.now,
                version=version(),
                n=n,
                n_gold=n_gold,
                accuracy=accuracy,
                lower=lower,
                upper=upper,
                rate=rate,
                rate_lower=rate_lower,
                rate_upper=rate_upper,
                speed=speed.get(person, 1.0),
            )
        )
