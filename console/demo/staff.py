"""The demo's users who act, and how they are found again when the demo goes on."""

from dataclasses import dataclass
from datetime import datetime

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user, house, system_user
from workforce.models import Pool

PASSWORD = "labelling-demo"
DOMAIN = "demo.example"
LOGINS = (
    ("operations", "Olga Operations", Role.OPERATIONS),
    ("operations2", "Otto Operations", Role.OPERATIONS),
    ("quality", "Quinn Quality", Role.QUALITY_LEAD),
    ("sla", "Sara Service-Levels", Role.SLA_REVIEWER),
    ("finance", "Finn Finance", Role.FINANCE),
    ("auditor", "Audrey Auditor", Role.AUDITOR),
    ("admin", "Ada Administrator", Role.ADMINISTRATOR),
)


@dataclass(frozen=True)
class Staff:
    """The demo's users who act, and its in-house pool."""

    operations: User
    second: User
    finance: User
    quality: User
    in_house: Pool


def make_users(now: datetime) -> dict[str, User]:
    """Make one login for each of the house's roles (and a second operator, for four eyes)."""
    by = {"acting_user": system_user("system.demo"), "now": now}
    return {
        name: create_user(
            email=f"{name}@{DOMAIN}",
            name=title,
            organisation=house(),
            roles=[role],
            password=PASSWORD,
            **by,  # type: ignore[arg-type]
        )
        for name, title, role in LOGINS
    }


def staff() -> Staff:
    """Return the demo's users as they stand in the database."""
    users = {user.email: user for user in User.objects.filter(email__endswith=f"@{DOMAIN}")}
    operations, second, finance, quality = (
        users[f"{name}@{DOMAIN}"] for name in ("operations", "operations2", "finance", "quality")
    )
    return Staff(operations, second, finance, quality, Pool.objects.get(key="in-house"))
