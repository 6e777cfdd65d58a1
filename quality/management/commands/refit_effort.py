"""Learn how long work takes from the seconds of judgments."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.users import system_user
from common.errors import AppError
from common.time import utc_now
from quality.services.effort import refit_effort


class Command(BaseCommand):
    """`manage.py refit_effort`: per task type and complexity band, as of now."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = refit_effort(acting_user=system_user("system.quality"), now=utc_now())
        except AppError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{found.durations:,} durations gave the effort of {found.groups:,} kinds of work."
            if found.durations
            else "No judgment has its seconds yet: the defaults stay."
        )
