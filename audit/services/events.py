"""Writing the event log. Callers are inside the transaction of what they record."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction

from audit.models import Event, EventNote

if TYPE_CHECKING:
    from accounts.models import User


def record_event(
    kind: str,
    *,
    acting_user: "User | None",
    now: datetime,
    subject: str = "",
    subject_id: UUID | str = "",
    note: str = "",
    **data: Any,
) -> Event:
    """Write one event; must be called inside the transaction that does what it says.

    Parameters
    ----------
    kind : dotted past participle, e.g. ``vendor.activated``
    subject, subject_id : what it happened to, e.g. ``vendor`` and its public id
    note : free text, kept in an erasable side row
    data : public ids, numbers, versions, hashes; JSON-serialisable

    Raises
    ------
    RuntimeError
        If no transaction is open: the event could then outlive a change that failed.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("record_event must run inside the transaction of what it records")
    event = Event.objects.create(
        kind=kind,
        actor=acting_user,
        at=now,
        subject=subject,
        subject_id=str(subject_id),
        data=data,
    )
    if note:
        EventNote.objects.create(event=event, text=note)
    return event


# For statements that do several things at once: the row of one event, with `event_values`.
EVENT_SQL = (
    "INSERT INTO audit_event (kind, at, actor_id, subject, subject_id, data) "
    "VALUES (%s, %s, %s, %s, %s, %s::jsonb)"
)


def event_values(
    kind: str,
    *,
    acting_user: "User",
    now: datetime,
    subject: str = "",
    subject_id: UUID | str = "",
    **data: Any,
) -> list[Any]:
    """Return what `EVENT_SQL` binds; on PostgreSQL, inside the transaction like `record_event`."""
    return [kind, now, acting_user.pk, subject, str(subject_id), json.dumps(data)]


def digest_of(ids: Iterable[UUID | str]) -> str:
    """Return the digest that stands for many ids in one event (SHA-256 over sorted ids)."""
    digest = hashlib.sha256()
    for text in sorted(str(item) for item in ids):
        digest.update(text.encode())
        digest.update(b"\n")
    return digest.hexdigest()
