"""Pages of the event log."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from audit.models import Event, Seal


class _LogAdmin(ModelAdmin):  # type: ignore[type-arg]
    """Rows that nobody writes by hand; read by auditors and administrators."""

    list_per_page = 50
    show_full_result_count = False

    def _may(self, request: HttpRequest) -> bool:
        roles = getattr(request.user, "roles", frozenset())
        superuser = bool(getattr(request.user, "is_superuser", False))
        return superuser or bool({"auditor", "administrator"} & set(roles))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self._may(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Event)
class EventAdmin(_LogAdmin):
    list_display = ("at", "kind", "actor", "subject", "subject_id", "shown_seal")
    list_filter = ("kind",)
    search_fields = ("kind", "subject_id")
    list_select_related = ("actor", "sealed__seal")
    fields = ("kind", "at", "actor", "subject", "subject_id", "data", "shown_seal")
    readonly_fields = fields

    @display(description=_("seal"), label={"unsealed": "warning", "sealed": "success"})
    def shown_seal(self, event: Event) -> tuple[str, str]:
        sealed = getattr(event, "sealed", None)
        return ("sealed", f"#{sealed.seal.number}") if sealed else ("unsealed", str(_("unsealed")))


@admin.register(Seal)
class SealAdmin(_LogAdmin):
    list_display = ("number", "sealed_at", "count", "head_hash")
    fields = ("number", "sealed_at", "count", "previous_hash", "head_hash", "hmac")
    readonly_fields = fields
