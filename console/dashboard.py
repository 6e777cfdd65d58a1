"""The front page of the operations console."""

from typing import Any

from django.http import HttpRequest


def operations(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows to the context."""
    return context
