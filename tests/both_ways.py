"""What is one round trip on PostgreSQL must leave the rows that the long way leaves."""

from collections.abc import Callable, Sequence
from typing import Any

from django.apps import apps
from django.db import transaction

# Other ones each time.
RANDOM = {"id", "public_id", "subject_id"}
Rows = dict[str, list[dict[str, Any]]]


class _Back(Exception):
    """Roll back."""


def rows_of(tables: Sequence[str]) -> Rows:
    """Return all rows of some tables without what is random in them."""
    labels = dict(apps.get_model("quality.Judgment").objects.values_list("pk", "label"))
    return {
        name: [
            {
                # Which judgment a label stands on is told by what it says.
                key: labels.get(value) if key == "judgment_id" else _told(key, value)
                for key, value in row.items()
                if key not in RANDOM
            }
            for row in apps.get_model(name).objects.order_by("pk").values()
        ]
        for name in tables
    }


def _told(key: str, value: Any) -> Any:
    if key == "data" and isinstance(value, dict):
        return {name: part for name, part in value.items() if name != "digest"}
    return value


def undone(act: Callable[[], Any], tables: Sequence[str]) -> Rows:
    """Return the rows as an act leaves them, and take it back."""
    left: list[Rows] = []
    try:
        with transaction.atomic():
            act()
            left.append(rows_of(tables))
            raise _Back
    except _Back:
        pass
    return left[0]
