"""Pages of when people work: shifts, leave, public holidays, declared capacity."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import RangeDateFilter, RangeDateTimeFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from accounts.console_admin import HistoryAdmin, actor, leave_dialog
from common.time import utc_now
from workforce.admin.base import People
from workforce.models import DeclaredCapacity, Leave, PublicHoliday, Shift
from workforce.services.availability import load_holidays, save_capacity


@admin.register(Shift)
class ShiftAdmin(People, HistoryAdmin):
    list_display = ("annotator", "weekday", "starts", "ends", "valid_from", "valid_to")
    list_filter = ("weekday", "annotator__pool")
    search_fields = ("annotator__name", "annotator__email")
    list_select_related = ("annotator",)
    autocomplete_fields = ("annotator",)


@admin.register(Leave)
class LeaveAdmin(People, HistoryAdmin):
    list_display = ("annotator", "kind", "starts_at", "ends_at")
    list_filter = ("kind", "annotator__pool", ("starts_at", RangeDateTimeFilter))
    search_fields = ("annotator__name", "annotator__email")
    list_select_related = ("annotator",)
    autocomplete_fields = ("annotator",)


class CalendarForm(BaseDialogForm):
    """Of which country, and which year."""

    country = forms.CharField(
        label=_("country"),
        min_length=2,
        max_length=2,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("ISO 3166, two letters, e.g. DE"),
    )
    subdivision = forms.CharField(
        label=_("subdivision"),
        required=False,
        max_length=10,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("empty = the whole country; e.g. BY"),
    )
    year = forms.IntegerField(
        label=_("year"), min_value=2000, max_value=2100, widget=UnfoldAdminIntegerFieldWidget()
    )


@admin.register(PublicHoliday)
class PublicHolidayAdmin(People, HistoryAdmin):
    list_display = ("day", "name", "country", "subdivision")
    list_filter = ("country", ("day", RangeDateFilter))
    search_fields = ("name", "country")
    actions_list = ("load",)

    def has_load_permission(self, request: HttpRequest) -> bool:
        return self._may(request, self.manage_permission)

    @action(
        description=_("Load a calendar"),
        permissions=["load"],
        dialog={
            "title": _("Load the public holidays of a country"),
            "description": _("What is there already stays as it is."),
            "form_class": CalendarForm,
            "form_submit_text": _("Load"),
        },
    )
    def load(self, request: HttpRequest, form: CalendarForm) -> HttpResponse:
        def do() -> str:
            made = load_holidays(
                country=form.cleaned_data["country"].upper(),
                subdivision=form.cleaned_data["subdivision"].upper(),
                years=[form.cleaned_data["year"]],
                acting_user=actor(request),
                now=utc_now(),
            )
            return ngettext("%(count)s day added.", "%(count)s days added.", made) % {"count": made}

        self.carry_out(request, do)
        return leave_dialog(reverse("admin:workforce_publicholiday_changelist"))


@admin.register(DeclaredCapacity)
class DeclaredCapacityAdmin(People, HistoryAdmin):
    list_display = ("pool", "day", "hours", "declared_by")
    list_filter = ("pool", ("day", RangeDateFilter))
    search_fields = ("pool__name", "pool__key")
    autocomplete_fields = ("pool",)
    list_select_related = ("pool", "declared_by")
    fields = ("pool", "day", "hours")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_capacity(obj, changed=form.changed_data, acting_user=actor(request), now=utc_now())
