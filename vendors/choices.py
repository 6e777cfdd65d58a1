"""Words of the vendor life cycle, attestations and scorecards."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class VendorState(models.TextChoices):
    PROSPECT = "prospect", _("prospect")
    ONBOARDING = "onboarding", _("onboarding")
    CALIBRATION = "calibration", _("calibration")
    ACTIVE = "active", _("active")
    SUSPENDED = "suspended", _("suspended")
    ENDED = "ended", _("ended")


# from -> to; one service (change_state) takes every step and writes its row.
VENDOR_TRANSITIONS: dict[str, frozenset[str]] = {
    VendorState.PROSPECT: frozenset({VendorState.ONBOARDING, VendorState.ENDED}),
    VendorState.ONBOARDING: frozenset(
        {VendorState.CALIBRATION, VendorState.ACTIVE, VendorState.ENDED}
    ),
    VendorState.CALIBRATION: frozenset(
        {VendorState.ACTIVE, VendorState.SUSPENDED, VendorState.ENDED}
    ),
    VendorState.ACTIVE: frozenset({VendorState.SUSPENDED, VendorState.ENDED}),
    VendorState.SUSPENDED: frozenset(
        {VendorState.CALIBRATION, VendorState.ACTIVE, VendorState.ENDED}
    ),
    VendorState.ENDED: frozenset(),
}
# These steps say why.
NEEDS_REASON = (VendorState.SUSPENDED, VendorState.ENDED)
# Vendors in these states may be sent work (calibration: low-risk work only).
WORKING_STATES = frozenset({VendorState.CALIBRATION, VendorState.ACTIVE})


class AttestationKind(models.TextChoices):
    SOC2_TYPE2 = "soc2_type2", _("SOC 2 Type II")
    ISO27001 = "iso27001", _("ISO 27001")
    HIPAA_BAA = "hipaa_baa", _("HIPAA BAA")
    GDPR_DPA = "gdpr_dpa", _("GDPR DPA")
    NDA = "nda", _("NDA")


# Agreements that end with the contract, unless they name a last day.
AGREEMENTS = frozenset({AttestationKind.HIPAA_BAA, AttestationKind.GDPR_DPA, AttestationKind.NDA})
# States in which an attestation counts.
COUNTED = frozenset({"valid", "bridged", "expiring"})


class AttestationState(models.TextChoices):
    """Derived on a date, never stored: valid, bridged and expiring still count."""

    VALID = "valid", _("valid")
    BRIDGED = "bridged", _("bridged by letter")
    EXPIRING = "expiring", _("expiring")
    LAPSED = "lapsed", _("lapsed")
    MISSING = "missing", _("missing")


class Criterion(models.TextChoices):
    MODALITY = "modality", _("modality coverage")
    EXPERTISE = "expertise", _("domain expertise")
    QUALITY = "quality", _("QA maturity")
    SECURITY = "security", _("data security")
    SCALE = "scale", _("scale and flexibility")
    TOOLING = "tooling", _("tooling")
    GOVERNANCE = "governance", _("governance and audit support")
