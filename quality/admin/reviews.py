"""The queue of quality reviews: what waits, why it was drawn, and the page on which one is done.

Double-blind: neither the list nor the page of an undecided review tells whose answer it is, and no
search or filter does. A second reviewer sees what the first one said when both have decided.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from common.errors import AppError, Invalid
from common.time import utc_now
from quality.admin.answers_shown import shown
from quality.admin.review_forms import WAITING, QueueFilter, ReasonForm, VerdictForm
from quality.admin.review_time import share_context, share_csv
from quality.admin.task_shown import as_read, chance_words, guideline_for, task_context
from quality.choices import ReviewOutcome, ReviewState
from quality.models import Review
from quality.reports.qa_share import VIEW
from quality.services.adjudications import ask_adjudication
from quality.services.outcomes import CONTEST, agree, contest_review
from quality.services.review_returns import own_annotator, return_review, why_not
from quality.services.reviewing import decide_review, reviewed_value, take_review
from routing.choices import LIVE_ASSIGNMENTS

MANAGE = "reviews.manage"
STATE_COLOURS = {"pending": "warning", "taken": "info", "done": "success", "cancelled": "danger"}
OUTCOME_COLOURS = {"accept": "success", "fix": "warning", "reject": "danger", "": "default"}


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    view_permission = VIEW
    list_display = (
        "shown_task",
        "project",
        "task_type",
        "shown_state",
        "shown_why",
        "shown_number",
        "shown_age",
        "shown_due",
        "shown_pool",
        "shown_outcome",
    )
    list_filter = (
        QueueFilter,
        "state",
        "task__project",
        "task__task_type",
        "why",
        "number",
        "outcome",
        "category",
        "severity",
        "pool",
        ("created_at", RangeDateTimeFilter),
    )
    search_fields = ("task__external_id", "task__project__name")
    search_help_text = _l("task or project; of decided reviews the annotator as well")
    list_select_related = ("task__project", "task__task_type", "pool")
    ordering = ("urgency", "pk")
    list_before_template = "admin/quality/qa_share.html"
    change_form_template = "admin/quality/review.html"
    fields = ("shown_state", "shown_why", "shown_number", "pool", "created_at", "shown_due")
    readonly_fields = fields
    actions_detail = ("contest", "adjudicate")

    def get_urls(self) -> list[Any]:
        views = (
            ("<path:object_id>/take/", self.take_view, "quality_review_take"),
            ("<path:object_id>/return/", self.return_view, "quality_review_return"),
            ("<path:object_id>/decide/", self.decide_view, "quality_review_decide"),
        )
        views = (("time/csv/", share_csv, "quality_qa_share_csv"), *views)
        own = [path(at, self.admin_site.admin_view(view), name=name) for at, view, name in views]
        return [*own, *super().get_urls()]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        found, doubled = super().get_search_results(request, queryset, search_term)
        if search_term.strip():
            found |= queryset.filter(
                state=ReviewState.DONE, judgment__annotator__name__icontains=search_term.strip()
            )
        return found, doubled

    @display(description=_l("task"), ordering="task__external_id")
    def shown_task(self, row: Review) -> str:
        return row.task.external_id

    @display(description=_l("project"), ordering="task__project__name")
    def project(self, row: Review) -> str:
        return row.task.project.name

    @display(description=_l("task type"), ordering="task__task_type__name")
    def task_type(self, row: Review) -> str:
        return row.task.task_type.name

    @badge(description=_l("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, row: Review) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_l("why drawn"), ordering="why")
    def shown_why(self, row: Review) -> str:
        return chance_words(row.get_why_display(), row.probability)

    @display(description=_l("review"), ordering="number")
    def shown_number(self, row: Review) -> str:
        return _("first") if row.number == 1 else _("number %(n)s") % {"n": row.number}

    @display(description=_l("age"), ordering="created_at")
    def shown_age(self, row: Review) -> str:
        return timesince(row.created_at, row.decided_at or utc_now(), depth=1)

    @display(description=_l("task due"), ordering="task__due_at")
    def shown_due(self, row: Review) -> str:
        due = row.task.due_at
        if due is None:
            return "–"
        late = row.state in WAITING and due < utc_now()
        return f"{due:%Y-%m-%d %H:%M} UTC" + (f" · {_('overdue')}" if late else "")

    @display(description=_l("reviewed by"), ordering="pool")
    def shown_pool(self, row: Review) -> str:
        return row.pool.name if row.pool is not None else _("the house")

    @badge(description=_l("verdict"), ordering="outcome", label=OUTCOME_COLOURS)
    def shown_outcome(self, row: Review) -> tuple[str, str]:
        if row.still and row.outcome:
            return "", _("hidden: a second review is under way")
        return row.outcome, row.get_outcome_display() or "–"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_view_permission(request):
            extra_context = {**(extra_context or {}), **share_context(request)}
        return super().changelist_view(request, extra_context)

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

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        still = Review.objects.filter(judgment=OuterRef("judgment"), state__in=WAITING)
        # What the first one said is not told while a second person looks at the same answer.
        return rows.select_related(
            "task__project", "task__task_type", "task__guideline", "pool"
        ).annotate(still=Exists(still))

    def _context(self, request: HttpRequest, row: Review) -> dict[str, Any]:
        user, now = actor(request), utc_now()
        held = row.assignment
        mine = (
            row.state == ReviewState.TAKEN
            and held is not None
            and held.annotator.user_id == user.pk
            and held.state in LIVE_ASSIGNMENTS
        )
        may = self._may(request, MANAGE) and row.state == ReviewState.PENDING
        reason = why_not(row, user, now=now) if may else ""
        return {
            "row": row,
            "told": row.state == ReviewState.DONE and not row.still,
            **task_context(row.task, guideline_for(row.task, row.judgment)),
            **_answers(row),
            "mine": mine,
            "until": held.lease_until if mine and held is not None else None,
            "verdict": VerdictForm(row) if mine else None,
            "may_take": may and not reason,
            "why_not": reason,
            "others": _others(row),
        }

    def _posted(self, request: HttpRequest, object_id: str) -> Review:
        """Return the review that a form names; only who reviews gets further than here."""
        if not self._may(request, MANAGE) or own_annotator(actor(request)) is None:
            raise PermissionDenied
        return self._row(request, object_id)

    def take_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take a review in hand."""
        row = self._posted(request, object_id)
        if request.method == "POST":

            def do() -> Any:
                taken = take_review(
                    own_annotator(actor(request)),
                    only=row.pk,
                    acting_user=actor(request),
                    now=utc_now(),
                )
                if taken is None:
                    return _("It was taken by somebody else, or a gate is shut for you.")
                return _("It is in your hands; the time counts from now.")

            self.carry_out(request, do)
        return redirect("admin:quality_review_change", object_id)

    def return_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give a review back undecided."""
        row = self._posted(request, object_id)
        if request.method == "POST":

            def do() -> Any:
                return_review(row, acting_user=actor(request), now=utc_now())
                return _("Given back.")

            self.carry_out(request, do)
        return redirect("admin:quality_review_change", object_id)

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Decide a review; refused, the page comes back with the reason and what was typed."""
        row = self._posted(request, object_id)
        if request.method != "POST":
            return redirect("admin:quality_review_change", object_id)
        form = VerdictForm(row, data=request.POST)
        if form.is_valid():
            try:
                decide_review(row, **form.verdict(), acting_user=actor(request), now=utc_now())
            except Invalid as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
            except AppError as error:
                self.message_user(request, str(error), level="error")
                return redirect("admin:quality_review_change", object_id)
            else:
                self.message_user(request, _("Decided."))
                return redirect("admin:quality_review_change", object_id)
        return self.changeform_view(
            as_read(request), object_id, extra_context={"verdict": form, "mine": True}
        )

    def has_contest_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        may = self._may(request, CONTEST) and self.has_view_permission(request)
        if not may or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or (
            row.number == 1
            and row.judgment_id is not None
            and row.contested_at is None
            and row.outcome in (ReviewOutcome.FIX, ReviewOutcome.REJECT)
        )

    def has_adjudicate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, "adjudications.open")

    @action(
        description=_l("Contest"),
        permissions=["contest"],
        dialog={
            "title": _l("Have a second person look at this answer"),
            "description": _l("For the annotator; two reviews that differ are adjudicated."),
            "form_class": ReasonForm,
            "form_submit_text": _l("Contest"),
        },
    )
    def contest(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        row, reason = self._row(request, object_id), form.cleaned_data["reason"]

        def do() -> Any:
            contest_review(row, reason=reason, acting_user=actor(request), now=utc_now())
            return _("A second review is queued.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_review_change", args=[object_id]))

    @action(
        description=_l("Have it adjudicated"),
        permissions=["adjudicate"],
        dialog={
            "title": _l("Have this task adjudicated"),
            "description": _l("A person decides what is right, from all its answers."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("To the adjudicators"),
        },
    )
    def adjudicate(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> Any:
        row, made = self._row(request, object_id), []

        def do() -> Any:
            made.append(ask_adjudication(row.task, acting_user=actor(request), now=utc_now()))
            return _("The task waits for an adjudication.")

        self.carry_out(request, do)
        if made:
            return leave_dialog(reverse("admin:quality_adjudication_change", args=[made[0].pk]))
        return leave_dialog(reverse("admin:quality_review_change", args=[object_id]))


def _answers(row: Review) -> dict[str, Any]:
    """Return the answer under review, beside it what is right where the review says so."""
    given, metric = reviewed_value(row), row.task.task_type.metric
    payload = row.task.payload
    if row.state == ReviewState.DONE and row.answer is not None and not row.still:
        one, other = shown(metric, [given.answer, row.answer], payload=payload)
        return {"given": one, "corrected": other}
    return {"given": shown(metric, [given.answer], payload=payload)[0]}


def _others(row: Review) -> list[dict[str, Any]]:
    """Return the other reviews of the answer; what they say only once this one is decided."""
    if row.judgment_id is None:
        return []
    told = row.state == ReviewState.DONE
    found = []
    for other in Review.objects.filter(judgment=row.judgment_id).exclude(pk=row.pk):
        both = told and other.state == ReviewState.DONE
        found.append(
            {
                "row": other,
                "said": other.get_outcome_display() if told and other.outcome else "",
                "alike": agree(row, other, row.task) if both else None,
            }
        )
    return found
