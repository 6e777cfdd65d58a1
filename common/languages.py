"""What was said, in the language of who reads it."""

from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext as _

from common.words import Said, from_json


def translated(text: Any) -> str:
    """Return what was said, or is stored of it, in the active language; plain text as it is."""
    if isinstance(text, Mapping):
        text = from_json(text)
    if not isinstance(text, Said):
        return str(text)
    values = {
        name: translated(value) if isinstance(value, Said) else value
        for name, value in text.values.items()
    }
    if text.plural:
        return ngettext(text.text, text.plural, int(values["n"])) % values
    pattern = gettext(text.text)
    return pattern % values if values else pattern


def duration(hours: float) -> str:
    """Return hours as seconds, minutes or hours, whichever a person would say.

    Examples
    --------
    >>> duration(0.001667), duration(0.25), duration(30)
    ('6 s', '15 min', '30.0 h')
    """
    if hours < 1 / 40:
        return _("%(number)s s") % {"number": number_format(hours * 3600, _places(hours * 3600))}
    if hours < 1.5:
        return _("%(number)s min") % {"number": number_format(hours * 60, _places(hours * 60))}
    return _("%(number)s h") % {"number": number_format(hours, 1)}


def _places(value: float) -> int:
    """Return the decimals that say something."""
    return 0 if value >= 9.95 or abs(value - round(value)) < 0.05 else 1
