"""Pages of proposed pauses: the evidence, the decision, the contest."""

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
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from common.time import start_of_day, utc_now
from quality.choices import PAUSE_TRANSITIONS, PAUSE_UNDECIDED, PauseState
from quality.models import PauseProposal
from quality.services.pauses import DECIDE, confirm_pause, decline_pause, settle_contest

STATE_COLOURS = {
    "proposed": "warning",
    "held": "danger",
    "confirmed": "info",
    "declined": "success",
    "contested": "danger",
    "upheld": "info",
    "lifted": "success",
}
TOLD = _("what the annotator is told")
TOLD_HELP = _("the annotator and, of a vendor, its managers read it; name no single task")


class DayInput(UnfoldAdminTextInputWidget):
    input_type = "date"


class ConfirmForm(BaseDialogForm):
    """Term and reasons of a pause."""

    back_on = forms.DateField(
        label=_("back on"), widget=DayInput(), help_text=_("the first day on which they work again")
    )
    told = forms.CharField(label=TOLD, widget=UnfoldAdminTextareaWidget(), help_text=TOLD_HELP)
    note = forms.CharField(
        label=_("note"),
        required=False,
        widget=UnfoldAdminTextareaWidget(),
        help_text=_("stays in the house"),
    )


class DeclineForm(BaseDialogForm):
    """Why there is no pause."""

    told = forms.CharField(label=TOLD, widget=UnfoldAdminTextareaWidget(), help_text=TOLD_HELP)
    note = forms.CharField(
        label=_("note"),
        required=False,
        widget=UnfoldAdminTextareaWidget(),
        help_text=_("stays in the house"),
    )


class SettleForm(BaseDialogForm):
    """What becomes of a contested pause."""

    verdict = forms.ChoiceField(
        label=_("verdict"),
        choices=[("lifted", _("lifted")), ("upheld", _("upheld"))],
        widget=UnfoldAdminSelectWidget(),
    )
    told = forms.CharField(label=TOLD, widget=UnfoldAdminTextareaWidget(), help_text=TOLD_HELP)
    back_on = forms.DateField(
        label=_("back on"),
        required=False,
        widget=DayInput(),
        help_text=_("of an upheld pause; empty = as it was confirmed"),
    )


class WaitingFilter(admin.SimpleListFilter):
    """What waits for a person stands first."""

    title = _("waits")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("every", _("all"))]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [{**first, "display": _("for a decision")}, *others]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset if self.value() == "every" else queryset.filter(state__in=PAUSE_UNDECIDED)


