"""Assignments: one annotator's hold on one task."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field
from routing.choices import AssignmentState
from routing.models.tasks import Task
from workforce.models import Annotator


class Assignment(models.Model):
    """One annotator's hold on one task, from reservation to its end."""

    public_id = public_id_field()
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="assignments", verbose_name=_("task")
    )
    annotator = models.ForeignKey(
        Annotator, models.PROTECT, related_name="assignments", verbose_name=_("annotator")
    )
    state = models.CharField(
        _("state"), max_length=12, choices=AssignmentState, default=AssignmentState.RESERVED
    )
    effort_seconds = models.FloatField(_("expected effort"), default=0.0)
    reserved_at = models.DateTimeField(_("reserved"))
    lease_until = models.DateTimeField(_("lease until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["task", "annotator"],
                condition=Q(state__in=("reserved", "in_progress", "submitted")),
                name="%(app_label)s_%(class)s_task_once_a_person",
                violation_error_message=_("This annotator has or had this task."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=AssignmentState.values),
                name="%(app_label)s_%(class)s_state_known",
            ),
            models.CheckConstraint(
                condition=Q(lease_until__gt=F("reserved_at")),
                name="%(app_label)s_%(class)s_lease_in_order",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("reserved", "in_progress"), ended_at__isnull=True)
                | Q(~Q(state__in=("reserved", "in_progress")), ended_at__isnull=False),
                name="%(app_label)s_%(class)s_ended_has_a_time",
            ),
        ]
        indexes = [
            # Who holds what now, and whose lease is over.
            models.Index(
                fields=["annotator", "lease_until"],
                condition=Q(state__in=("reserved", "in_progress")),
                name="routing_assignment_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} {self.task}"
