"""By which path the rows of people and pools belong to an organisation."""

from uuid import UUID

from accounts.access import access
from accounts.models import User
from common.access import HOUSE_ONLY, SHARED, Path
from workforce.models import (
    Annotator,
    AnnotatorSkill,
    AnnotatorTransition,
    Certification,
    CertificationType,
    DeclaredCapacity,
    ExternalId,
    Leave,
    Person,
    Pool,
    PoolPart,
    Proficiency,
    PublicHoliday,
    Shift,
    Skill,
)

_OF_ANNOTATOR = Path("annotator__organisation_id", own="annotator__user_id")

ACCESS = {
    Skill: SHARED,
    CertificationType: SHARED,
    PublicHoliday: SHARED,
    # Pools without a vendor (in-house, models, hybrids) lead to nobody outside.
    Pool: Path("vendor__organisation_id"),
    DeclaredCapacity: Path("pool__vendor__organisation_id"),
    Annotator: Path("organisation_id", own="user_id"),
    AnnotatorTransition: _OF_ANNOTATOR,
    AnnotatorSkill: _OF_ANNOTATOR,
    Certification: _OF_ANNOTATOR,
    ExternalId: _OF_ANNOTATOR,
    Shift: _OF_ANNOTATOR,
    Leave: _OF_ANNOTATOR,
    # Names the parts of two vendors side by side.
    PoolPart: HOUSE_ONLY,
    # Tells that annotators of two vendors are one person.
    Person: HOUSE_ONLY,
    # Counts of gold answers, by the minute: who is measured must not tell gold from work.
    Proficiency: HOUSE_ONLY,
}


def access_pool(user: User, public_id: UUID | str) -> Pool:
    """Return a pool that the user may see, or raise NotFound."""
    return access(Pool.objects.all(), user, public_id)


def access_annotator(user: User, public_id: UUID | str) -> Annotator:
    """Return an annotator that the user may see, or raise NotFound."""
    return access(Annotator.objects.all(), user, public_id)


def access_certification(user: User, public_id: UUID | str) -> Certification:
    """Return a certification that the user may see, or raise NotFound."""
    return access(Certification.objects.all(), user, public_id)
