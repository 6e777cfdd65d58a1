"""Who belongs to which pool, and who may verify what."""

from common.triggers import Rule, both, verifier_is_house, write_once

_HOLDER = (
    "NEW.verified_by_id IS NOT NULL AND EXISTS (SELECT 1 FROM workforce_annotator a "
    "WHERE a.id = NEW.annotator_id AND a.user_id = NEW.verified_by_id)"
)


def _of_persons(table: str, message: str) -> tuple[Rule, Rule]:
    """Return the rules that rows of a table belong to persons, not to models."""
    when = (
        "EXISTS (SELECT 1 FROM workforce_annotator a WHERE a.id = NEW.annotator_id "
        "AND a.kind = 'model')"
    )
    return both(f"{table}_of_a_person", table, when, message)


RULES = (
    Rule(
        "workforce_pool_key_stays",
        "workforce_pool",
        "UPDATE",
        "NEW.key <> OLD.key",
        "The key of a pool stays: files and policies name it.",
    ),
    Rule(
        "workforce_pool_stays",
        "workforce_pool",
        "UPDATE",
        "NEW.kind <> OLD.kind OR coalesce(NEW.vendor_id, 0) <> coalesce(OLD.vendor_id, 0)",
        "A pool keeps its kind and its vendor; make a new pool.",
    ),
    *both(
        "workforce_annotator_login_suits",
        "workforce_annotator",
        "NEW.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_user u "
        "WHERE u.id = NEW.user_id AND u.organisation_id = NEW.organisation_id)",
        "The login of an annotator belongs to the same organisation.",
    ),
    # Proofs name their verifier: a login that is given later must not make it the holder.
    Rule(
        "workforce_annotator_login_verified_nothing",
        "workforce_annotator",
        "UPDATE",
        "NEW.user_id IS NOT NULL AND (EXISTS (SELECT 1 FROM workforce_annotatorskill s "
        "WHERE s.annotator_id = NEW.id AND s.verified_by_id = NEW.user_id) OR "
        "EXISTS (SELECT 1 FROM workforce_certification c "
        "WHERE c.annotator_id = NEW.id AND c.verified_by_id = NEW.user_id))",
        "Nobody verifies themselves.",
    ),
    Rule(
        "workforce_annotator_status_by_step",
        "workforce_annotator",
        "UPDATE",
        "NEW.status <> OLD.status AND NOT EXISTS (SELECT 1 FROM workforce_annotatortransition t "
        "WHERE t.annotator_id = NEW.id AND t.from_status = OLD.status "
        "AND t.to_status = NEW.status AND t.sequence = (SELECT max(l.sequence) "
        "FROM workforce_annotatortransition l WHERE l.annotator_id = NEW.id))",
        "The status of an annotator changes by a recorded step.",
    ),
    *write_once("workforce_annotatortransition", "A change of status stays."),
    *_of_persons("workforce_shift", "A model has no shifts."),
    *_of_persons("workforce_leave", "A model takes no leave."),
    *both(
        "workforce_declaredcapacity_of_vendor",
        "workforce_declaredcapacity",
        "NOT EXISTS (SELECT 1 FROM workforce_pool p WHERE p.id = NEW.pool_id "
        "AND p.kind = 'outsourced')",
        "Capacity is declared for the pools of vendors.",
    ),
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
