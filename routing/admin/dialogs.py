"""Leaving a dialog of the console."""

from django.http import HttpResponse


def leave_dialog(url: str) -> HttpResponse:
    """Go to a page from a dialog: an ordinary redirect would leave it open."""
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response
