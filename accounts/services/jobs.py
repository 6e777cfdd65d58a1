"""Long work: a service makes a Job row, a worker runs it after the commit, pages read it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.choices import JobState
from accounts.models import Job, User
from audit.services.events import record_event
from common.errors import AppError, Invalid
from common.time import utc_now

Progress = Callable[[str, int, int], None]
# kind → what does the work: (arguments, requested by, now, progress) → result as JSON
Handler = Callable[[dict[str, Any], User, datetime, Progress], Any]
HANDLERS: dict[str, Handler] = {}


def register_job(kind: str, handler: Handler) -> None:
    """Add a kind of job; called by apps in `ready()`."""
    HANDLERS[kind] = handler


def start_job(kind: str, arguments: dict[str, Any], *, acting_user: User, now: datetime) -> Job:
    """Make a job and hand it to the workers once the transaction is committed.

    Raises
    ------
    Invalid
        If there is no such kind of job.
    """
    if kind not in HANDLERS:
        raise Invalid(f"There is no job {kind}.", field="kind", rule="known")
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind, arguments=arguments, requested_by=acting_user, created_at=now
        )
        record_event(
            "job.queued",
            acting_user=acting_user,
            now=now,
            subject="job",
            subject_id=job.public_id,
            job=kind,
        )
        transaction.on_commit(lambda: _send(job.pk))
    return job


def _send(job_id: int) -> None:
    from accounts.tasks import run_job

    run_job.delay(job_id)


def run(job_id: int) -> None:
    """Do the work of a job; a second delivery of a job that runs or is done does nothing."""
    started = utc_now()
    taken = Job.objects.filter(pk=job_id, state=JobState.QUEUED).update(
        state=JobState.RUNNING, started_at=started, heartbeat_at=started
    )
    if not taken:
        return
    job = Job.objects.select_related("requested_by").get(pk=job_id)

    def progress(step: str, done: int, total: int) -> None:
        Job.objects.filter(pk=job_id).update(
            step=step[:100], done=max(done, 0), total=max(total, 0), heartbeat_at=utc_now()
        )

    try:
        result = HANDLERS[job.kind](job.arguments, job.requested_by, started, progress)
    except Exception as error:
        # A refusal is for people to read; anything else is named by its kind as well.
        text = str(error) if isinstance(error, AppError) else f"{type(error).__name__}: {error}"
        Job.objects.filter(pk=job_id).update(
            state=JobState.FAILED, error=text, finished_at=utc_now()
        )
        if not isinstance(error, AppError):
            raise
        return
    Job.objects.filter(pk=job_id).update(state=JobState.DONE, result=result, finished_at=utc_now())
