"""Pages of the event log: its table of permissions stands in this app, above the log's own."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.console_admin import ReadOnlyAdmin, badge
from audit.models import Event, Seal


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    view_permission = "events.view"
    list_display = ("at", "kind", "actor", "subject", "subject_id", "shown_seal")
    list_filter = ("kind",)
    search_fields = ("kind", "subject_id")
    list_select_related = ("actor", "sealed__seal")
    fields = ("kind", "at", "actor", "subject", "subject_id", "data", "shown_seal")
    readonly_fields = fields

    @badge(description=_("seal"), label={"unsealed": "warning", "sealed": "success"})
    def shown_seal(self, event: Event) -> tuple[str, str]:
        sealed = getattr(event, "sealed", None)
        return ("sealed", f"#{sealed.seal.number}") if sealed else ("unsealed", str(_("unsealed")))


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    view_permission = "events.view"
    list_display = ("number", "sealed_at", "count", "head_hash")
    fields = ("number", "sealed_at", "count", "previous_hash", "head_hash", "hmac")
    readonly_fields = fields
