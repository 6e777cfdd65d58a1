"""Sealing and verifying the event log: by the minute and by the day, or by hand."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.choices import JOB_UNDER_WAY
from accounts.models import Job, User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from accounts.services.jobs import start_job
from audit.errors import LogBroken
from audit.services.events import record_event
from audit.services.sealing import seal_events, verify_log
from common.time import utc_now

VERIFY = "verify_log"
# Scheduled work on the log acts as this named system user.
KEEPER = "system.log"
# As many problems are named in the error of a job; `manage.py verify_log` names all.
NAMED = 20


def seal_log(*, acting_user: User, now: datetime) -> int:
    """Seal what has been committed; returns how many events. Safe to run twice and at once."""
    require(acting_user, "events.seal")
    return seal_events(now=now)


@transaction.atomic
def start_verification(*, acting_user: User, now: datetime) -> Job:
    """Have the log verified by a worker; one that is under way already is returned instead."""
    require(acting_user, "events.verify")
    under_way = Job.objects.filter(kind=VERIFY, state__in=JOB_UNDER_WAY)
    return under_way.first() or start_job(VERIFY, {}, acting_user=acting_user, now=now)


def verify_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, int]:
    """Verify the log; what was found stays on the job and, as numbers, in the log itself.

    Raises
    ------
    LogBroken
        If it does not verify; the text names the problems.
    """
    found = verify_log()
    with transaction.atomic():
        record_event(
            "log.verified",
            acting_user=user,
            now=utc_now(),
            subject="log",
            problems=len(found.problems),
            seals=found.seals,
            sealed=found.sealed,
            unsealed=found.unsealed,
        )
    if found.problems:
        named = found.problems[:NAMED]
        more = len(found.problems) - len(named)
        raise LogBroken(problems="; ".join(named) + (f"; and {more} more" if more else ""))
    return {"seals": found.seals, "sealed": found.sealed, "unsealed": found.unsealed}
