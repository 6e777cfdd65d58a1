"""Estimates made from answers, and what was measured of task types."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field
from routing.models import Project, TaskType
from workforce.models import Skill


class Estimation(models.Model):
    """One block of an estimate: the answers to one task type of one project, as of a time.

    A block has labels of its own; what the blocks of a skill tell of an annotator is added up to
    one proficiency as of the same time.
    """

    public_id = public_id_field()
    skill = models.ForeignKey(
        Skill, models.PROTECT, related_name="estimations", verbose_name=_("skill")
    )
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="estimations", verbose_name=_("project")
    )
    task_type = models.ForeignKey(
        TaskType, models.PROTECT, related_name="estimations", verbose_name=_("task type")
    )
    as_of = models.DateTimeField(_("as of"))
    version = models.CharField(_("method and version"), max_length=60)
    tasks = models.PositiveIntegerField(_("tasks"))
    annotators = models.PositiveIntegerField(_("annotators"))
    answers = models.PositiveIntegerField(_("answers"))
    gold = models.PositiveIntegerField(_("gold tasks"))
    converged = models.BooleanField(_("converged"))
    created_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("estimation")
        verbose_name_plural = _("estimations")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(
                fields=["project", "task_type", "as_of"], name="%(app_label)s_%(class)s_once"
            ),
        ]
        indexes = [
            # Whether a skill stands estimated as of a time, and from what.
            models.Index(fields=["skill", "as_of"], name="quality_estimation_skill"),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.task_type} {self.as_of:%Y-%m-%d %H:%M}"


class TypeFacts(models.Model):
    """What was measured of a task type as of a time; the latest not after a given time counts.

    Read by routing through its seam. `spoil` stays empty until reviews were reviewed: the default
    counts then.
    """

    task_type = models.ForeignKey(
        TaskType, models.CASCADE, related_name="facts", verbose_name=_("task type")
    )
    as_of = models.DateTimeField(_("as of"))
    version = models.CharField(_("method and version"), max_length=60)
    dispersion = models.FloatField(
        _("dispersion"), help_text=_("how much annotators err together on an item, 0 = never")
    )
    dispersion_error = models.FloatField(
        _("its standard error"), null=True, help_text=_("before shrinkage; empty without overlaps")
    )
    same_error = models.FloatField(
        _("same error"), help_text=_("chance that two wrong answers to an item are the same")
    )
    difficulty_low = models.FloatField(_("difficulty, low"), default=0.0)
    difficulty_medium = models.FloatField(_("difficulty, medium"), default=0.0)
    difficulty_high = models.FloatField(_("difficulty, high"), default=0.0)
    difficulty_critical = models.FloatField(
        _("difficulty, critical"),
        default=0.0,
        help_text=_("by how much the band lowers the logit of a rate"),
    )
    spoil = models.FloatField(
        _("spoiled by review"),
        null=True,
        help_text=_("share of right answers that a review spoils"),
    )
    items = models.PositiveIntegerField(_("items of known truth"))
    answers = models.PositiveIntegerField(_("answers to them"))
    pairs = models.PositiveIntegerField(_("pairs of answers that overlap"))

    class Meta:
        verbose_name = _("facts of a task type")
        verbose_name_plural = _("facts of task types")
        ordering = ("task_type", "-as_of")
        constraints = [
            models.UniqueConstraint(
                fields=["task_type", "as_of"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(dispersion__gte=0) & Q(dispersion__lt=1),
                name="%(app_label)s_%(class)s_dispersion_in_range",
            ),
            models.CheckConstraint(
                condition=Q(same_error__gt=0) & Q(same_error__lte=1),
                name="%(app_label)s_%(class)s_same_error_is_a_share",
            ),
            models.CheckConstraint(
                condition=Q(spoil__isnull=True) | Q(spoil__gte=0, spoil__lte=1),
                name="%(app_label)s_%(class)s_spoil_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_type} {self.as_of:%Y-%m-%d %H:%M}"

    @property
    def difficulty(self) -> tuple[float, float, float, float]:
        """δ by complexity band, low to critical."""
        return (
            self.difficulty_low,
            self.difficulty_medium,
            self.difficulty_high,
            self.difficulty_critical,
        )
