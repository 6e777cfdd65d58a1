"""Agreement as it was measured: of a task type of a project, by field, pair and label."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field
from quality.choices import AgreementMeasure
from routing.models import GuidelineVersion, Project, TaskType
from workforce.models import Annotator


class Agreement(models.Model):
    """One measurement, as of a time: answers to one task type of one project.

    Of all guideline versions together (`guideline` empty), or of one. Rows are never changed; a
    new measurement stands beside the old ones.
    """

    public_id = public_id_field()
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="agreements", verbose_name=_("project")
    )
    task_type = models.ForeignKey(
        TaskType, models.PROTECT, related_name="+", verbose_name=_("task type")
    )
    guideline = models.ForeignKey(
        GuidelineVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="agreements",
        verbose_name=_("guideline version"),
        help_text=_("empty = all versions together"),
    )
    since = models.DateTimeField(_("answers since"), null=True, blank=True)
    as_of = models.DateTimeField(_("as of"))
    version = models.CharField(_("method and version"), max_length=60)
    tasks = models.PositiveIntegerField(_("tasks with several answers"))
    answers = models.PositiveIntegerField(_("answers to them"))
    annotators = models.PositiveIntegerField(_("annotators"))
    pairs_left_out = models.PositiveIntegerField(
        _("pairs left out"), default=0, help_text=_("of annotators with the fewest common tasks")
    )
    confused = models.JSONField(
        _("labels confused most"), default=dict, help_text=_("by field: two labels, pairs, share")
    )
    measured_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("measured by")
    )

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreement")
        ordering = ("-as_of", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["project", "task_type", "as_of"],
                condition=Q(guideline__isnull=True),
                name="%(app_label)s_%(class)s_once",
            ),
            models.UniqueConstraint(
                fields=["project", "task_type", "as_of", "guideline"],
                condition=Q(guideline__isnull=False),
                name="%(app_label)s_%(class)s_once_a_version",
            ),
            models.CheckConstraint(
                condition=Q(since__isnull=True) | Q(since__lt=F("as_of")),
                name="%(app_label)s_%(class)s_times_in_order",
            ),
        ]

    def __str__(self) -> str:
        what = self.guideline or self.project
        return f"{what} · {self.task_type}"


class AgreementFigure(models.Model):
    """One measure of one field, with its bootstrap interval over tasks (95 %)."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="figures")
    field = models.CharField(_("field"), max_length=60, blank=True)
    measure = models.CharField(_("measure"), max_length=14, choices=AgreementMeasure)
    value = models.FloatField(_("value"), null=True)
    lower = models.FloatField(_("from"), null=True)
    upper = models.FloatField(_("to"), null=True)
    units = models.PositiveIntegerField(_("tasks"))
    answers = models.PositiveIntegerField(_("answers"))

    class Meta:
        verbose_name = _("figure of agreement")
        verbose_name_plural = _("figures of agreement")
        ordering = ("agreement", "field", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "field", "measure"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(measure__in=AgreementMeasure.values),
                name="%(app_label)s_%(class)s_measure_known",
            ),
            models.CheckConstraint(
                condition=Q(lower__isnull=True, upper__isnull=True) | Q(lower__lte=F("upper")),
                name="%(app_label)s_%(class)s_interval_in_order",
            ),
        ]

    def __str__(self) -> str:
        value = "–" if self.value is None else f"{self.value:.3f}"
        return f"{self.get_measure_display()} {value}"


class AgreementPair(models.Model):
    """How far two annotators agree: the share alike (or the mean score), and κ where it is one."""

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="pairs")
    field = models.CharField(_("field"), max_length=60, blank=True)
    first = models.ForeignKey(Annotator, models.CASCADE, related_name="+", verbose_name=_("one"))
    second = models.ForeignKey(
        Annotator, models.CASCADE, related_name="+", verbose_name=_("the other")
    )
    units = models.PositiveIntegerField(_("tasks in common"))
    observed = models.FloatField(_("alike"))
    kappa = models.FloatField(_("κ"), null=True)
    lower = models.FloatField(_("from"), null=True)
    upper = models.FloatField(_("to"), null=True)

    class Meta:
        verbose_name = _("agreement of two")
        verbose_name_plural = _("agreement of two")
        ordering = ("agreement", "field", "first", "second")
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "field", "first", "second"],
                name="%(app_label)s_%(class)s_once",
            ),
            models.CheckConstraint(
                condition=~Q(first=F("second")), name="%(app_label)s_%(class)s_of_two"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first} – {self.second}"


class AgreementLabel(models.Model):
    """How far a label is agreed on: the chance that another answer has it too, α against the rest.

    `label` is cut where it is longer than a label may be.
    """

    agreement = models.ForeignKey(Agreement, models.CASCADE, related_name="labels")
    field = models.CharField(_("field"), max_length=60, blank=True)
    label = models.CharField(_("label"), max_length=200)
    answers = models.PositiveIntegerField(_("answers with it"))
    alike = models.FloatField(_("another has it too"))
    alpha = models.FloatField(_("α"), null=True)
    lower = models.FloatField(_("from"), null=True)
    upper = models.FloatField(_("to"), null=True)

    class Meta:
        verbose_name = _("agreement on a label")
        verbose_name_plural = _("agreement on labels")
        ordering = ("agreement", "field", "-answers", "label")
        constraints = [
            models.UniqueConstraint(
                fields=["agreement", "field", "label"], name="%(app_label)s_%(class)s_once"
            ),
        ]

    def __str__(self) -> str:
        return self.label
