"""Rate cards: what a judgment or a review costs."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from billing.choices import TOKEN_UNITS, Activity, RateUnit
from common.fields import CurrencyField, TimeZoneField, public_id_field
from routing.models import TaskType
from vendors.models import Contract
from workforce.models import Pool


class RateCard(models.Model):
    """The prices of one pool: a vendor's under a contract, a model's, or in-house by role.

    Prices change by new lines with later effective dates; `version` counts them, and every
    routing run stores which versions answered.
    """

    public_id = public_id_field()
    name = models.CharField(_("name"), max_length=200)
    pool = models.ForeignKey(
        Pool, models.PROTECT, related_name="rate_cards", verbose_name=_("pool")
    )
    contract = models.ForeignKey(
        Contract,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="rate_cards",
        verbose_name=_("contract"),
    )
    currency = CurrencyField(_("currency"))
    time_zone = TimeZoneField(_("time zone"), help_text=_("in which effective days begin"))
    rework_billable = models.BooleanField(
        _("rework is billable"),
        default=False,
        help_text=_("whether an answer that repeats a rejected one is paid again"),
    )
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("rate card")
        verbose_name_plural = _("rate cards")
        ordering = ("pool", "name")
        constraints = [
            models.UniqueConstraint(
                fields=["pool"],
                name="%(app_label)s_%(class)s_one_per_pool",
                violation_error_message=_("The pool has a rate card already; add lines to it."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RateLine(models.Model):
    """A unit price for an activity, for one task type or all, in force [valid_from, valid_to).

    Lines of one card, activity and task type do not overlap in time (exclusion constraint on
    PostgreSQL, trigger on SQLite). The line of the task type goes before the line for all types.
    """

    card = models.ForeignKey(
        RateCard, models.CASCADE, related_name="lines", verbose_name=_("rate card")
    )
    activity = models.CharField(_("activity"), max_length=14, choices=Activity)
    task_type = models.ForeignKey(
        TaskType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("task type"),
        help_text=_("empty = every type without a line of its own"),
    )
    unit = models.CharField(_("quantity unit"), max_length=8, choices=RateUnit)
    unit_price_micro = models.BigIntegerField(
        _("unit price"), help_text=_("millionths of the currency: 0.105000 is 105000")
    )
    output_price_micro = models.BigIntegerField(
        _("price of output tokens"),
        null=True,
        blank=True,
        help_text=_("millionths of the currency; empty = as the tokens read"),
    )
    valid_from = models.DateField(_("in force from"))
    valid_to = models.DateField(
        _("in force until"), null=True, blank=True, help_text=_("first day without it")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("rate line")
        verbose_name_plural = _("rate lines")
        ordering = ("card", "activity", "task_type", "valid_from")
        constraints = [
            models.CheckConstraint(
                condition=Q(unit_price_micro__gte=0),
                name="%(app_label)s_%(class)s_price_not_negative",
                violation_error_message=_("A unit price is not negative."),
            ),
            models.CheckConstraint(
                condition=Q(output_price_micro__isnull=True)
                | Q(output_price_micro__gte=0, unit__in=TOKEN_UNITS),
                name="%(app_label)s_%(class)s_output_of_tokens",
                violation_error_message=_(
                    "Only tokens have a price of their own for output, and it is not negative."
                ),
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="%(app_label)s_%(class)s_in_order",
                violation_error_message=_("A price comes into force before it ends."),
            ),
            models.CheckConstraint(
                condition=Q(activity__in=Activity.values) & Q(unit__in=RateUnit.values),
                name="%(app_label)s_%(class)s_words_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_activity_display()} {self.task_type or '*'}"
