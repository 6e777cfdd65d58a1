"""Add the usual task types, skills, certificates and domains, or those of a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.users import system_user
from common.errors import AppError
from common.time import utc_now
from routing.services.catalogue import DEFAULT_FILE, load_catalogue


class Command(BaseCommand):
    """`manage.py load_catalogue [FILE.yaml]`: adds what is missing, changes nothing."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_FILE)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = load_catalogue(
                options["file"], acting_user=system_user("system.intake"), now=utc_now()
            )
        except (AppError, OSError) as error:
            raise CommandError(str(error)) from error
        words = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in made.items())
        self.stdout.write(f"Made: {words}.")
