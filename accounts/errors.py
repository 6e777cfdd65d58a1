"""What accounts refuses, and why."""

from django.utils.translation import gettext_lazy as _

from common.errors import AppError, Conflict


class JobTaken(Conflict):
    """Another runner has the job: this one gave no sign of life for too long."""

    code = "job_taken"
    text = _("The job was taken over by another worker.")


class Unauthorized(AppError):
    """No key, or none that opens anything."""

    code = "unauthorized"
    status = 401
    text = _("Send a live API key as Authorization: Bearer …")
