"""Pages of the catalogue, projects, tasks, policies, runs and decisions."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from accounts.console_admin import (
    ConsoleInline,
    HistoryAdmin,
    ReadOnlyAdmin,
    actor,
)
from accounts.services.jobs import start_job
from accounts.services.records import save_record
from common.errors import AppError, Invalid
from common.time import utc_now
from routing.choices import PolicyState
from routing.models import (
    Assignment,
    Decision,
    Domain,
    EffortEstimate,
    GuidelineVersion,
    Placement,
    Policy,
    Project,
    Run,
    RunCrew,
    Task,
    TaskType,
)
from routing.services.explaining import candidate_rows
from routing.services.policies import (
    change_draft,
    create_draft,
    parse_yaml,
    publish_policy,
    to_yaml,
)
from routing.services.projects import add_guideline, check_project, create_project
from routing.services.replay import replay
from routing.services.reports import candidate_table_of, crew_names_of

RUN_COLOURS = {"running": "info", "done": "success", "failed": "danger"}
POLICY_COLOURS = {"draft": "warning", "published": "success", "retired": "info"}
TASK_COLOURS = {
    "open": "info",
    "held": "warning",
    "answered": "warning",
    "accepted": "success",
    "rework": "danger",
    "cancelled": "danger",
    "recalled": "danger",
}
SHOWN_CANDIDATES = 40


def _to(url: str) -> HttpResponse:
    """Leave a dialog: it is left open by an ordinary redirect."""
    response = HttpResponse()
    response["HX-Redirect"] = url
    return response


class Catalogue:
    view_permission = "work.view"
    manage_permission = "catalogue.manage"


@admin.register(TaskType)
class TaskTypeAdmin(Catalogue, HistoryAdmin):
    list_display = ("name", "key", "modality", "quantity_unit", "metric", "threshold", "skill")
    list_filter = ("modality", "metric", "skill")
    search_fields = ("name", "key")
    list_select_related = ("skill",)


@admin.register(Domain)
class DomainAdmin(Catalogue, HistoryAdmin):
    list_display = ("name", "key", "certification", "expertise")
    search_fields = ("name", "key")
    list_select_related = ("certification",)


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
    filter_horizontal = ("excluded_vendors", "required_certifications")
    actions_detail = ("route_now",)

    @display(description=_("routed"))
    def last_run(self, project: Project) -> str:
        run = project.current_run
        if run is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:routing_run_change", args=[run.pk]),
            f"{run.started_at:%Y-%m-%d %H:%M}",
        )

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
        project = self.get_queryset(request).get(pk=object_id)
        job = start_job(
            "route",
            {"project_keys": [project.key], "days": form.cleaned_data["days"]},
            acting_user=actor(request),
            now=utc_now(),
        )
        self.message_user(request, _("The run was started; this page shows how it goes."))
        return _to(reverse("admin:accounts_job_change", args=[job.pk]))


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


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    view_permission = "work.view"
    list_display = ("external_id", "project", "task_type", "shown_state", "data_class", "due_at")
    list_filter = (
        "project",
        "state",
        "task_type",
        "data_class",
        ("due_at", RangeDateTimeFilter),
    )
    search_fields = ("external_id",)
    list_select_related = ("project", "task_type")
    readonly_fields = ("placed",)

    @display(description=_("state"), ordering="state", label=TASK_COLOURS)
    def shown_state(self, task: Task) -> tuple[str, str]:
        return task.state, task.get_state_display()

    @display(description=_("placement in force"))
    def placed(self, task: Task) -> str:
        run_id = task.project.current_run_id
        row = Placement.objects.filter(task=task, run_id=run_id).select_related("pool").first()
        if row is None:
            return str(_("none: it waits, or was not routed yet"))
        return format_html(
            '{} · {} · <a href="{}">{}</a>',
            row.pool,
            row.day,
            reverse("admin:routing_decision_change", args=[row.decision_id]),
            _("why"),
        )


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A policy as YAML."""

    rules = forms.CharField(
        label=_("rules (YAML)"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 40, "style": "font-family: monospace"}),
        help_text=_("complexity × risk → modes, target error; grids; gates; caps; tier rules"),
    )

    class Meta:
        model = Policy
        fields = ("project", "note", "covers_safety_critical")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["rules"].initial = to_yaml(self.instance.document)

    def clean_rules(self) -> Any:
        try:
            return parse_yaml(self.cleaned_data["rules"])
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error

    def _post_clean(self) -> None:
        """The service checks: the model's own checks need the parsed document."""
        self.instance.document = self.cleaned_data.get("rules")


