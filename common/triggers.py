"""Rules that no constraint can say, as triggers on SQLite and PostgreSQL from one text each.

Beside rules that refuse a change there are those that count it (`Bump`): who keeps what was worked
out from some tables sees by one number whether it still stands.

Apps register theirs in `ready()`. Before migrations all are dropped and afterwards made again: on
SQLite rebuilding a table drops its triggers silently, and fails on those of other tables that read
it. A system check compares what should be there with what is.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True)
class Rule:
    """Abort `event` on `table` when `when` holds.

    `when` is SQL that both databases read, over NEW.column (and OLD.column for updates and
    deletes); `event` is ``INSERT``, ``UPDATE`` or ``DELETE``.
    """

    name: str
    table: str
    event: str
    when: str
    message: str

    def reads(self) -> set[str]:
        """Return the tables that it needs: its own, and the words after FROM and JOIN."""
        words = self.when.replace("(", " ").split()
        return {self.table} | {
            after for word, after in itertools.pairwise(words) if word in ("FROM", "JOIN")
        }

    def statements(self, vendor: str) -> list[str]:
        """Return the SQL that makes it."""
        message = self.message.replace("'", "''")
        if vendor == "sqlite":
            return [
                f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW "
                f"WHEN {self.when} BEGIN SELECT RAISE(ABORT, '{message}'); END"
            ]
        kept = "OLD" if self.event == "DELETE" else "NEW"
        return [
            f"CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN IF {self.when} THEN RAISE EXCEPTION USING ERRCODE = 'check_violation', "
            f"MESSAGE = '{message}'; END IF; RETURN {kept}; END $$",
            f"CREATE TRIGGER {self.name} BEFORE {self.event} ON {self.table} FOR EACH ROW "
            f"EXECUTE FUNCTION {self.name}()",
        ]


# Rows of a counter, so that writers seldom wait for each other: each takes its connection's.
PARTS = 64
# A counter grows by random steps: what was read of a change that was undone is never met again.
STEP = 1 << 36


@dataclass(frozen=True)
class Bump:
    """Raise a counter when rows of a table change; its value is the sum of its parts.

    `counter` is a table of (id, version). `event` may name columns: ``UPDATE OF a, b``. On
    PostgreSQL a transaction raises it once, by statement: a million rows cost what one does.
    """

    name: str
    table: str
    event: str
    counter: str

    def reads(self) -> set[str]:
        """Return the tables that it needs."""
        return {self.table, self.counter}

    def statements(self, vendor: str) -> list[str]:
        """Return the SQL that makes it."""
        if vendor == "sqlite":
            step = f"1 + abs(random()) % {STEP}"
            return [
                f"CREATE TRIGGER {self.name} AFTER {self.event} ON {self.table} FOR EACH ROW BEGIN "
                f"INSERT INTO {self.counter} (id, version) VALUES (0, {step}) "
                "ON CONFLICT (id) DO UPDATE SET version = version + excluded.version; END"
            ]
        return [
            f"CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"DECLARE mark text := pg_current_xact_id()::text; BEGIN "
            f"IF current_setting('bump.{self.counter}', true) IS DISTINCT FROM mark THEN "
            f"INSERT INTO {self.counter} AS c (id, version) "
            f"VALUES (pg_backend_pid() % {PARTS}, 1 + (random() * {STEP})::bigint) "
            "ON CONFLICT (id) DO UPDATE SET version = c.version + excluded.version; "
            f"PERFORM set_config('bump.{self.counter}', mark, true); "
            "END IF; RETURN NULL; END $$",
            f"CREATE TRIGGER {self.name} AFTER {self.event} ON {self.table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {self.name}()",
        ]


def bumps(counter: str, *tables: str) -> Iterator[Bump]:
    """Return the rules that count every change of some tables."""
    for table in tables:
        for event in ("INSERT", "UPDATE", "DELETE"):
            yield Bump(f"{counter}_by_{table}_{event.lower()}"[:63], table, event, counter)


@dataclass(frozen=True)
class NoOverlap:
    """Half-open ranges [start, end) of rows that agree in `same` do not overlap.

    An exclusion constraint on PostgreSQL (two writers at once are caught as well), triggers on
    SQLite, which has one writer. `end` may be null: no end.
    """

    name: str
    table: str
    same: tuple[str, ...]
    start: str
    end: str
    message: str

    def rules(self) -> Iterator[Rule]:
        """Return the two triggers for SQLite."""
        far = "'9999-12-31'"
        alike = " AND ".join(f"{_same('o', c)} = {_same('NEW', c)}" for c in self.same)
        when = (
            f"EXISTS (SELECT 1 FROM {self.table} o WHERE o.id <> coalesce(NEW.id, -1) AND {alike} "
            f"AND o.{self.start} < coalesce(NEW.{self.end}, {far}) "
            f"AND NEW.{self.start} < coalesce(o.{self.end}, {far}))"
        )
        for event in ("INSERT", "UPDATE"):
            name = f"{self.name}_{event.lower()}"
            yield Rule(name, self.table, event, when, self.message)

    def exclusion(self) -> str:
        """Return the PostgreSQL constraint."""
        same = ", ".join(f"({_same('', c)}) WITH =" for c in self.same)
        return (
            f"ALTER TABLE {self.table} ADD CONSTRAINT {self.name} EXCLUDE USING gist "
            f"({same}, daterange({self.start}, {self.end}) WITH &&)"
        )


def _same(row: str, column: str) -> str:
    """Columns that may be null are written `column?`; null agrees with null."""
    prefix = f"{row}." if row else ""
    if column.endswith("?"):
        return f"coalesce({prefix}{column[:-1]}, 0)"
    return f"{prefix}{column}"


_RULES: dict[str, Rule | Bump] = {}
_RANGES: dict[str, NoOverlap] = {}


def register(*items: Rule | Bump | NoOverlap) -> None:
    """Add rules; called by apps in `ready()`."""
    for item in items:
        if isinstance(item, NoOverlap):
            _RANGES[item.name] = item
        else:
            _RULES[item.name] = item


def write_once(table: str, message: str) -> tuple[Rule, Rule]:
    """Return the rules of a table whose rows are never changed nor deleted."""
    return (
        Rule(f"{table}_never_changed", table, "UPDATE", "1 = 1", message),
        Rule(f"{table}_never_deleted", table, "DELETE", "1 = 1", message),
    )


def verifier_is_house(table: str, column: str, message: str) -> tuple[Rule, Rule]:
    """Return the rules that who verifies belongs to the house."""
    when = (
        f"NEW.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_user u "
        "JOIN accounts_organisation o ON o.id = u.organisation_id "
        f"WHERE u.id = NEW.{column} AND o.kind = 'house')"
    )
    return both(f"{table}_{column}_house", table, when, message)


def both(name: str, table: str, when: str, message: str) -> tuple[Rule, Rule]:
    """Return one rule for inserts and one for updates."""
    return (
        Rule(f"{name}_insert", table, "INSERT", when, message),
        Rule(f"{name}_update", table, "UPDATE", when, message),
    )


def expected(vendor: str) -> dict[str, Rule | Bump]:
    """Return the triggers that a database of this vendor should have."""
    rules = dict(_RULES)
    if vendor == "sqlite":
        rules |= {rule.name: rule for item in _RANGES.values() for rule in item.rules()}
    return rules


def present(connection: BaseDatabaseWrapper) -> set[str]:
    """Return the names of our triggers (and, on PostgreSQL, exclusions) in a database."""
    names = set(expected(connection.vendor)) | set(_RANGES)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE NOT tgisinternal AND pg_table_is_visible(c.oid) "
                "UNION SELECT conname FROM pg_constraint WHERE contype = 'x'"
            )
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {row[0] for row in cursor.fetchall()} & names


def drop_all(connection: BaseDatabaseWrapper) -> None:
    """Drop every trigger of ours; exclusions stay, PostgreSQL carries them along."""
    there = present(connection)
    with connection.cursor() as cursor:
        for rule in expected(connection.vendor).values():
            if rule.name not in there:
                continue
            if connection.vendor == "postgresql":
                cursor.execute(f"DROP TRIGGER {rule.name} ON {rule.table}")
            else:
                cursor.execute(f"DROP TRIGGER {rule.name}")


def create_all(connection: BaseDatabaseWrapper) -> None:
    """Make what is missing, for the tables that exist."""
    tables = set(connection.introspection.table_names())
    there = present(connection)
    with connection.cursor() as cursor:
        for rule in expected(connection.vendor).values():
            if rule.name in there or not rule.reads() <= tables:
                continue
            for statement in rule.statements(connection.vendor):
                cursor.execute(statement)
        if connection.vendor != "postgresql":
            return
        for item in _RANGES.values():
            if item.name not in there and item.table in tables:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
                cursor.execute(item.exclusion())


def before_migrations(using: str = "default", **kwargs: Any) -> None:
    """Signal handler: pre_migrate."""
    drop_all(connections[using])


def after_migrations(using: str = "default", **kwargs: Any) -> None:
    """Signal handler: post_migrate."""
    create_all(connections[using])


def check_triggers(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Compare the triggers of each database with those that should be there."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        tables = set(connection.introspection.table_names())
        rules = expected(connection.vendor).values()
        wanted = {rule.name for rule in rules if rule.reads() <= tables}
        if connection.vendor == "postgresql":
            wanted |= {item.name for item in _RANGES.values() if item.table in tables}
        missing = sorted(wanted - present(connection))
        if missing:
            found.append(
                # A warning: an error would keep `migrate`, which repairs it, from running.
                CheckWarning(
                    f"Triggers are missing in {alias}: {', '.join(missing)}.",
                    hint="Run manage.py migrate.",
                    id="common.W001",
                )
            )
    return found
