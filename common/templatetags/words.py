"""Filters of pages: what was said, in the reader's language; hours as people say them."""

from typing import Any

from django import template

from common.languages import duration, translated

register = template.Library()


@register.filter
def said(text: Any) -> str:
    """Return what was said, or what is stored of it, in the active language."""
    return translated(text)


@register.filter
def hours(value: float) -> str:
    """Return hours as seconds, minutes or hours, whichever a person would say."""
    return duration(value)


__all__ = ["hours", "register", "said"]
