"""Pages of vendors, contracts, attestations and scorecards."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.console_admin import ConsoleInline, HistoryAdmin, actor, badge, leave_dialog
from accounts.evidence import EvidenceForm, file_link
from common.money import display as money
from common.time import utc_now
from vendors.choices import AttestationKind, AttestationState, VendorState
from vendors.models import Attestation, Contract, CriterionScore, Vendor, VendorTransition
from vendors.selectors import FAR, attestation_state, cover_of, cover_of_vendor, weigh
from vendors.services.vendors import (
    change_state,
    change_vendor,
    create_vendor,
    save_attestation,
    save_score,
    verify_attestation,
)

STATE_COLOURS = {
    "prospect": "info",
    "onboarding": "info",
    "calibration": "warning",
    "active": "success",
    "suspended": "danger",
    "ended": "danger",
}
COVER_COLOURS = {
    "valid": "success",
    "bridged": "warning",
    "expiring": "warning",
    "lapsed": "danger",
    "missing": "danger",
    "declared": "info",
}


class VendorFilter(admin.RelatedFieldListFilter):
    """By vendor; their names stand one table further and are read in one query."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        rows = Vendor.objects.select_related("organisation").order_by("organisation__name")
        return [(vendor.pk, str(vendor)) for vendor in rows]


class ContractInline(ConsoleInline):
    model = Contract
    view_permission = "vendors.view"
    manage_permission = "vendors.manage"
    fields = ("number", "starts_on", "ends_on", "currency", "minimum_commitment_micro", "share_cap")


class AttestationInline(ConsoleInline):
    model = Attestation
    view_permission = "vendors.view"
    manage_permission = "vendors.manage"
    fields = ("kind", "issuer", "number", "issued_on", "period_to", "valid_until", "bridged_until")
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a page of its own asks for scope and evidence

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScoreInline(ConsoleInline):
    model = CriterionScore
    view_permission = "vendors.view"
    manage_permission = "vendors.score"
    fields = ("criterion", "score", "weight", "evidence", "assessed_on")


