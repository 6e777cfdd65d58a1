"""Holding, confirming, declining a proposed pause; contesting it, and settling the contest.

The system proposes, and holds for a day at most; a person of the house decides, and another one
settles what the annotator contests. While somebody is held or paused their leases end, and what
they answered since the last good evidence is queued for a check.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Invalid, NotFound
from quality.choices import PAUSE_TRANSITIONS, PauseState
from quality.models import PauseProposal, PauseProposalStep
from quality.services.pause_work import end_work, queue_checks
from quality.services.steps import Course, take_step
from workforce.choices import AnnotatorStatus
from workforce.models import Annotator, AnnotatorTransition
from workforce.services.people import change_status

DECIDE = "pauses.decide"
COURSE = Course(PauseProposalStep, "proposal", PAUSE_TRANSITIONS)
LONGEST = timedelta(days=366)


@transaction.atomic
def hold(proposal: PauseProposal, *, acting_user: User, now: datetime) -> PauseProposal:
    """Pause the annotator until a person decides, for PAUSE_HOLD_HOURS and a day at most.

    Raises
    ------
    Conflict
        If it was held before, or is decided.
    """
    require(acting_user, "annotators.pause")
    minutes = max(settings.PAUSE_HOLD_HOURS, 1) * 60
    _step(
        proposal,
        PauseState.HELD,
        {"held_at": now, "hold_minutes": minutes},
        acting_user=acting_user,
        now=now,
        minutes=minutes,
    )
    _pause(
        proposal,
        now + timedelta(minutes=minutes),
        _(
            "Checks of your answers in %(skill)s found more errors than usual. Your work is on "
            "hold until a person has looked at them, for a day at most."
        )
        % {"skill": proposal.skill},
        acting_user=acting_user,
        now=now,
    )
    return proposal


@transaction.atomic
def end_holds(*, acting_user: User, now: datetime) -> int:
    """Put proposals whose hold is over back among those that wait; returns how many.

    The annotator is back by themselves: their pause has that term.
    """
    require(acting_user, "pauses.propose")
    over = [
        proposal
        for proposal in PauseProposal.objects.filter(state=PauseState.HELD).order_by("pk")
        if proposal.hold_until is not None and proposal.hold_until <= now
    ]
    for proposal in over:
        _step(proposal, PauseState.PROPOSED, {}, acting_user=acting_user, now=now)
    return len(over)


@transaction.atomic
def confirm_pause(
    proposal: PauseProposal,
    *,
    until: datetime,
    told: str,
    note: str = "",
    acting_user: User,
    now: datetime,
) -> PauseProposal:
    """Pause the annotator until a time, for reasons that they read and may contest.

    Raises
    ------
    Invalid
        If the reason is missing, or the term is over, above a year or not there.
    Conflict
        If it is decided already.
    """
    require(acting_user, DECIDE)
    told = _told(told)
    _check_term(until, now)
    _step(
        proposal,
        PauseState.CONFIRMED,
        {
            "decided_by": acting_user,
            "decided_at": now,
            "pause_until": until,
            "told": told,
            "note": note.strip(),
        },
        acting_user=acting_user,
        now=now,
    )
    _pause(proposal, until, told, acting_user=acting_user, now=now)
    return proposal


@transaction.atomic
def decline_pause(
    proposal: PauseProposal, *, told: str, note: str = "", acting_user: User, now: datetime
) -> PauseProposal:
    """Decide against a pause; a hold ends at once, and the test begins anew.

    Raises
    ------
    Invalid
        If the reason is missing.
    Conflict
        If it is decided already.
    """
    require(acting_user, DECIDE)
    _step(
        proposal,
        PauseState.DECLINED,
        {
            "decided_by": acting_user,
            "decided_at": now,
            "told": _told(told),
            "note": note.strip(),
        },
        acting_user=acting_user,
        now=now,
    )
    _bring_back(proposal, acting_user=acting_user, now=now)
    return proposal


@transaction.atomic
def contest_pause(
    proposal: PauseProposal, text: str, *, acting_user: User, now: datetime
) -> PauseProposal:
    """Contest a hold or a pause as the annotator whom it is about.

    Raises
    ------
    NotFound
        If it is about somebody else: it looks as if there were none.
    Invalid
        If nothing is said.
    Conflict
        If it is neither held nor confirmed, or contested already.
    """
    require(acting_user, "own_work.do")
    if proposal.annotator.user_id != acting_user.pk:
        raise NotFound(what=_("pause"))
    text = text.strip()
    if not text:
        raise Invalid(_("Say why you contest it."), field="contest", rule="required")
    _step(
        proposal,
        PauseState.CONTESTED,
        {"contested_at": now, "contest": text},
        acting_user=acting_user,
        now=now,
    )
    return proposal


@transaction.atomic
def settle_contest(
    proposal: PauseProposal,
    *,
    upheld: bool,
    told: str,
    until: datetime | None = None,
    acting_user: User,
    now: datetime,
) -> PauseProposal:
    """Uphold or lift a contested pause; by another person than who confirmed it.

    Parameters
    ----------
    until : term of an upheld pause; not needed where one was confirmed

    Raises
    ------
    Invalid
        If the same person decides twice, the reason is missing, or an upheld pause has no term.
    Conflict
        If nothing is contested.
    """
    require(acting_user, DECIDE)
    if proposal.decided_by_id == acting_user.pk:
        raise Invalid(
            _("Another person settles what you decided."), field="settled_by", rule="four_eyes"
        )
    told = _told(told)
    values: dict[str, Any] = {
        "settled_by": acting_user,
        "settled_at": now,
        "settled_told": told,
    }
    if upheld:
        until = until or proposal.pause_until
        if until is None:
            raise Invalid(_("A pause has a term."), field="until", rule="required")
        if until != proposal.pause_until:
            _check_term(until, now)
        values["pause_until"] = until
    to_state = PauseState.UPHELD if upheld else PauseState.LIFTED
    _step(proposal, to_state, values, acting_user=acting_user, now=now)
    if upheld and until is not None and until > now:
        _pause(proposal, until, proposal.told or told, acting_user=acting_user, now=now)
    elif not upheld:
        _bring_back(proposal, acting_user=acting_user, now=now)
    return proposal


def _told(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(_("The annotator is told a reason."), field="told", rule="required")
    return text


def _check_term(until: datetime, now: datetime) -> None:
    if not now < until <= now + LONGEST:
        raise Invalid(_("A pause ends in the future, within a year."), field="until", rule="range")


def _pause(
    proposal: PauseProposal, until: datetime, reason: str, *, acting_user: User, now: datetime
) -> None:
    """Pause the annotator, unless somebody else has done so for longer; their work goes back."""
    annotator = proposal.annotator
    annotator.refresh_from_db()
    others = annotator.status == AnnotatorStatus.PAUSED and not _is_ours(proposal)
    longer = others and annotator.paused_until is not None and annotator.paused_until > until
    if annotator.status != AnnotatorStatus.LEFT and not longer:
        change_status(
            annotator,
            AnnotatorStatus.PAUSED,
            reason=reason,
            until=until,
            acting_user=acting_user,
            now=now,
        )
        proposal.transition = _latest(annotator)
        proposal.save(update_fields=["transition"])
    end_work(annotator, acting_user=acting_user, now=now)
    queue_checks(proposal, acting_user=acting_user, now=now)


def _bring_back(proposal: PauseProposal, *, acting_user: User, now: datetime) -> None:
    """End the pause that this proposal made; one that somebody made for another reason stays."""
    annotator = proposal.annotator
    annotator.refresh_from_db()
    if annotator.status == AnnotatorStatus.PAUSED and _is_ours(proposal):
        change_status(annotator, AnnotatorStatus.ACTIVE, acting_user=acting_user, now=now)


def _latest(annotator: Annotator) -> AnnotatorTransition | None:
    return AnnotatorTransition.objects.filter(annotator=annotator).order_by("-sequence").first()


def _is_ours(proposal: PauseProposal) -> bool:
    return proposal.transition_id is not None and proposal.transition == _latest(proposal.annotator)


def _step(
    proposal: PauseProposal,
    to_state: str,
    values: dict[str, Any],
    *,
    acting_user: User,
    now: datetime,
    **data: Any,
) -> None:
    before = proposal.state
    take_step(proposal, to_state, COURSE, values=values, acting_user=acting_user, now=now)
    record_event(
        f"pause.{'hold_over' if to_state == PauseState.PROPOSED else to_state}",
        acting_user=acting_user,
        now=now,
        subject="pause",
        subject_id=proposal.public_id,
        annotator=str(proposal.annotator.public_id),
        before=before,
        **data,
    )
