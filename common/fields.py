"""Model fields used by every app."""

import re
import uuid
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Upper
from django.db.models.lookups import Exact
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


class CountryField(models.CharField):  # type: ignore[type-arg]
    """An ISO 3166 code of two capital letters; see country_rule for the database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 2)
        kwargs.setdefault("help_text", _("ISO 3166, two letters, e.g. DE"))
        kwargs.setdefault(
            "validators",
            [RegexValidator(r"^[A-Z]{2}\Z", _("Two capital letters (ISO 3166), e.g. DE."))],
        )
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        # People type "de"; residency and holidays are compared as they stand.
        value = super().to_python(value)
        return value.strip().upper() if isinstance(value, str) else value


def country_rule(field: str, *, blank: bool = False) -> Any:
    """Return the condition of a check constraint on a country: two capital letters (or none)."""
    rule = Q(Exact(Length(field), 2)) & Q(Exact(Upper(field), models.F(field)))
    return Q(**{field: ""}) | rule if blank else rule


def steps_rule(steps: Mapping[str, Iterable[str]], before: str, after: str) -> Q:
    """Return the condition of a check constraint: (before, after) is a step of a table."""
    rules = [
        Q(**{before: state, f"{after}__in": sorted(following)})
        for state, following in steps.items()
        if following
    ]
    return reduce(or_, rules)


LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def validate_languages(value: Any) -> None:
    """Refuse what is not a list of BCP 47 language tags."""
    if not isinstance(value, list):
        raise ValidationError(_("This is a list of languages."), code="languages")
    wrong = [str(word)[:20] for word in value if not LANGUAGE.fullmatch(str(word))]
    if wrong:
        raise ValidationError(
            _("Not a BCP 47 language tag (such as de or en-GB): %(wrong)s."),
            code="languages",
            params={"wrong": ", ".join(wrong)},
        )
