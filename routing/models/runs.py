"""Routing runs: their crews, decisions and placements."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.fields import CurrencyField, public_id_field
from routing.choices import RunState
from routing.models.catalogue import Project
from routing.models.policies import Policy
from routing.models.tasks import Task
from workforce.models import Pool


class Run(models.Model):
    """One routing of the open work of some projects.

    What replay and explanation need stands in its `RunRecord`. Amounts are float64 in major units
    of `currency`: routing chooses, it never books.
    """

    public_id = public_id_field()
    state = models.CharField(_("state"), max_length=10, choices=RunState, default=RunState.RUNNING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    now = models.DateTimeField(_("as of"), help_text=_("the time the run plans from"))
    days = models.PositiveSmallIntegerField(_("days"), default=1)
    pool_ids = models.JSONField(_("pools held"), default=list, editable=False)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    currency = CurrencyField(_("currency"))
    tasks = models.PositiveIntegerField(_("tasks"), default=0)
    cohorts = models.PositiveIntegerField(_("cohorts"), default=0)
    routed = models.PositiveIntegerField(_("routed"), default=0)
    waiting = models.PositiveIntegerField(_("waiting"), default=0)
    cost = models.FloatField(_("objective"), null=True)
    lower_bound = models.FloatField(_("lower bound"), null=True)
    gap = models.FloatField(_("gap"), null=True)
    spend = models.FloatField(_("expected spend"), null=True)
    by_mode = models.JSONField(_("tasks by mode"), default=dict)
    by_pool = models.JSONField(_("work by pool"), default=list)
    compared = models.JSONField(
        _("compared"),
        default=dict,
        help_text=_("plan, greedy and tier rules: objective, tasks waiting and what they cost"),
    )
    newcomers = models.JSONField(
        _("newcomers' share"), default=list, help_text=_("asked, got, and what it costs")
    )
    seconds = models.JSONField(_("seconds"), default=dict)
    notes = models.JSONField(
        _("notes"), default=list, help_text=_("share caps not applied, late work, and the like")
    )
    waiting_reasons = models.JSONField(_("why tasks wait"), default=list)
    gates = models.JSONField(
        _("gates"), default=list, help_text=_("waiting tasks behind each gate, and what opens it")
    )
    prices = models.JSONField(_("capacity prices"), default=list)
    versions = models.JSONField(
        _("versions"), default=dict, help_text=_("of policy, scorer, estimates, rates, libraries")
    )
    carried = models.JSONField(
        _("carried over"),
        default=list,
        editable=False,
        help_text=_("pool, crew here and decision of placements that an earlier run made"),
    )

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ("-started_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="%(app_label)s_%(class)s_state_known"
            ),
            models.CheckConstraint(
                condition=Q(days__gte=1), name="%(app_label)s_%(class)s_days_positive"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(tasks=F("routed") + F("waiting")),
                name="%(app_label)s_%(class)s_all_tasks_told",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} UTC"


class RunRecord(models.Model):
    """All that replay and explanation of a run need, as compressed arrays (numpy .npz).

    A table of its own: megabytes must not come along with every list and join of runs.
    """

    run = models.OneToOneField(Run, models.CASCADE, related_name="record")
    inputs = models.BinaryField(_("inputs"), editable=False)
    candidates = models.BinaryField(_("candidates"), editable=False)

    class Meta:
        verbose_name = _("record of a run")
        verbose_name_plural = _("records of runs")

    def __str__(self) -> str:
        return str(self.run)


class RunProject(models.Model):
    """A project in a run's scope, with the policy it was routed under."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="projects")
    project = models.ForeignKey(Project, models.CASCADE, related_name="runs")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("project of a run")
        verbose_name_plural = _("projects of a run")
        constraints = [
            models.UniqueConstraint(fields=["run", "project"], name="%(app_label)s_%(class)s_once"),
        ]

    def __str__(self) -> str:
        return str(self.project)


