"""Pages of annotators, of persons, and of what is known of annotators."""

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

from accounts.console_admin import HistoryAdmin, ReadOnlyAdmin, actor, badge, leave_dialog
from common.money import display as money
from common.time import start_of_day, utc_now
from workforce.admin.base import People
from workforce.admin.inlines import (
    CertificationInline,
    ExternalIdInline,
    LeaveInline,
    ProficiencyInline,
    ShiftInline,
    SkillInline,
    TransitionInline,
)
from workforce.choices import AnnotatorStatus
from workforce.models import Annotator, AnnotatorSkill, Certification, Person, Proficiency
from workforce.selectors import login_of
from workforce.services.people import (
    change_annotator,
    change_status,
    create_annotator,
    join_as_one,
    link_login,
    save_certification,
    save_skill,
    verify_facts,
)

STATUS_COLOURS = {"active": "success", "paused": "warning", "left": "danger"}
ONE_PERSON = _("One person at several employers")


class DayInput(UnfoldAdminTextInputWidget):
    input_type = "date"


class StatusForm(BaseDialogForm):
    """New status, reason and term."""

    to = forms.ChoiceField(
        label=_("new status"), choices=AnnotatorStatus.choices, widget=UnfoldAdminSelectWidget()
    )
    reason = forms.CharField(
        label=_("reason"),
        required=False,
        widget=UnfoldAdminTextareaWidget(),
        help_text=_("of a pause"),
    )
    back_on = forms.DateField(
        label=_("back on"),
        required=False,
        widget=DayInput(),
        help_text=_("of a pause: the first day on which they work again"),
    )


class LoginForm(BaseDialogForm):
    """Whose login it is."""

    email = forms.EmailField(
        label=_("e-mail of the login"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("a user of the same organisation; empty = no login"),
    )


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
        "skills__skill",
        "clearance",
        ("facts_verified_at", admin.EmptyFieldListFilter),
        "source",
    )
    search_fields = ("name", "email", "external_ids__external_id")
    list_select_related = ("pool",)
    autocomplete_fields = ("pool", "person")
    inlines = (
        SkillInline,
        CertificationInline,
        ShiftInline,
        LeaveInline,
        ExternalIdInline,
        ProficiencyInline,
        TransitionInline,
    )
    fieldsets = (
        (None, {"fields": ("name", "email", "pool", "time_zone")}),
        (ONE_PERSON, {"fields": ("person",)}),
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
        (_("Status"), {"fields": ("status", "pause_reason", "paused_until", "user")}),
    )
    readonly_fields = ("facts_verified_by", "status", "pause_reason", "paused_until", "user")
    actions_detail = ("set_status", "verify", "set_login")
    actions = ("join",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        # Who is one person with whom is for operations and the auditor to see.
        seen = self._may(request, "persons.view")
        return [part for part in self.fieldsets if seen or part[0] is not ONE_PERSON]

    @badge(description=_("status"), ordering="status", label=STATUS_COLOURS)
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
            change_annotator(obj, changed=form.changed_data, **by)
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

    def has_set_login_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "users.manage")

    def has_join_permission(self, request: HttpRequest) -> bool:
        return self._may(request, "persons.manage")

    @action(description=_("Join as one person"), permissions=["join"])
    def join(self, request: HttpRequest, queryset: Any) -> None:
        def do() -> str:
            person = join_as_one(list(queryset), acting_user=actor(request), now=utc_now())
            return _("They are one person now: %s") % person

        self.carry_out(request, do)

    @action(
        description=_("Change login"),
        permissions=["set_login"],
        dialog={
            "title": _("Change the login of this annotator"),
            "description": _("An annotator needs none to be planned; to claim work they do."),
            "form_class": LoginForm,
            "form_submit_text": _("Change login"),
        },
    )
    def set_login(self, request: HttpRequest, form: LoginForm, object_id: str) -> HttpResponse:
        def do() -> str:
            annotator, email = self._row(request, object_id), form.cleaned_data["email"]
            user = login_of(annotator, email) if email else None
            link_login(annotator, user, acting_user=actor(request), now=utc_now())
            return _("Login: %s") % (user or "–")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:workforce_annotator_change", args=[object_id]))

    @action(
        description=_("Change status"),
        permissions=["set_status"],
        dialog={
            "title": _("Change the status of this annotator"),
            "description": _("A pause needs its reason and term; who has left can come back."),
            "form_class": StatusForm,
            "form_submit_text": _("Change status"),
        },
    )
    def set_status(self, request: HttpRequest, form: StatusForm, object_id: str) -> HttpResponse:
        def do() -> str:
            annotator = self._row(request, object_id)
            back_on = form.cleaned_data["back_on"]
            change_status(
                annotator,
                form.cleaned_data["to"],
                reason=form.cleaned_data["reason"],
                until=start_of_day(back_on, annotator.time_zone) if back_on else None,
                acting_user=actor(request),
                now=utc_now(),
            )
            return _("Status: %s") % annotator.get_status_display()

        self.carry_out(request, do)
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
        def do() -> str:
            row = self._row(request, object_id)
            verify_facts(row, acting_user=actor(request), now=utc_now())
            return _("Verified: gates read these facts from now on.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:workforce_annotator_change", args=[object_id]))


@admin.register(Person)
class PersonAdmin(HistoryAdmin):
    """Who is one human being; made by joining annotators in their list."""

    view_permission = "persons.view"
    manage_permission = "persons.manage"
    list_display = ("__str__", "members", "note", "created_at")
    search_fields = ("note", "annotators__name", "annotators__email")
    fields = ("note", "members", "created_at")
    readonly_fields = ("members", "created_at")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("annotators__pool")

    @display(description=_("annotators"))
    def members(self, person: Person) -> str:
        rows = person.annotators.all()
        return ", ".join(f"{row.name} ({row.pool.name})" for row in rows) or "–"


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
