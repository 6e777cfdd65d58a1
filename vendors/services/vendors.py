"""Vendors: making one, its life cycle, contracts, attestations and scorecard."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.choices import OrganisationKind
from accounts.models import Organisation, User
from accounts.permissions import require
from accounts.services.files import replace_file
from accounts.services.records import save_record
from accounts.services.users import house
from audit.services.events import record_event
from common.errors import Conflict, Invalid
from vendors.choices import NEEDS_REASON, VENDOR_TRANSITIONS
from vendors.models import Attestation, Contract, CriterionScore, Vendor, VendorTransition

MANAGE = "vendors.manage"
SCORE = "vendors.score"


@transaction.atomic
def create_vendor(
    *, name: str, key: str, country: str, acting_user: User, now: datetime, **values: Any
) -> Vendor:
    """Make a vendor (a prospect) with its organisation.

    Raises
    ------
    Invalid
        If the name or key is taken, or a value breaks a rule.
    """
    require(acting_user, MANAGE)
    organisation = save_record(
        Organisation(name=name, kind=OrganisationKind.VENDOR),
        permission=MANAGE,
        acting_user=acting_user,
        now=now,
    )
    vendor = Vendor(organisation=organisation, key=key, country=country, **values)
    return save_record(vendor, permission=MANAGE, acting_user=acting_user, now=now)


@transaction.atomic
def change_vendor(
    vendor: Vendor,
    *,
    name: str | None = None,
    changed: Sequence[str],
    acting_user: User,
    now: datetime,
) -> Vendor:
    """Save a changed vendor, and the name of its organisation if one is given.

    Raises
    ------
    Invalid
        If the name is taken, or a value breaks a rule.
    """
    require(acting_user, MANAGE)
    by: dict[str, Any] = {"permission": MANAGE, "acting_user": acting_user, "now": now}
    organisation = vendor.organisation
    if name is not None and name != organisation.name:
        organisation.name = name
        save_record(organisation, changed=["name"], **by)
    return save_record(vendor, changed=changed, **by)


@transaction.atomic
def change_state(
    vendor: Vendor, to: str, *, reason: str = "", acting_user: User, now: datetime
) -> Vendor:
    """Take a vendor a step along its life cycle; the step it stands on changes nothing.

    Raises
    ------
    Invalid
        If there is no such step, or suspending or ending lacks a reason.
    Conflict
        If somebody else changed the state meanwhile.
    """
    require(acting_user, MANAGE)
    before = Vendor.objects.values_list("state", flat=True).get(pk=vendor.pk)
    if before == to:
        return vendor
    if to not in VENDOR_TRANSITIONS.get(before, frozenset()):
        allowed = ", ".join(sorted(VENDOR_TRANSITIONS.get(before, ()))) or "nothing"
        raise Invalid(
            _("A vendor in %(before)s cannot become %(to)s; possible: %(allowed)s.")
            % {"before": before, "to": to, "allowed": allowed},
            field="state",
            rule="transition",
        )
    if to in NEEDS_REASON and not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
    sequence = VendorTransition.objects.filter(vendor=vendor).count() + 1
    try:
        with transaction.atomic():
            VendorTransition.objects.create(
                vendor=vendor,
                sequence=sequence,
                from_state=before,
                to_state=to,
                actor=acting_user,
                reason=reason.strip(),
                at=now,
            )
    except IntegrityError as error:
        raise Conflict(_("Somebody else changed the state meanwhile.")) from error
    if not Vendor.objects.filter(pk=vendor.pk, state=before).update(state=to):
        raise Conflict(_("Somebody else changed the state meanwhile."))
    vendor.refresh_from_db()
    Vendor.history.bulk_history_create([vendor], update=True, default_user=acting_user)
    record_event(
        "vendor.state_changed",
        acting_user=acting_user,
        now=now,
        subject="vendor",
        subject_id=vendor.public_id,
        note=reason.strip(),
        before=before,
        after=to,
    )
    return vendor


def add_contract(vendor: Vendor, *, acting_user: User, now: datetime, **values: Any) -> Contract:
    """Add a contract; one that overlaps another of the vendor's is refused."""
    contract = Contract(vendor=vendor, **values)
    return save_record(contract, permission=MANAGE, acting_user=acting_user, now=now)


def declare_attestation(
    vendor: Vendor,
    *,
    upload: File | None = None,  # type: ignore[type-arg]
    acting_user: User,
    now: datetime,
    **values: Any,
) -> Attestation:
    """Record an attestation as declared; no gate counts it until it is verified."""
    attestation = Attestation(vendor=vendor, **values)
    return save_attestation(attestation, upload=upload, acting_user=acting_user, now=now)


@transaction.atomic
def save_attestation(
    attestation: Attestation,
    *,
    upload: File | None = None,  # type: ignore[type-arg]
    changed: Sequence[str] | None = None,
    acting_user: User,
    now: datetime,
) -> Attestation:
    """Save a new or changed attestation as declared by the user: it has to be verified (again).

    An attestation in which nothing is changed stays as it is.

    Raises
    ------
    Invalid
        If the evidence file or a value breaks a rule.
    """
    require(acting_user, MANAGE)
    if upload is not None:
        before = attestation.evidence
        attestation.evidence = replace_file(
            before,
            upload,
            organisation=attestation.vendor.organisation,
            permission=MANAGE,
            acting_user=acting_user,
            now=now,
        )
        if attestation.evidence != before:
            changed = [*(changed or ()), "evidence"]
    if not attestation._state.adding and not changed:
        return attestation
    attestation.declared_by = acting_user
    attestation.verified_by = attestation.verified_at = None
    return save_record(
        attestation, permission=MANAGE, changed=changed, acting_user=acting_user, now=now
    )


@transaction.atomic
def verify_attestation(
    attestation: Attestation, *, acting_user: User, now: datetime
) -> Attestation:
    """Confirm a declared attestation; verifying it twice changes nothing.

    Raises
    ------
    Invalid
        If the declarer verifies.
    """
    require(acting_user, "attestations.verify")
    attestation.refresh_from_db()
    if attestation.verified_at is not None:
        return attestation
    if attestation.declared_by_id == acting_user.pk:
        raise Invalid(
            _("Another person than the declarer verifies."), field="verified_by", rule="four_eyes"
        )
    attestation.verified_by, attestation.verified_at = acting_user, now
    return save_record(
        attestation,
        permission="attestations.verify",
        changed=["verified_by", "verified_at"],
        acting_user=acting_user,
        now=now,
    )


def score_vendor(
    vendor: Vendor,
    *,
    upload: File | None = None,  # type: ignore[type-arg]
    acting_user: User,
    now: datetime,
    **values: Any,
) -> CriterionScore:
    """Score one of the seven criteria, with its evidence."""
    score = CriterionScore(vendor=vendor, **values)
    return save_score(score, upload=upload, acting_user=acting_user, now=now)


@transaction.atomic
def save_score(
    score: CriterionScore,
    *,
    upload: File | None = None,  # type: ignore[type-arg]
    changed: Sequence[str] | None = None,
    acting_user: User,
    now: datetime,
) -> CriterionScore:
    """Save a new or changed score; who saves it is its author.

    Raises
    ------
    Invalid
        If the evidence file or a value breaks a rule.
    """
    require(acting_user, SCORE)
    if upload is not None:
        score.evidence_file = replace_file(
            score.evidence_file,
            upload,
            organisation=house(),
            permission=SCORE,
            acting_user=acting_user,
            now=now,
        )
    score.author = acting_user
    return save_record(score, permission=SCORE, changed=changed, acting_user=acting_user, now=now)
