"""Functions in the database, for what must be one round trip: PostgreSQL only.

A routine's name ends in the digest of its text: processes of an older version go on calling theirs
while a new one is put beside it. Apps register theirs in `ready()`; they are made after migrations.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Its statements are planned once for each connection, for any values, and by the indexes they were
# written for: on a table that was small when they were planned, a scan of all of it would stay.
PLANS = " ".join(
    f"SET {name} = {value}"
    for name, value in (
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("jit", "off"),
    )
)


@dataclass(frozen=True)
class Routine:
    """A plpgsql function.

    arguments, returns : as they are declared; body : ``DECLARE … BEGIN … END``
    needs : a table without which it cannot be made
    """

    prefix: str
    arguments: str
    returns: str
    body: str
    needs: str

    @property
    def name(self) -> str:
        """Its name, other for another text."""
        text = "\n".join((self.arguments, self.returns, self.body, PLANS))
        return f"{self.prefix}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def statement(self) -> str:
        """Return the SQL that makes it."""
        return (
            f"CREATE OR REPLACE FUNCTION {self.name}({self.arguments}) RETURNS {self.returns} "
            f"LANGUAGE plpgsql VOLATILE {PLANS} AS $routine$ {self.body} $routine$"
        )


_ROUTINES: dict[str, Routine] = {}


def register_routine(routine: Routine) -> None:
    """Add a routine; called by apps in `ready()`."""
    _ROUTINES[routine.prefix] = routine


def missing(connection: BaseDatabaseWrapper) -> list[Routine]:
    """Return the routines that a database should have and has not."""
    if connection.vendor != "postgresql":
        return []
    tables = set(connection.introspection.table_names())
    wanted = [routine for routine in _ROUTINES.values() if routine.needs in tables]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE proname = ANY(%s) AND pg_function_is_visible(oid)",
            [[routine.name for routine in wanted]],
        )
        there = {row[0] for row in cursor.fetchall()}
    return [routine for routine in wanted if routine.name not in there]


def after_migrations(using: str = "default", **kwargs: Any) -> None:
    """Signal handler: post_migrate."""
    connection = connections[using]
    for routine in missing(connection):
        with connection.cursor() as cursor:
            cursor.execute(routine.statement())


def check_routines(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Tell which routines a database misses."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        names = [routine.name for routine in missing(connections[alias])]
        if names:
            found.append(
                CheckWarning(
                    f"Routines are missing in {alias}: {', '.join(names)}.",
                    hint="Run manage.py migrate.",
                    id="common.W002",
                )
            )
    return found
