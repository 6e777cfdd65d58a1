"""Tables that leave the house as files: who took which, how many rows, with their digest."""

import hashlib
from datetime import datetime

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
    with transaction.atomic():
        record_event(
            "report.exported",
            acting_user=acting_user,
            now=now,
            subject="report",
            subject_id=name,
            rows=len(table),
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
    return text


def _safe(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
