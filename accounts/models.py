"""Organisations, users, memberships, API keys, idempotency keys, jobs and stored files."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from accounts.choices import (
    CONSOLE_ROLES,
    JOB_UNDER_WAY,
    JobState,
    MediaType,
    OrganisationKind,
    Role,
)
from accounts.storage import random_name
from common.fields import TimeZoneField, public_id_field


class Organisation(models.Model):
    """The house, or one of its vendors: the tenant to which rows belong."""

    public_id = public_id_field()
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=OrganisationKind)
    time_zone = TimeZoneField(_("time zone"), help_text=_("e.g. Europe/Berlin"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ("name",)
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=OrganisationKind.values),
                name="%(app_label)s_%(class)s_kind_known",
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(kind="house"),
                name="%(app_label)s_%(class)s_one_house",
                violation_error_message=_("There is one house, and it exists already."),
            ),
            models.UniqueConstraint(
                Lower("name"),
                name="%(app_label)s_%(class)s_name_unique",
                violation_error_message=_("There is an organisation of this name."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a user of an organisation (given as `organisation`)."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make a superuser of the house, which is made if there is none."""
        if "organisation" not in fields and "organisation_id" not in fields:
            fields["organisation"], _made = Organisation.objects.get_or_create(
                kind=OrganisationKind.HOUSE, defaults={"name": "House"}
            )
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find a user by e-mail, whatever its case."""
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in, or a named system user under which scheduled work acts."""

    public_id = public_id_field()
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="users", verbose_name=_("organisation")
    )
    time_zone = TimeZoneField(_("time zone"), help_text=_("e.g. Europe/Berlin"))
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), auto_now_add=True)
    history = HistoricalRecords(excluded_fields=["password", "last_login"])

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("email",)
        constraints = [
            models.CheckConstraint(
                condition=Q(email=Lower("email")),
                name="%(app_label)s_%(class)s_email_lower_case",
                violation_error_message=_("Write the e-mail in lower case."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name or self.email

    @property
    def roles(self) -> frozenset[str]:
        """The roles of this user, read once per object."""
        if not hasattr(self, "_roles"):
            self._roles = frozenset(self.memberships.values_list("role", flat=True))
        return self._roles

    @property
    def is_staff(self) -> bool:
        """Whether /admin/ opens: active people of the house with a console role."""
        return self.is_active and (self.is_superuser or bool(self.roles & CONSOLE_ROLES))


class Membership(models.Model):
    """A role of a user in the user's organisation.

    Which roles suit which kind of organisation is held by a trigger (accounts.triggers), since
    the kind stands two tables away.
    """

    user = models.ForeignKey(
        User, models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role)
    granted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("granted by")
    )
    granted_at = models.DateTimeField(_("granted"), auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role"],
                name="%(app_label)s_%(class)s_once",
                violation_error_message=_("The user has this role already."),
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="%(app_label)s_%(class)s_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()}"


class ApiKey(models.Model):
    """A key by which a program acts as a user; only an HMAC of its secret is stored."""

    public_id = public_id_field()
    user = models.ForeignKey(
        User,
        models.CASCADE,
        related_name="api_keys",
        verbose_name=_("acts as"),
        help_text=_("whose name stands in the log for what the key does"),
    )
    name = models.CharField(_("name"), max_length=100, help_text=_("which program has it"))
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(_("hash"), max_length=64, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created"))
    created_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("created by")
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at",)
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=models.F("created_at")),
                name="%(app_label)s_%(class)s_expires_after_made",
                violation_error_message=_("A key expires after it is made."),
            ),
            # A form that is sent twice makes one key.
            models.UniqueConstraint(
                fields=["user", "name"],
                condition=Q(revoked_at__isnull=True),
                name="%(app_label)s_%(class)s_name_once",
                violation_error_message=_("The user has a key of this name; revoke it first."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="%(app_label)s_%(class)s_named"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotencyKey(models.Model):
    """The stored answer to a request that may be sent twice."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="%(app_label)s_%(class)s_once"),
        ]

    def __str__(self) -> str:
        return self.key


class Job(models.Model):
    """A piece of long work: made by a service on commit, run by a worker, read by pages."""

    public_id = public_id_field()
    kind = models.CharField(_("kind"), max_length=60)
    arguments = models.JSONField(_("arguments"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=JobState, default=JobState.QUEUED)
    # Counted on for ever: it tells a runner whether the job is still its own.
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    attempts_allowed = models.PositiveSmallIntegerField(_("attempts allowed"), default=3)
    step = models.CharField(_("step"), max_length=100, blank=True)
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("total"), default=0)
    result = models.JSONField(_("result"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True)
    requested_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("requested by")
    )
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("handed to the workers"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-created_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=JobState.values), name="%(app_label)s_%(class)s_state_known"
            ),
            models.CheckConstraint(
                condition=Q(done__gte=0) & Q(total__gte=0),
                name="%(app_label)s_%(class)s_counts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(attempt__lte=models.F("attempts_allowed")),
                name="%(app_label)s_%(class)s_attempts_limited",
            ),
            models.CheckConstraint(
                condition=~Q(state=JobState.RUNNING)
                | Q(started_at__isnull=False, heartbeat_at__isnull=False),
                name="%(app_label)s_%(class)s_running_gives_signs_of_life",
            ),
            models.CheckConstraint(
                condition=Q(state__in=JOB_UNDER_WAY, finished_at__isnull=True)
                | Q(~Q(state__in=JOB_UNDER_WAY), finished_at__isnull=False),
                name="%(app_label)s_%(class)s_ended_has_a_time",
            ),
        ]
        indexes = [
            # jobs.pick_up: what waits or runs, by the minute, among all that is done.
            models.Index(
                fields=["sent_at"],
                condition=Q(state__in=JOB_UNDER_WAY),
                name="accounts_job_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} ({self.get_state_display()})"


class StoredFile(models.Model):
    """A file kept as evidence; never changed nor deleted, so that history can name its hash.

    `organisation` says who may read it: the house, or the vendor whose it is. Name, type, size and
    hash are what the service found, not what the browser said.
    """

    public_id = public_id_field()
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="files", verbose_name=_("organisation")
    )
    content = models.FileField(_("content"), upload_to=random_name)
    name = models.CharField(_("name"), max_length=200)
    media_type = models.CharField(_("type"), max_length=20, choices=MediaType)
    size = models.PositiveBigIntegerField(_("size"), help_text=_("bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    stored_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("stored by")
    )
    stored_at = models.DateTimeField(_("stored"))

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ("-stored_at", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(media_type__in=MediaType.values),
                name="%(app_label)s_%(class)s_type_known",
            ),
            models.CheckConstraint(
                condition=Q(size__gt=0), name="%(app_label)s_%(class)s_not_empty"
            ),
            models.CheckConstraint(
                condition=Exact(Length("sha256"), 64), name="%(app_label)s_%(class)s_hashed"
            ),
            models.UniqueConstraint(fields=["content"], name="%(app_label)s_%(class)s_own_content"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (SHA-256 {self.sha256})"
