"""Pushes: a shift's tasks given to people within their hours, planned, edited, then committed."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import CurrencyField, public_id_field, steps_rule
from routing.choices import OPEN_PUSHES, PUSH_TRANSITIONS, PushState, PushWhy
from routing.models.assignments import Assignment
from routing.models.catalogue import Project
from routing.models.runs import Decision
from routing.models.tasks import Task
from workforce.models import Annotator, Pool


class Push(models.Model):
    """The plan of a pool's day: which of its placed tasks goes to whom.

    `people` are those who were asked: [{"annotator": id, "hours": still to come that day, "until":
    end of their work, "busy": hours of what they have in hand}]. `lower_bound` is proven: no plan
    within the same hours costs less, what is left counting as `leaving` each line's price.
    """

    public_id = public_id_field()
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="+", verbose_name=_("pool"))
    day = models.DateField(_("day"), help_text=_("in the operation's zone"))
    projects = models.ManyToManyField(
        Project,
        blank=True,
        related_name="+",
        verbose_name=_("projects"),
        help_text=_("empty = all that have work placed on the pool"),
    )
    beyond_limit = models.BooleanField(
        _("beyond the tasks in hand"),
        default=False,
        help_text=_(
            "give more than the projects' limits of tasks in hand: they are meant for what people "
            "take themselves"
        ),
    )
    state = models.CharField(
        _("state"), max_length=10, choices=PushState, default=PushState.PLANNING
    )
    steps = models.PositiveSmallIntegerField(_("steps taken"), default=0, editable=False)
    currency = CurrencyField(_("currency"))
    people = models.JSONField(_("people"), default=list)
    planned_at = models.DateTimeField(_("planned"), null=True, blank=True)
    planned_cost = models.FloatField(_("cost as planned"), null=True, blank=True)
    lower_bound = models.FloatField(
        _("lower bound"), null=True, blank=True, help_text=_("no plan costs less")
    )
    further = models.PositiveIntegerField(
        _("further tasks"), default=0, help_text=_("less urgent ones, which were not looked at")
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made"))
    committed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("committed by"),
    )
    committed_at = models.DateTimeField(_("committed"), null=True, blank=True)

    class Meta:
        verbose_name = _("push of a shift")
        verbose_name_plural = _("pushes of shifts")
        ordering = ("-made_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "day"],
                condition=Q(state__in=sorted(OPEN_PUSHES)),
                name="%(app_label)s_%(class)s_one_open",
                violation_error_message=_("A push of this pool and day is open already."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=PushState.values), name="%(app_label)s_%(class)s_state_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=("committed", "undone"),
                    committed_at__isnull=False,
                    committed_by__isnull=False,
                )
                | Q(
                    state__in=("planning", "draft", "discarded"),
                    committed_at__isnull=True,
                    committed_by__isnull=True,
                ),
                name="%(app_label)s_%(class)s_committed_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("planning", "discarded"))
                | Q(
                    planned_at__isnull=False,
                    planned_cost__isnull=False,
                    lower_bound__isnull=False,
                    lower_bound__lte=F("planned_cost"),
                ),
                name="%(app_label)s_%(class)s_planned_with_its_bound",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pool} {self.day}"


class PushStep(models.Model):
    """One change of a push's state; never changed nor deleted."""

    push = models.ForeignKey(Push, models.CASCADE, related_name="history_steps")
    sequence = models.PositiveSmallIntegerField(_("sequence"))
    from_state = models.CharField(_("from"), max_length=10, choices=PushState)
    to_state = models.CharField(_("to"), max_length=10, choices=PushState)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a push")
        verbose_name_plural = _("steps of pushes")
        ordering = ("push", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["push", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(PUSH_TRANSITIONS, "from_state", "to_state"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such change of state."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class PushLine(models.Model):
    """A task of a push and who is to have it; nobody, for a reason.

    `cost` is the expected money of the task with this annotator: work and errors; `leaving` is the
    price of leaving it, the higher the more urgent it is. `gate` is the code of a shut gate (see
    routing.core.gates). `assignment` is what committing made of the line.
    """

    push = models.ForeignKey(Push, models.CASCADE, related_name="lines")
    task = models.ForeignKey(Task, models.CASCADE, related_name="+", verbose_name=_("task"))
    decision = models.ForeignKey(
        Decision,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decision"),
    )
    rank = models.PositiveIntegerField(_("rank"), help_text=_("0 = the most urgent"))
    annotator = models.ForeignKey(
        Annotator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("annotator"),
    )
    effort_seconds = models.FloatField(_("expected effort"), default=0.0)
    cost = models.FloatField(_("expected cost"), default=0.0)
    leaving = models.FloatField(_("price of leaving it"), default=0.0)
    edited = models.BooleanField(_("edited by hand"), default=False)
    why = models.CharField(_("why to nobody"), max_length=10, choices=PushWhy, blank=True)
    gate = models.PositiveSmallIntegerField(_("gate"), default=0)
    assignment = models.OneToOneField(
        Assignment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="push_line",
        verbose_name=_("assignment"),
    )

    class Meta:
        verbose_name = _("task of a push")
        verbose_name_plural = _("tasks of pushes")
        ordering = ("push", "rank")
        constraints = [
            models.UniqueConstraint(
                fields=["push", "task"],
                name="%(app_label)s_%(class)s_task_once",
                violation_error_message=_("A push has a task once."),
            ),
            models.CheckConstraint(
                condition=Q(annotator__isnull=False) | ~Q(why=""),
                name="%(app_label)s_%(class)s_given_or_why",
            ),
            models.CheckConstraint(
                condition=Q(assignment__isnull=True) | Q(annotator__isnull=False, why=""),
                name="%(app_label)s_%(class)s_assigned_to_someone",
            ),
            models.CheckConstraint(
                condition=Q(why__in=["", *PushWhy.values]),
                name="%(app_label)s_%(class)s_why_known",
            ),
            models.CheckConstraint(
                condition=Q(effort_seconds__gte=0), name="%(app_label)s_%(class)s_effort"
            ),
        ]
        indexes = [
            # One person's tasks on the page, in order.
            models.Index(fields=["push", "annotator", "rank"], name="routing_pushline_person"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} → {self.annotator_id or '–'}"
