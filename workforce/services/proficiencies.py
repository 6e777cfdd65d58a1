"""Recording what is known of annotators' accuracy and speed."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import digest_of, record_event
from workforce.models import Annotator, Proficiency, Skill


@transaction.atomic
def record_proficiencies(
    rows: Sequence[Proficiency], *, acting_user: User, now: datetime
) -> list[Proficiency]:
    """Append estimates and return those that are new; a newer one takes over from its `as_of` on.

    What stands of an annotator and skill as of the very same time is left as it is.
    """
    require(acting_user, "accuracy.estimate")
    skills = sorted({row.skill_id for row in rows})
    # Whoever writes of the same skill waits until the rows below can be seen.
    list(Skill.objects.select_for_update(no_key=True).filter(pk__in=skills).order_by("pk"))
    have = set(
        Proficiency.objects.filter(
            skill_id__in=skills, as_of__in={row.as_of for row in rows}
        ).values_list("annotator_id", "skill_id", "as_of")
    )
    new = [row for row in rows if (row.annotator_id, row.skill_id, row.as_of) not in have]
    made = Proficiency.objects.bulk_create(new, batch_size=2_000)
    if made:
        people = {row.annotator_id for row in made}
        names = Annotator.objects.values_list("pk", "public_id")
        record_event(
            "proficiencies.recorded",
            acting_user=acting_user,
            now=now,
            count=len(made),
            digest=digest_of(public_id for pk, public_id in names if pk in people),
        )
    return made
