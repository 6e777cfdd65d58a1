"""Statements of hot paths: written by hand, prepared once for each connection on PostgreSQL.

Planning a statement of some joins takes the server longer than running it. Django's cursor writes
the values into the text, so that every statement is a new one; here they are bound by the server.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import connection


def rows(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
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
        cursor.execute(sql, values, prepare=True)
        return cursor.fetchall() if cursor.description else []


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
