"""Recording what was learned of the effort of work."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from routing.models import EffortEstimate


@transaction.atomic
def record_effort(
    rows: Sequence[EffortEstimate], *, acting_user: User, now: datetime
) -> list[EffortEstimate]:
    """Append estimates; what is known as of the same time already stays as it is."""
    require(acting_user, "effort.refit")
    have = set(
        EffortEstimate.objects.filter(as_of__in={row.as_of for row in rows}).values_list(
            "task_type_id", "complexity_band", "as_of"
        )
    )
    new = [row for row in rows if (row.task_type_id, row.complexity_band, row.as_of) not in have]
    made = EffortEstimate.objects.bulk_create(new)
    if made:
        record_event(
            "effort.refitted",
            acting_user=acting_user,
            now=now,
            groups=len(made),
            durations=sum(row.n for row in made),
        )
    return made
