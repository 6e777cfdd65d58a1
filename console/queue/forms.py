"""The forms of the annotators' pages."""

import math
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from console.queue.doors import annotator_of
from quality.core.time_rules import MAX_RAW
from routing.choices import SkipReason

MOST_DAYS = 92  # of a period that is looked at


class SignInForm(AuthenticationForm):
    """E-mail and password; who has no business here is told what a wrong password is told."""

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autofocus": True, "autocomplete": "username", "maxlength": 254}
        )

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if not isinstance(user, User) or annotator_of(user) is None:
            raise self.get_invalid_login_error()


class SkipForm(forms.Form):
    """Why a task is skipped."""

    reason = forms.ChoiceField(
        label=_("Why?"), choices=[("", _("Choose a reason")), *SkipReason.choices]
    )
    note = forms.CharField(label=_("Note (if you like)"), required=False, max_length=300)


class PeriodForm(forms.Form):
    """The days that are looked at, both ends included."""

    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))
    project = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        since, until = found.get("since"), found.get("until")
        if since and until and not 0 <= (until - since).days < MOST_DAYS:
            raise forms.ValidationError(
                _("The first day is not after the last, and %(most)s days are shown at most."),
                params={"most": MOST_DAYS},
            )
        return found


def seconds_of(data: Mapping[str, Any]) -> float | None:
    """Return the seconds that the page measured, None where it told none that can be read.

    A number that cannot be true goes on to the service, which has rules for it; one that is no
    time at all is none.
    """
    try:
        found = float(str(data.get("seconds", "")))
    except ValueError:
        return None
    return found if math.isfinite(found) and abs(found) <= MAX_RAW else None
