"""Annotators: making one, skills and certificates, verification, status."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.permissions import require
from accounts.services.files import replace_file
from accounts.services.records import save_record
from accounts.services.users import house
from audit.services.events import record_event
from common.errors import Conflict, Invalid
from common.time import end_of_day
from workforce.choices import AnnotatorStatus, FactState, PoolKind
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    AnnotatorTransition,
    Certification,
    Pool,
    Skill,
)

PEOPLE = "people.manage"
STEPS: dict[str, frozenset[str]] = {
    AnnotatorStatus.ACTIVE: frozenset({AnnotatorStatus.PAUSED, AnnotatorStatus.LEFT}),
    AnnotatorStatus.PAUSED: frozenset({AnnotatorStatus.ACTIVE, AnnotatorStatus.LEFT}),
    AnnotatorStatus.LEFT: frozenset({AnnotatorStatus.ACTIVE}),
}


def create_annotator(pool: Pool, *, acting_user: User, now: datetime, **values: Any) -> Annotator:
    """Make an annotator of a pool; the employer follows from the pool.

    Raises
    ------
    Invalid
        If the pool is hybrid, the e-mail is taken in the organisation, or a value breaks a rule.
    """
    if pool.kind == PoolKind.HYBRID:
        raise Invalid("A hybrid pool owns no people.", field="pool", rule="not_hybrid")
    annotator = Annotator(
        pool=pool,
        organisation=pool.vendor.organisation if pool.vendor is not None else house(),
        kind="model" if pool.kind == PoolKind.MODEL else "person",
        **values,
    )
    return save_record(annotator, permission=PEOPLE, acting_user=acting_user, now=now)


def verify_facts(annotator: Annotator, *, acting_user: User, now: datetime) -> Annotator:
    """Confirm languages, residency and clearance as they stand now."""
    require(acting_user, "facts.verify")
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


def verify_skill(row: AnnotatorSkill, *, acting_user: User, now: datetime) -> AnnotatorSkill:
    """Confirm a declared level; verifying it twice changes nothing."""
    require(acting_user, "facts.verify")
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
            "It is valid until a day after its issue.", field="valid_until", rule="dates_in_order"
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
    """Confirm a declared certificate; verifying it twice changes nothing."""
    require(acting_user, "facts.verify")
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
    """Pause (with reason and term), bring back, or let go; the same status changes nothing.

    Raises
    ------
    Invalid
        If a pause lacks its reason or ends before it begins, or there is no such step.
    Conflict
        If somebody else changed the status meanwhile.
    """
    require(acting_user, "annotators.pause")
    before = Annotator.objects.values_list("status", flat=True).get(pk=annotator.pk)
    if before == to:
        return annotator
    if to not in STEPS.get(before, frozenset()):
        raise Invalid(f"Who is {before} cannot become {to}.", field="status", rule="transition")
    pausing = to == AnnotatorStatus.PAUSED
    if pausing and not reason.strip():
        raise Invalid("A pause has a reason.", field="reason", rule="required")
    if pausing and until is not None and until <= now:
        raise Invalid("A pause ends in the future.", field="until", rule="future")
    sequence = AnnotatorTransition.objects.filter(annotator=annotator).count() + 1
    try:
        with transaction.atomic():
            AnnotatorTransition.objects.create(
                annotator=annotator,
                sequence=sequence,
                from_status=before,
                to_status=to,
                actor=acting_user,
                reason=reason.strip(),
                until=until if pausing else None,
                at=now,
            )
    except IntegrityError as error:
        raise Conflict("Somebody else changed the status meanwhile.") from error
    annotator.refresh_from_db()
    annotator.status = to
    annotator.pause_reason = reason.strip() if pausing else ""
    annotator.paused_until = until if pausing else None
    annotator.save(update_fields=["status", "pause_reason", "paused_until"])
    record_event(
        "annotator.status_changed",
        acting_user=acting_user,
        now=now,
        subject="annotator",
        subject_id=annotator.public_id,
        note=reason.strip(),
        before=before,
        after=to,
    )
    return annotator
