"""Pages of runs and the crews that they saw; replaying a run."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.console_admin import ReadOnlyAdmin, badge, leave_dialog
from common.errors import AppError
from routing.choices import Band, Mode
from routing.models import Decision, Run, RunCrew
from routing.services.replay import replay
from routing.services.reports import price_kind, savings, short_name, version_lines

LARGEST = 25  # decisions on the page of a run
SHOWN_PRICES = 10
RUN_COLOURS = {"running": "info", "done": "success", "failed": "danger"}


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
    )
    actions_detail = ("replay_now",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super().get_queryset(request).prefetch_related("projects__project", "projects__policy")
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.view_permission)

    @badge(description=_("state"), ordering="state", label=RUN_COLOURS)
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
            found = replay(self._row(request, object_id))
            if found.identical:
                self.message_user(request, _("The replay is identical."))
            else:
                text = "; ".join(found.differences)
                level = "warning" if found.holds else "error"
                self.message_user(request, f"{found.cost:.6f}: {text}", level=level)
        except AppError as error:
            self.message_user(request, str(error), level="error")
        return leave_dialog(reverse("admin:routing_run_change", args=[object_id]))


def run_context(run: Run) -> dict[str, Any]:
    """Return what the page of a run shows beside its fields."""
    total = max(run.routed, 1)
    modes = [
        {"name": Mode(name).label, "tasks": n, "share": f"{n / total:.0%}"}
        for name in Mode.values
        if (n := run.by_mode.get(name)) is not None
    ]
    decisions = Decision.objects.filter(run=run)
    return {
        "run": run,
        "modes": modes,
        "newcomers": [
            {**row, "crews": [{**c, "crew": short_name(c["crew"])} for c in row["crews"]]}
            for row in run.newcomers
        ],
        "savings": savings(run.compared),
        "prices": [
            {**price, "row": short_name(price["row"]), "kind": price_kind(price["kind"])}
            for price in run.prices[:SHOWN_PRICES]
        ],
        "versions": version_lines(run),
        "largest": [
            {
                "decision": row,
                "bands": f"{Band(row.key['complexity']).label} × {Band(row.key['risk']).label}",
                "given": ", ".join(sorted({short_name(c["label_crew"]) for c in row.chosen})),
            }
            for row in decisions.select_related("project").order_by("-tasks", "number")[:LARGEST]
        ],
        "cohorts": ngettext("%(n)s cohort", "%(n)s cohorts", run.cohorts)
        % {"n": f"{run.cohorts:,}"},
        "waits": decisions.filter(waiting__gt=0).count(),
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
