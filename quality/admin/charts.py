"""Pages of drift charts and of errors by segment."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.console_admin import ReadOnlyAdmin, actor, leave_dialog
from accounts.services.jobs import start_job
from common.time import utc_now
from quality.admin.pictures import intervals, path
from quality.choices import SegmentKind
from quality.models import BiasReport, DriftChart
from quality.services import bias, drift
from routing.models import Project, TaskType

SHOWN_POINTS = 25
SHOWN_SEGMENTS = 12


@admin.register(DriftChart)
class DriftChartAdmin(ReadOnlyAdmin):
    view_permission = "alarms.view"
    list_display = (
        "series",
        "skill",
        "shown_level",
        "shown_evidence",
        "shown_usual",
        "alarms",
        "evidence_to",
    )
    list_filter = (
        "skill",
        "annotator__pool",
        ("guideline", admin.EmptyFieldListFilter),
        ("evidence_to", RangeDateTimeFilter),
    )
    search_fields = ("annotator__name", "guideline__project__name", "skill__name")
    list_select_related = ("annotator", "skill", "guideline__project")
    change_form_template = "admin/quality/chart.html"
    fields = (
        "series",
        "skill",
        "shown_level",
        "shown_evidence",
        "shown_usual",
        "shown_promise",
        "since",
        "evidence_to",
        "alarms",
        "updated_at",
    )
    readonly_fields = fields
    actions_list = ("look",)
    actions_detail = ("begin",)

    @display(description=_l("of"))
    def series(self, chart: DriftChart) -> str:
        return str(chart.annotator or chart.guideline)

    @display(description=_l("level"), ordering="level")
    def shown_level(self, chart: DriftChart) -> str:
        return f"{chart.level} / {chart.limit}"

    @display(description=_l("checked answers"))
    def shown_evidence(self, chart: DriftChart) -> str:
        return _("%(wrong)s of %(n)s wrong") % {"wrong": chart.wrong, "n": chart.answers}

    @display(description=_l("usual, and looked for"))
    def shown_usual(self, chart: DriftChart) -> str:
        return f"{chart.p0:.1%} / {chart.p1:.1%}"

    @display(description=_l("what it promises"))
    def shown_promise(self, chart: DriftChart) -> str:
        return _(
            "A false alarm every %(length)s checked answers on average; a drift to %(worse)s is "
            "found after %(detection)s."
        ) % {
            "length": f"{chart.run_length:,.0f}",
            "worse": f"{chart.p1:.1%}",
            "detection": f"{chart.detection:,.0f}",
        }

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        chart = self.get_object(request, object_id or "")
        if chart is not None:
            extra_context = {**(extra_context or {}), **_path_context(chart)}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def has_look_permission(self, request: HttpRequest) -> bool:
        return self._may(request, drift.WATCH)

    def has_begin_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, drift.WATCH)

    @action(
        description=_l("Look now"),
        permissions=["look"],
        dialog={
            "title": _l("Replay all charts on what is known now"),
            "description": _l("It happens every night by itself."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Look"),
        },
    )
    def look(self, request: HttpRequest, form: BaseDialogForm) -> HttpResponse:
        job = start_job(drift.JOB, {}, acting_user=actor(request), now=utc_now())
        self.message_user(request, _("It was started; this page shows how it goes."))
        return leave_dialog(reverse("admin:accounts_job_change", args=[job.pk]))

    @action(
        description=_l("Begin anew"),
        permissions=["begin"],
        dialog={
            "title": _l("Begin this chart anew"),
            "description": _l("For the share of errors that is usual now; what was seen is left."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Begin anew"),
        },
    )
    def begin(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        chart = self._row(request, object_id)

        def do() -> Any:
            drift.begin_anew(chart, acting_user=actor(request), now=utc_now())
            return _("The chart begins anew.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_driftchart_change", args=[object_id]))


def _path_context(chart: DriftChart) -> dict[str, Any]:
    evidence, found = drift.path_of(chart, utc_now())
    if not len(evidence):
        return {}
    points = [
        {
            "at": datetime.fromtimestamp(float(evidence.known[row]), UTC),
            "gold": bool(evidence.gold[row]),
            "wrong": bool(evidence.wrong[row]),
            "level": int(found.level[row]),
        }
        for row in range(len(evidence) - 1, max(len(evidence) - 1 - SHOWN_POINTS, -1), -1)
    ]
    title = _("The level rises with wrong answers; the table below shows the last of them")
    return {
        "picture": path(found.level.tolist(), chart.limit, title=title),
        "points": points,
    }


class CheckForm(BaseDialogForm):
    """What to check."""

    project = forms.ModelChoiceField(
        label=_l("project"), queryset=Project.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    task_type = forms.ModelChoiceField(
        label=_l("task type"), queryset=TaskType.objects.none(), widget=UnfoldAdminSelectWidget()
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = Project.objects.order_by("name")
        self.fields["task_type"].queryset = TaskType.objects.order_by("name")


@admin.register(BiasReport)
class BiasReportAdmin(ReadOnlyAdmin):
    view_permission = "alarms.view"
    list_display = ("as_of", "project", "task_type", "answers", "wrong", "shown_worse")
    list_filter = ("project", "task_type", ("as_of", RangeDateTimeFilter))
    list_select_related = ("project", "task_type")
    search_fields = ("project__name", "project__key")
    change_form_template = "admin/quality/bias.html"
    fields = ("project", "task_type", "as_of", "answers", "wrong", "made_by")
    readonly_fields = fields
    actions_list = ("compare_now",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("segments")

    @display(description=_l("stand out"))
    def shown_worse(self, report: BiasReport) -> str:
        worse = [str(segment) for segment in report.segments.all() if segment.worse]
        return ", ".join(worse) or "–"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        report = self.get_object(request, object_id or "")
        if report is not None:
            extra_context = {**(extra_context or {}), **_segment_context(report)}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def has_compare_now_permission(self, request: HttpRequest) -> bool:
        return self._may(request, bias.CHECK)

    @action(
        description=_l("Check now"),
        permissions=["compare_now"],
        dialog={
            "title": _l("Compare errors by segment"),
            "description": _l("Of the checked answers of the last year, one per task."),
            "form_class": CheckForm,
            "form_submit_text": _l("Check"),
        },
    )
    def compare_now(self, request: HttpRequest, form: CheckForm) -> HttpResponse:
        said = form.cleaned_data
        job = start_job(
            bias.JOB,
            {"project": said["project"].key, "task_type": said["task_type"].key},
            acting_user=actor(request),
            now=utc_now(),
        )
        self.message_user(request, _("It was started; this page shows how it goes."))
        return leave_dialog(reverse("admin:accounts_job_change", args=[job.pk]))


def _segment_context(report: BiasReport) -> dict[str, Any]:
    segments = list(report.segments.all())
    parts = []
    for kind in SegmentKind:
        mine = sorted(
            (segment for segment in segments if segment.kind == kind),
            key=lambda segment: -segment.answers,
        )[:SHOWN_SEGMENTS]
        if mine:
            parts.append(
                {
                    "title": kind.label,
                    "picture": intervals(
                        [(s.segment or _("none"), s.rate, s.lower, s.upper) for s in mine],
                        title=_("Share of wrong answers; the table below says the same"),
                        mark=report.wrong / report.answers if report.answers else None,
                    ),
                }
            )
    return {"measured": report, "segments": segments, "parts": parts, "alpha": report.alpha}
