"""Vendors, their contracts, attestations and scorecards."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.models import Organisation, StoredFile
from common.fields import (
    CountryField,
    CurrencyField,
    TimeZoneField,
    country_rule,
    public_id_field,
    steps_rule,
)
from vendors.choices import (
    NEEDS_REASON,
    VENDOR_TRANSITIONS,
    AttestationKind,
    Criterion,
    VendorState,
)


class Vendor(models.Model):
    """A company whose people label for the house; one-to-one to its organisation."""

    public_id = public_id_field()
    organisation = models.OneToOneField(
        Organisation, models.PROTECT, related_name="vendor", verbose_name=_("organisation")
    )
    key = models.SlugField(
        _("key"),
        max_length=40,
        unique=True,
        help_text=_("short name in files, policies and commands"),
    )
    state = models.CharField(
        _("state"), max_length=12, choices=VendorState, default=VendorState.PROSPECT
    )
    country = CountryField(_("country"))
    contact_email = models.EmailField(_("contact"), blank=True)
    notes = models.TextField(_("notes"), blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("vendor")
        verbose_name_plural = _("vendors")
        ordering = ("key",)
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=VendorState.values),
                name="%(app_label)s_%(class)s_state_known",
            ),
            models.CheckConstraint(
                condition=country_rule("country"),
                name="%(app_label)s_%(class)s_country_is_a_code",
                violation_error_message=_("A country is two capital letters (ISO 3166)."),
            ),
        ]

    def __str__(self) -> str:
        return self.organisation.name


class VendorTransition(models.Model):
    """One step in a vendor's life cycle; the sequence lets only one of two writers win.

    A vendor's state changes by a step that stands here, and no other way (trigger).
    """

    vendor = models.ForeignKey(Vendor, models.CASCADE, related_name="transitions")
    sequence = models.PositiveIntegerField(_("sequence"))
    from_state = models.CharField(_("from"), max_length=12, choices=VendorState)
    to_state = models.CharField(_("to"), max_length=12, choices=VendorState)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField(_("reason"), blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("vendor transition")
        verbose_name_plural = _("vendor transitions")
        ordering = ("vendor", "sequence")
        constraints = [
            models.UniqueConstraint(
                fields=["vendor", "sequence"], name="%(app_label)s_%(class)s_sequence_once"
            ),
            models.CheckConstraint(
                condition=steps_rule(VENDOR_TRANSITIONS, "from_state", "to_state"),
                name="%(app_label)s_%(class)s_is_a_step",
                violation_error_message=_("There is no such step in the life of a vendor."),
            ),
            models.CheckConstraint(
                condition=~Q(to_state__in=NEEDS_REASON) | ~Q(reason=""),
                name="%(app_label)s_%(class)s_has_reason",
                violation_error_message=_("Suspending and ending need a reason."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class Contract(models.Model):
    """What a vendor and the house agreed on, for the days [starts_on, ends_on).

    One contract per vendor at a time (exclusion constraint on PostgreSQL, trigger on SQLite).
    """

    public_id = public_id_field()
    vendor = models.ForeignKey(
        Vendor, models.PROTECT, related_name="contracts", verbose_name=_("vendor")
    )
    number = models.CharField(
        _("number"), max_length=60, unique=True, help_text=_("as printed on the contract")
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"), help_text=_("first day after the contract"))
    currency = CurrencyField(_("currency"), help_text=_("ISO 4217, e.g. EUR"))
    time_zone = TimeZoneField(
        _("time zone"), help_text=_("in which its days begin, e.g. Europe/Warsaw")
    )
    minimum_commitment_micro = models.BigIntegerField(
        _("minimum commitment"),
        default=0,
        help_text=_("fees promised over the whole contract"),
    )
    shortfall_share = models.DecimalField(
        _("shortfall share"),
        max_digits=5,
        decimal_places=4,
        default=1,
        help_text=_("share of an unmet commitment that is paid all the same, 0 to 1"),
    )
    share_cap = models.DecimalField(
        _("share cap"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        help_text=_("largest share of all outsourced tasks of the contract's window, 0 to 1"),
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ("vendor", "-starts_on")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__lt=F("ends_on")),
                name="%(app_label)s_%(class)s_starts_before_it_ends",
                violation_error_message=_("A contract starts before it ends."),
            ),
            models.CheckConstraint(
                condition=Q(minimum_commitment_micro__gte=0),
                name="%(app_label)s_%(class)s_commitment_not_negative",
                violation_error_message=_("A commitment is not negative."),
            ),
            models.CheckConstraint(
                condition=Q(shortfall_share__gte=0) & Q(shortfall_share__lte=1),
                name="%(app_label)s_%(class)s_shortfall_is_a_share",
                violation_error_message=_("A share is from 0 to 1."),
            ),
            models.CheckConstraint(
                condition=Q(share_cap__isnull=True) | (Q(share_cap__gt=0) & Q(share_cap__lte=1)),
                name="%(app_label)s_%(class)s_cap_is_a_share",
                violation_error_message=_("A share cap is above 0 and at most 1."),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Attestation(models.Model):
    """A proof that a vendor meets a standard, for a time.

    Declared until a person of the house verifies it; gates read verified ones only. A certificate
    counts through `valid_until`; a SOC 2 report covers a past period and is carried on by its
    bridge letter until `bridged_until`; agreements (NDA, DPA, BAA) without `valid_until` last as
    long as the vendor's contracts do.
    """

    public_id = public_id_field()
    vendor = models.ForeignKey(
        Vendor, models.PROTECT, related_name="attestations", verbose_name=_("vendor")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=AttestationKind)
    scope = models.CharField(
        _("scope"), max_length=300, help_text=_("which services and sites it covers")
    )
    issuer = models.CharField(
        _("issuer"), max_length=200, help_text=_("who issued it; of an agreement, who signed it")
    )
    number = models.CharField(_("number"), max_length=100, blank=True)
    issued_on = models.DateField(_("issued on"))
    period_from = models.DateField(
        _("covers from"),
        null=True,
        blank=True,
        help_text=_("first day of the period a report covers (SOC 2 Type II)"),
    )
    period_to = models.DateField(
        _("covers until"), null=True, blank=True, help_text=_("last day of that period")
    )
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("last day printed on it")
    )
    bridged_until = models.DateField(
        _("bridged until"),
        null=True,
        blank=True,
        help_text=_("last day of the bridge letter that carries a report on"),
    )
    next_action_on = models.DateField(
        _("next action on"),
        null=True,
        blank=True,
        help_text=_("when somebody asks for the next report or letter"),
    )
    evidence = models.ForeignKey(
        StoredFile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("evidence"),
    )
    exceptions_noted = models.TextField(
        _("exceptions noted"), blank=True, help_text=_("what the auditor found wanting")
    )
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("declared by")
    )
    verified_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("verified by"),
    )
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("attestation")
        verbose_name_plural = _("attestations")
        ordering = ("vendor", "kind", "-issued_on")
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=AttestationKind.values),
                name="%(app_label)s_%(class)s_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(period_from__isnull=True)
                | Q(period_to__isnull=True)
                | Q(period_from__lte=F("period_to")),
                name="%(app_label)s_%(class)s_period_in_order",
                violation_error_message=_("The period begins before it ends."),
            ),
            models.CheckConstraint(
                condition=~Q(kind="soc2_type2")
                | Q(period_from__isnull=False, period_to__isnull=False),
                name="%(app_label)s_%(class)s_report_has_period",
                violation_error_message=_("A SOC 2 Type II report covers a period: from, until."),
            ),
            models.CheckConstraint(
                condition=Q(bridged_until__isnull=True)
                | Q(period_to__isnull=False, bridged_until__gt=F("period_to")),
                name="%(app_label)s_%(class)s_bridge_carries_a_period_on",
                violation_error_message=_("A bridge letter ends after the period of its report."),
            ),
            models.CheckConstraint(
                condition=~Q(scope="") & ~Q(issuer=""),
                name="%(app_label)s_%(class)s_scope_and_issuer_named",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("issued_on")),
                name="%(app_label)s_%(class)s_valid_after_issue",
                violation_error_message=_("It is valid until a day after its issue."),
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True, verified_at__isnull=True)
                | Q(verified_by__isnull=False, verified_at__isnull=False),
                name="%(app_label)s_%(class)s_verified_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(verified_by__isnull=True) | ~Q(verified_by=F("declared_by")),
                name="%(app_label)s_%(class)s_verifier_is_another",
                violation_error_message=_("Another person than the declarer verifies."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}".strip()


class CriterionScore(models.Model):
    """One score of a vendor under one of the seven criteria; the latest of each counts."""

    vendor = models.ForeignKey(
        Vendor, models.CASCADE, related_name="scores", verbose_name=_("vendor")
    )
    criterion = models.CharField(_("criterion"), max_length=12, choices=Criterion)
    score = models.DecimalField(
        _("score"),
        max_digits=3,
        decimal_places=1,
        validators=[MinValueValidator(0), MaxValueValidator(5)],
        help_text=_("0 (absent) to 5 (best seen)"),
    )
    weight = models.DecimalField(
        _("weight"),
        max_digits=4,
        decimal_places=3,
        default=1,
        validators=[MinValueValidator(0)],
        help_text=_("how much this criterion counts beside the others"),
    )
    evidence = models.TextField(_("evidence"), help_text=_("what the score rests on"))
    evidence_file = models.ForeignKey(
        StoredFile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("evidence file"),
    )
    assessed_on = models.DateField(_("assessed on"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("author")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("criterion score")
        verbose_name_plural = _("scorecard")
        ordering = ("vendor", "criterion", "-assessed_on")
        constraints = [
            models.UniqueConstraint(
                fields=["vendor", "criterion", "assessed_on"],
                name="%(app_label)s_%(class)s_once_a_day",
                violation_error_message=_("This criterion was scored on that day already."),
            ),
            models.CheckConstraint(
                condition=Q(criterion__in=Criterion.values),
                name="%(app_label)s_%(class)s_criterion_known",
            ),
            models.CheckConstraint(
                condition=Q(score__gte=0) & Q(score__lte=5) & Q(weight__gte=0),
                name="%(app_label)s_%(class)s_in_range",
                violation_error_message=_("A score is from 0 to 5, a weight not negative."),
            ),
            models.CheckConstraint(
                condition=~Q(evidence=""),
                name="%(app_label)s_%(class)s_has_evidence",
                violation_error_message=_("A score needs its evidence."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_criterion_display()}: {self.score}"
