"""Running a job: one runner at a time, with signs of life, and stopped when it was replaced.

A job is taken by one conditional UPDATE that counts its attempt; from then on whatever the runner
writes asks for that attempt number (a fencing token). A thread writes the signs of life, so that
they go on while one step takes long. A runner whose process was killed goes silent, and the next
one takes the job over; one that was merely asleep finds the number changed and writes nothing.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseProblem
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import ngettext

from accounts.choices import JobState
from accounts.errors import JobTaken
from accounts.models import Job, User
from accounts.services.job_kinds import job_kind
from accounts.services.users import system_user
from audit.services.events import record_event
from common.errors import AppError
from common.time import utc_now

logger = logging.getLogger(__name__)
# Scheduled work on jobs acts as this named system user.
KEEPER = "system.jobs"
# As many signs of life fit into the time after which a job counts as abandoned.
BEATS = 10


def silent(now: datetime) -> Q:
    """Return the condition of jobs that run without a sign of life: their worker is gone."""
    return Q(state=JobState.RUNNING, heartbeat_at__lte=_quiet(now))


def waiting(now: datetime) -> Q:
    """Return the condition of jobs that a runner may take."""
    return Q(state=JobState.QUEUED) | silent(now)


def is_silent(job: Job, *, now: datetime) -> bool:
    """Tell whether a job runs without a sign of life."""
    return job.state == JobState.RUNNING and (job.heartbeat_at or now) <= _quiet(now)


def _quiet(now: datetime) -> datetime:
    return now - timedelta(seconds=settings.JOB_STALE_SECONDS)


def run(job_id: int) -> None:
    """Do the work of a job, unless another runner has it or it is done."""
    turn = _take(job_id, now=utc_now())
    if turn is None:
        return
    job = turn.job
    try:
        with turn.alive():
            result = job_kind(job.kind).handler(
                job.arguments, job.requested_by, turn.since, turn.progress
            )
        turn.end(JobState.DONE, result=result, error="")
    except JobTaken:
        logger.warning("Job %s: attempt %s was replaced and stopped.", job_id, job.attempt)
    except Exception as error:
        # A refusal is for people to read; anything else is named by its kind as well.
        known = isinstance(error, AppError)
        text = str(error) if known else f"{type(error).__name__}: {error}"
        try:
            turn.end(JobState.FAILED, error=text)
        except JobTaken:
            logger.warning("Job %s: attempt %s was replaced: %s", job_id, job.attempt, text)
        if not known:
            raise


def give_up(job: Job, *, acting_user: User, now: datetime) -> None:
    """Note that an abandoned job failed for good; one that runs again meanwhile is left alone."""
    text = ngettext(
        "The worker ended before the job was done. What was there before is still in force; look "
        "into the worker's log, then run the job again.",
        "The worker ended before the job was done, %(count)s times in a row. What was there before "
        "is still in force; look into the worker's log, then run the job again.",
        job.attempt,
    ) % {"count": job.attempt}
    with transaction.atomic():
        ended = Job.objects.filter(waiting(now), pk=job.pk, attempt=job.attempt).update(
            state=JobState.FAILED, error=text, finished_at=now
        )
        if ended:
            _record(job, JobState.FAILED, acting_user, now)


def _take(job_id: int, *, now: datetime) -> "Turn | None":
    """Take a job and count the attempt, or return None: it is done, or another runner has it."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return None
    if job.attempt >= job.attempts_allowed:
        give_up(job, acting_user=system_user(KEEPER), now=now)
        return None
    with transaction.atomic():
        # Of two that read the same attempt number one finds it changed.
        taken = Job.objects.filter(waiting(now), pk=job_id, attempt=job.attempt).update(
            state=JobState.RUNNING,
            attempt=job.attempt + 1,
            started_at=now,
            heartbeat_at=now,
            step="",
            done=0,
            total=0,
            error="",
        )
        if not taken:
            return None
        job = Job.objects.select_related("requested_by").get(pk=job_id)
        _record(job, "started", job.requested_by, now)
    return Turn(job, now)


def _record(job: Job, what: str, acting_user: User, now: datetime) -> None:
    record_event(
        f"job.{what}",
        acting_user=acting_user,
        now=now,
        subject="job",
        subject_id=job.public_id,
        job=job.kind,
        attempt=job.attempt,
    )


class Turn:
    """One runner's hold on a job, by its attempt number."""

    def __init__(self, job: Job, since: datetime) -> None:
        self.job, self.since = job, since
        self._over = threading.Event()

    def _write(self, **values: Any) -> bool:
        """Write to the job while it is this runner's own; tells whether it is."""
        mine = Job.objects.filter(pk=self.job.pk, state=JobState.RUNNING, attempt=self.job.attempt)
        return bool(mine.update(**values))

    def progress(self, step: str, done: int, total: int) -> None:
        """Tell how far the work is.

        Raises
        ------
        JobTaken
            If another runner has the job now: what is under way must not be written.
        """
        values = {"step": step[:100], "done": max(done, 0), "total": max(total, 0)}
        if not self._write(**values, heartbeat_at=utc_now()):
            raise JobTaken

    def end(self, state: JobState, **values: Any) -> None:
        """Write how the job ended.

        Raises
        ------
        JobTaken
            If another runner has the job now; nothing is written.
        """
        now = utc_now()
        with transaction.atomic():
            if not self._write(state=state, finished_at=now, **values):
                raise JobTaken
            _record(self.job, state, self.job.requested_by, now)

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Give signs of life while the work goes on."""
        thread = threading.Thread(target=self._beat, name="job-signs-of-life", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _beat(self) -> None:
        # The thread has a connection of its own: the work may be inside a transaction.
        try:
            while not self._over.wait(settings.JOB_STALE_SECONDS / BEATS):
                try:
                    if not self._write(heartbeat_at=utc_now()):
                        return
                except DatabaseProblem as error:
                    # On SQLite the work's own transaction may hold the database for long. Nobody
                    # else can take the job before it is over, and it gives the next sign itself.
                    logger.info("Job %s: no sign of life: %s", self.job.pk, error)
                    connection.close()
        finally:
            connection.close()
