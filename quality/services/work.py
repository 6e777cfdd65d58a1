"""The answers to work as columns: when, how long, what became of them. One row per assignment.

Corrections are rows of one assignment: their seconds are added up, the last says what was answered.
Imported answers and gold are no work that was routed; neither is here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from django.conf import settings

from common.time import zone
from quality.models import Judgment
from quality.services.fate import with_fate
from routing.choices import Purpose

BATCH = 10_000
PATHS = {
    "pk": "judgment",
    "assignment_id": "assignment",
    "annotator_id": "annotator",
    "annotator__pool_id": "pool",
    "annotator__hourly_cost_micro": "hourly_micro",
    "task_id": "task",
    "task__task_type_id": "task_type",
    "task__size": "size",
    "submitted_at": "submitted",
    "billable_seconds": "seconds",
    "time_faults": "faults",
    "was_accepted": "accepted",
    "was_rejected": "rejected",
}


def read_work(
    now: datetime,
    *,
    since: datetime | None = None,
    annotators: Sequence[int] | None = None,
    **only: Any,
) -> pd.DataFrame:
    """Return the answers to work given in [since, now], by assignment.

    Columns: judgment … size (ids, the quantity), `submitted` (aware UTC), `seconds` (billable, NaN
    unknown), `trusted` (its time is known and has no fault), `accepted` and `rejected` (neither =
    not decided), `day` (ordinal, in the operation's zone).

    Parameters
    ----------
    annotators : ids; None = everybody
    only : further conditions on judgments, e.g. ``task__project=…``
    """
    rows = Judgment.objects.filter(assignment__purpose=Purpose.LABEL, submitted_at__lte=now, **only)
    if since is not None:
        rows = rows.filter(submitted_at__gte=since)
    if annotators is not None:
        rows = rows.filter(annotator__in=list(annotators))
    found = with_fate(rows, now).order_by("assignment_id", "attempt").values_list(*PATHS)
    table = pd.DataFrame(list(found.iterator(BATCH)), columns=list(PATHS.values()))
    table["trusted"] = [not faults for faults in table.pop("faults")]
    table["seconds"] = table["seconds"].astype(float)
    table["hourly_micro"] = table["hourly_micro"].astype(float)
    table["trusted"] &= table["seconds"].notna() & (table["seconds"] > 0)
    return _by_assignment(table)


def _by_assignment(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the last answer of each assignment, with the seconds of all."""
    if table.empty:
        return table.assign(day=np.zeros(0, dtype=np.int64)).astype(
            {"accepted": bool, "rejected": bool, "trusted": bool}
        )
    by = table.groupby("assignment", sort=False)
    last = table.loc[~table["assignment"].duplicated(keep="last")].copy()
    last["seconds"] = last["assignment"].map(by["seconds"].sum(min_count=1))
    last["trusted"] = last["assignment"].map(by["trusted"].all())
    last["submitted"] = pd.to_datetime(last["submitted"], utc=True)
    local = last["submitted"].dt.tz_convert(zone(settings.OPERATION_TIME_ZONE))
    last["day"] = [moment.date().toordinal() for moment in local]
    return last.reset_index(drop=True)


def undecided(work: pd.DataFrame) -> pd.Series:
    """Return which answers are neither accepted nor rejected yet."""
    return ~(work["accepted"] | work["rejected"])
