"""Import tasks of a project from a CSV or NDJSON file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.users import system_user
from common.errors import AppError
from common.files import write_refused
from common.time import utc_now
from routing.services.intake import import_tasks

SHOWN = 10


class Command(BaseCommand):
    """`manage.py import_tasks FILE --project KEY`: the whole file, or with --keep-good its rest."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", required=True, metavar="KEY")
        parser.add_argument(
            "--keep-good",
            action="store_true",
            help="write the good rows and refuse the bad ones; without it one bad row refuses all",
        )
        parser.add_argument(
            "--refused", type=Path, metavar="OUT.csv", help="default: FILE.refused.csv"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            found = import_tasks(
                path,
                project_key=options["project"],
                keep_good=options["keep_good"],
                acting_user=system_user("system.intake"),
                now=utc_now(),
                report=lambda step, done, total: self.stderr.write(f"{step}: {done:,}"),
            )
        except AppError as error:
            raise CommandError(str(error)) from error
        for note in found.notes:
            self.stdout.write(note)
        if found.refused:
            out = options["refused"] or path.with_name(f"{path.name}.refused.csv")
            write_refused(out, found.refused)
            for refusal in found.refused[:SHOWN]:
                self.stderr.write(str(refusal))
            more = f"; all are in {out}"
            if not options["keep_good"]:
                raise CommandError(
                    f"{len(found.refused):,} of {found.rows:,} rows are refused, so nothing was "
                    f"written{more}. --keep-good writes the others."
                )
            self.stderr.write(f"{len(found.refused):,} rows refused{more}")
        self.stdout.write(
            f"{found.rows:,} rows: {found.made:,} tasks made, {found.unchanged:,} there already."
        )
