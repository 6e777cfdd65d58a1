"""Pages of stored files and jobs."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.choices import JOB_UNDER_WAY, JobState
from accounts.console_admin import ReadOnlyAdmin, actor, badge, leave_dialog
from accounts.evidence import file_link
from accounts.models import Job, StoredFile
from accounts.services.files import shown_size
from accounts.services.job_kinds import KINDS
from accounts.services.job_runner import is_silent
from accounts.services.jobs import run_again
from common.time import utc_now

# A job's page is loaded again after so long while the job is under way.
REFRESH_SECONDS = 5


@admin.register(StoredFile)
class StoredFileAdmin(ReadOnlyAdmin):
    view_permission = "files.view"
    list_display = ("name", "organisation", "media_type", "shown_size", "stored_by", "stored_at")
    list_filter = ("media_type", "organisation")
    search_fields = ("name", "sha256")
    list_select_related = ("organisation", "stored_by")
    fields = ("link", "organisation", "media_type", "size", "sha256", "stored_by", "stored_at")
    readonly_fields = fields

    @display(description=_("size"), ordering="size")
    def shown_size(self, stored: StoredFile) -> str:
        return shown_size(stored.size)

    @display(description=_("file"))
    def link(self, stored: StoredFile) -> str:
        return file_link(stored)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = (
        "kind",
        "shown_state",
        "step",
        "progress",
        "attempts",
        "requested_by",
        "created_at",
    )
    list_filter = ("state", "kind")
    list_select_related = ("requested_by",)
    fields = (
        "kind",
        "shown_state",
        "step",
        "progress",
        "attempts",
        "error",
        "result",
        "arguments",
        "requested_by",
        "created_at",
        "sent_at",
        "started_at",
        "heartbeat_at",
        "finished_at",
    )
    readonly_fields = fields
    actions_detail = ("run_again",)

    @badge(
        description=_("state"),
        ordering="state",
        label={
            "queued": "info",
            "running": "warning",
            "silent": "danger",
            "done": "success",
            "failed": "danger",
        },
    )
    def shown_state(self, job: Job) -> tuple[str, str]:
        if is_silent(job, now=utc_now()):
            return "silent", str(_("no sign of life"))
        return job.state, job.get_state_display()

    @display(description=_("progress"))
    def progress(self, job: Job) -> str:
        if not job.total:
            return "–"
        return f"{job.done:,} / {job.total:,} ({job.done / job.total:.0%})"

    @display(description=_("attempt"), ordering="attempt")
    def attempts(self, job: Job) -> str:
        if not job.attempt:
            return "–"
        return str(
            _("%(number)s of %(allowed)s")
            % {"number": job.attempt, "allowed": job.attempts_allowed}
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        answer: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        job = self.get_object(request, object_id)
        if job is not None and job.state in JOB_UNDER_WAY:
            answer["Refresh"] = str(REFRESH_SECONDS)
        return answer

    def has_run_again_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        job = self.get_object(request, str(object_id)) if object_id else None
        if job is None or job.kind not in KINDS:
            return False
        if job.state != JobState.FAILED and not is_silent(job, now=utc_now()):
            return False
        return self._may(request, KINDS[job.kind].permission)

    @action(
        description=_("Run again"),
        permissions=["run_again"],
        dialog={
            "title": _("Run this job again"),
            "description": _("The same work is queued once more, in your name."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Run again"),
        },
    )
    def run_again(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        job = self._row(request, object_id)

        def again() -> Any:
            run_again(job, acting_user=actor(request), now=utc_now())
            return _("The job is queued; this page shows how it goes.")

        self.carry_out(request, again)
        return leave_dialog(reverse("admin:accounts_job_change", args=[job.pk]))
