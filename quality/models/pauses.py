"""Pauses that a sequential test proposes and a person decides."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import public_id_field, steps_rule
from quality.choices import PAUSE_TRANSITIONS, PAUSE_UNDECIDED, PauseState
from workforce.models import Annotator, AnnotatorTransition, Skill

HOLD_MINUTES = 24 * 60  # longest automatic hold
DECIDED = ("confirmed", "declined")
SETTLED = ("upheld", "lifted")


class PauseProposal(models.Model):
    """That an annotator's checked answers in a skill speak for a pause, and what was decided.

    The test is Wald's, of p0 against p1 with risks alpha and beta; `false_share` is its exact
    chance of proposing a pause for somebody who errs at p0, `run_length` how many checked answers
    lie on average between two such, since the test begins anew after every "clear". The system
    holds for a day at most (constraint), once (trigger); a person of the house decides, who is not
    the annotator (triggers), and another one settles a contest (constraint).

    `told` and `settled_told` are read by the annotator; the notes stay in the house.
    """

    public_id = public_id_field()
    annotator = models.ForeignKey(
        Annotator, models.PROTECT, related_name="pauses", verbose_name=_("annotator")
    )
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+", verbose_name=_("skill"))
    state = models.CharField(
        _("state"), max_length=10, choices=PauseState, default=PauseState.PROPOSED
    )
    steps = models.PositiveSmallIntegerField(_("steps taken"), default=0, editable=False)
    # -- the test
    p0 = models.FloatField(_("usual share of errors"))
    p1 = models.FloatField(_("share of errors tested against"))
    alpha = models.FloatField(_("risk of a false pause, asked"))
    beta = models.FloatField(_("risk of a missed pause, asked"))
    false_share = models.FloatField(_("risk of a false pause"))
    run_length = models.FloatField(_("checked answers between two false pauses"))
    answers = models.PositiveIntegerField(_("checked answers"))
    errors = models.PositiveIntegerField(_("wrong ones"))
    ratio = models.FloatField(_("log-likelihood ratio"))
    evidence_from = models.DateTimeField(_("evidence from"))
    evidence_to = models.DateTimeField(_("evidence to"))
    good_at = models.DateTimeField(
        _("last good evidence"),
        null=True,
        blank=True,
        help_text=_("answers given after it are in doubt; empty = all"),
    )
    proposed_at = models.DateTimeField(_("proposed"))
    # -- the hold
    held_at = models.DateTimeField(_("held"), null=True, blank=True)
    hold_minutes = models.PositiveSmallIntegerField(_("minutes held"), null=True, blank=True)
    # -- the decision
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    pause_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    told = models.TextField(_("what the annotator is told"), blank=True)
    note = models.TextField(_("note"), blank=True, help_text=_("stays in the house"))
    # -- the contest
    contested_at = models.DateTimeField(_("contested"), null=True, blank=True)
    contest = models.TextField(_("what the annotator says"), blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("settled by"),
    )
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    settled_told = models.TextField(_("what the annotator is told then"), blank=True)
    # -- what followed
    transition = models.ForeignKey(
        AnnotatorTransition,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("change of status that it made"),
    )
    checks = models.PositiveIntegerField(
        _("answers queued for a check"), default=0, help_text=_("since the last good evidence")
    )

    class Meta:
        verbose_name = _("proposed pause")
        verbose_name_plural = _("proposed pauses")
        ordering = ("-proposed_at", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "skill"],
                condition=Q(state__in=PAUSE_UNDECIDED),
                name="%(app_label)s_%(class)s_one_undecided",
                violation_error_message=_("A pause is proposed already."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=PauseState.values), name="%(app_label)s_%(class)s_state_known"
            ),
            models.CheckConstraint(
                condition=Q(p0__gt=0, p0__lt=F("p1"), p1__lt=1)
                & Q(alpha__gt=0, alpha__lt=1, beta__gt=0, beta__lt=1)
                & Q(errors__lte=F("answers"), evidence_from__lte=F("evidence_to")),
                name="%(app_label)s_%(class)s_test_in_range",
            ),
            models.CheckConstraint(
                condition=Q(held_at__isnull=True, hold_minutes__isnull=True)
                | Q(held_at__isnull=False, hold_minutes__range=(1, HOLD_MINUTES)),
                name="%(app_label)s_%(class)s_held_a_day_at_most",
                violation_error_message=_("An automatic hold lasts a day at most."),
            ),
            models.CheckConstraint(
                condition=~Q(state="held") | Q(held_at__isnull=False),
                name="%(app_label)s_%(class)s_hold_has_a_term",
            ),
            models.CheckConstraint(
                condition=(~Q(state__in=DECIDED) | Q(decided_at__isnull=False))
                & (
                    Q(decided_at__isnull=True, decided_by__isnull=True, told="")
                    | (Q(decided_at__isnull=False, decided_by__isnull=False) & ~Q(told=""))
                ),
                name="%(app_label)s_%(class)s_decided_by_someone",
                violation_error_message=_("A decision has a person and a reason."),
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("confirmed", "upheld")) | Q(pause_until__isnull=False),
                name="%(app_label)s_%(class)s_pause_has_a_term",
            ),
            models.CheckConstraint(
                condition=(~Q(state__in=("contested", *SETTLED)) | Q(contested_at__isnull=False))
                & (
                    Q(contested_at__isnull=True, contest="")
                    | (Q(contested_at__isnull=False) & ~Q(contest=""))
                ),
                name="%(app_label)s_%(class)s_contest_has_a_reason",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=SETTLED) & Q(settled_at__isnull=False))
                | (~Q(state__in=SETTLED) & Q(settled_at__isnull=True)),
                name="%(app_label)s_%(class)s_settled_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_by__isnull=True, settled_told="")
                | (Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(settled_told="")),
                name="%(app_label)s_%(class)s_settled_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(settled_by__isnull=True)
                | ~Q(decided_by=F("settled_by")),
                name="%(app_label)s_%(class)s_settled_by_another",
                violation_error_message=_("Another person settles what somebody decided."),
            ),
        ]
        indexes = [
            # Holds that may be over.
            models.Index(fields=["held_at"], condition=Q(state="held"), name="quality_pause_held"),
            # Since when evidence counts for an annotator in a skill.
            models.Index(fields=["annotator", "skill"], name="quality_pause_series"),
        ]

    def __str__(self) -> str:
        return f"{self.annotator} · {self.skill}"

    @property
    def hold_until(self) -> datetime | None:
        """When the automatic hold ends."""
        if self.held_at is None or self.hold_minutes is None:
            return None
        return self.held_at + timedelta(minutes=self.hold_minutes)


class PauseProposalStep(models.Model):
    """One change of a proposed pause; never changed nor deleted."""

    proposal = models.ForeignKey(PauseProposal, models.CASCADE, related_name="history_steps")
    sequence = models.PositiveSmallIntegerField(_("sequence"))
    from_state = models.CharField(_("from"), max_length=10, choices=PauseState)
    to_state = models.CharField(_("to"), max_length=10, choices=PauseState)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of a proposed pause")
        verbose_name_plural = _("steps of proposed pauses")
        ordering = ("proposal", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["proposal", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(PAUSE_TRANSITIONS, "from_state", "to_state"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such change of state."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"
