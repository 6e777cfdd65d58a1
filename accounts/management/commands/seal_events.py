"""Seal the events committed since the last seal."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.services.log import KEEPER, seal_log
from accounts.services.users import system_user
from common.time import utc_now


class Command(BaseCommand):
    """`manage.py seal_events`: what the workers do by the minute; twice does nothing more."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        sealed = seal_log(acting_user=system_user(KEEPER), now=utc_now())
        self.stdout.write(f"{sealed} events sealed.")
