"""Kinds of organisation, roles, and the one table of what each role may do."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class OrganisationKind(models.TextChoices):
    HOUSE = "house", _("house")
    VENDOR = "vendor", _("vendor")


class Role(models.TextChoices):
    OPERATIONS = "operations", _("operations")
    VENDOR_MANAGER = "vendor_manager", _("vendor manager")
    ANNOTATOR = "annotator", _("annotator")
    QUALITY_LEAD = "quality_lead", _("quality lead")
    SLA_REVIEWER = "sla_reviewer", _("SLA reviewer")
    FINANCE = "finance", _("finance")
    AUDITOR = "auditor", _("auditor")
    ADMINISTRATOR = "administrator", _("administrator")
    SYSTEM = "system", _("system")


# Annotators may belong to the house or to a vendor; the others to one kind only.
HOUSE_ROLES = frozenset(
    {
        Role.OPERATIONS,
        Role.QUALITY_LEAD,
        Role.SLA_REVIEWER,
        Role.FINANCE,
        Role.AUDITOR,
        Role.ADMINISTRATOR,
        Role.SYSTEM,
    }
)
VENDOR_ROLES = frozenset({Role.VENDOR_MANAGER})
# Roles that open the operations console at /admin/.
CONSOLE_ROLES = HOUSE_ROLES - {Role.SYSTEM}


class JobState(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


JOB_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)


class KeyState(models.TextChoices):
    """Derived at a time, never stored."""

    LIVE = "live", _("live")
    EXPIRED = "expired", _("expired")
    REVOKED = "revoked", _("revoked")
    ASLEEP = "asleep", _("owner inactive")


class MediaType(models.TextChoices):
    """What may be kept as evidence."""

    PDF = "application/pdf", _("PDF")
    PNG = "image/png", _("PNG")
    JPEG = "image/jpeg", _("JPEG")
    TEXT = "text/plain", _("plain text")
