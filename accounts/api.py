"""The API's frame: sign-in by key, JSON in and out, refusals as problem+json (RFC 9457).

Requests to /api/ take a short way: none of the middleware of pages (sessions, forms, messages) is
for programs, and half a request's time goes there. What matters of it stands here: the host, HTTPS,
the language of error texts.
"""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.errors import Unauthorized
from accounts.services.keys import Caller, sign_in
from common.errors import AppError, Invalid, NotFound, TryAgain
from common.time import utc_now

PREFIX = "/api/"
MAX_BODY = 1 << 20
Handler = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger(__name__)


class ApiPath:
    """The first middleware: requests to the API go straight to their view."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        translation.activate(translation.get_language_from_request(request))
        try:
            return _answer(request)
        finally:
            translation.deactivate()


def _answer(request: HttpRequest) -> HttpResponseBase:
    try:
        request.get_host()
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            # A redirect would have the key sent in the clear once more each time.
            return problem(AppError(_("Use HTTPS.")))
        match = resolve(request.path_info)
        answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except DisallowedHost:
        return problem(AppError(_("This host is not served here.")))
    except Http404:
        return problem(NotFound(what=_("address")))
    except AppError as error:
        return problem(error)
    except (OperationalError, InterfaceError):
        # Lost in the middle, or a lock that was not to be had: the transaction is gone as a whole.
        log.warning("The database was lost at %s", request.path_info, exc_info=True)
        return problem(TryAgain())
    except Exception:
        log.exception("The API failed at %s", request.path_info)
        failed = AppError(_("Something went wrong here; it has been recorded."))
        failed.status = 500
        return problem(failed)
    return answer


def problem(error: AppError) -> HttpResponse:
    """Return a refusal: code and status are stable, the text is for people."""
    body = {
        "type": "about:blank",
        "title": str(error),
        "status": error.status,
        "code": error.code,
        **{name: value for name, value in error.data.items() if value not in ("", None)},
    }
    answer = HttpResponse(
        json.dumps(body, default=str),
        status=error.status,
        content_type="application/problem+json",
    )
    if error.status == Unauthorized.status:
        answer["WWW-Authenticate"] = "Bearer"
    if error.status == TryAgain.status:
        answer["Retry-After"] = "1"
    return _plain(answer)


def answer(body: Any, status: int = 200) -> HttpResponse:
    """Return a JSON answer."""
    return _plain(HttpResponse(json.dumps(body), status=status, content_type="application/json"))


def _plain(response: HttpResponse) -> HttpResponse:
    response["Content-Length"] = str(len(response.content))
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def caller_of(
    request: HttpRequest,
    *,
    columns: Sequence[str] = (),
    joins: str = "",
    values: Sequence[Any] = (),
    method: str = "POST",
) -> Caller:
    """Return who calls, by the key of the request: its first statement, each time (see `sign_in`).

    Raises
    ------
    Unauthorized
        If there is no live key.
    AppError
        If the method is another.
    """
    if request.method != method:
        refused = AppError(_("This address takes {method}.").format(method=method))
        refused.status, refused.code = 405, "method_not_allowed"
        raise refused
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    caller = None
    if kind.lower() == "bearer":
        caller = sign_in(token.strip(), columns=columns, joins=joins, values=values, now=utc_now())
    if caller is None:
        raise Unauthorized
    return caller


def body_of(request: HttpRequest, *known: str) -> dict[str, Any]:
    """Return the fields of a request's JSON object, {} for no body.

    Raises
    ------
    Invalid
        If it is too large, no JSON object, or has a field that is not known.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        raise Invalid(_("The body is larger than 1 MiB."), field="body", rule="size")
    raw = request.body
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Invalid(_("The body is not JSON."), field="body", rule="json") from error
    if not isinstance(body, dict):
        raise Invalid(_("The body is not a JSON object."), field="body", rule="object")
    for name in body:
        if name not in known:
            raise Invalid(
                _("There is no field {name}.").format(name=str(name)[:40]),
                field=str(name)[:40],
                rule="known",
            )
    return body
