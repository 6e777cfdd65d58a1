"""Every address of the console, with rows that exist put into it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Organisation

# No row has this key.
NOT_THERE = "987654"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """An address under /admin/; `page` is the model page it belongs to, if it does to one."""

    path: str
    name: str
    page: Any


def addresses(*, missing: bool = False) -> list[Address]:
    """Return all addresses under /admin/; with `missing`, rows in them do not exist."""
    found = []
    for route, name in _routes(get_resolver().url_patterns, ""):
        if not route.startswith("admin/"):
            continue
        page = _page(route)
        path = PARAMETER.sub(lambda match, page=page: _value(match[1], page, missing), route)
        found.append(Address("/" + path, name or "", page))
    return found


def _routes(patterns: Any, before: str) -> Iterator[tuple[str, str | None]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield _as_path(route), pattern.name


def _as_path(route: str) -> str:
    """Write the two routes that are regular expressions like the others."""
    history = "^([^/]+)/history/([^/]+)/$"
    return route.replace("(?P<url>.*)$", "<path:url>").replace(
        history, "<path:object_id>/history/<str:version_id>/"
    )


def _page(route: str) -> Any:
    parts = route.split("/")
    for model, page in admin.site._registry.items():
        if parts[1:3] == [model._meta.app_label, model._meta.model_name]:
            return page
    return None


def _value(name: str, page: Any, missing: bool) -> str:
    if name == "content_type_id":
        return str(ContentType.objects.get_for_model(Organisation).pk)
    if name == "app_label":
        return "vendors"
    if name == "url":
        return "nowhere/"
    if page is not None and name == "version_id":
        row = None if missing else _version(page)
    elif page is not None:
        row = None if missing else page.model._default_manager.first()
    else:
        row = None if missing else Organisation.objects.first()
    return str(row.pk) if row is not None else NOT_THERE


def _version(page: Any) -> Any:
    """Return a version of the row that stands in the address."""
    row = page.model._default_manager.first()
    return row.history.first() if row is not None else None
