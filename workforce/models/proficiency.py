"""What is known of an annotator's accuracy and speed in a skill, as of a time."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from workforce.models.people import Annotator
from workforce.models.proof import Skill


class Proficiency(models.Model):
    """An estimate, append-only; the latest `as_of` not after a given time counts.

    `accuracy` is the share right among the answers given, `rate` the chance that the next answer
    is right; each has a central 90 % interval. `speed` multiplies the expected effort (1 = as
    expected, 2 = takes twice as long).
    """

    annotator = models.ForeignKey(
        Annotator, models.CASCADE, related_name="proficiencies", verbose_name=_("annotator")
    )
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+", verbose_name=_("skill"))
    as_of = models.DateTimeField(_("as of"))
    version = models.CharField(_("method and version"), max_length=60)
    n = models.PositiveIntegerField(_("answers"))
    n_gold = models.PositiveIntegerField(_("of them on gold"))
    accuracy = models.FloatField(_("accuracy"), null=True)
    lower = models.FloatField(_("accuracy from"), null=True)
    upper = models.FloatField(_("accuracy to"), null=True)
    rate = models.FloatField(_("rate"))
    rate_lower = models.FloatField(_("rate from"))
    rate_upper = models.FloatField(_("rate to"))
    speed = models.FloatField(_("speed factor"), default=1.0)

    class Meta:
        verbose_name = _("proficiency")
        verbose_name_plural = _("proficiencies")
        ordering = ("annotator", "skill", "-as_of")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "skill", "as_of"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(rate_lower__gte=0)
                & Q(rate_upper__lte=1)
                & Q(rate_lower__lte=F("rate"))
                & Q(rate_upper__gte=F("rate")),
                name="%(app_label)s_%(class)s_rate_in_interval",
            ),
            models.CheckConstraint(
                condition=Q(speed__gt=0), name="%(app_label)s_%(class)s_speed_positive"
            ),
            models.CheckConstraint(
                condition=Q(n_gold__lte=F("n")), name="%(app_label)s_%(class)s_gold_within"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} {self.skill}: {self.rate:.3f}"
