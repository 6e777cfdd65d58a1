"""Refusals of the event log."""

from django.utils.translation import gettext_lazy as _

from common.errors import AppError


class LogBroken(AppError):
    """The event log does not verify."""

    code = "log_broken"
    status = 500
    text = _("The event log does not verify: {problems}")
