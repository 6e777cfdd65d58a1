"""The page between choosing rows and giving, moving or taking back the work: how many of what.

It is reached from the lists of tasks and of assignments, says what will be touched, asks for a
reason and, where work goes to somebody, for whom; then it tells what passed and what did not.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext
from unfold.widgets import (
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.access import scoped
from accounts.console_admin import actor
from accounts.permissions import can
from common.errors import AppError
from common.time import utc_now
from routing.choices import AssignmentState
from routing.models import Assignment, Task
from routing.services.assigning import MOST, Assigned, assign_tasks, reassign
from routing.services.assignments import MANAGE, end_many
from workforce.models import Annotator

SHOWN_REFUSED = 20
KEPT, LAST = "giving", 4  # choices that a session keeps, for several open tabs
# step → its title, whether it goes to somebody, whether a reason is asked, and its button
STEPS: dict[str, tuple[Any, bool, bool, Any]] = {
    "assign": (_l("Assign tasks to somebody"), True, False, _l("Assign")),
    "reassign": (_l("Move work to somebody else"), True, True, _l("Move")),
    "release": (_l("Give work back for its annotators"), False, True, _l("Give back")),
    "withdraw": (_l("Take work away from its annotators"), False, True, _l("Take away")),
}
TOLD = {
    "assign": _l("The tasks are reserved for them. Each gate and limit of a claim is asked."),
    "reassign": _l(
        "What they began is withdrawn and reserved for the other person. What the other person "
        "may not have stays where it is."
    ),
    "release": _l("The tasks are open again for everybody, as if their annotators had gone."),
    "withdraw": _l("The tasks are open again for everybody; drafts in the forms are lost."),
}


class GivingForm(forms.Form):
    """To whom, and why."""

    annotator = forms.ModelChoiceField(label=_l("annotator"), queryset=Annotator.objects.none())
    beyond_limit = forms.BooleanField(
        label=_l("beyond the tasks in hand"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_l("give more than the projects let people take themselves; caps of a day hold"),
    )
    reason = forms.CharField(
        label=_l("reason"),
        max_length=300,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_l("stands in the history of each assignment"),
    )

    def __init__(self, step: str, request: HttpRequest, site: Any, *args: Any) -> None:
        super().__init__(*args)
        _title, somebody, reason, _button = STEPS[step]
        if somebody:
            people = scoped(Annotator.objects.all(), actor(request))
            field = self.fields["annotator"]
            field.widget = AutocompleteSelect(Assignment._meta.get_field("annotator"), site)
            field.queryset = people.order_by("name")  # gives the widget its choices
        else:
            del self.fields["annotator"], self.fields["beyond_limit"]
        if not reason:
            del self.fields["reason"]


def to_confirm(page: Any, request: HttpRequest, queryset: Any, step: str) -> HttpResponse | None:
    """Go on to the confirmation with the rows that were chosen; an admin action."""
    keys = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if len(keys) > MOST:
        page.message_user(
            request,
            _("Choose at most %(most)s at one time.") % {"most": MOST},
            level="error",
        )
        return None
    # Too many for an address.
    token = secrets.token_hex(8)
    kept = list(request.session.get(KEPT, {}).items())[-LAST:]
    request.session[KEPT] = {**dict(kept), token: keys}
    return redirect(f"{reverse('admin:routing_giving', args=[step])}?of={token}")


def giving_view(page: Any, request: HttpRequest, step: str) -> HttpResponse:
    """Say what will be touched, ask, and do it."""
    if step not in STEPS or not can(actor(request), MANAGE):
        raise PermissionDenied
    of_tasks = step == "assign"
    rows = _chosen(request, of_tasks)
    title, _somebody, _reason, button = STEPS[step]
    back = reverse(f"admin:routing_{'task' if of_tasks else 'assignment'}_changelist")
    if not rows:
        page.message_user(request, _("Nothing was chosen."), level="error")
        return redirect(back)
    form = GivingForm(step, request, page.admin_site, *([request.POST] * bool(request.POST)))
    if request.method == "POST" and form.is_valid():
        try:
            _tell(page, request, step, _done(request, step, rows, form.cleaned_data))
        except AppError as error:
            page.message_user(request, str(error), level="error")
        return redirect(back)
    return render(
        request,
        "admin/routing/giving.html",
        {
            **page.admin_site.each_context(request),
            "title": title,
            "told": TOLD[step],
            "touched": _touched(rows, of_tasks),
            "counts": _counts(rows, of_tasks),
            "form": form,
            "rows": ",".join(str(row.pk) for row in rows),
            "button": button,
            "back": back,
            "media": form.media,
        },
    )


def _chosen(request: HttpRequest, of_tasks: bool) -> list[Any]:
    """Return the rows that are named, of those that the user may see."""
    if request.method == "POST":
        keys = [int(key) for key in request.POST.get("rows", "").split(",") if key.isdecimal()]
    else:
        keys = request.session.get(KEPT, {}).get(request.GET.get("of", ""), [])
    keys = keys[:MOST]
    model = Task if of_tasks else Assignment
    found = scoped(model._default_manager.filter(pk__in=keys), actor(request))
    related = ("project",) if of_tasks else ("task__project", "annotator")
    return list(found.select_related(*related).order_by("pk"))


def _touched(rows: Sequence[Any], of_tasks: bool) -> str:
    n = len(rows)
    if of_tasks:
        return ngettext("One task is touched.", "%(n)s tasks are touched.", n) % {"n": n}
    people = len({row.annotator_id for row in rows})
    return _("%(rows)s of %(people)s are touched.") % {
        "rows": ngettext("One assignment", "%(n)s assignments", n) % {"n": n},
        "people": ngettext("one person", "%(n)s people", people) % {"n": people},
    }


def _counts(rows: Sequence[Any], of_tasks: bool) -> list[tuple[Any, int]]:
    """Return how many rows there are of which, the most first."""
    if of_tasks:
        return Counter(row.project for row in rows).most_common()
    return Counter(
        (f"{row.annotator} · {row.task.project} · {row.get_state_display()}") for row in rows
    ).most_common()


def _done(request: HttpRequest, step: str, rows: Sequence[Any], said: dict[str, Any]) -> Any:
    by: dict[str, Any] = {"acting_user": actor(request), "now": utc_now()}
    if step == "assign":
        return assign_tasks(rows, said["annotator"], beyond_limit=said["beyond_limit"], **by)
    if step == "reassign":
        return reassign(
            rows,
            said["annotator"],
            reason=said["reason"],
            beyond_limit=said["beyond_limit"],
            **by,
        )
    to_state = AssignmentState.RELEASED if step == "release" else AssignmentState.WITHDRAWN
    return end_many(rows, to_state, reason=said["reason"], **by)


def _tell(page: Any, request: HttpRequest, step: str, found: Assigned | int) -> None:
    if isinstance(found, int):
        words = ngettext("One assignment was ended.", "%(n)s assignments were ended.", found)
        page.message_user(request, words % {"n": found})
        return
    n = len(found.made)
    words = ngettext("One task is reserved for them.", "%(n)s tasks are reserved for them.", n)
    page.message_user(request, words % {"n": n})
    for task, why in found.refused[:SHOWN_REFUSED]:
        page.message_user(request, f"{task.external_id}: {why}", level="error")
    more = len(found.refused) - SHOWN_REFUSED
    if more > 0:
        page.message_user(
            request,
            ngettext("One more was not given.", "%(n)s more were not given.", more) % {"n": more},
            level="error",
        )