@admin.register(PauseProposal)
class PauseProposalAdmin(ReadOnlyAdmin):
    view_permission = "alarms.view"
    list_display = (
        "proposed_at",
        "annotator",
        "skill",
        "shown_state",
        "shown_evidence",
        "shown_usual",
        "decided_by",
    )
    list_filter = (
        WaitingFilter,
        "state",
        "skill",
        "annotator__pool",
        ("proposed_at", RangeDateTimeFilter),
    )
    search_fields = ("annotator__name", "skill__name")
    list_select_related = ("annotator", "skill", "decided_by")
    fieldsets = (
        (None, {"fields": ("annotator", "skill", "shown_state", "shown_hold")}),
        (
            _("The test"),
            {
                "fields": (
                    "shown_evidence",
                    "shown_usual",
                    "shown_promise",
                    "shown_period",
                    "good_at",
                    "checks",
                )
            },
        ),
        (
            _("The decision"),
            {"fields": ("decided_by", "decided_at", "pause_until", "told", "note")},
        ),
        (
            _("The contest"),
            {"fields": ("contested_at", "contest", "settled_by", "settled_at", "settled_told")},
        ),
        (_("How it went"), {"fields": ("shown_steps",)}),
    )
    readonly_fields = tuple(name for _title, part in fieldsets for name in part["fields"])
    actions_detail = ("confirm", "decline", "settle")

    @badge(description=_("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, row: PauseProposal) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("checked answers"))
    def shown_evidence(self, row: PauseProposal) -> str:
        return _("%(errors)s of %(answers)s wrong") % {
            "errors": row.errors,
            "answers": row.answers,
        }

    @display(description=_("usual, and tested against"))
    def shown_usual(self, row: PauseProposal) -> str:
        return f"{row.p0:.1%} / {row.p1:.1%}"

    @display(description=_("false pauses"))
    def shown_promise(self, row: PauseProposal) -> str:
        return _(
            "Of a hundred who err as usual, a test proposes %(share)s; tests begin anew, so one of "
            "them meets a false one every %(length)s checked answers."
        ) % {"share": f"{100 * row.false_share:.2g}", "length": f"{row.run_length:,.0f}"}

    @display(description=_("evidence"))
    def shown_period(self, row: PauseProposal) -> str:
        return f"{row.evidence_from:%Y-%m-%d %H:%M} – {row.evidence_to:%Y-%m-%d %H:%M} UTC"

    @display(description=_("held until"))
    def shown_hold(self, row: PauseProposal) -> str:
        return f"{row.hold_until:%Y-%m-%d %H:%M} UTC" if row.hold_until is not None else "–"

    @display(description=_("steps"))
    def shown_steps(self, row: PauseProposal) -> str:
        return (
            "\n".join(
                f"{step.at:%Y-%m-%d %H:%M} UTC · {step.get_to_state_display()} · {step.actor}"
                for step in row.history_steps.select_related("actor")
            )
            or "–"
        )

    def _can(self, request: HttpRequest, object_id: str | None, to_state: str) -> bool:
        if not self._may(request, DECIDE) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or to_state in PAUSE_TRANSITIONS[row.state]

    def has_confirm_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, PauseState.CONFIRMED)

    def has_decline_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, PauseState.DECLINED)

    def has_settle_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, PauseState.LIFTED)

    @action(
        description=_("Confirm the pause"),
        permissions=["confirm"],
        dialog={
            "title": _("Pause this annotator"),
            "description": _(
                "Their tasks go back to others, and what they answered since the last good "
                "evidence is queued for a check."
            ),
            "form_class": ConfirmForm,
            "form_submit_text": _("Pause"),
        },
    )
    def confirm(self, request: HttpRequest, form: ConfirmForm, object_id: str) -> HttpResponse:
        row, said = self._row(request, object_id), form.cleaned_data

        def do() -> Any:
            confirm_pause(
                row,
                until=start_of_day(said["back_on"], row.annotator.time_zone),
                told=said["told"],
                note=said["note"],
                acting_user=actor(request),
                now=utc_now(),
            )
            return _("Paused; %(n)s answers are queued for a check.") % {"n": row.checks}

        self.carry_out(request, do)
        return _back(object_id)

    @action(
        description=_("Decline"),
        permissions=["decline"],
        dialog={
            "title": _("No pause"),
            "description": _("A hold ends at once; the test begins anew."),
            "form_class": DeclineForm,
            "form_submit_text": _("Decline"),
        },
    )
    def decline(self, request: HttpRequest, form: DeclineForm, object_id: str) -> HttpResponse:
        row, said = self._row(request, object_id), form.cleaned_data

        def do() -> Any:
            decline_pause(
                row, told=said["told"], note=said["note"], acting_user=actor(request), now=utc_now()
            )
            return _("Declined.")

        self.carry_out(request, do)
        return _back(object_id)

    @action(
        description=_("Settle the contest"),
        permissions=["settle"],
        dialog={
            "title": _("Settle what the annotator contests"),
            "description": _("Another person than who confirmed the pause settles it."),
            "form_class": SettleForm,
            "form_submit_text": _("Settle"),
        },
    )
    def settle(self, request: HttpRequest, form: SettleForm, object_id: str) -> HttpResponse:
        row, said = self._row(request, object_id), form.cleaned_data
        back_on = said["back_on"]

        def do() -> Any:
            settle_contest(
                row,
                upheld=said["verdict"] == "upheld",
                told=said["told"],
                until=start_of_day(back_on, row.annotator.time_zone) if back_on else None,
                acting_user=actor(request),
                now=utc_now(),
            )
            return row.get_state_display()

        self.carry_out(request, do)
        return _back(object_id)


def _back(object_id: str) -> HttpResponse:
    return leave_dialog(reverse("admin:quality_pauseproposal_change", args=[object_id]))
