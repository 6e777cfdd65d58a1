"""Intake of tasks from files: checked row by row, written in one transaction."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import NotFound
from common.files import BadField, FileReport, Refusal, rows_of
from common.money import MAX_MICRO, MICRO
from common.time import zone
from routing.choices import DataClass, Harm, TaskState, Use
from routing.core.effort import MAX_SECONDS
from routing.models import Domain, GuidelineVersion, Project, Task, TaskType
from routing.models.tasks import INLINE_BYTES, MAX_SIZE

REQUIRED = ("external_id", "task_type")
OPTIONAL = (
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
    "domain",
    "priority",
    "due",
    "error_cost",
    "payload_reference",
    "payload",
)
COLUMNS = (
    "public_id",
    "project_id",
    "external_id",
    "task_type_id",
    "guideline_id",
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
    "payload_reference",
    "payload",
    "state",
    "source",
    "created_at",
)
CHUNK = 5_000
MAX_CLASSES = 1_000_000
SMALL = 32_767
TRUE, FALSE = frozenset({"1", "true", "yes", "y"}), frozenset({"", "0", "false", "no", "n"})

Progress = Callable[[str, int, int], None]


class _Refused(Exception):
    """Rolls the transaction back: the whole file is refused."""


def import_tasks(
    path: Path,
    *,
    project_key: str,
    keep_good: bool = False,
    acting_user: User,
    now: datetime,
    report: Progress | None = None,
) -> FileReport:
    """Import tasks of a project from CSV or NDJSON.

    Rows whose external id the project has already are left as they are, so a file can be sent
    twice. With a refused row nothing is written, or with `keep_good` everything but the refused
    rows.

    Raises
    ------
    NotFound
        If there is no such project.
    Invalid
        If the file as a whole cannot be read (common.files.rows_of).
    """
    require(acting_user, "tasks.import")
    project = Project.objects.filter(key=project_key).first()
    if project is None:
        raise NotFound(
            _("There is no project %(project_key)s.") % {"project_key": project_key}, what="project"
        )
    tell = report or (lambda step, done, total: None)
    found = FileReport()
    try:
        with transaction.atomic():
            _read(path, project, found, now, tell)
            if found.refused and not keep_good:
                raise _Refused
            record_event(
                "tasks.imported",
                acting_user=acting_user,
                now=now,
                subject="project",
                subject_id=project.public_id,
                rows=found.rows,
                made=found.made,
                refused=len(found.refused),
            )
    except _Refused:
        found.made = found.unchanged = 0
    return found


def _read(path: Path, project: Project, found: FileReport, now: datetime, tell: Progress) -> None:
    check = _Checker(project, now)
    chunk: list[tuple[Any, ...]] = []
    seen: set[str] = set()
    overdue = 0
    for number, row in rows_of(path, required=REQUIRED, optional=OPTIONAL):
        found.rows += 1
        if isinstance(row, Refusal):
            found.refused.append(row)
            continue
        try:
            values = check(row)
            if values[2] in seen:
                raise BadField("external_id", "once", "it stands in the file twice")
        except BadField as error:
            found.refuse(number, error)
            continue
        seen.add(values[2])
        due = values[18]
        overdue += due is not None and due < now
        chunk.append(values)
        if len(chunk) == CHUNK:
            _write(chunk, found)
            chunk.clear()
            tell("importing tasks", found.rows, 0)
    _write(chunk, found)
    if overdue:
        found.notes.append(f"{overdue} tasks are due in the past: kept, and planned first")


def _write(chunk: list[tuple[Any, ...]], found: FileReport) -> None:
    if not chunk:
        return
    table = connection.ops.quote_name(Task._meta.db_table)
    names = ", ".join(connection.ops.quote_name(name) for name in COLUMNS)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            made = _copy(cursor, table, names, chunk)
        else:
            marks = ", ".join(["%s"] * len(COLUMNS))
            before = _count(cursor, table, chunk[0][1])
            cursor.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({marks}) "
                "ON CONFLICT (project_id, external_id) DO NOTHING",
                [_for_sqlite(values) for values in chunk],
            )
            made = _count(cursor, table, chunk[0][1]) - before
    found.made += made
    found.unchanged += len(chunk) - made


def _copy(cursor: Any, table: str, names: str, chunk: list[tuple[Any, ...]]) -> int:
    """COPY into a table without indexes, then insert what is new: one statement for a chunk."""
    cursor.execute(
        f"CREATE TEMP TABLE IF NOT EXISTS task_intake ON COMMIT DROP AS "
        f"SELECT {names} FROM {table} WITH NO DATA"
    )
    cursor.execute("TRUNCATE task_intake")
    with cursor.copy(f"COPY task_intake ({names}) FROM STDIN") as copy:
        for values in chunk:
            copy.write_row(values)
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM task_intake "
        "ON CONFLICT (project_id, external_id) DO NOTHING"
    )
    return int(cursor.rowcount)


def _count(cursor: Any, table: str, project_id: int) -> int:
    cursor.execute(f"SELECT count(*) FROM {table} WHERE project_id = %s", [project_id])
    return int(cursor.fetchone()[0])


def _for_sqlite(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """SQLite keeps UUIDs as hex and times as naive UTC text, as Django reads them."""
    out = list(values)
    out[0] = values[0].hex
    for place in (18, 23):
        if values[place] is not None:
            out[place] = connection.ops.adapt_datetimefield_value(values[place])
    return tuple(out)


class _Checker:
    """Turns the values of a row into a task's columns, or says which rule a field breaks."""

    def __init__(self, project: Project, now: datetime) -> None:
        self.project, self.now = project, now
        self.zone = zone(project.time_zone)
        self.types = {kind.key: kind for kind in TaskType.objects.all()}
        self.domains = dict(Domain.objects.values_list("key", "pk"))
        self.hosts = {str(host).lower() for host in project.reference_hosts}
        guideline = GuidelineVersion.objects.filter(project=project, effective_from__lte=now)
        self.guideline = guideline.order_by("-number").values_list("pk", flat=True).first()

    def __call__(self, row: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values in the order of COLUMNS."""
        get = row.get
        external_id = _text(get("external_id"), "external_id", 200)
        if not external_id:
            raise BadField("external_id", "required", "it is empty")
        task_type = self.types.get(_text(get("task_type"), "task_type", 60))
        if task_type is None:
            raise BadField("task_type", "known", f"there is no task type {_show(get('task_type'))}")
        domain_key = _text(get("domain"), "domain", 60)
        if domain_key and domain_key not in self.domains:
            raise BadField("domain", "known", f"there is no domain {_show(domain_key)}")
        size = self._size(get("size"), task_type)
        classes = _whole(get("classes"), "classes", low=2, high=MAX_CLASSES)
        reference, payload = self._payload(get("payload_reference"), get("payload"))
        return (
            uuid4(),
            self.project.pk,
            external_id,
            task_type.pk,
            self.guideline,
            self.domains.get(domain_key),
            size,
            classes,
            _number(get("disagreement"), "disagreement", low=0.0, high=1.0),
            _number(get("entropy"), "entropy", low=0.0, high=1.0),
            _flag(get("edge_case"), "edge_case"),
            _word(get("data_class"), "data_class", DataClass.values, DataClass.INTERNAL.value),
            _word(get("use"), "use", Use.values, Use.PRODUCT.value),
            _word(get("harm"), "harm", Harm.values, Harm.NONE.value),
            _country(get("residency")),
            _text(get("language"), "language", 12),
            _micro(get("error_cost"), "error_cost"),
            _whole(get("priority"), "priority", low=-SMALL, high=SMALL) or 0,
            self._due(get("due")),
            reference,
            payload,
            TaskState.OPEN.value,
            "import",
            self.now,
        )

    def _size(self, value: Any, kind: TaskType) -> float:
        number = _number(value, "size", low=0.0, high=MAX_SIZE)
        size = 1.0 if number is None else number
        seconds = kind.effort_base_seconds + kind.effort_unit_seconds * size
        if seconds > MAX_SECONDS:
            raise BadField(
                "size",
                "effort",
                f"{size:g} would take {seconds / 3600:,.0f} hours, a task takes at most "
                f"{MAX_SECONDS / 3600:,.0f}: split it",
            )
        return size

    def _due(self, value: Any) -> datetime | None:
        text = _text(value, "due", 40)
        if not text:
            return None
        try:
            due = datetime.fromisoformat(text)
        except ValueError as error:
            raise BadField("due", "date", f"{_show(text)} is no ISO 8601 time") from error
        if len(text) <= 10:
            # A date alone means the end of that day, where the project is.
            due = datetime.combine(due.date(), time(23, 59, 59))
        if due.tzinfo is None:
            due = due.replace(tzinfo=self.zone)
        if not 1970 <= due.year <= 9000:
            raise BadField("due", "range", f"{_show(text)} is not in this era")
        return due.astimezone(UTC)

    def _payload(self, reference: Any, payload: Any) -> tuple[str, str | None]:
        address = _text(reference, "payload_reference", 2000)
        if payload in (None, ""):
            inline = None
        else:
            value = payload
            if isinstance(payload, str) and payload[:1] in "[{":
                try:
                    value = json.loads(payload)
                except ValueError:
                    value = payload  # text that merely begins like JSON
            inline = json.dumps(value, ensure_ascii=False)
            if len(inline.encode()) > INLINE_BYTES:
                raise BadField("payload", "size", "inline payloads have at most 64 KiB")
            if "\\u0000" in inline:
                raise BadField("payload", "text", "it holds a zero character")
        if not address:
            return "", inline
        if inline is not None:
            raise BadField("payload", "one_payload", "a payload is a reference or inline, not both")
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "").lower()
        except ValueError as error:
            raise BadField("payload_reference", "url", "this is no address") from error
        if parts.scheme != "https" or not host:
            raise BadField("payload_reference", "https", "references are https addresses")
        if host not in self.hosts:
            raise BadField(
                "payload_reference", "host", f"{host} is not on the project's list of hosts"
            )
        return address, None


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _text(value: Any, name: str, limit: int) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        raise BadField(name, "text", "it is no text")
    text = str(value).strip()
    if len(text) > limit:
        raise BadField(name, "length", f"it has {len(text):,} characters, {limit:,} are allowed")
    if "\x00" in text:
        raise BadField(name, "text", "it holds a zero character")
    return text


def _number(
    value: Any, name: str, *, low: float = -math.inf, high: float = math.inf
) -> float | None:
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise BadField(name, "number", f"{_show(value)} is no number") from error
    if not math.isfinite(number):
        raise BadField(name, "finite", f"{_show(value)} is not finite")
    if not low <= number <= high:
        allowed = f"from {low:g} to {high:g}" if high < math.inf else f"not below {low:g}"
        raise BadField(name, "range", f"{number:g} is not allowed: {allowed}")
    return number


def _whole(value: Any, name: str, *, low: int, high: int) -> int | None:
    number = _number(value, name, low=low, high=high)
    if number is None:
        return None
    if number != int(number):
        raise BadField(name, "whole", f"{number:g} is no whole number")
    return int(number)


def _flag(value: Any, name: str) -> bool:
    word = str(value if value is not None else "").strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise BadField(name, "flag", f"{_show(value)} is neither yes nor no")


def _word(value: Any, name: str, known: list[str], default: str) -> str:
    word = _text(value, name, 60)
    if not word:
        return default
    if word not in known:
        raise BadField(name, "known", f"{_show(word)} is none of {', '.join(known)}")
    return word


def _country(value: Any) -> str:
    code = _text(value, "residency", 60)
    if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise BadField(
            "residency", "country", f"{_show(code)} is no ISO 3166 country of two letters"
        )
    return code.upper()


def _micro(value: Any, name: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise BadField(name, "number", f"{_show(value)} is no number") from error
    if not amount.is_finite():
        raise BadField(name, "finite", f"{_show(value)} is not finite")
    if amount < 0 or amount * MICRO > MAX_MICRO:
        raise BadField(name, "range", "an amount is not negative and not beyond counting")
    return int((amount * MICRO).to_integral_value())
