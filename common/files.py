"""Reading tables from files: CSV and NDJSON, row by row, with errors that name row and field."""

import csv
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext as _

from common.errors import Invalid

# A field longer than this is kept by no column of ours; the csv module must not die on it.
MAX_FIELD = 32 * 1024 * 1024


@dataclass(frozen=True)
class Refusal:
    """Why a row was refused: its number in the file (the header is row 1), field, rule, words."""

    row: int
    field: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.field}: {self.message}"


class BadField(Exception):
    """One field of a row breaks a rule; readers turn it into a Refusal with the row."""

    def __init__(self, field: str, rule: str, message: str) -> None:
        self.field, self.rule = field, rule
        super().__init__(message)


@dataclass
class FileReport:
    """What happened to a file, row by row."""

    rows: int = 0
    made: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, row: int, error: BadField) -> None:
        """Note a refused row."""
        self.refused.append(Refusal(row, error.field, error.rule, str(error)))


def rows_of(
    path: Path, *, required: Collection[str], optional: Collection[str] = ()
) -> Iterator[tuple[int, dict[str, Any] | Refusal]]:
    """Yield (row number, values) of a .csv, or of an .ndjson or .jsonl file.

    CSV values are text, stripped; those of NDJSON what they are. A line that cannot be read comes
    as a Refusal.

    Raises
    ------
    Invalid
        If there is no such file, it is empty or not UTF-8, or columns are missing, doubled or
        unknown: the whole file is refused.
    """
    if not path.is_file():
        raise Invalid(_("There is no file %(path)s.") % {"path": path}, field="file", rule="exists")
    if path.stat().st_size == 0:
        raise Invalid(_("The file is empty."), field="file", rule="not_empty")
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            if path.suffix.lower() in (".ndjson", ".jsonl"):
                yield from _json_rows(file, required, optional)
            else:
                yield from _csv_rows(file, required, optional)
        except UnicodeDecodeError as error:
            raise Invalid(
                _("The file is not UTF-8 text (byte %(start)s of a block: %(reason)s).")
                % {"start": error.start, "reason": error.reason},
                field="file",
                rule="encoding",
            ) from error


def _csv_rows(
    file: TextIO, required: Collection[str], optional: Collection[str]
) -> Iterator[tuple[int, dict[str, Any] | Refusal]]:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(file)
    try:
        header = [name.strip() for name in next(reader)]
    except StopIteration:
        raise Invalid(_("The file is empty."), field="file", rule="not_empty") from None
    check_columns(header, required, optional)
    empty = True
    while True:
        try:
            values = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield reader.line_num, Refusal(reader.line_num, "", "csv", str(error))
            continue
        if not values:
            continue
        empty = False
        row = reader.line_num
        if len(values) != len(header):
            yield (
                row,
                Refusal(
                    row, "", "columns", f"it has {len(values)} fields, the header {len(header)}"
                ),
            )
            continue
        yield row, dict(zip(header, (value.strip() for value in values), strict=True))
    if empty:
        raise Invalid(_("The file has a header and no rows."), field="file", rule="not_empty")


def _json_rows(
    file: TextIO, required: Collection[str], optional: Collection[str]
) -> Iterator[tuple[int, dict[str, Any] | Refusal]]:
    known = set(required) | set(optional)
    empty = True
    for row, line in enumerate(file, start=1):
        if not line.strip():
            continue
        empty = False
        try:
            values = json.loads(line)
        except ValueError as error:
            yield row, Refusal(row, "", "json", f"this is no JSON: {error}")
            continue
        if not isinstance(values, dict):
            yield row, Refusal(row, "", "json", "a line is one JSON object")
            continue
        strange = sorted(set(values) - known)
        missing = sorted(set(required) - set(values))
        if strange or missing:
            name = (strange or missing)[0]
            word = "unknown" if strange else "missing"
            yield row, Refusal(row, name, word, f"the field {name} is {word}")
            continue
        yield row, values
    if empty:
        raise Invalid(_("The file has no rows."), field="file", rule="not_empty")


def check_columns(header: list[str], required: Collection[str], optional: Collection[str]) -> None:
    """Refuse a header with missing, doubled or unknown columns, naming them.

    Raises
    ------
    Invalid
        With the names of the columns.
    """
    doubled = sorted({name for name in header if header.count(name) > 1})
    missing = sorted(set(required) - set(header))
    unknown = sorted(set(header) - set(required) - set(optional))
    for names, rule, words in (
        (doubled, "doubled", "stand twice"),
        (missing, "missing", "are missing"),
        (unknown, "unknown", "are not known"),
    ):
        if names:
            shown = ", ".join(repr(name) for name in names)
            raise Invalid(
                _("Columns %(words)s: %(shown)s. Known columns: %(listed)s.")
                % {"words": words, "shown": shown, "listed": ", ".join([*required, *optional])},
                field="header",
                rule=rule,
                columns=names,
            )


def write_refused(path: Path, refused: list[Refusal]) -> None:
    """Write refused rows as CSV: row, field, rule, message."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "field", "rule", "message"])
        writer.writerows([r.row, r.field, r.rule, r.message] for r in refused)
