"""Learning by night: effort, then every skill with its facts, then output, all as of one instant.

The instant is the beginning of the operation's day, so that a second beat, a second worker or a
worker that takes over finds what stands and adds what is missing: run twice, it changes nothing.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.choices import JOB_UNDER_WAY, JobState
from accounts.models import Job, User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from accounts.services.jobs import start_job
from common.time import local_date, start_of_day
from quality.services.blocks import blocks
from quality.services.effort import refit_effort
from quality.services.output import measure_output
from quality.services.skills import estimate_skill, stands
from workforce.models import Skill

JOB = "learn"
LEARN = "accuracy.estimate"
# Scheduled work on answers acts as this named system user.
KEEPER = "system.quality"


@dataclass(frozen=True)
class Learned:
    """What was read and written of the answers as of an instant; outputs : people measured."""

    as_of: str
    durations: int
    efforts: int
    skills: int
    answers: int
    annotators: int
    outputs: int


def night_of(now: datetime) -> datetime:
    """Return the instant as of which a night learns: the last midnight of the operation's zone."""
    zone = settings.OPERATION_TIME_ZONE
    return start_of_day(local_date(now, zone), zone)


@transaction.atomic
def start_learning(*, acting_user: User, now: datetime) -> Job:
    """Have a worker learn from the answers up to last midnight; the night's job is made once."""
    require(acting_user, LEARN)
    as_of = night_of(now).isoformat()
    # Whoever starts it at the same time waits here until the other's job can be seen.
    list(Skill.objects.select_for_update(no_key=True).order_by("pk")[:1])
    made = Job.objects.filter(
        kind=JOB, arguments__as_of=as_of, state__in=(*JOB_UNDER_WAY, JobState.DONE)
    )
    return made.first() or start_job(JOB, {"as_of": as_of}, acting_user=acting_user, now=now)


def learn_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Run `learn` as a job."""
    as_of = datetime.fromisoformat(arguments["as_of"])
    return asdict(learn(as_of, acting_user=user, tell=progress))


def learn(as_of: datetime, *, acting_user: User, tell: Progress) -> Learned:
    """Refit effort, and estimate every skill and the output under it from answers up to an instant.

    Each part is written by a transaction of its own and stands when it is done; what stands is
    left. Nothing is locked while it is worked out.
    """
    require(acting_user, LEARN)
    skills = list(Skill.objects.filter(pk__in={b.skill for b in blocks()}).order_by("key"))
    parts = len(skills) + 1
    tell("effort", 0, parts)
    effort = refit_effort(acting_user=acting_user, now=as_of)
    found, outputs = [], 0
    for number, skill in enumerate(skills, start=1):
        # A runner that was replaced is stopped here; what it had written stands once all the same.
        tell("skills", number, parts)
        if not stands(skill, as_of):
            found.append(estimate_skill(skill, acting_user=acting_user, now=as_of))
        outputs += len(measure_output(skill, acting_user=acting_user, now=as_of))
    tell("done", parts, parts)
    return Learned(
        as_of=as_of.isoformat(),
        durations=effort.durations,
        efforts=effort.groups,
        skills=sum(1 for estimate in found if estimate.answers),
        answers=sum(estimate.answers for estimate in found),
        annotators=sum(estimate.annotators for estimate in found),
        outputs=outputs,
    )
