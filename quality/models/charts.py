"""What watches over errors: drift charts of series, and errors by segment."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field
from quality.choices import SegmentKind
from routing.models import GuidelineVersion, Project, TaskType
from workforce.models import Annotator, Skill


class DriftChart(models.Model):
    """A Bernoulli CUSUM over checked answers: an annotator's in a skill, or a guideline version's.

    `level` rises by `up` with a wrong answer, falls by `down` with a right one, not below 0; at
    `limit` there is an alarm and the chart begins anew (`since`, `since_judgment`). At the usual
    share of errors p0 a false alarm comes every `run_length` checked answers on average; at p1 the
    alarm comes after `detection`. The row is what a replay of the evidence found last.
    """

    public_id = public_id_field()
    annotator = models.ForeignKey(
        Annotator,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="drift",
        verbose_name=_("annotator"),
    )
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+", verbose_name=_("skill"))
    guideline = models.ForeignKey(
        GuidelineVersion,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="drift",
        verbose_name=_("guideline version"),
    )
    p0 = models.FloatField(_("usual share of errors"))
    p1 = models.FloatField(_("share of errors looked for"))
    up = models.PositiveIntegerField(_("up"))
    down = models.PositiveIntegerField(_("down"))
    limit = models.PositiveIntegerField(_("limit"))
    run_length = models.FloatField(_("checked answers between false alarms"))
    detection = models.FloatField(_("checked answers until a drift is found"))
    since = models.DateTimeField(
        _("since"), help_text=_("evidence that became known after it counts")
    )
    since_judgment = models.BigIntegerField(default=0, editable=False)
    level = models.PositiveIntegerField(_("level"), default=0)
    answers = models.PositiveIntegerField(_("checked answers"), default=0)
    wrong = models.PositiveIntegerField(_("wrong ones"), default=0)
    alarms = models.PositiveIntegerField(_("alarms"), default=0)
    evidence_to = models.DateTimeField(_("evidence to"), null=True, blank=True)
    created_at = models.DateTimeField(_("made"))
    updated_at = models.DateTimeField(_("looked at"))

    class Meta:
        verbose_name = _("drift chart")
        verbose_name_plural = _("drift charts")
        ordering = ("-level", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "skill"],
                condition=Q(annotator__isnull=False),
                name="%(app_label)s_%(class)s_once",
            ),
            models.UniqueConstraint(
                fields=["guideline", "skill"],
                condition=Q(guideline__isnull=False),
                name="%(app_label)s_%(class)s_once_a_version",
            ),
            models.CheckConstraint(
                condition=Q(annotator__isnull=False, guideline__isnull=True)
                | Q(annotator__isnull=True, guideline__isnull=False),
                name="%(app_label)s_%(class)s_of_one_series",
            ),
            models.CheckConstraint(
                condition=Q(p0__gt=0, p0__lt=F("p1"), p1__lt=1)
                & Q(up__gte=1, down__gte=1, limit__gte=1, level__lt=F("limit"))
                & Q(wrong__lte=F("answers")),
                name="%(app_label)s_%(class)s_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.annotator or self.guideline} · {self.skill}"


class BiasReport(models.Model):
    """Errors by segment of the checked answers to one task type of one project, as of a time.

    One answer per task. All segments of all kinds are one family of tests: `worse` has no false one
    among them with the chance 1 − alpha (Holm), or a share of alpha of false ones among them
    (Benjamini–Hochberg).
    """

    public_id = public_id_field()
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="bias", verbose_name=_("project")
    )
    task_type = models.ForeignKey(
        TaskType, models.PROTECT, related_name="+", verbose_name=_("task type")
    )
    as_of = models.DateTimeField(_("as of"))
    method = models.CharField(_("correction"), max_length=20)
    alpha = models.FloatField(_("alpha"))
    answers = models.PositiveIntegerField(_("checked answers"))
    wrong = models.PositiveIntegerField(_("wrong ones"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by")
    )

    class Meta:
        verbose_name = _("errors by segment")
        verbose_name_plural = _("errors by segment")
        ordering = ("-as_of", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["project", "task_type", "as_of"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(alpha__gt=0, alpha__lt=1, wrong__lte=F("answers")),
                name="%(app_label)s_%(class)s_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.task_type}"


class BiasSegment(models.Model):
    """One segment: its error rate with its Wilson interval (95 %), held against all others."""

    report = models.ForeignKey(BiasReport, models.CASCADE, related_name="segments")
    kind = models.CharField(_("kind"), max_length=12, choices=SegmentKind)
    segment = models.CharField(_("segment"), max_length=200, blank=True)
    answers = models.PositiveIntegerField(_("checked answers"))
    wrong = models.PositiveIntegerField(_("wrong ones"))
    rate = models.FloatField(_("share wrong"))
    lower = models.FloatField(_("from"))
    upper = models.FloatField(_("to"))
    difference = models.FloatField(
        _("difference"), null=True, help_text=_("to all others; empty = there are none")
    )
    p_value = models.FloatField(_("p"))
    adjusted = models.FloatField(_("p, adjusted"))
    worse = models.BooleanField(_("worse"))

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ("report", "adjusted", "kind", "segment")
        constraints = [
            models.UniqueConstraint(
                fields=["report", "kind", "segment"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=SegmentKind.values), name="%(app_label)s_%(class)s_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.segment}"