class TransitionInline(ConsoleInline):
    model = VendorTransition
    view_permission = "vendors.view"
    fields = ("sequence", "from_state", "to_state", "actor", "reason", "at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class VendorForm(forms.ModelForm):
    """A vendor; on a new one the name of its organisation is asked as well."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget())

    class Meta:
        model = Vendor
        fields = ("key", "country", "contact_email", "notes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["name"].initial = self.instance.organisation.name


class StepForm(BaseDialogForm):
    """Where to, and why."""

    to = forms.ChoiceField(
        label=_("new state"), choices=VendorState.choices, widget=UnfoldAdminSelectWidget()
    )
    reason = forms.CharField(label=_("reason"), required=False, widget=UnfoldAdminTextareaWidget())


@admin.register(Vendor)
class VendorAdmin(HistoryAdmin):
    view_permission = "vendors.view"
    manage_permission = "vendors.manage"
    form = VendorForm
    list_display = ("__str__", "key", "shown_state", "country", "contract", "score", "attention")
    list_filter = ("state", "country")
    search_fields = ("key", "organisation__name")
    list_select_related = ("organisation",)
    fields = ("name", "key", "country", "contact_email", "notes")
    inlines = (ContractInline, AttestationInline, ScoreInline, TransitionInline)
    actions_detail = ("step",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("state", *self.fields) if obj is not None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Files and policies name the key (trigger).
        return ("state", "key") if obj is not None else ()

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        # (what is looked for while typing goes by this as well)
        rows = rows.select_related("organisation")
        return rows.prefetch_related("attestations", "contracts", "scores")

    @badge(description=_("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, vendor: Vendor) -> tuple[str, str]:
        return vendor.state, vendor.get_state_display()

    @display(description=_("scorecard"))
    def score(self, vendor: Vendor) -> str:
        _latest, mean = weigh(vendor.scores.all())
        return "–" if mean is None else f"{mean} / 5"

    @display(description=_("lapsed or expiring attestations"))
    def attention(self, vendor: Vendor) -> str:
        found = [
            f"{AttestationKind(kind).label} ({cover.state.label})"
            for kind, cover in cover_of_vendor(vendor, _today()).items()
            if cover.state in ("lapsed", "expiring")
        ]
        return ", ".join(found) or "–"

    @display(description=_("contract until"))
    def contract(self, vendor: Vendor) -> Any:
        today = _today()
        ends = [c.ends_on for c in vendor.contracts.all() if c.starts_on <= today < c.ends_on]
        return max(ends, default=None)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by = {"acting_user": actor(request), "now": utc_now()}
        values = {name: form.cleaned_data[name] for name in ("contact_email", "notes")}
        if change:
            name = form.cleaned_data["name"]
            change_vendor(obj, name=name, changed=form.changed_data, **by)
            return
        made = create_vendor(
            name=form.cleaned_data["name"], key=obj.key, country=obj.country, **values, **by
        )
        obj.__dict__.update(made.__dict__)

    def save_row(
        self, request: HttpRequest, row: Any, permission: str, changed: list[str] | None
    ) -> None:
        if isinstance(row, CriterionScore):
            save_score(row, changed=changed, acting_user=actor(request), now=utc_now())
            return
        super().save_row(request, row, permission, changed)

    def has_step_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_change_permission(request)

    @action(
        description=_("Change state"),
        permissions=["step"],
        dialog={
            "title": _("Change the state of this vendor"),
            "description": _(
                "prospect → onboarding → calibration (low-risk work only) → active; suspended and "
                "ended need a reason."
            ),
            "form_class": StepForm,
            "form_submit_text": _("Change state"),
        },
    )
    def step(self, request: HttpRequest, form: StepForm, object_id: str) -> HttpResponse:
        def do() -> str:
            vendor = change_state(
                self._row(request, object_id),
                form.cleaned_data["to"],
                reason=form.cleaned_data["reason"],
                acting_user=actor(request),
                now=utc_now(),
            )
            return _("The vendor is now: %s") % vendor.get_state_display()

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:vendors_vendor_change", args=[object_id]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a vendor ends; what it did stays


@admin.register(Contract)
class ContractAdmin(HistoryAdmin):
    view_permission = "vendors.view"
    manage_permission = "vendors.manage"
    list_display = (
        "number",
        "vendor",
        "starts_on",
        "ends_on",
        "commitment",
        "share_cap",
        "in_force",
    )
    list_filter = (("vendor", VendorFilter), "currency")
    search_fields = ("number", "vendor__organisation__name")
    list_select_related = ("vendor__organisation",)
    autocomplete_fields = ("vendor",)

    @display(description=_("minimum commitment"), ordering="minimum_commitment_micro")
    def commitment(self, contract: Contract) -> str:
        micro = contract.minimum_commitment_micro
        return money(micro, contract.currency) if micro else "–"

    @display(description=_("in force"), boolean=True)
    def in_force(self, contract: Contract) -> bool:
        return contract.starts_on <= utc_now().date() < contract.ends_on


def state_today(attestation: Attestation) -> str:
    """Return the state of one attestation by itself, `declared` before it is verified."""
    if attestation.verified_at is None:
        return "declared"
    ends = [contract.ends_on for contract in attestation.vendor.contracts.all()]
    return attestation_state([attestation], _today(), contracts_end=max(ends, default=None)).state


class AttestationStateFilter(admin.SimpleListFilter):
    """By a state that follows from dates: a house has some hundred attestations at most."""

    title = _("state today")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("declared", _("declared, not counted")), *AttestationState.choices]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.value():
            return queryset
        rows = Attestation.objects.select_related("vendor").prefetch_related("vendor__contracts")
        return queryset.filter(pk__in=[row.pk for row in rows if state_today(row) == self.value()])


@admin.register(Attestation)
class AttestationAdmin(HistoryAdmin):
    view_permission = "vendors.view"
    manage_permission = "vendors.manage"
    list_display = (
        "vendor",
        "kind",
        "number",
        "shown_state",
        "last_day",
        "next_action_on",
        "verified_by",
    )
    list_filter = (AttestationStateFilter, "kind", ("vendor", VendorFilter))
    search_fields = ("number", "issuer", "vendor__organisation__name")
    list_select_related = ("vendor__organisation", "verified_by")
    autocomplete_fields = ("vendor",)
    fields = (
        "vendor",
        "kind",
        "scope",
        "issuer",
        "number",
        "issued_on",
        "period_from",
        "period_to",
        "valid_until",
        "bridged_until",
        "evidence_file",
        "upload",
        "next_action_on",
        "exceptions_noted",
        "declared_by",
        "verified_by",
        "verified_at",
    )
    form = EvidenceForm
    readonly_fields = ("evidence_file", "declared_by", "verified_by", "verified_at")
    actions_detail = ("verify",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # It stays with whom it was made out to.
        return (*self.readonly_fields, *(("vendor",) if obj is not None else ()))

    @display(description=_("evidence file"))
    def evidence_file(self, attestation: Attestation) -> str:
        return file_link(attestation.evidence)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("vendor__contracts")

    @display(description=_("last day"))
    def last_day(self, attestation: Attestation) -> Any:
        ends = [contract.ends_on for contract in attestation.vendor.contracts.all()]
        last = cover_of(attestation, max(ends, default=None))[2]
        return None if last == FAR else last

    @badge(description=_("state today"), label=COVER_COLOURS)
    def shown_state(self, attestation: Attestation) -> tuple[str, str]:
        state = state_today(attestation)
        if state == "declared":
            return state, str(_("declared, not counted"))
        return state, str(AttestationState(state).label)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_attestation(
            obj,
            upload=form.cleaned_data["upload"],
            changed=[name for name in form.changed_data if name != "upload"],
            acting_user=actor(request),
            now=utc_now(),
        )

    def has_verify_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "attestations.verify")

    @action(
        description=_("Verify"),
        permissions=["verify"],
        dialog={
            "title": _("Verify this attestation"),
            "description": _("You have seen the document and it says what stands here."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Verify"),
        },
    )
    def verify(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        def do() -> str:
            row = self._row(request, object_id)
            verify_attestation(row, acting_user=actor(request), now=utc_now())
            return _("Verified: gates count it from now on.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:vendors_attestation_change", args=[object_id]))


def _today() -> date:
    return utc_now().date()


@admin.register(CriterionScore)
class CriterionScoreAdmin(HistoryAdmin):
    view_permission = "vendors.view"
    manage_permission = "vendors.score"
    list_display = ("vendor", "criterion", "score", "weight", "assessed_on", "author")
    list_filter = (("vendor", VendorFilter), "criterion")
    list_select_related = ("vendor__organisation", "author")
    autocomplete_fields = ("vendor",)
    search_fields = ("vendor__organisation__name", "evidence")
    form = EvidenceForm
    fields = (
        "vendor",
        "criterion",
        "score",
        "weight",
        "evidence",
        "file",
        "upload",
        "assessed_on",
        "author",
    )
    readonly_fields = ("file", "author")

    @display(description=_("evidence file"))
    def file(self, score: CriterionScore) -> str:
        return file_link(score.evidence_file)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_score(
            obj,
            upload=form.cleaned_data["upload"],
            changed=form.changed_data,
            acting_user=actor(request),
            now=utc_now(),
        )
