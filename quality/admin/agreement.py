"""Pages of agreement: figures with intervals, pairs, labels, what is confused; as files."""

from typing import Any

import pandas as pd
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from accounts.console_admin import ReadOnlyAdmin, actor, leave_dialog
from accounts.services.jobs import start_job
from common.time import utc_now
from quality.admin.files import csv_answer
from quality.admin.pictures import bars, intervals
from quality.models import Agreement, AgreementFigure
from quality.services.agreements import JOB, MEASURE
from routing.models import Project, TaskType

SHOWN_PAIRS = 25
SHOWN_LABELS = 50
SHOWN_CONFUSED = 10
# Errors and differences are not shares: they have no place on the picture's scale.
OFF_SCALE = ("difference", "wer", "cer")
FILES = {
    "measures": (
        "figures",
        ("field", "measure", "value", "lower", "upper", "units", "answers"),
    ),
    "pairs": (
        "pairs",
        (
            "field",
            "first__public_id",
            "first__name",
            "second__public_id",
            "second__name",
            "units",
            "observed",
            "kappa",
            "lower",
            "upper",
        ),
    ),
    "labels": ("labels", ("field", "label", "answers", "alike", "alpha", "lower", "upper")),
}


class MeasureForm(BaseDialogForm):
    """What to measure."""

    project = forms.ModelChoiceField(
        label=_l("project"), queryset=Project.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    task_type = forms.ModelChoiceField(
        label=_l("task type"), queryset=TaskType.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    days = forms.IntegerField(
        label=_l("answers of the last days"),
        required=False,
        min_value=1,
        max_value=3660,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_l("empty = all"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = Project.objects.order_by("name")
        self.fields["task_type"].queryset = TaskType.objects.order_by("name")


@admin.register(Agreement)
class AgreementAdmin(ReadOnlyAdmin):
    view_permission = "judgments.view"
    list_display = (
        "as_of",
        "project",
        "task_type",
        "shown_version",
        "shown_kappa",
        "tasks",
        "answers",
        "annotators",
    )
    list_filter = (
        "project",
        "task_type",
        ("guideline", admin.EmptyFieldListFilter),
        ("as_of", RangeDateTimeFilter),
    )
    list_select_related = ("project", "task_type", "guideline__project")
    search_fields = ("project__name", "project__key")
    change_form_template = "admin/quality/agreement.html"
    fields = (
        "project",
        "task_type",
        "shown_version",
        "since",
        "as_of",
        "version",
        "measured_by",
        "pairs_left_out",
    )
    readonly_fields = fields
    actions_list = ("measure",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("figures")

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "<path:object_id>/csv/<str:name>/",
                self.admin_site.admin_view(self.csv_view),
                name="quality_agreement_csv",
            )
        ]
        return [*own, *super().get_urls()]

    @display(description=_l("guideline version"))
    def shown_version(self, row: Agreement) -> str:
        return f"v{row.guideline.number}" if row.guideline is not None else _("all")

    @display(description=_l("κ or α (95 %)"))
    def shown_kappa(self, row: Agreement) -> str:
        figure = _beyond_chance(list(row.figures.all()))
        if figure is None:
            return "–"
        interval = f" ({figure.lower:.2f} – {figure.upper:.2f})" if figure.lower is not None else ""
        return f"{figure.value:.3f}{interval}"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "")
        if row is not None:
            extra_context = {**(extra_context or {}), **_context(row)}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def csv_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Return one of the tables as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if name not in FILES:
            raise Http404
        row = self._row(request, object_id)
        related, columns = FILES[name]
        rows = getattr(row, related).values_list(*columns)
        return csv_answer(
            f"agreement-{name}",
            pd.DataFrame(list(rows), columns=list(columns)),
            permission=self.view_permission,
            user=actor(request),
        )

    def has_measure_permission(self, request: HttpRequest) -> bool:
        return self._may(request, MEASURE)

    @action(
        description=_l("Measure now"),
        permissions=["measure"],
        dialog={
            "title": _l("Measure the agreement"),
            "description": _l("Of all guideline versions together, and of each."),
            "form_class": MeasureForm,
            "form_submit_text": _l("Measure"),
        },
    )
    def measure(self, request: HttpRequest, form: MeasureForm) -> HttpResponse:
        said = form.cleaned_data
        job = start_job(
            JOB,
            {
                "project": said["project"].key,
                "task_type": said["task_type"].key,
                "days": said["days"],
            },
            acting_user=actor(request),
            now=utc_now(),
        )
        self.message_user(request, _("It was started; this page shows how it goes."))
        return leave_dialog(reverse("admin:accounts_job_change", args=[job.pk]))


def _beyond_chance(figures: list[AgreementFigure]) -> AgreementFigure | None:
    """Return the coefficient of the answer itself that a floor is held against."""
    there = {figure.measure: figure for figure in figures if not figure.field}
    for name in ("cohen", "fleiss", "alpha_nominal"):
        if name in there and there[name].value is not None:
            return there[name]
    return None


def _context(row: Agreement) -> dict[str, Any]:
    """Return what the page shows beside its fields."""
    by_field: dict[str, list[AgreementFigure]] = {}
    for figure in row.figures.all():
        by_field.setdefault(figure.field, []).append(figure)
    fields = []
    for name, figures in by_field.items():
        drawn = [
            (figure.get_measure_display(), figure.value, figure.lower, figure.upper)
            for figure in figures
            if figure.value is not None and figure.measure not in OFF_SCALE
        ]
        confused = row.confused.get(name, [])[:SHOWN_CONFUSED]
        low = min([0.0, *(value if lower is None else lower for _m, value, lower, _u in drawn)])
        fields.append(
            {
                "name": name,
                "figures": figures,
                "picture": intervals(
                    drawn,
                    title=_("Agreement with intervals; the table below says the same"),
                    low=low,
                    mark=settings.AGREEMENT_FLOOR,
                )
                if drawn
                else "",
                "confused": bars(
                    [(f"{one} – {other}", share) for one, other, _n, share in confused],
                    title=_("Shares of all disagreement; the table below says the same"),
                )
                if confused
                else "",
                "confused_rows": [(a, b, n, f"{share:.0%}") for a, b, n, share in confused],
                "labels": row.labels.filter(field=name)[:SHOWN_LABELS],
                "pairs": row.pairs.filter(field=name)
                .select_related("first", "second")
                .order_by("-units", "pk")[:SHOWN_PAIRS],
            }
        )
    files = [("measures", _("measures")), ("pairs", _("pairs")), ("labels", _("labels"))]
    return {
        "measured": row,
        "fields": fields,
        "floor": f"{settings.AGREEMENT_FLOOR:.2f}",
        "files": files,
    }
