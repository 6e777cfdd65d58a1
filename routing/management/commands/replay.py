"""Replay a recorded run from its stored inputs and compare."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from common.errors import AppError
from routing.models import Run
from routing.services.replay import replay


class Command(BaseCommand):
    """`manage.py replay RUN`: decide it again; fails if the plan is another one."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", help="public id of the run")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = Run.objects.get(public_id=options["run"])
        except (Run.DoesNotExist, ValidationError) as error:
            raise CommandError("There is no such run.") from error
        try:
            found = replay(run)
        except AppError as error:
            raise CommandError(str(error)) from error
        for line in found.differences:
            self.stdout.write(line)
        if not found.holds:
            raise CommandError(
                f"The replay costs {found.cost:.6f}, the run {found.stored_cost:.6f}."
            )
        self.stdout.write(
            "The replay is identical." if found.identical else "The replay costs the same."
        )
