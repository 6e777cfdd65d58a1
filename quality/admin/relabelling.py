"""Pages of relabelling: what a guideline change touches, reopening it, putting it back."""

from datetime import date, datetime
from typing import Any

import pandas as pd
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from accounts.services.jobs import start_job
from common.time import start_of_day, utc_now
from quality.admin.files import csv_answer
from quality.choices import RELABEL_TRANSITIONS, RelabelState
from quality.models import Relabel
from quality.services import relabel_undo, relabelling
from quality.services.relabel_batches import MANAGE
from quality.services.relabel_query import Query
from quality.services.relabelling import drop_relabel, list_relabel
from routing.models import GuidelineVersion

SHOWN_TASKS = 50
STATE_COLOURS = {
    "listed": "warning",
    "applying": "info",
    "applied": "success",
    "undoing": "info",
    "undone": "danger",
    "dropped": "danger",
}
CHANGES = {
    "removed": _l("removed"),
    "renamed": _l("renamed"),
    "merged": _l("merged"),
    "split": _l("split"),
    "changed": _l("means something else"),
    "added": _l("added"),
}
COLUMNS = ("task__public_id", "task__external_id", "why", "what", "state", "reopened_at", "passed")


class DayInput(UnfoldAdminTextInputWidget):
    input_type = "date"


