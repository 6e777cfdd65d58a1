"""Recording what is known of annotators' accuracy and speed."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import digest_of, record_event
from workforce.models import Proficiency


@transaction.atomic
def record_proficiencies(
    rows: Sequence[Proficiency], *, acting_user: User, now: datetime
) -> list[Proficiency]:
    """Append estimates; a newer one takes over from its `as_of` on."""
    require(acting_user, "accuracy.estimate")
    made = Proficiency.objects.bulk_create(rows, batch_size=2_000)
    record_event(
        "proficiencies.recorded",
        acting_user=acting_user,
        now=now,
        count=len(made),
        digest=digest_of(str(row.annotator.public_id) for row in made),
    )
    return made
