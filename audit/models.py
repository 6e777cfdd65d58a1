"""The event log: what happened, by whom, chained and sealed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """One thing that happened, written in the transaction that did it.

    Holds public ids, numbers, versions and salted hashes, never names, e-mails, answers or free
    text: those stand in `EventNote`, which can be erased without breaking the chain. The chain
    itself is made later by one sealer (`Seal`), so that writers never wait for each other; until
    then an event shows as unsealed.
    """

    kind = models.CharField(_("kind"), max_length=60)
    at = models.DateTimeField(_("at"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("actor"),
    )
    subject = models.CharField(_("subject"), max_length=60, blank=True)
    subject_id = models.CharField(_("subject id"), max_length=60, blank=True)
    data = models.JSONField(_("data"), default=dict)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-pk",)
        indexes = [
            # The history of one record, newest first.
            models.Index(fields=["subject", "subject_id", "-id"], name="audit_event_subject"),
            # All events of one kind in a window.
            models.Index(fields=["kind", "at"], name="audit_event_kind_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.subject_id}".strip()


class EventNote(models.Model):
    """Free text that belongs to an event and may be erased."""

    event = models.OneToOneField(Event, models.CASCADE, related_name="note")
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("event note")
        verbose_name_plural = _("event notes")

    def __str__(self) -> str:
        return self.text[:60]


class Seal(models.Model):
    """One batch of events in the chain: its head hash, and its HMAC under a key outside."""

    number = models.BigIntegerField(_("number"), unique=True)
    sealed_at = models.DateTimeField(_("sealed"))
    count = models.PositiveIntegerField(_("events"))
    previous_hash = models.CharField(_("previous head"), max_length=64)
    head_hash = models.CharField(_("head"), max_length=64)
    hmac = models.CharField(_("HMAC"), max_length=64)

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        ordering = ("-number",)
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0), name="audit_seal_not_empty"),
            models.UniqueConstraint(fields=["previous_hash"], name="audit_seal_one_successor"),
        ]

    def __str__(self) -> str:
        return f"#{self.number}"


class SealedEvent(models.Model):
    """The place of an event in the chain; an event without one is not sealed yet."""

    event = models.OneToOneField(Event, models.PROTECT, related_name="sealed")
    seal = models.ForeignKey(Seal, models.PROTECT, related_name="events")
    position = models.PositiveIntegerField(_("position"))

    class Meta:
        verbose_name = _("sealed event")
        verbose_name_plural = _("sealed events")
        ordering = ("seal", "position")
        constraints = [
            models.UniqueConstraint(fields=["seal", "position"], name="audit_sealedevent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.seal} {self.position}"
