"""The gold manager: what is asked unseen, how it fares, making it, retiring it.

Only quality leads and auditors get here: whoever could read a label here could pass every check.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Exists
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from accounts.console_admin import HistoryAdmin, ReadOnlyAdmin, actor, badge, leave_dialog
from common.errors import Invalid
from common.time import utc_now
from quality.admin.answers_shown import shown
from quality.admin.gold_forms import FlagFilter, MakeForm
from quality.admin.gold_pages import GoldPages
from quality.admin.review_forms import ReasonForm
from quality.admin.task_shown import guideline_for, task_context
from quality.models import Adjudication, GoldAnswer, Review
from quality.services.gold import MANAGE, gold_value, make_gold, question_gold, retire_gold
from quality.services.gold_evidence import (
    LEAST_GOOD,
    answers_to,
    contradicts,
    in_doubt,
    standings,
)

FLAG_COLOURS = {"fine": "success", "contested": "danger", "doubt": "warning", "retired": "default"}


@admin.register(GoldAnswer)
class GoldAnswerAdmin(GoldPages, HistoryAdmin, ReadOnlyAdmin):
    view_permission = "gold.view"
    list_display = (
        "shown_task",
        "project",
        "task_type",
        "shown_label",
        "shown_flag",
        "shown_asked",
        "shown_missed",
        "shown_good",
        "source",
        "set_by",
        "set_at",
    )
    list_filter = (
        FlagFilter,
        "source",
        "task__project",
        "task__task_type",
        ("set_at", RangeDateTimeFilter),
    )
    search_fields = ("task__external_id", "label", "task__project__name")
    list_select_related = ("task__project", "task__task_type", "set_by")
    change_form_template = "admin/quality/gold.html"
    fields = (
        "source",
        "set_by",
        "set_at",
        "retired_at",
        "retire_reason",
    )
    readonly_fields = fields
    actions_list = ("add_one",)
    actions_detail = ("retire", "doubt")

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.select_related("task__project", "task__task_type", "set_by").annotate(
            doubted=Exists(in_doubt())
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        base = super().get_changelist(request, **kwargs)

        class WithStanding(base):  # type: ignore[misc, valid-type]
            """The page's rows with how they fare: read for all of them at once."""

            def get_results(self, request: HttpRequest) -> None:
                super().get_results(request)
                self.result_list = list(self.result_list)
                self.model_admin.prepare_rows(self.result_list)

        return WithStanding

    def prepare_rows(self, rows: list[Any]) -> None:
        found = standings(rows, now=utc_now())
        for row in rows:
            row.standing = found[row.pk]

    @display(description=_l("task"), ordering="task__external_id")
    def shown_task(self, row: GoldAnswer) -> str:
        return row.task.external_id

    @display(description=_l("project"), ordering="task__project__name")
    def project(self, row: GoldAnswer) -> str:
        return row.task.project.name

    @display(description=_l("task type"), ordering="task__task_type__name")
    def task_type(self, row: GoldAnswer) -> str:
        return row.task.task_type.name

    @display(description=_l("label"), ordering="label")
    def shown_label(self, row: GoldAnswer) -> str:
        return row.label or _("in full on its page")

    @badge(description=_l("state"), label=FLAG_COLOURS)
    def shown_flag(self, row: GoldAnswer) -> tuple[str, str]:
        if row.retired_at is not None:
            return "retired", _("retired")
        if row.doubted:
            return "doubt", _("in doubt")
        if row.standing.contested:
            return "contested", _("contested")
        if row.standing.against:
            return "doubt", _("a review says otherwise")
        return "fine", _("in force")

    @display(description=_l("asked"))
    def shown_asked(self, row: GoldAnswer) -> int:
        return int(row.standing.asked)

    @display(description=_l("missed"))
    def shown_missed(self, row: GoldAnswer) -> str:
        return _("%(missed)s of %(n)s") % {
            "missed": row.standing.missed,
            "n": row.standing.answered,
        }

    @display(description=_l("by the better half"))
    def shown_good(self, row: GoldAnswer) -> str:
        if not row.standing.good:
            return "–"
        return _("%(missed)s of %(n)s") % {
            "missed": row.standing.good_missed,
            "n": row.standing.good,
        }

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "may_manage": self._may(request, MANAGE)}
        return super().changelist_view(request, context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "")
        if row is not None and self.has_view_permission(request):
            extra_context = {**(extra_context or {}), **_context(row)}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_one_permission(self, request: HttpRequest) -> bool:
        return self._may(request, MANAGE)

    def _in_force(self, request: HttpRequest, object_id: str | None) -> bool:
        if not self._may(request, MANAGE) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or row.retired_at is None

    def has_retire_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._in_force(request, object_id)

    has_doubt_permission = has_retire_permission

    @action(
        description=_l("Make one by hand"),
        permissions=["add_one"],
        dialog={
            "title": _l("Say what is right of a task"),
            "description": _l(
                "It is mixed into work of its kind unseen, and everybody who gets it is measured "
                "by it."
            ),
            "form_class": MakeForm,
            "form_submit_text": _l("Make it gold"),
        },
    )
    def add_one(self, request: HttpRequest, form: MakeForm) -> HttpResponse:
        said, made = form.cleaned_data, []

        def do() -> Any:
            if said["value"] is None:
                raise Invalid(_("Gold says what the right answer is."), field="answer")
            made.append(
                make_gold(
                    said["row"], answer=said["value"], acting_user=actor(request), now=utc_now()
                )
            )
            return _("The task is gold.")

        self.carry_out(request, do)
        if made:
            return leave_dialog(reverse("admin:quality_goldanswer_change", args=[made[0].pk]))
        return leave_dialog(reverse("admin:quality_goldanswer_changelist"))

    @action(
        description=_l("Retire"),
        permissions=["retire"],
        dialog={
            "title": _l("Ask this task no more"),
            "description": _l("From now on nobody is measured by it; what it has told stays."),
            "form_class": ReasonForm,
            "form_submit_text": _l("Retire"),
        },
    )
    def retire(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        row, reason = self._row(request, object_id), form.cleaned_data["reason"]

        def do() -> Any:
            retire_gold(row, reason=reason, acting_user=actor(request), now=utc_now())
            return _("Retired.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_goldanswer_change", args=[object_id]))

    @action(
        description=_l("Put in doubt"),
        permissions=["doubt"],
        dialog={
            "title": _l("Have a person decide whether this gold is right"),
            "description": _l("It is asked no more until then."),
            "form_class": ReasonForm,
            "form_submit_text": _l("To the adjudicators"),
        },
    )
    def doubt(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        row, reason, made = self._row(request, object_id), form.cleaned_data["reason"], []

        def do() -> Any:
            made.append(
                question_gold(row, reason=reason, acting_user=actor(request), now=utc_now())
            )
            return _("The gold waits for an adjudication.")

        self.carry_out(request, do)
        if made:
            return leave_dialog(reverse("admin:quality_adjudication_change", args=[made[0].pk]))
        return leave_dialog(reverse("admin:quality_goldanswer_change", args=[object_id]))


def _of(missed: int, n: int) -> str:
    return _("%(missed)s of %(n)s") % {"missed": missed, "n": n} if n else "–"


def _context(row: GoldAnswer) -> dict[str, Any]:
    now, kind = utc_now(), row.task.task_type
    given = answers_to([row], now=now)[row.pk]
    reviews = Review.objects.filter(task=row.task_id, state="done").select_related(
        "judgment", "accepted"
    )
    answer = gold_value(row).answer
    return {
        "gold": row,
        **task_context(row.task, guideline_for(row.task)),
        "answer": shown(kind.metric, [answer], payload=row.task.payload)[0],
        "standing": standings([row], now=now)[row.pk],
        "least_good": LEAST_GOOD,
        "given": sorted(given, key=lambda row: (row.right, -(row.rate or 0))),
        "reviews": [(review, contradicts(review, row)) for review in reviews],
        "adjudications": Adjudication.objects.filter(task=row.task_id).select_related("decided_by"),
    }
