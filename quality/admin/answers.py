"""Pages of judgments, gold and estimations."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.console_admin import HistoryAdmin, ReadOnlyAdmin, actor
from common.time import utc_now
from quality.admin.comparing import ComparingPages
from quality.admin.confusion import ConfusionPages
from quality.admin.lineage import LineagePages
from quality.admin.profile import ProfilePages
from quality.models import Estimation, GoldAnswer, Judgment, TypeFacts


@admin.register(Judgment)
class JudgmentAdmin(ProfilePages, ConfusionPages, LineagePages, ReadOnlyAdmin):
    view_permission = "judgments.view"
    list_display = ("task", "annotator", "label", "attempt", "source", "submitted_at")
    list_filter = ("source", "task__project", "annotator__pool")
    search_fields = ("task__external_id", "annotator__name")
    list_select_related = ("task", "annotator")


@admin.register(GoldAnswer)
class GoldAnswerAdmin(HistoryAdmin):
    view_permission = "gold.view"
    manage_permission = "gold.manage"
    list_display = ("task", "label", "source", "set_by", "set_at", "retired_at")
    list_filter = ("source", "task__project", ("retired_at", admin.EmptyFieldListFilter))
    search_fields = ("task__external_id", "label")
    list_select_related = ("task", "set_by")
    autocomplete_fields = ("task",)
    fields = ("task", "label", "source", "retired_at")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.set_by, obj.set_at = actor(request), utc_now()
        super().save_model(request, obj, form, change)


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


@admin.register(TypeFacts)
class TypeFactsAdmin(ReadOnlyAdmin):
    view_permission = "judgments.view"
    list_display = ("task_type", "as_of", "dispersion", "items", "answers", "pairs")
    list_filter = ("task_type",)
    list_select_related = ("task_type",)
