"""Text that is decided where no language is known and read where one is.

`core/` and stored rows say in English what a person will read; the words stay together with the
values in them, so that a page can say the same in its reader's language. Free of Django: see
common.languages for the translation.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any


class Said(str):
    """An English text that remembers its pattern (`%(name)s`) and the values in it.

    It is a str: it prints, compares, searches and is stored as the English text.
    """

    text: str
    plural: str
    values: dict[str, Any]

    def __new__(cls, text: str, plural: str = "", **values: Any) -> "Said":
        pattern = plural if plural and values["n"] != 1 else text
        self = super().__new__(cls, pattern % values if values else pattern)
        self.text, self.plural, self.values = text, plural, values
        return self


def said(text: str, **values: Any) -> Said:
    """Return a text with values in it; a value that is itself a Said is translated as well."""
    return Said(text, **values)


def pattern(text: str) -> str:
    """Return a text that is to be filled in later, marked for the catalogues."""
    return text


def nsaid(text: str, plural: str, n: int, **values: Any) -> Said:
    """Return the text for one or for n, which is a value of it."""
    return Said(text, plural, n=n, **values)


def listed(texts: Sequence[str], pattern: str = "%(first)s, %(then)s") -> str:
    """Return some texts as one; each is still translated by itself."""
    return reduce(lambda first, then: said(pattern, first=first, then=then), texts)


def to_json(text: str) -> Any:
    """Return what is stored of a text: its pattern and values; plain text as it is.

    Examples
    --------
    >>> to_json(said("%(who)s waits", who="Ann"))
    {'text': '%(who)s waits', 'values': {'who': 'Ann'}}
    >>> to_json("Ann waits")
    'Ann waits'
    """
    if not isinstance(text, Said):
        return text
    values = {name: to_json(value) for name, value in text.values.items()}
    found = {"text": text.text, "values": values}
    return {**found, "plural": text.plural} if text.plural else found


def from_json(stored: Any) -> str:
    """Return the text that `to_json` was given."""
    if not isinstance(stored, Mapping):
        return str(stored)
    values = {
        name: from_json(value) if isinstance(value, Mapping) else value
        for name, value in stored["values"].items()
    }
    return Said(stored["text"], stored.get("plural", ""), **values)


__all__ = ["Said", "from_json", "listed", "nsaid", "pattern", "said", "to_json"]
