"""Pages of qualification: sets of known answer that verify a level, and how people did."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.console_admin import HistoryAdmin, ReadOnlyAdmin, actor, badge, leave_dialog
from common.errors import Invalid
from common.time import utc_now
from quality.admin.qualification_forms import NamesForm, SetForm, TasksForm
from quality.admin.review_forms import ReasonForm
from quality.admin.tables import Cell, Head, number, span, table
from quality.choices import TryState
from quality.core.intervals import wilson
from quality.models import QualificationSet, QualificationTry
from quality.services.qualification_sets import (
    CHANGEABLE,
    MANAGE,
    add_tasks,
    askable,
    change_set,
    free_gold,
    make_set,
    put_in_force,
    remove_tasks,
    take_out_of_force,
)
from quality.services.qualifying import withdraw_try
from routing.models import Task

VIEW = "qualification.view"
SAT = Q(tried__state__in=(TryState.PASSED, TryState.FAILED))
SHOWN_TASKS = 100
SHOWN_TRIES = 50
TRY_COLOURS = {"open": "info", "passed": "success", "failed": "danger", "withdrawn": "default"}


@admin.register(QualificationSet)
class QualificationSetAdmin(HistoryAdmin):
    view_permission = VIEW
    manage_permission = MANAGE
    form = SetForm
    list_display = (
        "name",
        "skill",
        "shown_state",
        "shown_levels",
        "size",
        "tries",
        "shown_tasks",
        "shown_passed",
        "created_at",
    )
    list_filter = ("is_active", "skill")
    search_fields = ("name", "skill__name")
    list_select_related = ("skill",)
    change_form_template = "admin/quality/qualification.html"
    fields = ("skill", "name", "levels", "size", "tries", "wait_days", "lease_minutes")
    actions_detail = ("put_in_force", "take_out", "add_tasks", "remove_tasks")

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                asked_tasks=Count("items", distinct=True),
                sat=Count("tried", filter=SAT, distinct=True),
                passed=Count("tried", filter=Q(tried__state=TryState.PASSED), distinct=True),
                begun=Count("tried", distinct=True),
            )
        )

    @badge(description=_l("state"), ordering="is_active", label={"on": "success", "off": "default"})
    def shown_state(self, row: QualificationSet) -> tuple[str, str]:
        return ("on", _("in force")) if row.is_active else ("off", _("not in force"))

    @display(description=_l("levels"))
    def shown_levels(self, row: QualificationSet) -> str:
        return ", ".join(f"{level}: {share:.0%}" for level, share in row.levels.items())

    @display(description=_l("tasks"), ordering="asked_tasks")
    def shown_tasks(self, row: Any) -> str:
        return f"{row.asked_tasks:,}"

    @display(description=_l("passed"), ordering="passed")
    def shown_passed(self, row: Any) -> str:
        return _("%(passed)s of %(n)s") % {"passed": row.passed, "n": row.sat}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("skill",) if obj is not None else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # What was tried stands as it was: the service refuses it as well.
        if obj is not None and (obj.is_active or getattr(obj, "begun", 0)):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: dict[str, Any] = {"acting_user": actor(request), "now": utc_now()}
        said = form.cleaned_data
        if change:
            change_set(obj, {name: said[name] for name in CHANGEABLE if name in said}, **by)
            return
        made = make_set(skill=said["skill"], **{name: said[name] for name in CHANGEABLE}, **by)
        obj.__dict__.update(made.__dict__)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "") if object_id else None
        if row is not None and self.has_view_permission(request):
            extra_context = {**(extra_context or {}), **_context(row)}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _is(self, request: HttpRequest, object_id: str | None, wanted: Any) -> bool:
        if not self._may(request, MANAGE) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or bool(wanted(row))

    def has_put_in_force_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is(request, object_id, lambda row: not row.is_active)

    def has_take_out_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is(request, object_id, lambda row: row.is_active)

    def has_add_tasks_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is(request, object_id, lambda row: True)

    def has_remove_tasks_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is(request, object_id, lambda row: not row.is_active and not row.begun)

    def _done(self, request: HttpRequest, object_id: str, do: Any) -> HttpResponse:
        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_qualificationset_change", args=[object_id]))

    @action(
        description=_l("Put in force"),
        permissions=["put_in_force"],
        dialog={
            "title": _l("Ask this set for its skill from now on"),
            "description": _l(
                "It takes the place of the set in force. Who has not shown the skill passes it "
                "before real work."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Put in force"),
        },
    )
    def put_in_force(
        self, request: HttpRequest, form: BaseDialogForm, object_id: str
    ) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            put_in_force(row, acting_user=actor(request), now=utc_now())
            return _("The set is in force.")

        return self._done(request, object_id, do)

    @action(
        description=_l("Take out of force"),
        permissions=["take_out"],
        dialog={
            "title": _l("Ask this set no more"),
            "description": _l("Tries under way go on; levels that were given stay."),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Take out of force"),
        },
    )
    def take_out(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            take_out_of_force(row, acting_user=actor(request), now=utc_now())
            return _("The set is not in force any more.")

        return self._done(request, object_id, do)

    @action(
        description=_l("Add tasks"),
        permissions=["add_tasks"],
        dialog={
            "title": _l("Add tasks of known answer"),
            "description": _l(
                "What a set asks is never mixed into work unseen: gold that many have had is not "
                "lost here, gold that few have had is."
            ),
            "form_class": TasksForm,
            "form_submit_text": _l("Add"),
        },
    )
    def add_tasks(self, request: HttpRequest, form: TasksForm, object_id: str) -> HttpResponse:
        row, said = self._row(request, object_id), form.cleaned_data

        def do() -> Any:
            names = form.names()
            if names:
                tasks = _named(Task.objects.filter(project=said["project"]), names)
            else:
                tasks = list(free_gold(row).filter(project=said["project"])[: said["count"]])
                if not tasks:
                    raise Invalid(_("The project has no gold of this skill that is free."))
            added = add_tasks(row, tasks, acting_user=actor(request), now=utc_now())
            return _("%(n)s tasks were added.") % {"n": f"{added:,}"}

        return self._done(request, object_id, do)

    @action(
        description=_l("Remove tasks"),
        permissions=["remove_tasks"],
        dialog={
            "title": _l("Take tasks out of this set"),
            "description": _l("They may be mixed into work unseen again."),
            "form_class": NamesForm,
            "form_submit_text": _l("Remove"),
        },
    )
    def remove_tasks(self, request: HttpRequest, form: NamesForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            names = [line.strip() for line in form.cleaned_data["named"].splitlines()]
            inside = Task.objects.filter(qualification_item__set=row)
            tasks = _named(inside, [name for name in names if name])
            gone = remove_tasks(row, tasks, acting_user=actor(request), now=utc_now())
            return _("%(n)s tasks were removed.") % {"n": f"{gone:,}"}

        return self._done(request, object_id, do)


def _named(rows: Any, names: list[str]) -> list[Task]:
    """Return tasks by their external ids, or refuse the first that is none of them."""
    found = {
        task.external_id: task
        for task in rows.filter(external_id__in=names).select_related("task_type")
    }
    for name in names:
        if name not in found:
            raise Invalid(_("There is no task %(name)s.") % {"name": name}, field="named")
    return [found[name] for name in names]


def _context(row: Any) -> dict[str, Any]:
    items = row.items.select_related("task__project", "task__task_type").order_by("pk")
    tried = row.tried.select_related("annotator__pool").order_by("-pk")
    return {
        "asked_set": row,
        "usable": askable(row).count(),
        "wanted": row.size * row.tries,
        "tasks": table(
            _("What it asks"),
            [Head(_("task")), Head(_("project")), Head(_("task type"))],
            [
                (
                    Cell(
                        item.task.external_id,
                        reverse("admin:routing_task_change", args=[item.task_id]),
                    ),
                    item.task.project,
                    item.task.task_type,
                )
                for item in items[:SHOWN_TASKS]
            ],
            empty=_("Nothing yet: add tasks of known answer."),
        ),
        "more_tasks": max(row.asked_tasks - SHOWN_TASKS, 0),
        "tried": table(
            _("Tries"),
            [
                Head(_("annotator")),
                Head(_("pool")),
                Head(_("try"), number=True),
                Head(_("state")),
                Head(_("right"), number=True),
                Head(_("level"), number=True),
            ],
            [
                (
                    Cell(
                        one.annotator,
                        reverse("admin:quality_qualificationtry_change", args=[one.pk]),
                    ),
                    one.annotator.pool,
                    number(one.number),
                    one.get_state_display(),
                    Cell(_right(one), note=_interval(one)),
                    number(one.level),
                )
                for one in tried[:SHOWN_TRIES]
            ],
            empty=_("Nobody has tried it yet."),
        ),
        "more_tries": max(row.begun - SHOWN_TRIES, 0),
    }


def _right(row: QualificationTry) -> str:
    if row.right is None:
        return "–"
    return _("%(right)s of %(n)s") % {"right": row.right, "n": row.asked}


def _interval(row: QualificationTry) -> str:
    """Say between which shares right somebody is likely to be: twenty tasks tell little."""
    if row.right is None or not row.asked:
        return ""
    low, high = wilson(row.right, row.asked)
    return span(float(low), float(high), 2)


@admin.register(QualificationTry)
class QualificationTryAdmin(ReadOnlyAdmin):
    view_permission = VIEW
    list_display = (
        "annotator",
        "shown_pool",
        "set",
        "number",
        "shown_state",
        "shown_right",
        "shown_interval",
        "level",
        "started_at",
        "finished_at",
    )
    list_filter = (
        "state",
        "set__skill",
        "set",
        "annotator__pool",
        ("started_at", RangeDateTimeFilter),
    )
    search_fields = ("annotator__name", "set__name")
    list_select_related = ("annotator__pool", "set")
    fields = (
        "annotator",
        "set",
        "number",
        "state",
        "shown_right",
        "shown_interval",
        "level",
        "started_by",
        "started_at",
        "finished_at",
    )
    readonly_fields = fields
    actions_detail = ("withdraw",)

    def get_queryset(self, request: HttpRequest) -> Any:
        # The page of one reads what the list reads.
        return super().get_queryset(request).select_related("annotator__pool", "set", "started_by")

    @display(description=_l("pool"), ordering="annotator__pool__name")
    def shown_pool(self, row: QualificationTry) -> str:
        return str(row.annotator.pool)

    @badge(description=_l("state"), ordering="state", label=TRY_COLOURS)
    def shown_state(self, row: QualificationTry) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_l("right"))
    def shown_right(self, row: QualificationTry) -> str:
        return _right(row)

    @display(description=_l("is right (95 %)"))
    def shown_interval(self, row: QualificationTry) -> str:
        return _interval(row) or "–"

    def has_withdraw_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        if not self._may(request, MANAGE) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or row.state == TryState.OPEN

    @action(
        description=_l("Withdraw"),
        permissions=["withdraw"],
        dialog={
            "title": _l("Call this try off"),
            "description": _l("It does not count among the tries."),
            "form_class": ReasonForm,
            "form_submit_text": _l("Call it off"),
        },
    )
    def withdraw(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        row, reason = self._row(request, object_id), form.cleaned_data["reason"]

        def do() -> Any:
            withdraw_try(row, reason=reason, acting_user=actor(request), now=utc_now())
            return _("The try was called off.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_qualificationtry_change", args=[object_id]))
