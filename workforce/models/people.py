"""Pools and the annotators in them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models import Organisation
from common.fields import (
    CountryField,
    CurrencyField,
    TimeZoneField,
    country_rule,
    public_id_field,
    steps_rule,
    validate_languages,
)
from vendors.models import Vendor
from workforce.choices import (
    ANNOTATOR_TRANSITIONS,
    AnnotatorKind,
    AnnotatorStatus,
    Clearance,
    PartRole,
    Platform,
    PoolKind,
)


class Pool(models.Model):
    """People under one employer, or a model; a hybrid pool only names others as its parts."""

    public_id = public_id_field()
    key = models.SlugField(
        _("key"),
        max_length=60,
        unique=True,
        help_text=_("short name in files, policies and commands"),
    )
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(
        _("kind"),
        max_length=10,
        choices=PoolKind,
        help_text=_("for good; a hybrid pool owns nobody and names other pools as its parts"),
    )
    vendor = models.ForeignKey(
        Vendor,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="pools",
        verbose_name=_("vendor"),
        help_text=_("for an outsourced pool"),
    )
    currency = CurrencyField(
        _("currency"), help_text=_("in which its work is priced; runs refuse to mix currencies")
    )
    time_zone = TimeZoneField(_("time zone"), help_text=_("e.g. Europe/Berlin"))
    country = CountryField(
        _("country"), help_text=_("whose public holidays apply (ISO 3166, e.g. DE)")
    )
    subdivision = models.CharField(
        _("subdivision"),
        max_length=10,
        blank=True,
        help_text=_("its part, if holidays differ there (ISO 3166-2, e.g. BY)"),
    )
    utilisation = models.DecimalField(
        _("utilisation"),
        max_digits=4,
        decimal_places=3,
        default="0.8",
        help_text=_("share of present hours that becomes work; measured, 0.8 before"),
    )
    gold_share = models.DecimalField(
        _("gold and qualification share"),
        max_digits=4,
        decimal_places=3,
        default="0.05",
        help_text=_("share of hours kept for gold and qualification"),
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("runs send work to active pools only")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("pool")
        verbose_name_plural = _("pools")
        ordering = ("key",)
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=PoolKind.values), name="%(app_label)s_%(class)s_kind_known"
            ),
            models.CheckConstraint(
                condition=(Q(kind="outsourced") & Q(vendor__isnull=False))
                | (~Q(kind="outsourced") & Q(vendor__isnull=True)),
                name="%(app_label)s_%(class)s_outsourced_has_vendor",
                violation_error_message=_("An outsourced pool, and no other, names a vendor."),
            ),
            models.CheckConstraint(
                condition=Q(utilisation__gt=0) & Q(utilisation__lte=1),
                name="%(app_label)s_%(class)s_utilisation_is_a_share",
                violation_error_message=_("Utilisation is above 0 and at most 1."),
            ),
            models.CheckConstraint(
                condition=Q(gold_share__gte=0) & Q(gold_share__lt=1),
                name="%(app_label)s_%(class)s_gold_is_a_share",
                violation_error_message=_("The gold share is from 0 to below 1."),
            ),
            models.CheckConstraint(
                condition=country_rule("country"),
                name="%(app_label)s_%(class)s_country_is_a_code",
                violation_error_message=_("A country is two capital letters (ISO 3166)."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PoolPart(models.Model):
    """A part of a hybrid pool: which other pool labels, which reviews or takes the hard share.

    That `hybrid` is hybrid and `part` is not is held by a trigger.
    """

    hybrid = models.ForeignKey(Pool, models.CASCADE, related_name="parts", verbose_name=_("hybrid"))
    part = models.ForeignKey(Pool, models.PROTECT, related_name="+", verbose_name=_("part"))
    role = models.CharField(_("role"), max_length=10, choices=PartRole)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("part of a hybrid pool")
        verbose_name_plural = _("parts of hybrid pools")
        constraints = [
            models.UniqueConstraint(
                fields=["hybrid", "part", "role"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=~Q(hybrid=F("part")), name="%(app_label)s_%(class)s_not_itself"
            ),
            models.CheckConstraint(
                condition=Q(role__in=PartRole.values), name="%(app_label)s_%(class)s_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.part} ({self.get_role_display()})"


class Person(models.Model):
    """Joins the annotators that are one human being; only operations (and the auditor) sees it."""

    note = models.CharField(
        _("note"), max_length=200, blank=True, help_text=_("how it is known that they are one")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("persons")

    def __str__(self) -> str:
        return f"#{self.pk}"


class Annotator(models.Model):
    """A person or a model that answers; needs no login; belongs to exactly one pool.

    Languages, residency and clearance are declared until `facts_verified_by` (a person of the
    house, never the holder) confirms them; gates read verified facts only. That the pool is not
    hybrid and is of the same organisation and kind, and that a login is of that organisation, is
    held by triggers. History leaves out who is one person with whom: others than operations read
    it.
    """

    public_id = public_id_field()
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="annotators", verbose_name=_("organisation")
    )
    pool = models.ForeignKey(
        Pool, models.PROTECT, related_name="annotators", verbose_name=_("pool")
    )
    person = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="annotators",
        verbose_name=_("person"),
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="annotator",
        verbose_name=_("login"),
    )
    kind = models.CharField(
        _("kind"), max_length=10, choices=AnnotatorKind, default=AnnotatorKind.PERSON
    )
    name = models.CharField(_("name"), max_length=200)
    email = models.EmailField(_("e-mail"), blank=True)
    source = models.CharField(_("source"), max_length=20, default="form", editable=False)
    # -- facts that gates read, once verified
    languages = models.JSONField(
        _("languages"),
        default=list,
        blank=True,
        validators=[validate_languages],
        help_text=_("BCP 47 codes, e.g. de, en-GB"),
    )
    residency = CountryField(
        _("residency"), blank=True, help_text=_("where they work (ISO 3166, e.g. DE)")
    )
    clearance = models.PositiveSmallIntegerField(
        _("clearance"), choices=Clearance, default=Clearance.NONE
    )
    facts_verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("facts verified by"),
    )
    facts_verified_at = models.DateTimeField(_("facts verified"), null=True, blank=True)
    # -- work
    time_zone = TimeZoneField(
        _("time zone"), help_text=_("of their shifts and certificates, e.g. Europe/Berlin")
    )
    hourly_cost_micro = models.BigIntegerField(
        _("hourly cost"),
        null=True,
        blank=True,
        help_text=_("in-house: loaded cost of a productive hour, in the pool's currency"),
    )
    daily_cap = models.PositiveIntegerField(
        _("daily cap"), null=True, blank=True, help_text=_("answers a day at most")
    )
    exposure_cap_minutes = models.PositiveIntegerField(
        _("exposure cap"), default=0, help_text=_("minutes of harmful content a day; 0 = none")
    )
    # -- status
    status = models.CharField(
        _("status"), max_length=10, choices=AnnotatorStatus, default=AnnotatorStatus.ACTIVE
    )
    pause_reason = models.TextField(_("reason of the pause"), blank=True)
    paused_until = models.DateTimeField(_("paused until"), null=True, blank=True)
    # -- models only
    model_name = models.CharField(_("model"), max_length=100, blank=True)
    model_version = models.CharField(_("model version"), max_length=60, blank=True)
    prompt_hash = models.CharField(_("prompt SHA-256"), max_length=64, blank=True)
    rate_limit_per_hour = models.PositiveIntegerField(
        _("answers an hour"), null=True, blank=True, help_text=_("a model's rate limit")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    history = HistoricalRecords(excluded_fields=["person"])

    class Meta:
        verbose_name = _("annotator")
        verbose_name_plural = _("annotators")
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(
                "organisation",
                Lower("email"),
                condition=~Q(email=""),
                name="%(app_label)s_%(class)s_email_once",
                violation_error_message=_("This organisation has an annotator of that e-mail."),
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="person",
                    model_name="",
                    model_version="",
                    prompt_hash="",
                    rate_limit_per_hour__isnull=True,
                )
                | (
                    Q(kind="model", rate_limit_per_hour__isnull=False, rate_limit_per_hour__gt=0)
                    & ~Q(model_name="")
                    & ~Q(model_version="")
                    & Q(Exact(Length("prompt_hash"), 64))
                ),
                name="%(app_label)s_%(class)s_model_is_named",
                violation_error_message=_(
                    "A model, and nobody else, has a name, a version, the SHA-256 of its prompt "
                    "and a rate limit."
                ),
            ),
            models.CheckConstraint(
                condition=(Q(status="paused", paused_until__isnull=False) & ~Q(pause_reason=""))
                | (~Q(status="paused") & Q(pause_reason="", paused_until__isnull=True)),
                name="%(app_label)s_%(class)s_pause_has_reason_and_term",
                violation_error_message=_("A pause, and nothing else, has a reason and a term."),
            ),
            models.CheckConstraint(
                condition=Q(exposure_cap_minutes__lte=24 * 60),
                name="%(app_label)s_%(class)s_exposure_within_a_day",
                violation_error_message=_("A day has 1,440 minutes."),
            ),
            models.CheckConstraint(
                condition=country_rule("residency", blank=True),
                name="%(app_label)s_%(class)s_residency_is_a_code",
                violation_error_message=_("A country is two capital letters (ISO 3166)."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="%(app_label)s_%(class)s_named"),
            models.CheckConstraint(
                condition=Q(hourly_cost_micro__isnull=True) | Q(hourly_cost_micro__gte=0),
                name="%(app_label)s_%(class)s_cost_not_negative",
                violation_error_message=_("An hourly cost is not negative."),
            ),
            models.CheckConstraint(
                condition=Q(facts_verified_by__isnull=True, facts_verified_at__isnull=True)
                | Q(facts_verified_by__isnull=False, facts_verified_at__isnull=False),
                name="%(app_label)s_%(class)s_verified_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(facts_verified_by__isnull=True)
                | Q(user__isnull=True)
                | ~Q(facts_verified_by=F("user")),
                name="%(app_label)s_%(class)s_verifier_is_another",
                violation_error_message=_("Nobody verifies themselves."),
            ),
            models.CheckConstraint(
                condition=Q(status__in=AnnotatorStatus.values)
                & Q(kind__in=AnnotatorKind.values)
                & Q(clearance__in=Clearance.values),
                name="%(app_label)s_%(class)s_words_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AnnotatorTransition(models.Model):
    """One change of an annotator's status; never changed nor deleted."""

    annotator = models.ForeignKey(Annotator, models.CASCADE, related_name="transitions")
    sequence = models.PositiveIntegerField(_("sequence"))
    from_status = models.CharField(_("from"), max_length=10, choices=AnnotatorStatus)
    to_status = models.CharField(_("to"), max_length=10, choices=AnnotatorStatus)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField(_("reason"), blank=True)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("change of status")
        verbose_name_plural = _("changes of status")
        ordering = ("annotator", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["annotator", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(ANNOTATOR_TRANSITIONS, "from_status", "to_status"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such change of status."),
            ),
            models.CheckConstraint(
                condition=(
                    Q(to_status="paused", until__isnull=False, until__gt=F("at")) & ~Q(reason="")
                )
                | (~Q(to_status="paused") & Q(until__isnull=True)),
                name="%(app_label)s_%(class)s_pause_has_reason_and_term",
                violation_error_message=_("A pause, and nothing else, has a reason and a term."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class ExternalId(models.Model):
    """How a labelling platform calls an annotator."""

    annotator = models.ForeignKey(
        Annotator, models.CASCADE, related_name="external_ids", verbose_name=_("annotator")
    )
    platform = models.CharField(_("platform"), max_length=20, choices=Platform)
    account = models.CharField(
        _("account"), max_length=100, blank=True, help_text=_("which server or workspace")
    )
    external_id = models.CharField(
        _("external id"), max_length=200, help_text=_("what the platform calls them")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("external id")
        verbose_name_plural = _("external ids")
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "account", "external_id"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("This external id is somebody's already."),
            ),
            models.CheckConstraint(
                condition=Q(platform__in=Platform.values) & ~Q(external_id=""),
                name="%(app_label)s_%(class)s_platform_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform}: {self.external_id}"
