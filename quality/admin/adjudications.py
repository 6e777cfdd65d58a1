"""The adjudicators' queue: answers side by side without names, a choice, and its reason.

The time of a decision counts from when the page was shown to when the form came back.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextareaWidget

from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from common.errors import AppError, Invalid
from common.time import utc_now
from quality.admin.answer_field import answer_field
from quality.admin.answers_shown import shown
from quality.admin.task_shown import as_read, guideline_for, task_context
from quality.models import Adjudication, GoldAnswer
from quality.services.adjudicating import DECIDE, decide_adjudication, may_adjudicate
from quality.services.adjudication_sheet import OTHER, Option, chosen, options
from quality.services.gold import MANAGE as MAKE_GOLD
from quality.services.gold import make_gold_from

SALT = "adjudication shown"
LONGEST = 4 * 3600  # seconds that a page may stand open and still count as work
STATE_COLOURS = {"open": "warning", "decided": "success", "cancelled": "danger"}


class StateFilter(admin.SimpleListFilter):
    """What waits stands first."""

    title = _l("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("decided", _l("decided")),
            ("cancelled", _l("called off")),
            ("every", _l("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [{**first, "display": _l("waiting")}, *others]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value == "every":
            return queryset
        if value == "cancelled":
            return queryset.filter(cancelled_at__isnull=False)
        if value == "decided":
            return queryset.filter(decided_at__isnull=False)
        return queryset.filter(decided_at__isnull=True, cancelled_at__isnull=True)


class DecisionForm(forms.Form):
    """Which answer is right, and why."""

    choice = forms.ChoiceField(label=_l("what is right"), widget=UnfoldAdminRadioSelectWidget())
    reason = forms.CharField(
        label=_l("why"),
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(),
        help_text=_l("kept with the decision; name nobody"),
    )
    began = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, row: Adjudication, found: list[Option], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="decision_%s", **kwargs)
        self.fields["choice"].choices = [
            *((option.key, option.name) for option in found),
            (OTHER, _("none of these: another answer")),
        ]
        self.fields["answer"] = answer_field(
            row.task, guideline_for(row.task), label=_("another answer")
        )
        self.fields["began"].initial = signing.dumps(str(row.public_id), salt=SALT)
        self.row = row

    def seconds(self) -> float | None:
        """Return how long the page stood open; None where that tells no time of work."""
        stamp = self.cleaned_data["began"]
        signer = signing.TimestampSigner(salt=SALT)
        try:
            if signing.loads(stamp, salt=SALT, max_age=LONGEST) != str(self.row.public_id):
                return None
            sent = signing.b62_decode(stamp.rsplit(signer.sep, 2)[1])
        except (signing.BadSignature, ValueError, IndexError):
            return None
        return max(utc_now().timestamp() - sent, 0.0)


@admin.register(Adjudication)
class AdjudicationAdmin(ReadOnlyAdmin):
    view_permission = "adjudications.view"
    list_display = (
        "shown_task",
        "project",
        "task_type",
        "shown_state",
        "why",
        "shown_answers",
        "shown_age",
        "shown_due",
        "label",
        "decided_by",
    )
    list_filter = (
        StateFilter,
        "why",
        "task__project",
        "task__task_type",
        ("opened_at", RangeDateTimeFilter),
        ("decided_at", RangeDateTimeFilter),
    )
    search_fields = ("task__external_id", "task__project__name", "label")
    list_select_related = ("task__project", "task__task_type", "decided_by")
    ordering = ("urgency", "pk")
    change_form_template = "admin/quality/adjudication.html"
    fields = ("shown_state", "why", "attempt", "opened_at", "shown_due", "cancelled_at")
    readonly_fields = fields
    actions_detail = ("make_gold",)

    def get_urls(self) -> list[Any]:
        own = path(
            "<path:object_id>/decide/",
            self.admin_site.admin_view(self.decide_view),
            name="quality_adjudication_decide",
        )
        return [own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.select_related(
            "task__project", "task__task_type", "task__guideline", "decided_by"
        ).annotate(answers=Count("task__judgments"))

    @display(description=_l("task"), ordering="task__external_id")
    def shown_task(self, row: Adjudication) -> str:
        return row.task.external_id

    @display(description=_l("project"), ordering="task__project__name")
    def project(self, row: Adjudication) -> str:
        return row.task.project.name

    @display(description=_l("task type"), ordering="task__task_type__name")
    def task_type(self, row: Adjudication) -> str:
        return row.task.task_type.name

    @badge(description=_l("state"), label=STATE_COLOURS)
    def shown_state(self, row: Adjudication) -> tuple[str, str]:
        if row.decided_at is not None:
            return "decided", _("decided")
        if row.cancelled_at is not None:
            return "cancelled", _("called off")
        return "open", _("waiting")

    @display(description=_l("answers"), ordering="answers")
    def shown_answers(self, row: Adjudication) -> int:
        return int(row.answers)

    @display(description=_l("age"), ordering="opened_at")
    def shown_age(self, row: Adjudication) -> str:
        return timesince(row.opened_at, row.decided_at or row.cancelled_at or utc_now(), depth=1)

    @display(description=_l("task due"), ordering="task__due_at")
    def shown_due(self, row: Adjudication) -> str:
        due = row.task.due_at
        if due is None:
            return "–"
        late = row.decided_at is None and row.cancelled_at is None and due < utc_now()
        return f"{due:%Y-%m-%d %H:%M} UTC" + (f" · {_('overdue')}" if late else "")

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "")
        if row is not None and self.has_view_permission(request):
            extra_context = {**self._context(request, row), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _context(self, request: HttpRequest, row: Adjudication) -> dict[str, Any]:
        found = options(row, now=utc_now())
        metric = row.task.task_type.metric
        answers = [option.value.answer for option in found]
        given = row.decided_at is not None and not any(option.won for option in found)
        if given:
            answers.append(row.answer)
        drawn = shown(metric, answers, payload=row.task.payload)
        is_open = row.decided_at is None and row.cancelled_at is None
        may = self._may(request, DECIDE)
        allowed = may and may_adjudicate(actor(request), row)
        return {
            "row": row,
            **task_context(row.task, guideline_for(row.task)),
            "sides": [
                {
                    "option": option,
                    "html": html,
                    "likely": None
                    if option.probability is None
                    else f"{100 * option.probability:.3g}\N{NO-BREAK SPACE}%",
                }
                for option, html in zip(found, drawn, strict=False)
            ],
            "given": drawn[-1] if given else None,
            "decision": DecisionForm(row, found) if is_open and allowed else None,
            "touched": is_open and may and not allowed,
            "is_open": is_open,
        }

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Decide; refused, the page comes back with the reason and what was typed."""
        if not self._may(request, DECIDE):
            raise PermissionDenied
        row = self._row(request, object_id)
        if request.method != "POST":
            return redirect("admin:quality_adjudication_change", object_id)
        form = DecisionForm(row, options(row, now=utc_now()), data=request.POST)
        if form.is_valid():
            said = form.cleaned_data
            try:
                what = chosen(row, said["choice"], said["answer"], now=utc_now())
                decide_adjudication(
                    row,
                    **what,
                    reason=said["reason"],
                    raw_seconds=form.seconds(),
                    acting_user=actor(request),
                    now=utc_now(),
                )
            except Invalid as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
            except AppError as error:
                self.message_user(request, str(error), level="error")
                return redirect("admin:quality_adjudication_change", object_id)
            else:
                self.message_user(request, _("Decided."))
                return redirect("admin:quality_adjudication_change", object_id)
        return self.changeform_view(as_read(request), object_id, extra_context={"decision": form})

    def has_make_gold_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        if not self._may(request, MAKE_GOLD) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or (
            row.decided_at is not None
            and not GoldAnswer.objects.filter(task=row.task_id, retired_at__isnull=True).exists()
        )

    @action(
        description=_l("Make it gold"),
        permissions=["make_gold"],
        dialog={
            "title": _l("Ask this task unseen from now on"),
            "description": _l("Whoever gets it is measured by what was decided here."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Make it gold"),
        },
    )
    def make_gold(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> Any:
        row = self._row(request, object_id)

        def do() -> Any:
            make_gold_from(row, acting_user=actor(request), now=utc_now())
            return _("The task is gold.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_adjudication_change", args=[object_id]))
