"""Estimate who is right how often, and the labels of a project."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.users import system_user
from common.errors import AppError
from common.time import utc_now
from quality.services.accuracy import ANNOTATOR_COLUMNS, LABEL_COLUMNS, estimate_accuracy
from quality.services.skills import estimate_skills


class Command(BaseCommand):
    """`manage.py estimate_accuracy --project KEY --annotators OUT.csv --labels OUT.csv`.

    A skill is estimated from the answers of all projects. `--all` estimates every skill and prints
    no labels.
    """

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--project", metavar="KEY")
        scope.add_argument("--all", action="store_true", help="every skill that has answers")
        parser.add_argument("--annotators", type=Path, metavar="OUT.csv", help="with --project")
        parser.add_argument("--labels", type=Path, metavar="OUT.csv", help="with --project")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["all"] and (options["annotators"] or options["labels"]):
            raise CommandError("--annotators and --labels are written of one --project.")
        try:
            self.everything(utc_now()) if options["all"] else self.project(options, utc_now())
        except AppError as error:
            raise CommandError(str(error)) from error

    def project(self, options: dict[str, Any], now: datetime) -> None:
        found = estimate_accuracy(
            project_key=options["project"], acting_user=system_user("system.quality"), now=now
        )
        if options["annotators"]:
            _write(options["annotators"], ANNOTATOR_COLUMNS, found.annotators)
        if options["labels"]:
            _write(options["labels"], LABEL_COLUMNS, found.labels)
        self.stdout.write(
            f"{len(found.annotators):,} annotators and {len(found.labels):,} labels estimated."
        )

    def everything(self, now: datetime) -> None:
        found = estimate_skills(acting_user=system_user("system.quality"), now=now)
        for row in found:
            self.stdout.write(
                f"{row.skill}: {row.annotators:,} annotators from {row.answers:,} answers to "
                f"{row.tasks:,} tasks in {row.blocks:,} blocks, {row.gold:,} tasks of them gold."
            )
        if not found:
            self.stdout.write("No judgment has a label yet.")


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
