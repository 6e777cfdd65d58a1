"""Import annotators with skills, hours and certificates from a CSV or NDJSON file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.users import system_user
from common.errors import AppError
from common.files import write_refused
from common.time import utc_now
from workforce.services.roster import import_annotators


class Command(BaseCommand):
    """`manage.py import_annotators FILE`: the whole file, or with --keep-good its good rows."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--keep-good", action="store_true", help="write the good rows only")
        parser.add_argument(
            "--verified",
            action="store_true",
            help="the house vouches for skills, certificates, languages, residency, clearance",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            found = import_annotators(
                path,
                keep_good=options["keep_good"],
                verified=options["verified"],
                acting_user=system_user("system.intake"),
                now=utc_now(),
            )
        except AppError as error:
            raise CommandError(str(error)) from error
        if found.refused:
            out = path.with_name(f"{path.name}.refused.csv")
            write_refused(out, found.refused)
            for refusal in found.refused[:10]:
                self.stderr.write(str(refusal))
            if not options["keep_good"]:
                raise CommandError(
                    f"{len(found.refused):,} of {found.rows:,} rows are refused, so nothing was "
                    f"written; all are in {out}. --keep-good writes the others."
                )
            self.stderr.write(f"{len(found.refused):,} rows refused; all are in {out}")
        self.stdout.write(
            f"{found.rows:,} rows: {found.made:,} annotators made, "
            f"{found.unchanged:,} there already."
        )
