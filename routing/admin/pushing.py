"""Pages that push a shift: the plan, who has what, editing it by hand, committing and undoing."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.access import scoped
from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from accounts.services.jobs import start_job
from common.time import local_date, utc_now
from routing.admin.push_tables import push_context, why_words
from routing.choices import PUSH_TRANSITIONS, PushState
from routing.models import Project, Push, PushLine
from routing.services import push_commit, push_undo, pushing
from routing.services.push_edits import choices_for, move_line
from routing.services.push_steps import COMMIT_JOB, LINES_AT_ONCE, MANAGE, UNDO_JOB
from workforce.models import Annotator, Pool

STATE_COLOURS = {
    "planning": "warning",
    "draft": "info",
    "committed": "success",
    "discarded": "danger",
    "undone": "danger",
}
REFRESH_SECONDS = 3


def _days() -> list[tuple[str, str]]:
    """Return the days that can be planned, as choices."""
    today = local_date(utc_now(), settings.OPERATION_TIME_ZONE)
    days = [today + timedelta(days=n) for n in range(pushing.DAYS_AHEAD + 1)]
    return [(day.isoformat(), date_format(day, "l, j F Y")) for day in days]


class PlanForm(BaseDialogForm):
    """Whose day, and which work."""

    pool = forms.ModelChoiceField(
        label=_l("pool"),
        queryset=Pool.objects.none(),
        widget=UnfoldAdminSelectWidget(),
    )
    day = forms.ChoiceField(
        label=_l("day"),
        choices=_days,
        widget=UnfoldAdminSelectWidget(),
        help_text=_l("a plan of a later day can be drawn up now and committed on its day"),
    )
    projects = forms.ModelMultipleChoiceField(
        label=_l("projects"),
        queryset=Project.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_l("none chosen = all that have work placed on the pool"),
    )
    beyond_limit = forms.BooleanField(
        label=_l("beyond the tasks in hand"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_l(
            "Give more than the projects' limits of tasks in hand: they are meant for what people "
            "take themselves."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pool"].queryset = Pool.objects.filter(
            kind__in=pushing.KINDS, is_active=True
        ).order_by("name")
        self.fields["projects"].queryset = Project.objects.filter(
            is_open=True, current_run__isnull=False
        ).order_by("name")


class CommitForm(BaseDialogForm):
    """What is to become of the others where some pass no more."""

    all_or_nothing = forms.BooleanField(
        label=_l("all or nothing"),
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=_l(
            "If something does not pass any more, give nothing. Otherwise the rest is given, and "
            "what does not pass is listed with the reason."
        ),
    )


class ReasonForm(BaseDialogForm):
    reason = forms.CharField(
        label=_l("reason"),
        max_length=300,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_l("may be left empty"),
    )


@admin.register(Push)
class PushAdmin(ReadOnlyAdmin):
    view_permission = MANAGE
    list_display = ("shown_day", "pool", "shown_state", "made_by", "made_at", "committed_at")
    list_filter = ("state", "pool")
    list_select_related = ("pool", "made_by")
    search_fields = ("pool__name", "pool__key")
    change_form_template = "admin/routing/push.html"
    fields = (
        "pool",
        "day",
        "shown_projects",
        "beyond_limit",
        "shown_state",
        "made_by",
        "made_at",
        "planned_at",
        "committed_by",
        "committed_at",
        "shown_steps",
    )
    readonly_fields = fields
    actions_list = ("plan",)
    actions_detail = ("commit", "anew", "discard", "undo")

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "<path:object_id>/task/<int:line_id>/",
                self.admin_site.admin_view(self.line_view),
                name="routing_push_task",
            )
        ]
        return [*own, *super().get_urls()]

    @display(description=_l("day"), ordering="day")
    def shown_day(self, row: Push) -> str:
        return date_format(row.day, "D, j M Y")

    @badge(description=_l("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, row: Push) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_l("projects"))
    def shown_projects(self, row: Push) -> str:
        return ", ".join(project.name for project in row.projects.all()) or _("all")

    @display(description=_l("steps"))
    def shown_steps(self, row: Push) -> str:
        return (
            "\n".join(
                f"{step.at:%Y-%m-%d %H:%M} UTC · {step.get_to_state_display()} · {step.actor}"
                + (f" · {step.reason}" if step.reason else "")
                for step in row.history_steps.select_related("actor")
            )
            or "–"
        )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "")
        context = {**(extra_context or {}), **({} if row is None else push_context(request, row))}
        answer = super().changeform_view(request, object_id, form_url, context)
        if row is not None and row.state == PushState.PLANNING:
            answer["Refresh"] = str(REFRESH_SECONDS)
        return answer

    def line_view(self, request: HttpRequest, object_id: str, line_id: int) -> HttpResponse:
        """Show who else could have a task at what cost, and give it to them."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        push = self._row(request, object_id)
        lines = scoped(PushLine.objects.filter(push=push), actor(request))
        related = ("task__project", "annotator", "push__pool")
        line = lines.select_related(*related).filter(pk=line_id).first()
        if line is None:
            raise Http404
        if request.method == "POST":
            return self._move(request, push, line)
        choices = (
            choices_for(line, acting_user=actor(request), now=utc_now())
            if push.state == PushState.DRAFT
            else []
        )
        context = {
            **self.admin_site.each_context(request),
            "title": _("Who gets task %(task)s") % {"task": line.task.external_id},
            "push": push,
            "line": line,
            "choices": [
                {
                    "row": one,
                    "why": why_words(one.why, one.gate),
                    "load": f"{one.load:.2f} / {one.hours:.2f}",
                    "minutes": f"{one.effort_seconds / 60:.1f}",
                    "cost": f"{one.cost:,.2f}",
                    "more": None if one.more is None else f"{one.more:+,.2f}",
                    "now": one.annotator.pk == line.annotator_id,
                }
                for one in choices
            ],
            "draft": push.state == PushState.DRAFT,
        }
        return render(request, "admin/routing/push_task.html", context)

    def _move(self, request: HttpRequest, push: Push, line: PushLine) -> HttpResponse:
        chosen = request.POST.get("annotator", "")
        person = None
        if chosen:
            people = scoped(Annotator.objects.filter(pool=push.pool_id), actor(request))
            person = people.filter(pk=chosen).first() if chosen.isdecimal() else None
            if person is None:
                raise Http404

        def do() -> Any:
            move_line(line, person, acting_user=actor(request), now=utc_now())
            if person is None:
                return _("Task %(task)s is taken out.") % {"task": line.task.external_id}
            return _("Task %(task)s goes to %(name)s.") % {
                "task": line.task.external_id,
                "name": person.name,
            }

        self.carry_out(request, do)
        return redirect("admin:routing_push_change", push.pk)

    def has_plan_permission(self, request: HttpRequest) -> bool:
        return self._may(request, MANAGE)

    def _can(self, request: HttpRequest, object_id: str | None, to_state: str) -> bool:
        if not self._may(request, MANAGE) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or to_state in PUSH_TRANSITIONS[row.state]

    def has_commit_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, PushState.COMMITTED)

    def has_anew_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, PushState.DISCARDED)

    def has_discard_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, PushState.DISCARDED)

    def has_undo_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._can(request, object_id, PushState.UNDONE)

    @action(
        description=_l("Plan a shift"),
        permissions=["plan"],
        dialog={
            "title": _l("Plan who does what today"),
            "description": _l("Nothing is given yet: you see the plan first, and can change it."),
            "form_class": PlanForm,
            "form_submit_text": _l("Plan"),
        },
    )
    def plan(self, request: HttpRequest, form: PlanForm) -> HttpResponse:
        said, made = form.cleaned_data, []
        day = date.fromisoformat(said["day"])

        def do() -> Any:
            made.append(
                pushing.start_push(
                    said["pool"],
                    day,
                    projects=list(said["projects"]),
                    beyond_limit=said["beyond_limit"],
                    acting_user=actor(request),
                    now=utc_now(),
                )
            )
            return _("Planned.") if made[0].state == PushState.DRAFT else _("It is being planned.")

        self.carry_out(request, do)
        return self._to(made[0] if made else None)

    def _to(self, push: Push | None) -> HttpResponse:
        if push is None:
            return leave_dialog(reverse("admin:routing_push_changelist"))
        return leave_dialog(reverse("admin:routing_push_change", args=[push.pk]))

    @action(
        description=_l("Commit"),
        permissions=["commit"],
        dialog={
            "title": _l("Give these tasks to these people"),
            "description": _l(
                "Every gate is asked again. The tasks stay reserved until each one's day of work "
                "ends. It can be undone while nobody has begun."
            ),
            "form_class": CommitForm,
            "form_submit_text": _l("Commit"),
        },
    )
    def commit(self, request: HttpRequest, form: CommitForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)
        whole = form.cleaned_data["all_or_nothing"]
        if row.lines.filter(annotator__isnull=False).count() > LINES_AT_ONCE:
            return self._start(request, COMMIT_JOB, row, all_or_nothing=whole)

        def do() -> Any:
            done = push_commit.commit_push(
                row, all_or_nothing=whole, acting_user=actor(request), now=utc_now()
            )
            passed = sum(done.passed.values())
            if not passed:
                return _("%(n)s tasks are given.") % {"n": f"{done.given:,}"}
            return _("%(n)s tasks are given; %(passed)s did not pass any more.") % {
                "n": f"{done.given:,}",
                "passed": f"{passed:,}",
            }

        self.carry_out(request, do)
        return self._to(row)

    def _start(self, request: HttpRequest, kind: str, row: Push, **more: Any) -> HttpResponse:
        job = start_job(
            kind, {"push": str(row.public_id), **more}, acting_user=actor(request), now=utc_now()
        )
        self.message_user(request, _("It was started; this page shows how it goes."))
        return leave_dialog(reverse("admin:accounts_job_change", args=[job.pk]))

    @action(
        description=_l("Plan anew"),
        permissions=["anew"],
        dialog={
            "title": _l("Discard this plan and draw up another"),
            "description": _l("What was changed by hand is lost."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Plan anew"),
        },
    )
    def anew(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row, made = self._row(request, object_id), []

        def do() -> Any:
            made.append(pushing.plan_anew(row, acting_user=actor(request), now=utc_now()))
            return _("Planned anew.")

        self.carry_out(request, do)
        return self._to(made[0] if made else row)

    @action(
        description=_l("Discard"),
        permissions=["discard"],
        dialog={
            "title": _l("Discard this plan"),
            "description": _l("Nothing was given; another can be drawn up."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Discard"),
        },
    )
    def discard(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            pushing.discard_push(row, acting_user=actor(request), now=utc_now())
            return _("Discarded.")

        self.carry_out(request, do)
        return self._to(row)

    @action(
        description=_l("Undo"),
        permissions=["undo"],
        dialog={
            "title": _l("Take these tasks back"),
            "description": _l(
                "What it gave is withdrawn and free for others again; refused if somebody has "
                "begun."
            ),
            "form_class": ReasonForm,
            "form_submit_text": _l("Undo"),
        },
    )
    def undo(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)
        reason = form.cleaned_data["reason"]
        if row.lines.filter(assignment__isnull=False).count() > LINES_AT_ONCE:
            return self._start(request, UNDO_JOB, row, reason=reason)

        def do() -> Any:
            push_undo.undo_push(row, reason=reason, acting_user=actor(request), now=utc_now())
            return _("Undone.")

        self.carry_out(request, do)
        return self._to(row)
