"""Judgments and gold answers."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from common.fields import public_id_field
from quality.choices import GoldSource, JudgmentSource
from routing.models import Assignment, GuidelineVersion, Task
from workforce.models import Annotator


class Judgment(models.Model):
    """One answer of one annotator to one task; corrections are new rows (`attempt`)."""

    public_id = public_id_field()
    # Both stand first in an index below; each submission writes to every one.
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="judgments", db_index=False, verbose_name=_("task")
    )
    annotator = models.ForeignKey(
        Annotator,
        models.PROTECT,
        related_name="judgments",
        db_index=False,
        verbose_name=_("annotator"),
    )
    assignment = models.ForeignKey(
        Assignment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="judgments",
        verbose_name=_("assignment"),
    )
    guideline = models.ForeignKey(
        GuidelineVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("guideline version"),
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    answer = models.JSONField(_("answer"))
    label = models.CharField(
        _("label"), max_length=200, blank=True, help_text=_("the normalised label, if there is one")
    )
    raw_seconds = models.FloatField(_("raw seconds"), null=True, blank=True)
    billable_seconds = models.FloatField(_("billable seconds"), null=True, blank=True)
    time_rule = models.CharField(_("time rule"), max_length=40, blank=True)
    time_faults = models.JSONField(
        _("faults of the time"), default=list, blank=True, help_text=_("as found by the rule")
    )
    confidence = models.FloatField(_("confidence"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=10, choices=JudgmentSource)
    submitted_at = models.DateTimeField(_("submitted"))

    class Meta:
        verbose_name = _("judgment")
        verbose_name_plural = _("judgments")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["task", "annotator", "attempt"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("This annotator has answered this task."),
            ),
            models.CheckConstraint(
                condition=(Q(raw_seconds__isnull=True) | Q(raw_seconds__gte=0))
                & (Q(billable_seconds__isnull=True) | Q(billable_seconds__gte=0)),
                name="%(app_label)s_%(class)s_seconds_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(billable_seconds__isnull=True) | ~Q(time_rule=""),
                name="%(app_label)s_%(class)s_billable_by_a_rule",
            ),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__range=(0, 1)),
                name="%(app_label)s_%(class)s_confidence_in_range",
            ),
        ]
        indexes = [
            # All answers of an annotator over time: accuracy and throughput.
            models.Index(fields=["annotator", "submitted_at"], name="quality_judgment_annotator"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} {self.task}: {self.label}"


class GoldAnswer(models.Model):
    """The known right answer of a task; one in force per task."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="gold", verbose_name=_("task"))
    label = models.CharField(_("label"), max_length=200, blank=True)
    answer = models.JSONField(
        _("answer"),
        null=True,
        blank=True,
        help_text=_("in full, where a label does not say it: boxes, spans, text"),
    )
    source = models.CharField(_("source"), max_length=12, choices=GoldSource)
    adjudication = models.ForeignKey(
        "quality.Adjudication",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("adjudication"),
    )
    review = models.ForeignKey(
        "quality.Review",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("quality review"),
    )
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("set by")
    )
    set_at = models.DateTimeField(_("set"))
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)
    retire_reason = models.CharField(_("why retired"), max_length=300, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("gold answer")
        verbose_name_plural = _("gold answers")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(retired_at__isnull=True),
                name="%(app_label)s_%(class)s_one_in_force",
                violation_error_message=_("The task has a gold answer in force."),
            ),
            models.CheckConstraint(
                condition=~Q(label="") | Q(answer__isnull=False),
                name="%(app_label)s_%(class)s_has_answer",
                violation_error_message=_("Gold says what the right answer is."),
            ),
            models.CheckConstraint(
                condition=~Q(source="adjudication") | Q(adjudication__isnull=False),
                name="%(app_label)s_%(class)s_names_its_adjudication",
            ),
            models.CheckConstraint(
                condition=~Q(source="review") | Q(review__isnull=False),
                name="%(app_label)s_%(class)s_names_its_review",
            ),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gte=F("set_at")),
                name="%(app_label)s_%(class)s_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.label}"
