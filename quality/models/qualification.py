"""Qualification sets: gold that is asked openly, and verifies a level of a skill."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from common.fields import public_id_field
from quality.choices import TryState
from routing.models import Task
from workforce.choices import MAX_LEVEL
from workforce.models import Annotator, Skill


class QualificationSet(models.Model):
    """Tasks of known answer by which the house verifies a skill before real work.

    A try asks `size` of them that the person has not seen; the share right sets the level. One set
    of a skill is in force.
    """

    public_id = public_id_field()
    skill = models.ForeignKey(
        Skill, models.PROTECT, related_name="qualification_sets", verbose_name=_("skill")
    )
    name = models.CharField(_("name"), max_length=200)
    size = models.PositiveSmallIntegerField(
        _("tasks of a try"), default=20, help_text=_("20 or more: results are told in sums only")
    )
    levels = models.JSONField(
        _("levels"), help_text=_("share right from which each level is given, e.g. 3: 0.8, 4: 0.9")
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=2, help_text=_("at most"))
    wait_days = models.PositiveSmallIntegerField(
        _("days between tries"), default=7, help_text=_("from the end of one to the next")
    )
    lease_minutes = models.PositiveSmallIntegerField(_("lease"), default=60)
    is_active = models.BooleanField(_("in force"), default=False)
    created_at = models.DateTimeField(_("made"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("qualification set")
        verbose_name_plural = _("qualification sets")
        ordering = ("skill", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["skill"],
                condition=Q(is_active=True),
                name="%(app_label)s_%(class)s_one_in_force",
                violation_error_message=_("The skill has a qualification set in force."),
            ),
            models.CheckConstraint(
                condition=Q(size__gte=20, size__lte=500, tries__range=(1, 100))
                & Q(lease_minutes__range=(1, 1440)),
                name="%(app_label)s_%(class)s_limits_in_range",
                violation_error_message=_(
                    "A try has 20 to 500 tasks, a set 1 to 100 tries, a lease 1 to 1,440 minutes."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class QualificationItem(models.Model):
    """One task of a set; never mixed unseen into work."""

    set = models.ForeignKey(
        QualificationSet, models.CASCADE, related_name="items", verbose_name=_("set")
    )
    task = models.OneToOneField(
        Task, models.PROTECT, related_name="qualification_item", verbose_name=_("task")
    )

    class Meta:
        verbose_name = _("task of a qualification set")
        verbose_name_plural = _("tasks of a qualification set")
        ordering = ("set", "pk")

    def __str__(self) -> str:
        return str(self.task)


class QualificationTry(models.Model):
    """One try of a human being at a set: what was asked, how much was right, what level it gave."""

    public_id = public_id_field()
    set = models.ForeignKey(
        QualificationSet, models.PROTECT, related_name="tried", verbose_name=_("set")
    )
    annotator = models.ForeignKey(
        Annotator, models.PROTECT, related_name="qualification_tries", verbose_name=_("annotator")
    )
    human = models.BigIntegerField(_("human being"), editable=False)
    number = models.PositiveSmallIntegerField(_("try"))
    tasks = models.ManyToManyField(Task, related_name="+", verbose_name=_("tasks"))
    state = models.CharField(_("state"), max_length=9, choices=TryState, default=TryState.OPEN)
    asked = models.PositiveSmallIntegerField(_("asked"))
    right = models.PositiveSmallIntegerField(_("right"), null=True, blank=True)
    level = models.PositiveSmallIntegerField(_("level given"), null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("started by")
    )
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("try at a qualification")
        verbose_name_plural = _("tries at qualifications")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["set", "human", "number"], name="%(app_label)s_%(class)s_number_once"
            ),
            models.UniqueConstraint(
                fields=["set", "human"],
                condition=Q(state="open"),
                name="%(app_label)s_%(class)s_one_open",
                violation_error_message=_("A try is under way."),
            ),
            models.CheckConstraint(
                condition=Q(state="open", finished_at__isnull=True, right__isnull=True)
                | Q(state="withdrawn", finished_at__isnull=False)
                | Q(
                    state__in=("passed", "failed"),
                    finished_at__isnull=False,
                    right__isnull=False,
                    right__lte=F("asked"),
                ),
                name="%(app_label)s_%(class)s_finished_has_a_result",
            ),
            models.CheckConstraint(
                condition=Q(state="passed", level__isnull=False, level__range=(1, MAX_LEVEL))
                | (~Q(state="passed") & Q(level__isnull=True)),
                name="%(app_label)s_%(class)s_passed_gives_a_level",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} {self.set} {self.number}"
