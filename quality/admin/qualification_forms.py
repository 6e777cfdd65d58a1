"""What the pages of qualification sets ask: levels as people write them, tasks to be added."""

from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from common.errors import Invalid
from quality.models import QualificationSet
from quality.services.qualification_sets import checked_levels
from routing.models import Project

MOST = 2_000  # tasks of a dialog


class LevelsField(forms.CharField):
    """Levels and the share right from which each is given, as ``3: 0.8, 4: 0.9``."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return ", ".join(f"{level}: {share:g}" for level, share in value.items())
        return value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict) or not value:
            return value or {}
        pairs = [part.partition(":") for part in str(value).split(",") if part.strip()]
        try:
            found = {level.strip(): float(share) for level, _colon, share in pairs}
            if len(found) < len(pairs):
                raise forms.ValidationError(_("A level stands there twice."))
            return checked_levels(found)
        except ValueError as error:
            raise forms.ValidationError(_("Write levels as 3: 0.8, 4: 0.9.")) from error
        except Invalid as error:
            raise forms.ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class SetForm(forms.ModelForm):  # type: ignore[type-arg]
    """A set; its levels in words."""

    levels = LevelsField(
        label=_l("levels"),
        help_text=_l("share right from which each level is given, e.g. 3: 0.8, 4: 0.9"),
    )

    class Meta:
        model = QualificationSet
        fields = ("skill", "name", "levels", "size", "tries", "wait_days", "lease_minutes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "levels" in self.fields:
            # As the labels of the other fields are written.
            self.fields["levels"].label = capfirst(_("levels"))


class TasksForm(BaseDialogForm):
    """Which tasks: named ones, or so many of those that are free."""

    project = forms.ModelChoiceField(
        label=_l("project"),
        queryset=Project.objects.none(),
        widget=UnfoldAdminSelectWidget(),
    )
    named = forms.CharField(
        label=_l("external ids"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_l("one a line, of gold that no set asks"),
    )
    count = forms.IntegerField(
        label=_l("or so many"),
        required=False,
        min_value=1,
        max_value=MOST,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_l("of the project's gold that no set asks, the oldest first"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = Project.objects.order_by("name")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("named", "").strip() and not said.get("count"):
            self.add_error("named", _("Name tasks, or say how many."))
        return said

    def names(self) -> list[str]:
        """Return the external ids that were written, each once."""
        lines = self.cleaned_data["named"].splitlines()
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


class NamesForm(BaseDialogForm):
    """Which tasks go."""

    named = forms.CharField(
        label=_l("external ids"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_l("one a line"),
    )
