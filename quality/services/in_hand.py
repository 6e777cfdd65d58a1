"""What a submission reads: an assignment with all that its answer is checked, timed and settled by.

Written by hand: several hundred submissions a second leave no time to build queries and objects.
One text for both databases; SQLite gives times and ids as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.dateparse import parse_datetime

from common.sql import rows
from quality.core.sequential import Dependence
from routing.seams import QualityFacts
from routing.services.locks import SEATS

SQLITE = "sqlite"
# The latest estimate of an annotator as of a time: (annotator, skill, as_of) is unique.
LATEST = (
    "(SELECT p.{column} FROM workforce_proficiency p WHERE p.annotator_id = n.id "
    "AND p.skill_id = y.skill_id AND p.as_of <= %s ORDER BY p.as_of DESC LIMIT 1)"
)
RATE, LOWER = (LATEST.format(column=name) for name in ("rate", "rate_lower"))


@dataclass(frozen=True)
class InHand:
    """An assignment as it was read, before anything is locked; states may change until they are.

    rate, rate_lower : of the annotator in the type's skill, None where nothing is known
    given : attempts of judgments of this annotator on this task so far
    """

    id: int
    public_id: UUID
    purpose: str
    state: str
    attempt: int
    effort_seconds: float
    reserved_at: datetime
    started_at: datetime | None
    decision_id: int | None
    guideline_id: int | None
    guideline: UUID | None
    annotator_id: int
    annotator: UUID
    user_id: int | None
    task_id: int
    task: UUID
    project_id: int
    run_id: int | None
    classes: int | None
    type_id: int
    type_key: str
    type_classes: int
    metric: str
    threshold: float
    schema: str
    skill_id: int
    rate: float | None
    rate_lower: float | None
    given: int


COLUMNS = (
    "a.id",
    "a.public_id",
    "a.purpose",
    "a.state",
    "a.attempt",
    "a.effort_seconds",
    "a.reserved_at",
    "a.started_at",
    "a.decision_id",
    "a.guideline_id",
    "g.public_id",
    "n.id",
    "n.public_id",
    "n.user_id",
    "t.id",
    "t.public_id",
    "t.project_id",
    "j.current_run_id",
    "t.classes",
    "y.id",
    "y.key",
    "y.classes",
    "y.metric",
    "y.threshold",
    "CAST(y.answer_schema AS text)",
    "y.skill_id",
    RATE,
    LOWER,
    "(SELECT coalesce(max(q.attempt), 0) FROM quality_judgment q "
    "WHERE q.task_id = t.id AND q.annotator_id = n.id)",
)
TABLES = (
    "routing_assignment a JOIN workforce_annotator n ON n.id = a.annotator_id "
    "JOIN routing_task t ON t.id = a.task_id JOIN routing_tasktype y ON y.id = t.task_type_id "
    "JOIN routing_project j ON j.id = t.project_id "
    "LEFT JOIN routing_guidelineversion g ON g.id = a.guideline_id"
)
NAMES = tuple(field.name for field in fields(InHand))
TIMES = tuple(NAMES.index(name) for name in ("reserved_at", "started_at"))
IDS = tuple(NAMES.index(name) for name in ("public_id", "guideline", "annotator", "task"))


def read_in_hand(assignment: int | UUID, now: datetime) -> InHand | None:
    """Return an assignment by its id or public id, None where there is none.

    On PostgreSQL the same statement takes the shared lock on the seats of the task's project: what
    is read of placements afterwards is what the run in force says.
    """
    lock = ""
    if connection.vendor != SQLITE:
        lock = f", pg_advisory_xact_lock_shared({SEATS}, t.project_id::int)"
    column = "public_id" if isinstance(assignment, UUID) else "id"
    at = sql_time(now)
    found = rows(
        f"SELECT {', '.join(COLUMNS)}{lock} FROM {TABLES} WHERE a.{column} = %s",
        [at, at, sql_id(assignment)],
    )
    return _in_hand(found[0]) if found else None


def _in_hand(row: Sequence[Any]) -> InHand:
    values = list(row[: len(NAMES)])
    if connection.vendor == SQLITE:
        for place in TIMES:
            values[place] = from_sqlite_time(values[place])
        for place in IDS:
            values[place] = None if values[place] is None else UUID(values[place])
    return InHand(*values)


def sql_time(at: datetime) -> Any:
    """Return a time as hand-written SQL takes it."""
    return connection.ops.adapt_datetimefield_value(at)


def sql_id(value: int | UUID) -> Any:
    """Return an id as hand-written SQL takes it."""
    return value.hex if isinstance(value, UUID) and connection.vendor == SQLITE else value


def from_sqlite_time(value: Any) -> datetime | None:
    """Return a time that SQLite gave: text where the column is no plain one, often without zone."""
    if value is None:
        return None
    at = value if isinstance(value, datetime) else parse_datetime(value)
    if at is None:
        raise ValueError(f"{value!r} is no time")
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Seats:
    """A task and its placement in the run in force, both locked.

    The placement's columns are None where the run placed the task nowhere.
    """

    state: str
    steps: int
    attempt: int
    placement_id: int | None
    asked: int | None
    opened: int | None
    taken: int | None
    arrangement: int | None
    urgency: int | None
    decision_id: int | None
    decision: UUID | None


def lock_seats(task_id: int, run_id: int | None) -> Seats:
    """Lock the placement of a task, then the task, and return both as they are."""
    keep, keep_task = "", ""
    if connection.vendor != SQLITE:
        keep, keep_task = " FOR NO KEY UPDATE", " FOR NO KEY UPDATE OF t"
    (found,) = rows(
        f"WITH p AS (SELECT * FROM routing_placement WHERE run_id = %s AND task_id = %s{keep}) "
        "SELECT t.state, t.steps, t.attempt, p.id, p.asked, p.opened, p.taken, p.arrangement, "
        "p.urgency, p.decision_id, d.public_id FROM routing_task t LEFT JOIN p ON 1 = 1 "
        f"LEFT JOIN routing_decision d ON d.id = p.decision_id WHERE t.id = %s{keep_task}",
        [run_id, task_id, task_id],
    )
    row: list[Any] = list(found)
    if connection.vendor == SQLITE and row[-1] is not None:
        row[-1] = UUID(row[-1])
    return Seats(*row)


# What is measured of a task type as of a time: (type, as_of) is unique.
FACT = (
    "(SELECT f.{column} FROM quality_typefacts f WHERE f.task_type_id = y.id AND f.as_of <= %s "
    "ORDER BY f.as_of DESC LIMIT 1)"
)
FACTS = f"{FACT.format(column='dispersion')}, {FACT.format(column='same_error')}"


def _dependence(dispersion: float | None, same_error: float | None) -> Dependence:
    usual = QualityFacts()
    return Dependence(
        usual.dispersion if dispersion is None else dispersion,
        usual.same_error if same_error is None else same_error,
    )


@dataclass(frozen=True)
class Whole:
    """An assignment, its task with its seats, and what else an answer is settled by.

    judgments : that the task has; dependence : how votes of its type hang together
    """

    work: InHand
    seats: Seats
    judgments: int
    dependence: Dependence


WHOLE = (
    f"SELECT {', '.join(COLUMNS)}, t.state, t.steps, t.attempt, p.id, p.asked, p.opened, p.taken, "
    "p.arrangement, p.urgency, p.decision_id, d.public_id, "
    f"(SELECT count(*) FROM quality_judgment q WHERE q.task_id = t.id), {FACTS} FROM {TABLES} "
    "LEFT JOIN routing_placement p ON p.run_id = j.current_run_id AND p.task_id = t.id "
    "LEFT JOIN routing_decision d ON d.id = p.decision_id WHERE a.{column} = %s"
)
# The same within another statement: its columns by `w.*`.
WHOLE_JOIN = f"LEFT JOIN LATERAL ({WHOLE.format(column='public_id')}) w ON true"


def whole_values(assignment: int | UUID, now: datetime) -> list[Any]:
    """Return what `WHOLE` binds."""
    return [now, now, now, now, assignment]


def read_whole(assignment: int | UUID, now: datetime) -> Whole | None:
    """Return all that an answer to an assignment is settled by, None where there is none.

    PostgreSQL; nothing is locked: whoever acts by it looks again under the locks.
    """
    column = "public_id" if isinstance(assignment, UUID) else "id"
    found = rows(WHOLE.format(column=column), whole_values(assignment, now))
    return whole_of(found[0]) if found else None


def whole_of(row: Sequence[Any]) -> Whole | None:
    """Return the same from the columns of `WHOLE`."""
    if row[0] is None:
        return None
    *seats, judgments, dispersion, same_error = row[len(NAMES) :]
    return Whole(_in_hand(row), Seats(*seats), judgments, _dependence(dispersion, same_error))


@dataclass(frozen=True)
class Vote:
    """One answer of the attempt at hand, the last of its assignment."""

    judgment_id: int
    annotator_id: int
    label: str
    answer: str
    rate: float | None
    rate_lower: float | None


def read_votes(task_id: int, attempt: int, now: datetime) -> tuple[list[Vote], Dependence]:
    """Return the answers to a task in one attempt as they came, and how votes hang together."""
    at = sql_time(now)
    found = rows(
        f"SELECT {FACTS}, q.id, n.id, q.label, CAST(q.answer AS text), "
        f"{RATE}, {LOWER} FROM quality_judgment q "
        "JOIN routing_assignment a ON a.id = q.assignment_id "
        "JOIN workforce_annotator n ON n.id = q.annotator_id "
        "JOIN routing_task t ON t.id = q.task_id "
        "JOIN routing_tasktype y ON y.id = t.task_type_id "
        # Both by the task: a plan made for a prepared statement must not begin elsewhere.
        "WHERE q.task_id = %s AND a.task_id = %s AND a.attempt = %s AND a.purpose = 'label' "
        "AND a.state = 'submitted' AND NOT EXISTS (SELECT 1 FROM quality_judgment later "
        "WHERE later.task_id = q.task_id AND later.assignment_id = q.assignment_id "
        "AND later.attempt > q.attempt) ORDER BY q.submitted_at, q.id",
        [at, at, at, at, task_id, task_id, attempt],
    )
    return [Vote(*row[2:]) for row in found], _dependence(
        *(found[0][:2] if found else (None, None))
    )
