"""Reading the open work of projects as columns.

A run reads a million tasks; objects would take minutes. On PostgreSQL the rows come by a binary
COPY in which every expression is fixed in width and never null and thousands of rows are joined to
one value, so that the whole answer is one numpy record array; elsewhere the same expressions come
through an ordinary cursor.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from routing.choices import DataClass, Harm, Use

Array = NDArray[np.generic]

DATA_CLASSES = tuple(DataClass.values)
USES = tuple(Use.values)
HARMS = tuple(Harm.values)
LANGUAGE_WIDTH = 12
# PostgreSQL counts microseconds from 2000-01-01.
EPOCH_2000 = 946_684_800.0
NO_TIME = np.iinfo(np.int64).max


@dataclass(frozen=True)
class TaskColumns:
    """Open tasks as columns, all of shape (n,), ordered by id.

    Times are seconds since 1970 (NaN = none); `classes`, `disagreement`, `entropy` and
    `error_cost` (major units) are NaN where unknown; codes count along `DataClass`, `Use` and
    `Harm`; `residency` and `language` are bytes, empty = none.
    """

    id: NDArray[np.int64]
    project: NDArray[np.int64]
    task_type: NDArray[np.int64]
    domain: NDArray[np.int64]
    size: NDArray[np.float64]
    classes: NDArray[np.float64]
    disagreement: NDArray[np.float64]
    entropy: NDArray[np.float64]
    edge_case: NDArray[np.bool_]
    data_class: NDArray[np.int8]
    use: NDArray[np.int8]
    harm: NDArray[np.int8]
    residency: NDArray[np.bytes_]
    language: NDArray[np.bytes_]
    error_cost: NDArray[np.float64]
    priority: NDArray[np.int16]
    due: NDArray[np.float64]
    created: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.id)

    def take(self, rows: Array) -> "TaskColumns":
        """Return the chosen rows (a mask or positions)."""
        return TaskColumns(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def _case(column: str, words: Sequence[str]) -> str:
    """SQL that turns a word into its position; the words are our own constants."""
    whens = " ".join(f"WHEN '{word}' THEN {number}" for number, word in enumerate(words))
    return f"(CASE {column} {whens} END)"


# name, SQL on PostgreSQL, its type there, big-endian numpy type
COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("id", "id", "int8", ">i8"),
    ("project", "project_id", "int8", ">i8"),
    ("task_type", "task_type_id", "int8", ">i8"),
    ("domain", "coalesce(domain_id, 0)", "int8", ">i8"),
    ("size", "size", "float8", ">f8"),
    ("classes", "coalesce(classes, -1)", "int4", ">i4"),
    ("disagreement", "coalesce(disagreement, -1)", "float8", ">f8"),
    ("entropy", "coalesce(entropy, -1)", "float8", ">f8"),
    ("edge_case", "edge_case", "bool", "i1"),
    ("data_class", _case("data_class", DATA_CLASSES), "int2", ">i2"),
    ("use", _case('"use"', USES), "int2", ">i2"),
    ("harm", _case("harm", HARMS), "int2", ">i2"),
    ("residency", "rpad(residency, 2)", "text", "S2"),
    ("language", f"rpad(language, {LANGUAGE_WIDTH})", "text", f"S{LANGUAGE_WIDTH}"),
    ("error_cost", "coalesce(error_cost_micro, -1)", "int8", ">i8"),
    ("priority", "priority", "int2", ">i2"),
    ("due", "coalesce(due_at, 'infinity')", "timestamptz", ">i8"),
    ("created", "created_at", "timestamptz", ">i8"),
)

# How each type is sent in its fixed width.
SENDERS = {
    "int8": "int8send(({})::int8)",
    "int4": "int4send(({})::int4)",
    "int2": "int2send(({})::int2)",
    "float8": "float8send(({})::float8)",
    "bool": "boolsend({})",
    "text": "convert_to({}, 'UTF8')",
    "timestamptz": "timestamptz_send(({})::timestamptz)",
}
IDS_A_QUERY = 10_000
TOGETHER = 5_000  # ids whose rows the server sends as one
_HEADER = 19  # signature, flags and extension length of a binary COPY


def open_tasks(project_ids: Sequence[int]) -> TaskColumns:
    """Return the open tasks (nobody holds or has answered them) of projects, ordered by id."""
    if not project_ids:
        return _from_rows([])
    if connection.vendor == "postgresql":
        return _from_copy(_copy(project_ids))
    return _from_rows(_select(project_ids))


def open_task_ids(project_ids: Sequence[int]) -> NDArray[np.int64]:
    """Return the ids of the tasks that are open now, ascending."""
    marks = ", ".join(["%s"] * len(project_ids))
    sql = (
        f"SELECT id FROM routing_task WHERE project_id IN ({marks}) AND state = 'open' ORDER BY id"
    )
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql, list(project_ids))
            return np.fromiter((row[0] for row in cursor.fetchall()), dtype=np.int64)
    data = _packed("int8send(id)", project_ids)
    return np.frombuffer(data, ">i8").astype(np.int64)


def _copy(project_ids: Sequence[int]) -> bytes:
    return _packed(
        " || ".join(f"{SENDERS[kind].format(sql)}" for _name, sql, kind, _np in COLUMNS),
        project_ids,
    )


def _packed(expression: str, project_ids: Sequence[int]) -> bytes:
    """Return the bytes of an expression over the open tasks in the order of their ids.

    The server joins thousands of rows into one value, so that the client, which handles each row
    of a COPY by itself, handles hundreds instead of a million.
    """
    marks = ", ".join(["%s"] * len(project_ids))
    sql = (
        f"COPY (SELECT string_agg({expression}, ''::bytea ORDER BY id) FROM routing_task "
        f"WHERE project_id IN ({marks}) AND state = 'open' "
        f"GROUP BY id / {TOGETHER} ORDER BY id / {TOGETHER}) TO STDOUT (FORMAT BINARY)"
    )
    with connection.cursor() as cursor, cursor.copy(sql, list(project_ids)) as copy:
        data = b"".join(copy)
    parts: list[memoryview] = []
    at = _HEADER
    while True:
        (fields_here,) = struct.unpack_from(">h", data, at)
        if fields_here < 0:
            return b"".join(parts)
        (length,) = struct.unpack_from(">i", data, at + 2)
        parts.append(memoryview(data)[at + 6 : at + 6 + length])
        at += 6 + length


def _from_copy(data: bytes) -> TaskColumns:
    record = np.dtype([(name, dtype) for name, _sql, _kind, dtype in COLUMNS])
    if len(data) % record.itemsize:
        raise RuntimeError("a column of the task COPY is not fixed in width")
    rows = np.frombuffer(data, record)

    def micros(name: str) -> NDArray[np.float64]:
        values = rows[name].astype(np.int64)
        return np.where(values == NO_TIME, np.nan, values / 1e6 + EPOCH_2000)

    return TaskColumns(
        id=rows["id"].astype(np.int64),
        project=rows["project"].astype(np.int64),
        task_type=rows["task_type"].astype(np.int64),
        domain=rows["domain"].astype(np.int64),
        size=rows["size"].astype(np.float64),
        classes=_unknown(rows["classes"]),
        disagreement=_unknown(rows["disagreement"]),
        entropy=_unknown(rows["entropy"]),
        edge_case=rows["edge_case"].astype(np.bool_),
        data_class=rows["data_class"].astype(np.int8),
        use=rows["use"].astype(np.int8),
        harm=rows["harm"].astype(np.int8),
        residency=_strip(rows["residency"]),
        language=_strip(rows["language"]),
        error_cost=_unknown(rows["error_cost"]) / 1e6,
        priority=rows["priority"].astype(np.int16),
        due=micros("due"),
        created=micros("created"),
    )


def _unknown(values: Array) -> NDArray[np.float64]:
    """Turn the −1 that stands for null into NaN."""
    numbers = values.astype(np.float64)
    return np.where(numbers < 0, np.nan, numbers)


def _strip(values: Array) -> NDArray[np.bytes_]:
    """Drop the blanks that rpad added: numpy drops trailing zero bytes when comparing."""
    width = values.dtype.itemsize
    raw = np.ascontiguousarray(values).view(np.uint8).reshape(-1, width).copy()
    raw[raw == ord(" ")] = 0
    return raw.view(f"S{width}").reshape(-1)


# The columns as the ORM names them, in the order of COLUMNS.
FIELDS = (
    "id",
    "project_id",
    "task_type_id",
    "domain_id",
    "size",
    "classes",
    "disagreement",
    "entropy",
    "edge_case",
    "data_class",
    "use",
    "harm",
    "residency",
    "language",
    "error_cost_micro",
    "priority",
    "due_at",
    "created_at",
)


def _select(project_ids: Sequence[int]) -> list[tuple[object, ...]]:
    from routing.models import Task

    rows = Task.objects.filter(project_id__in=list(project_ids), state="open").order_by("pk")
    return list(rows.values_list(*FIELDS))


def tasks_by_id(ids: Sequence[int]) -> TaskColumns:
    """Return the tasks of these ids, whatever their state, ordered by id."""
    from routing.models import Task

    rows: list[tuple[object, ...]] = []
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), IDS_A_QUERY):
        some = Task.objects.filter(pk__in=wanted[start : start + IDS_A_QUERY]).order_by("pk")
        rows += some.values_list(*FIELDS)
    return _from_rows(rows)


def _instant(value: object) -> float:
    """Return seconds since 1970, NaN for none."""
    return value.timestamp() if isinstance(value, datetime) else float("nan")


def _from_rows(rows: list[tuple[object, ...]]) -> TaskColumns:
    columns: list[Sequence[object]] = (
        [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in COLUMNS]
    )

    def numbers(index: int) -> NDArray[np.float64]:
        return np.array([np.nan if v is None else v for v in columns[index]], dtype=np.float64)

    def codes(index: int, words: tuple[str, ...]) -> NDArray[np.int8]:
        place = {word: number for number, word in enumerate(words)}
        return np.array([place[str(v)] for v in columns[index]], dtype=np.int8)

    def times(index: int) -> NDArray[np.float64]:
        return np.array(
            [_instant(v) for v in columns[index]],
            dtype=np.float64,
        )

    return TaskColumns(
        id=np.array(columns[0], dtype=np.int64),
        project=np.array(columns[1], dtype=np.int64),
        task_type=np.array(columns[2], dtype=np.int64),
        domain=np.array([v or 0 for v in columns[3]], dtype=np.int64),
        size=numbers(4),
        classes=numbers(5),
        disagreement=numbers(6),
        entropy=numbers(7),
        edge_case=np.array(columns[8], dtype=np.bool_),
        data_class=codes(9, DATA_CLASSES),
        use=codes(10, USES),
        harm=codes(11, HARMS),
        residency=np.array([str(v).encode() for v in columns[12]], dtype="S2"),
        language=np.array([str(v).encode() for v in columns[13]], dtype=f"S{LANGUAGE_WIDTH}"),
        error_cost=numbers(14) / 1e6,
        priority=np.array(columns[15], dtype=np.int16),
        due=times(16),
        created=times(17),
    )
