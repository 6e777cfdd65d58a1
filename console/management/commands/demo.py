"""Build a believable operation, route it, print the report and the logins."""

import io
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from common.errors import AppError
from common.time import utc_now
from console.demo.annotators import annotator_logins
from console.demo.build import build, logins
from console.demo.told import print_week, tell_week
from console.demo.week import first_day
from routing.report import print_report


class Command(BaseCommand):
    """`manage.py demo`: run it twice, and the second run changes nothing."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--no-week",
            action="store_false",
            dest="week",
            help="route once and leave out the week of work",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        text = io.StringIO()
        console = Console(file=text, width=110)
        try:
            report = build(
                utc_now(), lambda step: self.stderr.write(f"… {step}"), week=options["week"]
            )
        except AppError as error:
            raise CommandError(str(error)) from error
        print_report(report, console)
        begins = first_day()
        told = tell_week(begins) if begins is not None and options["week"] else None
        if told is not None:
            print_week(told, console)
        table = Table("role", "e-mail", "password", title="Logins of the demo, for /admin/")
        for row in logins():
            table.add_row(*row)
        console.print(table)
        queue = Table("whose", "e-mail", "password", title="Logins of the demo, for /queue/")
        for row in annotator_logins(logins()[0][2], now=utc_now()):
            queue.add_row(*row)
        console.print(queue)
        self.stdout.write(text.getvalue())
