"""Pages of task types, domains and fitted efforts."""

import numpy as np
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import HistoryAdmin, ReadOnlyAdmin
from routing.core.effort import expected_seconds
from routing.models import Domain, EffortEstimate, TaskType


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


@admin.register(EffortEstimate)
class EffortEstimateAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = ("task_type", "complexity_band", "as_of", "n", "factor", "between")
    list_filter = ("task_type", "complexity_band")
    list_select_related = ("task_type",)

    @display(description=_("mean over the type's default"))
    def factor(self, row: EffortEstimate) -> str:
        return f"× {_mean(row.log_factor, row.log_spread):.2f}"

    @display(description=_("of it, nine times in ten"))
    def between(self, row: EffortEstimate) -> str:
        if row.log_lower is None or row.log_upper is None:
            return "–"
        low, high = (_mean(at, row.log_spread) for at in (row.log_lower, row.log_upper))
        return f"{low:.2f} – {high:.2f}"


def _mean(log_factor: float, log_spread: float) -> float:
    return float(expected_seconds(np.ones(1), np.array([log_factor]), np.array([log_spread]))[0])
