"""What the house watches by night: pauses, drift, and by the week agreement and errors by segment.

Every part may be done again: what stands is left, what is missing is added.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.choices import JOB_UNDER_WAY, JobState
from accounts.models import Job, User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from accounts.services.jobs import start_job
from common.errors import Conflict
from quality.choices import PauseState
from quality.models import PauseProposal
from quality.services.agreements import measure_everything
from quality.services.bias import check_everything
from quality.services.drift import watch_drift
from quality.services.learning import night_of
from quality.services.pause_tests import propose_pauses
from quality.services.pause_work import end_work_of_paused
from quality.services.pauses import end_holds, hold
from workforce.models import Skill

JOB = "watch"
WATCH = "pauses.propose"
PARTS = 4


@dataclass(frozen=True)
class Round:
    """What a round did."""

    holds_over: int
    proposed: int
    held: int
    leases_ended: int


def make_round(*, acting_user: User, now: datetime) -> Round:
    """Do what is due; a second round as of the same time changes nothing.

    Holds are made here and nowhere else, once a day and on evidence that is a day old: whoever is
    held cannot tell by the hour which of the answers given since was gold.
    """
    require(acting_user, WATCH)
    over = end_holds(acting_user=acting_user, now=now)
    proposed = propose_pauses(acting_user=acting_user, now=now)
    held = _hold(acting_user=acting_user, now=now) if settings.PAUSE_HOLD_HOURS else 0
    leases = end_work_of_paused(acting_user=acting_user, now=now)
    return Round(over, len(proposed), held, leases)


def _hold(*, acting_user: User, now: datetime) -> int:
    old = now - timedelta(hours=settings.GOLD_DELAY_HOURS)
    waiting = PauseProposal.objects.filter(
        state=PauseState.PROPOSED, held_at__isnull=True, evidence_to__lte=old
    )
    held = 0
    for proposal in waiting.select_related("annotator", "skill").order_by("pk"):
        try:
            hold(proposal, acting_user=acting_user, now=now)
        except Conflict:
            continue  # a person was quicker
        held += 1
    return held


@transaction.atomic
def start_watching(*, acting_user: User, now: datetime) -> Job:
    """Have a worker watch, once a night; the night's job is made once."""
    require(acting_user, WATCH)
    night = night_of(now).isoformat()
    # Whoever starts it at the same time waits here until the other's job can be seen.
    list(Skill.objects.select_for_update(no_key=True).order_by("pk")[:1])
    made = Job.objects.filter(
        kind=JOB, arguments__night=night, state__in=(*JOB_UNDER_WAY, JobState.DONE)
    )
    return made.first() or start_job(JOB, {"night": night}, acting_user=acting_user, now=now)


def watch_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Watch as a job; the argument names the night that it is for."""
    progress("pauses", 0, PARTS)
    found = make_round(acting_user=user, now=now)
    progress("drift", 1, PARTS)
    drift = watch_drift(acting_user=user, now=now)
    progress("agreement", 2, PARTS)
    agreements = measure_everything(acting_user=user, now=now)
    progress("segments", 3, PARTS)
    segments = check_everything(acting_user=user, now=now)
    progress("done", PARTS, PARTS)
    return {**asdict(found), "drift": asdict(drift), "agreement": agreements, "segments": segments}
