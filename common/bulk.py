"""Many rows at once: ids that are known before their rows are, and rows by COPY where there is one.

`bulk_create` writes every value of every row into one statement as text; a COPY streams them and
costs a fraction of it.
"""

from collections.abc import Sequence
from typing import TypeVar

from django.db import connection
from django.db.models import Model

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


def insert_rows(rows: Sequence[M]) -> None:
    """Insert unsaved instances of one model, all with reserved ids or all without."""
    if not rows:
        return
    model = type(rows[0])
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(rows, batch_size=500)
        return
    fields = [
        field
        for field in model._meta.concrete_fields
        if rows[0].pk is not None or not field.primary_key
    ]
    quote = connection.ops.quote_name
    names = ", ".join(quote(str(field.column)) for field in fields)
    sql = f"COPY {quote(model._meta.db_table)} ({names}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(sql) as copy:
        for row in rows:
            copy.write_row(
                [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
            )
