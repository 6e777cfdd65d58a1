"""Policies (versioned rules of a project) and the learned effort they are used with."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from common.fields import public_id_field
from routing.choices import Band, PolicyState
from routing.models.catalogue import Project, TaskType


class Policy(models.Model):
    """One version of the rules by which a project's work is placed.

    `document` is the parsed YAML (routing.core.policy says its shape): matrix of complexity band
    × risk band → modes, target error, redundancy and review grids; gates; share caps; cost basis;
    price of waiting; the project's own tier rules. Published ones are never changed; one that
    covers safety-critical work is published by another person than its author.
    """

    public_id = public_id_field()
    project = models.ForeignKey(
        Project, models.PROTECT, related_name="policies", verbose_name=_("project")
    )
    version = models.PositiveIntegerField(_("version"))
    state = models.CharField(
        _("state"), max_length=10, choices=PolicyState, default=PolicyState.DRAFT
    )
    document = models.JSONField(_("rules"))
    document_hash = models.CharField(_("SHA-256"), max_length=64, editable=False)
    note = models.TextField(_("what changed"), blank=True)
    covers_safety_critical = models.BooleanField(_("covers safety-critical work"), default=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("created"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("published by"),
    )
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        ordering = ("project", "-version")
        constraints = [
            models.UniqueConstraint(
                fields=["project", "version"], name="%(app_label)s_%(class)s_version_once"
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(state="published"),
                name="%(app_label)s_%(class)s_one_published",
                violation_error_message=_("A project has one published policy."),
            ),
            models.CheckConstraint(
                condition=Q(state="draft", published_by__isnull=True, published_at__isnull=True)
                | Q(
                    state__in=("published", "retired"),
                    published_by__isnull=False,
                    published_at__isnull=False,
                ),
                name="%(app_label)s_%(class)s_published_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(covers_safety_critical=False)
                | Q(published_by__isnull=True)
                | ~Q(published_by=F("author")),
                name="%(app_label)s_%(class)s_four_eyes",
                violation_error_message=_(
                    "A policy that covers safety-critical work is published by a second person."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} v{self.version}"


class EffortEstimate(models.Model):
    """Fitted effort of a type in a complexity band: log-normal, shrunk to the type's default."""

    task_type = models.ForeignKey(TaskType, models.CASCADE, related_name="efforts")
    complexity_band = models.CharField(_("complexity band"), max_length=10, choices=Band)
    as_of = models.DateTimeField(_("as of"))
    n = models.PositiveIntegerField(_("durations"))
    log_factor = models.FloatField(
        _("log factor"), help_text=_("ln of measured effort over the type's default")
    )
    log_spread = models.FloatField(_("log spread"), help_text=_("standard deviation of ln effort"))
    log_lower = models.FloatField(
        _("log factor from"), null=True, help_text=_("of its central 90 % interval")
    )
    log_upper = models.FloatField(_("log factor to"), null=True)

    class Meta:
        verbose_name = _("effort estimate")
        verbose_name_plural = _("effort estimates")
        ordering = ("task_type", "complexity_band", "-as_of")
        constraints = [
            models.UniqueConstraint(
                fields=["task_type", "complexity_band", "as_of"],
                name="%(app_label)s_%(class)s_once",
            ),
            models.CheckConstraint(
                condition=Q(log_spread__gte=0), name="%(app_label)s_%(class)s_spread_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(log_lower__isnull=True, log_upper__isnull=True)
                | Q(log_lower__lte=F("log_factor"), log_upper__gte=F("log_factor")),
                name="%(app_label)s_%(class)s_factor_within",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_type} {self.complexity_band}"
