"""Pages of judgments and estimations."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from accounts.console_admin import ReadOnlyAdmin
from quality.admin.comparing import ComparingPages
from quality.admin.confusion import ConfusionPages
from quality.admin.lineage import LineagePages
from quality.admin.profile import ProfilePages
from quality.admin.tables import number
from quality.models import Estimation, Judgment, Output, TypeFacts


@admin.register(Judgment)
class JudgmentAdmin(ProfilePages, ConfusionPages, LineagePages, ReadOnlyAdmin):
    view_permission = "judgments.view"
    list_display = ("task", "annotator", "label", "attempt", "source", "submitted_at", "lineage_of")
    list_filter = ("source", "task__project", "annotator__pool")
    search_fields = ("task__external_id", "annotator__name")
    list_select_related = ("task", "annotator")

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        return shown if self._may(request, "lineage.view") else shown[:-1]

    @display(description=_("lineage"))
    def lineage_of(self, row: Judgment) -> str:
        address = reverse("admin:quality_lineage", args=[row.task_id])
        return format_html('<a href="{}">{}</a>', address, _("open"))


@admin.register(Estimation)
class EstimationAdmin(ComparingPages, ReadOnlyAdmin):
    view_permission = "judgments.view"
    list_display = (
        "project",
        "task_type",
        "skill",
        "as_of",
        "tasks",
        "annotators",
        "answers",
        "gold",
        "converged",
    )
    list_filter = ("skill", "project")
    list_select_related = ("project", "task_type", "skill")


@admin.register(Output)
class OutputAdmin(ReadOnlyAdmin):
    view_permission = "ratings.view"
    list_display = (
        "annotator",
        "skill",
        "as_of",
        "shown_hour",
        "shown_day",
        "shown_speed",
        "accepted",
        "trusted_hours",
        "days",
    )
    list_filter = ("skill", "annotator__pool", ("as_of", RangeDateTimeFilter))
    search_fields = ("annotator__name",)
    list_select_related = ("annotator", "skill")

    @display(description=_("accepted an hour (90 %)"), ordering="per_hour")
    def shown_hour(self, row: Output) -> str:
        return _interval(row.per_hour, row.hour_lower, row.hour_upper, 1)

    @display(description=_("accepted a day worked (90 %)"), ordering="per_day")
    def shown_day(self, row: Output) -> str:
        return _interval(row.per_day, row.day_lower, row.day_upper, 1)

    @display(description=_("time over the expected (90 %)"), ordering="speed")
    def shown_speed(self, row: Output) -> str:
        return _interval(row.speed, row.speed_lower, row.speed_upper, 2)


def _interval(value: float | None, lower: float | None, upper: float | None, places: int) -> str:
    """Write a value with its interval; an upper end that is empty has no end."""
    if value is None or lower is None:
        return "–"
    end = "∞" if upper is None else number(upper, places)
    return f"{number(value, places)} ({number(lower, places)} – {end})"


@admin.register(TypeFacts)
class TypeFactsAdmin(ReadOnlyAdmin):
    view_permission = "judgments.view"
    list_display = ("task_type", "as_of", "dispersion", "items", "answers", "pairs")
    list_filter = ("task_type",)
    list_select_related = ("task_type",)
