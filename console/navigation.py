"""The side bar of the operations console."""

from typing import Any

from django.http import HttpRequest


def operations(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links that this user may open."""
    return []