class RunCrew(models.Model):
    """A crew as one run saw it: members and hours by plan day."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="crews")
    number = models.PositiveIntegerField(_("number"))
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="+", verbose_name=_("pool"))
    name = models.CharField(_("name"), max_length=300)
    traits = models.JSONField(_("what its members share"), default=dict)
    members = models.JSONField(
        _("members"), default=list, help_text=_("annotator ids with their hours by day")
    )
    hours = models.JSONField(_("hours by day"), default=list)

    class Meta:
        verbose_name = _("crew")
        verbose_name_plural = _("crews")
        ordering = ("run", "number")
        constraints = [
            models.UniqueConstraint(
                fields=["run", "number"], name="%(app_label)s_%(class)s_number_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Decision(models.Model):
    """What a run decided for one cohort (tasks that look the same to the router)."""

    public_id = public_id_field()
    run = models.ForeignKey(Run, models.CASCADE, related_name="decisions")
    number = models.PositiveIntegerField(_("cohort"))
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    key = models.JSONField(_("what its tasks share"), default=dict)
    tasks = models.PositiveIntegerField(_("tasks"))
    routed = models.PositiveIntegerField(_("routed"))
    waiting = models.PositiveIntegerField(_("waiting"))
    chosen = models.JSONField(
        _("chosen"), default=list, help_text=_("arrangements with day, tasks, money and error")
    )
    runner_up = models.JSONField(_("runner-up"), null=True, blank=True)
    difference = models.FloatField(
        _("difference"), null=True, help_text=_("per task, to the runner-up at prices in force")
    )
    reason = models.CharField(_("why tasks wait"), max_length=300, blank=True)
    why = models.JSONField(
        _("why tasks wait, as pattern and values"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("`reason` in the words of common.words, to be told in any language"),
    )

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ("run", "number")
        constraints = [
            models.UniqueConstraint(
                fields=["run", "number"], name="%(app_label)s_%(class)s_number_once"
            ),
            models.CheckConstraint(
                condition=Q(tasks=F("routed") + F("waiting")),
                name="%(app_label)s_%(class)s_all_tasks_told",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"


class Placement(models.Model):
    """What a run gives a task: pool, day and answers asked.

    No foreign keys in the database: four of them cost five times the COPY of a million rows. The
    transaction that writes them and `manage.py check_placements` verify the ids by joins.
    """

    run = models.ForeignKey(
        Run, models.CASCADE, related_name="placements", db_constraint=False, db_index=False
    )
    task = models.ForeignKey(
        Task, models.CASCADE, related_name="placements", db_constraint=False, db_index=False
    )
    decision = models.ForeignKey(
        Decision, models.CASCADE, related_name="placements", db_constraint=False, db_index=False
    )
    pool = models.ForeignKey(
        Pool, models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    crew = models.PositiveIntegerField(_("labelling crew"))
    arrangement = models.PositiveIntegerField(_("arrangement"))
    day = models.DateField(_("day"))
    asked = models.PositiveSmallIntegerField(_("answers asked"), help_text=_("at most"))
    # Seats: one per answer. So many are open so far (answers are bought one at a time), so many of
    # these are taken by live or submitted assignments.
    opened = models.PositiveSmallIntegerField(_("seats opened"), default=1, db_default=1)
    taken = models.PositiveSmallIntegerField(_("seats taken"), default=0, db_default=0)
    urgency = models.BigIntegerField(
        _("urgency"), default=0, db_default=0, help_text=_("least first; see routing.core.urgency")
    )

    class Meta:
        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["run", "task"], name="%(app_label)s_%(class)s_once_a_run"
            ),
            models.CheckConstraint(
                condition=Q(asked__gte=1), name="%(app_label)s_%(class)s_asks_for_answers"
            ),
            # Never answered more often than asked, whatever the code does.
            models.CheckConstraint(
                condition=Q(taken__lte=F("opened")) & Q(opened__lte=F("asked")),
                name="%(app_label)s_%(class)s_seats_within_asked",
            ),
        ]
        # All begin with the run: the rows of a new one are added at one place of each, however
        # many runs there were before. Who reads placements knows the run in force.
        indexes = [
            # What a crew's people are served: the claim's read. A decision names its pools and
            # days: its tasks are found by run and pool, an index of their own would cost a fifth of
            # the COPY.
            models.Index(
                fields=["run", "pool", "crew", "urgency"],
                condition=Q(taken__lt=F("opened")),
                name="routing_placement_served",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} → {self.pool_id} {self.day}"
