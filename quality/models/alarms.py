"""Alarms: what the house has to look at, who does, and what came of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field, steps_rule
from quality.choices import ALARM_TRANSITIONS, AlarmKind, AlarmOutcome, AlarmState
from routing.models import GuidelineVersion, Project, Task, TaskType
from workforce.models import Annotator, Skill


class Alarm(models.Model):
    """Something that a chart, a measurement or a check found out of order.

    `subject` says what it is about in one word per part (see `services.alarms.Subject`); there is
    one open alarm per kind and subject, which is raised again instead of doubled. A closed alarm
    has an outcome, a comment and an owner, for good.
    """

    public_id = public_id_field()
    kind = models.CharField(_("kind"), max_length=10, choices=AlarmKind)
    subject = models.CharField(_("about"), max_length=300, editable=False)
    annotator = models.ForeignKey(
        Annotator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="alarms",
        verbose_name=_("annotator"),
    )
    skill = models.ForeignKey(
        Skill, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("skill")
    )
    project = models.ForeignKey(
        Project,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="alarms",
        verbose_name=_("project"),
    )
    task_type = models.ForeignKey(
        TaskType,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("task type"),
    )
    guideline = models.ForeignKey(
        GuidelineVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("guideline version"),
    )
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("task")
    )
    text = models.JSONField(
        _("what was found"), help_text=_("pattern and values, to be told in any language")
    )
    details = models.JSONField(_("details"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=AlarmState, default=AlarmState.OPEN)
    steps = models.PositiveSmallIntegerField(_("steps taken"), default=0, editable=False)
    times = models.PositiveIntegerField(_("times raised"), default=1)
    opened_at = models.DateTimeField(_("opened"))
    raised_at = models.DateTimeField(_("last raised"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=AlarmOutcome, blank=True)
    comment = models.TextField(_("what was done"), blank=True)
    quiet_until = models.DateTimeField(
        _("not again until"),
        null=True,
        blank=True,
        help_text=_("known and accepted: the same is not raised before"),
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = ("-opened_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=~Q(state="closed"),
                name="%(app_label)s_%(class)s_one_open",
                violation_error_message=_("There is an open alarm of this already."),
            ),
            models.CheckConstraint(
                condition=Q(kind__in=AlarmKind.values) & Q(state__in=AlarmState.values),
                name="%(app_label)s_%(class)s_words_known",
            ),
            models.CheckConstraint(
                condition=Q(state="open", owner__isnull=True)
                | (~Q(state="open") & Q(owner__isnull=False)),
                name="%(app_label)s_%(class)s_in_hand_has_an_owner",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="closed", closed_at__isnull=False, outcome__in=AlarmOutcome.values)
                    & ~Q(comment="")
                )
                | (~Q(state="closed") & Q(closed_at__isnull=True, outcome="", comment="")),
                name="%(app_label)s_%(class)s_closed_has_an_outcome",
                violation_error_message=_("A closed alarm says what came of it."),
            ),
            models.CheckConstraint(
                condition=Q(quiet_until__isnull=True)
                | Q(outcome="known", quiet_until__gt=F("closed_at")),
                name="%(app_label)s_%(class)s_quiet_where_known",
            ),
            models.CheckConstraint(
                condition=Q(raised_at__gte=F("opened_at"), times__gte=1),
                name="%(app_label)s_%(class)s_in_order",
            ),
        ]
        indexes = [
            # The inbox: what is not closed, oldest first.
            models.Index(
                fields=["opened_at"], condition=~Q(state="closed"), name="quality_alarm_inbox"
            ),
            # Whether one that is known and accepted is quiet.
            models.Index(fields=["kind", "subject"], name="quality_alarm_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.about}"

    @property
    def about(self) -> str:
        """What it is about, in words; the rows it names are read with it."""
        parts = (self.annotator, self.skill, self.guideline or self.project, self.task_type)
        found = [str(part) for part in (*parts, self.task) if part is not None]
        name = self.details.get("name", "")
        return " · ".join([*found, name] if name else found)


class AlarmStep(models.Model):
    """One change of an alarm's state; never changed nor deleted."""

    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="history_steps")
    sequence = models.PositiveSmallIntegerField(_("sequence"))
    from_state = models.CharField(_("from"), max_length=10, choices=AlarmState)
    to_state = models.CharField(_("to"), max_length=10, choices=AlarmState)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of an alarm")
        verbose_name_plural = _("steps of alarms")
        ordering = ("alarm", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["alarm", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(ALARM_TRANSITIONS, "from_state", "to_state"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such change of state."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
