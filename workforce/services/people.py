"""Annotators: making one, skills and certificates, verification, status."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.files import replace_file
from accounts.services.records import save_record
from accounts.services.users import house
from audit.services.events import record_event
from common.errors import Conflict, Invalid
from common.time import end_of_day
from workforce.choices import (
    ANNOTATOR_TRANSITIONS,
    AnnotatorKind,
    AnnotatorStatus,
    FactState,
    PoolKind,
)
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    AnnotatorTransition,
    Certification,
    Person,
    Pool,
    Skill,
)

PEOPLE = "people.manage"
# Facts that gates read once a person of the house has verified them.
FACTS = ("languages", "residency", "clearance")


def create_annotator(pool: Pool, *, acting_user: User, now: datetime, **values: Any) -> Annotator:
    """Make an annotator of a pool; the employer follows from the pool.

    Raises
    ------
    Invalid
        If the pool is hybrid, the e-mail is taken in the organisation, or a value breaks a rule.
    """
    if pool.kind == PoolKind.HYBRID:
        raise Invalid(_("A hybrid pool owns no people."), field="pool", rule="not_hybrid")
    annotator = Annotator(
        pool=pool,
        organisation=pool.vendor.organisation if pool.vendor is not None else house(),
        kind="model" if pool.kind == PoolKind.MODEL else "person",
        **values,
    )
    return save_record(annotator, permission=PEOPLE, acting_user=acting_user, now=now)


def change_annotator(
    annotator: Annotator, *, changed: Sequence[str], acting_user: User, now: datetime
) -> Annotator:
    """Save a changed annotator; changed facts have to be verified again.

    Status, pause and login have services of their own.

    Raises
    ------
    Invalid
        If a value breaks a rule.
    """
    require(acting_user, PEOPLE)
    if _facts_changed(annotator):
        annotator.facts_verified_by = annotator.facts_verified_at = None
    return save_record(
        annotator, permission=PEOPLE, changed=changed, acting_user=acting_user, now=now
    )


def _facts_changed(annotator: Annotator) -> bool:
    """Compare with what is stored: a form also calls "de" typed over "DE" a change."""
    stored = Annotator.objects.filter(pk=annotator.pk).values(*FACTS).get()
    fields = {name: annotator._meta.get_field(name) for name in FACTS}
    return any(
        field.to_python(getattr(annotator, name)) != stored[name]  # type: ignore[union-attr]
        for name, field in fields.items()
    )


@transaction.atomic
def join_as_one(
    annotators: Sequence[Annotator], *, note: str = "", acting_user: User, now: datetime
) -> Person:
    """Record that some annotators are one human being: a task goes to that person once.

    Persons that stand already are kept; several of them become the first.

    Raises
    ------
    Invalid
        If there are fewer than two, or a model is among them.
    """
    require(acting_user, "persons.manage")
    if len({annotator.pk for annotator in annotators}) < 2:
        raise Invalid(_("Two annotators at least are joined."), field="annotators", rule="two")
    if any(annotator.kind == AnnotatorKind.MODEL for annotator in annotators):
        raise Invalid(_("A model is no person."), field="annotators", rule="person")
    there = sorted({a.person_id for a in annotators if a.person_id is not None})
    if there:
        person = Person.objects.get(pk=there[0])
        others = list(Annotator.objects.filter(person_id__in=there[1:]))
    else:
        made = Person(note=note)
        person = save_record(made, permission="persons.manage", acting_user=acting_user, now=now)
        others = []
    for annotator in {a.pk: a for a in [*annotators, *others]}.values():
        if annotator.person_id != person.pk:
            annotator.person = person
            change_annotator(annotator, changed=["person"], acting_user=acting_user, now=now)
    return person


def link_login(
    annotator: Annotator, user: User | None, *, acting_user: User, now: datetime
) -> Annotator:
    """Give an annotator a login of the same organisation, or take it away (None).

    Raises
    ------
    Invalid
        If the login is another organisation's, somebody else's, or verified this one's proofs.
    """
    require(acting_user, "users.manage")
    if annotator.user_id == (user.pk if user is not None else None):
        return annotator
    if user is not None and user.organisation_id != annotator.organisation_id:
        raise Invalid(
            _("There is no such login in the annotator's organisation."),
            field="email",
            rule="known",
        )
    annotator.user = user
    return save_record(
        annotator, permission="users.manage", changed=["user"], acting_user=acting_user, now=now
    )


def verify_facts(annotator: Annotator, *, acting_user: User, now: datetime) -> Annotator:
    """Confirm languages, residency and clearance as they stand now.

    Raises
    ------
    Invalid
        If the holder verifies.
    """
    require(acting_user, "facts.verify")
    _not_the_holder(annotator, acting_user)
    annotator.facts_verified_by, annotator.facts_verified_at = acting_user, now
    return save_record(
        annotator,
        permission="facts.verify",
        changed=["facts_verified_by", "facts_verified_at"],
        acting_user=acting_user,
        now=now,
    )


def declare_skill(
    annotator: Annotator, skill: Skill, level: int, *, acting_user: User, now: datetime
) -> AnnotatorSkill:
    """Declare a level; a changed level has to be verified again, an equal one changes nothing."""
    row = AnnotatorSkill.objects.filter(annotator=annotator, skill=skill).first()
    if row is not None and row.level == level:
        return row
    row = row or AnnotatorSkill(annotator=annotator, skill=skill)
    row.level = level
    return save_skill(row, changed=["level"], acting_user=acting_user, now=now)


def save_skill(
    row: AnnotatorSkill,
    *,
    changed: Sequence[str] | None = None,
    acting_user: User,
    now: datetime,
) -> AnnotatorSkill:
    """Save a new or changed skill as declared; one in which nothing is changed stays as it is."""
    require(acting_user, PEOPLE)
    if not row._state.adding and not changed:
        return row
    row.state, row.verified_by, row.verified_at = FactState.DECLARED, None, None
    return save_record(row, permission=PEOPLE, changed=changed, acting_user=acting_user, now=now)


def _not_the_holder(annotator: Annotator, acting_user: User) -> None:
    if annotator.user_id == acting_user.pk:
        raise Invalid(_("Nobody verifies themselves."), field="verified_by", rule="four_eyes")


def verify_skill(row: AnnotatorSkill, *, acting_user: User, now: datetime) -> AnnotatorSkill:
    """Confirm a declared level; verifying it twice changes nothing.

    Raises
    ------
    Invalid
        If the holder verifies.
    """
    require(acting_user, "facts.verify")
    _not_the_holder(row.annotator, acting_user)
    if row.state == FactState.VERIFIED:
        return row
    row.state, row.verified_by, row.verified_at = FactState.VERIFIED, acting_user, now
    return save_record(
        row, permission="facts.verify", changed=["state"], acting_user=acting_user, now=now
    )


def declare_certification(
    annotator: Annotator,
    *,
    upload: File | None = None,  # type: ignore[type-arg]
    acting_user: User,
    now: datetime,
    **values: Any,
) -> Certification:
    """Record a certificate as declared; it lapses when its last day ends where the holder is."""
    row = Certification(annotator=annotator, **values)
    return save_certification(row, upload=upload, acting_user=acting_user, now=now)


@transaction.atomic
def save_certification(
    row: Certification,
    *,
    upload: File | None = None,  # type: ignore[type-arg]
    changed: Sequence[str] | None = None,
    acting_user: User,
    now: datetime,
) -> Certification:
    """Save a new or changed certificate as declared, with the instant at which it lapses.

    One in which nothing is changed stays as it is.

    Raises
    ------
    Invalid
        If its dates are out of order, or the evidence file or a value breaks a rule.
    """
    require(acting_user, PEOPLE)
    if row.valid_until is not None and row.valid_until < row.issued_on:
        raise Invalid(
            _("It is valid until a day after its issue."),
            field="valid_until",
            rule="dates_in_order",
        )
    if upload is not None:
        before = row.evidence
        row.evidence = replace_file(
            before,
            upload,
            organisation=row.annotator.organisation,
            permission=PEOPLE,
            acting_user=acting_user,
            now=now,
        )
        if row.evidence != before:
            changed = [*(changed or ()), "evidence"]
    if not row._state.adding and not changed:
        return row
    last = row.valid_until
    row.lapses_at = end_of_day(last, row.annotator.time_zone) if last is not None else None
    row.state, row.verified_by, row.verified_at = FactState.DECLARED, None, None
    return save_record(row, permission=PEOPLE, changed=changed, acting_user=acting_user, now=now)


def verify_certification(row: Certification, *, acting_user: User, now: datetime) -> Certification:
    """Confirm a declared certificate; verifying it twice changes nothing.

    Raises
    ------
    Invalid
        If the holder verifies.
    """
    require(acting_user, "facts.verify")
    _not_the_holder(row.annotator, acting_user)
    if row.state == FactState.VERIFIED:
        return row
    row.state, row.verified_by, row.verified_at = FactState.VERIFIED, acting_user, now
    return save_record(
        row, permission="facts.verify", changed=["state"], acting_user=acting_user, now=now
    )


@transaction.atomic
def change_status(
    annotator: Annotator,
    to: str,
    *,
    reason: str = "",
    until: datetime | None = None,
    acting_user: User,
    now: datetime,
) -> Annotator:
    """Pause (with reason and term), bring back, or let go; the same again changes nothing.

    Raises
    ------
    Invalid
        If a pause lacks its reason or term or ends before it begins, or there is no such step.
    Conflict
        If somebody else changed the status meanwhile.
    """
    require(acting_user, "annotators.pause")
    annotator.refresh_from_db()
    before, reason = annotator.status, reason.strip()
    pausing = to == AnnotatorStatus.PAUSED
    same = not pausing or (annotator.pause_reason, annotator.paused_until) == (reason, until)
    if before == to and same:
        return annotator
    if to not in ANNOTATOR_TRANSITIONS.get(before, frozenset()):
        raise Invalid(
            _("Who is %(before)s cannot become %(to)s.") % {"before": before, "to": to},
            field="status",
            rule="transition",
        )
    if pausing and not reason:
        raise Invalid(_("A pause has a reason."), field="reason", rule="required")
    if pausing and until is None:
        raise Invalid(_("A pause has a term."), field="until", rule="required")
    if pausing and until is not None and until <= now:
        raise Invalid(_("A pause ends in the future."), field="until", rule="future")
    sequence = AnnotatorTransition.objects.filter(annotator=annotator).count() + 1
    try:
        with transaction.atomic():
            AnnotatorTransition.objects.create(
                annotator=annotator,
                sequence=sequence,
                from_status=before,
                to_status=to,
                actor=acting_user,
                reason=reason,
                until=until if pausing else None,
                at=now,
            )
    except IntegrityError as error:
        raise Conflict(_("Somebody else changed the status meanwhile.")) from error
    annotator.status = to
    annotator.pause_reason = reason if pausing else ""
    annotator.paused_until = until if pausing else None
    annotator._history_user = acting_user  # type: ignore[attr-defined]
    annotator.save(update_fields=["status", "pause_reason", "paused_until"])
    record_event(
        "annotator.status_changed",
        acting_user=acting_user,
        now=now,
        subject="annotator",
        subject_id=annotator.public_id,
        note=reason,
        before=before,
        after=to,
    )
    return annotator
