"""Import answers that were given elsewhere, with their gold if there is some."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.users import system_user
from common.errors import AppError
from common.time import utc_now
from quality.services.importing import import_judgments


class Command(BaseCommand):
    """`manage.py import_judgments FILE.csv --project KEY [--gold TRUTH.csv]`."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="columns question, worker, answer")
        parser.add_argument("--project", required=True, metavar="KEY")
        parser.add_argument("--gold", type=Path, metavar="TRUTH.csv", help="question, truth")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = import_judgments(
                options["file"],
                project_key=options["project"],
                gold_path=options["gold"],
                acting_user=system_user("system.import"),
                now=utc_now(),
            )
        except AppError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{found.judgments:,} judgments imported ({found.unchanged:,} there already), "
            f"{found.tasks:,} tasks, {found.annotators:,} annotators and {found.gold:,} gold "
            "answers made."
        )
