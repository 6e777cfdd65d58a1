"""Skills with level and certificates with evidence: declared, or verified by the house."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models import StoredFile
from common.fields import public_id_field
from workforce.choices import MAX_LEVEL, FactState
from workforce.models.people import Annotator


class Skill(models.Model):
    """Something an annotator can be good at; accuracy is kept per annotator and skill."""

    key = models.SlugField(
        _("key"), max_length=60, unique=True, help_text=_("short name in files and policies")
    )
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        ordering = ("key",)

    def __str__(self) -> str:
        return self.name


class AnnotatorSkill(models.Model):
    """A level (1 beginner … 5 expert) of one annotator in one skill."""

    annotator = models.ForeignKey(
        Annotator, models.CASCADE, related_name="skills", verbose_name=_("annotator")
    )
    skill = models.ForeignKey(
        Skill, models.PROTECT, related_name="holders", verbose_name=_("skill")
    )
    level = models.PositiveSmallIntegerField(
        _("level"), default=1, help_text=_("1 (beginner) to 5 (expert)")
    )
    state = models.CharField(
        _("state"), max_length=10, choices=FactState, default=FactState.DECLARED
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("verified by"),
    )
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("skill of an annotator")
        verbose_name_plural = _("skills of annotators")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "skill"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("The annotator has this skill already."),
            ),
            models.CheckConstraint(
                condition=Q(level__gte=1) & Q(level__lte=MAX_LEVEL),
                name="%(app_label)s_%(class)s_level_in_range",
                violation_error_message=_("A level is from 1 to 5."),
            ),
            models.CheckConstraint(
                condition=Q(state="declared", verified_by__isnull=True, verified_at__isnull=True)
                | Q(state="verified", verified_by__isnull=False, verified_at__isnull=False),
                name="%(app_label)s_%(class)s_verified_by_someone",
                violation_error_message=_("Verified means: by somebody, at a time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.skill} {self.level}"


class CertificationType(models.Model):
    """A kind of certificate that work may ask for: radiologist, attorney, adjuster."""

    key = models.SlugField(
        _("key"), max_length=60, unique=True, help_text=_("short name in files and policies")
    )
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("kind of certificate")
        verbose_name_plural = _("kinds of certificate")
        ordering = ("key",)

    def __str__(self) -> str:
        return self.name


class Certification(models.Model):
    """A certificate of an annotator.

    It counts through its printed last day: `lapses_at` is the exclusive next midnight in the
    holder's time zone, set by the service from `valid_until`. Verified by a person of the house
    who is not the holder (trigger), or not counted by any gate.
    """

    public_id = public_id_field()
    annotator = models.ForeignKey(
        Annotator, models.CASCADE, related_name="certifications", verbose_name=_("annotator")
    )
    type = models.ForeignKey(
        CertificationType, models.PROTECT, related_name="+", verbose_name=_("kind")
    )
    issuer = models.CharField(_("issuer"), max_length=200, help_text=_("chamber, board, school"))
    number = models.CharField(_("number"), max_length=100, help_text=_("as printed on it"))
    issued_on = models.DateField(_("issued on"))
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("last day printed on it")
    )
    lapses_at = models.DateTimeField(_("lapses"), null=True, blank=True, editable=False)
    evidence = models.ForeignKey(
        StoredFile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("evidence"),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=FactState, default=FactState.DECLARED
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("verified by"),
    )
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ("annotator", "type")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "type", "issuer", "number"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("This certificate is recorded already."),
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("issued_on")),
                name="%(app_label)s_%(class)s_valid_after_issue",
                violation_error_message=_("It is valid until a day after its issue."),
            ),
            models.CheckConstraint(
                condition=~Q(issuer="") & ~Q(number=""),
                name="%(app_label)s_%(class)s_issuer_and_number_named",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True, lapses_at__isnull=True)
                | Q(valid_until__isnull=False, lapses_at__isnull=False),
                name="%(app_label)s_%(class)s_lapse_follows_last_day",
            ),
            models.CheckConstraint(
                condition=Q(state="declared", verified_by__isnull=True, verified_at__isnull=True)
                | Q(state="verified", verified_by__isnull=False, verified_at__isnull=False),
                name="%(app_label)s_%(class)s_verified_by_someone",
                violation_error_message=_("Verified means: by somebody, at a time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.number}"