class ListForm(BaseDialogForm):
    """Two versions, and a query beside their difference."""

    new = forms.ModelChoiceField(
        label=_l("new version"),
        queryset=GuidelineVersion.objects.none(),
        widget=UnfoldAdminSelectWidget(),
    )
    old = forms.ModelChoiceField(
        label=_l("compared with"),
        queryset=GuidelineVersion.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        empty_label=_l("the version before"),
    )
    difference = forms.BooleanField(
        label=_l("what the ontologies differ in"),
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget(),
    )
    labels = forms.CharField(
        label=_l("labels"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_l("further ones, separated by commas"),
    )
    fields_named = forms.CharField(
        label=_l("fields"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_l("members of answers, separated by commas"),
    )
    since = forms.DateField(label=_l("answered from"), required=False, widget=DayInput())
    until = forms.DateField(
        label=_l("answered before"), required=False, widget=DayInput(), help_text=_l("not included")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = GuidelineVersion.objects.select_related("project").order_by("project", "-number")
        self.fields["new"].queryset = rows.filter(number__gt=1)
        self.fields["old"].queryset = rows


@admin.register(Relabel)
class RelabelAdmin(ReadOnlyAdmin):
    view_permission = "judgments.view"
    list_display = ("made_at", "__str__", "shown_state", "tasks", "reopened", "passed", "made_by")
    list_filter = ("state", "project", ("made_at", RangeDateTimeFilter))
    list_select_related = ("project", "from_version", "to_version", "made_by")
    search_fields = ("project__name", "project__key")
    change_form_template = "admin/quality/relabel.html"
    fields = (
        "project",
        "from_version",
        "to_version",
        "shown_query",
        "state",
        "made_by",
        "made_at",
        "applied_at",
        "undone_at",
        "shown_steps",
    )
    readonly_fields = fields
    actions_list = ("draw_up",)
    actions_detail = ("reopen", "put_back", "drop")

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "<path:object_id>/csv/",
                self.admin_site.admin_view(self.csv_view),
                name="quality_relabel_csv",
            )
        ]
        return [*own, *super().get_urls()]

    @badge(description=_l("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, row: Relabel) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_l("query"))
    def shown_query(self, row: Relabel) -> str:
        query = Query.from_json(row.query)
        parts = [_("what the ontologies differ in")] if query.difference else []
        for name, words in ((_("labels"), query.labels), (_("fields"), query.fields)):
            parts += [f"{name}: {', '.join(words)}"] if words else []
        for name, at in ((_("answered from"), query.since), (_("answered before"), query.until)):
            parts += [f"{name} {at:%Y-%m-%d %H:%M} UTC"] if at is not None else []
        return "; ".join(map(str, parts))

    @display(description=_l("steps"))
    def shown_steps(self, row: Relabel) -> str:
        return (
            "\n".join(
                f"{step.at:%Y-%m-%d %H:%M} UTC · {step.get_to_state_display()} · {step.actor}"
                for step in row.history_steps.select_related("actor")
            )
            or "–"
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "")
        if row is not None:
            extra_context = {
                **(extra_context or {}),
                "relabel": row,
                "changes": [{**change, "word": CHANGES[change["kind"]]} for change in row.changes],
                "listed": row.listed.select_related("task")[:SHOWN_TASKS],
            }
        return super().changeform_view(request, object_id, form_url, extra_context)

    def csv_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the listed tasks as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self._row(request, object_id).listed.values_list(*COLUMNS)
        table = pd.DataFrame(list(rows), columns=list(COLUMNS))
        return csv_answer("relabel", table, permission=self.view_permission, user=actor(request))

    def has_draw_up_permission(self, request: HttpRequest) -> bool:
        return self._may(request, MANAGE)

    def _can(self, request: HttpRequest, object_id: str | None, to_state: str) -> bool:
        if not self._may(request, MANAGE) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or to_state in RELABEL_TRANSITIONS[row.state]

    def has_reopen_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, RelabelState.APPLYING)

    def has_put_back_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, RelabelState.UNDOING)

    def has_drop_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, RelabelState.DROPPED)

    @action(
        description=_l("List what a guideline touches"),
        permissions=["draw_up"],
        dialog={
            "title": _l("List the tasks that a guideline version touches"),
            "description": _l("Nothing is reopened yet."),
            "form_class": ListForm,
            "form_submit_text": _l("List"),
        },
    )
    def draw_up(self, request: HttpRequest, form: ListForm) -> HttpResponse:
        said, made = form.cleaned_data, []
        new = said["new"]
        old = (
            said["old"]
            or GuidelineVersion.objects.filter(project=new.project_id, number__lt=new.number)
            .order_by("-number")
            .first()
        )
        zone = new.project.time_zone
        query = Query(
            difference=said["difference"],
            labels=_words(said["labels"]),
            fields=_words(said["fields_named"]),
            since=_day(said["since"], zone),
            until=_day(said["until"], zone),
        )

        def do() -> Any:
            made.append(
                list_relabel(old, new, query=query, acting_user=actor(request), now=utc_now())
            )
            return _("%(n)s tasks are touched.") % {"n": f"{made[0].tasks:,}"}

        self.carry_out(request, do)
        if made:
            return leave_dialog(reverse("admin:quality_relabel_change", args=[made[0].pk]))
        return leave_dialog(reverse("admin:quality_relabel_changelist"))

    @action(
        description=_l("Reopen these tasks"),
        permissions=["reopen"],
        dialog={
            "title": _l("Have exactly these tasks worked anew"),
            "description": _l(
                "Their labels end, their answers stay. What changed since the list was drawn up is "
                "passed over. It can be undone while nobody has answered."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Reopen"),
        },
    )
    def reopen(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._start(request, object_id, relabelling.JOB)

    @action(
        description=_l("Undo"),
        permissions=["put_back"],
        dialog={
            "title": _l("Put these tasks back as they were"),
            "description": _l("What somebody has in hand of them is withdrawn."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Undo"),
        },
    )
    def put_back(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._start(request, object_id, relabel_undo.JOB)

    def _start(self, request: HttpRequest, object_id: str, kind: str) -> HttpResponse:
        row = self._row(request, object_id)
        job = start_job(
            kind, {"relabel": str(row.public_id)}, acting_user=actor(request), now=utc_now()
        )
        self.message_user(request, _("It was started; this page shows how it goes."))
        return leave_dialog(reverse("admin:accounts_job_change", args=[job.pk]))

    @action(
        description=_l("Drop"),
        permissions=["drop"],
        dialog={
            "title": _l("Drop this list"),
            "description": _l("Nothing is reopened; another list can be drawn up."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Drop"),
        },
    )
    def drop(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            drop_relabel(row, acting_user=actor(request), now=utc_now())
            return _("Dropped.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_relabel_change", args=[object_id]))


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _day(day: date | None, zone: str) -> datetime | None:
    return start_of_day(day, zone) if day is not None else None
