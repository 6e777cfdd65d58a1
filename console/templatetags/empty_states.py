"""What a list says while there is nothing in it."""

from typing import Any

from django import template

from console.empty_states import EMPTY

register = template.Library()


@register.simple_tag
def empty_words(opts: Any) -> str:
    """Return what comes into the list of a model, and by what."""
    return str(EMPTY.get(opts.label_lower, ""))
