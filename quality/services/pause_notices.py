"""What an annotator reads of their own pauses: reasons, terms, and how to contest them.

Never when which answer was found wrong: counts of checked answers are told only as sums over
SUM_FROM answers or more, and a day late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import NotFound
from quality.choices import PAUSE_TRANSITIONS, PauseState
from quality.models import PauseProposal

SUM_FROM = 20


@dataclass(frozen=True)
class PauseNotice:
    """One pause as its annotator reads it.

    reason : why; asked_again : the annotator's own words, where it is contested
    answer : what was said to that; counts : (checked answers, wrong ones), None where a sum would
        say too much
    until : when they are back at work, None where they are
    """

    public_id: UUID
    skill: str
    state: str
    since: datetime
    until: datetime | None
    reason: str
    asked_again: str
    answer: str
    counts: tuple[int, int] | None
    may_contest: bool


def notices_for(user: User, *, now: datetime) -> list[PauseNotice]:
    """Return the pauses of the annotator whose login this is, the latest first.

    A proposal that nobody has held or decided is not told: it may come to nothing.
    """
    rows = PauseProposal.objects.filter(
        Q(held_at__isnull=False) | Q(decided_at__isnull=False), annotator__user=user
    )
    return [_notice(row, now) for row in rows.select_related("skill")]


def pause_of(user: User, public_id: UUID | str) -> PauseProposal:
    """Return a pause of the annotator whose login this is.

    Raises
    ------
    NotFound
        If there is none, it is somebody else's, or is not told yet: all look the same.
    """
    try:
        wanted = public_id if isinstance(public_id, UUID) else UUID(public_id)
    except ValueError:
        raise NotFound(what=_("pause")) from None
    rows = PauseProposal.objects.filter(
        Q(held_at__isnull=False) | Q(decided_at__isnull=False), annotator__user=user
    )
    found = rows.filter(public_id=wanted).first()
    if found is None:
        raise NotFound(what=_("pause"))
    return found


def _notice(row: PauseProposal, now: datetime) -> PauseNotice:
    decided = row.decided_at is not None
    until = row.pause_until if decided or row.state == PauseState.UPHELD else row.hold_until
    back = row.state in (PauseState.DECLINED, PauseState.LIFTED) or until is None or until <= now
    return PauseNotice(
        public_id=row.public_id,
        skill=row.skill.name,
        state=str(row.get_state_display()),
        since=row.held_at or row.decided_at or row.proposed_at,
        until=None if back else until,
        reason=row.told
        or _(
            "Checks of your answers found more errors than usual. A person looks at them; until "
            "then your work is on hold, for a day at most."
        ),
        asked_again=row.contest,
        answer=row.settled_told,
        counts=_counts(row, now),
        may_contest=PauseState.CONTESTED in PAUSE_TRANSITIONS[row.state],
    )


def _counts(row: PauseProposal, now: datetime) -> tuple[int, int] | None:
    old = row.evidence_to <= now - timedelta(hours=settings.GOLD_DELAY_HOURS)
    return (row.answers, row.errors) if old and row.answers >= SUM_FROM else None
