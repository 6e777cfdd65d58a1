"""Celery's door to jobs: thin, so that a job runs the same whoever starts it."""

from celery import shared_task

from accounts.services import jobs


@shared_task(name="accounts.run_job")  # type: ignore[untyped-decorator]
def run_job(job_id: int) -> None:
    """Run one job by its id."""
    jobs.run(job_id)
