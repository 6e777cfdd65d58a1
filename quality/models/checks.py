"""What is done with answers: quality reviews, adjudications, and the accepted labels."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field
from quality.choices import (
    AdjudicationWhy,
    ErrorCategory,
    LabelBy,
    ReviewOutcome,
    ReviewState,
    ReviewWhy,
    Severity,
)
from quality.models.answers import Judgment
from routing.models import Assignment, Decision, Task
from workforce.models import Annotator, Pool


class Review(models.Model):
    """A quality review of one judgment, or of an accepted label: why it was drawn, what came out.

    Double-blind: the reviewer sees the task and the answer, never whose it is; who is reviewed
    sees the outcome in sums, never by whom. `assignment` is the reviewer's hold on the task: the
    one constraint there keeps people from reviewing a task they answered. Only gold and random
    draws count as truth as they are, others by the inverse of `probability`; none where it is
    empty. Of a second review `probability` is that of its own draw, given the first.
    """

    public_id = public_id_field()
    task = models.ForeignKey(Task, models.PROTECT, related_name="reviews", verbose_name=_("task"))
    judgment = models.ForeignKey(
        Judgment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reviews",
        verbose_name=_("judgment"),
    )
    # A label may be nobody's answer, and an audit asks whether it is right, whoever made it.
    accepted = models.ForeignKey(
        "quality.Label",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reviews",
        verbose_name=_("accepted label"),
        help_text=_("what an audit looks at instead of a judgment"),
    )
    number = models.PositiveSmallIntegerField(
        _("number"), default=1, help_text=_("2 = second review of the same answer")
    )
    why = models.CharField(_("why"), max_length=14, choices=ReviewWhy)
    probability = models.FloatField(
        _("probability"), null=True, blank=True, help_text=_("with which it was drawn, 0 to 1")
    )
    pool = models.ForeignKey(
        Pool,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reviewing pool"),
        help_text=_("empty = anybody of the house who may"),
    )
    crew = models.PositiveIntegerField(_("reviewing crew"), null=True, blank=True)
    urgency = models.BigIntegerField(_("urgency"), default=0)
    state = models.CharField(
        _("state"), max_length=10, choices=ReviewState, default=ReviewState.PENDING
    )
    assignment = models.OneToOneField(
        Assignment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="review",
        verbose_name=_("assignment"),
    )
    reviewer = models.ForeignKey(
        Annotator,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="reviews_done",
        verbose_name=_("reviewer"),
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=ReviewOutcome, blank=True)
    answer = models.JSONField(_("corrected answer"), null=True, blank=True)
    label = models.CharField(_("corrected label"), max_length=200, blank=True)
    category = models.CharField(_("error"), max_length=12, choices=ErrorCategory, blank=True)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    raw_seconds = models.FloatField(_("raw seconds"), null=True, blank=True)
    billable_seconds = models.FloatField(_("billable seconds"), null=True, blank=True)
    time_rule = models.CharField(_("time rule"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("drawn"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    contested_at = models.DateTimeField(_("contested"), null=True, blank=True)
    contested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("contested by"),
    )
    contest_reason = models.TextField(_("why contested"), blank=True)

    class Meta:
        verbose_name = _("quality review")
        verbose_name_plural = _("quality reviews")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["judgment", "number"],
                condition=~Q(state="cancelled"),
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("This judgment has this review already."),
            ),
            models.UniqueConstraint(
                fields=["accepted", "number"],
                condition=~Q(state="cancelled"),
                name="%(app_label)s_%(class)s_label_once",
                violation_error_message=_("This label has this review already."),
            ),
            models.CheckConstraint(
                condition=Q(judgment__isnull=False, accepted__isnull=True)
                | Q(judgment__isnull=True, accepted__isnull=False),
                name="%(app_label)s_%(class)s_of_one_answer",
                violation_error_message=_("A review looks at a judgment or at a label."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReviewState.values) & Q(why__in=ReviewWhy.values),
                name="%(app_label)s_%(class)s_words_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="taken") | Q(assignment__isnull=False),
                name="%(app_label)s_%(class)s_taken_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(contested_at__isnull=True, contested_by__isnull=True)
                | (
                    Q(contested_at__isnull=False, contested_by__isnull=False, state="done")
                    & Q(outcome__in=("fix", "reject"))
                    & ~Q(contest_reason="")
                ),
                name="%(app_label)s_%(class)s_contest_has_a_reason",
                violation_error_message=_("A contest is of an error found, and says why."),
            ),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__gt=0, probability__lte=1),
                name="%(app_label)s_%(class)s_probability_in_range",
            ),
            models.CheckConstraint(
                condition=~Q(why__in=("random", "audit")) | Q(probability__isnull=False),
                name="%(app_label)s_%(class)s_draw_has_a_probability",
            ),
            models.CheckConstraint(
                condition=(
                    Q(state="done", decided_at__isnull=False, reviewer__isnull=False)
                    & ~Q(outcome="")
                )
                | (~Q(state="done") & Q(decided_at__isnull=True, outcome="")),
                name="%(app_label)s_%(class)s_done_has_an_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=("fix", "reject")) | (~Q(category="") & ~Q(severity="")),
                name="%(app_label)s_%(class)s_error_is_named",
                violation_error_message=_("A fix or rejection names the error and its severity."),
            ),
            models.CheckConstraint(
                condition=~Q(outcome="fix") | Q(answer__isnull=False),
                name="%(app_label)s_%(class)s_fix_has_an_answer",
                violation_error_message=_("A fix says what is right."),
            ),
        ]
        indexes = [
            # What a reviewing crew is served.
            models.Index(
                fields=["pool", "crew", "urgency"],
                condition=Q(state="pending"),
                name="quality_review_served",
            ),
            # Whose taker may be gone.
            models.Index(fields=["pool"], condition=Q(state="taken"), name="quality_review_taken"),
            # What random reviews found by a time: truth for estimates.
            models.Index(
                fields=["decided_at"], condition=Q(state="done"), name="quality_review_done"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.get_why_display()}"


class ReviewChance(models.Model):
    """How certain a task's answers were when a review was drawn among the least certain.

    Written for every task that had a chance, drawn or not: the next draws of the decision place
    their task among these, and anybody can see that the least certain came first.
    """

    task = models.ForeignKey(
        Task, models.CASCADE, related_name="review_chances", verbose_name=_("task")
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    # Runs may be cleared away; with what chance a review was drawn stays.
    decision = models.ForeignKey(
        Decision, models.SET_NULL, null=True, related_name="+", verbose_name=_("decision")
    )
    arrangement = models.PositiveIntegerField(_("arrangement"))
    certainty = models.FloatField(_("certainty"), help_text=_("that the label is right, 0 to 1"))
    probability = models.FloatField(_("chance of a review"))
    drawn = models.BooleanField(_("drawn"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("chance of a review")
        verbose_name_plural = _("chances of reviews")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["task", "attempt"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(certainty__range=(0, 1)) & Q(probability__gt=0, probability__lte=1),
                name="%(app_label)s_%(class)s_in_range",
            ),
        ]
        indexes = [
            # The last ones of an arrangement: among which the next task is placed.
            models.Index(fields=["decision", "arrangement", "-id"], name="quality_chance_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.certainty:.3f}"


class Adjudication(models.Model):
    """What a person decided where answers or reviews did not settle a task."""

    public_id = public_id_field()
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="adjudications", verbose_name=_("task")
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    why = models.CharField(_("why"), max_length=10, choices=AdjudicationWhy)
    urgency = models.BigIntegerField(_("urgency"), default=0)
    opened_at = models.DateTimeField(_("opened"))
    assignment = models.OneToOneField(
        Assignment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="adjudication",
        verbose_name=_("assignment"),
        help_text=_("of an annotator of the house who decides it"),
    )
    winner = models.ForeignKey(
        Judgment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("judgment that won"),
        help_text=_("empty = none was right"),
    )
    answer = models.JSONField(_("answer"), null=True, blank=True)
    label = models.CharField(_("label"), max_length=200, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    raw_seconds = models.FloatField(_("raw seconds"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)

    class Meta:
        verbose_name = _("adjudication")
        verbose_name_plural = _("adjudications")
        ordering = ("-pk",)
        constraints = [
            # A decided one does not stand in the way: gold may be contradicted later.
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(decided_at__isnull=True, cancelled_at__isnull=True),
                name="%(app_label)s_%(class)s_one_open",
                violation_error_message=_("This task waits for an adjudication already."),
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True) | Q(cancelled_at__isnull=True),
                name="%(app_label)s_%(class)s_decided_or_cancelled",
            ),
            models.CheckConstraint(
                condition=Q(why__in=AdjudicationWhy.values),
                name="%(app_label)s_%(class)s_why_known",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decided_by__isnull=True)
                | (
                    Q(decided_at__isnull=False, decided_by__isnull=False, answer__isnull=False)
                    & ~Q(reason="")
                ),
                name="%(app_label)s_%(class)s_decided_by_someone",
                violation_error_message=_("A decision has an answer, a reason and a person."),
            ),
        ]
        indexes = [
            # The adjudicators' queue.
            models.Index(
                fields=["urgency"],
                condition=Q(decided_at__isnull=True, cancelled_at__isnull=True),
                name="quality_adjudication_queue",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.get_why_display()}"


class Label(models.Model):
    """The accepted value of a task; one in force, earlier ones stay with the time they ended."""

    public_id = public_id_field()
    task = models.ForeignKey(Task, models.PROTECT, related_name="labels", verbose_name=_("task"))
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=1)
    answer = models.JSONField(_("answer"))
    value = models.CharField(_("label"), max_length=200, blank=True)
    probability = models.FloatField(
        _("probability"), null=True, blank=True, help_text=_("that it is right, when accepted")
    )
    by = models.CharField(_("by"), max_length=14, choices=LabelBy)
    judgment = models.ForeignKey(
        Judgment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("judgment"),
        help_text=_("whose answer it is, where it is one's"),
    )
    review = models.ForeignKey(
        Review, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("review")
    )
    adjudication = models.ForeignKey(
        Adjudication,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("adjudication"),
    )
    accepted_at = models.DateTimeField(_("accepted"))
    ended_at = models.DateTimeField(
        _("ended"), null=True, blank=True, help_text=_("recalled, or worked anew")
    )

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(ended_at__isnull=True),
                name="%(app_label)s_%(class)s_one_in_force",
                violation_error_message=_("The task has a label in force."),
            ),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__range=(0, 1)),
                name="%(app_label)s_%(class)s_probability_in_range",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("accepted_at")),
                name="%(app_label)s_%(class)s_in_order",
            ),
            models.CheckConstraint(
                condition=(~Q(by="review") | Q(review__isnull=False))
                & (~Q(by="adjudication") | Q(adjudication__isnull=False)),
                name="%(app_label)s_%(class)s_names_what_made_it",
            ),
        ]
        indexes = [
            # Labels accepted in a time: lots of an audit, cost per accepted label.
            models.Index(fields=["accepted_at"], name="quality_label_accepted"),
        ]

    def __str__(self) -> str:
        return f"{self.task}: {self.value}"
