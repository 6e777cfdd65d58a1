"""Pages of statistical audits: planning one with its plan in view, its sample, what it found."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from accounts.permissions import can
from common.errors import AppError
from common.time import utc_now
from quality.admin.audit_forms import AuditForm
from quality.admin.files import csv_answer
from quality.admin.pictures import curve
from quality.admin.review_forms import ReasonForm
from quality.admin.tables import Cell, Head, number, table
from quality.choices import LotState, ReviewState
from quality.models import AuditLot
from quality.reports.audits import VIEW, operating_characteristic, sample_of
from quality.services.audit_results import decide_audit, rework_lot
from quality.services.auditing import (
    MANAGE,
    Preview,
    cancel_audit,
    draw_again,
    draw_audit,
    preview_audit,
)
from routing.choices import Band

STATE_COLOURS = {
    "drawn": "info",
    "accepted": "success",
    "rejected": "danger",
    "cancelled": "default",
}
SHOWN_ITEMS = 20
SHOWN_POINTS = 8  # rows of the table beside the curve
WAITING = Q(items__review__state__in=(ReviewState.PENDING, ReviewState.TAKEN))


@admin.register(AuditLot)
class AuditLotAdmin(ReadOnlyAdmin):
    view_permission = VIEW
    list_display = (
        "created_at",
        "project",
        "task_type",
        "since",
        "until",
        "shown_state",
        "labels",
        "size",
        "shown_reviewed",
        "shown_wrong",
        "shown_bound",
    )
    list_filter = (
        "state",
        "project",
        "task_type",
        "plan",
        ("created_at", RangeDateTimeFilter),
    )
    search_fields = ("project__name", "project__key", "=public_id")
    list_select_related = ("project", "task_type")
    list_before_template = "admin/quality/audit_links.html"
    change_form_template = "admin/quality/audit.html"
    fields = (
        "project",
        "task_type",
        "since",
        "until",
        "shown_plan",
        "pool",
        "resubmission_of",
        "resume_reason",
        "seed",
        "shown_digest",
        "created_by",
        "created_at",
        "decided_at",
        "cancel_reason",
    )
    readonly_fields = fields
    actions_detail = ("decide", "go_on", "check_draw", "cancel")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(waiting=Count("items", filter=WAITING))

    def get_urls(self) -> list[Any]:
        own = [
            path(at, self.admin_site.admin_view(view), name=f"quality_auditlot_{name}")
            for at, view, name in (
                ("plan/", self.plan_view, "plan"),
                ("<path:object_id>/csv/", self.csv_view, "csv"),
            )
        ]
        return [*own, *super().get_urls()]

    @badge(description=_l("state"), ordering="state", label=STATE_COLOURS)
    def shown_state(self, row: AuditLot) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_l("reviewed"))
    def shown_reviewed(self, row: Any) -> str:
        done = max(row.size - row.waiting, 0)
        return _("%(done)s of %(n)s") % {"done": f"{done:,}", "n": f"{row.size:,}"}

    @display(description=_l("wrong"))
    def shown_wrong(self, row: AuditLot) -> str:
        wrong = "–" if row.wrong is None else f"{row.wrong:,}"
        return _("%(wrong)s (at most %(accept)s)") % {"wrong": wrong, "accept": f"{row.accept:,}"}

    @display(description=_l("wrong in the lot"))
    def shown_bound(self, row: AuditLot) -> str:
        return _bound(row)

    @display(description=_l("digest of the labels"))
    def shown_digest(self, row: AuditLot) -> str:
        # A phone breaks it there.
        parts = [(row.digest[at : at + 16],) for at in range(0, len(row.digest), 16)]
        return format_html_join(SafeString("<wbr>"), "{}", parts)

    @display(description=_l("plan"))
    def shown_plan(self, row: AuditLot) -> str:
        return _plan_words(
            {name: getattr(row, name) for name in ("aql", "level", "severity", "letter")}
            | {
                name: getattr(row, name)
                for name in ("acceptable", "limiting", "producer_risk", "consumer_risk")
            }
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "may_manage": self._may(request, MANAGE)}
        return super().changelist_view(request, context)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id or "")
        if row is not None and self.has_view_permission(request):
            extra_context = {**(extra_context or {}), **_context(row, self._may(request, MANAGE))}
        return super().changeform_view(request, object_id, form_url, extra_context)

    def plan_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a lot and a plan, show what would be drawn, and draw it."""
        if not can(actor(request), MANAGE):
            raise PermissionDenied
        said = request.POST if request.method == "POST" else request.GET
        form = AuditForm(said if "project" in said else None, initial=request.GET.dict())
        context: dict[str, Any] = {}
        if form.is_bound and form.is_valid():
            asked, now = form.asked(utc_now()), utc_now()
            by: dict[str, Any] = {"acting_user": actor(request), "now": now}
            project = form.cleaned_data["project"]
            try:
                if request.method == "POST":
                    again = form.cleaned_data["resubmission_of"]
                    pool = form.cleaned_data["pool"]
                    lot = draw_audit(project, pool=pool, resubmission_of=again, **asked, **by)
                    self.message_user(
                        request,
                        _("%(n)s labels were drawn; their reviews are queued.") % {"n": lot.size},
                    )
                    return redirect(reverse("admin:quality_auditlot_change", args=[lot.pk]))
                context = _previewed(preview_audit(project, **asked, **by))
            except AppError as error:
                field = error.data.get("field")
                form.add_error(field if field in form.fields else None, str(error))
        return render(
            request,
            "admin/quality/audit_plan.html",
            {
                **self.admin_site.each_context(request),
                "title": _("Plan an audit"),
                "form": form,
                **context,
            },
        )

    def csv_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the sample of an audit as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = sample_of(self._row(request, object_id), acting_user=actor(request))
        return csv_answer("audit", found, permission=VIEW, user=actor(request))

    def _is(self, request: HttpRequest, object_id: str | None, state: str) -> bool:
        if not self._may(request, MANAGE) or object_id is None:
            return False
        row = self.get_object(request, str(object_id))
        return row is None or row.state == state

    def has_cancel_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is(request, object_id, LotState.DRAWN)

    has_decide_permission = has_cancel_permission

    def has_go_on_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._is(request, object_id, LotState.REJECTED)

    def has_check_draw_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may(request, VIEW)

    @action(
        description=_l("Decide now"),
        permissions=["decide"],
        dialog={
            "title": _l("Accept or reject the lot by what was found"),
            "description": _l(
                "It is decided by itself when the last label of the sample is reviewed; here in "
                "case that did not happen. Nothing is decided while reviews are outstanding."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Decide"),
        },
    )
    def decide(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            found = decide_audit(row, acting_user=actor(request), now=utc_now())
            if found.state == LotState.DRAWN:
                return _("Labels of the sample are still to be reviewed.")
            return _("The lot is %(state)s.") % {"state": found.get_state_display()}

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_auditlot_change", args=[object_id]))

    @action(
        description=_l("Send the rest to rework"),
        permissions=["go_on"],
        dialog={
            "title": _l("Send what is left of the rejected lot to rework"),
            "description": _l(
                "A rejected lot goes to rework by itself; here in case that broke off. Tasks whose "
                "label the sample found right stay accepted."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _l("Send to rework"),
        },
    )
    def go_on(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            done = rework_lot(row, acting_user=actor(request), now=utc_now())
            return _("%(n)s tasks were sent to rework.") % {"n": f"{done:,}"}

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_auditlot_change", args=[object_id]))

    @action(description=_l("Check the draw"), permissions=["check_draw"])
    def check_draw(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)

        def do() -> Any:
            drawn = set(draw_again(row))
            first = row.items.order_by("pk").values_list("label__public_id", flat=True)[: row.size]
            if drawn == {str(one) for one in first}:
                return _("Drawn again by its seed, the sample is the same.")
            return _("Drawn again by its seed, the sample is another one.")

        self.carry_out(request, do)
        return redirect(reverse("admin:quality_auditlot_change", args=[object_id]))

    @action(
        description=_l("Cancel"),
        permissions=["cancel"],
        dialog={
            "title": _l("Call this audit off"),
            "description": _l("Reviews that were done stay; the others are called off."),
            "form_class": ReasonForm,
            "form_submit_text": _l("Call it off"),
        },
    )
    def cancel(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        row, reason = self._row(request, object_id), form.cleaned_data["reason"]

        def do() -> Any:
            cancel_audit(row, reason=reason, acting_user=actor(request), now=utc_now())
            return _("The audit was called off.")

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:quality_auditlot_change", args=[object_id]))


def _bound(row: AuditLot) -> str:
    if row.fewest is None or row.most is None:
        return "–"
    return _("%(low)s – %(high)s (%(from)s – %(to)s %%)") % {
        "low": f"{row.fewest:,}",
        "high": f"{row.most:,}",
        "from": f"{100 * row.fewest / row.labels:.1f}",
        "to": f"{100 * row.most / row.labels:.1f}",
    }


def _plan_words(values: dict[str, Any]) -> str:
    """Say a plan in a line."""
    if values.get("aql") is not None:
        return _("ISO 2859-1, AQL %(aql)s %%, level %(level)s, %(severity)s, letter %(letter)s") % {
            "aql": f"{values['aql']:g}",
            "level": values["level"],
            "severity": _("tightened") if values["severity"] == "tightened" else _("normal"),
            "letter": values["letter"],
        }
    return _(
        "the smallest that rejects work with %(acceptable)s %% wrong at most %(producer)s times in "
        "a hundred and accepts work with %(limiting)s %% at most %(consumer)s times"
    ) % {
        name: f"{100 * values[key]:g}"
        for name, key in (
            ("acceptable", "acceptable"),
            ("producer", "producer_risk"),
            ("limiting", "limiting"),
            ("consumer", "consumer_risk"),
        )
    }


def _strata_table(strata: dict[str, list[int]]) -> dict[str, Any]:
    labels = dict(Band.choices)
    return table(
        _("Labels by risk of their tasks"),
        [Head(_("risk")), Head(_("in the lot"), number=True), Head(_("drawn"), number=True)],
        [(labels[band], number(lot), number(size)) for band, (lot, size) in strata.items()],
    )


def _curve(labels: int, size: int, accept: int, found: float | None = None) -> dict[str, Any]:
    """Return the picture and the table of what a plan does."""
    points = operating_characteristic(labels, size, accept)
    rows = operating_characteristic(labels, size, accept, points=SHOWN_POINTS)
    return {
        "curve": curve(
            list(zip(points["share"], points["accepted"], strict=True)),
            title=_("Chance that a lot is accepted, by the share of it that is wrong"),
            mark=found,
        ),
        "curve_table": table(
            _("How often lots are accepted"),
            [
                Head(_("wrong in the lot"), number=True),
                Head(_("share"), number=True),
                Head(_("accepted"), number=True),
            ],
            [
                (number(row.wrong), f"{100 * row.share:.1f} %", f"{100 * row.accepted:.1f} %")
                for row in rows.itertuples()
            ],
        ),
    }


def _previewed(found: Preview) -> dict[str, Any]:
    size, accept = found.values["size"], found.values["accept"]
    return {
        "preview": found,
        "size": size,
        "accept": accept,
        "plan_words": _plan_words(found.values),
        "strata": _strata_table(found.strata),
        **_curve(found.labels, size, accept),
    }


def _context(row: Any, may_manage: bool) -> dict[str, Any]:
    items = row.items.select_related("label__task", "review").order_by("-wrong", "pk")
    bands = dict(Band.choices)
    reviewed = row.size - row.waiting
    return {
        "lot": row,
        "reviewed": f"{max(reviewed, 0):,} / {row.size:,}",
        "bound": _bound(row),
        "may_manage": may_manage,
        "strata": _strata_table(row.strata),
        **_curve(
            row.labels,
            row.size,
            row.accept,
            row.wrong / row.size if row.wrong is not None else None,
        ),
        "sample": table(
            _("The sample"),
            [
                Head(_("task")),
                Head(_("risk")),
                Head(_("label")),
                Head(_("review")),
                Head(_("it is")),
            ],
            [
                (
                    Cell(
                        item.label.task.external_id,
                        reverse("admin:routing_task_change", args=[item.label.task_id]),
                    ),
                    bands[item.stratum],
                    item.label.value or _("in full on its page"),
                    Cell(
                        item.review.get_state_display(),
                        reverse("admin:quality_review_change", args=[item.review_id]),
                    ),
                    "–" if item.wrong is None else _("wrong") if item.wrong else _("right"),
                )
                for item in items[:SHOWN_ITEMS]
            ],
        ),
        "more": max(row.items.count() - SHOWN_ITEMS, 0),
    }
