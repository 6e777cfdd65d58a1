"""Pages of assignments: who has what in hand, how it got there, moving it and taking it back."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from accounts.console_admin import ReadOnlyAdmin, badge
from common.time import utc_now
from routing.admin.giving import giving_view, to_confirm
from routing.choices import LIVE_ASSIGNMENTS, Purpose
from routing.models import Assignment
from routing.services.assignments import MANAGE
from vendors.admin import VendorFilter

STATE_COLOURS = {
    "reserved": "info",
    "in_progress": "warning",
    "submitted": "success",
    "skipped": "default",
    "expired": "danger",
    "released": "default",
    "withdrawn": "danger",
}


class HandFilter(admin.SimpleListFilter):
    """What is in hand, and whether its time is up."""

    title = _("in hand")
    parameter_name = "hand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("now", _("in hand")),
            ("overdue", _("in hand, lease over")),
            ("by_hand", _("assigned by hand")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value == "by_hand":
            return queryset.filter(assigned_by__isnull=False)
        if value in ("now", "overdue"):
            queryset = queryset.filter(state__in=LIVE_ASSIGNMENTS)
        return queryset.filter(lease_until__lte=utc_now()) if value == "overdue" else queryset


# What people took it for. Gold looks like labelling: whoever manages work is not to know it.
KINDS = {
    Purpose.LABEL: _("labelling"),
    Purpose.GOLD: _("labelling"),
    Purpose.QUALIFICATION: _("qualification"),
    Purpose.REVIEW: _("quality review"),
    Purpose.ADJUDICATION: _("adjudication"),
}
LABELLING = "labelling"


class KindFilter(admin.SimpleListFilter):
    """What people took it for."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        others = (Purpose.REVIEW, Purpose.ADJUDICATION, Purpose.QUALIFICATION)
        return [(LABELLING, _("labelling")), *((str(one), KINDS[one]) for one in others)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value == LABELLING:
            return queryset.filter(purpose__in=(Purpose.LABEL, Purpose.GOLD))
        return queryset.filter(purpose=value) if value else queryset


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    view_permission = "work.view"
    list_display = (
        "shown_task",
        "project",
        "annotator",
        "pool",
        "shown_kind",
        "shown_state",
        "reserved_at",
        "lease_until",
        "ended_at",
        "shown_giver",
    )
    list_filter = (
        HandFilter,
        KindFilter,
        "state",
        "task__project",
        "pool",
        ("pool__vendor", VendorFilter),
        ("reserved_at", RangeDateTimeFilter),
    )
    search_fields = ("task__external_id", "annotator__name", "=public_id")
    list_select_related = ("task__project", "annotator", "pool", "assigned_by")
    ordering = ("-pk",)
    fields = (
        "task",
        "annotator",
        "pool",
        "shown_kind",
        "state",
        "attempt",
        "decision",
        "guideline",
        "shown_effort",
        "shown_giver",
        "reserved_at",
        "started_at",
        "lease_until",
        "ended_at",
        "skip_reason",
        "reason",
        "shown_steps",
    )
    readonly_fields = fields
    actions = ("reassign", "release", "withdraw")
    actions_detail = ("move_one", "release_one", "withdraw_one")

    def get_urls(self) -> list[Any]:
        own = path(
            "giving/<slug:step>/",
            self.admin_site.admin_view(self.confirm_view),
            name="routing_giving",
        )
        return [own, *super().get_urls()]

    def confirm_view(self, request: HttpRequest, step: str) -> HttpResponse:
        """The page between choosing rows and touching them."""
        return giving_view(self, request, step)

    @display(description=_("task"), ordering="task__external_id")
    def shown_task(self, row: Assignment) -> str:
        return row.task.external_id

    @display(description=_("project"), ordering="task__project__name")
    def project(self, row: Assignment) -> str:
        return str(row.task.project)

    @display(description=_("kind"))
    def shown_kind(self, row: Assignment) -> str:
        return str(KINDS[Purpose(row.purpose)])

    @badge(description=_("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, row: Assignment) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("assigned by"))
    def shown_giver(self, row: Assignment) -> str:
        return str(row.assigned_by) if row.assigned_by is not None else str(_("themselves"))

    @display(description=_("expected effort"))
    def shown_effort(self, row: Assignment) -> str:
        return f"{row.effort_seconds:,.0f} s"

    @display(description=_("steps"))
    def shown_steps(self, row: Assignment) -> str:
        return (
            "\n".join(
                " · ".join(
                    filter(
                        None,
                        (
                            f"{step.at:%Y-%m-%d %H:%M:%S} UTC",
                            step.get_to_state_display(),
                            str(step.actor),
                            step.reason,
                        ),
                    )
                )
                for step in row.history_steps.select_related("actor").order_by("sequence")
            )
            or "–"
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        # The page of one reads what the list reads.
        return (
            super()
            .get_queryset(request)
            .select_related("task__project", "annotator", "pool", "assigned_by", "guideline")
        )

    def _live(self, request: HttpRequest, object_id: str | None) -> bool:
        if not self._may(request, MANAGE):
            return False
        if object_id is None:
            return True
        row = self.get_object(request, str(object_id))
        return row is None or row.state in LIVE_ASSIGNMENTS

    def has_manage_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._live(request, object_id)

    @action(description=_("Move to somebody else"), permissions=["manage"])
    def reassign(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return to_confirm(self, request, queryset, "reassign")

    @action(description=_("Give back"), permissions=["manage"])
    def release(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return to_confirm(self, request, queryset, "release")

    @action(description=_("Take away"), permissions=["manage"])
    def withdraw(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return to_confirm(self, request, queryset, "withdraw")

    def _one(self, request: HttpRequest, object_id: str, step: str) -> HttpResponse:
        row = self._row(request, object_id)
        answer = to_confirm(self, request, Assignment.objects.filter(pk=row.pk), step)
        assert answer is not None  # one row is never too many
        return answer

    @action(description=_("Move to somebody else"), permissions=["manage"])
    def move_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._one(request, object_id, "reassign")

    @action(description=_("Give back"), permissions=["manage"])
    def release_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._one(request, object_id, "release")

    @action(description=_("Take away"), permissions=["manage"])
    def withdraw_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._one(request, object_id, "withdraw")
