"""What the gold manager asks: which gold to list, and what is right of a task."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common.time import utc_now
from quality.admin.answer_field import answer_field
from quality.admin.task_shown import guideline_for
from quality.services.gold_evidence import contested, in_doubt
from routing.models import Project, Task


class FlagFilter(admin.SimpleListFilter):
    """What is in force stands first."""

    title = _l("gold")
    parameter_name = "gold"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("contested", _l("contested")),
            ("doubt", _l("in doubt")),
            ("retired", _l("retired")),
            ("every", _l("all")),
        ]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [{**first, "display": _l("in force")}, *others]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value == "every":
            return queryset
        if value == "retired":
            return queryset.filter(retired_at__isnull=False)
        queryset = queryset.filter(retired_at__isnull=True)
        if value == "doubt":
            return queryset.filter(Exists(in_doubt()))
        if value == "contested":
            return queryset.filter(pk__in=contested(queryset, now=utc_now()))
        return queryset


class MakeForm(BaseDialogForm):
    """A task, and what is right."""

    project = forms.ModelChoiceField(
        label=_l("project"), queryset=Project.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    task = forms.CharField(
        label=_l("task"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_l("its external id in the project"),
    )
    answer = forms.CharField(
        label=_l("right answer"),
        widget=UnfoldAdminTextareaWidget(),
        help_text=_l("a label or text as it stands; boxes, spans and the like as JSON"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = Project.objects.order_by("name")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if "task" not in said or "project" not in said or "answer" not in said:
            return said
        rows = Task.objects.select_related("task_type", "guideline")
        row = rows.filter(project=said["project"], external_id=said["task"].strip()).first()
        if row is None:
            self.add_error("task", _("The project has no such task."))
            return said
        try:
            value = answer_field(row, guideline_for(row)).clean(said["answer"])
        except forms.ValidationError as error:
            self.add_error("answer", error)
            return said
        return {**said, "row": row, "value": value}
