"""Vendors are organisations of that kind; contracts do not overlap; the house verifies."""

from common.triggers import NoOverlap, both, verifier_is_house

RULES = (
    *both(
        "vendors_vendor_is_vendor",
        "vendors_vendor",
        "NOT EXISTS (SELECT 1 FROM accounts_organisation o WHERE o.id = NEW.organisation_id "
        "AND o.kind = 'vendor')",
        "A vendor is an organisation of that kind.",
    ),
    *verifier_is_house(
        "vendors_attestation", "verified_by_id", "A person of the house verifies attestations."
    ),
    NoOverlap(
        "vendors_contract_no_overlap",
        "vendors_contract",
        ("vendor_id",),
        "starts_on",
        "ends_on",
        "The vendor has another contract in this time.",
    ),
)
