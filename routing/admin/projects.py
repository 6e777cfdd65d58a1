"""Pages of projects and their guidelines; routing a project now."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.console_admin import ConsoleInline, HistoryAdmin, actor, leave_dialog
from accounts.services.jobs import start_job
from accounts.services.records import save_record
from common.time import utc_now
from routing.models import GuidelineVersion, Policy, Project
from routing.services.projects import add_guideline, check_project, create_project


class GuidelineInline(ConsoleInline):
    model = GuidelineVersion
    view_permission = "work.view"
    fields = ("number", "effective_from", "change_note", "content_hash")
    readonly_fields = fields
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PolicyInline(ConsoleInline):
    model = Policy
    view_permission = "routing.view"
    fields = ("version", "state", "author", "published_by", "published_at", "note")
    readonly_fields = fields
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RouteForm(BaseDialogForm):
    """How far to plan."""

    days = forms.IntegerField(
        label=_("days to plan"),
        min_value=1,
        max_value=62,
        initial=5,
        widget=UnfoldAdminIntegerFieldWidget(),
    )


@admin.register(Project)
class ProjectAdmin(HistoryAdmin):
    view_permission = "work.view"
    manage_permission = "projects.manage"
    list_display = ("name", "key", "customer", "currency", "is_open", "last_run")
    list_filter = ("is_open", "currency", "customer")
    search_fields = ("name", "key", "customer")
    list_select_related = ("current_run",)
    inlines = (PolicyInline, GuidelineInline)
    autocomplete_fields = ("excluded_vendors", "required_certifications", "lead")
    fieldsets = (
        (
            None,
            {"fields": ("name", "key", "customer", "is_open", "currency", "time_zone")},
        ),
        (
            _("What errors and delay cost"),
            {"fields": ("error_cost_micro", "late_cost_micro")},
        ),
        (
            _("Who may work on it"),
            {
                "fields": (
                    "excluded_vendors",
                    "required_attestations",
                    "required_certifications",
                    "minimum_level",
                    "minimum_clearance",
                )
            },
        ),
        (
            _("How work is served"),
            {
                "fields": (
                    "lease_minutes",
                    "in_progress_limit",
                    "sampling_order",
                    "random_share",
                    "skip_to",
                    "lead",
                    "link_template",
                    "reference_hosts",
                )
            },
        ),
        (
            _("How answers are checked"),
            {"fields": ("rework_to", "second_review_share", "adjudication_level")},
        ),
    )
    actions_detail = ("route_now",)

    @display(description=_("routed"))
    def last_run(self, project: Project) -> str:
        run = project.current_run
        if run is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:routing_run_change", args=[run.pk]),
            run,
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key",) if obj is not None else ()  # files and commands name it (trigger)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by = {"acting_user": actor(request), "now": utc_now()}
        many = {
            name: list(form.cleaned_data.get(name) or ())
            for name in ("excluded_vendors", "required_certifications")
        }
        if change:
            check_project(obj)
            save_record(
                obj,
                permission="projects.manage",
                many=many,
                changed=form.changed_data,
                **by,
            )
            return
        values = {n: v for n, v in form.cleaned_data.items() if n not in many}
        made = create_project(**values, **many, **by)
        obj.__dict__.update(made.__dict__)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a project is closed; what was done in it stays

    def has_route_now_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "routing.run")

    @action(
        description=_("Route now"),
        permissions=["route_now"],
        dialog={
            "title": _("Route the open work of this project"),
            "description": _(
                "Open tasks that nobody holds are placed anew; the placements in force stay until "
                "the run is done."
            ),
            "form_class": RouteForm,
            "form_submit_text": _("Route"),
        },
    )
    def route_now(self, request: HttpRequest, form: RouteForm, object_id: str) -> HttpResponse:
        project = self._row(request, object_id)
        job = start_job(
            "route",
            {"project_keys": [project.key], "days": form.cleaned_data["days"]},
            acting_user=actor(request),
            now=utc_now(),
        )
        self.message_user(request, _("The run was started; this page shows how it goes."))
        return leave_dialog(reverse("admin:accounts_job_change", args=[job.pk]))


@admin.register(GuidelineVersion)
class GuidelineVersionAdmin(HistoryAdmin):
    view_permission = "work.view"
    manage_permission = "projects.manage"
    list_display = ("project", "number", "effective_from", "change_note")
    list_filter = ("project",)
    list_select_related = ("project",)
    fields = ("project", "content", "ontology", "effective_from", "change_note")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = add_guideline(
            obj.project,
            content=obj.content,
            ontology=obj.ontology,
            effective_from=obj.effective_from,
            change_note=obj.change_note,
            acting_user=actor(request),
            now=utc_now(),
        )
        obj.__dict__.update(made.__dict__)
