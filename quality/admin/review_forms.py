"""What the pages of reviews ask: the verdict, reasons, and which reviews to list."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from common.time import utc_now
from quality.admin.answer_field import answer_field
from quality.admin.task_shown import guideline_for
from quality.choices import ErrorCategory, ReviewOutcome, ReviewState, Severity
from quality.models import Adjudication, Review
from quality.services.reviewing import reviewed_value

WAITING = (ReviewState.PENDING, ReviewState.TAKEN)


class QueueFilter(admin.SimpleListFilter):
    """What waits stands first."""

    title = _l("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("overdue", _l("waiting, task overdue")),
            ("differ", _l("two reviews that differ")),
            ("contested", _l("contested")),
            ("done", _l("decided")),
            ("every", _l("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [{**first, "display": _l("waiting")}, *others]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value == "overdue":
            return queryset.filter(state__in=WAITING, task__due_at__lt=utc_now())
        if value == "differ":
            other = Review.objects.filter(
                judgment=OuterRef("judgment"), state=ReviewState.DONE
            ).exclude(outcome=OuterRef("outcome"))
            dispute = Adjudication.objects.filter(task=OuterRef("task"), why="reviews")
            return queryset.filter(state=ReviewState.DONE, judgment__isnull=False).filter(
                Exists(other) | Q(number=2) & Exists(dispute)
            )
        if value == "contested":
            return queryset.filter(contested_at__isnull=False)
        if value == "done":
            return queryset.filter(state=ReviewState.DONE)
        return queryset if value == "every" else queryset.filter(state__in=WAITING)


class VerdictForm(forms.Form):
    """What a reviewer says of an answer."""

    outcome = forms.ChoiceField(
        label=_l("verdict"),
        choices=[
            ("accept", _l("accept: the answer is right")),
            ("fix", _l("fix: I say what is right")),
            ("reject", _l("reject: have it worked anew")),
        ],
        widget=UnfoldAdminRadioSelectWidget(),
    )
    category = forms.ChoiceField(
        label=_l("error"),
        required=False,
        choices=[("", "–"), *ErrorCategory.choices],
        widget=UnfoldAdminSelectWidget(),
        help_text=_l("of a fix or a rejection"),
    )
    severity = forms.ChoiceField(
        label=_l("severity"),
        required=False,
        choices=[("", "–"), *Severity.choices],
        widget=UnfoldAdminSelectWidget(),
    )
    comment = forms.CharField(
        label=_l("note"),
        required=False,
        max_length=10_000,
        widget=UnfoldAdminTextareaWidget(),
        help_text=_l("the annotator may read it; name nobody"),
    )

    def __init__(self, review: Review, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="verdict_%s", **kwargs)
        given = reviewed_value(review).answer
        guideline = guideline_for(review.task, review.judgment)
        self.fields["answer"] = answer_field(
            review.task, guideline, given=given, label=_("what is right")
        )
        self.json = self.fields["answer"].kind != "label"
        self.given = given

    def verdict(self) -> dict[str, Any]:
        """Return what the service takes; what stood in a field of no use is left out."""
        said = self.cleaned_data
        if said["outcome"] == ReviewOutcome.ACCEPT:
            return {"outcome": said["outcome"], "comment": said["comment"]}
        answer = said["answer"]
        if said["outcome"] == ReviewOutcome.REJECT and answer == self.given:
            answer = None  # the answer stands in the field where it is text or JSON
        return {
            "outcome": said["outcome"],
            "answer": answer,
            "category": said["category"],
            "severity": said["severity"],
            "comment": said["comment"],
        }


class ReasonForm(BaseDialogForm):
    """Why."""

    reason = forms.CharField(label=_l("why"), widget=UnfoldAdminTextareaWidget())
