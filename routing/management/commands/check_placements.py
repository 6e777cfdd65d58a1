"""Verify by joins that placements name tasks, decisions, pools and runs that exist."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from routing.services.placing import strange_placements


class Command(BaseCommand):
    """The check command of the placement table, which has no foreign keys in the database."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        found = {column: count for column, count in strange_placements().items() if count}
        if found:
            lines = ", ".join(f"{count} without {column}" for column, count in found.items())
            raise CommandError(f"Placements that point nowhere: {lines}.")
        self.stdout.write(
            "Every placement names a task, decision, pool and run that exist and belong together."
        )
