"""Pages of rate cards."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.console_admin import ConsoleInline, HistoryAdmin
from billing.choices import TOKEN_UNITS
from billing.models import RateCard, RateLine
from common.money import from_micro, to_micro


class RateLineForm(forms.ModelForm):  # type: ignore[type-arg]
    """A line with its unit price in major units."""

    unit_price = forms.DecimalField(
        label=_("unit price"), max_digits=14, decimal_places=6, min_value=0
    )

    output_price = forms.DecimalField(
        label=_("price of output tokens"),
        max_digits=14,
        decimal_places=6,
        min_value=0,
        required=False,
    )

    class Meta:
        model = RateLine
        fields = (
            "activity",
            "task_type",
            "unit",
            "unit_price",
            "output_price",
            "valid_from",
            "valid_to",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["unit_price"].initial = from_micro(self.instance.unit_price_micro)
            if self.instance.output_price_micro is not None:
                self.fields["output_price"].initial = from_micro(self.instance.output_price_micro)

    def clean(self) -> Any:
        data = super().clean()
        price = (data or {}).get("unit_price")
        if isinstance(price, Decimal):
            self.instance.unit_price_micro = to_micro(price)
        output = (data or {}).get("output_price")
        if output is not None and (data or {}).get("unit") not in TOKEN_UNITS:
            self.add_error("output_price", _("Only tokens have a price of their own for output."))
            output = None
        self.instance.output_price_micro = None if output is None else to_micro(output)
        return data


class RateLineInline(ConsoleInline):
    model = RateLine
    form = RateLineForm
    view_permission = "rates.view"
    manage_permission = "rates.manage"
    fields = RateLineForm.Meta.fields


@admin.register(RateCard)
class RateCardAdmin(HistoryAdmin):
    view_permission = "rates.view"
    manage_permission = "rates.manage"
    list_display = ("name", "pool", "contract", "currency", "rework_billable", "version")
    list_filter = ("currency", "pool")
    search_fields = ("name", "pool__name")
    list_select_related = ("pool", "contract")
    readonly_fields = ("version",)
    inlines = (RateLineInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        if formset.has_changed():
            RateCard.objects.filter(pk=form.instance.pk).update(version=F("version") + 1)
