"""Pages of pools, annotators, skills, certificates and availability."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.console_admin import (
    ConsoleAdmin,
    ConsoleInline,
    HistoryAdmin,
    ReadOnlyAdmin,
    actor,
    leave_dialog,
)
from accounts.evidence import EvidenceForm, file_link
from accounts.services.records import save_record
from common.errors import AppError
from common.money import display as money
from common.time import utc_now
from workforce.choices import AnnotatorStatus
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    Certification,
    CertificationType,
    DeclaredCapacity,
    ExternalId,
    Leave,
    Person,
    Pool,
    PoolPart,
    Proficiency,
    PublicHoliday,
    Shift,
    Skill,
)
from workforce.services.people import (
    change_status,
    create_annotator,
    save_certification,
    save_skill,
    verify_certification,
    verify_facts,
    verify_skill,
)

STATUS_COLOURS = {"active": "success", "paused": "warning", "left": "danger"}
FACT_COLOURS = {"declared": "warning", "verified": "success"}


class People:
    view_permission = "people.view"
    manage_permission = "people.manage"


class PartInline(People, ConsoleInline):
    model = PoolPart
    fk_name = "hybrid"
    fields = ("part", "role")


@admin.register(Pool)
class PoolAdmin(People, HistoryAdmin):
    list_display = (
        "name",
        "key",
        "kind",
        "vendor",
        "people",
        "currency",
        "utilisation",
        "is_active",
    )
    list_filter = ("kind", "is_active", "vendor")
    search_fields = ("name", "key")
    list_select_related = ("vendor__organisation",)
    inlines = (PartInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(number=Count("annotators"))

    @display(description=_("annotators"), ordering="number")
    def people(self, pool: Any) -> int:
        return int(pool.number)


class SkillInline(People, ConsoleInline):
    model = AnnotatorSkill
    autocomplete_fields = ("skill",)
    related = ("skill", "verified_by")
    fields = ("skill", "level", "state", "verified_by", "verified_at")
    readonly_fields = ("state", "verified_by", "verified_at")


class CertificationInline(People, ConsoleInline):
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


class StatusForm(BaseDialogForm):
    """New status, reason and term."""

    to = forms.ChoiceField(
        label=_("new status"), choices=AnnotatorStatus.choices, widget=UnfoldAdminSelectWidget()
    )
    reason = forms.CharField(label=_("reason"), required=False, widget=UnfoldAdminTextareaWidget())


@admin.register(Annotator)
class AnnotatorAdmin(People, HistoryAdmin):
    list_display = (
        "name",
        "kind",
        "pool",
        "shown_status",
        "residency",
        "clearance",
        "facts",
        "cost",
    )
    list_filter = (
        "status",
        "kind",
        "pool",
        "clearance",
        ("facts_verified_at", admin.EmptyFieldListFilter),
        "source",
    )
    search_fields = ("name", "email", "external_ids__external_id")
    list_select_related = ("pool",)
    autocomplete_fields = ("pool",)
    inlines = (
        SkillInline,
        CertificationInline,
        ShiftInline,
        LeaveInline,
        ExternalIdInline,
        ProficiencyInline,
    )
    fieldsets = (
        (None, {"fields": ("name", "email", "pool", "time_zone")}),
        (
            _("Facts that gates read, once verified"),
            {"fields": ("languages", "residency", "clearance", "facts_verified_by")},
        ),
        (_("Work"), {"fields": ("hourly_cost_micro", "daily_cap", "exposure_cap_minutes")}),
        (
            _("Model"),
            {
                "fields": ("model_name", "model_version", "prompt_hash", "rate_limit_per_hour"),
                "classes": ("collapse",),
            },
        ),
        (_("Status"), {"fields": ("status", "pause_reason", "paused_until")}),
    )
    readonly_fields = ("facts_verified_by", "status", "pause_reason", "paused_until")
    actions_detail = ("set_status", "verify")

    @display(description=_("status"), ordering="status", label=STATUS_COLOURS)
    def shown_status(self, annotator: Annotator) -> tuple[str, str]:
        return annotator.status, annotator.get_status_display()

    @display(description=_("facts verified"), boolean=True)
    def facts(self, annotator: Annotator) -> bool:
        return annotator.facts_verified_at is not None

    @display(description=_("hourly cost"), ordering="hourly_cost_micro")
    def cost(self, annotator: Annotator) -> str:
        micro = annotator.hourly_cost_micro
        return money(micro, annotator.pool.currency) if micro is not None else "–"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by = {"acting_user": actor(request), "now": utc_now()}
        if change:
            if {"languages", "residency", "clearance"} & set(form.changed_data):
                # Changed facts have to be verified again.
                obj.facts_verified_by = obj.facts_verified_at = None
            save_record(obj, permission="people.manage", changed=form.changed_data, **by)
            return
        values = {name: value for name, value in form.cleaned_data.items() if name != "pool"}
        made = create_annotator(form.cleaned_data["pool"], **values, **by)
        obj.__dict__.update(made.__dict__)

    def save_row(
        self, request: HttpRequest, row: Any, permission: str, changed: list[str] | None
    ) -> None:
        by = {"acting_user": actor(request), "now": utc_now()}
        # Whatever was typed here is declared; the page of the proof verifies it.
        if isinstance(row, Certification):
            save_certification(row, changed=changed, **by)
        elif isinstance(row, AnnotatorSkill):
            save_skill(row, changed=changed, **by)
        else:
            super().save_row(request, row, permission, changed)

    def has_set_status_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "annotators.pause")

    def has_verify_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "facts.verify")

    @action(
        description=_("Change status"),
        permissions=["set_status"],
        dialog={
            "title": _("Change the status of this annotator"),
            "description": _("A pause needs its reason; who has left can come back."),
            "form_class": StatusForm,
            "form_submit_text": _("Change status"),
        },
    )
    def set_status(self, request: HttpRequest, form: StatusForm, object_id: str) -> HttpResponse:
        annotator = self._row(request, object_id)
        try:
            change_status(
                annotator,
                form.cleaned_data["to"],
                reason=form.cleaned_data["reason"],
                acting_user=actor(request),
                now=utc_now(),
            )
            self.message_user(request, _("Status: %s") % annotator.get_status_display())
        except AppError as error:
            self.message_user(request, str(error), level="error")
        return leave_dialog(reverse("admin:workforce_annotator_change", args=[object_id]))

    @action(
        description=_("Verify facts"),
        permissions=["verify"],
        dialog={
            "title": _("Verify languages, residency and clearance"),
            "description": _("You have seen the proof of what stands here."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Verify"),
        },
    )
    def verify(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        annotator = self._row(request, object_id)
        try:
            verify_facts(annotator, acting_user=actor(request), now=utc_now())
            self.message_user(request, _("Verified: gates read these facts from now on."))
        except AppError as error:
            self.message_user(request, str(error), level="error")
        return leave_dialog(reverse("admin:workforce_annotator_change", args=[object_id]))


class _ProofAdmin(People, HistoryAdmin):
    """A proof that a person of the house verifies."""

    actions_detail = ("verify",)
    readonly_fields = ("state", "verified_by", "verified_at")
    verify_service: Any = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # It stays with whom it was made out to.
        return (*self.readonly_fields, *(("annotator",) if obj is not None else ()))

    @display(description=_("state"), ordering="state", label=FACT_COLOURS)
    def shown_state(self, row: Any) -> tuple[str, str]:
        return row.state, row.get_state_display()

    def has_verify_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "facts.verify")

    @action(
        description=_("Verify"),
        permissions=["verify"],
        dialog={
            "title": _("Verify this proof"),
            "description": _("You have seen the evidence and it says what stands here."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Verify"),
        },
    )
    def verify(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)
        try:
            type(self).verify_service(row, acting_user=actor(request), now=utc_now())
            self.message_user(request, _("Verified: gates count it from now on."))
        except AppError as error:
            self.message_user(request, str(error), level="error")
        name = f"admin:workforce_{row._meta.model_name}_change"
        return leave_dialog(reverse(name, args=[object_id]))


@admin.register(AnnotatorSkill)
class AnnotatorSkillAdmin(_ProofAdmin):
    list_display = ("annotator", "skill", "level", "shown_state", "verified_by", "verified_at")
    list_filter = ("state", "skill", "level", "annotator__pool")
    search_fields = ("annotator__name", "annotator__email")
    list_select_related = ("annotator", "skill", "verified_by")
    autocomplete_fields = ("annotator", "skill")
    fields = ("annotator", "skill", "level", "state", "verified_by", "verified_at")
    verify_service = staticmethod(verify_skill)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_skill(obj, changed=form.changed_data, acting_user=actor(request), now=utc_now())


@admin.register(Certification)
class CertificationAdmin(_ProofAdmin):
    list_display = ("annotator", "type", "issuer", "number", "valid_until", "shown_state")
    list_filter = ("state", "type", "annotator__pool")
    search_fields = ("annotator__name", "number", "issuer")
    list_select_related = ("annotator", "type")
    autocomplete_fields = ("annotator",)
    fields = (
        "annotator",
        "type",
        "issuer",
        "number",
        "issued_on",
        "valid_until",
        "evidence_file",
        "upload",
        "state",
        "verified_by",
        "verified_at",
    )
    form = EvidenceForm
    readonly_fields = ("evidence_file", "state", "verified_by", "verified_at")
    verify_service = staticmethod(verify_certification)

    @display(description=_("evidence file"))
    def evidence_file(self, row: Certification) -> str:
        return file_link(row.evidence)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_certification(
            obj,
            upload=form.cleaned_data["upload"],
            changed=[name for name in form.changed_data if name != "upload"],
            acting_user=actor(request),
            now=utc_now(),
        )


@admin.register(Skill)
class SkillAdmin(HistoryAdmin):
    view_permission = "work.view"
    manage_permission = "catalogue.manage"
    list_display = ("name", "key")
    search_fields = ("name", "key")


@admin.register(CertificationType)
class CertificationTypeAdmin(HistoryAdmin):
    view_permission = "work.view"
    manage_permission = "catalogue.manage"
    list_display = ("name", "key")
    search_fields = ("name", "key")


@admin.register(Shift)
class ShiftAdmin(People, HistoryAdmin):
    list_display = ("annotator", "weekday", "starts", "ends", "valid_from", "valid_to")
    list_filter = ("weekday", "annotator__pool")
    search_fields = ("annotator__name",)
    list_select_related = ("annotator",)
    autocomplete_fields = ("annotator",)


@admin.register(Leave)
class LeaveAdmin(People, HistoryAdmin):
    list_display = ("annotator", "kind", "starts_at", "ends_at")
    list_filter = ("kind", "annotator__pool")
    search_fields = ("annotator__name",)
    list_select_related = ("annotator",)
    autocomplete_fields = ("annotator",)


@admin.register(PublicHoliday)
class PublicHolidayAdmin(People, HistoryAdmin):
    list_display = ("day", "name", "country", "subdivision")
    list_filter = ("country",)
    search_fields = ("name",)


@admin.register(DeclaredCapacity)
class DeclaredCapacityAdmin(People, HistoryAdmin):
    list_display = ("pool", "day", "hours", "declared_by")
    list_filter = ("pool",)
    list_select_related = ("pool", "declared_by")
    fields = ("pool", "day", "hours")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.declared_by = actor(request)
        super().save_model(request, obj, form, change)


@admin.register(Person)
class PersonAdmin(People, ConsoleAdmin):
    list_display = ("__str__", "note", "created_at")
    fields = ("note",)


@admin.register(Proficiency)
class ProficiencyAdmin(ReadOnlyAdmin):
    view_permission = "people.view"
    list_display = ("annotator", "skill", "as_of", "n", "n_gold", "shown_rate", "speed", "version")
    list_filter = ("skill", "annotator__pool")
    search_fields = ("annotator__name",)
    list_select_related = ("annotator", "skill")

    @display(description=_("rate (90 %)"), ordering="rate")
    def shown_rate(self, row: Proficiency) -> str:
        return f"{row.rate:.3f} ({row.rate_lower:.3f} to {row.rate_upper:.3f})"
