"""Pages of pools and the parts of hybrid ones."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import ConsoleInline, HistoryAdmin
from vendors.admin import VendorFilter
from workforce.admin.base import People
from workforce.models import Pool, PoolPart


class PartInline(People, ConsoleInline):
    model = PoolPart
    fk_name = "hybrid"
    related = ("part",)
    fields = ("part", "role")


@admin.register(Pool)
class PoolAdmin(People, HistoryAdmin):
    list_display = (
        "name",
        "key",
        "kind",
        "vendor",
        "people",
        "currency",
        "utilisation",
        "is_active",
    )
    list_filter = ("kind", "is_active", ("vendor", VendorFilter), "currency")
    search_fields = ("name", "key", "vendor__organisation__name")
    list_select_related = ("vendor__organisation",)
    autocomplete_fields = ("vendor",)
    inlines = (PartInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A pool keeps them (trigger).
        return ("key", "kind", "vendor") if obj is not None else ()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(number=Count("annotators"))

    @display(description=_("annotators"), ordering="number")
    def people(self, pool: Any) -> int:
        return int(pool.number)
