"""Refusals of the event log."""

from common.errors import AppError


class LogBroken(AppError):
    """The event log does not verify."""

    code = "log_broken"
    status = 500
    text = "The event log does not verify: {problems}"
