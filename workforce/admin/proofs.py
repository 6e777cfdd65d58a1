"""Pages of skills and certificates: of what there is, and of who holds it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.console_admin import HistoryAdmin, actor, badge, leave_dialog
from accounts.evidence import EvidenceForm, file_link
from common.time import utc_now
from workforce.admin.base import People
from workforce.models import AnnotatorSkill, Certification, CertificationType, Skill
from workforce.services.people import (
    save_certification,
    save_skill,
    verify_certification,
    verify_skill,
)

FACT_COLOURS = {"declared": "warning", "verified": "success"}
SOON = timedelta(days=30)


class _ProofAdmin(People, HistoryAdmin):
    """A proof that a person of the house verifies."""

    actions_detail = ("verify",)
    readonly_fields = ("state", "verified_by", "verified_at")
    verify_service: Any = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # It stays with whom it was made out to.
        return (*self.readonly_fields, *(("annotator",) if obj is not None else ()))

    @badge(description=_("state"), ordering="state", label=FACT_COLOURS)
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
        def do() -> str:
            row = self._row(request, object_id)
            type(self).verify_service(row, acting_user=actor(request), now=utc_now())
            return _("Verified: gates count it from now on.")

        self.carry_out(request, do)
        name = f"admin:workforce_{self.opts.model_name}_change"
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


class LapseFilter(admin.SimpleListFilter):
    title = _("last day")
    parameter_name = "lapse"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("lapsed", _("lapsed")), ("soon", _("within 30 days")), ("none", _("no last day"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = utc_now()
        conditions = {
            "lapsed": {"lapses_at__lte": now},
            "soon": {"lapses_at__gt": now, "lapses_at__lte": now + SOON},
            "none": {"lapses_at__isnull": True},
        }
        return queryset.filter(**conditions.get(self.value() or "", {}))


@admin.register(Certification)
class CertificationAdmin(_ProofAdmin):
    list_display = (
        "annotator",
        "type",
        "issuer",
        "number",
        "valid_until",
        "shown_state",
        "verified_by",
    )
    list_filter = (LapseFilter, "state", "type", "annotator__pool")
    search_fields = ("annotator__name", "annotator__email", "number", "issuer")
    list_select_related = ("annotator", "type", "verified_by")
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
    list_display = ("name", "key", "description")
    search_fields = ("name", "key")


@admin.register(CertificationType)
class CertificationTypeAdmin(HistoryAdmin):
    view_permission = "work.view"
    manage_permission = "catalogue.manage"
    list_display = ("name", "key", "description")
    search_fields = ("name", "key")
