"""Celery's door to what routing does by itself: thin, whoever starts it."""

from celery import shared_task

from accounts.services.users import system_user
from common.time import utc_now
from routing.services import assignments


@shared_task(name="routing.expire_leases")  # type: ignore[untyped-decorator]
def expire_leases() -> int:
    """End the leases that ran out and give their tasks back (by the minute); returns how many."""
    return assignments.expire_leases(acting_user=system_user(assignments.KEEPER), now=utc_now())
