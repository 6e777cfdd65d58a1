"""Celery's door to what quality does by itself: thin, whoever starts it."""

from celery import shared_task

from accounts.services.users import system_user
from common.time import utc_now
from quality.services import learning, watching
from quality.services.alarms import watcher


@shared_task(name="quality.learn")  # type: ignore[untyped-decorator]
def learn() -> str:
    """Start the night's learning, where nobody has (by the hour); returns the job's public id."""
    keeper = system_user(learning.KEEPER)
    return str(learning.start_learning(acting_user=keeper, now=utc_now()).public_id)


@shared_task(name="quality.watch")  # type: ignore[untyped-decorator]
def watch() -> str:
    """Start the night's watching, where nobody has (by the hour); returns the job's public id."""
    return str(watching.start_watching(acting_user=watcher(), now=utc_now()).public_id)
