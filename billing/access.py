"""By which path prices belong to an organisation."""

from uuid import UUID

from accounts.access import access
from accounts.models import User
from billing.models import RateCard, RateLine
from common.access import Path

ACCESS = {
    # Cards of pools without a vendor (own staff, models) lead to nobody outside.
    RateCard: Path("pool__vendor__organisation_id"),
    RateLine: Path("card__pool__vendor__organisation_id"),
}


def access_rate_card(user: User, public_id: UUID | str) -> RateCard:
    """Return a rate card that the user may see, or raise NotFound."""
    return access(RateCard.objects.all(), user, public_id)
