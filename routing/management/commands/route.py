"""Route the open work of projects."""

import io
import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from accounts.services.users import system_user
from common.errors import AppError
from common.time import utc_now
from routing.report import print_report
from routing.services.figures import RunReport
from routing.services.run import route

WIDTH = 110  # of the report where it is not a terminal's own


class Command(BaseCommand):
    """`manage.py route`: score, solve, place, and say where everything goes and why."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--project", action="append", metavar="KEY", dest="projects")
        scope.add_argument("--all", action="store_true", help="every open project")
        parser.add_argument(
            "--policy",
            type=int,
            metavar="V",
            help="a version; one that is not in force only with --dry-run",
        )
        parser.add_argument("--days", type=int, default=1, metavar="N")
        parser.add_argument("--now", metavar="T", help="plan from this time (ISO 8601)")
        parser.add_argument("--dry-run", action="store_true", help="decide, write nothing")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self.run(**options)
        except AppError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
        else:
            text = io.StringIO()
            print_report(report, Console(file=text, width=WIDTH))
            self.stdout.write(text.getvalue())

    def run(self, **options: Any) -> RunReport:
        now = moment(options["now"])
        with Progress(
            TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True)
        ) as progress:
            line = progress.add_task("starting", total=None)
            return route(
                project_keys=None if options["all"] else options["projects"],
                policy_version=options["policy"],
                days=options["days"],
                dry_run=options["dry_run"],
                acting_user=system_user("system.routing"),
                now=now,
                report=lambda step, done, total: progress.update(
                    line, description=f"{step} {done:,}/{total:,}" if total else step
                ),
            )


def moment(text: str | None) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC.

    Raises
    ------
    CommandError
        If the text is no time.
    """
    if not text:
        return utc_now()
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--now {text!r} is not an ISO 8601 time.") from error
    return value if value.tzinfo else value.replace(tzinfo=UTC)
