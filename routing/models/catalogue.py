"""Kinds of work, domains, projects and their guideline versions."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from common.fields import CurrencyField, TimeZoneField, public_id_field
from routing.choices import Metric, Modality, ReworkTo, SamplingOrder, SkipTo
from routing.core.answer_schema import schema_problems
from vendors.models import Vendor
from workforce.models import Annotator, CertificationType, Skill


def validate_answer_schema(value: Any) -> None:
    """Refuse what is no schema of answers."""
    problems = schema_problems(value)
    if problems:
        raise ValidationError(
            _("No schema of answers: %(problems)s."),
            code="answer_schema",
            params={"problems": "; ".join(problems)},
        )


class TaskType(models.Model):
    """A kind of work, as data: the fixture holds the usual ones, users add theirs."""

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    modality = models.CharField(_("modality"), max_length=12, choices=Modality)
    quantity_unit = models.CharField(
        _("quantity unit"), max_length=20, help_text=_("what a size counts: object, second, word")
    )
    effort_base_seconds = models.FloatField(
        _("effort of an item"), help_text=_("seconds of work before any unit is counted")
    )
    effort_unit_seconds = models.FloatField(
        _("effort of a unit"), help_text=_("further seconds for each quantity unit")
    )
    typical_size = models.FloatField(
        _("typical size"), default=1.0, help_text=_("units of a usual item; larger is complex")
    )
    metric = models.CharField(_("metric of agreement"), max_length=10, choices=Metric)
    threshold = models.FloatField(
        _("threshold"), help_text=_("a judgment is right at this score or above, 0 to 1")
    )
    tokens_in_item = models.FloatField(
        _("tokens read for an item"),
        default=0.0,
        help_text=_("of a model: prompt, guideline, image, before any unit is counted"),
    )
    tokens_in_unit = models.FloatField(_("tokens read for a unit"), default=0.0)
    tokens_out_item = models.FloatField(_("tokens written for an answer"), default=0.0)
    tokens_out_unit = models.FloatField(
        _("tokens written for a unit"),
        default=0.0,
        help_text=_("further ones for each quantity unit, as for boxes or transcripts"),
    )
    classes = models.PositiveIntegerField(
        _("classes"), default=2, help_text=_("usual number of classes, for the error of a vote")
    )
    skill = models.ForeignKey(
        Skill,
        models.PROTECT,
        related_name="task_types",
        verbose_name=_("skill"),
        help_text=_("under which its judgments are scored"),
    )
    answer_schema = models.JSONField(
        _("schema of answers"),
        default=dict,
        blank=True,
        validators=[validate_answer_schema],
        help_text=_(
            "JSON Schema (2020-12); x-label names the member that is the label. "
            "Empty = any answer that the metric can compare"
        ),
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("task type")
        verbose_name_plural = _("task types")
        ordering = ("modality", "key")
        constraints = [
            models.CheckConstraint(
                condition=Q(effort_base_seconds__gte=0)
                & Q(effort_unit_seconds__gte=0)
                & Q(typical_size__gt=0),
                name="%(app_label)s_%(class)s_effort_not_negative",
                violation_error_message=_("Effort is not negative, a typical size positive."),
            ),
            models.CheckConstraint(
                condition=Q(tokens_in_item__gte=0)
                & Q(tokens_in_unit__gte=0)
                & Q(tokens_out_item__gte=0)
                & Q(tokens_out_unit__gte=0),
                name="%(app_label)s_%(class)s_tokens_not_negative",
                violation_error_message=_("Tokens are not negative."),
            ),
            models.CheckConstraint(
                condition=Q(threshold__gt=0) & Q(threshold__lte=1),
                name="%(app_label)s_%(class)s_threshold_in_range",
                violation_error_message=_("A threshold is above 0 and at most 1."),
            ),
            models.CheckConstraint(
                condition=Q(classes__gte=2), name="%(app_label)s_%(class)s_two_classes"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def can_vote(self) -> bool:
        """Whether several answers can be put to a vote (labels, not boxes or text)."""
        return self.metric == Metric.EXACT


class Domain(models.Model):
    """A field of knowledge that work may need, with the certificate that proves it."""

    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    certification = models.ForeignKey(
        CertificationType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("certificate asked for"),
    )
    expertise = models.FloatField(
        _("expertise"), default=0.0, help_text=_("how much it adds to complexity, 0 to 1")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("domain")
        verbose_name_plural = _("domains")
        ordering = ("key",)
        constraints = [
            models.CheckConstraint(
                condition=Q(expertise__gte=0) & Q(expertise__lte=1),
                name="%(app_label)s_%(class)s_expertise_in_range",
                violation_error_message=_("Expertise is from 0 to 1."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Project(models.Model):
    """Work of one customer under one set of rules, priced in one currency."""

    public_id = public_id_field()
    key = models.SlugField(_("key"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=200)
    customer = models.CharField(_("customer"), max_length=200, blank=True)
    currency = CurrencyField(_("currency"))
    time_zone = TimeZoneField(_("time zone"))
    error_cost_micro = models.BigIntegerField(
        _("cost of an error"),
        default=0,
        help_text=_("what one wrong label costs"),
    )
    late_cost_micro = models.BigIntegerField(
        _("cost of a late day"),
        default=0,
        help_text=_("per task and day after its due day"),
    )
    excluded_vendors = models.ManyToManyField(
        Vendor,
        blank=True,
        related_name="+",
        verbose_name=_("excluded vendors"),
        help_text=_("conflict of interest: these never touch the project"),
    )
    required_attestations = models.JSONField(
        _("attestations asked for"),
        default=list,
        blank=True,
        help_text=_("kinds that a vendor must hold, e.g. soc2_type2"),
    )
    required_certifications = models.ManyToManyField(
        CertificationType,
        blank=True,
        related_name="+",
        verbose_name=_("certificates asked for"),
    )
    minimum_level = models.PositiveSmallIntegerField(
        _("minimum level"), default=1, help_text=_("of the task type's skill, 1 to 5")
    )
    minimum_clearance = models.PositiveSmallIntegerField(_("minimum clearance"), default=0)
    sampling_order = models.CharField(
        _("order of tasks"), max_length=14, choices=SamplingOrder, default=SamplingOrder.DUE
    )
    random_share = models.FloatField(
        _("random share"), default=0.1, help_text=_("share served at random under such an order")
    )
    reference_hosts = models.JSONField(
        _("hosts of references"),
        default=list,
        blank=True,
        help_text=_("payload references may only point to these hosts"),
    )
    lease_minutes = models.PositiveSmallIntegerField(
        _("lease"),
        default=30,
        help_text=_("minutes without a sign of life after which a task goes back"),
    )
    in_progress_limit = models.PositiveSmallIntegerField(
        _("tasks in hand"), default=5, help_text=_("of the project, by one person at a time")
    )
    skip_to = models.CharField(
        _("skipped tasks go"), max_length=6, choices=SkipTo, default=SkipTo.OTHERS
    )
    lead = models.ForeignKey(
        Annotator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("lead"),
        help_text=_("gets skipped tasks, if they go to the lead"),
    )
    rework_to = models.CharField(
        _("rework goes to"), max_length=7, choices=ReworkTo, default=ReworkTo.SAME
    )
    second_review_share = models.FloatField(
        _("second reviews"),
        default=0.05,
        help_text=_("share of quality reviews that a second person does as well, at random"),
    )
    adjudication_level = models.PositiveSmallIntegerField(
        _("adjudication from level"),
        null=True,
        blank=True,
        help_text=_("own staff of this level of the skill may adjudicate; empty = quality leads"),
    )
    link_template = models.CharField(
        _("link to the labelling tool"),
        max_length=500,
        blank=True,
        help_text=_("https; {task}, {external_id} and {assignment} stand for the ids"),
    )
    is_open = models.BooleanField(_("open"), default=True)
    is_demo = models.BooleanField(_("demo"), default=False, editable=False)
    # The placements in force: flipped in one transaction, so a killed run stays invisible.
    current_run = models.ForeignKey(
        "routing.Run",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("current run"),
    )
    history = HistoricalRecords(excluded_fields=["current_run"])

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ("key",)
        constraints = [
            models.CheckConstraint(
                condition=Q(error_cost_micro__gte=0) & Q(late_cost_micro__gte=0),
                name="%(app_label)s_%(class)s_costs_not_negative",
                violation_error_message=_("Costs are not negative."),
            ),
            models.CheckConstraint(
                condition=Q(random_share__gte=0) & Q(random_share__lte=1),
                name="%(app_label)s_%(class)s_random_is_a_share",
                violation_error_message=_("A share is from 0 to 1."),
            ),
            models.CheckConstraint(
                condition=Q(minimum_level__gte=1)
                & Q(minimum_level__lte=5)
                & Q(minimum_clearance__lte=3),
                name="%(app_label)s_%(class)s_levels_in_range",
                violation_error_message=_("A level is from 1 to 5, a clearance from 0 to 3."),
            ),
            models.CheckConstraint(
                condition=Q(lease_minutes__range=(1, 1440)) & Q(in_progress_limit__range=(1, 1000)),
                name="%(app_label)s_%(class)s_limits_in_range",
                violation_error_message=_(
                    "A lease is from 1 to 1,440 minutes, tasks in hand from 1 to 1,000."
                ),
            ),
            models.CheckConstraint(
                condition=Q(rework_to__in=ReworkTo.values)
                & Q(second_review_share__range=(0, 1))
                & (Q(adjudication_level__isnull=True) | Q(adjudication_level__range=(1, 5))),
                name="%(app_label)s_%(class)s_checks_in_range",
                violation_error_message=_("A share is from 0 to 1, a level from 1 to 5."),
            ),
            models.CheckConstraint(
                condition=Q(skip_to__in=SkipTo.values)
                & (~Q(skip_to="lead") | Q(lead__isnull=False)),
                name="%(app_label)s_%(class)s_lead_named",
                violation_error_message=_("Where skipped tasks go to a lead, name one."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GuidelineVersion(models.Model):
    """One version of a project's labelling rules; its content is frozen by its hash."""

    public_id = public_id_field()
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="guidelines", verbose_name=_("project")
    )
    number = models.PositiveIntegerField(_("version"))
    content = models.TextField(_("content"))
    content_hash = models.CharField(_("SHA-256"), max_length=64, editable=False)
    ontology = models.JSONField(
        _("ontology"), default=dict, blank=True, help_text=_("labels and attributes")
    )
    effective_from = models.DateTimeField(_("effective from"))
    change_note = models.TextField(_("what changed"), blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("guideline version")
        verbose_name_plural = _("guideline versions")
        ordering = ("project", "-number")
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"],
                name="%(app_label)s_%(class)s_number_once",
                violation_error_message=_("The project has this version already."),
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1), name="%(app_label)s_%(class)s_number_from_one"
            ),
            models.CheckConstraint(
                condition=Q(number=1) | ~Q(change_note=""),
                name="%(app_label)s_%(class)s_change_told",
                violation_error_message=_("A new version says what changed."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} v{self.number}"
