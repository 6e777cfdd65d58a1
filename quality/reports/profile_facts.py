"""What stands beside an annotator's numbers: proofs with their last days, alarms, pauses."""

from dataclasses import dataclass

import pandas as pd
from django.conf import settings

from accounts.access import scoped
from accounts.models import User
from accounts.permissions import can, require
from common.time import local_date
from quality.models import Alarm, PauseProposal
from quality.reports.ratings import VIEW
from quality.reports.spans import Span
from quality.services.alarms import seen_by
from vendors.choices import COUNTED, AttestationKind, AttestationState
from vendors.selectors import attestation_cover
from workforce.choices import FactState
from workforce.models import Annotator, AnnotatorSkill, AnnotatorTransition, Certification


@dataclass(frozen=True)
class Facts:
    """Tables about an annotator at the end of a span.

    skills : level, state, by whom verified; certificates : kind, issuer, last day, whether it
    counts; attestations : of the vendor, the same; alarms, pauses : the newest first; statuses :
    changes of status in the span. Alarms and pauses are None for who may not see them
    """

    skills: pd.DataFrame
    certificates: pd.DataFrame
    attestations: pd.DataFrame
    statuses: pd.DataFrame
    alarms: pd.DataFrame | None
    pauses: pd.DataFrame | None


def facts_of(annotator: Annotator, span: Span, *, acting_user: User) -> Facts:
    """Return what stands beside an annotator's numbers."""
    require(acting_user, VIEW)
    watched = can(acting_user, "alarms.view")
    return Facts(
        skills=_skills(annotator),
        certificates=_certificates(annotator, span),
        attestations=_attestations(annotator, span),
        statuses=_statuses(annotator, span),
        alarms=_alarms(annotator, span, acting_user) if watched else None,
        pauses=_pauses(annotator, span, acting_user) if watched else None,
    )


def _skills(annotator: Annotator) -> pd.DataFrame:
    rows = AnnotatorSkill.objects.filter(annotator=annotator).order_by("skill__name")
    columns = ("skill__name", "level", "state", "verified_by__name", "verified_at")
    table = pd.DataFrame(
        list(rows.values_list(*columns)), columns=["skill", "level", "state", "by", "at"]
    )
    table["state"] = [str(FactState(state).label) for state in table["state"]]
    return table


def _certificates(annotator: Annotator, span: Span) -> pd.DataFrame:
    today = local_date(span.until, annotator.time_zone)
    rows = (
        Certification.objects.filter(annotator=annotator)
        .select_related("type")
        .order_by("type__name", "-issued_on")
    )
    return pd.DataFrame(
        [
            {
                "id": row.pk,
                "type": str(row.type),
                "issuer": row.issuer,
                "state": str(row.get_state_display()),
                "valid_until": row.valid_until,
                "days_left": (row.valid_until - today).days + 1 if row.valid_until else None,
                "counts": row.state == FactState.VERIFIED
                and row.issued_on <= today
                and (row.lapses_at is None or row.lapses_at > span.until),
            }
            for row in rows
        ],
        columns=["id", "type", "issuer", "state", "valid_until", "days_left", "counts"],
    ).astype({"days_left": "Int64"})


def _attestations(annotator: Annotator, span: Span) -> pd.DataFrame:
    vendor = annotator.pool.vendor_id
    today = local_date(span.until, settings.OPERATION_TIME_ZONE)
    cover = {} if vendor is None else attestation_cover(vendor_ids=[vendor], on=today)
    found = [
        {
            "kind": str(AttestationKind(kind).label),
            "state": str(AttestationState(found.state).label),
            "last_day": found.last_day,
            "counts": found.state in COUNTED,
        }
        for (_vendor, kind), found in cover.items()
        if found.state != AttestationState.MISSING
    ]
    return pd.DataFrame(found, columns=["kind", "state", "last_day", "counts"])


def _statuses(annotator: Annotator, span: Span) -> pd.DataFrame:
    rows = (
        AnnotatorTransition.objects.filter(
            annotator=annotator, at__gte=span.since, at__lte=span.until
        )
        .select_related("actor")
        .order_by("-sequence")
    )
    found = [
        (str(row.get_to_status_display()), row.at, row.until, row.reason, row.actor.name)
        for row in rows
    ]
    return pd.DataFrame(found, columns=["status", "at", "until", "reason", "by"])


def _alarms(annotator: Annotator, span: Span, user: User) -> pd.DataFrame:
    rows = seen_by(scoped(Alarm.objects.all(), user), user).filter(
        annotator=annotator, opened_at__lte=span.until, raised_at__gte=span.since
    )
    if span.skill is not None:
        rows = rows.filter(skill=span.skill)
    found = [
        (
            row.pk,
            str(row.get_kind_display()),
            row.text,
            str(row.get_state_display()),
            str(row.get_outcome_display()) if row.outcome else "",
            row.raised_at,
        )
        for row in rows.order_by("-raised_at", "-pk")
    ]
    return pd.DataFrame(found, columns=["id", "kind", "text", "state", "outcome", "at"])


def _pauses(annotator: Annotator, span: Span, user: User) -> pd.DataFrame:
    rows = scoped(PauseProposal.objects.all(), user).filter(
        annotator=annotator, proposed_at__gte=span.since, proposed_at__lte=span.until
    )
    if span.skill is not None:
        rows = rows.filter(skill=span.skill)
    found = [
        (
            row.pk,
            str(row.skill),
            str(row.get_state_display()),
            row.errors,
            row.answers,
            row.proposed_at,
            row.pause_until,
        )
        for row in rows.select_related("skill").order_by("-proposed_at", "-pk")
    ]
    names = ["id", "skill", "state", "errors", "answers", "at", "until"]
    return pd.DataFrame(found, columns=names)
