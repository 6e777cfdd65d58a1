"""Relabelling: which tasks a changed guideline touches, and having exactly those worked anew."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field, steps_rule
from quality.choices import RELABEL_TRANSITIONS, RelabelState, RelabelWhy
from quality.models.checks import Label
from routing.choices import TaskState
from routing.models import GuidelineVersion, Project, Task


class Relabel(models.Model):
    """A preview of the tasks that a new guideline version touches, and what was made of it.

    The list is drawn up once; applying it reopens exactly those of its tasks that are still as they
    were, keeps their judgments, and can be undone while none of them was answered.
    """

    public_id = public_id_field()
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="relabels", verbose_name=_("project")
    )
    from_version = models.ForeignKey(
        GuidelineVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("old version"),
    )
    to_version = models.ForeignKey(
        GuidelineVersion, models.PROTECT, related_name="+", verbose_name=_("new version")
    )
    query = models.JSONField(_("query"), default=dict, help_text=_("labels, fields, dates"))
    changes = models.JSONField(_("what changed"), default=list)
    state = models.CharField(
        _("state"), max_length=10, choices=RelabelState, default=RelabelState.LISTED
    )
    steps = models.PositiveSmallIntegerField(_("steps taken"), default=0, editable=False)
    tasks = models.PositiveIntegerField(_("tasks listed"), default=0)
    reopened = models.PositiveIntegerField(_("tasks reopened"), default=0)
    passed = models.PositiveIntegerField(
        _("tasks passed over"), default=0, help_text=_("that had changed since they were listed")
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made"))
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("relabelling")
        verbose_name_plural = _("relabellings")
        ordering = ("-made_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(state__in=("applying", "undoing")),
                name="%(app_label)s_%(class)s_one_under_way",
                violation_error_message=_("Another relabelling of the project is under way."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=RelabelState.values),
                name="%(app_label)s_%(class)s_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("applied", "undoing", "undone"))
                | Q(applied_at__isnull=False),
                name="%(app_label)s_%(class)s_applied_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="undone") | Q(undone_at__isnull=False),
                name="%(app_label)s_%(class)s_undone_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.from_version_number} → v{self.to_version.number}"

    @property
    def from_version_number(self) -> str:
        """The old version, in words."""
        return f"v{self.from_version.number}" if self.from_version is not None else "–"


class RelabelStep(models.Model):
    """One change of a relabelling's state; never changed nor deleted."""

    relabel = models.ForeignKey(Relabel, models.CASCADE, related_name="history_steps")
    sequence = models.PositiveSmallIntegerField(_("sequence"))
    from_state = models.CharField(_("from"), max_length=10, choices=RelabelState)
    to_state = models.CharField(_("to"), max_length=10, choices=RelabelState)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a relabelling")
        verbose_name_plural = _("steps of relabellings")
        ordering = ("relabel", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["relabel", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(RELABEL_TRANSITIONS, "from_state", "to_state"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such change of state."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class RelabelTask(models.Model):
    """A task that a relabelling lists, as it was then, and what became of it.

    `label` is the accepted one that ends, `checks` what was called off with it: undoing puts both
    back.
    """

    relabel = models.ForeignKey(Relabel, models.CASCADE, related_name="listed")
    task = models.ForeignKey(Task, models.CASCADE, related_name="relabels", verbose_name=_("task"))
    why = models.CharField(_("why"), max_length=10, choices=RelabelWhy)
    what = models.CharField(_("label or field"), max_length=200, blank=True)
    state = models.CharField(_("state then"), max_length=10, choices=TaskState)
    attempt = models.PositiveSmallIntegerField(_("attempt then"))
    guideline = models.ForeignKey(
        GuidelineVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("guideline version then"),
    )
    label = models.ForeignKey(
        Label, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("label then")
    )
    checks = models.JSONField(_("checks called off"), default=dict, blank=True)
    seats = models.JSONField(_("seats then"), null=True, blank=True)
    reopened_at = models.DateTimeField(_("reopened"), null=True, blank=True)
    passed = models.CharField(
        _("passed over"), max_length=100, blank=True, help_text=_("why it was left as it is")
    )
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("task of a relabelling")
        verbose_name_plural = _("tasks of relabellings")
        ordering = ("relabel", "task")
        constraints = [
            models.UniqueConstraint(
                fields=["relabel", "task"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(passed="") | Q(reopened_at__isnull=True),
                name="%(app_label)s_%(class)s_reopened_or_passed",
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(reopened_at__isnull=False),
                name="%(app_label)s_%(class)s_undone_was_reopened",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("held", "answered", "accepted")),
                name="%(app_label)s_%(class)s_was_answered",
            ),
        ]
        indexes = [
            # What is still to be reopened.
            models.Index(
                fields=["relabel", "task"],
                condition=Q(reopened_at__isnull=True, passed=""),
                name="quality_relabel_to_do",
            ),
        ]

    def __str__(self) -> str:
        return str(self.task)
