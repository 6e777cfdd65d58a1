"""The inbox of alarms: what the house has to look at, who does, and what came of it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from accounts.models import User
from common.languages import translated
from common.time import utc_now
from quality.choices import AlarmOutcome, AlarmState
from quality.models import Alarm
from quality.services.alarms import QUIET_DAYS, close_alarm, handlers, own_alarm, seen_by

STATE_COLOURS = {"open": "danger", "owned": "warning", "closed": "success"}


class OwnerForm(BaseDialogForm):
    """Who takes it in hand."""

    owner = forms.ModelChoiceField(
        label=_("owner"),
        queryset=User.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        empty_label=_("nobody: back to the inbox"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = handlers()


class CloseForm(BaseDialogForm):
    """What came of it."""

    outcome = forms.ChoiceField(
        label=_("outcome"), choices=AlarmOutcome.choices, widget=UnfoldAdminSelectWidget()
    )
    comment = forms.CharField(
        label=_("what was done, or why nothing"), widget=UnfoldAdminTextareaWidget()
    )
    quiet_days = forms.IntegerField(
        label=_("days without the same alarm"),
        required=False,
        min_value=1,
        max_value=366,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_("where it is known and accepted; empty = %(days)s") % {"days": QUIET_DAYS},
    )


class InboxFilter(admin.SimpleListFilter):
    """What waits stands first; everything on request."""

    title = _("state")
    parameter_name = "inbox"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("mine", _("mine")),
            ("open", _("without owner")),
            ("closed", _("closed")),
            ("every", _("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [{**first, "display": _("not closed")}, *others]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value == "mine":
            return queryset.filter(owner=actor(request)).exclude(state=AlarmState.CLOSED)
        if value in ("open", "closed"):
            return queryset.filter(state=value)
        return queryset if value == "every" else queryset.exclude(state=AlarmState.CLOSED)


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    view_permission = "alarms.view"
    list_display = (
        "opened_at",
        "kind",
        "shown_about",
        "shown_text",
        "shown_state",
        "owner",
        "times",
    )
    list_filter = (
        InboxFilter,
        "kind",
        "project",
        "annotator__pool",
        "outcome",
        ("opened_at", RangeDateTimeFilter),
    )
    search_fields = ("annotator__name", "project__name", "skill__name", "task__external_id")
    list_select_related = (
        "annotator",
        "skill",
        "project",
        "task_type",
        "guideline__project",
        "task",
        "owner",
    )
    fields = (
        "kind",
        "shown_about",
        "shown_text",
        "shown_details",
        "shown_state",
        "owner",
        "times",
        "opened_at",
        "raised_at",
        "outcome",
        "comment",
        "quiet_until",
        "closed_at",
        "shown_steps",
    )
    readonly_fields = fields
    actions_detail = ("take", "hand_over", "close")

    def get_queryset(self, request: HttpRequest) -> Any:
        return seen_by(super().get_queryset(request), actor(request))

    @badge(description=_("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, alarm: Alarm) -> tuple[str, str]:
        return alarm.state, alarm.get_state_display()

    @display(description=_("about"))
    def shown_about(self, alarm: Alarm) -> str:
        return alarm.about

    @display(description=_("what was found"))
    def shown_text(self, alarm: Alarm) -> str:
        return translated(alarm.text)

    @display(description=_("figures"))
    def shown_details(self, alarm: Alarm) -> str:
        rows = [(name, value) for name, value in alarm.details.items() if name != "name"]
        return "\n".join(f"{name.replace('_', ' ')}: {_figure(value)}" for name, value in rows)

    @display(description=_("how it went"))
    def shown_steps(self, alarm: Alarm) -> str:
        rows = alarm.history_steps.select_related("actor", "owner")
        return "\n".join(
            f"{step.at:%Y-%m-%d %H:%M} UTC · {step.get_to_state_display()}"
            f"{f' ({step.owner})' if step.owner else ''} · {step.actor}"
            for step in rows
        )

    def has_take_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "alarms.manage")

    has_hand_over_permission = has_close_permission = has_take_permission

    @action(
        description=_("Take in hand"),
        permissions=["take"],
        dialog={
            "title": _("Take this alarm in hand"),
            "description": _("You are its owner until you hand it over or close it."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Take in hand"),
        },
    )
    def take(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        alarm = self._row(request, object_id)

        def do() -> Any:
            own_alarm(alarm, actor(request), acting_user=actor(request), now=utc_now())
            return _("It is in your hands.")

        self.carry_out(request, do)
        return _back(object_id)

    @action(
        description=_("Hand over"),
        permissions=["hand_over"],
        dialog={
            "title": _("Hand this alarm over"),
            "description": _("To somebody who handles alarms, or back to the inbox."),
            "form_class": OwnerForm,
            "form_submit_text": _("Hand over"),
        },
    )
    def hand_over(self, request: HttpRequest, form: OwnerForm, object_id: str) -> HttpResponse:
        alarm, owner = self._row(request, object_id), form.cleaned_data["owner"]

        def do() -> Any:
            own_alarm(alarm, owner, acting_user=actor(request), now=utc_now())
            return _("Owner: %s") % (owner or "–")

        self.carry_out(request, do)
        return _back(object_id)

    @action(
        description=_("Close"),
        permissions=["close"],
        dialog={
            "title": _("Close this alarm"),
            "description": _("Say what came of it; the words stay with the alarm."),
            "form_class": CloseForm,
            "form_submit_text": _("Close"),
        },
    )
    def close(self, request: HttpRequest, form: CloseForm, object_id: str) -> HttpResponse:
        alarm, said = self._row(request, object_id), form.cleaned_data

        def do() -> Any:
            close_alarm(
                alarm,
                said["outcome"],
                said["comment"],
                quiet_days=said["quiet_days"],
                acting_user=actor(request),
                now=utc_now(),
            )
            return _("The alarm is closed.")

        self.carry_out(request, do)
        return _back(object_id)


def _back(object_id: str) -> HttpResponse:
    return leave_dialog(reverse("admin:quality_alarm_change", args=[object_id]))


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}"
    if isinstance(value, list):
        return "; ".join(_figure(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_figure(item)}" for name, item in value.items())
    return str(value)
