"""Typed readers of the environment: a bad value stops the start and names the variable.

Every reader takes the variable's name and a default. `NAME_FILE` holds the path of a file with the
value, for secrets that an orchestrator mounts.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def raw(name: str) -> str | None:
    """Return the text of a variable, or of the file that `NAME_FILE` points to, or None."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        if name in os.environ:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: cannot read {path}: {error}.") from error
    return os.environ.get(name)


def _read(name: str, default: T, parse: Callable[[str], T], kind: str) -> T:
    text = raw(name)
    if text is None:
        return default
    try:
        return parse(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={text!r} is not {kind}.") from error


def text(name: str, default: str = "") -> str:
    """Read a text."""
    return _read(name, default, str, "a text")


def flag(name: str, default: bool = False) -> bool:
    """Read a yes or no: 1/0, true/false, yes/no, on/off."""

    def parse(value: str) -> bool:
        low = value.strip().lower()
        if low in TRUE:
            return True
        if low in FALSE:
            return False
        raise ValueError(value)

    return _read(name, default, parse, "a yes or no (1, 0, true, false, yes, no, on, off)")


def whole(name: str, default: int, *, low: int | None = None, high: int | None = None) -> int:
    """Read a whole number within [low, high]."""

    def parse(value: str) -> int:
        number = int(value)
        if (low is not None and number < low) or (high is not None and number > high):
            raise ValueError(value)
        return number

    bounds = f" from {low if low is not None else '-inf'} to {high if high is not None else 'inf'}"
    return _read(name, default, parse, f"a whole number{bounds}")


def number(name: str, default: float, *, low: float, high: float) -> float:
    """Read a number within [low, high]."""

    def parse(value: str) -> float:
        found = float(value)
        if not low <= found <= high:
            raise ValueError(value)
        return found

    return _read(name, default, parse, f"a number from {low} to {high}")


def whole_or_none(name: str, default: int | None, *, low: int | None = None) -> int | None:
    """Read a whole number from `low` on, or the word none."""

    def parse(value: str) -> int | None:
        if value.strip().lower() == "none":
            return None
        number = int(value)
        if low is not None and number < low:
            raise ValueError(value)
        return number

    return _read(name, default, parse, f"a whole number from {low}, or none")


def words(name: str, default: list[str] | None = None) -> list[str]:
    """Read a list separated by commas; empty items are dropped."""

    def parse(value: str) -> list[str]:
        return [item.strip() for item in value.split(",") if item.strip()]

    return _read(name, list(default or []), parse, "a list separated by commas")


def choice(name: str, default: str, allowed: set[str]) -> str:
    """Read one of a set of words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(value)
        return value

    return _read(name, default, parse, "one of " + ", ".join(sorted(allowed)))


def time_zone(name: str, default: str) -> str:
    """Read the name of an IANA time zone."""

    def parse(value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(value) from error
        return value

    return _read(name, default, parse, "an IANA time zone, such as Europe/Berlin")
