"""Reading answers as columns.

Ten million answers never stand as Python rows: they are read task by task, some thousand at a time,
and on PostgreSQL the server joins what it finds into one value, of which every column is fixed in
width; labels are numbered there and sent once each.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from quality.models import Judgment

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
# SQLite has a limit; on PostgreSQL a query that reads the whole table must not do so often.
TASKS_A_QUERY = {"postgresql": 50_000, "sqlite": 10_000}
# PostgreSQL counts microseconds from 2000-01-01.
EPOCH_2000 = 946_684_800.0
# name, SQL on PostgreSQL, big-endian numpy type
COLUMNS = (
    ("task", "int8send(task_id)", ">i8"),
    ("annotator", "int8send(annotator_id)", ">i8"),
    ("attempt", "int2send(attempt)", ">i2"),
    ("assignment", "int8send(coalesce(assignment_id, 0))", ">i8"),
    ("label", "int4send(code)", ">i4"),
    ("seconds", "float8send(seconds)", ">f8"),
    ("submitted", "timestamptz_send(submitted_at)", ">i8"),
)
RECORD = np.dtype([(name, dtype) for name, _sql, dtype in COLUMNS])
SQL = f"""
WITH answer AS MATERIALIZED (
    SELECT task_id, annotator_id, attempt, assignment_id, label, submitted_at,
        coalesce(billable_seconds, raw_seconds, 'NaN') AS seconds
    FROM quality_judgment
    WHERE task_id = ANY(%s::bigint[]) AND submitted_at <= %s AND (label <> '' OR NOT %s)
), word AS (
    SELECT label, (row_number() OVER ())::int4 - 1 AS code FROM answer GROUP BY label
)
SELECT string_agg({" || ".join(sql for _name, sql, _type in COLUMNS)}, ''::bytea),
    (SELECT array_agg(label ORDER BY code) FROM word)
FROM answer JOIN word USING (label)
"""


@dataclass(frozen=True)
class Answers:
    """Answers (N,) by task and annotator, the last attempt of each.

    label : position in `words`
    seconds : billable, else raw, of the answer and what it corrects; NaN where unknown
    submitted : seconds since 1970
    """

    task: Ints
    annotator: Ints
    label: Ints
    seconds: Floats
    submitted: Floats
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.task)

    def timed(self, models: Collection[int] = ()) -> "Answers":
        """Return the answers whose time is known, without those of some annotators (models).

        What a machine takes tells nothing of the effort of people.
        """
        rows = (self.seconds > 0) & ~np.isin(self.annotator, list(models))
        columns = {name: getattr(self, name)[rows] for name in NAMES}
        return Answers(**columns, words=self.words)


NAMES = tuple(field.name for field in fields(Answers) if field.name != "words")


def read_answers(tasks: Ints, now: datetime, *, labelled: bool = True) -> Answers:
    """Return the answers to tasks that were submitted by `now`.

    Parameters
    ----------
    tasks : ids, ascending
    labelled : leave out answers that have no normalised label
    """
    codes: dict[str, int] = {}
    parts: list[dict[str, NDArray[Any]]] = []
    read = _joined if connection.vendor == "postgresql" else _fetched
    size = TASKS_A_QUERY[connection.vendor]
    for start in range(0, len(tasks), size):
        part, words = read(tasks[start : start + size].tolist(), now, labelled)
        if not words:
            continue
        code = np.array([codes.setdefault(word, len(codes)) for word in words])
        part["label"] = code[part["label"]]
        parts.append(_last_of_each(part))
    columns = {
        # Column by column, each part's let go of when it has been copied.
        name: np.concatenate([part.pop(name) for part in parts])
        if parts
        else np.zeros(0, dtype=_dtype(name))
        for name in NAMES
    }
    return Answers(**columns, words=tuple(codes))


def read_ids(rows: QuerySet[Any, Any], column: str = "pk") -> Ints:
    """Return one column of ids, each once, ascending."""
    query = rows.order_by().values_list(column, flat=True).distinct()
    if connection.vendor != "postgresql":
        return np.sort(np.fromiter(query.iterator(), dtype=np.int64))
    sql, params = query.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT string_agg(int8send(id), ''::bytea) FROM ({sql}) AS row (id)", params
        )
        (found,) = cursor.fetchone()
    return np.sort(np.frombuffer(found or b"", dtype=">i8").astype(np.int64))


def _last_of_each(part: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the last attempts by task and annotator, each with the seconds of what it corrects.

    Corrections are rows of the same assignment (0 = none); an answer that was worked anew is one of
    its own.
    """
    order = np.lexsort((part["attempt"], part["annotator"], part["task"]))
    rows = {name: values[order] for name, values in part.items()}
    other = np.zeros(max(len(order) - 1, 0), dtype=bool)
    for name in ("task", "annotator"):
        other |= rows[name][1:] != rows[name][:-1]
    last = np.append(other, True)
    if not last.all():
        held = rows["assignment"]
        apart = other | (held[1:] != held[:-1]) | (held[1:] == 0)
        first = np.flatnonzero(np.append(True, apart))
        known = np.add.reduceat(np.isfinite(rows["seconds"]).astype(np.int64), first) > 0
        total = np.add.reduceat(np.nan_to_num(rows["seconds"]), first)
        length = np.diff(np.append(first, len(order)))
        rows["seconds"] = np.repeat(np.where(known, total, np.nan), length)
    return {name: rows[name][last] for name in NAMES}


def _joined(
    tasks: list[int], now: datetime, labelled: bool
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(SQL, [tasks, now, labelled])
        joined, words = cursor.fetchone()
    rows = np.frombuffer(joined or b"", dtype=RECORD)
    part: dict[str, NDArray[Any]] = {
        name: rows[name].astype(dtype[1:]) for name, _sql, dtype in COLUMNS
    }
    part["submitted"] = part["submitted"] / 1e6 + EPOCH_2000
    return part, words or []


def _fetched(
    tasks: list[int], now: datetime, labelled: bool
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    rows = Judgment.objects.filter(task_id__in=tasks, submitted_at__lte=now).order_by()
    if labelled:
        rows = rows.exclude(label="")
    codes: dict[str, int] = {}
    found = [
        (task, who, attempt, held, codes.setdefault(label, len(codes)), seconds, time.timestamp())
        for task, who, attempt, held, label, seconds, time in rows.values_list(
            "task_id",
            "annotator_id",
            "attempt",
            Coalesce("assignment_id", 0),
            "label",
            Coalesce("billable_seconds", "raw_seconds"),
            "submitted_at",
        )
    ]
    columns = zip(*found, strict=True) if found else [()] * len(COLUMNS)
    # None, seconds that are unknown, becomes NaN.
    return {
        name: np.array(values, dtype=_dtype(name))
        for (name, _sql, _type), values in zip(COLUMNS, columns, strict=True)
    }, list(codes)


def _dtype(name: str) -> type[np.generic]:
    return np.float64 if name in ("seconds", "submitted") else np.int64
