"""Pages of tasks, where they are placed and who holds them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action

from accounts.console_admin import ReadOnlyAdmin, badge
from common.time import utc_now
from routing.admin.giving import to_confirm
from routing.choices import Band, TaskState
from routing.models import Decision, Placement, Task
from routing.services.assignments import MANAGE
from routing.services.explaining import waits_like
from routing.services.scoring import explain_task

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
    change_form_template = "admin/routing/task.html"
    actions = ("assign",)

    @badge(description=_("state"), ordering="state", label=TASK_COLOURS)
    def shown_state(self, task: Task) -> tuple[str, str]:
        return task.state, task.get_state_display()

    def has_assign_permission(self, request: HttpRequest) -> bool:
        return self._may(request, MANAGE)

    @action(description=_("Assign to somebody"), permissions=["assign"])
    def assign(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return to_confirm(self, request, queryset, "assign")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        task = self.get_object(request, object_id or "")
        context = {**(extra_context or {}), **(task_context(task) if task is not None else {})}
        return super().changeform_view(request, object_id, form_url, context)


def task_context(task: Task) -> dict[str, Any]:
    """Return a task's scores with their factors, and where it is placed or why it waits."""
    run = task.project.current_run
    score = explain_task(task, utc_now())
    placement, alike = None, list[Decision]()
    if run is not None:
        placement = Placement.objects.filter(task=task, run=run).select_related("pool").first()
        if placement is None and task.state == TaskState.OPEN and task.created_at <= run.now:
            alike = waits_like(task, score, run)
    return {
        "run": run,
        "score": score,
        "complexity_band": Band(score.complexity_band).label,
        "risk_band": Band(score.risk_band).label,
        "placement": placement,
        "alike": alike,
    }


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = ("task", "pool", "day", "asked", "decision", "run")
    list_filter = ("pool", "day")
    search_fields = ("task__external_id",)
    list_select_related = ("task", "pool", "decision", "run")
