"""Which roles suit which kind of organisation, and that users stay where they are."""

from common.triggers import Rule, both, write_once

_AT = (
    "SELECT 1 FROM accounts_user u JOIN accounts_organisation o ON o.id = u.organisation_id "
    "WHERE u.id = NEW.user_id AND o.kind ="
)
_KEPT = ("user_id", "name", "prefix", "secret_hash", "scopes", "created_at", "created_by_id")

RULES = (
    *both(
        "accounts_membership_role_suits",
        "accounts_membership",
        f"(NEW.role = 'vendor_manager' AND EXISTS ({_AT} 'house')) OR "
        f"(NEW.role NOT IN ('vendor_manager', 'annotator') AND EXISTS ({_AT} 'vendor'))",
        "This role does not suit that kind of organisation.",
    ),
    Rule(
        "accounts_apikey_stays",
        "accounts_apikey",
        "UPDATE",
        " OR ".join(
            [f"NEW.{name} <> OLD.{name}" for name in _KEPT]
            + [
                "coalesce(CAST(NEW.expires_at AS text), '') <> "
                "coalesce(CAST(OLD.expires_at AS text), '')"
            ]
            + ["(OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL)"]
        ),
        "A key is made once; it can be used and revoked, and stays revoked.",
    ),
    *write_once("accounts_storedfile", "A stored file is never changed or deleted."),
    Rule(
        "accounts_user_stays",
        "accounts_user",
        "UPDATE",
        "NEW.organisation_id <> OLD.organisation_id",
        "A user stays with the organisation; make a new user.",
    ),
    Rule(
        "accounts_organisation_kind_stays",
        "accounts_organisation",
        "UPDATE",
        "NEW.kind <> OLD.kind",
        "The kind of an organisation does not change.",
    ),
)
