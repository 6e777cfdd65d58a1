"""Throughput as it was measured: what annotators got done, and how fast."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from workforce.models import Annotator, Skill


class Output(models.Model):
    """What an annotator got done under a skill in [since, as_of); append-only (trigger).

    Accepted answers an hour, over trusted hours, and a day worked; `speed` is the time over the
    expected one (2 = takes twice as long). Each has a central 90 % interval in which days count as
    one. An upper end that is empty has no end; a value that is empty is not known.
    """

    annotator = models.ForeignKey(
        Annotator, models.PROTECT, related_name="outputs", verbose_name=_("annotator")
    )
    skill = models.ForeignKey(
        Skill, models.PROTECT, related_name="outputs", verbose_name=_("skill")
    )
    since = models.DateTimeField(_("answers since"))
    as_of = models.DateTimeField(_("as of"))
    version = models.CharField(_("method and version"), max_length=60)
    answers = models.PositiveIntegerField(_("answers"))
    accepted = models.PositiveIntegerField(_("accepted"))
    rejected = models.PositiveIntegerField(_("rejected"))
    days = models.PositiveIntegerField(_("days worked"))
    trusted_hours = models.FloatField(
        _("trusted hours"), help_text=_("billable time without a fault")
    )
    per_hour = models.FloatField(_("accepted an hour"), null=True)
    hour_lower = models.FloatField(_("an hour from"), default=0.0)
    hour_upper = models.FloatField(_("an hour to"), null=True)
    per_day = models.FloatField(_("accepted a day worked"), null=True)
    day_lower = models.FloatField(_("a day from"), default=0.0)
    day_upper = models.FloatField(_("a day to"), null=True)
    timed = models.PositiveIntegerField(_("timed answers"))
    speed = models.FloatField(_("time over the expected"), null=True)
    speed_lower = models.FloatField(_("time over the expected, from"), null=True)
    speed_upper = models.FloatField(_("time over the expected, to"), null=True)

    class Meta:
        verbose_name = _("throughput")
        verbose_name_plural = _("throughput")
        ordering = ("annotator", "skill", "-as_of")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "skill", "as_of"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(since__lt=F("as_of")), name="%(app_label)s_%(class)s_times_in_order"
            ),
            models.CheckConstraint(
                condition=Q(answers__gte=F("accepted") + F("rejected")) & Q(trusted_hours__gte=0),
                name="%(app_label)s_%(class)s_counts_within",
            ),
            models.CheckConstraint(
                condition=(Q(per_hour__isnull=True) | Q(per_hour__gte=F("hour_lower")))
                & (Q(hour_upper__isnull=True) | Q(hour_upper__gte=F("per_hour")))
                & (Q(per_day__isnull=True) | Q(per_day__gte=F("day_lower")))
                & (Q(day_upper__isnull=True) | Q(day_upper__gte=F("per_day"))),
                name="%(app_label)s_%(class)s_within_its_interval",
            ),
            models.CheckConstraint(
                condition=Q(speed__isnull=True, speed_lower__isnull=True, speed_upper__isnull=True)
                | Q(
                    speed__gt=0,
                    speed_lower__gt=0,
                    speed_lower__lte=F("speed"),
                    speed_upper__gte=F("speed"),
                ),
                name="%(app_label)s_%(class)s_speed_in_interval",
            ),
        ]
        indexes = [
            # Whether a skill stands measured as of a time.
            models.Index(fields=["skill", "as_of"], name="quality_output_skill"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} {self.skill} {self.as_of:%Y-%m-%d}"
