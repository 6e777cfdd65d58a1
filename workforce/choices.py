"""Words of pools, annotators and their proofs."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PoolKind(models.TextChoices):
    IN_HOUSE = "in_house", _("in-house")
    OUTSOURCED = "outsourced", _("outsourced")
    MODEL = "model", _("model")
    HYBRID = "hybrid", _("hybrid")


class PartRole(models.TextChoices):
    """What a part of a hybrid pool does."""

    LABELS = "labels", _("labels")
    REVIEWS = "reviews", _("reviews or takes the hard share")


class AnnotatorKind(models.TextChoices):
    PERSON = "person", _("person")
    MODEL = "model", _("model")


class AnnotatorStatus(models.TextChoices):
    ACTIVE = "active", _("active")
    PAUSED = "paused", _("paused")
    LEFT = "left", _("left")


# from -> to; one service (change_status) takes every step and writes its row.
ANNOTATOR_TRANSITIONS: dict[str, frozenset[str]] = {
    AnnotatorStatus.ACTIVE: frozenset({AnnotatorStatus.PAUSED, AnnotatorStatus.LEFT}),
    # A pause that goes on, for another reason or longer, is a step as well.
    AnnotatorStatus.PAUSED: frozenset(
        {AnnotatorStatus.ACTIVE, AnnotatorStatus.PAUSED, AnnotatorStatus.LEFT}
    ),
    AnnotatorStatus.LEFT: frozenset({AnnotatorStatus.ACTIVE}),
}


class Clearance(models.IntegerChoices):
    NONE = 0, _("none")
    BASIC = 1, _("background check")
    CONFIDENTIAL = 2, _("confidential")
    SECRET = 3, _("secret")


class FactState(models.TextChoices):
    DECLARED = "declared", _("declared")
    VERIFIED = "verified", _("verified")


class Weekday(models.IntegerChoices):
    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class LeaveKind(models.TextChoices):
    VACATION = "vacation", _("vacation")
    SICK = "sick", _("sick leave")
    TRAINING = "training", _("training")
    OTHER = "other", _("other")


class Platform(models.TextChoices):
    LABEL_STUDIO = "label_studio", "Label Studio"
    LABELBOX = "labelbox", "Labelbox"
    SCALE = "scale", "Scale"
    FILE = "file", _("file")


MAX_LEVEL = 5
