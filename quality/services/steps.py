"""One change of a row's state: its step is written, then the row is moved, by one of two writers.

A trigger of each table holds that the step is there; the sequence number is unique, so that of two
who read the same state one is told that it has changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import Conflict


@dataclass(frozen=True)
class Course:
    """The states of a table: its steps, the field by which they name the row, the transitions."""

    steps: type[models.Model]
    field: str
    transitions: Mapping[str, frozenset[str]]


def take_step(
    row: Any,
    to_state: str,
    course: Course,
    *,
    values: Mapping[str, Any] | None = None,
    of_step: Mapping[str, Any] | None = None,
    reason: str = "",
    acting_user: User,
    now: datetime,
) -> None:
    """Move a row to a state and set `values` with it; the caller writes the event.

    `of_step` are further columns of the step.

    Raises
    ------
    Conflict
        If the row's state does not allow the step, or somebody else changed it meanwhile.
    """
    before, rows = row.state, type(row)._default_manager
    if to_state not in course.transitions[before]:
        words = dict(row._meta.get_field("state").flatchoices)
        raise Conflict(
            _("What is %(before)s cannot become %(to)s.")
            % {"before": words[before], "to": words[to_state]},
            state=before,
        )
    try:
        with transaction.atomic():
            course.steps._default_manager.create(
                **{course.field: row},
                sequence=row.steps + 1,
                from_state=before,
                to_state=to_state,
                actor=acting_user,
                reason=reason[:300],
                at=now,
                **(of_step or {}),
            )
            moved = rows.filter(pk=row.pk, state=before, steps=row.steps).update(
                state=to_state, steps=F("steps") + 1, **(values or {})
            )
            if not moved:
                raise Conflict
    except IntegrityError as error:
        if rows.filter(pk=row.pk, steps=row.steps).exists():
            raise  # another rule was broken: not that somebody was quicker
        raise Conflict from error
    row.state, row.steps = to_state, row.steps + 1
    for name, value in (values or {}).items():
        setattr(row, name, value)
