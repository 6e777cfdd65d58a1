"""Tasks: the things to label."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field, steps_rule
from routing.choices import TASK_TRANSITIONS, DataClass, Harm, TaskState, Use
from routing.models.catalogue import Domain, GuidelineVersion, Project, TaskType

INLINE_BYTES = 64 * 1024
MAX_SIZE = 10_000_000  # units; sums of what lies beyond would mean nothing any more


class Task(models.Model):
    """One thing to label, with the features that its routing reads.

    The payload is a reference (https, to a host on the project's list) or inline text or JSON of
    up to 64 KiB, never both. Scores are not stored: they follow from the features by the versioned
    scorer, and each run's decisions keep the bands they were made with.
    """

    public_id = public_id_field()
    # Each change of state writes to every index: none is kept that another covers, nor one by which
    # nothing is looked up.
    project = models.ForeignKey(
        Project, models.PROTECT, related_name="tasks", db_index=False, verbose_name=_("project")
    )
    external_id = models.CharField(_("external id"), max_length=200)
    task_type = models.ForeignKey(
        TaskType, models.PROTECT, related_name="+", verbose_name=_("task type")
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
    domain = models.ForeignKey(
        Domain,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("domain"),
    )
    # -- size and ambiguity
    size = models.FloatField(_("size"), default=1.0, help_text=_("in the type's quantity unit"))
    classes = models.PositiveIntegerField(
        _("classes"), null=True, blank=True, help_text=_("labels to choose from, if known")
    )
    disagreement = models.FloatField(
        _("disagreement"), null=True, blank=True, help_text=_("of models, 0 to 1")
    )
    entropy = models.FloatField(
        _("entropy"), null=True, blank=True, help_text=_("of a model's answer, 0 to 1")
    )
    edge_case = models.BooleanField(_("edge case"), default=False)
    # -- risk
    data_class = models.CharField(
        _("data class"), max_length=10, choices=DataClass, default=DataClass.INTERNAL
    )
    use = models.CharField(_("use"), max_length=20, choices=Use, default=Use.PRODUCT)
    harm = models.CharField(_("harm"), max_length=10, choices=Harm, default=Harm.NONE)
    residency = models.CharField(
        _("residency"),
        max_length=2,
        blank=True,
        help_text=_("country in which the data must stay (ISO 3166); empty = anywhere"),
    )
    language = models.CharField(
        _("language"), max_length=12, blank=True, help_text=_("BCP 47; empty = none needed")
    )
    error_cost_micro = models.BigIntegerField(
        _("cost of an error"),
        null=True,
        blank=True,
        help_text=_("its own, in millionths of the project's currency; empty = the project's"),
    )
    # -- order
    priority = models.SmallIntegerField(_("priority"), default=0, help_text=_("higher is first"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    # -- payload
    payload_reference = models.URLField(_("reference"), max_length=2000, blank=True)
    payload = models.JSONField(_("payload"), null=True, blank=True)
    # -- state
    state = models.CharField(_("state"), max_length=10, choices=TaskState, default=TaskState.OPEN)
    steps = models.PositiveIntegerField(_("steps taken"), default=0, db_default=0, editable=False)
    attempt = models.PositiveSmallIntegerField(
        _("attempt"),
        default=1,
        db_default=1,
        help_text=_("rises when it is worked anew: rework, relabel"),
    )
    source = models.CharField(_("source"), max_length=20, default="import")
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["project", "external_id"],
                name="%(app_label)s_%(class)s_external_id_once",
                violation_error_message=_("The project has a task of this external id."),
            ),
            models.CheckConstraint(
                condition=Q(size__range=(0, MAX_SIZE)),
                name="%(app_label)s_%(class)s_size_in_range",
                violation_error_message=_("A size is from 0 to 10,000,000."),
            ),
            models.CheckConstraint(
                condition=(Q(disagreement__isnull=True) | Q(disagreement__range=(0, 1)))
                & (Q(entropy__isnull=True) | Q(entropy__range=(0, 1))),
                name="%(app_label)s_%(class)s_ambiguity_in_range",
                violation_error_message=_("Disagreement and entropy are from 0 to 1."),
            ),
            models.CheckConstraint(
                condition=Q(error_cost_micro__isnull=True) | Q(error_cost_micro__gte=0),
                name="%(app_label)s_%(class)s_error_cost_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(attempt__gte=1), name="%(app_label)s_%(class)s_attempt_from_one"
            ),
            models.CheckConstraint(
                condition=Q(payload__isnull=True) | Q(payload_reference=""),
                name="%(app_label)s_%(class)s_one_payload",
                violation_error_message=_("A payload is a reference or inline, not both."),
            ),
            models.CheckConstraint(
                condition=Q(data_class__in=DataClass.values)
                & Q(use__in=Use.values)
                & Q(harm__in=Harm.values)
                & Q(state__in=TaskState.values),
                name="%(app_label)s_%(class)s_words_known",
            ),
        ]
        indexes = [
            # The open work of a project: what a run reads.
            models.Index(
                fields=["project", "id"],
                condition=Q(state__in=("open", "rework")),
                name="routing_task_open",
            ),
            # The work in hand: whose placements a run carries over.
            models.Index(
                fields=["project", "id"],
                condition=Q(state__in=("held", "answered", "rework")),
                name="routing_task_in_hand",
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class TaskStep(models.Model):
    """One change of a task's state; never changed nor deleted."""

    # The unique constraint on its number has the index; nobody asks for the steps of an actor.
    task = models.ForeignKey(Task, models.CASCADE, related_name="history_steps", db_index=False)
    sequence = models.PositiveIntegerField(_("sequence"))
    from_state = models.CharField(_("from"), max_length=10, choices=TaskState)
    to_state = models.CharField(_("to"), max_length=10, choices=TaskState)
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
        verbose_name = _("step of a task")
        verbose_name_plural = _("steps of tasks")
        ordering = ("task", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["task", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(TASK_TRANSITIONS, "from_state", "to_state"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such change of state."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
