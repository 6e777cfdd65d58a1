"""Saving a configuration record: checked as its form would be, with its event, or not at all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Conflict, Invalid

M = TypeVar("M", bound=models.Model)


def save_record(
    record: M,
    *,
    permission: str,
    many: Mapping[str, Sequence[models.Model]] | None = None,
    changed: Sequence[str] | None = None,
    acting_user: User,
    now: datetime,
) -> M:
    """Check and save a record, its many-to-many sets, and the event of it.

    `changed` names the fields that were changed, for the event; None = all of a new record.

    Raises
    ------
    Invalid
        If a field or constraint is broken; the first problem's field and every problem's words.
    """
    require(acting_user, permission)
    new = record._state.adding
    name = record._meta.model_name or ""
    with transaction.atomic():
        write_checked(record, many=many, acting_user=acting_user)
        record_event(
            f"{name}.{'made' if new else 'changed'}",
            acting_user=acting_user,
            now=now,
            subject=name,
            subject_id=identity(record),
            fields=sorted(changed or ()),
        )
    return record


def write_checked(
    record: M,
    *,
    many: Mapping[str, Sequence[models.Model]] | None = None,
    acting_user: User,
) -> M:
    """Check and save a record and its many-to-many sets; the caller writes the event of it.

    Raises
    ------
    Invalid
        If a field or constraint is broken; the first problem's field and every problem's words.
    """
    try:
        with transaction.atomic():
            record.full_clean()
            # History names who did it, in commands and jobs as well.
            record._history_user = acting_user  # type: ignore[attr-defined]
            record.save()
            for field, rows in (many or {}).items():
                getattr(record, field).set(rows)
    except ValidationError as error:
        raise invalid(error) from error
    except IntegrityError as error:
        raise Invalid(rule_of(error), rule="constraint") from error
    return record


def delete_record(
    record: models.Model, *, permission: str, acting_user: User, now: datetime
) -> None:
    """Delete a record that nothing stands on, with the event of it.

    Raises
    ------
    Conflict
        If others stand on it; the text names them.
    """
    require(acting_user, permission)
    name, subject_id = record._meta.model_name or "", identity(record)
    try:
        with transaction.atomic():
            record._history_user = acting_user  # type: ignore[attr-defined]
            record.delete()
            record_event(
                f"{name}.deleted",
                acting_user=acting_user,
                now=now,
                subject=name,
                subject_id=subject_id,
            )
    except (ProtectedError, RestrictedError) as error:
        kinds = sorted({str(row._meta.verbose_name_plural) for row in list(error.args[1])[:200]})
        raise Conflict(
            _("%(record)s is in use by: %(listed)s.")
            % {"record": record, "listed": ", ".join(kinds)}
        ) from error
    except IntegrityError as error:
        raise Conflict(rule_of(error)) from error


def identity(record: models.Model) -> str:
    """Return the public id of a record, or its key, or its number."""
    return str(getattr(record, "public_id", None) or getattr(record, "key", None) or record.pk)


def invalid(error: ValidationError) -> Invalid:
    """Turn Django's problems into one error that names the fields."""
    problems: dict[str, list[str]] = (
        error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    )
    words = [
        " ".join(messages) if field == NON_FIELD_ERRORS else f"{field}: {' '.join(messages)}"
        for field, messages in problems.items()
    ]
    field = next((name for name in problems if name != NON_FIELD_ERRORS), "")
    return Invalid("; ".join(words), field=field, rule="valid", problems=problems)


def rule_of(error: IntegrityError) -> str:
    """Return the words of the trigger or constraint that refused a row."""
    if not str(error):
        return _("A rule of the database refused the row.")
    # The words of our own triggers are in the catalogue; others are told as they are.
    return _(str(error).splitlines()[0].removeprefix("CHECK constraint failed: "))
