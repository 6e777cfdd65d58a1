"""The normal form of a label: what makes two answers the same vote.

Text in Unicode NFC with single spaces; other JSON with its members in order. What is too long to
be kept as it is stands by its SHA-256: such labels are compared, not read.
"""

import hashlib
import json
import unicodedata
from typing import Any

MAX_LABEL = 200


def normal_label(value: Any) -> str:
    """Return the normal form, at most MAX_LABEL characters; empty for None and blank text.

    Examples
    --------
    >>> normal_label("  Red   fox "), normal_label({"b": 1, "a": [True, None]}), normal_label(2.0)
    ('Red fox', '{"a":[true,null],"b":1}', '2')
    """
    if value is None:
        return ""
    text = " ".join(normal_text(value).split()) if isinstance(value, str) else canonical(value)
    if len(text) <= MAX_LABEL:
        return text
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def normal_text(text: str) -> str:
    """Return text in Unicode NFC."""
    return unicodedata.normalize("NFC", text)


def canonical(value: Any) -> str:
    """Return JSON text that is the same for equal values: members in order, 2.0 as 2, text in NFC.

    Raises
    ------
    TypeError, ValueError, RecursionError
        If the value is no JSON: NaN, a set, a list in itself.
    """
    return json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _plain(value: Any) -> Any:
    """Return JSON in which equal values look alike: 2.0 is 2, text is normal."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        return normal_text(value)
    if isinstance(value, dict):
        return {normal_text(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
