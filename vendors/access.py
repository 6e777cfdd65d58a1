"""By which path the rows of vendors belong to an organisation."""

from uuid import UUID

from accounts.access import access
from accounts.models import User
from common.access import HOUSE_ONLY, Path
from vendors.models import Attestation, Contract, CriterionScore, Vendor, VendorTransition

ACCESS = {
    Vendor: Path("organisation_id"),
    Contract: Path("vendor__organisation_id"),
    Attestation: Path("vendor__organisation_id"),
    # What the house thinks of a vendor, and why it was moved.
    CriterionScore: HOUSE_ONLY,
    VendorTransition: HOUSE_ONLY,
}


def access_vendor(user: User, public_id: UUID | str) -> Vendor:
    """Return a vendor that the user may see, or raise NotFound."""
    return access(Vendor.objects.all(), user, public_id)


def access_contract(user: User, public_id: UUID | str) -> Contract:
    """Return a contract that the user may see, or raise NotFound."""
    return access(Contract.objects.all(), user, public_id)


def access_attestation(user: User, public_id: UUID | str) -> Attestation:
    """Return an attestation that the user may see, or raise NotFound."""
    return access(Attestation.objects.all(), user, public_id)
