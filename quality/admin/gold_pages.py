"""Pages beside the list of gold: what may become gold, a file of it, where it is thin; as files."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.access import scoped
from accounts.console_admin import actor
from accounts.permissions import can
from common.errors import AppError
from common.files import FileReport
from common.time import utc_now
from quality.admin.files import csv_answer
from quality.models import GoldAnswer, Label
from quality.reports.gold_coverage import THIN, VIEW, gold_by_label, gold_by_skill
from quality.services.gold import MANAGE
from quality.services.gold_evidence import standings
from quality.services.gold_making import candidates, import_gold, make_gold_of
from routing.models import Project, TaskType

SHOWN = 50  # candidates of a page
SHOWN_LABELS = 200  # the thinnest of them
SHOWN_REFUSED = 200
MOST_BYTES = 20 * 1024 * 1024
ENDINGS = (".csv", ".ndjson", ".jsonl")
REFUSE, KEEP, LOOK = "refuse", "keep", "look"


class CandidatesForm(forms.Form):
    """Which labels to list."""

    project = forms.ModelChoiceField(
        label=_l("project"),
        queryset=Project.objects.none(),
        required=False,
        empty_label=_l("all"),
        widget=UnfoldAdminSelectWidget(),
    )
    task_type = forms.ModelChoiceField(
        label=_l("task type"),
        queryset=TaskType.objects.none(),
        required=False,
        empty_label=_l("all"),
        widget=UnfoldAdminSelectWidget(),
    )
    label = forms.CharField(
        label=_l("label"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_l("as it is written"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = Project.objects.order_by("name")
        self.fields["task_type"].queryset = TaskType.objects.order_by("name")


class ImportForm(forms.Form):
    """A file of gold, and what becomes of rows that are wrong."""

    project = forms.ModelChoiceField(
        label=_l("project"), queryset=Project.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    file = forms.FileField(
        label=_l("file"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ",".join(ENDINGS)}),
        help_text=_l(
            "CSV with the columns task and label (or answer, as JSON), or NDJSON with the same "
            "members. The task is its external id in the project"
        ),
    )
    wrong = forms.ChoiceField(
        label=_l("rows that are wrong"),
        choices=[
            (LOOK, _l("only look: write nothing")),
            (REFUSE, _l("refuse the whole file")),
            (KEEP, _l("keep the good rows")),
        ],
        initial=LOOK,
        widget=UnfoldAdminRadioSelectWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="gold_%s", **kwargs)
        self.fields["project"].queryset = Project.objects.order_by("name")

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if not upload.name.lower().endswith(ENDINGS):
            raise forms.ValidationError(
                _("A file of gold ends in one of %(endings)s."),
                params={"endings": ", ".join(ENDINGS)},
            )
        if upload.size > MOST_BYTES:
            raise forms.ValidationError(_("It has more than 20 MB: send it in parts."))
        return upload


class GoldPages:
    """Adds the pages to an admin."""

    admin_site: AdminSite
    list_before_template = "admin/quality/gold_links.html"

    def get_urls(self) -> list[Any]:
        own = [
            path(at, self.admin_site.admin_view(view), name=f"quality_gold_{name}")
            for at, view, name in (
                ("candidates/", self.candidates_view, "candidates"),
                ("import/", self.import_view, "import"),
                ("coverage/", self.coverage_view, "coverage"),
                ("coverage/csv/", self.coverage_csv, "coverage_csv"),
                ("csv/", self.csv_view, "csv"),
            )
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]

    def _shown(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        found = {**self.admin_site.each_context(request), **context}
        return render(request, f"admin/quality/{template}.html", found)

    def candidates_view(self, request: HttpRequest) -> HttpResponse:
        """List labels that a check stands behind, and make the chosen ones gold."""
        _check(request, MANAGE)
        if request.method == "POST":
            self._make(request)
            where = {name: request.POST.get(name, "") for name in ("project", "task_type", "label")}
            return redirect(f"{reverse('admin:quality_gold_candidates')}?{urlencode(where)}")
        form = CandidatesForm(request.GET or None)
        rows = scoped(candidates(), actor(request))
        said = form.cleaned_data if form.is_bound and form.is_valid() else {}
        for name in ("project", "task_type"):
            if said.get(name):
                rows = rows.filter(**{f"task__{name}": said[name]})
        if said.get("label"):
            rows = rows.filter(value=said["label"])
        listed = rows.select_related("task__project", "task__task_type").order_by("-accepted_at")
        page = Paginator(listed, SHOWN).get_page(request.GET.get("page"))
        query = request.GET.copy()
        query.pop("page", None)
        return self._shown(
            request,
            "gold_candidates",
            title=_("Labels that may become gold"),
            form=form,
            page=page,
            chosen=said,
            query=query.urlencode(),
        )

    def _make(self, request: HttpRequest) -> None:
        keys = [int(key) for key in request.POST.getlist("label_id") if key.isdecimal()]
        labels = list(scoped(Label.objects.filter(pk__in=keys[:SHOWN]), actor(request)))
        if not labels:
            self.message_user(request, _("Choose at least one label."), level="error")  # type: ignore[attr-defined]
            return
        found = make_gold_of(labels, acting_user=actor(request), now=utc_now())
        self.message_user(request, _("%(n)s tasks are gold now.") % {"n": found.made})  # type: ignore[attr-defined]
        for task, why in found.refused:
            self.message_user(request, f"{task}: {why}", level="error")  # type: ignore[attr-defined]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Read a file of gold; tell what came of each row that is wrong."""
        _check(request, MANAGE)
        form = ImportForm(request.POST or None, request.FILES or None)
        report: FileReport | None = None
        if request.method == "POST" and form.is_valid():
            try:
                report = _imported(request, form.cleaned_data)
            except AppError as error:
                form.add_error("file", str(error))
        mode = form.cleaned_data.get("wrong") if report is not None else ""
        written = report is not None and (mode == KEEP or (mode == REFUSE and not report.refused))
        return self._shown(
            request,
            "gold_import",
            title=_("Import gold"),
            form=form,
            report=report,
            written=written,
            looked=mode == LOOK,
            refused=report.refused[:SHOWN_REFUSED] if report is not None else [],
        )

    def coverage_view(self, request: HttpRequest) -> HttpResponse:
        """Show where gold is thin."""
        _check(request, VIEW)
        by = {"acting_user": actor(request), "now": utc_now()}
        labels = gold_by_label(**by)
        thin = labels[labels["thin"]].sort_values(
            ["gold", "accepted"], ascending=[True, False], kind="stable"
        )
        return self._shown(
            request,
            "gold_coverage",
            title=_("Where gold is thin"),
            least=THIN,
            skills=gold_by_skill(**by).to_dict("records"),
            thin=thin.head(SHOWN_LABELS).to_dict("records"),
            thin_all=len(thin),
            labels=len(labels),
        )

    def coverage_csv(self, request: HttpRequest) -> HttpResponse:
        """Return gold by label as a file."""
        _check(request, VIEW)
        table = gold_by_label(acting_user=actor(request), now=utc_now())
        return csv_answer("gold-coverage", table, permission=VIEW, user=actor(request))

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """Return the gold in force, and how it fares, as a file."""
        _check(request, VIEW)
        rows = list(
            scoped(GoldAnswer.objects.filter(retired_at__isnull=True), actor(request))
            .select_related("task__project", "task__task_type", "set_by")
            .order_by("task__project__key", "task__external_id")
        )
        found = standings(rows, now=utc_now())
        table = pd.DataFrame(
            [
                {
                    "project": gold.task.project.key,
                    "task": gold.task.external_id,
                    "task_type": gold.task.task_type.key,
                    "label": gold.label,
                    "answer": "" if gold.answer is None else _json(gold.answer),
                    "source": gold.source,
                    "set_by": str(gold.set_by),
                    "set_at": gold.set_at.isoformat(),
                    "asked": found[gold.pk].asked,
                    "answered": found[gold.pk].answered,
                    "missed": found[gold.pk].missed,
                    "better_half": found[gold.pk].good,
                    "better_half_missed": found[gold.pk].good_missed,
                    "contested": found[gold.pk].contested,
                    "reviews_against": found[gold.pk].against,
                }
                for gold in rows
            ]
        )
        return csv_answer("gold", table, permission=VIEW, user=actor(request))


def _json(answer: Any) -> str:
    return json.dumps(answer, ensure_ascii=False)


def _check(request: HttpRequest, permission: str) -> None:
    if not can(actor(request), permission):
        raise PermissionDenied


def _imported(request: HttpRequest, said: dict[str, Any]) -> FileReport:
    """Read the upload from a file of our own that is gone afterwards."""
    upload = said["file"]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"gold{Path(upload.name).suffix.lower()}"
        with copy.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        return import_gold(
            copy,
            said["project"],
            keep_good=said["wrong"] == KEEP,
            check_only=said["wrong"] == LOOK,
            acting_user=actor(request),
            now=utc_now(),
        )
