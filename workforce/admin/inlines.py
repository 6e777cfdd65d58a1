"""What stands on the page of an annotator: proofs, hours, ids, estimates, changes of status."""

from typing import Any

from django.http import HttpRequest

from accounts.console_admin import ConsoleInline
from workforce.admin.base import People
from workforce.models import (
    AnnotatorSkill,
    AnnotatorTransition,
    Certification,
    ExternalId,
    Leave,
    Proficiency,
    Shift,
)


class ProofInline(People, ConsoleInline):
    """Proofs are added here; each has a page where it is changed and verified."""

    show_change_link = True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SkillInline(ProofInline):
    model = AnnotatorSkill
    autocomplete_fields = ("skill",)
    related = ("skill", "verified_by")
    fields = ("skill", "level", "state", "verified_by", "verified_at")
    readonly_fields = ("state", "verified_by", "verified_at")


class CertificationInline(ProofInline):
    model = Certification
    autocomplete_fields = ("type",)
    related = ("type", "verified_by")
    fields = ("type", "issuer", "number", "issued_on", "valid_until", "state", "verified_by")
    readonly_fields = ("state", "verified_by")


class ExternalIdInline(People, ConsoleInline):
    model = ExternalId
    fields = ("platform", "account", "external_id")


class ShiftInline(People, ConsoleInline):
    model = Shift
    fields = ("weekday", "starts", "ends", "valid_from", "valid_to")


class LeaveInline(People, ConsoleInline):
    model = Leave
    fields = ("kind", "starts_at", "ends_at")


class ProficiencyInline(ConsoleInline):
    model = Proficiency
    can_delete = False
    related = ("skill", "annotator")
    view_permission = "people.view"
    fields = ("skill", "as_of", "n", "n_gold", "rate", "rate_lower", "rate_upper", "speed")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TransitionInline(ConsoleInline):
    model = AnnotatorTransition
    can_delete = False
    related = ("actor",)
    view_permission = "people.view"
    fields = ("sequence", "from_status", "to_status", "reason", "until", "actor", "at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
