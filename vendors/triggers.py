"""Vendors are organisations of that kind; contracts do not overlap; the house verifies."""

from common.triggers import NoOverlap, Rule, both, verifier_is_house, write_once

RULES = (
    *both(
        "vendors_vendor_is_vendor",
        "vendors_vendor",
        "NOT EXISTS (SELECT 1 FROM accounts_organisation o WHERE o.id = NEW.organisation_id "
        "AND o.kind = 'vendor')",
        "A vendor is an organisation of that kind.",
    ),
    Rule(
        "vendors_vendor_state_by_step",
        "vendors_vendor",
        "UPDATE",
        "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM vendors_vendortransition t "
        "WHERE t.vendor_id = NEW.id AND t.from_state = OLD.state AND t.to_state = NEW.state "
        "AND t.sequence = (SELECT max(l.sequence) FROM vendors_vendortransition l "
        "WHERE l.vendor_id = NEW.id))",
        "A vendor changes its state by a step of its life cycle.",
    ),
    Rule(
        "vendors_vendor_key_stays",
        "vendors_vendor",
        "UPDATE",
        "NEW.key <> OLD.key",
        "The key of a vendor stays: files and policies name it.",
    ),
    Rule(
        "vendors_vendor_organisation_stays",
        "vendors_vendor",
        "UPDATE",
        "NEW.organisation_id <> OLD.organisation_id",
        "A vendor stays the organisation it is.",
    ),
    *write_once("vendors_vendortransition", "A step in the life of a vendor stays."),
    *verifier_is_house(
        "vendors_attestation", "verified_by_id", "A person of the house verifies attestations."
    ),
    *both(
        "vendors_attestation_evidence_own",
        "vendors_attestation",
        "NEW.evidence_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_storedfile f "
        "JOIN vendors_vendor v ON v.organisation_id = f.organisation_id "
        "WHERE f.id = NEW.evidence_id AND v.id = NEW.vendor_id)",
        "The evidence of an attestation is a file of that vendor.",
    ),
    # What the house thinks of a vendor is not for the vendor to read.
    *both(
        "vendors_criterionscore_evidence_house",
        "vendors_criterionscore",
        "NEW.evidence_file_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_storedfile f "
        "JOIN accounts_organisation o ON o.id = f.organisation_id "
        "WHERE f.id = NEW.evidence_file_id AND o.kind = 'house')",
        "The evidence of a score is a file of the house.",
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
