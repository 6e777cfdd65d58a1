"""When people work: shifts, leave, public holidays, and what vendors declare."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from common.fields import CountryField, country_rule
from workforce.choices import LeaveKind, Weekday
from workforce.models.people import Annotator, Pool


class Shift(models.Model):
    """A weekly piece of working time in the annotator's zone, in force [valid_from, valid_to).

    A shift that ends at or before its start runs past midnight into the next day. Shifts of one
    annotator may overlap; the time counts once.
    """

    annotator = models.ForeignKey(
        Annotator, models.CASCADE, related_name="shifts", verbose_name=_("annotator")
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    starts = models.TimeField(_("starts"), help_text=_("in the annotator's time zone"))
    ends = models.TimeField(
        _("ends"), help_text=_("at or before the start: on the next day, past midnight")
    )
    valid_from = models.DateField(_("in force from"))
    valid_to = models.DateField(
        _("in force until"), null=True, blank=True, help_text=_("first day without it")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("shift")
        verbose_name_plural = _("shifts")
        ordering = ("annotator", "weekday", "starts")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "weekday", "starts", "valid_from"],
                name="%(app_label)s_%(class)s_once",
            ),
            models.CheckConstraint(
                condition=Q(weekday__lte=6),
                name="%(app_label)s_%(class)s_weekday_known",
                violation_error_message=_("A weekday is from 0 (Monday) to 6."),
            ),
            models.CheckConstraint(
                condition=~Q(starts=F("ends")),
                name="%(app_label)s_%(class)s_not_empty",
                violation_error_message=_("A shift has a length."),
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="%(app_label)s_%(class)s_in_order",
                violation_error_message=_("A shift begins before it ends."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts:%H:%M}–{self.ends:%H:%M}"


class Leave(models.Model):
    """Time away [starts_at, ends_at); where leaves overlap, the time counts once."""

    annotator = models.ForeignKey(
        Annotator, models.CASCADE, related_name="leaves", verbose_name=_("annotator")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=LeaveKind)
    starts_at = models.DateTimeField(_("starts"), help_text=_("UTC"))
    ends_at = models.DateTimeField(_("ends"), help_text=_("UTC; back at work from then on"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("leave")
        verbose_name_plural = _("leave")
        ordering = ("annotator", "starts_at")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="%(app_label)s_%(class)s_in_order",
                violation_error_message=_("Leave starts before it ends."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=LeaveKind.values), name="%(app_label)s_%(class)s_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.starts_at:%Y-%m-%d}"


class PublicHoliday(models.Model):
    """A local date on which a country (or a part of it) does not work."""

    country = CountryField(_("country"))
    subdivision = models.CharField(
        _("subdivision"),
        max_length=10,
        blank=True,
        help_text=_("empty = the whole country (ISO 3166-2, e.g. BY)"),
    )
    day = models.DateField(_("day"))
    name = models.CharField(_("name"), max_length=200)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("public holiday")
        verbose_name_plural = _("public holidays")
        ordering = ("day", "country")
        constraints = [
            models.UniqueConstraint(
                fields=["country", "subdivision", "day"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("That day is a holiday there already."),
            ),
            models.CheckConstraint(
                condition=country_rule("country"),
                name="%(app_label)s_%(class)s_country_is_a_code",
                violation_error_message=_("A country is two capital letters (ISO 3166)."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"


class DeclaredCapacity(models.Model):
    """Net hours a vendor declares for one of its pools on one day (outsourced pools: trigger)."""

    pool = models.ForeignKey(
        Pool, models.CASCADE, related_name="declared_capacity", verbose_name=_("pool")
    )
    day = models.DateField(_("day"))
    hours = models.DecimalField(
        _("hours"),
        max_digits=8,
        decimal_places=2,
        help_text=_("of all its people together, breaks and absence already taken off"),
    )
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("declared by")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("declared capacity")
        verbose_name_plural = _("declared capacity")
        ordering = ("pool", "day")
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "day"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("Capacity of that day is declared already."),
            ),
            models.CheckConstraint(
                condition=Q(hours__gte=0),
                name="%(app_label)s_%(class)s_not_negative",
                violation_error_message=_("Hours are not negative."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool} {self.day}: {self.hours} h"
