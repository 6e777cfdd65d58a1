"""Who gets in at /queue/: people with the role annotator and an annotator of their own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from accounts.choices import Role
from accounts.models import User
from common.errors import NotFound
from workforce.choices import AnnotatorKind, AnnotatorStatus
from workforce.models import Annotator

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'{hosts}; media-src 'self'{hosts}; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class Visit(HttpRequest):
    """A request of somebody who got in."""

    user: User
    annotator: Annotator


def annotator_of(user: Any) -> Annotator | None:
    """Return the annotator who may work here by this login, if there is one."""
    if not isinstance(user, User) or not user.is_active or Role.ANNOTATOR not in user.roles:
        return None
    found = Annotator.objects.select_related("pool", "organisation").filter(
        user=user, kind=AnnotatorKind.PERSON
    )
    return found.exclude(status=AnnotatorStatus.LEFT).first()


def shut(response: HttpResponse, *hosts: str) -> HttpResponse:
    """Let a page load nothing but our own files, and pictures from the hosts named."""
    allowed = "".join(f" https://{host}" for host in hosts)
    response["Content-Security-Policy"] = POLICY.format(hosts=allowed)
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "same-origin"
    return response


def door(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let annotators in; all others, signed in or not, are shown the way to the sign-in.

    What is missing and what is somebody else's look the same. Times are shown in the annotator's
    zone.
    """

    @wraps(view)
    def inner(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        annotator = annotator_of(request.user)
        if annotator is None:
            there = request.path if request.method == "GET" else reverse("queue:home")
            return shut(redirect_to_login(there, reverse("queue:sign_in")))
        request.annotator = annotator
        with timezone.override(annotator.time_zone):
            try:
                response = view(request, *args, **kwargs)
            except (NotFound, Http404):
                response = render(request, "queue/missing.html", status=404)
        return response if "Content-Security-Policy" in response else shut(response)

    return inner
