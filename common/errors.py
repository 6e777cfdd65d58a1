"""The base of all errors that a caller may see, with a stable code and the data behind it."""

from typing import Any

from django.utils.translation import gettext_lazy as _


class AppError(Exception):
    """A refusal with a stable code, an HTTP status, a text for people and data for programs.

    Subclasses set `code`, `status` and `text`; `text` is a format string over the data given.
    """

    code = "error"
    status = 400
    text: object = _("The request cannot be carried out.")

    def __init__(self, message: str | None = None, **data: Any) -> None:
        self.data = data
        super().__init__(message if message is not None else str(self.text).format(**data))


class NotFound(AppError):
    """Missing, or not for this user: the two must look the same."""

    code = "not_found"
    status = 404
    text = _("There is no such {what}.")

    def __init__(self, message: str | None = None, *, what: str = "record", **data: Any) -> None:
        super().__init__(message, what=what, **data)


class Forbidden(AppError):
    """The user's role does not allow this action."""

    code = "forbidden"
    status = 403
    text = _("Your role does not allow: {action}.")

    def __init__(self, message: str | None = None, *, action: str = "this", **data: Any) -> None:
        super().__init__(message, action=action, **data)


class TryAgain(AppError):
    """The database was lost or busy in the middle; nothing was done."""

    code = "try_again"
    status = 503
    text = _("The database could not be reached just now. Nothing was done: try again.")


class Conflict(AppError):
    """Someone else changed it first, or the state does not allow the step."""

    code = "conflict"
    status = 409
    text = _("The record has changed meanwhile.")


class Invalid(AppError):
    """Bad input; `field` (and `row`, for files) say where, `rule` says which rule it breaks."""

    code = "invalid"
    status = 422

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        row: int | None = None,
        rule: str = "",
        **data: Any,
    ) -> None:
        self.field, self.row, self.rule = field, row, rule
        super().__init__(message, field=field, row=row, rule=rule, **data)
