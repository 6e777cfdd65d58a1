"""Pages of tasks, where they are placed and who holds them."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.console_admin import ReadOnlyAdmin
from routing.models import Assignment, Placement, Task

TASK_COLOURS = {
    "open": "info",
    "held": "warning",
    "answered": "warning",
    "accepted": "success",
    "rework": "danger",
    "cancelled": "danger",
    "recalled": "danger",
}


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
