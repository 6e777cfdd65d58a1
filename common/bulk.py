"""Many rows at once: ids that are known before their rows are, and rows by COPY where there is one.

`bulk_create` writes every value of every row into one statement as text; a COPY streams them and
costs a fraction of it.
"""

import json
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import JSONField, Model

M = TypeVar("M", bound=Model)


def reserve_ids(model: type[Model], count: int) -> list[int]:
    """Return ids that rows made later in the same transaction may have.

    On SQLite the transaction is the only writer, so the numbers after the last one are free.
    """
    table, column = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [table, column, count],
            )
            return [int(row[0]) for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        found = cursor.fetchone()
    last = int(found[0]) if found else 0
    return list(range(last + 1, last + count + 1))


class Batch(Generic[M]):
    """Unsaved rows of one model, all with reserved ids or all without, on their way in.

    What a COPY takes is worked out when the rows are given, which needs no connection: it can be
    done while the server is busy with something else.
    """

    def __init__(self, rows: Sequence[M]) -> None:
        self.rows = list(rows)
        self._values = [_values(row) for row in rows] if _copies() else []

    def replace(self, place: int, row: M) -> None:
        """Put another row in the place of one."""
        self.rows[place] = row
        if self._values:
            self._values[place] = _values(row)

    def insert(self) -> None:
        """Insert the rows."""
        if not self.rows:
            return
        model = type(self.rows[0])
        if not self._values:
            model._default_manager.bulk_create(self.rows, batch_size=500)
            return
        quote = connection.ops.quote_name
        names = ", ".join(quote(str(field.column)) for field in _fields(self.rows[0]))
        sql = f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(sql) as copy:
            for values in self._values:
                copy.write_row(values)


def insert_rows(rows: Sequence[M]) -> None:
    """Insert unsaved instances of one model."""
    Batch(rows).insert()


def _copies() -> bool:
    return connection.vendor == "postgresql"


def _fields(row: Model) -> list[Any]:
    fields = row._meta.concrete_fields
    return [field for field in fields if row.pk is not None or not field.primary_key]


def _values(row: Model) -> list[Any]:
    """Return the values of a row as a COPY takes them."""
    values = []
    for field in _fields(row):
        value = field.pre_save(row, True)
        if isinstance(field, JSONField):
            values.append(None if value is None else json.dumps(value, cls=field.encoder))
        else:
            values.append(field.get_db_prep_save(value, connection))
    return values
