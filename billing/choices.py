"""Words of rate cards."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Activity(models.TextChoices):
    LABEL = "label", _("label")
    REVIEW = "review", _("quality review")
    ADJUDICATION = "adjudication", _("adjudication")
    QUALIFICATION = "qualification", _("qualification")


class RateUnit(models.TextChoices):
    """What one unit price buys; `item` is one judgment whatever its size.

    Tokens are a model's: read ones at the unit price, written ones at the output price.
    """

    ITEM = "item", _("item")
    OBJECT = "object", _("object")
    SECOND = "second", _("second of media")
    MINUTE = "minute", _("minute of media")
    WORD = "word", _("word")
    TURN = "turn", _("turn")
    TOKEN = "token", _("token")
    MTOKEN = "mtoken", _("million tokens")
    HOUR = "hour", _("hour of work")


TOKEN_UNITS = (RateUnit.TOKEN, RateUnit.MTOKEN)
