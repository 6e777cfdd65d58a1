"""A list of the console as a file: the columns and rows that it shows, its filters applied.

CSV is streamed, some rows at a time; XLSX is written to a temporary file first, since its table of
contents comes last. Words that a spreadsheet would read as a formula get an apostrophe before them.
Who took how much stands in the event log.
"""

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db import models, transaction
from django.utils.html import strip_tags
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from openpyxl import Workbook

from accounts.models import User
from audit.services.events import record_event
from common.errors import Invalid
from common.time import utc_now

AT_ONCE = 1_000  # rows read at a time
MOST_XLSX = 200_000  # rows; a larger one opens slowly, and CSV has no end
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MICRO = Decimal(1_000_000)

Prepare = Callable[[list[Any]], None]


def heads(page: Any, columns: Sequence[str]) -> list[str]:
    """Return the titles of a list's columns."""
    return [str(capfirst(str(label_for_field(name, page.model, page)))) for name in columns]


def cells(page: Any, columns: Sequence[str], row: Any) -> list[Any]:
    """Return what a list shows of a row, without colours and links."""
    return [_plain(_value(page, name, row)) for name in columns]


def batches(rows: Any, prepare: Prepare) -> Iterator[list[Any]]:
    """Yield the rows of a query some at a time, each batch with what its page reads beside it."""
    found = rows.iterator(chunk_size=AT_ONCE)
    while part := list(islice(found, AT_ONCE)):
        prepare(part)
        yield part


def csv_lines(page: Any, columns: Sequence[str], rows: Any, noted: "Noted") -> Iterator[str]:
    """Yield a list as lines of CSV, and note at the end how many were taken."""
    writer = csv.writer(_Echo(), lineterminator="\n")
    try:
        yield writer.writerow(heads(page, columns))
        for part in batches(rows, page.prepare_rows):
            for row in part:
                noted.rows += 1
                yield writer.writerow([_text(value) for value in cells(page, columns, row)])
    finally:
        # Also where whoever asked went away in the middle: so much left the house.
        noted.write()


def xlsx_file(page: Any, columns: Sequence[str], rows: Any, noted: "Noted") -> Any:
    """Return a list as an open XLSX file.

    Raises
    ------
    Invalid
        If it has more rows than MOST_XLSX.
    """
    if len(rows.order_by().values_list("pk")[: MOST_XLSX + 1]) > MOST_XLSX:
        raise Invalid(
            _("This list has more than %(most)s rows: take it as CSV, or filter it.")
            % {"most": f"{MOST_XLSX:,}"}
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(heads(page, columns))
    for part in batches(rows, page.prepare_rows):
        for row in part:
            noted.rows += 1
            sheet.append([_cell(value) for value in cells(page, columns, row)])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the answer closes it
    book.save(file)
    file.seek(0)
    noted.write()
    return file


class Noted:
    """What was taken, for the event log; written once."""

    def __init__(self, name: str, kind: str, filters: Iterable[str], user: User) -> None:
        self.name, self.kind, self.filters, self.user = name, kind, sorted(filters), user
        self.rows, self.done = 0, False

    def write(self) -> None:
        """Write the event."""
        if self.done:
            return
        self.done = True
        with transaction.atomic():
            record_event(
                "list.exported",
                acting_user=self.user,
                now=utc_now(),
                subject="list",
                subject_id=self.name,
                rows=self.rows,
                form=self.kind,
                filters=self.filters,
            )


class _Echo:
    """A file whose writing is what it returns."""

    def write(self, text: str) -> str:
        return text


def _value(page: Any, name: str, row: Any) -> Any:
    try:
        field, _attribute, value = lookup_field(name, row, page)
    except (AttributeError, ValueError, ObjectDoesNotExist):
        return None
    if field is None:
        return value
    if field.name.endswith("_micro") and value is not None:
        return Decimal(value) / MICRO
    if getattr(field, "choices", None):
        return getattr(row, f"get_{field.name}_display")()
    if isinstance(field, models.ForeignKey):
        related = getattr(row, field.name)
        return None if related is None else str(related)
    return value


def _plain(value: Any) -> Any:
    """Return a value as a cell of a file holds it."""
    if isinstance(value, tuple) and len(value) == 2:
        value = value[1]  # a coloured word
    if value is None or value in ("–", "-"):
        return None
    if isinstance(value, bool | int | float | Decimal | datetime | date):
        return value
    return strip_tags(str(value)).strip()


def _text(value: Any) -> Any:
    """Return a cell as CSV has it: times with their zone, words that no spreadsheet calculates."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, bool):
        return "true" if value else "false"
    return _safe(value)


def _cell(value: Any) -> Any:
    """Return a cell as XLSX has it, which knows no zones: times are UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    return _safe(value)


def _safe(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
