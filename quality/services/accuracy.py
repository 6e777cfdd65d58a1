"""The labels of a project and the accuracies of its annotators, as of a time."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from common.errors import Invalid, NotFound
from quality.models import Judgment
from quality.services.blocks import Labels, blocks, estimate_blocks
from quality.services.skills import estimate_skill, stands, who_answered
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


@dataclass(frozen=True)
class Accuracies:
    """The two tables of an estimation, in the order of their columns."""

    annotators: list[tuple[str, str, int, int, float, float, float, float, float, float]] = field(
        default_factory=list
    )
    labels: list[tuple[str, str, float]] = field(default_factory=list)


def estimate_accuracy(*, project_key: str, acting_user: User, now: datetime) -> Accuracies:
    """Estimate the labels of a project, and the skills that its work is scored under.

    A skill is estimated from the answers of all projects (see `skills.estimate_skill`); the table
    names those who answered in this one, with all their answers counted. A skill that stands
    estimated as of `now` is not written again: asked twice as of one time, this returns the same.

    Raises
    ------
    NotFound
        If there is no such project.
    Invalid
        If it has no answers yet.
    """
    require(acting_user, "accuracy.estimate")
    project = Project.objects.filter(key=project_key).first()
    if project is None:
        raise NotFound(
            _("There is no project %(project_key)s.") % {"project_key": project_key}, what="project"
        )
    given = Judgment.objects.filter(task__project=project, submitted_at__lte=now)
    if not given.exclude(label="").exists():
        raise Invalid(
            _("%(project_key)s has no answers yet.") % {"project_key": project_key},
            field="project",
            rule="answers",
        )
    found = Accuracies()
    own = blocks(project=project.pk)
    names = dict(Task.objects.filter(project=project).values_list("pk", "external_id"))

    def keep(labels: Labels) -> None:
        if labels.block in own:
            found.labels.extend(_labels(labels, names))

    for skill in Skill.objects.filter(pk__in={block.skill for block in own}).order_by("pk"):
        if stands(skill, now, project=project.pk):
            for labels, _sums in estimate_blocks([b for b in own if b.skill == skill.pk], now):
                keep(labels)
        else:
            estimate_skill(skill, acting_user=acting_user, now=now, seen=keep)
        found.annotators.extend(_annotators(project, skill, now))
    return found


def _labels(labels: Labels, names: dict[int, str]) -> list[tuple[str, str, float]]:
    return [
        (names[task], labels.classes[label], probability)
        for task, label, probability in zip(
            labels.task.tolist(), labels.label.tolist(), labels.probability.tolist(), strict=True
        )
    ]


def _annotators(
    project: Project, skill: Skill, now: datetime
) -> list[tuple[str, str, int, int, float, float, float, float, float, float]]:
    people = set(who_answered(skill, now, project=project.pk).tolist())
    # By the file's own name where the answers came in by file.
    names = dict(
        ExternalId.objects.filter(account=project.key).values_list("annotator_id", "external_id")
    )
    public = Annotator.objects.values_list("pk", "public_id")
    names = {pk: names.get(pk, str(public_id)) for pk, public_id in public if pk in people}
    rows = Proficiency.objects.filter(skill=skill, as_of=now).order_by("annotator_id")
    return [
        (names[person], skill.key, *values)
        for person, *values in rows.values_list("annotator_id", *ANNOTATOR_COLUMNS[2:])
        if person in people
    ]
