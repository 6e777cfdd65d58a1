"""Assignments: one annotator's hold on one task, and every step of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field, steps_rule
from routing.choices import (
    ASSIGNMENT_TRANSITIONS,
    AssignmentState,
    Purpose,
    SkipReason,
)
from routing.models.catalogue import GuidelineVersion
from routing.models.runs import Decision
from routing.models.tasks import Task
from workforce.models import Annotator, Pool

SEATED = Q(state__in=("reserved", "in_progress", "submitted"))
LIVE = Q(state__in=("reserved", "in_progress"))


class Assignment(models.Model):
    """One annotator's hold on one task, from reservation to its end.

    `human` is the person row of the annotator, or minus the annotator's id where there is none: two
    accounts of one human being never both have a task, and who answered a task never reviews it
    (one constraint says both). A label takes a seat of the task's placement; gold, qualification,
    review and adjudication take none.
    """

    public_id = public_id_field()
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="assignments", verbose_name=_("task")
    )
    annotator = models.ForeignKey(
        Annotator, models.PROTECT, related_name="assignments", verbose_name=_("annotator")
    )
    human = models.BigIntegerField(_("human being"), editable=False)
    # Each claim and submission writes to every index: none is kept by which nothing is looked up.
    pool = models.ForeignKey(
        Pool, models.PROTECT, related_name="+", db_index=False, verbose_name=_("pool")
    )
    purpose = models.CharField(_("purpose"), max_length=14, choices=Purpose, default=Purpose.LABEL)
    attempt = models.PositiveSmallIntegerField(
        _("attempt"), default=1, help_text=_("the task's when it was taken")
    )
    # What sent it here; runs may be cleared away, the judgment stays.
    decision = models.ForeignKey(
        Decision,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decision"),
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
    state = models.CharField(
        _("state"), max_length=12, choices=AssignmentState, default=AssignmentState.RESERVED
    )
    steps = models.PositiveSmallIntegerField(_("steps taken"), default=0, editable=False)
    effort_seconds = models.FloatField(_("expected effort"), default=0.0)
    day = models.DateField(
        _("day"), help_text=_("in the operation's zone; caps of a day count by it")
    )
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("assigned by"),
        help_text=_("empty = the annotator took it"),
    )
    reserved_at = models.DateTimeField(_("reserved"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    lease_until = models.DateTimeField(_("lease until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    deferred_at = models.DateTimeField(
        _("put off"), null=True, blank=True, help_text=_("skipped to the end of one's own queue")
    )
    skip_reason = models.CharField(
        _("skipped since"), max_length=10, choices=SkipReason, blank=True
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["task", "human", "attempt"],
                condition=SEATED,
                name="%(app_label)s_%(class)s_task_once_a_human",
                violation_error_message=_("This person has or had this task."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=AssignmentState.values) & Q(purpose__in=Purpose.values),
                name="%(app_label)s_%(class)s_words_known",
            ),
            models.CheckConstraint(
                condition=Q(lease_until__gt=F("reserved_at")),
                name="%(app_label)s_%(class)s_lease_in_order",
            ),
            models.CheckConstraint(
                condition=(LIVE & Q(ended_at__isnull=True)) | (~LIVE & Q(ended_at__isnull=False)),
                name="%(app_label)s_%(class)s_ended_has_a_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="skipped") | ~Q(skip_reason=""),
                name="%(app_label)s_%(class)s_skip_has_a_reason",
                violation_error_message=_("A skip says why."),
            ),
            models.CheckConstraint(
                condition=Q(attempt__gte=1), name="%(app_label)s_%(class)s_attempt_from_one"
            ),
        ]
        indexes = [
            # Who holds what now: own queue, limit of work in progress.
            models.Index(
                fields=["annotator", "lease_until"], condition=LIVE, name="routing_assignment_live"
            ),
            # Whose lease is over.
            models.Index(fields=["lease_until"], condition=LIVE, name="routing_assignment_lease"),
            # What a human being took on a day: daily cap and exposure cap.
            models.Index(fields=["human", "day"], name="routing_assignment_day"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} {self.task}"


class AssignmentStep(models.Model):
    """One change of an assignment's state; never changed nor deleted."""

    # The unique constraint on its number has the index; nobody asks for the steps of an actor.
    assignment = models.ForeignKey(
        Assignment, models.CASCADE, related_name="history_steps", db_index=False
    )
    sequence = models.PositiveSmallIntegerField(_("sequence"))
    from_state = models.CharField(_("from"), max_length=12, choices=AssignmentState)
    to_state = models.CharField(_("to"), max_length=12, choices=AssignmentState)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("by"),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of an assignment")
        verbose_name_plural = _("steps of assignments")
        ordering = ("assignment", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(ASSIGNMENT_TRANSITIONS, "from_state", "to_state"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such change of state."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
