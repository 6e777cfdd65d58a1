"""Reads of quality, named as the questions they answer."""

from accounts.models import User
from accounts.permissions import can
from quality.choices import AlarmState
from quality.models import Alarm
from quality.services.alarms import seen_by


def alarms_waiting(user: User) -> int:
    """Count the alarms that nobody has in hand and that the user may see."""
    if not can(user, "alarms.view"):
        return 0
    return seen_by(Alarm.objects.filter(state=AlarmState.OPEN), user).count()
