"""Rows kept and put back: what a fixture makes by services is made once a process, not per test.

The first test that asks makes it and keeps the rows that it added; the others add the same rows in
their own transaction. It is made anew wherever the database before it is not what it was then.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.apps import apps
from django.db import connection
from django.db.models import Model

T = TypeVar("T")
KEPT_BY_TRIGGERS = {"routing_factsversion"}  # counts what is written by itself
Rows = dict[str, tuple[list[str], dict[Any, tuple[Any, ...]]]]


@dataclass(frozen=True)
class Kept:
    """What was made, pickled, over which counts of rows, and the rows it added by table."""

    over: dict[str, int]
    made: bytes
    added: list[tuple[str, list[str], list[tuple[Any, ...]]]]


class Snapshot(Generic[T]):
    """Something that is made by services once and put back as rows after that."""

    def __init__(self) -> None:
        self._kept: Kept | None = None
        self._never = False

    def get(self, make: Callable[[], T]) -> T:
        """Return what `make` makes, or the same from its rows."""
        over = _counts()
        if self._kept is not None and self._kept.over == over:
            _put_back(self._kept)
            made: T = pickle.loads(self._kept.made)
            return made
        if self._kept is not None or self._never:
            return make()
        before = _rows()
        made = make()
        self._keep(over, before, made)
        return made

    def _keep(self, over: dict[str, int], before: Rows, made: T) -> None:
        after = _rows()
        added = []
        for table, (columns, rows) in after.items():
            old = before[table][1]
            if any(rows.get(key) != row for key, row in old.items()):
                # It changed what was there: rows alone do not bring that back.
                self._never = True
                return
            new = [row for key, row in rows.items() if key not in old]
            if new:
                added.append((table, columns, new))
        self._kept = Kept(over, pickle.dumps(made), added)


def _tables() -> list[str]:
    """Return the tables of all models, those that others point at first."""
    models = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]
    order: list[type[Model]] = []
    under_way: set[type[Model]] = set()

    def visit(model: type[Model]) -> None:
        if model in order or model in under_way:
            return
        under_way.add(model)
        for field in model._meta.local_fields:
            if field.is_relation and field.related_model in models:
                visit(field.related_model)  # type: ignore[arg-type]
        order.append(model)

    for model in models:
        visit(model)
    tables = [model._meta.db_table for model in order]
    return [table for table in tables if table not in KEPT_BY_TRIGGERS]


def _counts() -> dict[str, int]:
    parts = [f"SELECT '{table}', count(*) FROM {_quoted(table)}" for table in _tables()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return dict(cursor.fetchall())


def _rows() -> Rows:
    found: Rows = {}
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(f"SELECT * FROM {_quoted(table)} LIMIT 0")
            columns = [column[0] for column in cursor.description]
            cursor.execute(f"SELECT {', '.join(map(_as_stored, columns))} FROM {_quoted(table)}")
            found[table] = (columns, {row[0]: tuple(row) for row in cursor.fetchall()})
    return found


def _put_back(kept: Kept) -> None:
    with connection.cursor() as cursor:
        for table, columns, rows in kept.added:
            names = ", ".join(_quoted(column) for column in columns)
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {_quoted(table)} ({names}) VALUES ({marks})", rows)


def _as_stored(column: str) -> str:
    """Return a column for SELECT: on SQLite an expression, since its type is then left alone."""
    return f"+{_quoted(column)}" if connection.vendor == "sqlite" else _quoted(column)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
