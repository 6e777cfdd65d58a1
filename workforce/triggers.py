"""Who belongs to which pool, and who may verify what."""

from common.triggers import both, verifier_is_house

_HOLDER = (
    "NEW.verified_by_id IS NOT NULL AND EXISTS (SELECT 1 FROM workforce_annotator a "
    "WHERE a.id = NEW.annotator_id AND a.user_id = NEW.verified_by_id)"
)

RULES = (
    *both(
        "workforce_poolpart_of_hybrid",
        "workforce_poolpart",
        "NOT EXISTS (SELECT 1 FROM workforce_pool p WHERE p.id = NEW.hybrid_id "
        "AND p.kind = 'hybrid') OR EXISTS (SELECT 1 FROM workforce_pool p "
        "WHERE p.id = NEW.part_id AND p.kind = 'hybrid')",
        "A hybrid pool names pools that are not hybrid.",
    ),
    *both(
        "workforce_annotator_pool_suits",
        "workforce_annotator",
        "NOT EXISTS (SELECT 1 FROM workforce_pool p WHERE p.id = NEW.pool_id "
        "AND p.kind <> 'hybrid' AND ((p.kind = 'model') = (NEW.kind = 'model')))",
        "A person belongs to an in-house or outsourced pool, a model to a model pool.",
    ),
    *both(
        "workforce_annotator_employer_suits",
        "workforce_annotator",
        "EXISTS (SELECT 1 FROM workforce_pool p JOIN vendors_vendor v ON v.id = p.vendor_id "
        "WHERE p.id = NEW.pool_id AND v.organisation_id <> NEW.organisation_id) OR "
        "EXISTS (SELECT 1 FROM workforce_pool p JOIN accounts_organisation o "
        "ON o.id = NEW.organisation_id WHERE p.id = NEW.pool_id AND p.vendor_id IS NULL "
        "AND o.kind <> 'house')",
        "An annotator belongs to the employer of the pool.",
    ),
    *verifier_is_house(
        "workforce_annotator", "facts_verified_by_id", "A person of the house verifies facts."
    ),
    *verifier_is_house(
        "workforce_annotatorskill", "verified_by_id", "A person of the house verifies skills."
    ),
    *verifier_is_house(
        "workforce_certification", "verified_by_id", "A person of the house verifies certificates."
    ),
    *both(
        "workforce_annotatorskill_not_self",
        "workforce_annotatorskill",
        _HOLDER,
        "Nobody verifies themselves.",
    ),
    *both(
        "workforce_certification_not_self",
        "workforce_certification",
        _HOLDER,
        "Nobody verifies themselves.",
    ),
    *both(
        "workforce_certification_evidence_own",
        "workforce_certification",
        "NEW.evidence_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_storedfile f "
        "JOIN workforce_annotator a ON a.organisation_id = f.organisation_id "
        "WHERE f.id = NEW.evidence_id AND a.id = NEW.annotator_id)",
        "The evidence of a certificate is a file of the holder's employer.",
    ),
)
