"""Verify the event log: recompute the chain, compare seals, HMACs and the seal file."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.services.sealing import verify_log


class Command(BaseCommand):
    """`manage.py verify_log`: exit code 1 and every problem named, when there is one."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify_log()
        if found.problems:
            raise CommandError("The event log does not verify:\n- " + "\n- ".join(found.problems))
        self.stdout.write(
            f"The event log verifies: {found.sealed} events in {found.seals} seals, "
            f"{found.unsealed} not sealed yet."
        )
