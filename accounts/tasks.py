"""Celery's door to services: thin, so that work runs the same whoever starts it."""

from celery import shared_task

from accounts.services import files, job_runner, jobs, log
from accounts.services.users import system_user
from common.time import utc_now


@shared_task(name="accounts.run_job")  # type: ignore[untyped-decorator]
def run_job(job_id: int) -> None:
    """Run one job by its id."""
    job_runner.run(job_id)


@shared_task(name="accounts.pick_up_jobs")  # type: ignore[untyped-decorator]
def pick_up_jobs() -> int:
    """Hand over once more the jobs that nobody runs (by the minute)."""
    return jobs.pick_up(acting_user=system_user(job_runner.KEEPER), now=utc_now())


@shared_task(name="accounts.seal_log")  # type: ignore[untyped-decorator]
def seal_log() -> int:
    """Seal the events committed since the last seal (by the minute)."""
    return log.seal_log(acting_user=system_user(log.KEEPER), now=utc_now())


@shared_task(name="accounts.verify_log")  # type: ignore[untyped-decorator]
def verify_log() -> str:
    """Start a verification of the event log (by the day); returns the job's public id."""
    job = log.start_verification(acting_user=system_user(log.KEEPER), now=utc_now())
    return str(job.public_id)


@shared_task(name="accounts.sweep_files")  # type: ignore[untyped-decorator]
def sweep_files() -> int:
    """Delete files that no row names (by the day)."""
    return files.sweep_files(acting_user=system_user("system.files"), now=utc_now())
