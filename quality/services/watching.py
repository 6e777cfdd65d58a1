"""The nightly round: holds that are over, pauses that evidence speaks for, leases of the absent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import User
from accounts.permissions import require
from common.errors import Conflict
from quality.choices import PauseState
from quality.models import PauseProposal
from quality.services.pause_tests import propose_pauses
from quality.services.pause_work import end_work_of_paused
from quality.services.pauses import end_holds, hold


@dataclass(frozen=True)
class Round:
    """What a round did."""

    holds_over: int
    proposed: int
    held: int
    leases_ended: int


def make_round(*, acting_user: User, now: datetime) -> Round:
    """Do what is due; a second round as of the same time changes nothing.

    Holds are made here and nowhere else, once a day and on evidence that is a day old: whoever is
    held cannot tell by the hour which of the answers given since was gold.
    """
    require(acting_user, "pauses.propose")
    over = end_holds(acting_user=acting_user, now=now)
    proposed = propose_pauses(acting_user=acting_user, now=now)
    held = _hold(acting_user=acting_user, now=now) if settings.PAUSE_HOLD_HOURS else 0
    leases = end_work_of_paused(acting_user=acting_user, now=now)
    return Round(over, len(proposed), held, leases)


def _hold(*, acting_user: User, now: datetime) -> int:
    old = now - timedelta(hours=settings.GOLD_DELAY_HOURS)
    waiting = PauseProposal.objects.filter(
        state=PauseState.PROPOSED, held_at__isnull=True, evidence_to__lte=old
    )
    held = 0
    for proposal in waiting.select_related("annotator", "skill").order_by("pk"):
        try:
            hold(proposal, acting_user=acting_user, now=now)
        except Conflict:
            continue  # a person was quicker
        held += 1
    return held
