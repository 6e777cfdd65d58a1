"""Long work: a service makes a Job row, a worker runs it after the commit, pages read it.

The row is what counts; messages to workers may be lost, late or doubled. A job that nobody runs is
handed over again (`pick_up`); the runner lets only one worker at a time have it.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from kombu.exceptions import KombuError

from accounts.choices import JobState
from accounts.models import Job, User
from accounts.permissions import require
from accounts.services.job_kinds import job_kind
from accounts.services.job_runner import give_up, silent, waiting
from audit.services.events import record_event
from common.errors import Conflict

logger = logging.getLogger(__name__)


def start_job(kind: str, arguments: dict[str, Any], *, acting_user: User, now: datetime) -> Job:
    """Make a job and hand it to the workers once the transaction is committed.

    Raises
    ------
    Invalid
        If there is no such kind of job.
    Forbidden
        If the user may not ask for it.
    """
    require(acting_user, job_kind(kind).permission)
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind,
            arguments=arguments,
            requested_by=acting_user,
            created_at=now,
            attempts_allowed=settings.JOB_ATTEMPTS,
        )
        _queued(job, acting_user, now)
    return job


def run_again(job: Job, *, acting_user: User, now: datetime) -> None:
    """Queue a failed or silent job once more, in the name of who asks now; asking twice is told.

    Raises
    ------
    Forbidden
        If the user may not ask for work of this kind.
    Conflict
        If the job has not failed and gives signs of life, or somebody was quicker.
    """
    require(acting_user, job_kind(job.kind).permission)
    with transaction.atomic():
        over = Q(state=JobState.FAILED) | silent(now)
        queued = Job.objects.filter(over, pk=job.pk, attempt=job.attempt).update(
            state=JobState.QUEUED,
            attempts_allowed=F("attempt") + settings.JOB_ATTEMPTS,
            requested_by=acting_user,
            step="",
            done=0,
            total=0,
            error="",
            sent_at=None,
            started_at=None,
            heartbeat_at=None,
            finished_at=None,
        )
        if not queued:
            raise Conflict(_("Only a job that failed, or whose worker is gone, can be run again."))
        _queued(job, acting_user, now)


def pick_up(*, acting_user: User, now: datetime) -> int:
    """Hand over again the jobs that nobody runs; returns how many.

    These are jobs that never reached the workers, jobs that have waited for one for
    JOB_STALE_SECONDS since they were handed over last, and running jobs whose worker gave no sign
    of life for as long. The last fail instead where all their attempts are used up.
    """
    require(acting_user, "jobs.pick_up")
    unheard = Q(sent_at=None) | Q(sent_at__lte=now - timedelta(seconds=settings.JOB_STALE_SECONDS))
    count = 0
    for job in Job.objects.filter(waiting(now), unheard).order_by("created_at", "pk"):
        if job.attempt >= job.attempts_allowed:
            give_up(job, acting_user=acting_user, now=now)
        else:
            count += _hand_over(job.pk, job.sent_at, now)
    return count


def _queued(job: Job, acting_user: User, now: datetime) -> None:
    record_event(
        "job.queued",
        acting_user=acting_user,
        now=now,
        subject="job",
        subject_id=job.public_id,
        job=job.kind,
    )
    transaction.on_commit(lambda: _hand_over(job.pk, None, now))


def _hand_over(job_id: int, last: datetime | None, now: datetime) -> bool:
    """Send a job to the workers unless somebody else just did; `last` = when it was sent before."""
    if not Job.objects.filter(pk=job_id, sent_at=last).update(sent_at=now):
        return False
    try:
        _send(job_id)
    except (KombuError, OSError) as error:
        # The job waits, and is sent when the broker is there again.
        logger.warning("Job %s could not be handed to the workers: %s", job_id, error)
        Job.objects.filter(pk=job_id, sent_at=now).update(sent_at=None)
        return False
    return True


def _send(job_id: int) -> None:
    from accounts.tasks import run_job

    run_job.delay(job_id)
