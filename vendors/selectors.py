"""Reads of vendors: what their attestations cover, their latest scores, the contract in force."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max

from vendors.choices import AGREEMENTS, AttestationKind, AttestationState
from vendors.models import Attestation, Contract, CriterionScore, Vendor

EXPIRING = timedelta(days=60)
DAY = timedelta(days=1)
FAR = date.max


@dataclass(frozen=True)
class AttestationCover:
    """State of one kind of attestation of a vendor on a day, and its last day in force."""

    state: str
    last_day: date | None


def cover_of(attestation: Attestation, contracts_end: date | None) -> tuple[date, date, date]:
    """Return (first day, last day on its own, last day with its bridge letter).

    A report on a past period (SOC 2 Type II) has no expiry date: it counts until its period ends,
    and by letter until the letter's last day. An agreement without a last day ends with the
    vendor's last contract (`contracts_end`, the first day after it; None = there is none yet).
    """
    first, last = attestation.issued_on, attestation.valid_until
    if attestation.kind == AttestationKind.SOC2_TYPE2:
        first = attestation.period_from or first
        last = last or attestation.period_to or attestation.issued_on
    elif last is None and attestation.kind in AGREEMENTS and contracts_end is not None:
        last = contracts_end - DAY
    last = last or FAR
    return first, last, max(last, attestation.bridged_until or last)


def attestation_state(
    attestations: Iterable[Attestation], on: date, *, contracts_end: date | None = None
) -> AttestationCover:
    """Return the state of one kind on a day, from its verified rows.

    valid; expiring (60 days or less are left, and nothing follows); bridged (by letter); lapsed;
    missing. The first three still count. Oracle: a report to 2026-10-31 with a letter to
    2027-01-31 is bridged on 2027-01-15 and lapsed on 2027-02-01.
    """
    covers = [cover_of(a, contracts_end) for a in attestations if a.verified_at is not None]
    now = [cover for cover in covers if cover[0] <= on <= cover[2]]
    if not now:
        past = [cover for cover in covers if cover[2] < on]
        if past:
            return AttestationCover(AttestationState.LAPSED, max(cover[2] for cover in past))
        return AttestationCover(AttestationState.MISSING, None)
    last = _unbroken(max(cover[2] for cover in now), covers)
    end = None if last == FAR else last
    if any(on <= cover[1] for cover in now):
        if last != FAR and last - on <= EXPIRING:
            return AttestationCover(AttestationState.EXPIRING, end)
        return AttestationCover(AttestationState.VALID, end)
    return AttestationCover(AttestationState.BRIDGED, end)


def _unbroken(last: date, covers: Iterable[tuple[date, date, date]]) -> date:
    """Return the last day in force when what follows without a gap is counted on."""
    for first, _own, end in sorted(covers):
        if last != FAR and first <= last + DAY:
            last = max(last, end)
    return last


def attestation_cover(
    *, vendor_ids: Iterable[int], on: date
) -> dict[tuple[int, str], AttestationCover]:
    """Return the cover of every vendor and kind on a day, in two queries."""
    vendor_ids = list(vendor_ids)
    grouped: dict[tuple[int, str], list[Attestation]] = {
        (vendor, kind): [] for vendor in vendor_ids for kind in AttestationKind.values
    }
    for attestation in Attestation.objects.filter(vendor_id__in=vendor_ids):
        grouped[attestation.vendor_id, attestation.kind].append(attestation)
    ends = dict(
        Contract.objects.filter(vendor_id__in=vendor_ids)
        .values_list("vendor_id")
        .annotate(end=Max("ends_on"))
        .order_by()
    )
    return {
        key: attestation_state(rows, on, contracts_end=ends.get(key[0]))
        for key, rows in grouped.items()
    }


def cover_of_vendor(vendor: Vendor, on: date) -> dict[str, AttestationCover]:
    """Return the cover of each kind of one vendor; reads nothing of what is prefetched."""
    ends = [contract.ends_on for contract in vendor.contracts.all()]
    rows = list(vendor.attestations.all())
    return {
        kind: attestation_state(
            [row for row in rows if row.kind == kind], on, contracts_end=max(ends, default=None)
        )
        for kind in AttestationKind.values
    }


def contracts_on(day: date, vendor_ids: Iterable[int]) -> dict[int, Contract]:
    """Return the contract of each vendor that is in force on a day."""
    rows = Contract.objects.filter(
        vendor_id__in=list(vendor_ids), starts_on__lte=day, ends_on__gt=day
    )
    return {contract.vendor_id: contract for contract in rows}


def scorecard(vendor_id: int) -> tuple[list[CriterionScore], Decimal | None]:
    """Return the latest score of each criterion and their weighted mean, None without scores."""
    return weigh(CriterionScore.objects.filter(vendor_id=vendor_id).select_related("author"))


def weigh(scores: Iterable[CriterionScore]) -> tuple[list[CriterionScore], Decimal | None]:
    """Return the latest of some scores by criterion and their weighted mean, None without any."""
    latest: dict[str, CriterionScore] = {}
    for score in sorted(scores, key=lambda score: (score.assessed_on, score.pk)):
        latest[score.criterion] = score
    weight = sum((score.weight for score in latest.values()), Decimal(0))
    if not weight:
        return list(latest.values()), None
    total = sum((score.score * score.weight for score in latest.values()), Decimal(0))
    return list(latest.values()), (total / weight).quantize(Decimal("0.01"))
