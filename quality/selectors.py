"""Reads of quality, named as the questions they answer."""

from accounts.models import User
from accounts.permissions import can
from quality.choices import PAUSE_UNDECIDED, AlarmState
from quality.models import Adjudication, Alarm, PauseProposal
from quality.services.alarms import seen_by


def alarms_waiting(user: User) -> int:
    """Count the alarms that nobody has in hand and that the user may see."""
    if not can(user, "alarms.view"):
        return 0
    return seen_by(Alarm.objects.filter(state=AlarmState.OPEN), user).count()


def pauses_waiting(user: User) -> int:
    """Count the proposed pauses that wait for a person, for who may see them."""
    if not can(user, "alarms.view"):
        return 0
    return PauseProposal.objects.filter(state__in=PAUSE_UNDECIDED).count()


def adjudications_waiting(user: User) -> int:
    """Count the tasks that wait for a person to decide what is right, for who may see them."""
    if not can(user, "adjudications.view"):
        return 0
    return Adjudication.objects.filter(decided_at__isnull=True, cancelled_at__isnull=True).count()
