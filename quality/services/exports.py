"""What leaves the house as a file: who took which, how many rows, with its digest."""

import hashlib
import json
from datetime import datetime
from typing import Any

import pandas as pd
from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event

# What a spreadsheet would read as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_csv(
    name: str, table: pd.DataFrame, *, permission: str, acting_user: User, now: datetime
) -> str:
    """Return a table as CSV, and note that it was taken.

    Words that a spreadsheet would read as a formula get an apostrophe before them. Numbers are
    written with all their digits, times with their zone.
    """
    require(acting_user, permission)
    safe = table.apply(
        lambda column: column.map(_safe) if column.dtype.kind not in "biufM" else column
    )
    text = str(safe.to_csv(index=False, lineterminator="\n"))
    _note(name, text, len(table), acting_user, now)
    return text


def export_json(
    name: str,
    document: dict[str, Any],
    *,
    permission: str,
    acting_user: User,
    now: datetime,
) -> str:
    """Return a document as JSON with its members in their order, and note that it was taken."""
    require(acting_user, permission)
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    _note(name, text, 1, acting_user, now)
    return text


def _note(name: str, text: str, rows: int, acting_user: User, now: datetime) -> None:
    with transaction.atomic():
        record_event(
            "report.exported",
            acting_user=acting_user,
            now=now,
            subject="report",
            subject_id=name,
            rows=rows,
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
