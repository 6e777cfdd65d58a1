"""Statements of hot paths: written by hand, bound by the server on PostgreSQL.

Django's cursor writes the values into the text, so that every statement is a new one to be read and
planned. Bound by the server, a statement is prepared once for each connection: planning some joins
takes longer than running them. Do not prepare what is not looked up by unique keys: the plan for
any values may be a scan.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


def rows(sql: str, values: Sequence[Any] = (), *, prepare: bool = True) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows.

    Placeholders are ``%s``. While queries are recorded (tests, DEBUG) it goes by Django's cursor,
    so that it is counted.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall()) if cursor.description else []
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(sql, values, prepare=prepare)
        # Whether it returns rows; `description` would build an object of each column to tell.
        result = cursor.pgresult
        return cursor.fetchall() if result is not None and result.nfields else []


def among(column: str, values: Iterable[Any], kind: str = "bigint") -> tuple[str, list[Any]]:
    """Return the condition that a column is one of some values, with what it binds."""
    listed = list(values)
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s::{kind}[])", [listed]
    return f"{column} IN ({', '.join(['%s'] * len(listed))})", listed


def not_among(column: str, values: Iterable[Any], kind: str = "bigint") -> tuple[str, list[Any]]:
    """Return the condition that a column is none of some values, with what it binds."""
    listed = list(values)
    if connection.vendor == "postgresql":
        return f"{column} <> ALL(%s::{kind}[])", [listed]
    return f"{column} NOT IN ({', '.join(['%s'] * len(listed))})", listed


def instance(model: type[M], names: Sequence[str], values: Sequence[Any]) -> M:
    """Return a stored row as an object of which only these fields (attname) are loaded."""
    given = dict(zip(names, values, strict=True))
    order = [field.attname for field in model._meta.concrete_fields if field.attname in given]
    return model.from_db(connection.alias, order, [given[name] for name in order])


def sql_time(at: datetime) -> Any:
    """Return a time as a statement takes it."""
    return connection.ops.adapt_datetimefield_value(at)


def sql_uuid(value: Any) -> UUID:
    """Return a UUID as a statement gave it: SQLite keeps its digits."""
    return value if isinstance(value, UUID) else UUID(value)
