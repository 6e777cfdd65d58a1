"""What each role may do: one table, read by services, pages, keys and commands."""

from typing import TYPE_CHECKING

from accounts.choices import Role
from common.errors import Forbidden

if TYPE_CHECKING:
    from accounts.models import User

OPS, QUALITY, SLA, FINANCE = Role.OPERATIONS, Role.QUALITY_LEAD, Role.SLA_REVIEWER, Role.FINANCE
AUDITOR, ADMIN, VENDOR, PERSON, SYSTEM = (
    Role.AUDITOR,
    Role.ADMINISTRATOR,
    Role.VENDOR_MANAGER,
    Role.ANNOTATOR,
    Role.SYSTEM,
)
READERS = frozenset({OPS, QUALITY, SLA, FINANCE, AUDITOR, ADMIN, SYSTEM})

# permission → roles. The administrator manages users, keys and settings, and approves nothing.
PERMISSIONS: dict[str, frozenset[str]] = {
    "people.view": READERS,
    "people.manage": frozenset({OPS, SYSTEM}),
    "persons.view": frozenset({OPS, AUDITOR, SYSTEM}),
    "persons.manage": frozenset({OPS, SYSTEM}),
    "facts.verify": frozenset({OPS, SYSTEM}),
    "annotators.pause": frozenset({OPS, QUALITY, SYSTEM}),
    "vendors.view": READERS,
    "vendors.manage": frozenset({OPS, SYSTEM}),
    "attestations.verify": frozenset({OPS, SYSTEM}),
    "vendors.score": frozenset({OPS, QUALITY, SYSTEM}),
    "work.view": READERS,
    "projects.manage": frozenset({OPS, SYSTEM}),
    "catalogue.manage": frozenset({OPS, QUALITY, SYSTEM}),
    "tasks.import": frozenset({OPS, SYSTEM}),
    "policies.edit": frozenset({OPS, SYSTEM}),
    "policies.publish": frozenset({OPS, SYSTEM}),
    "routing.view": READERS,
    "routing.run": frozenset({OPS, SYSTEM}),
    "assignments.manage": frozenset({OPS, SYSTEM}),
    "leases.expire": frozenset({OPS, SYSTEM}),
    "tasks.stop": frozenset({OPS, QUALITY, SYSTEM}),
    "judgments.view": frozenset({OPS, QUALITY, SLA, AUDITOR, SYSTEM}),
    "judgments.record": frozenset({OPS, SYSTEM}),
    "judgments.import": frozenset({OPS, QUALITY, SYSTEM}),
    "gold.view": frozenset({QUALITY, AUDITOR, SYSTEM}),
    "gold.manage": frozenset({QUALITY, SYSTEM}),
    "reviews.view": frozenset({OPS, QUALITY, AUDITOR, SYSTEM}),
    "reviews.manage": frozenset({QUALITY, SYSTEM}),
    "reviews.contest": frozenset({OPS, QUALITY, SLA}),
    # They tell gold from work, where gold is contradicted.
    "adjudications.view": frozenset({QUALITY, AUDITOR, SYSTEM}),
    "adjudications.open": frozenset({QUALITY, SYSTEM}),
    "adjudications.decide": frozenset({QUALITY}),
    "audits.view": frozenset({OPS, QUALITY, AUDITOR, SYSTEM}),
    "audits.manage": frozenset({QUALITY, SYSTEM}),
    "qualification.view": frozenset({OPS, QUALITY, AUDITOR, SYSTEM}),
    "qualification.manage": frozenset({QUALITY, SYSTEM}),
    "lineage.view": frozenset({OPS, QUALITY, AUDITOR, SYSTEM}),
    "alarms.view": frozenset({OPS, QUALITY, AUDITOR, SYSTEM}),
    "alarms.manage": frozenset({OPS, QUALITY, SYSTEM}),
    "ratings.view": frozenset({OPS, QUALITY, SLA, AUDITOR, SYSTEM}),
    "agreement.measure": frozenset({OPS, QUALITY, SYSTEM}),
    "relabel.manage": frozenset({OPS, QUALITY, SYSTEM}),
    "drift.watch": frozenset({OPS, QUALITY, SYSTEM}),
    "bias.check": frozenset({OPS, QUALITY, SYSTEM}),
    "pauses.propose": frozenset({OPS, QUALITY, SYSTEM}),
    "pauses.decide": frozenset({QUALITY}),
    "accuracy.estimate": frozenset({OPS, QUALITY, SYSTEM}),
    "effort.refit": frozenset({OPS, QUALITY, SYSTEM}),
    "rates.view": frozenset({FINANCE, OPS, AUDITOR, SYSTEM}),
    "rates.manage": frozenset({FINANCE, SYSTEM}),
    "users.view": frozenset({ADMIN, AUDITOR, SYSTEM}),
    "users.manage": frozenset({ADMIN, SYSTEM}),
    "keys.manage": frozenset({ADMIN, SYSTEM}),
    "files.view": READERS,
    "files.sweep": frozenset({ADMIN, SYSTEM}),
    "jobs.pick_up": frozenset({ADMIN, SYSTEM}),
    "events.view": frozenset({AUDITOR, ADMIN, SYSTEM}),
    "events.seal": frozenset({ADMIN, SYSTEM}),
    "events.verify": frozenset({ADMIN, SYSTEM}),
    "own_people.manage": frozenset({VENDOR}),
    "own_capacity.declare": frozenset({VENDOR}),
    "own_work.do": frozenset({PERSON}),
}

# What only a person who has signed in does: approvals, and what could make more keys. Whoever makes
# a key knows its secret; with these the administrator could approve what the house's work rests on.
PERSONAL = frozenset(
    {
        "facts.verify",
        "annotators.pause",
        "pauses.decide",
        "attestations.verify",
        "policies.publish",
        "rates.manage",
        "users.manage",
        "keys.manage",
    }
)
# What a key may carry.
SCOPES = tuple(sorted(set(PERMISSIONS) - PERSONAL))


def can(user: "User", permission: str) -> bool:
    """Tell whether the user's roles allow an action; a superuser's do (four eyes still hold).

    Raises
    ------
    KeyError
        If there is no such permission: a typing error must not read as a refusal.
    """
    roles = PERMISSIONS[permission]
    if not user.is_active:
        return False
    return bool(user.is_superuser or user.roles & roles)


def require(user: "User", permission: str) -> None:
    """Go on, or raise.

    Raises
    ------
    Forbidden
        If the user's roles do not allow the action.
    """
    if not can(user, permission):
        raise Forbidden(action=permission)