@admin.register(Policy)
class PolicyAdmin(HistoryAdmin):
    view_permission = "routing.view"
    manage_permission = "policies.edit"
    form = PolicyForm
    list_display = ("project", "version", "shown_state", "author", "published_by", "published_at")
    list_filter = ("state", "project")
    list_select_related = ("project", "author", "published_by")
    fields = ("project", "note", "covers_safety_critical", "rules")
    actions_detail = ("publish",)

    @display(description=_("state"), ordering="state", label=POLICY_COLOURS)
    def shown_state(self, policy: Policy) -> tuple[str, str]:
        return policy.state, policy.get_state_display()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.state != PolicyState.DRAFT:
            return ("project", "version", "state", "note", "shown_rules", "published_by")
        return self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.state != PolicyState.DRAFT:
            return ("project", "version", "state", "note", "shown_rules", "published_by")
        return ("project", "covers_safety_critical") if obj is not None else ()

    @display(description=_("rules"))
    def shown_rules(self, policy: Policy) -> str:
        return format_html('<pre class="overflow-x-auto">{}</pre>', to_yaml(policy.document))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.state != PolicyState.DRAFT:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by = {"acting_user": actor(request), "now": utc_now()}
        rules = form.cleaned_data["rules"]
        if change:
            change_draft(obj, rules, expected_hash=obj.document_hash, note=obj.note, **by)
            return
        made = create_draft(
            obj.project,
            rules,
            note=obj.note,
            covers_safety_critical=obj.covers_safety_critical,
            **by,
        )
        obj.__dict__.update(made.__dict__)

    def has_publish_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "policies.publish")

    @action(
        description=_("Publish"),
        permissions=["publish"],
        dialog={
            "title": _("Publish this policy"),
            "description": _(
                "It comes into force at once and the one before it is retired. A policy that "
                "covers safety-critical work is published by another person than its author."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Publish"),
        },
    )
    def publish(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        policy = self.get_queryset(request).get(pk=object_id)
        try:
            publish_policy(policy, acting_user=actor(request), now=utc_now())
            self.message_user(request, _("Published: the next run uses it."))
        except AppError as error:
            self.message_user(request, str(error), level="error")
        return _to(reverse("admin:routing_policy_change", args=[object_id]))


@admin.register(EffortEstimate)
class EffortEstimateAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = ("task_type", "complexity_band", "as_of", "n")
    list_filter = ("task_type",)
    list_select_related = ("task_type",)


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = (
        "started_at",
        "shown_state",
        "scope",
        "tasks",
        "routed",
        "waiting",
        "shown_cost",
        "shown_gap",
        "requested_by",
    )
    list_filter = ("state", "projects__project", ("started_at", RangeDateTimeFilter))
    list_select_related = ("requested_by",)
    change_form_template = "admin/routing/run.html"
    fields = (
        "requested_by",
        "now",
        "days",
        "started_at",
        "finished_at",
        "seconds",
        "notes",
        "versions",
    )
    actions_detail = ("replay_now",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super().get_queryset(request).prefetch_related("projects__project", "projects__policy")
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.view_permission)

    @display(description=_("state"), ordering="state", label=RUN_COLOURS)
    def shown_state(self, run: Run) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description=_("projects"))
    def scope(self, run: Run) -> str:
        return ", ".join(row.project.key for row in run.projects.all())

    @display(description=_("objective"), ordering="cost")
    def shown_cost(self, run: Run) -> str:
        return f"{run.cost:,.2f} {run.currency}" if run.cost is not None else "–"

    @display(description=_("at most off"), ordering="gap")
    def shown_gap(self, run: Run) -> str:
        return f"{run.gap:.4%}" if run.gap is not None else "–"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = self.get_object(request, object_id or "")
        if run is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        context = {**(extra_context or {}), **run_context(run)}
        return super().changeform_view(request, object_id, form_url, context)

    def has_replay_now_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "routing.view")

    @action(
        description=_("Replay"),
        permissions=["replay_now"],
        dialog={
            "title": _("Replay this run"),
            "description": _(
                "It is decided again from its stored inputs, whatever has changed since, and "
                "compared. Nothing is written."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Replay"),
        },
    )
    def replay_now(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        try:
            found = replay(self.get_queryset(request).get(pk=object_id))
            if found.identical:
                self.message_user(request, _("The replay is identical."))
            else:
                text = "; ".join(found.differences)
                level = "warning" if found.holds else "error"
                self.message_user(request, f"{found.cost:.6f}: {text}", level=level)
        except AppError as error:
            self.message_user(request, str(error), level="error")
        return _to(reverse("admin:routing_run_change", args=[object_id]))


def run_context(run: Run) -> dict[str, Any]:
    """Return what the page of a run shows beside its fields."""
    total = max(run.routed, 1)
    modes = [
        {"name": name.replace("_", "-"), "tasks": n, "share": n / total}
        for name, n in run.by_mode.items()
    ]
    savings = [
        {"name": title, "cost": base, "saved": base - run.cost, "share": (base - run.cost) / base}
        for key, title in (("greedy", _("greedy")), ("tier_rules", _("the project's tier rules")))
        if (base := run.baselines.get(key)) and run.cost is not None
    ]
    decisions = Decision.objects.filter(run=run)
    return {
        "run": run,
        "modes": modes,
        "savings": savings,
        "largest": decisions.select_related("project").order_by("-tasks", "number")[:25],
        "waits": decisions.filter(waiting__gt=0).count(),
    }


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = (
        "number",
        "run",
        "project",
        "kind",
        "bands",
        "tasks",
        "routed",
        "waiting",
        "given_to",
        "reason",
    )
    list_filter = ("project", ("reason", admin.EmptyFieldListFilter))
    search_fields = ("reason",)
    list_select_related = ("run", "project")
    change_form_template = "admin/routing/decision.html"
    fields = ("public_id",)
    readonly_fields = ("public_id",)

    @display(description=_("task type"))
    def kind(self, decision: Decision) -> str:
        return str(decision.key.get("task_type", ""))

    @display(description=_("complexity × risk"))
    def bands(self, decision: Decision) -> str:
        return f"{decision.key.get('complexity')} × {decision.key.get('risk')}"

    @display(description=_("given to"))
    def given_to(self, decision: Decision) -> str:
        return ", ".join(sorted({c["label_crew"] for c in decision.chosen})) or "–"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        decision = self.get_object(request, object_id or "")
        if decision is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        context = {**(extra_context or {}), **decision_context(decision)}
        return super().changeform_view(request, object_id, form_url, context)


def decision_context(decision: Decision) -> dict[str, Any]:
    """Return candidates, gates, money, runner-up and prices of a decision.

    Raises
    ------
    Http404
        If the run has no record of its candidates.
    """
    run = decision.run
    table = candidate_table_of(run)
    if table is None:
        raise Http404
    rows = candidate_rows(
        table,
        crew_names_of(run),
        decision.number,
        chosen={chosen["arrangement"] for chosen in decision.chosen},
    )
    gates: dict[tuple[str, str], int] = {}
    for row in rows:
        if not row["open"]:
            gate = (row["gate"], row["opens"])
            gates[gate] = gates.get(gate, 0) + 1
    candidates = [row for row in rows if row["open"]]
    return {
        "decision": decision,
        "run": run,
        "facts": [
            (name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else value)
            for name, value in decision.key.items()
            if value
        ],
        "candidates": candidates[:SHOWN_CANDIDATES],
        "more": max(len(candidates) - SHOWN_CANDIDATES, 0),
        "gates": [
            {"gate": gate, "opens": opens, "pairs": n}
            for (gate, opens), n in sorted(gates.items(), key=lambda item: -item[1])
        ],
        "versions": json.dumps(run.versions, indent=1),
    }


@admin.register(RunCrew)
class RunCrewAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = ("name", "run", "pool", "people", "shown_hours")
    list_filter = ("pool",)
    search_fields = ("name",)
    list_select_related = ("run", "pool")
    fields = ("run", "number", "pool", "name", "traits", "hours")

    @display(description=_("members"))
    def people(self, crew: RunCrew) -> int:
        return len(crew.members)

    @display(description=_("hours by day"))
    def shown_hours(self, crew: RunCrew) -> str:
        return ", ".join(f"{hours:,.1f}" for hours in crew.hours)


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = ("task", "pool", "day", "asked", "decision", "run")
    list_filter = ("pool", "day")
    search_fields = ("task__external_id",)
    list_select_related = ("task", "pool", "decision", "run")


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    view_permission = "work.view"
    list_display = ("task", "annotator", "state", "reserved_at", "lease_until", "ended_at")
    list_filter = ("state", "annotator__pool")
    search_fields = ("task__external_id", "annotator__name")
    list_select_related = ("task", "annotator")
