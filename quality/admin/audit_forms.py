"""What planning an audit asks: which labels, which plan, who reviews."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from common.time import start_of_day
from quality.choices import LotPlan, LotState
from quality.core.sampling_plans import AQLS, LEVELS
from quality.models import AuditLot
from quality.services.audit_plans import OwnPlan, StandardPlan
from routing.models import Project, TaskType
from workforce.models import Pool


class DayInput(UnfoldAdminTextInputWidget):
    input_type = "date"


def _percent(label: Any, initial: float, help_text: Any = "") -> forms.FloatField:
    return forms.FloatField(
        label=label,
        required=False,
        initial=initial,
        min_value=0,
        max_value=100,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        help_text=help_text,
    )


class AuditForm(forms.Form):
    """A lot and its plan."""

    project = forms.ModelChoiceField(
        label=_l("project"), queryset=Project.objects.none(), widget=UnfoldAdminSelectWidget()
    )
    task_type = forms.ModelChoiceField(
        label=_l("task type"),
        queryset=TaskType.objects.none(),
        required=False,
        empty_label=_l("all of the project's"),
        widget=UnfoldAdminSelectWidget(),
    )
    since = forms.DateField(label=_l("accepted from"), widget=DayInput())
    until = forms.DateField(
        label=_l("accepted before"),
        required=False,
        widget=DayInput(),
        help_text=_l("not included; empty = until now. Days are those of the project's time zone"),
    )
    kind = forms.ChoiceField(
        label=_l("plan"),
        choices=LotPlan,
        initial=LotPlan.STANDARD,
        widget=UnfoldAdminSelectWidget(),
    )
    aql = forms.TypedChoiceField(
        label=_l("AQL"),
        choices=[(aql, f"{aql:g} %") for aql in AQLS],
        coerce=float,
        initial=1.0,
        required=False,
        empty_value=1.0,
        widget=UnfoldAdminSelectWidget(),
        help_text=_l("of the standard's plan: the share wrong that is mostly accepted"),
    )
    level = forms.ChoiceField(
        label=_l("inspection level"),
        choices=[(level, level) for level in LEVELS],
        initial="II",
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text=_l("of the standard's plan: III draws more, I fewer"),
    )
    acceptable = _percent(_l("acceptable share wrong, %"), 1.0, _l("of a plan of one's own"))
    limiting = _percent(_l("limiting share wrong, %"), 5.0, _l("of a plan of one's own"))
    producer_risk = _percent(_l("risk of rejecting good work, %"), 5.0)
    consumer_risk = _percent(_l("risk of accepting bad work, %"), 10.0)
    pool = forms.ModelChoiceField(
        label=_l("reviewing pool"),
        queryset=Pool.objects.none(),
        required=False,
        empty_label=_l("anybody of the house who may"),
        widget=UnfoldAdminSelectWidget(),
    )
    resubmission_of = forms.ModelChoiceField(
        label=_l("submitted again"),
        queryset=AuditLot.objects.none(),
        required=False,
        empty_label=_l("no"),
        widget=UnfoldAdminSelectWidget(),
        help_text=_l("a rejected lot that was worked anew"),
    )
    resume_reason = forms.CharField(
        label=_l("what was done about the cause"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_l("asked for where inspection has been stopped after five rejected lots"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = Project.objects.order_by("name")
        self.fields["task_type"].queryset = TaskType.objects.order_by("name")
        self.fields["pool"].queryset = Pool.objects.filter(is_active=True).order_by("name")
        self.fields["resubmission_of"].queryset = AuditLot.objects.filter(
            state=LotState.REJECTED
        ).select_related("project")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        again, project = said.get("resubmission_of"), said.get("project")
        if again is not None and project is not None and again.project_id != project.pk:
            self.add_error("resubmission_of", _("That lot is of another project."))
        if said.get("kind") == LotPlan.OWN:
            for name in ("acceptable", "limiting", "producer_risk", "consumer_risk"):
                if name not in self.errors and said.get(name) is None:
                    self.add_error(name, _("A plan of one's own needs this."))
        return said

    def asked(self, now: datetime) -> dict[str, Any]:
        """Return what the services take; the form is valid."""
        said = self.cleaned_data
        zone = said["project"].time_zone
        until = start_of_day(said["until"], zone) if said["until"] else now
        own = said["kind"] == LotPlan.OWN
        return {
            "since": start_of_day(said["since"], zone),
            # Today's day is over for what was accepted so far.
            "until": min(until, now),
            "task_type": said["task_type"],
            "plan": OwnPlan(
                acceptable=said["acceptable"] / 100.0,
                limiting=said["limiting"] / 100.0,
                producer_risk=said["producer_risk"] / 100.0,
                consumer_risk=said["consumer_risk"] / 100.0,
            )
            if own
            else StandardPlan(aql=said["aql"], level=said["level"] or "II"),
            "resume_reason": said["resume_reason"],
        }
