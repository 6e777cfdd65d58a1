"""Pages of stored files and jobs."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import ReadOnlyAdmin
from accounts.evidence import file_link
from accounts.models import Job, StoredFile
from accounts.services.files import shown_size


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
    list_display = ("kind", "shown_state", "step", "progress", "requested_by", "created_at")
    list_filter = ("state", "kind")
    list_select_related = ("requested_by",)
    fields = (
        "kind",
        "state",
        "step",
        "done",
        "total",
        "result",
        "error",
        "requested_by",
        "created_at",
        "started_at",
        "heartbeat_at",
        "finished_at",
    )
    readonly_fields = fields

    @display(
        description=_("state"),
        ordering="state",
        label={"queued": "info", "running": "warning", "done": "success", "failed": "danger"},
    )
    def shown_state(self, job: Job) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @display(description=_("progress"))
    def progress(self, job: Job) -> str:
        return f"{job.done:,} / {job.total:,}" if job.total else "–"
