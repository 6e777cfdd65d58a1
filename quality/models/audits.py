"""Statistical audits: lots of accepted labels, and the sample that was drawn of each."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field
from quality.choices import InspectionLevel, LotPlan, LotState
from quality.models.checks import Label, Review
from routing.choices import Band
from routing.models import Project, TaskType
from workforce.models import Pool


class AuditLot(models.Model):
    """Labels accepted in a time, of which a sample is reviewed to accept or reject them all.

    The lot is what was in force when it was drawn: labels of the project (and task type) accepted
    in [since, until), in the order of their public ids; `digest` is theirs. With seed and plan
    anybody can draw the sample again.
    """

    public_id = public_id_field()
    project = models.ForeignKey(
        Project, models.PROTECT, related_name="audit_lots", verbose_name=_("project")
    )
    task_type = models.ForeignKey(
        TaskType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("task type"),
        help_text=_("empty = all of the project's"),
    )
    since = models.DateTimeField(_("accepted from"))
    until = models.DateTimeField(_("accepted until"), help_text=_("exclusive"))
    labels = models.PositiveIntegerField(_("labels in the lot"))
    digest = models.CharField(_("digest of the labels"), max_length=64)
    plan = models.CharField(_("plan"), max_length=8, choices=LotPlan)
    aql = models.FloatField(
        _("AQL"), null=True, blank=True, help_text=_("percent wrong that is mostly accepted")
    )
    level = models.CharField(
        _("inspection level"), max_length=3, choices=InspectionLevel, blank=True
    )
    severity = models.CharField(
        _("severity"),
        max_length=9,
        blank=True,
        help_text=_("normal, or tightened after rejections"),
    )
    letter = models.CharField(_("code letter"), max_length=1, blank=True)
    acceptable = models.FloatField(_("acceptable share wrong"), null=True, blank=True)
    limiting = models.FloatField(_("limiting share wrong"), null=True, blank=True)
    producer_risk = models.FloatField(_("risk of rejecting good work"), null=True, blank=True)
    consumer_risk = models.FloatField(_("risk of accepting bad work"), null=True, blank=True)
    size = models.PositiveIntegerField(_("sample"))
    accept = models.PositiveIntegerField(
        _("acceptance number"), help_text=_("accepted with at most so many wrong")
    )
    limiting_units = models.PositiveIntegerField(
        _("limiting quality"),
        null=True,
        blank=True,
        help_text=_("wrong labels of the lot that are accepted one time in ten"),
    )
    seed = models.BigIntegerField(_("seed"))
    strata = models.JSONField(
        _("strata"), default=dict, help_text=_("by band of risk: labels of the lot, drawn of them")
    )
    resume_reason = models.CharField(_("why inspection was resumed"), max_length=300, blank=True)
    pool = models.ForeignKey(
        Pool,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reviewing pool"),
        help_text=_("empty = anybody of the house who may"),
    )
    state = models.CharField(_("state"), max_length=9, choices=LotState, default=LotState.DRAWN)
    wrong = models.PositiveIntegerField(_("wrong in the sample"), null=True, blank=True)
    fewest = models.PositiveIntegerField(_("fewest wrong in the lot"), null=True, blank=True)
    most = models.PositiveIntegerField(_("most wrong in the lot"), null=True, blank=True)
    confidence = models.FloatField(
        _("confidence"), default=0.95, help_text=_("of the two bounds together")
    )
    reworked = models.PositiveIntegerField(_("tasks sent to rework"), default=0)
    resubmission_of = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="resubmissions",
        verbose_name=_("resubmission of"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("drawn by")
    )
    created_at = models.DateTimeField(_("drawn"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    cancel_reason = models.CharField(_("why cancelled"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("audit")
        verbose_name_plural = _("audits")
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(since__lt=F("until")),
                name="%(app_label)s_%(class)s_time_in_order",
                violation_error_message=_("A time ends after it begins."),
            ),
            models.CheckConstraint(
                condition=Q(size__gte=1, size__lte=F("labels"), seed__gte=0),
                name="%(app_label)s_%(class)s_sample_within",
            ),
            models.CheckConstraint(
                condition=Q(plan="standard", aql__isnull=False)
                & ~Q(level="")
                & Q(severity__in=("normal", "tightened"))
                | Q(plan="own", acceptable__isnull=False, limiting__isnull=False),
                name="%(app_label)s_%(class)s_plan_is_told",
            ),
            # Nobody accepts a lot that its plan rejects, whatever the code does.
            models.CheckConstraint(
                condition=Q(state__in=("drawn", "cancelled"))
                | Q(
                    state="accepted",
                    wrong__lte=F("accept"),
                    decided_at__isnull=False,
                    fewest__isnull=False,
                    most__isnull=False,
                    wrong__isnull=False,
                )
                | Q(
                    state="rejected",
                    wrong__gt=F("accept"),
                    decided_at__isnull=False,
                    fewest__isnull=False,
                    most__isnull=False,
                    wrong__isnull=False,
                ),
                name="%(app_label)s_%(class)s_decided_by_its_plan",
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | ~Q(cancel_reason=""),
                name="%(app_label)s_%(class)s_cancelled_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(confidence__gt=0, confidence__lt=1),
                name="%(app_label)s_%(class)s_confidence_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.since:%Y-%m-%d} – {self.until:%Y-%m-%d}"


class AuditItem(models.Model):
    """One label of a lot's sample, with the chance at which it was drawn."""

    lot = models.ForeignKey(AuditLot, models.CASCADE, related_name="items", verbose_name=_("audit"))
    label = models.ForeignKey(Label, models.PROTECT, related_name="+", verbose_name=_("label"))
    stratum = models.CharField(_("risk"), max_length=8, choices=Band)
    probability = models.FloatField(_("probability"))
    review = models.OneToOneField(
        Review, models.PROTECT, related_name="audit_item", verbose_name=_("quality review")
    )
    wrong = models.BooleanField(_("wrong"), null=True, blank=True)

    class Meta:
        verbose_name = _("label of an audit")
        verbose_name_plural = _("labels of an audit")
        ordering = ("lot", "pk")
        constraints = [
            models.UniqueConstraint(fields=["lot", "label"], name="%(app_label)s_%(class)s_once"),
            models.CheckConstraint(
                condition=Q(probability__gt=0, probability__lte=1),
                name="%(app_label)s_%(class)s_probability_in_range",
            ),
        ]

    def __str__(self) -> str:
        return str(self.label)
