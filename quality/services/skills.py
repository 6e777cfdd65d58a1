"""Estimating a skill: everybody's accuracy, rate and speed from all judgments scored under it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from quality.core import truth
from quality.core.truth_pools import combine
from quality.models import Estimation, Judgment
from quality.services.answers import Ints, read_ids
from quality.services.blocks import Labels, Sums, blocks, estimate_blocks
from quality.services.effort import speed_factors
from quality.services.facts import measure_facts
from workforce.models import Annotator, Proficiency, Skill
from workforce.services.proficiencies import record_proficiencies


@dataclass(frozen=True)
class SkillEstimate:
    """What an estimation of a skill read, and of how many annotators it wrote something."""

    skill: str
    blocks: int
    tasks: int
    answers: int
    gold: int
    annotators: int
    written: int


def version() -> str:
    """Return the method, its version, and the half-life in days."""
    days = settings.ESTIMATE_HALF_LIFE_DAYS
    return f"{truth.VERSION}, {'no half-life' if days is None else f'half-life {days} days'}"


def who_answered(skill: Skill, now: datetime, *, project: int | None = None) -> Ints:
    """Return the ids of all who answered under a skill by `now` (in a project), ascending."""
    given = Judgment.objects.filter(task__task_type__skill=skill, submitted_at__lte=now)
    if project is not None:
        given = given.filter(task__project_id=project)
    return read_ids(given.exclude(label=""), "annotator_id")


def stands(skill: Skill, now: datetime, *, project: int | None = None) -> bool:
    """Tell whether all who answered (in a project) have an estimate of the skill as of `now`."""
    if not Estimation.objects.filter(skill=skill, as_of=now).exists():
        return False
    have = read_ids(Proficiency.objects.filter(skill=skill, as_of=now), "annotator_id")
    return bool(np.isin(who_answered(skill, now, project=project), have).all())


def estimate_skills(*, acting_user: User, now: datetime) -> list[SkillEstimate]:
    """Estimate every skill that has answers, each in a transaction of its own.

    Skills that stand estimated as of `now` are left as they are and not returned.
    """
    require(acting_user, "accuracy.estimate")
    ids = {block.skill for block in blocks()}
    found = [
        estimate_skill(skill, acting_user=acting_user, now=now)
        for skill in Skill.objects.filter(pk__in=ids).order_by("key")
        if not stands(skill, now)
    ]
    return [estimate for estimate in found if estimate.answers]


def estimate_skill(
    skill: Skill,
    *,
    acting_user: User,
    now: datetime,
    seen: Callable[[Labels], None] | None = None,
) -> SkillEstimate:
    """Estimate all annotators of a skill from the answers and gold in force at `now`; keep it.

    Labels are estimated block by block, for projects do not share classes. What the blocks tell of
    an annotator is added up, and the rate is shrunk to the annotator's pool. An answer says half as
    much of its annotator after each half-life (ESTIMATE_HALF_LIFE_DAYS). The speed of annotators
    and the facts of the task types (dispersion, difficulty) are measured and kept beside; they do
    not age. What stands as of the very same time is left, whoever wrote it; only annotators who
    have nothing as of then are added.

    Parameters
    ----------
    seen : is shown the labels of every block, which are not kept
    """
    require(acting_user, "accuracy.estimate")
    parts: list[Sums] = []
    for labels, sums in estimate_blocks(blocks(skill=skill.pk), now):
        if seen is not None:
            seen(labels)
        parts.append(sums)
    rows = _proficiencies(skill, parts, now)
    # Reading and estimating takes its time and writes nothing; what is written, is at once.
    with transaction.atomic():
        made = record_proficiencies(rows, acting_user=acting_user, now=now)
        kept = _keep_blocks(parts, now)
        facts = measure_facts({part.block.task_type for part in parts}, now)
        done = SkillEstimate(
            skill=skill.key,
            blocks=len(parts),
            tasks=sum(part.tasks for part in parts),
            answers=sum(part.answers for part in parts),
            gold=sum(part.gold for part in parts),
            annotators=len(rows),
            written=len(made),
        )
        if made or kept:
            record_event(
                "accuracy.estimated",
                acting_user=acting_user,
                now=now,
                subject="skill",
                subject_id=skill.key,
                estimations=[str(row.public_id) for row in kept],
                facts=len(facts),
                **asdict(done),
            )
    return done


def _proficiencies(skill: Skill, parts: Sequence[Sums], now: datetime) -> list[Proficiency]:
    if not parts:
        return []
    people = np.unique(np.concatenate([part.annotator for part in parts]))
    places = [np.searchsorted(people, part.annotator) for part in parts]
    pool_of = dict(Annotator.objects.values_list("pk", "pool_id"))
    _pools, pool = np.unique([pool_of[person] for person in people.tolist()], return_inverse=True)
    found = combine([part.tally for part in parts], places, pool)
    n, n_gold = np.zeros(len(people), dtype=np.int64), np.zeros(len(people), dtype=np.int64)
    for part, place in zip(parts, places, strict=True):
        n[place] += part.n
        n_gold[place] += part.n_gold
    speed = speed_factors([part.durations for part in parts])
    return [
        Proficiency(
            annotator_id=person,
            skill=skill,
            as_of=now,
            version=version(),
            n=int(n[i]),
            n_gold=int(n_gold[i]),
            speed=speed.get(person, 1.0),
            **{name: float(values[i]) for name, values in vars(found).items()},
        )
        for i, person in enumerate(people.tolist())
    ]


def _keep_blocks(parts: Sequence[Sums], now: datetime) -> list[Estimation]:
    have = set(Estimation.objects.filter(as_of=now).values_list("project_id", "task_type_id"))
    return Estimation.objects.bulk_create(
        Estimation(
            skill_id=part.block.skill,
            project_id=part.block.project,
            task_type_id=part.block.task_type,
            as_of=now,
            version=version(),
            tasks=part.tasks,
            annotators=len(part.annotator),
            answers=part.answers,
            gold=part.gold,
            converged=part.converged,
            created_at=now,
        )
        for part in parts
        if (part.block.project, part.block.task_type) not in have
    )
