"""The version of the facts that gates read."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FactsVersion(models.Model):
    """Counts, by triggers, the changes of every table that gates read (routing.triggers).

    The version is the sum over the rows; who has worked out what an annotator may have keeps it
    with the version that it stands on, and a change anywhere is seen by the next claim.
    """

    id = models.PositiveSmallIntegerField(primary_key=True)
    version = models.BigIntegerField(_("version"), default=0)

    class Meta:
        verbose_name = _("version of the facts")
        verbose_name_plural = _("versions of the facts")

    def __str__(self) -> str:
        return f"{self.pk}: {self.version}"
