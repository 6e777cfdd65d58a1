"""Estimate the accuracies of a project's annotators and its labels."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.users import system_user
from common.errors import AppError
from common.time import utc_now
from quality.services.accuracy import ANNOTATOR_COLUMNS, LABEL_COLUMNS, estimate_accuracy


class Command(BaseCommand):
    """`manage.py estimate_accuracy --project KEY --annotators OUT.csv --labels OUT.csv`."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="KEY")
        parser.add_argument("--annotators", type=Path, metavar="OUT.csv")
        parser.add_argument("--labels", type=Path, metavar="OUT.csv")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = estimate_accuracy(
                project_key=options["project"],
                acting_user=system_user("system.quality"),
                now=utc_now(),
            )
        except AppError as error:
            raise CommandError(str(error)) from error
        if options["annotators"]:
            _write(options["annotators"], ANNOTATOR_COLUMNS, found.annotators)
        if options["labels"]:
            _write(options["labels"], LABEL_COLUMNS, found.labels)
        self.stdout.write(
            f"{len(found.annotators):,} annotators and {len(found.labels):,} labels estimated."
        )


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
