"""Sealing committed events into a chain, and verifying it.

Writers never wait for the chain: one sealer takes what has been committed since, in batches. Each
seal holds the hash of its last event chained to the seal before, and an HMAC under a key outside
the database; it is also written to a file, so that a tail cut off in the database is found.

Two sealers at once: the second waits for the lock of the file, and on PostgreSQL, where it may run
on another machine, for an advisory lock; whatever passes both breaks on the unique number.
"""

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection, transaction

from audit.models import Event, Seal, SealedEvent

GENESIS = "0" * 64
BATCH = 1_000
# The number of the advisory lock under which one sealer works at a time.
LOCK = 7202
# A line of the seal file is shorter than this many bytes.
TAIL = 4_096


@dataclass
class Verification:
    """What was found: how much is sealed, and every problem by name."""

    seals: int = 0
    sealed: int = 0
    unsealed: int = 0
    problems: list[str] = field(default_factory=list)


def seal_events(*, now: datetime) -> int:
    """Seal everything committed and not sealed yet; returns how many events.

    Safe to run twice, at once, and again after a crash: a seal that was committed and not written
    to the file is written by the next call.
    """
    with _file_locked(fcntl.LOCK_EX):
        with _commits_on_disk():
            total = _seal_committed(now)
        _write_missing_lines()
    return total


def _seal_committed(now: datetime) -> int:
    total = 0
    while True:
        with transaction.atomic():
            _one_at_a_time()
            events = list(Event.objects.filter(sealed__isnull=True).order_by("pk")[:BATCH])
            if not events:
                break
            last = Seal.objects.order_by("-number").first()
            previous = last.head_hash if last else GENESIS
            number = last.number + 1 if last else 1
            head = chain(previous, events)
            seal = Seal.objects.create(
                number=number,
                sealed_at=now,
                count=len(events),
                previous_hash=previous,
                head_hash=head,
                hmac=signature(number, len(events), previous, head),
            )
            SealedEvent.objects.bulk_create(
                SealedEvent(event=event, seal=seal, position=position)
                for position, event in enumerate(events)
            )
        total += len(events)
    return total


@contextmanager
def _file_locked(kind: int) -> Iterator[None]:
    """Hold the seal file's lock: exclusive while sealing, shared while seals and file are read."""
    path = settings.AUDIT_SEAL_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("a") as lock:
        fcntl.flock(lock, kind)
        yield


@contextmanager
def _commits_on_disk() -> Iterator[None]:
    """Have SQLite put its commits on the disk at once, before a seal of them stands in the file.

    Elsewhere the last ones may be lost with the power (synchronous = NORMAL); the file would then
    name a seal that the database never had.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous = NORMAL")


def _one_at_a_time() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    # On SQLite the transaction is immediate: there is one writer.


def chain(previous: str, events: Iterable[Event]) -> str:
    """Return the hash of the last of some events, each chained to the one before (SHA-256)."""
    head = previous
    for event in events:
        head = hashlib.sha256(f"{head}\n{canonical(event)}".encode()).hexdigest()
    return head


def canonical(event: Event) -> str:
    """Return the text of an event that is hashed."""
    parts = [
        event.pk,
        event.kind,
        event.at.isoformat(),
        event.actor_id,
        event.subject,
        event.subject_id,
        event.data,
    ]
    return json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def signature(number: int, count: int, previous: str, head: str) -> str:
    """Return the HMAC of a seal under the key that stands outside the database."""
    text = f"{number}|{count}|{previous}|{head}"
    return hmac.new(settings.AUDIT_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def _write_missing_lines() -> None:
    """Append the seals after the file's last; a line torn by a crash is cut off first."""
    with settings.AUDIT_SEAL_FILE.open("ab+") as file:
        last = _last_number(file)
        for seal in Seal.objects.filter(number__gt=last).order_by("number").iterator():
            file.write((json.dumps(_line(seal)) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def _last_number(file: BinaryIO) -> int:
    """Return the number in the last whole line, 0 if there is none, and cut off what follows it.

    Only the tail is read: a year of minutes makes half a million lines.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - TAIL))
    tail = file.read()
    whole = tail[: tail.rfind(b"\n") + 1]
    if len(whole) < len(tail) and (whole or end <= TAIL):
        file.truncate(end - len(tail) + len(whole))
    try:
        return int(json.loads(whole.splitlines()[-1])["number"])
    except (IndexError, ValueError, KeyError, TypeError):
        # Nothing readable at the end (verify_log says so): go by the whole file.
        return max((line["number"] for line in read_lines()[0]), default=0)


def _line(seal: Seal) -> dict[str, Any]:
    return {"number": seal.number, "count": seal.count, "head": seal.head_hash, "hmac": seal.hmac}


def read_lines() -> tuple[list[dict[str, Any]], int]:
    """Return the seals in the file and how many lines could not be read."""
    path = settings.AUDIT_SEAL_FILE
    if not path.exists():
        return [], 0
    lines, bad = [], 0
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
            lines.append({name: line[name] for name in ("number", "count", "head", "hmac")})
        except (ValueError, KeyError, TypeError):
            bad += 1
    return lines, bad


def verify_log() -> Verification:
    """Recompute the whole chain and compare it with the seals, their HMACs and the file."""
    found = Verification()
    previous, number = GENESIS, 0
    # Together, so that a seal made meanwhile stands in both or in neither.
    with _file_locked(fcntl.LOCK_SH):
        seals = {seal.number: seal for seal in Seal.objects.order_by("number").iterator()}
        lines, bad = read_lines()
    for seal in seals.values():
        number += 1
        if seal.number != number:
            found.problems.append(f"seal {number} is missing before seal {seal.number}")
            number = seal.number
        if seal.previous_hash != previous:
            found.problems.append(f"seal {seal.number} does not follow the one before it")
        members = list(
            SealedEvent.objects.filter(seal=seal).select_related("event").order_by("position")
        )
        events = [member.event for member in members]
        if [member.position for member in members] != list(range(seal.count)):
            found.problems.append(
                f"seal {seal.number} holds {len(members)} events instead of {seal.count}"
            )
        if chain(seal.previous_hash, events) != seal.head_hash:
            found.problems.append(
                f"an event of seal {seal.number} was changed, dropped or reordered"
                + (f" (events {events[0].pk} to {events[-1].pk})" if events else "")
            )
        good = signature(seal.number, seal.count, seal.previous_hash, seal.head_hash)
        if not hmac.compare_digest(good, seal.hmac):
            found.problems.append(f"seal {seal.number} was not made under the audit key")
        previous = seal.head_hash
        found.sealed += len(events)
    found.seals = len(seals)
    _compare_file(seals, lines, bad, found)
    found.unsealed = Event.objects.filter(sealed__isnull=True).count()
    return found


def _compare_file(
    seals: dict[int, Seal], lines: list[dict[str, Any]], bad: int, found: Verification
) -> None:
    if bad:
        found.problems.append(f"{bad} lines of the seal file cannot be read")
    for line in lines:
        seal = seals.get(line["number"])
        if seal is None:
            found.problems.append(f"seal {line['number']} stands in the file, not in the database")
        elif _line(seal) != line:
            found.problems.append(f"seal {line['number']} differs from the file")
    missing = sorted(set(seals) - {line["number"] for line in lines})
    if missing:
        found.problems.append(
            f"the seal file lacks {len(missing)} seals, the first is {missing[0]}"
        )
