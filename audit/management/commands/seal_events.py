"""Seal the events committed since the last seal."""

from typing import Any

from django.core.management.base import BaseCommand

from audit.services.sealing import seal_events
from common.time import utc_now


class Command(BaseCommand):
    """`manage.py seal_events`: run it by the minute; running it twice does nothing more."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{seal_events(now=utc_now())} events sealed.")
