"""Model fields used by every app."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.money import is_currency
from common.time import zone


def public_id_field() -> "models.UUIDField[uuid.UUID, uuid.UUID]":
    """Return the random public id of a row: the only id that leaves a page or the API."""
    return models.UUIDField(_("public id"), default=uuid.uuid4, unique=True, editable=False)


def validate_time_zone(value: str) -> None:
    """Refuse a name that is no IANA zone."""
    try:
        zone(value)
    except ValueError as error:
        raise ValidationError(str(error), code="time_zone") from error


def validate_currency(value: str) -> None:
    """Refuse a code that is no ISO 4217 currency."""
    if not is_currency(value):
        raise ValidationError(
            _("%(value)s is not an ISO 4217 currency."), code="currency", params={"value": value}
        )


class TimeZoneField(models.CharField):  # type: ignore[type-arg]
    """The name of an IANA zone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 64)
        kwargs.setdefault("default", "UTC")
        kwargs.setdefault("validators", [validate_time_zone])
        super().__init__(*args, **kwargs)


class CurrencyField(models.CharField):  # type: ignore[type-arg]
    """An ISO 4217 code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 3)
        kwargs.setdefault("validators", [validate_currency])
        super().__init__(*args, **kwargs)
