"""Reading the open work of projects as columns.

A run reads a million tasks; objects would take minutes. On PostgreSQL the rows come by a binary
COPY in which every expression is fixed in width and never null and many rows are joined to one
value, so that what comes is numpy record arrays; elsewhere the same columns come through an
ordinary cursor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from routing.choices import DataClass, Harm, Use

Array = NDArray[np.generic]

DATA_CLASSES = tuple(DataClass.values)
USES = tuple(Use.values)
HARMS = tuple(Harm.values)
LANGUAGE_WIDTH = 12
# PostgreSQL counts microseconds from 2000-01-01.
EPOCH_2000 = 946_684_800_000_000
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


def _mixed() -> str:
    """SQL of one number that holds priority, data class, use, harm and edge case (`_unmix`)."""
    number = "priority::int4"
    for column, words in (("data_class", DATA_CLASSES), ('"use"', USES), ("harm", HARMS)):
        number = f"({number} * {len(words)} + {_case(column, words)})"
    return f"({number} * 2 + edge_case::int4)"


# name, SQL on PostgreSQL, its type there, big-endian numpy type: few and cheap ones, since each
# costs the server as much as reading the row. The project stands before its tasks.
COLUMNS: tuple[tuple[str, str, str, str], ...] = (
    ("id", "id", "int8", ">i8"),
    ("task_type", "task_type_id", "int8", ">i8"),
    ("domain", "coalesce(domain_id, 0)", "int8", ">i8"),
    ("size", "size", "float8", ">f8"),
    ("classes", "coalesce(classes, -1)", "int4", ">i4"),
    ("disagreement", "coalesce(disagreement, -1)", "float8", ">f8"),
    ("entropy", "coalesce(entropy, -1)", "float8", ">f8"),
    ("mixed", _mixed(), "int4", ">i4"),
    ("residency", "residency::char(2)", "char", "S2"),
    ("language", f"language::char({LANGUAGE_WIDTH})", "char", f"S{LANGUAGE_WIDTH}"),
    ("error_cost", "coalesce(error_cost_micro, -1)", "int8", ">i8"),
    ("due", "coalesce(due_at, 'infinity')", "timestamptz", ">i8"),
    ("created", "created_at", "timestamptz", ">i8"),
)

# How each type is sent in its fixed width.
SENDERS = {
    "int8": "int8send(({})::int8)",
    "int4": "int4send(({})::int4)",
    "float8": "float8send(({})::float8)",
    "char": "bpcharsend({})",
    "timestamptz": "timestamptz_send(({})::timestamptz)",
}
IDS_A_QUERY = 10_000
BLOCK = 30_000  # ids whose rows the server joins to one value …
BLOCKS = 100  # … and most such ranges of a project, where its ids lie far apart


def open_tasks(project_ids: Sequence[int]) -> TaskColumns:
    """Return the open tasks (nobody holds or has answered them) of projects, ordered by id."""
    if connection.vendor != "postgresql":
        return _from_rows(_select(project_ids))
    record = np.dtype([(name, dtype) for name, _sql, _kind, dtype in COLUMNS])
    row = " || ".join(SENDERS[kind].format(sql) for _name, sql, kind, _np in COLUMNS)
    parts = [_from_record(*block) for block in _packed(row, record, project_ids)]
    if not parts:
        return _from_rows([])
    parts.sort(key=lambda part: int(part.id[0]))
    tasks = TaskColumns(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(TaskColumns)}
    )
    return tasks if _ascending(tasks.id) else tasks.take(np.argsort(tasks.id))


def open_task_ids(project_ids: Sequence[int]) -> NDArray[np.int64]:
    """Return the ids of the tasks that are open now, ascending."""
    if connection.vendor != "postgresql":
        marks = ", ".join(["%s"] * len(project_ids))
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM routing_task WHERE project_id IN ({marks}) AND state = 'open' "
                "ORDER BY id",
                list(project_ids),
            )
            return np.fromiter((row[0] for row in cursor.fetchall()), dtype=np.int64)
    parts = [
        block["id"].astype(np.int64)
        for _project, block in _packed("int8send(id)", np.dtype([("id", ">i8")]), project_ids)
    ]
    parts.sort(key=lambda part: int(part[0]))
    ids = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    return ids if _ascending(ids) else np.sort(ids)


def _ascending(ids: NDArray[np.int64]) -> bool:
    return bool((ids[1:] > ids[:-1]).all())


def _packed(
    expression: str, record: np.dtype[np.void], project_ids: Sequence[int]
) -> Iterator[tuple[int, NDArray[np.void]]]:
    """Yield a project and the records that an expression makes of its open tasks, in blocks.

    The server joins the rows of a range of ids into one value, so that the client, which handles
    each row of a COPY by itself, handles some dozens instead of a million. The ranges are parts of
    one statement that the server's workers share among them (Parallel Append); each walks the
    index of open work and sorts nothing. Blocks come as they are done.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        ranges = _ranges(cursor, project_ids)
        if not ranges:
            return
        # Compiling the expressions takes longer than it saves on a million rows.
        cursor.execute("SET LOCAL jit = off")
        parts = " UNION ALL ".join(
            f"(SELECT {project}::int8, string_agg({expression}, ''::bytea) FROM routing_task "
            f"WHERE project_id = {project} AND state = 'open' AND id >= {low} AND id < {high})"
            for project, low, high in ranges
        )
        with cursor.copy(f"COPY ({parts}) TO STDOUT (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "bytea"])
            for project, block in copy.rows():
                if block is not None:
                    if len(block) % record.itemsize:
                        raise RuntimeError("a column of the task COPY is not fixed in width")
                    yield project, np.frombuffer(block, record)


def _ranges(cursor: Any, project_ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return (project, low, high) half-open ranges of ids that hold the open tasks of projects."""
    cursor.execute(
        "SELECT p.id, low, high FROM unnest(%s::bigint[]) AS p (id), LATERAL ("
        "SELECT min(id) AS low, max(id) AS high FROM routing_task "
        "WHERE project_id = p.id AND state IN ('open', 'rework')) AS r WHERE low IS NOT NULL",
        [sorted(set(project_ids))],
    )
    found = []
    for project, low, high in cursor.fetchall():
        step = max(BLOCK, (high - low) // BLOCKS + 1)
        found += [(project, start, start + step) for start in range(low, high + 1, step)]
    return found


def _from_record(project: int, rows: NDArray[np.void]) -> TaskColumns:
    def micros(name: str) -> NDArray[np.float64]:
        values = rows[name].astype(np.int64)
        return np.where(values == NO_TIME, np.nan, (values + EPOCH_2000) / 1e6)

    return TaskColumns(
        id=rows["id"].astype(np.int64),
        project=np.full(len(rows), project, dtype=np.int64),
        task_type=rows["task_type"].astype(np.int64),
        domain=rows["domain"].astype(np.int64),
        size=rows["size"].astype(np.float64),
        classes=_unknown(rows["classes"]),
        disagreement=_unknown(rows["disagreement"]),
        entropy=_unknown(rows["entropy"]),
        **_unmix(rows["mixed"]),
        residency=_strip(rows["residency"]),
        language=_strip(rows["language"]),
        error_cost=_unknown(rows["error_cost"]) / 1e6,
        due=micros("due"),
        created=micros("created"),
    )


def _unmix(values: Array) -> dict[str, Any]:
    """Take the number of `_mixed` apart again."""
    number, edge_case = np.divmod(values.astype(np.int32), 2)
    found: dict[str, Any] = {"edge_case": edge_case.astype(np.bool_)}
    for name, words in (("harm", HARMS), ("use", USES), ("data_class", DATA_CLASSES)):
        number, code = np.divmod(number, len(words))
        found[name] = code.astype(np.int8)
    return {**found, "priority": number.astype(np.int16)}


def _unknown(values: Array) -> NDArray[np.float64]:
    """Turn the −1 that stands for null into NaN."""
    numbers = values.astype(np.float64)
    return np.where(numbers < 0, np.nan, numbers)


def _strip(values: Array) -> NDArray[np.bytes_]:
    """Drop the blanks that fill the width: numpy drops trailing zero bytes when comparing."""
    width = values.dtype.itemsize
    raw = np.ascontiguousarray(values).view(np.uint8).reshape(-1, width).copy()
    raw[raw == ord(" ")] = 0
    return raw.view(f"S{width}").reshape(-1)


# The columns as the ORM names them.
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
        [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in FIELDS]
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
